//! What the scene generator is trained to keep small.

use tch::{Kind, Tensor};

use super::batches::SceneBatch;
use crate::network::perceptual::FeatureNetwork;
use crate::tensors::composited;
use crate::training::loss::{FeatureDistance, Losses};

/// Names of the losses: the absolute difference of what is missing, that of what is known, and the
/// perceptual loss.
pub const NAMES: [&str; 3] = ["completed", "known", "perceptual"];

/// Weight of the absolute difference of what is known.
const KNOWN: f64 = 0.1;

/// The losses of `completed` `[N, 3, S, S]`, with a perceptual one in the features of a network and
/// its weight where there is one. What is missing counts as much in each sample, however much it is.
pub fn of(
    completed: &Tensor,
    batch: &SceneBatch,
    perceptual: Option<(&dyn FeatureNetwork, f64)>,
) -> Losses {
    let SceneBatch { pictures, masks } = batch;
    let difference = (completed - pictures).abs();
    let missing: Tensor = 1.0 - masks;
    let of_sample = |t: &Tensor| t.sum_dim_intlist([1i64, 2, 3].as_slice(), false, Kind::Float);
    let in_hole = of_sample(&(&difference * &missing)) / of_sample(&missing).clamp_min(1.0);
    let in_hole = in_hole.mean(Kind::Float);
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
