//! Noise of two scales, made once.

use std::sync::LazyLock;

use super::Level;

/// Side of the square of noise, which goes on at its left and top where it ends.
const SIDE: usize = 128;

/// Columns that are repeated at the right, so that a row of as many can begin anywhere.
pub const MARGIN: usize = 64;

/// The sum of the squares of the factors of [`response`].
const WHITE: f32 = 36.0;

/// The noise of all frames.
pub static NOISE: LazyLock<Noise> = LazyLock::new(Noise::new);

/// White noise with the variance 1, and noise without the finest details that has as much
/// [texture](Level) at every second pixel.
#[derive(Debug)]
pub struct Noise {
    fine: Vec<f32>,
    coarse: Vec<f32>,
    /// Texture of the coarse noise at single pixels.
    leak: f32,
}

impl Noise {
    fn new() -> Self {
        let white: Vec<f32> = (0..(SIDE * SIDE) as u64).map(nearly_normal).collect();
        let soft = |at: &dyn Fn(usize) -> f32, i: usize| {
            (at((i + SIDE - 1) % SIDE) + 2.0 * at(i) + at((i + 1) % SIDE)) / 4.0
        };
        let place = |i: usize| (i % SIDE, i / SIDE);
        let across = |i: usize| {
            let (x, y) = place(i);
            soft(&|x| white[y * SIDE + x], x)
        };
        let across: Vec<f32> = (0..SIDE * SIDE).map(across).collect();
        let down = |i: usize| {
            let (x, y) = place(i);
            soft(&|y| across[y * SIDE + x], y)
        };
        let down: Vec<f32> = (0..SIDE * SIDE).map(down).collect();
        let fine = scaled(&white, mean_square(&white, SIDE, 1));
        let coarse = scaled(&down, mean_square(&down, SIDE, 2));
        Self {
            leak: mean_square(&coarse, SIDE, 1),
            fine: with_margin(&fine),
            coarse: with_margin(&coarse),
        }
    }

    /// How much of the fine and of the coarse noise have together the texture `level`, or less
    /// where no sum of both has it.
    pub fn amounts(&self, [fine, coarse]: Level) -> [f32; 2] {
        let of_coarse = ((coarse - fine) / (1.0 - self.leak)).min(fine / self.leak);
        let of_coarse = of_coarse.max(0.0);
        let of_fine = fine.min(coarse) - of_coarse * self.leak;
        [of_fine, of_coarse].map(|square| square.max(0.0).sqrt())
    }

    /// Rows of both, [`MARGIN`] values at least, from the pixel `(x, y)` of a block on that lies
    /// where `place` says.
    pub fn rows(&self, place: u64, [x, y]: [usize; 2]) -> [&[f32]; 2] {
        let [a, b, c, d, ..] = place.to_le_bytes().map(|v| usize::from(v) % SIDE);
        let from = |left: usize, top: usize| (y + top) % SIDE * (SIDE + MARGIN) + left + x;
        let end = |from: usize| from + MARGIN - x;
        let (fine, coarse) = (from(a, b), from(c, d));
        [
            &self.fine[fine..end(fine)],
            &self.coarse[coarse..end(coarse)],
        ]
    }
}

/// Rows with their first values once more at their end.
fn with_margin(values: &[f32]) -> Vec<f32> {
    let rows = values.chunks(SIDE);
    rows.flat_map(|row| row.iter().chain(&row[..MARGIN]).copied())
        .collect()
}

/// Divides by the root of the mean square of the texture.
fn scaled(values: &[f32], mean_square: f32) -> Vec<f32> {
    values.iter().map(|v| v / mean_square.sqrt()).collect()
}

/// The mean square of the texture at every pixel (`step` 1) or second pixel (2) of a square that
/// goes on at its left and top where it ends.
pub fn mean_square(values: &[f32], side: usize, step: usize) -> f32 {
    let response = |i: usize| {
        let (x, y) = (i % side, i / side);
        let around = |v: usize, k: usize| (v + side + k * step - step) % side;
        response(|right, down| values[around(y, down) * side + around(x, right)])
    };
    let sum: f32 = (0..values.len()).map(|i| response(i).powi(2)).sum();
    sum / values.len() as f32 / WHITE
}

/// The texture around a pixel whose neighbours, itself and those `right` and `down` from 0 to 2,
/// have the values `at`: the difference of two Laplacians that tells noise from edges and slopes
/// (Immerkaer 1996).
#[inline(always)]
pub fn response(at: impl Fn(usize, usize) -> f32) -> f32 {
    let row = |down: usize| at(0, down) - 2.0 * at(1, down) + at(2, down);
    row(0) - 2.0 * row(1) + row(2)
}

/// The root of the mean square of `responses`, which are put into another order, were they normally
/// distributed: what their middle size tells, whatever the largest are. 0 where there are none.
pub fn size_of_median(responses: &mut [f32]) -> f32 {
    let middle = responses.len() / 2;
    if responses.is_empty() {
        return 0.0;
    }
    let by_size = |a: &f32, b: &f32| a.abs().total_cmp(&b.abs());
    let (_, median, _) = responses.select_nth_unstable_by(middle, by_size);
    median.abs() / 0.6745
}

/// The mean square of the texture whose `responses` those are; they are put into another order.
pub fn mean_square_of(responses: &mut [f32]) -> f32 {
    size_of_median(responses).powi(2) / WHITE
}

/// A number that tells nothing of `value` (the finalizer of SplitMix64, Steele et al. 2014).
pub fn hash(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Number `index` of a sequence that is nearly normal: the sum of four even ones.
fn nearly_normal(index: u64) -> f32 {
    let parts = hash(index);
    let part = |k: u32| ((parts >> (16 * k)) & 0xffff) as f32;
    part(0) + part(1) + part(2) + part(3) - 2.0 * 65535.0
}
