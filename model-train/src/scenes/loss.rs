//! What the scene generator is trained to keep small.

use tch::{Kind, Tensor};

use super::batches::SceneBatch;
use crate::network::perceptual::FeatureNetwork;
use crate::tensors::composited;
use crate::training::loss::{FeatureDistance, Losses};

/// Names of the losses: what is missing, the absolute difference of what is known, and the perceptual
/// loss.
pub const NAMES: [&str; 3] = ["completed", "known", "perceptual"];

/// Weight of the absolute difference of what is known.
const KNOWN: f64 = 0.1;
/// A mean squared difference of this much is as good as none: 37 dB.
const AS_GOOD_AS_NONE: f64 = 2e-4;
/// What a factor of e in the mean squared difference counts.
const OF_RATIO: f64 = 0.025;

/// The losses of `completed` `[N, 3, S, S]`, with a perceptual one in the features of a network and
/// its weight where there is one.
///
/// What is missing counts as its logarithmic mean squared difference, as PSNR does: most pictures are
/// nearly grey, and what would be gained on a few bright ones by guessing colours is not to be lost on
/// those. However much is missing, each sample counts as much.
pub fn of(
    completed: &Tensor,
    batch: &SceneBatch,
    perceptual: Option<(&dyn FeatureNetwork, f64)>,
) -> Losses {
    let SceneBatch { pictures, masks } = batch;
    let difference = (completed - pictures).abs();
    let missing: Tensor = 1.0 - masks;
    let of_sample = |t: &Tensor| t.sum_dim_intlist([1i64, 2, 3].as_slice(), false, Kind::Float);
    let squares = of_sample(&(difference.square() * &missing)) / of_sample(&missing).clamp_min(1.0);
    let in_hole = (squares / AS_GOOD_AS_NONE).log1p().mean(Kind::Float) * OF_RATIO;
    let known = (&difference * masks).mean(Kind::Float);
    let mut total = &in_hole + &known * KNOWN;
    let seen = match perceptual {
        Some((network, weight)) => {
            let shown = composited(completed, pictures, masks).clamp(0.0, 1.0);
            let distance = FeatureDistance::Unit.between(network, &shown, pictures);
            total = &total + &distance * weight;
            distance
        }
        None => Tensor::zeros_like(&in_hole),
    };
    Losses {
        total,
        parts: NAMES.into_iter().zip([in_hole, known, seen]).collect(),
    }
}
