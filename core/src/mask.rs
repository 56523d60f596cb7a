//! The paper's mask `M` (section 2.3): which values of a picture are known.
//!
//! A [`Mask`] is `[3, H, W]`, one plane a colour channel, 1 where the value is known and 0 where
//! it is to be completed. In user-facing mask *files* it is the other way round: white means
//! "complete this", as every inpainting tool has it.

mod free_form;
mod task;

pub use free_form::Strokes;
pub use task::{ParseTaskError, Task};

use ndarray::{Array3, ArrayView3, Axis, s};
use rand::{Rng, RngExt};

use crate::occlusion::{Occlusion, Rect};

/// Colour channels of a picture.
pub const CHANNELS: usize = 3;

/// Which values of a `[3, H, W]` picture are known (1) and which are missing (0).
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    known: Array3<f32>,
}

impl Mask {
    /// A mask under which everything is known.
    pub fn known(width: usize, height: usize) -> Self {
        Self {
            known: Array3::ones((CHANNELS, height, width)),
        }
    }

    /// A mask under which everything is missing.
    pub fn missing(width: usize, height: usize) -> Self {
        Self {
            known: Array3::zeros((CHANNELS, height, width)),
        }
    }

    /// A mask whose hole is the union of `occlusions`, scaled from the 96x96 crop.
    pub fn from_occlusions(
        width: usize,
        height: usize,
        occlusions: impl IntoIterator<Item = Occlusion>,
    ) -> Self {
        let mut mask = Self::known(width, height);
        for occlusion in occlusions {
            mask.drop_rect(occlusion.rect().scaled_to(width, height));
        }
        mask
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.known.dim().2
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.known.dim().1
    }

    /// The values, `[3, H, W]`, each 0 or 1.
    pub fn view(&self) -> ArrayView3<'_, f32> {
        self.known.view()
    }

    /// The values in row-major `[3, H, W]` order.
    pub fn as_slice(&self) -> &[f32] {
        self.known
            .as_slice()
            .expect("a mask owns its values in row-major order")
    }

    /// Whether the value of `channel` at `(x, y)` is known.
    pub fn is_known(&self, channel: usize, x: usize, y: usize) -> bool {
        self.known[[channel, y, x]] != 0.0
    }

    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.known.iter().all(|&v| v != 0.0)
    }

    /// Makes all channels inside `rect` missing.
    pub fn drop_rect(&mut self, rect: Rect) {
        self.known
            .slice_mut(s![.., rect.y0..rect.y1, rect.x0..rect.x1])
            .fill(0.0);
    }

    /// Makes the whole of one channel missing.
    pub fn drop_channel(&mut self, channel: usize) {
        self.known.slice_mut(s![channel, .., ..]).fill(0.0);
    }

    /// Makes one pixel missing in all channels.
    pub fn drop_pixel(&mut self, x: usize, y: usize) {
        self.known.slice_mut(s![.., y, x]).fill(0.0);
    }

    /// Known only where both masks are.
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn intersect(&mut self, other: &Self) {
        self.known *= &other.known;
    }

    /// Known and missing exchanged (the paper's `1 - M`).
    pub fn complement(&self) -> Self {
        Self {
            known: self.known.mapv(|v| 1.0 - v),
        }
    }

    /// The smallest rectangle that holds all known values of `channel`, if any is known.
    pub fn known_bounds(&self, channel: usize) -> Option<Rect> {
        let plane = self.known.index_axis(Axis(0), channel);
        let span = |axis| {
            let mut known = plane
                .axis_iter(Axis(axis))
                .map(|line| line.iter().any(|&v| v != 0.0));
            let first = known.position(|k| k)?;
            let more = known
                .enumerate()
                .filter(|(_, k)| *k)
                .map(|(i, _)| i + 1)
                .last();
            Some((first, first + 1 + more.unwrap_or(0)))
        };
        let ((y0, y1), (x0, x1)) = (span(0)?, span(1)?);
        Some(Rect::new(x0, y0, x1, y1))
    }

    /// Share of pixels whose three values are all missing ("dropped").
    pub fn dropped(&self) -> f64 {
        self.share_of_pixels(|known| known == 0)
    }

    /// Share of pixels with at least one missing value ("corrupted").
    pub fn corrupted(&self) -> f64 {
        self.share_of_pixels(|known| known < CHANNELS)
    }

    fn share_of_pixels(&self, of: impl Fn(usize) -> bool) -> f64 {
        let mut hits = 0;
        for y in 0..self.height() {
            for x in 0..self.width() {
                let known = (0..CHANNELS).filter(|&c| self.is_known(c, x, y)).count();
                hits += usize::from(of(known));
            }
        }
        hits as f64 / (self.width() * self.height()) as f64
    }

    fn set_known(&mut self, channel: usize, rect: Rect) {
        self.known
            .slice_mut(s![channel, rect.y0..rect.y1, rect.x0..rect.x1])
            .fill(1.0);
    }
}

/// A rectangle of area `S W H` after equation 6: `h ~ U(S H, H)`, `w = S W H / h`,
/// `x ~ U(0, W - w)`, `y ~ U(0, H - h)`; the pixels with `x < px <= x + w` (counted from 1).
///
/// `ratio` is the paper's `S`, in `(0, 1]`.
pub fn sample_rect(ratio: f64, width: usize, height: usize, rng: &mut (impl Rng + ?Sized)) -> Rect {
    let (full_w, full_h) = (width as f64, height as f64);
    let h = uniform(ratio * full_h, full_h, rng);
    let w = ratio * full_w * full_h / h;
    let x = uniform(0.0, full_w - w, rng);
    let y = uniform(0.0, full_h - h, rng);
    Rect {
        x0: x.floor() as usize,
        y0: y.floor() as usize,
        x1: ((x + w).floor() as usize).min(width),
        y1: ((y + h).floor() as usize).min(height),
    }
}

/// The centred rectangle of area `S W H` with the picture's proportions: the fixed rectangle of
/// the paper's inpainting and reverse inpainting.
pub fn centred_rect(ratio: f64, width: usize, height: usize) -> Rect {
    let inset = |side: usize| {
        let exact = (1.0 - ratio.sqrt()) * side as f64 / 2.0;
        (exact.round() as usize).min(side / 2)
    };
    let (dx, dy) = (inset(width), inset(height));
    Rect::new(dx, dy, width - dx, height - dy)
}

fn uniform(low: f64, high: f64, rng: &mut (impl Rng + ?Sized)) -> f64 {
    low + (high - low) * rng.random::<f64>()
}
