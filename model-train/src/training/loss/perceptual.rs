//! Equation 5: distance in the features of a fixed network.

use tch::{Kind, Tensor};

use crate::network::perceptual::{FeatureNetwork, LAYERS};

/// The paper's weights of the layers, finest first.
pub const LAYER_WEIGHTS: [f64; LAYERS] = [1.0, 0.5, 0.25, 0.125, 0.0625];

/// Equation 5: the squared differences of the features of `generated` and `original`
/// `[N, 3, H, W]` f32 in `[0, 1]`, as means over each layer's values, averaged over the layers
/// with [`LAYER_WEIGHTS`].
pub fn perceptual_loss(
    network: &dyn FeatureNetwork,
    generated: &Tensor,
    original: &Tensor,
) -> Tensor {
    let targets = tch::no_grad(|| network.features(original));
    let layers = network.features(generated).into_iter().zip(&targets);
    let distance = |(x, target): (Tensor, &Tensor)| {
        (x - target).to_kind(Kind::Float).square().mean(Kind::Float)
    };
    let weighted = layers
        .zip(LAYER_WEIGHTS)
        .map(|(layer, weight)| distance(layer) * weight);
    weighted.sum::<Tensor>() / LAYER_WEIGHTS.iter().sum::<f64>()
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
        let got = perceptual_loss(&Multiples, &generated, &original).double_value(&[]);
        assert!((got - expected).abs() < 1e-6, "{got} is not {expected}");
    }
}
