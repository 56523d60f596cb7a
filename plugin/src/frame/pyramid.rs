//! A picture of a face in more than the crop's resolution, kept to be copied from.
//!
//! A [`Pyramid`] holds it at a whole multiple of the crop's size and at smaller sizes, down to the
//! crop's, at which the generator is shown it.

use mde_core::alignment::Affine;
use mde_core::registration::Displacement;

use super::sampler::{BLOCK, rounded, within};

/// The longest side of a picture that is kept, in pixels.
pub const LONGEST: usize = 512;

/// A picture may have this much more pixels a crop pixel than the frame it is laid on: interpolated
/// there, it does not show steps yet. Of one with more a smaller copy is taken.
const MOST_SURPLUS: f64 = std::f64::consts::SQRT_2;

/// A picture may have this share of the frame's pixels along a side: fewer would be seen, and more
/// are not worth a larger picture.
const ENOUGH: f64 = 0.9;

/// Steps of a value from black to white.
const STEPS: f32 = 255.0;

/// Red, green and blue times the known share, and that share, in 255ths.
pub type Pixel = [u8; 4];

/// A picture that is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Width and height of the crop.
    pub crop: (usize, usize),
    /// Pixels to a crop pixel, right and down.
    pub factor: usize,
    /// `[3, factor H, factor W]` in `[0, 1]`.
    pub rgb: &'a [f32],
    /// The same at the crop's size ([`shrink`]), `[3, H, W]`.
    pub small: &'a [f32],
    /// 1 where the crop's pixel is known, 0 where it is not, `[H, W]`.
    pub known: &'a [f32],
}

/// A picture at its size and at smaller ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Pyramid {
    /// Those larger than the crop, largest first.
    levels: Vec<Level>,
    /// At the crop's size.
    base: Level,
}

/// The picture at one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Width and height in pixels, at least 2 each.
    pub size: (usize, usize),
    /// Pixels to a crop pixel.
    pub factor: f64,
    /// Row by row.
    pub pixels: Vec<Pixel>,
}

/// How many pixels to a crop pixel of `crop` = (width, height) a picture read from a frame by
/// `to_frame` should have: about as many as the frame, no more than make 512 a
/// side. 1 where the frame shows no more than the crop.
pub fn factor_of(to_frame: &Affine, crop: (usize, usize)) -> usize {
    let most = (LONGEST / crop.0.max(crop.1)).max(1);
    // A NaN becomes 0.
    let wanted = (scale(to_frame) * ENOUGH).ceil() as usize;
    wanted.clamp(1, most)
}

/// Means of `factor` x `factor` pixels of `rgb`, `[3, factor H, factor W]`, as `[3, H, W]` with
/// `crop` = (W, H).
pub fn shrink(rgb: &[f32], (width, height): (usize, usize), factor: usize, small: &mut Vec<f32>) {
    small.clear();
    let share = 1.0 / (factor * factor) as f32;
    for rows in rgb.chunks_exact(factor * factor * width).take(3 * height) {
        let start = small.len();
        small.resize(start + width, 0.0);
        for row in rows.chunks_exact(factor * width) {
            for (mean, block) in small[start..].iter_mut().zip(row.chunks_exact(factor)) {
                *mean += block.iter().sum::<f32>() * share;
            }
        }
    }
}

impl Pyramid {
    /// Keeps `picture`; but for the crop's size nothing counts as known next to what is not.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn new(picture: &Picture<'_>) -> Self {
        let (width, height) = picture.crop;
        let (values, pixels) = (3 * width * height, width * height);
        let factor = picture.factor;
        assert_eq!(picture.rgb.len(), values * factor * factor);
        assert_eq!(picture.small.len(), values, "three values a pixel");
        assert_eq!(picture.known.len(), pixels, "one value a pixel");
        let mut levels = Vec::new();
        if factor > 1 {
            levels.push(full(picture));
        }
        while let Some(last) = levels.last().filter(|level| level.factor > 2.0) {
            let next = last.halved();
            levels.push(next);
        }
        Self {
            levels,
            base: base(picture),
        }
    }

    /// The picture at the crop's size.
    pub fn base(&self) -> &Level {
        &self.base
    }

    /// The picture that a frame can show onto which `to_frame` maps the crop; nothing where it shows
    /// no more than the crop.
    pub fn at(&self, to_frame: &Affine) -> Option<&Level> {
        let most = scale(to_frame) * MOST_SURPLUS;
        self.levels.iter().find(|level| level.factor <= most)
    }

    /// Bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        let levels = self.levels.iter().chain([&self.base]);
        let pixels: usize = levels.map(|level| level.pixels.len()).sum();
        pixels * size_of::<Pixel>()
    }
}

impl Level {
    /// Red, green and blue at the `count` first of `positions`, `(x, y)` in crop pixels, in the range
    /// from black to white, and how much is known, in `[0, 1]`; they are multiplied by that already.
    /// Nothing beyond the picture.
    #[inline(always)]
    pub fn look_up(&self, positions: [[f32; BLOCK]; 2], count: usize) -> [[f32; 4]; BLOCK] {
        let places = self.places(positions);
        let mut values = [[0.0; 4]; BLOCK];
        for (i, value) in values.iter_mut().enumerate().take(count) {
            *value = self
                .linear(&places, i)
                .map(|v| v * places.inside[i] / STEPS);
        }
        values
    }

    /// The same, as sharp as a picture can be that is sampled anew (Catmull and Rom's cubic), but
    /// next to what is not known.
    #[inline(always)]
    pub fn look_up_sharp(&self, positions: [[f32; BLOCK]; 2], count: usize) -> [[f32; 4]; BLOCK] {
        let places = self.places(positions);
        let mut values = [[0.0; 4]; BLOCK];
        for (i, value) in values.iter_mut().enumerate().take(count) {
            let sharp = self.cubic(&places, i);
            let found = sharp.unwrap_or_else(|| self.linear(&places, i));
            *value = found.map(|v| v * places.inside[i] / STEPS);
        }
        values
    }

    /// Where `positions`, in crop pixels, lie among the pixels.
    #[inline(always)]
    fn places(&self, positions: [[f32; BLOCK]; 2]) -> Places {
        let factor = self.factor as f32;
        let sides = [self.size.0, self.size.1];
        let (mut first, mut fraction) = ([[0u32; BLOCK]; 2], [[0.0; BLOCK]; 2]);
        let mut inside = [1.0f32; BLOCK];
        for axis in 0..2 {
            // Short of the last pixel, so that there is always one behind.
            let (last, most) = (sides[axis] as f32 - 0.5, sides[axis] as f32 - 1.001);
            for i in 0..BLOCK {
                let position = (positions[axis][i] + 0.5) * factor - 0.5;
                let is_inside = (position >= -0.5) & (position < last);
                inside[i] = if is_inside { inside[i] } else { 0.0 };
                let position = within(position, 0.0, most);
                // On a whole number the one before it will do, with a fraction of 1.
                let whole = rounded(position - 0.5, most);
                first[axis][i] = whole;
                fraction[axis][i] = position - whole as i32 as f32;
            }
        }
        Places {
            first,
            fraction,
            inside,
        }
    }

    /// Between the four pixels around place `i`, in 255ths.
    #[inline(always)]
    fn linear(&self, places: &Places, i: usize) -> [f32; 4] {
        let width = self.size.0;
        let from = places.first[1][i] as usize * width + places.first[0][i] as usize;
        let around = &self.pixels[from..from + width + 2];
        let [a, b] = [around[0], around[1]].map(|pixel| pixel.map(f32::from));
        let [c, d] = [around[width], around[width + 1]].map(|pixel| pixel.map(f32::from));
        let (fx, fy) = (places.fraction[0][i], places.fraction[1][i]);
        std::array::from_fn(|lane| {
            let upper = a[lane] + fx * (b[lane] - a[lane]);
            let lower = c[lane] + fx * (d[lane] - c[lane]);
            upper + fy * (lower - upper)
        })
    }

    /// The same between sixteen; nothing where one of them is not wholly known or lies outside.
    #[inline(always)]
    fn cubic(&self, places: &Places, i: usize) -> Option<[f32; 4]> {
        let (width, height) = self.size;
        let [x, y] = [places.first[0][i] as usize, places.first[1][i] as usize];
        if x == 0 || y == 0 || x + 2 >= width || y + 2 >= height {
            return None;
        }
        let [across, down] = [0, 1].map(|axis| cubic_weights(places.fraction[axis][i]));
        let (mut sum, mut is_known) = ([0.0f32; 4], true);
        for (row, weight) in (y - 1..y + 3).zip(down) {
            let pixels: &[Pixel; 4] = self.pixels[row * width + x - 1..].first_chunk()?;
            is_known &= pixels.iter().all(|pixel| pixel[3] == u8::MAX);
            for (pixel, across) in pixels.iter().zip(across) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += weight * across * f32::from(*value);
                }
            }
        }
        is_known.then(|| sum.map(|value| within(value, 0.0, STEPS)))
    }

    /// What lies where `displacement` says of each pixel of the picture.
    pub fn displaced(&self, displacement: &Displacement) -> Self {
        let (width, height) = self.size;
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            for start in (0..width).step_by(BLOCK) {
                let count = BLOCK.min(width - start);
                let there: [[f32; 2]; BLOCK] = std::array::from_fn(|i| {
                    let at = [(start + i) as f32, y as f32];
                    let [right, down] = displacement.at(at);
                    [at[0] + right, at[1] + down]
                });
                let positions = [0, 1].map(|axis| there.map(|there| there[axis]));
                let values = self.look_up(positions, count);
                let stored = |value: f32| rounded(value * STEPS, STEPS) as u8;
                pixels.extend(values[..count].iter().map(|value| value.map(stored)));
            }
        }
        Self {
            size: self.size,
            factor: self.factor,
            pixels,
        }
    }

    /// Puts the picture into `rgb`, `[3, H, W]` in `[0, 1]` with unknown values 0, and into `known`
    /// 1 where it is known, else 0, `[H, W]`. What is known in part counts as known.
    pub fn show(&self, rgb: &mut [f32], known: &mut [f32]) {
        let pixels = self.pixels.len();
        for (i, pixel) in self.pixels.iter().enumerate() {
            let share = f32::from(pixel[3]);
            let is_known = share >= STEPS / 2.0;
            known[i] = f32::from(u8::from(is_known));
            for (channel, value) in pixel[..3].iter().enumerate() {
                let value = f32::from(*value) / share.max(1.0);
                rgb[channel * pixels + i] = if is_known { value } else { 0.0 };
            }
        }
    }

    /// Means of four pixels each.
    fn halved(&self) -> Self {
        let size = (self.size.0 / 2, self.size.1 / 2);
        let at = |x: usize, y: usize| self.pixels[y * self.size.0 + x];
        let mean = |x: usize, y: usize| {
            let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(i, j)| at(2 * x + i, 2 * y + j));
            std::array::from_fn(|lane| {
                let sum: u32 = four.iter().map(|pixel| u32::from(pixel[lane])).sum();
                // Within the range of what it is the mean of.
                ((sum + 2) >> 2) as u8
            })
        };
        let rows = (0..size.1).flat_map(|y| (0..size.0).map(move |x| mean(x, y)));
        Self {
            size,
            factor: self.factor / 2.0,
            pixels: rows.collect(),
        }
    }
}

/// Where [`BLOCK`] positions lie among the pixels of a level: the one left of and above each, how far
/// behind it they are, and 1 inside the picture, 0 beyond.
struct Places {
    first: [[u32; BLOCK]; 2],
    fraction: [[f32; BLOCK]; 2],
    inside: [f32; BLOCK],
}

/// Weights of the four pixels around a place that lies `t` behind the second.
#[inline(always)]
fn cubic_weights(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        (-t3 + 2.0 * t2 - t) / 2.0,
        (3.0 * t3 - 5.0 * t2 + 2.0) / 2.0,
        (-3.0 * t3 + 4.0 * t2 + t) / 2.0,
        (t3 - t2) / 2.0,
    ]
}

/// Pixels of a frame to a crop pixel.
fn scale(to_frame: &Affine) -> f64 {
    to_frame.determinant().abs().sqrt()
}

/// The picture at its own size.
fn full(picture: &Picture<'_>) -> Level {
    let (width, height) = picture.crop;
    let factor = picture.factor;
    let (wide, high) = (width * factor, height * factor);
    let known = eroded(picture.known, picture.crop);
    let places: Vec<_> = (0..wide).map(|x| Place::of(x, factor, width)).collect();
    let mut pixels = vec![[0; 4]; wide * high];
    let mut shares = vec![0.0; width];
    for (y, row) in pixels.chunks_exact_mut(wide).enumerate() {
        Place::of(y, factor, height).mix_rows(&known, width, &mut shares);
        if shares.iter().all(|share| *share == 0.0) {
            continue;
        }
        for (x, (pixel, place)) in row.iter_mut().zip(&places).enumerate() {
            let share = place.mix(&shares);
            let values = [0, 1, 2].map(|channel| picture.rgb[(channel * high + y) * wide + x]);
            *pixel = known_pixel(values, share);
        }
    }
    Level {
        size: (wide, high),
        factor: factor as f64,
        pixels,
    }
}

/// The picture at the crop's size.
fn base(picture: &Picture<'_>) -> Level {
    let pixels = picture.known.len();
    let value = |i: usize| {
        let values = [0, 1, 2].map(|channel| picture.small[channel * pixels + i]);
        known_pixel(values, picture.known[i])
    };
    Level {
        size: picture.crop,
        factor: 1.0,
        pixels: (0..pixels).map(value).collect(),
    }
}

/// A pixel of the colour `rgb` of which the share `known` is known.
#[inline(always)]
fn known_pixel(rgb: [f32; 3], known: f32) -> Pixel {
    let [red, green, blue] = rgb.map(|value| rounded(value * known * STEPS, STEPS) as u8);
    [red, green, blue, rounded(known * STEPS, STEPS) as u8]
}

/// Where a pixel of a picture lies among those of a smaller one, edge on edge: after which, and how
/// far behind it.
struct Place {
    first: usize,
    second: usize,
    fraction: f32,
}

impl Place {
    fn of(pixel: usize, factor: usize, side: usize) -> Self {
        let position = (pixel as f32 + 0.5) / factor as f32 - 0.5;
        let position = position.clamp(0.0, side as f32 - 1.0);
        let first = position as usize;
        Self {
            first,
            second: (first + 1).min(side - 1),
            fraction: position - first as f32,
        }
    }

    fn mix(&self, row: &[f32]) -> f32 {
        let (first, second) = (row[self.first], row[self.second]);
        first + self.fraction * (second - first)
    }

    /// The row at this place between those of `plane`, `width` values each.
    fn mix_rows(&self, plane: &[f32], width: usize, row: &mut [f32]) {
        let [first, second] = [self.first, self.second].map(|y| &plane[y * width..][..width]);
        for ((value, first), second) in row.iter_mut().zip(first).zip(second) {
            *value = first + self.fraction * (second - first);
        }
    }
}

/// 1 where a pixel and the eight around it are known, else 0: beside what is unknown the picture at
/// the crop's size is a mixture.
fn eroded(known: &[f32], (width, height): (usize, usize)) -> Vec<f32> {
    let around = |v: usize, side: usize| v.saturating_sub(1)..(v + 2).min(side);
    let is_known = |x: usize, y: usize| {
        around(y, height).all(|y| around(x, width).all(|x| known[y * width + x] >= 1.0))
    };
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    rows.map(|(x, y)| f32::from(u8::from(is_known(x, y))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_weights_meet_the_pixels_and_keep_lines_straight() {
        assert_eq!(cubic_weights(0.0), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(cubic_weights(1.0), [0.0, 0.0, 1.0, 0.0]);
        for t in [0.1, 0.35, 0.5, 0.8] {
            let weights = cubic_weights(t);
            let at = |power: i32| -> f32 {
                let places = [-1.0f32, 0.0, 1.0, 2.0];
                places
                    .iter()
                    .zip(weights)
                    .map(|(x, w)| w * x.powi(power))
                    .sum()
            };
            assert!((at(0) - 1.0).abs() < 1e-6 && (at(1) - t).abs() < 1e-6);
        }
    }

    const CROP: (usize, usize) = (16, 12);

    /// A picture with texture of every size.
    fn picture(factor: usize) -> Vec<f32> {
        let (wide, high) = (CROP.0 * factor, CROP.1 * factor);
        let value = |i: usize| 0.3 + 0.4 * ((i * 97 % 64) as f32 / 63.0);
        (0..3 * wide * high).map(value).collect()
    }

    fn pyramid_of(rgb: &[f32], factor: usize, known: &[f32]) -> (Pyramid, Vec<f32>) {
        let mut small = Vec::new();
        shrink(rgb, CROP, factor, &mut small);
        let pyramid = Pyramid::new(&Picture {
            crop: CROP,
            factor,
            rgb,
            small: &small,
            known,
        });
        (pyramid, small)
    }

    fn magnified(scale: f64) -> Affine {
        Affine {
            linear: [[scale, 0.0], [0.0, scale]],
            translation: [3.0, 5.0],
        }
    }

    #[test]
    fn it_is_the_picture_at_its_size_and_the_crop_s() {
        let factor = 3;
        let rgb = picture(factor);
        let (pyramid, small) = pyramid_of(&rgb, factor, &[1.0; CROP.0 * CROP.1]);
        let level = pyramid.at(&magnified(3.0)).expect("a level");
        assert_eq!((level.size, pyramid.base().size), ((48, 36), CROP));
        for (level, wanted) in [(level, &rgb), (pyramid.base(), &small)] {
            let pixels = level.pixels.len();
            for (i, pixel) in level.pixels.iter().enumerate() {
                for channel in 0..3 {
                    let found = f32::from(pixel[channel]) / STEPS;
                    let wanted = wanted[channel * pixels + i];
                    assert!((found - wanted).abs() < 0.003, "{found} {wanted}");
                }
                assert_eq!(pixel[3], 255);
            }
        }
    }

    #[test]
    fn there_is_none_beside_what_is_unknown() {
        let rgb = picture(2);
        let mut known = vec![1.0; 192];
        known[5 * 16 + 7] = 0.0;
        let (pyramid, _) = pyramid_of(&rgb, 2, &known);
        let level = pyramid.at(&magnified(2.0)).expect("a level");
        for (i, pixel) in level.pixels.iter().enumerate() {
            let (x, y) = ((i % 32) as i32, (i / 32) as i32);
            // The unknown pixel is at 14, 15 and 10, 11.
            let away = (x - 14).max(15 - x).max(y - 10).max(11 - y);
            match pixel[3] {
                0 => assert_eq!(*pixel, [0; 4]),
                255 => assert!(away > 3, "{x} {y}"),
                _ => assert!((3..=5).contains(&away), "{x} {y}: {away}"),
            }
            assert!(pixel[3] == 255 || away < 6, "{x} {y}");
        }
        // The generator is shown all that is known.
        let base = &pyramid.base().pixels;
        assert_eq!(base.iter().filter(|pixel| pixel[3] == 0).count(), 1);
    }

    #[test]
    fn a_frame_shows_no_more_than_it_has_pixels_for() {
        let rgb = picture(4);
        let (pyramid, _) = pyramid_of(&rgb, 4, &[1.0; 192]);
        let factor = |scale: f64| pyramid.at(&magnified(scale)).map(|level| level.factor);
        assert_eq!(factor(8.0), Some(4.0));
        assert_eq!(factor(3.0), Some(4.0));
        assert_eq!(factor(2.0), Some(2.0));
        assert_eq!(factor(1.0), None);
        assert_eq!(factor(f64::NAN), None);
        // What is smaller is smoother.
        let energy = |scale: f64| {
            let level = pyramid.at(&magnified(scale)).expect("a level");
            let mean = 0.5 * STEPS;
            let squares = level
                .pixels
                .iter()
                .map(|p| (f32::from(p[0]) - mean).powi(2));
            squares.sum::<f32>() / level.pixels.len() as f32
        };
        assert!(energy(2.0) < 0.6 * energy(4.0));
    }

    #[test]
    fn a_picture_has_the_frame_s_pixels_up_to_a_limit() {
        let factor = |scale: f64| factor_of(&magnified(scale), (128, 128));
        assert_eq!(factor(0.5), 1);
        assert_eq!(factor(1.1), 1);
        assert_eq!(factor(1.5), 2);
        assert_eq!(factor(3.125), 3);
        assert_eq!(factor(9.0), 4);
        assert_eq!(factor(f64::NAN), 1);
        assert_eq!(factor_of(&magnified(3.0), (1024, 1024)), 1);
    }

    #[test]
    fn shrinking_takes_means() {
        let rgb: Vec<f32> = (0..3 * 4 * 4).map(|i| i as f32).collect();
        let mut small = vec![7.0];
        shrink(&rgb, (2, 2), 2, &mut small);
        assert_eq!(small[..4], [2.5, 4.5, 10.5, 12.5]);
        assert_eq!(small.len(), 12);
    }
}
