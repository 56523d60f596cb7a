//! Spectral normalisation (Miyato et al. 2018): a weight divided by its largest singular value,
//! which one step of the power iteration a training pass keeps track of.

use tch::{Device, Kind, Tensor};

use super::parameters::Store;

/// The estimate of one weight's largest singular value.
pub struct SpectralNorm {
    /// Left singular vector, `[outputs]` f32.
    left: Tensor,
}

/// Steps of the power iteration for fresh weights.
const FIRST_STEPS: usize = 10;
/// Keeps a vector of zeros from being divided by its length.
const EPSILON: f64 = 1e-12;

impl SpectralNorm {
    /// For `weight` `[outputs, ...]`; the estimate is named `NAME.singular`.
    pub fn new(store: &mut Store, name: &str, weight: &Tensor) -> Self {
        let outputs = weight.size()[0];
        let start = unit(&Tensor::randn([outputs], (Kind::Float, Device::Cpu)));
        let norm = Self {
            left: store.buffer(format!("{name}.singular"), &start),
        };
        tch::no_grad(|| {
            for _ in 0..FIRST_STEPS {
                let _ = norm.normalised(weight, true);
            }
        });
        norm
    }

    /// `weight` over its largest singular value, of the same shape and kind. `train` improves the
    /// estimate first.
    pub fn normalised(&self, weight: &Tensor, train: bool) -> Tensor {
        let matrix = weight.to_kind(Kind::Float).flatten(1, -1); // [outputs, the rest]
        let (left, right) = tch::no_grad(|| {
            let right = unit(&matrix.tr().mv(&self.left));
            if train {
                self.left.shallow_clone().copy_(&unit(&matrix.mv(&right)));
            }
            // A copy: the gradient is taken after the next pass has moved the estimate.
            (self.left.copy(), right)
        });
        let largest = left.dot(&matrix.mv(&right));
        weight / largest.to_kind(weight.kind())
    }
}

fn unit(v: &Tensor) -> Tensor {
    v / (v.norm() + EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::parameters::Precision;

    #[test]
    fn the_largest_singular_value_becomes_one() {
        tch::manual_seed(1);
        let mut store = Store::new(Device::Cpu, Precision::F32);
        let weight = store.weight(
            "w".into(),
            &Tensor::from_slice(&[3.0f32, 0.0, 0.0, 0.5]).view([2, 2]),
        );
        let norm = SpectralNorm::new(&mut store, "w", &weight);
        let last = norm.normalised(&weight, true);
        let expected = Tensor::from_slice(&[1.0f32, 0.0, 0.0, 0.5 / 3.0]).view([2, 2]);
        assert!((last - expected).abs().max().double_value(&[]) < 1e-5);
    }
}
