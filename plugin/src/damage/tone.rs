//! What a channel shows at a size at which noise and edges are averaged away.

use super::planes::Planes;

/// How the values of a channel lie over the frame, and how they follow from those of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tone {
    /// The mean.
    pub mean: f32,
    /// The standard deviation.
    pub deviation: f32,
    /// The part of it that a linear function of the other two channels has.
    pub explained: f32,
    /// The share of the mean square that values below 0 have.
    pub below: f32,
    /// The information in a value's place among [`BINS`] of them, in bits.
    pub bits: f32,
}

/// Bins of a histogram over `[0, 1]`.
const BINS: usize = 32;

impl Tone {
    /// The deviation as a share of the mean.
    pub fn contrast(&self) -> f32 {
        self.deviation / self.mean.max(f32::MIN_POSITIVE)
    }

    /// Of each channel of `thumb`.
    pub fn of(thumb: &Planes) -> [Self; 3] {
        let count = thumb.values[0].len() as f64;
        let mean = [0, 1, 2].map(|c: usize| sum(&thumb.values[c]) / count);
        let mut covariance = [[0.0; 3]; 3];
        for a in 0..3 {
            for b in a..3 {
                let pairs = thumb.values[a].iter().zip(&thumb.values[b]);
                let products =
                    pairs.map(|(x, y)| (f64::from(*x) - mean[a]) * (f64::from(*y) - mean[b]));
                covariance[a][b] = products.sum::<f64>() / count;
                covariance[b][a] = covariance[a][b];
            }
        }
        [0, 1, 2].map(|c| Self {
            mean: mean[c] as f32,
            deviation: covariance[c][c].sqrt() as f32,
            explained: explained(&covariance, c).sqrt() as f32,
            below: below(&thumb.values[c]),
            bits: bits(&thumb.values[c]),
        })
    }
}

/// The share of the mean square of `values` that those below 0 have.
fn below(values: &[f32]) -> f32 {
    let square = |values: &mut dyn Iterator<Item = &f32>| values.map(|v| v * v).sum::<f32>();
    let all = square(&mut values.iter()).max(f32::MIN_POSITIVE);
    square(&mut values.iter().filter(|value| **value < 0.0)) / all
}

/// The entropy of the histogram of `values`.
fn bits(values: &[f32]) -> f32 {
    let mut counts = [0u32; BINS];
    for value in values {
        // The cast cuts what is negative.
        counts[((value * BINS as f32) as usize).min(BINS - 1)] += 1;
    }
    let shares = counts
        .iter()
        .map(|count| *count as f32 / values.len() as f32);
    shares
        .filter(|share| *share > 0.0)
        .map(|share| -share * share.log2())
        .sum()
}

fn sum(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v)).sum()
}

/// Variance below which a channel explains nothing.
const LEAST_VARIANCE: f64 = 1e-7;

/// The variance of `channel` that a linear function of the other two has.
fn explained(covariance: &[[f64; 3]; 3], channel: usize) -> f64 {
    let [a, b] = match channel {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    };
    let (aa, bb, ab) = (
        covariance[a][a] + LEAST_VARIANCE,
        covariance[b][b] + LEAST_VARIANCE,
        covariance[a][b],
    );
    let (pa, pb) = (covariance[channel][a], covariance[channel][b]);
    let determinant = aa * bb - ab * ab;
    let (first, second) = (
        (pa * bb - pb * ab) / determinant,
        (pb * aa - pa * ab) / determinant,
    );
    (first * pa + second * pb).max(0.0)
}
