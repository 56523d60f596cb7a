//! A step of a displacement that is a polynomial of second degree.

use super::detail::Band;
use super::displacement::{Displacement, TERMS};
use super::sample::Sample;
use crate::least_squares::solve;

const UNKNOWNS: usize = 2 * TERMS;

/// Products of two terms, by their exponents: x^i y^j with i + j up to 4.
const MOMENTS: usize = 15;

/// What holds the terms of each degree where the straight displacement has them, per pixel: as much
/// as lets a jaw open that is seen to, and does not carry its opening to the brow.
const DAMPING: [f64; 3] = [3e-6, 3e-5, 3e-5];

/// The displacement that brings `samples` nearer to `other` than `found` does, without going further
/// from the `straight` one than they insist; nothing where that cannot be told.
pub fn step(
    samples: &[Sample],
    other: &Band,
    found: &Displacement,
    straight: &Displacement,
) -> Option<Displacement> {
    // Of w gx gx, w gx gy, w gy gy.
    let mut moments = [[0.0f32; MOMENTS]; 3];
    let mut right_side = [0.0f32; UNKNOWNS];
    let mut count = 0.0f32;
    for sample in samples {
        let Some(pull) = sample.pull(other, found) else {
            continue;
        };
        let [gx, gy] = pull.slopes;
        let terms = found.terms(sample.at);
        let [_, x, y, xx, xy, yy] = terms;
        #[rustfmt::skip]
        let products = [
            1.0, x, y, xx, xy, yy,
            xx * x, xx * y, x * yy, yy * y,
            xx * xx, xx * xy, xx * yy, xy * yy, yy * yy,
        ];
        let squares = [gx * gx, gx * gy, gy * gy].map(|square| pull.weight * square);
        for (moments, square) in moments.iter_mut().zip(squares) {
            for (moment, product) in moments.iter_mut().zip(&products) {
                *moment += square * product;
            }
        }
        for (axis, slope) in [gx, gy].into_iter().enumerate() {
            let pull = pull.weight * pull.off * slope;
            for (sum, term) in right_side[axis * TERMS..].iter_mut().zip(&terms) {
                *sum += pull * term;
            }
        }
        count += pull.weight;
    }
    let mut matrix = [[0.0f64; UNKNOWNS]; UNKNOWNS];
    let mut right_side = right_side.map(f64::from);
    let from = found.x.iter().chain(&found.y);
    let held = from.zip(straight.x.iter().chain(&straight.y));
    for (row, (from, held)) in held.enumerate() {
        for column in 0..UNKNOWNS {
            let of = row / TERMS + column / TERMS;
            let product = PRODUCTS[row % TERMS][column % TERMS];
            matrix[row][column] = moments[of][product].into();
        }
        let degree = [0, 1, 1, 2, 2, 2][row % TERMS];
        let damping = DAMPING[degree] * f64::from(count) + 1e-12;
        matrix[row][row] += damping;
        right_side[row] -= damping * f64::from(from - held);
    }
    let step = solve(matrix, right_side)?;
    let mut bent = *found;
    let factors = bent.x.iter_mut().chain(&mut bent.y);
    factors
        .zip(step)
        .for_each(|(factor, step)| *factor += step as f32);
    Some(bent)
}

/// The place of the product of two terms among the moments of [`step`].
const PRODUCTS: [[usize; TERMS]; TERMS] = [
    [0, 1, 2, 3, 4, 5],
    [1, 3, 4, 6, 7, 8],
    [2, 4, 5, 7, 8, 9],
    [3, 6, 7, 10, 11, 12],
    [4, 7, 8, 11, 12, 13],
    [5, 8, 9, 12, 13, 14],
];
