//! Equations 3 and 4: losses over the missing and the known part of a picture.

use serde::{Deserialize, Serialize};
use tch::Tensor;

/// How a difference counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distance {
    /// Absolute difference.
    L1,
    /// Squared difference, the paper's.
    L2,
}

/// Weights of the pixel losses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelLoss {
    /// L1 or L2.
    pub distance: Distance,
    /// Weight of the completion loss, equation 3, on missing values.
    pub completion: f64,
    /// Weight of the reconstruction loss, equation 4, on known values.
    pub reconstruction: f64,
}

/// The parts of a [`PixelLoss`] as scalar tensors.
pub struct PixelLosses {
    /// Their weighted sum.
    pub total: Tensor,
    /// Equation 3 as a mean over all values, unweighted.
    pub completion: Tensor,
    /// Equation 4 as a mean over all values, unweighted.
    pub reconstruction: Tensor,
}

impl PixelLoss {
    /// `generated`, `original` `[N, 3, H, W]` f32 in `[0, 1]`, `mask` likewise (1 known).
    pub fn of(&self, generated: &Tensor, original: &Tensor, mask: &Tensor) -> PixelLosses {
        let difference = generated - original;
        let distance = match self.distance {
            Distance::L1 => difference.abs(),
            Distance::L2 => difference.square(),
        };
        let reconstruction = (&distance * mask).mean(tch::Kind::Float);
        let completion = distance.mean(tch::Kind::Float) - &reconstruction;
        let total = &completion * self.completion + &reconstruction * self.reconstruction;
        PixelLosses {
            total,
            completion,
            reconstruction,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_missing_values_are_weighted_apart() {
        let z = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 0.0]);
        let y = Tensor::from_slice(&[0.5f32, 0.25, 0.0, 1.0]);
        let m = Tensor::from_slice(&[1.0f32, 1.0, 0.0, 0.0]);
        let of = |distance| {
            PixelLoss {
                distance,
                completion: 6.0,
                reconstruction: 1.0,
            }
            .of(&y, &z, &m)
        };
        let l1 = of(Distance::L1);
        assert!((l1.reconstruction.double_value(&[]) - 0.75 / 4.0).abs() < 1e-6);
        assert!((l1.completion.double_value(&[]) - 1.0 / 4.0).abs() < 1e-6);
        assert!((l1.total.double_value(&[]) - (6.0 + 0.75) / 4.0).abs() < 1e-6);
        let l2 = of(Distance::L2);
        assert!((l2.total.double_value(&[]) - (6.0 + 0.3125) / 4.0).abs() < 1e-6);
    }
}
