//! The pixels that a registration goes by.

use super::blur::Blur;
use super::detail::{Band, Detail};
use super::displacement::Displacement;

/// How far from what is missing pixels count as near, as a share of the width.
const REACH: f32 = 0.19;
/// Half axes of the face's ellipse about the picture's middle, as shares of its sides; what lies
/// outside moves by itself.
const FACE: [f32; 2] = [0.41, 0.485];
/// More pixels than this tell nothing more: of the face, of which four numbers are to be told, and
/// near what is missing.
const MOST: [usize; 2] = [800, 1600];
/// A difference as large as this counts half, in the range from black to white.
const OUTLIER: f32 = 0.05;

/// A pixel that takes part.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub at: [f32; 2],
    pub value: f32,
}

/// What a sample says of a displacement.
pub struct Pull {
    /// What it counts for, in `[0, 1]`.
    pub weight: f32,
    /// By how much it is brighter than what lies there.
    pub off: f32,
    /// The slopes there, to the right and down.
    pub slopes: [f32; 2],
}

impl Sample {
    /// What it says of the displacement `found` to `other`; nothing where that leads out of it.
    #[inline(always)]
    pub fn pull(&self, other: &Band, found: &Displacement) -> Option<Pull> {
        let [right, down] = found.at(self.at);
        let there = other.look_up([self.at[0] + right, self.at[1] + down])?;
        let [value, gx, gy, known] = there;
        let off = self.value - value;
        let far = off / OUTLIER;
        Some(Pull {
            weight: known / (1.0 + far * far).powi(2),
            off,
            slopes: [gx, gy],
        })
    }
}

/// Pixels of a picture. Made once and refilled.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// All over the face, of the coarse band.
    pub face: Vec<Sample>,
    /// Near what is missing, of the fine band.
    pub near: Vec<Sample>,
    missing: Vec<f32>,
}

impl Samples {
    /// Chooses pixels of the face in `detail`, but not beside what is missing, where `known` is not 1:
    /// every other one, or fewer where there are many.
    pub fn choose(&mut self, detail: &Detail, known: &[f32], blur: &mut Blur) {
        let size = detail.size;
        let (width, height) = size;
        let missing = known
            .iter()
            .map(|known| f32::from(u8::from(*known <= 0.999)));
        self.missing.clear();
        self.missing.extend(missing);
        let reach = ((REACH * width as f32).round() as usize).max(1);
        let Self {
            face,
            near,
            missing,
        } = self;
        blur.once(size, 2, missing.iter().copied());
        blur.keep();
        blur.once(size, reach, missing.iter().copied());
        let (beside, around) = (&blur.kept, &blur.values);
        // What is missing nowhere is near everywhere.
        let is_whole = missing.iter().all(|missing| *missing == 0.0);
        face.clear();
        near.clear();
        for y in 1..height.saturating_sub(1) {
            for x in (1 + y % 2..width.saturating_sub(1)).step_by(2) {
                let i = y * width + x;
                let along =
                    |v: usize, side: usize, half: f32| (v as f32 / side as f32 - 0.5) / half;
                let [across, down] = [along(x, width, FACE[0]), along(y, height, FACE[1])];
                let is_face = across * across + down * down <= 1.0;
                if is_face && beside[i] < 0.5 {
                    let at = [x as f32, y as f32];
                    let of = |band: &Band| {
                        let [value, ..] = band.look_up(at)?;
                        Some(Sample { at, value })
                    };
                    face.extend(of(&detail.coarse));
                    if around[i] > 0.5 || is_whole {
                        near.extend(of(&detail.fine));
                    }
                }
            }
        }
        for (samples, most) in [face, near].into_iter().zip(MOST) {
            let surplus = samples.len().div_ceil(most).max(1);
            let mut index = 0..;
            samples.retain(|_| {
                index
                    .next()
                    .is_some_and(|i: usize| i.is_multiple_of(surplus))
            });
        }
    }
}
