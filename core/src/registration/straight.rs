//! A step of a displacement that shifts, turns and scales.

use super::detail::Band;
use super::displacement::Displacement;
use super::sample::Sample;
use crate::least_squares::solve;

/// Shift to the right and down, scale and turn.
const UNKNOWNS: usize = 4;

/// What holds a step back, per pixel.
const DAMPING: f64 = 1e-6;

/// What brings `samples` nearer to `other` than `found` does, as [`Displacement::moved`] has it;
/// nothing where that cannot be told.
pub fn step(samples: &[Sample], other: &Band, found: &Displacement) -> Option<[f32; UNKNOWNS]> {
    let mut products = [[0.0f32; UNKNOWNS]; UNKNOWNS];
    let mut right_side = [0.0f32; UNKNOWNS];
    let mut count = 0.0f32;
    for sample in samples {
        let Some(pull) = sample.pull(other, found) else {
            continue;
        };
        let [gx, gy] = pull.slopes;
        let [_, x, y, ..] = found.terms(sample.at);
        let effects = [gx, gy, gx * x + gy * y, gy * x - gx * y];
        for (row, effect) in effects.iter().enumerate() {
            let weighted = pull.weight * effect;
            for (product, other) in products[row].iter_mut().zip(&effects).take(row + 1) {
                *product += weighted * other;
            }
            right_side[row] += weighted * pull.off;
        }
        count += pull.weight;
    }
    let mut matrix = products.map(|row| row.map(f64::from));
    for (i, row) in matrix.iter_mut().enumerate() {
        row[i] += DAMPING * f64::from(count) + 1e-12;
    }
    let step = solve(matrix, right_side.map(f64::from))?;
    Some(step.map(|value| value as f32))
}
