//! Registration: where what a picture of a face shows lies in another picture of the same face.
//!
//! Five points lay a face on its template to about a pixel, and nothing of what a cover hides helps
//! with that. What is known around the cover does: the displacement is a polynomial of second
//! degree, found by iterated least squares (Lucas and Kanade 1981) on what is left of both pictures
//! without their light, with outliers weighted down (Geman and McClure), so that a mouth that has
//! opened does not pull the eyes along.

mod blur;
mod detail;
mod displacement;
mod least_squares;
#[cfg(test)]
mod tests;

use blur::Blur;
pub use detail::Detail;
use detail::UNITS;
pub use displacement::Displacement;
use displacement::TERMS;
use least_squares::{UNKNOWNS, solve};

/// Products of two terms, by their exponents: x^i y^j with i + j up to 4.
const MOMENTS: usize = 15;

/// How far from what is missing pixels take part, as a share of the width.
const REACH: f32 = 0.19;
/// Half axes of the face's ellipse about the picture's middle, as shares of its sides; what lies
/// outside moves by itself.
const FACE: [f32; 2] = [0.41, 0.485];
/// A difference as large as this counts half, in the range from black to white.
const OUTLIER: f32 = 0.06;
/// A difference counts as no more than this for [`Registrar::residual`].
const MOST_RESIDUAL: f32 = 0.2;
/// What holds the terms of each degree near where they start, per pixel.
const DAMPING: [f64; 3] = [1e-4, 2e-4, 8e-4];
/// Most steps, and the step in pixels that is small enough to be the last.
const STEPS: usize = 10;
const LAST_STEP: f32 = 0.03;
/// Fewer pixels than this tell nothing, as a share of the picture's.
const LEAST_PIXELS: f32 = 0.01;
/// More pixels than this tell nothing more.
const MOST_SAMPLES: usize = 1600;
/// A mean displacement beyond this is a failure, as a share of the width.
const FARTHEST: f32 = 0.08;

/// A pixel that takes part.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: [f32; 2],
    value: f32,
}

/// Finds displacements. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Registrar {
    samples: Vec<Sample>,
    /// Of the picture; its slopes are not looked at.
    detail: Detail,
    blur: Blur,
    missing: Vec<f32>,
}

impl Registrar {
    /// Where what is known of the picture of `size` = (width, height), `rgb` `[3, H, W]` in `[0, 1]`,
    /// around what is missing, lies in `other`; `known`, `[H, W]`, is 1 where a pixel is known, else
    /// 0. The search begins `from` a displacement. None where too little is known to tell, or what is
    /// found explains the picture no better.
    ///
    /// # Panics
    /// If a slice has another length, or `other` another size.
    pub fn register(
        &mut self,
        size: (usize, usize),
        rgb: &[f32],
        known: &[f32],
        other: &Detail,
        from: &Displacement,
    ) -> Displacement {
        assert_eq!(other.size, size, "both pictures have one size");
        self.sample(size, rgb, known);
        let none = Displacement::of_size(size);
        if (self.samples.len() as f32) < LEAST_PIXELS * (size.0 * size.1) as f32 {
            return none;
        }
        let start = match from.per_pixel == none.per_pixel {
            true => *from,
            false => none,
        };
        let mut found = start;
        for _ in 0..STEPS {
            let Some(step) = self.step(other, &found) else {
                return none;
            };
            let factors = found.x.iter_mut().chain(&mut found.y);
            factors
                .zip(step)
                .for_each(|(factor, step)| *factor += step as f32);
            if step[0].hypot(step[TERMS]) < LAST_STEP.into() {
                break;
            }
        }
        let farthest = FARTHEST * size.0 as f32;
        let far = |sample: &Sample| {
            let [x, y] = found.at(sample.at);
            x.hypot(y)
        };
        let mean = self.samples.iter().map(far).sum::<f32>() / self.samples.len() as f32;
        // A NaN is not found either.
        let is_near = mean <= farthest;
        let residual = |by: &Displacement| self.residual(other, |at| by.at(at));
        match is_near && residual(&found) <= residual(&none) {
            true => found,
            false => none,
        }
    }

    /// The mean difference, in the range from black to white, of the pixels that the last
    /// registration went by from those of `other` that lie `displaced` from them; large ones count
    /// less than they are.
    pub fn residual(&self, other: &Detail, displaced: impl Fn([f32; 2]) -> [f32; 2]) -> f32 {
        let (mut sum, mut count) = (0.0, 0.0f32);
        for sample in &self.samples {
            let [right, down] = displaced(sample.at);
            let there = other.look_up([sample.at[0] + right, sample.at[1] + down]);
            if let Some([value, _, _, known]) = there {
                sum += known * (sample.value - value).abs().min(MOST_RESIDUAL);
                count += known;
            }
        }
        sum / count.max(1.0)
    }

    /// Chooses pixels of the face that lie near what is missing, but not beside it: every other one,
    /// or fewer where there are many.
    fn sample(&mut self, size: (usize, usize), rgb: &[f32], known: &[f32]) {
        let (width, height) = size;
        self.detail.read(size, rgb, known, &mut self.blur);
        let missing = known
            .iter()
            .map(|known| f32::from(u8::from(*known <= 0.999)));
        self.missing.clear();
        self.missing.extend(missing);
        let reach = ((REACH * width as f32).round() as usize).max(1);
        let Self {
            blur,
            detail,
            missing,
            samples,
        } = self;
        blur.once(size, 1, missing.iter().copied());
        blur.keep();
        blur.once(size, reach, missing.iter().copied());
        let (beside, near) = (&blur.kept, &blur.values);
        // What is missing nowhere is near everywhere.
        let is_whole = missing.iter().all(|missing| *missing == 0.0);
        samples.clear();
        for y in 1..height.saturating_sub(1) {
            for x in (1 + y % 2..width.saturating_sub(1)).step_by(2) {
                let i = y * width + x;
                let along =
                    |v: usize, side: usize, half: f32| (v as f32 / side as f32 - 0.5) / half;
                let is_face = along(x, width, FACE[0]).hypot(along(y, height, FACE[1])) <= 1.0;
                if is_face && beside[i] < 0.5 && (near[i] > 0.5 || is_whole) {
                    samples.push(Sample {
                        at: [x as f32, y as f32],
                        value: f32::from(detail.pixels[i][0]) / UNITS,
                    });
                }
            }
        }
        let surplus = samples.len().div_ceil(MOST_SAMPLES).max(1);
        let mut index = 0..;
        samples.retain(|_| {
            index
                .next()
                .is_some_and(|i: usize| i.is_multiple_of(surplus))
        });
    }

    /// What brings the samples nearer to `other` than `found` does; nothing where that cannot be told.
    fn step(&self, other: &Detail, found: &Displacement) -> Option<[f64; UNKNOWNS]> {
        // Of w gx gx, w gx gy, w gy gy.
        let mut moments = [[0.0f32; MOMENTS]; 3];
        let mut right_side = [0.0f32; UNKNOWNS];
        let mut count = 0.0f32;
        for sample in &self.samples {
            let [right, down] = found.at(sample.at);
            let there = other.look_up([sample.at[0] + right, sample.at[1] + down]);
            let Some([value, gx, gy, known]) = there else {
                continue;
            };
            let off = sample.value - value;
            let far = off / OUTLIER;
            let weight = known / (1.0 + far * far).powi(2);
            let terms = found.terms(sample.at);
            let [_, x, y, xx, xy, yy] = terms;
            #[rustfmt::skip]
            let products = [
                1.0, x, y, xx, xy, yy,
                xx * x, xx * y, x * yy, yy * y,
                xx * xx, xx * xy, xx * yy, xy * yy, yy * yy,
            ];
            let squares = [gx * gx, gx * gy, gy * gy].map(|square| weight * square);
            for (moments, square) in moments.iter_mut().zip(squares) {
                for (moment, product) in moments.iter_mut().zip(&products) {
                    *moment += square * product;
                }
            }
            for (axis, slope) in [gx, gy].into_iter().enumerate() {
                let pull = weight * off * slope;
                for (sum, term) in right_side[axis * TERMS..].iter_mut().zip(&terms) {
                    *sum += pull * term;
                }
            }
            count += weight;
        }
        let mut matrix = [[0.0f64; UNKNOWNS]; UNKNOWNS];
        for row in 0..UNKNOWNS {
            for column in 0..UNKNOWNS {
                let of = row / TERMS + column / TERMS;
                let product = PRODUCTS[row % TERMS][column % TERMS];
                matrix[row][column] = moments[of][product].into();
            }
            let degree = [0, 1, 1, 2, 2, 2][row % TERMS];
            matrix[row][row] += DAMPING[degree] * f64::from(count) + 1e-12;
        }
        solve(matrix, right_side.map(f64::from))
    }
}

/// The place of the product of two terms among the moments of [`Registrar::step`].
const PRODUCTS: [[usize; TERMS]; TERMS] = [
    [0, 1, 2, 3, 4, 5],
    [1, 3, 4, 6, 7, 8],
    [2, 4, 5, 7, 8, 9],
    [3, 6, 7, 10, 11, 12],
    [4, 7, 8, 11, 12, 13],
    [5, 8, 9, 12, 13, 14],
];
