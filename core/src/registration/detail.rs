//! What pictures are registered by.

use super::blur::Blur;

/// Radius of the box that, applied twice, is the light of a pixel's surroundings, as a share of the
/// picture's width: so wide that what is left leads there from some pixels away.
const LIGHT: f32 = 0.078;
/// The same of the box that, applied once, leaves no noise.
const NOISE: f32 = 0.016;

/// What is left of a picture without its light and its noise, with its slope.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    pub(super) size: (usize, usize),
    /// Value, slope to the right, slope down, and 1 where it is known, else 0; in [`UNITS`].
    pub(super) pixels: Vec<[i16; 4]>,
    /// Of the pixels, while they are read.
    light: Vec<f32>,
}

/// Steps from black to white: a picture is kept for long, so that it takes half the memory.
pub(super) const UNITS: f32 = 16_000.0;

impl Detail {
    /// Of a picture of `size` = (width, height), `rgb` `[3, H, W]` in `[0, 1]`, of which the pixels
    /// are known where `known`, `[H, W]`, is 1.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn new(size: (usize, usize), rgb: &[f32], known: &[f32]) -> Self {
        let mut detail = Self::default();
        detail.read(size, rgb, known, &mut Blur::default());
        detail.find_slopes();
        detail
    }

    /// Bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(self.pixels.as_slice())
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
        let radius = |share: f32| ((share * width as f32).round() as usize).max(1);
        self.size = size;
        self.pixels.clear();
        blur.twice(
            size,
            radius(LIGHT),
            (0..pixels).map(|i| gray(i) * is_known(i)),
        );
        blur.keep();
        blur.twice(size, radius(LIGHT), (0..pixels).map(is_known));
        self.light.clear();
        let means = |blur: &Blur, i: usize| blur.kept[i] / blur.values[i].max(1e-6);
        self.light.extend((0..pixels).map(|i| means(blur, i)));
        blur.once(
            size,
            radius(NOISE),
            (0..pixels).map(|i| gray(i) * is_known(i)),
        );
        blur.keep();
        blur.once(size, radius(NOISE), (0..pixels).map(is_known));
        self.pixels.extend((0..pixels).map(|i| {
            let known = is_known(i) * UNITS;
            let value = (means(blur, i) - self.light[i]).clamp(-1.0, 1.0) * known;
            [value as i16, 0, 0, known as i16]
        }));
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
                self.pixels[i][1..3].copy_from_slice(&slopes.map(|slope| slope / 2));
            }
        }
    }

    /// Value, slopes and known share at `at` = (x, y); nothing outside the picture.
    #[inline(always)]
    pub(super) fn look_up(&self, [x, y]: [f32; 2]) -> Option<[f32; 4]> {
        let (width, height) = self.size;
        let is_inside = x >= 0.0 && y >= 0.0 && x < (width - 1) as f32 && y < (height - 1) as f32;
        if !is_inside {
            return None;
        }
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x - left as f32, y - top as f32);
        let at = top * width + left;
        let upper = &self.pixels[at..at + 2];
        let lower = &self.pixels[at + width..at + width + 2];
        Some(std::array::from_fn(|lane| {
            let between = |row: &[[i16; 4]]| {
                let [left, right] = [row[0], row[1]].map(|pixel| f32::from(pixel[lane]));
                left + fx * (right - left)
            };
            let (upper, lower) = (between(upper), between(lower));
            (upper + fy * (lower - upper)) / UNITS
        }))
    }
}
