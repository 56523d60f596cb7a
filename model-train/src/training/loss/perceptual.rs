//! Equation 5: distance in the features of a fixed network.

use tch::{Kind, Tensor};

use crate::network::perceptual::{FeatureNetwork, LAYERS};

/// The paper's weights of the layers, finest first.
pub const LAYER_WEIGHTS: [f64; LAYERS] = [1.0, 0.5, 0.25, 0.125, 0.0625];

/// How features are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FeatureDistance {
    /// Equation 5: squared differences as means over each layer's values, averaged over the layers
    /// with [`LAYER_WEIGHTS`].
    #[default]
    Squared,
    /// Squared differences of features scaled to unit length at each position, as means over the
    /// positions, summed over the layers (Zhang et al. 2018, without learned weights): from 0 to 4
    /// a layer, whatever range a network's features have.
    Unit,
}

impl FeatureDistance {
    /// The distance of `generated` and `original` `[N, 3, H, W]` f32 in `[0, 1]` in the features
    /// of `network`.
    pub fn between(
        self,
        network: &dyn FeatureNetwork,
        generated: &Tensor,
        original: &Tensor,
    ) -> Tensor {
        let targets = tch::no_grad(|| network.features(original));
        let layers = network.features(generated).into_iter().zip(targets);
        match self {
            Self::Squared => {
                let weighted = layers
                    .zip(LAYER_WEIGHTS)
                    .map(|((x, target), weight)| mean_square(&(x - target)) * weight);
                weighted.sum::<Tensor>() / LAYER_WEIGHTS.iter().sum::<f64>()
            }
            Self::Unit => layers
                .map(|(x, target)| {
                    let channels = x.size()[1] as f64;
                    mean_square(&(unit(&x) - unit(&target))) * channels
                })
                .sum(),
        }
    }
}

fn mean_square(x: &Tensor) -> Tensor {
    x.to_kind(Kind::Float).square().mean(Kind::Float)
}

/// Keeps positions without any feature from being divided by 0.
const EPSILON: f64 = 1e-10;

/// `[N, C, H, W]` scaled to length 1 over the channels at each position, f32.
fn unit(x: &Tensor) -> Tensor {
    let x = x.to_kind(Kind::Float);
    let squares = x.square().sum_dim_intlist(1, true, Kind::Float);
    &x * (squares + EPSILON).rsqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture itself, and it times 2, 3, 4 and 5.
    struct Multiples;

    impl FeatureNetwork for Multiples {
        fn features(&self, pictures: &Tensor) -> Vec<Tensor> {
            (1..=LAYERS as i64).map(|k| pictures * k).collect()
        }
    }

    #[test]
    fn the_loss_is_that_worked_by_hand() {
        let original = Tensor::from_slice(&[0.0f32, 0.5, 0.25]).view([1, 3, 1, 1]);
        let generated = Tensor::from_slice(&[0.3f32, 0.5, 0.65]).view([1, 3, 1, 1]);
        // Mean squared difference (0.09 + 0.16) / 3; layer k has k^2 times as much.
        let layers = 1.0 + 4.0 * 0.5 + 9.0 * 0.25 + 16.0 * 0.125 + 25.0 * 0.0625;
        let expected = 0.25 / 3.0 * layers / 1.9375;
        let got = FeatureDistance::Squared.between(&Multiples, &generated, &original);
        let got = got.double_value(&[]);
        assert!((got - expected).abs() < 1e-6, "{got} is not {expected}");
    }
    #[test]
    fn unit_distances_are_those_worked_by_hand() {
        // (3, 4, 0) against (4, 3, 0) and, at a second position, against itself doubled.
        let original = Tensor::from_slice(&[0.3f32, 0.2, 0.4, 0.1, 0.0, 0.0]).view([1, 3, 1, 2]);
        let generated = Tensor::from_slice(&[0.4f32, 0.4, 0.3, 0.2, 0.0, 0.0]).view([1, 3, 1, 2]);
        // Five layers that differ in scale alone, each (0.2^2 + 0.2^2) / 2.
        let got = FeatureDistance::Unit.between(&Multiples, &generated, &original);
        let got = got.double_value(&[]);
        assert!((got - 5.0 * 0.04).abs() < 1e-5, "{got}");
    }
}
