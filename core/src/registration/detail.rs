//! What pictures are registered by.

use super::blur::Blur;

/// Radii of the boxes that, applied twice, give the light of a pixel's near surroundings, and of that
/// the light of the wide ones, as shares of the picture's width.
const NEAR: f32 = 0.024;
const WIDE: f32 = 0.078;

/// What is left of a picture without its light, in two bands.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    pub(super) size: (usize, usize),
    /// The picture without the light of the near surroundings: tells to a small part of a pixel.
    pub(super) fine: Band,
    /// The near surroundings without the light of the wide ones, at half the resolution: leads there
    /// from some pixels away.
    pub(super) coarse: Band,
    /// While a picture is read, the light of the near surroundings, that of the wide ones at half
    /// the resolution, and the sums and counts that this is made of.
    near: Vec<f32>,
    wide: Vec<f32>,
    halves: [Vec<f32>; 2],
}

/// One of the bands.
#[derive(Clone, Debug, Default)]
pub(super) struct Band {
    size: (usize, usize),
    /// Pixels of the picture from one of the band's to the next.
    step: usize,
    /// Value, slope to the right, slope down, and 1 where it is known, else 0; in [`UNITS`].
    pixels: Vec<[i16; 4]>,
}

/// Steps from black to white: a picture is kept for long, so that it takes half the memory.
const UNITS: f32 = 16_000.0;

impl Detail {
    /// Of a picture of `size` = (width, height), `rgb` `[3, H, W]` in `[0, 1]`, of which the pixels
    /// are known where `known`, `[H, W]`, is 1.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn new(size: (usize, usize), rgb: &[f32], known: &[f32]) -> Self {
        let mut detail = Self::default();
        detail.read(size, rgb, known, &mut Blur::default());
        detail.fine.find_slopes();
        detail.coarse.find_slopes();
        Self {
            size: detail.size,
            fine: detail.fine,
            coarse: detail.coarse,
            ..Self::default()
        }
    }

    /// Bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(self.fine.pixels.as_slice()) + size_of_val(self.coarse.pixels.as_slice())
    }

    /// Takes `rgb` over, without its slopes, which are 0.
    pub(super) fn read(
        &mut self,
        size: (usize, usize),
        rgb: &[f32],
        known: &[f32],
        blur: &mut Blur,
    ) {
        let (width, height) = size;
        let pixels = width * height;
        assert_eq!(known.len(), pixels, "one value a pixel");
        assert_eq!(rgb.len(), 3 * pixels, "three values a pixel");
        let is_known = |i: usize| f32::from(u8::from(known[i] > 0.999));
        let gray = |i: usize| (rgb[i] + rgb[pixels + i] + rgb[2 * pixels + i]) / 3.0;
        let radius = |share: f32, width: usize| ((share * width as f32).round() as usize).max(1);
        let near_radius = radius(NEAR, width);
        blur.twice(
            size,
            near_radius,
            (0..pixels).map(|i| gray(i) * is_known(i)),
        );
        blur.keep();
        blur.twice(size, near_radius, (0..pixels).map(is_known));
        let Self {
            near, wide, halves, ..
        } = self;
        near.clear();
        near.extend(means(blur));
        for (half, sums) in halves.iter_mut().zip([&blur.kept, &blur.values]) {
            half.clear();
            let rows = sums.chunks_exact(width.max(1)).step_by(2);
            half.extend(rows.flat_map(|row| row.iter().step_by(2)));
        }
        let half = (width.div_ceil(2), height.div_ceil(2));
        let wide_radius = radius(WIDE, half.0);
        blur.twice(half, wide_radius, halves[0].iter().copied());
        blur.keep();
        blur.twice(half, wide_radius, halves[1].iter().copied());
        wide.clear();
        wide.extend(means(blur));
        self.size = size;
        let Self { near, wide, .. } = self;
        (self.fine).fill(size, 1, |i, _| (gray(i) - near[i], is_known(i)));
        (self.coarse).fill(size, 2, |i, half| (near[i] - wide[half], is_known(i)));
    }
}

/// The sums that `blur` has kept by the last ones.
fn means(blur: &Blur) -> impl Iterator<Item = f32> {
    let sums = blur.kept.iter().zip(&blur.values);
    sums.map(|(sum, count)| sum / count.max(1e-6))
}

impl Band {
    /// Takes every `step`-th pixel of a picture of `size`: the `values` by their index in it and in
    /// the band, and whether they are known.
    fn fill(
        &mut self,
        (width, height): (usize, usize),
        step: usize,
        values: impl Fn(usize, usize) -> (f32, f32),
    ) {
        self.size = (width.div_ceil(step), height.div_ceil(step));
        self.step = step;
        self.pixels.clear();
        for y in (0..height).step_by(step) {
            let row = (0..width).step_by(step);
            let first = self.pixels.len();
            self.pixels.extend(row.enumerate().map(|(column, x)| {
                let (value, known) = values(y * width + x, first + column);
                let known = known * UNITS;
                [(value.clamp(-1.0, 1.0) * known) as i16, 0, 0, known as i16]
            }));
        }
    }

    fn find_slopes(&mut self) {
        let (width, height) = self.size;
        for y in 1..height.saturating_sub(1) {
            for i in y * width + 1..(y + 1) * width - 1 {
                let value = |i: usize| self.pixels[i][0];
                let slopes = [
                    value(i + 1) - value(i - 1),
                    value(i + width) - value(i - width),
                ];
                let across = 2 * self.step as i16;
                self.pixels[i][1..3].copy_from_slice(&slopes.map(|slope| slope / across));
            }
        }
    }

    /// Value, slopes and known share at `at` = (x, y) of the picture; nothing outside of it.
    #[inline(always)]
    pub fn look_up(&self, [x, y]: [f32; 2]) -> Option<[f32; 4]> {
        let (width, height) = self.size;
        let [x, y] = [x, y].map(|v| v / self.step as f32);
        let is_inside = x >= 0.0 && y >= 0.0 && x < (width - 1) as f32 && y < (height - 1) as f32;
        if !is_inside {
            return None;
        }
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x - left as f32, y - top as f32);
        let at = top * width + left;
        let upper = &self.pixels[at..at + 2];
        let lower = &self.pixels[at + width..at + width + 2];
        let [a, b, c, d] = [upper[0], upper[1], lower[0], lower[1]];
        let mut values = [0.0; 4];
        for (lane, value) in values.iter_mut().enumerate() {
            let between = |left: [i16; 4], right: [i16; 4]| {
                let (left, right) = (f32::from(left[lane]), f32::from(right[lane]));
                left + fx * (right - left)
            };
            let (upper, lower) = (between(a, b), between(c, d));
            *value = (upper + fy * (lower - upper)) / UNITS;
        }
        Some(values)
    }
}
