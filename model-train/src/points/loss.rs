//! What the point net is trained to keep small.

use tch::{Kind, Reduction, Tensor};

use super::batches::PointBatch;
use super::network::Answer;
use crate::training::loss::Losses;

/// Crop pixels up to which the wing loss bends.
const WING_WIDTH: f64 = 6.0;
/// Crop pixels below which it is about linear.
const WING_CURVATURE: f64 = 1.0;
const VISIBILITY_WEIGHT: f64 = 0.5;
const SCORE_WEIGHT: f64 = 0.5;

/// Names of the losses: the wing loss of the points, and the cross entropies of the visibilities and
/// of the face scores.
pub const NAMES: [&str; 3] = ["points", "visibility", "score"];

/// The losses of `answer`. Points and visibilities count on faces alone.
pub fn of(answer: &Answer, batch: &PointBatch) -> Losses {
    let faces = &batch.is_face; // [N]
    let count = faces.sum(Kind::Float).clamp_min(1.0);
    let mean = |values: Tensor| (values * faces).sum(Kind::Float) / &count;
    let points = mean(
        wing(&(&answer.points - &batch.points))
            .flatten(1, -1)
            .mean_dim(1, false, Kind::Float),
    );
    let visibility =
        mean(cross_entropy(&answer.visibility, &batch.visibility).mean_dim(1, false, Kind::Float));
    let score = cross_entropy(&answer.score, faces).mean(Kind::Float);
    Losses {
        total: &points + &visibility * VISIBILITY_WEIGHT + &score * SCORE_WEIGHT,
        parts: NAMES.into_iter().zip([points, visibility, score]).collect(),
    }
}

/// Feng et al. 2018, "Wing Loss for Robust Facial Landmark Localisation with Convolutional Neural
/// Networks", equation 5: logarithmic for small errors, which would else count for little beside
/// the large ones of covered points, and linear for large ones.
fn wing(difference: &Tensor) -> Tensor {
    let error = difference.abs();
    let bend = (1.0 + WING_WIDTH / WING_CURVATURE).ln() * WING_WIDTH;
    let near = (&error / WING_CURVATURE).log1p() * WING_WIDTH;
    let far = &error - (WING_WIDTH - bend);
    near.where_self(&error.lt(WING_WIDTH), &far)
}

/// Binary cross entropy of logits, value by value.
fn cross_entropy(logits: &Tensor, wanted: &Tensor) -> Tensor {
    logits.binary_cross_entropy_with_logits(
        wanted,
        None::<&Tensor>,
        None::<&Tensor>,
        Reduction::None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wing_is_continuous_and_bends_where_it_should() {
        let at = |error: f64| wing(&Tensor::from_slice(&[error])).double_value(&[0]);
        assert_eq!(at(0.0), 0.0);
        assert!((at(-2.0) - 6.0 * 3f64.ln()).abs() < 1e-9);
        assert!((at(6.0 - 1e-9) - at(6.0)).abs() < 1e-6);
        assert!((at(9.0) - at(7.0) - 2.0).abs() < 1e-9);
    }
}
