//! What single pixels of a frame hold: their colour, their alpha.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};
use mde_core::occlusion::Rect;

use super::colour::Colour;
use super::component::{self, Layout, Sample, with_sample};
use super::write::PixelWeights;

/// The component that alpha is, in formats that have it.
const ALPHA: usize = 3;

/// Whether frames described by `info` have alpha.
pub fn has_alpha(info: &VideoInfo) -> bool {
    info.format_info().has_alpha()
}

/// The pixels to the right and down that share samples in frames described by `info`: (1, 1) where
/// each pixel has its own.
pub fn shared_block(info: &VideoInfo) -> (usize, usize) {
    let format = info.format_info();
    let shift = |subsamplings: &[u32]| subsamplings.iter().copied().max().unwrap_or(0);
    let rows = 1 << shift(format.h_sub());
    // A sample covers rows of one field, and those of the other lie between them.
    let fields = 1 + usize::from(info.is_interlaced() && rows > 1);
    (1 << shift(format.w_sub()), rows * fields)
}

/// How much of a pixel's colour is that of a [`ColourRange`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// It is another colour.
    #[default]
    None,
    /// What the pixel has for itself is as the colour has it; samples that it shares with its
    /// neighbours are not.
    Own,
    /// All of it.
    All,
}

/// The colours near one.
#[derive(Clone, Copy, Debug)]
pub struct ColourRange {
    /// The colour in the middle.
    pub rgb: [u8; 3],
    /// How far each component of a pixel may be from the colour's, in steps of 8-bit components.
    pub tolerance: f32,
}

impl ColourRange {
    /// Whether `rgb` in `[0, 1]`, a mean over pixels, is of the range, give or take what chroma that
    /// is shared with others and rounding change.
    pub fn holds(&self, rgb: [f32; 3]) -> bool {
        /// In steps of 8-bit components.
        const SLACK: f32 = 12.0;
        let near = |(a, b): (f32, u8)| (255.0 * a - f32::from(b)).abs() <= self.tolerance + SLACK;
        rgb.into_iter().zip(self.rgb).all(near)
    }
}

/// Looks at pixels. Made once and reused, so that it allocates only for a row longer than all
/// before.
#[derive(Clone, Debug, Default)]
pub struct Search {
    matches: Vec<Match>,
    alphas: Vec<f32>,
}

impl Search {
    /// Calls `take` with each row of `area` and the alpha of its pixels, in `[0, 1]`: not at all in
    /// formats without alpha.
    ///
    /// # Panics
    /// If `area` reaches beyond the frame, or the format is not a
    /// [supported](super::SUPPORTED_FORMATS) one.
    pub fn alpha<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        area: Rect,
        mut take: impl FnMut(usize, &[f32]),
    ) {
        if !has_alpha(frame.info()) {
            return;
        }
        let layout = Layout::of(frame, ALPHA);
        let most = ((1u32 << frame.info().comp_depth(ALPHA as u8)) - 1) as f32;
        let data = frame
            .plane_data(layout.plane)
            .expect("a supported format has the plane");
        for y in area.y0..area.y1 {
            let start = layout.start_of(y);
            self.alphas.clear();
            with_sample!(layout.packing, sample => {
                self.alphas.extend((area.x0..area.x1).map(|x| {
                    sample.get(data, start + x * layout.step) / most
                }));
            });
            take(y, &self.alphas);
        }
    }

    /// Calls `take` with each row of `area` in which something is of the colour, and how much of
    /// its pixels is. A pixel has the chroma of the sample that covers it.
    ///
    /// # Panics
    /// As [`Self::alpha`].
    pub fn colour<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        ColourRange { rgb, tolerance }: ColourRange,
        area: Rect,
        mut take: impl FnMut(usize, &[Match]),
    ) {
        let info = frame.info();
        let samples = Colour::of(info).samples(rgb.map(|v| f32::from(v) / 255.0));
        let count = component::count(frame);
        let ranges = [0, 1, 2].map(|index: usize| {
            let index = index.min(count - 1);
            let depth = info.comp_depth(index as u8);
            let margin = tolerance * ((1u32 << depth) - 1) as f32 / 255.0;
            // Samples are whole numbers, the colour's are not.
            let sample = samples[index].round();
            [sample - margin, sample + margin]
        });
        for y in area.y0..area.y1 {
            self.matches.clear();
            self.matches.resize(area.width(), Match::All);
            let is_found =
                (0..count).all(|index| self.narrow(frame, index, ranges[index], area, y));
            if is_found {
                take(y, &self.matches);
            }
        }
    }

    /// Lowers the matches of row `y` whose component `index` is not within the range; tells whether
    /// any are left.
    fn narrow<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        index: usize,
        [least, most]: [f32; 2],
        area: Rect,
        y: usize,
    ) -> bool {
        let layout = Layout::of(frame, index);
        let data = frame
            .plane_data(layout.plane)
            .expect("a supported format has the plane");
        let start = layout.start_of(layout.row_of(y));
        let without = match layout.is_full() {
            true => Match::None,
            false => Match::Own,
        };
        let mut best = Match::None;
        with_sample!(layout.packing, sample => {
            for (found, x) in self.matches.iter_mut().zip(area.x0..) {
                let at = start + (x >> layout.shift[0]) * layout.step;
                let value = sample.get(data, at);
                if value < least || most < value {
                    *found = (*found).min(without);
                }
                best = best.max(*found);
            }
        });
        best != Match::None
    }
}

/// Makes the pixels among `pixels` that have weights opaque, as far as `strength` in `[0, 1]` says.
/// Nothing happens in formats without alpha.
///
/// # Panics
/// As [`Search::alpha`].
pub fn make_opaque(
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    pixels: PixelWeights<'_>,
    strength: f32,
) {
    if !has_alpha(frame.info()) {
        return;
    }
    let layout = Layout::of(frame, ALPHA);
    let most = ((1u32 << frame.info().comp_depth(ALPHA as u8)) - 1) as f32;
    let data = frame
        .plane_data_mut(layout.plane)
        .expect("a supported format has the plane");
    with_sample!(layout.packing, sample => {
        for y in pixels.area.y0..pixels.area.y1 {
            let (first, weights) = pixels.row(y);
            for (x, weight) in (first..).zip(weights) {
                let at = layout.start_of(y) + x * layout.step;
                let alpha = sample.get(data, at);
                if *weight > 0.0 && alpha < most {
                    sample.put(data, at, alpha + (most - alpha) * strength);
                }
            }
        }
    });
}
