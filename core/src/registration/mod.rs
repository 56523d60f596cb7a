//! Registration: where what a picture of a face shows lies in another picture of the same face.
//!
//! Five points lay a face on its template to about a pixel, and under a cover to a few. What is known
//! around the cover tells it better: iterated least squares (Lucas and Kanade 1981) on what is left
//! of both pictures without their light, with outliers weighted down (Geman and McClure), so that a
//! mouth that has opened does not pull the eyes along. All of the face that is known tells first how
//! it is shifted, turned and scaled, which holds far into what is missing; what lies near that then
//! bends the displacement, a polynomial of second degree, as far as it insists.

mod bent;
mod blur;
mod detail;
mod displacement;
mod sample;
mod straight;
#[cfg(test)]
mod tests;

use blur::Blur;
use detail::Band;
pub use detail::Detail;
pub use displacement::{Displacement, TERMS};
use sample::{Sample, Samples};

/// A difference counts as no more than this for [`Registrar::residual`].
const MOST_RESIDUAL: f32 = 0.2;
/// Most steps, and the step in pixels that is small enough to be the last.
const STEPS: usize = 10;
const LAST_STEP: f32 = 0.03;
/// Most steps by which the displacement is bent.
const BENDS: usize = 4;
/// Fewer pixels than this tell nothing, as a share of the picture's.
const LEAST_PIXELS: f32 = 0.01;
/// A mean displacement beyond this is a failure, as a share of the width.
const FARTHEST: f32 = 0.08;

/// What a registration has found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Registration {
    /// Where the pixels of the picture lie in the other one.
    pub displacement: Displacement,
    /// The mean difference of both pictures where that leads, in the range from black to white: of
    /// all that is known of the face and of what lies near what is missing, in the mean. Small even
    /// for different looks of a face, so that it is to be compared with others alone.
    pub residual: f32,
}

/// Finds displacements. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Registrar {
    size: (usize, usize),
    samples: Samples,
    /// Of the picture; its slopes are not looked at.
    detail: Detail,
    blur: Blur,
}

impl Registrar {
    /// Takes the picture of `size` = (width, height) that is to be registered, `rgb` `[3, H, W]` in
    /// `[0, 1]`; `known`, `[H, W]`, is 1 where a pixel is known, else 0.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn look(&mut self, size: (usize, usize), rgb: &[f32], known: &[f32]) {
        self.size = size;
        self.detail.read(size, rgb, known, &mut self.blur);
        self.samples.choose(&self.detail, known, &mut self.blur);
    }

    /// Where what is known of the picture lies in `other`. The search begins `from` a displacement.
    /// None where too little is known to tell, or what is found explains the picture no better.
    ///
    /// # Panics
    /// If `other` has another size.
    pub fn register(&self, other: &Detail, from: &Displacement) -> Registration {
        assert_eq!(other.size, self.size, "both pictures have one size");
        let Samples { face, near, .. } = &self.samples;
        let none = Displacement::of_size(self.size);
        let registered = |straight: &Displacement, bent: &Displacement| {
            let all_over = residual(face, &other.coarse, |at| straight.at(at));
            Registration {
                displacement: *bent,
                residual: (all_over + self.residual(other, |at| bent.at(at))) / 2.0,
            }
        };
        let stays = registered(&none, &none);
        if (near.len() as f32) < LEAST_PIXELS * (self.size.0 * self.size.1) as f32 {
            return stays;
        }
        let start = match from.per_pixel == none.per_pixel {
            true => from.straightened(),
            false => none,
        };
        let Some(straight) = straightly(face, &other.coarse, start) else {
            return stays;
        };
        let mut bent = straight;
        for _ in 0..BENDS {
            let Some(found) = bent::step(near, &other.fine, &bent, &straight) else {
                break;
            };
            let change = found.farthest_from(&bent);
            bent = found;
            if change < LAST_STEP {
                break;
            }
        }
        let far = |sample: &Sample| {
            let [x, y] = bent.at(sample.at);
            x.hypot(y)
        };
        let mean = near.iter().map(far).sum::<f32>() / near.len() as f32;
        let found = registered(&straight, &bent);
        // A NaN is not found either.
        let is_near = mean <= FARTHEST * self.size.0 as f32;
        match is_near && found.residual <= stays.residual {
            true => found,
            false => stays,
        }
    }

    /// The mean difference, in the range from black to white, of the pixels near what is missing
    /// from those of `other` that lie `displaced` from them; large ones count less than they are.
    pub fn residual(&self, other: &Detail, displaced: impl Fn([f32; 2]) -> [f32; 2]) -> f32 {
        residual(&self.samples.near, &other.fine, displaced)
    }
}

/// Shifts, turns and scales `found` until `samples` lie best in `other`; nothing where that cannot be
/// told.
fn straightly(samples: &[Sample], other: &Band, mut found: Displacement) -> Option<Displacement> {
    for _ in 0..STEPS {
        let step = straight::step(samples, other, &found)?;
        found = found.moved(step);
        if step[0].hypot(step[1]) < LAST_STEP {
            break;
        }
    }
    Some(found)
}

fn residual(samples: &[Sample], other: &Band, displaced: impl Fn([f32; 2]) -> [f32; 2]) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0f32);
    for sample in samples {
        let [right, down] = displaced(sample.at);
        let there = other.look_up([sample.at[0] + right, sample.at[1] + down]);
        if let Some([value, _, _, known]) = there {
            sum += known * (sample.value - value).abs().min(MOST_RESIDUAL);
            count += known;
        }
    }
    sum / count.max(1.0)
}
