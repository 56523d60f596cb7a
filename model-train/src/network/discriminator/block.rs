//! What discriminators are made of.

use tch::{Device, Kind, Tensor};

use crate::network::config::DiscriminatorNorm;
use crate::network::layers::{BatchNorm, Conv, Pass, he_uniform};
use crate::network::parameters::Store;
use crate::network::spectral::SpectralNorm;

/// Slope of the leaky ReLU for negative values, as in the paper's reference 16 (DCGAN).
const SLOPE: f64 = 0.2;
/// Factor of a spectrally normalised convolution. Divided by its largest singular value a random
/// one keeps about a quarter of a signal's energy, of which nothing would be left after 13.
const SPECTRAL_GAIN: f64 = 2.0;

/// Convolution, normalisation, leaky ReLU.
pub struct Block {
    conv: Conv,
    norm: Norm,
}

enum Norm {
    Batch(BatchNorm),
    Spectral(SpectralNorm),
    None,
}

impl Block {
    pub fn new(
        store: &mut Store,
        name: &str,
        inputs: i64,
        outputs: i64,
        stride: i64,
        norm: DiscriminatorNorm,
    ) -> Self {
        let conv_name = format!("{name}.conv");
        let conv = match norm {
            DiscriminatorNorm::Batch => Conv::new(store, &conv_name, inputs, outputs, stride),
            _ => Conv::with_bias(store, &conv_name, inputs, outputs, stride),
        };
        let norm = match norm {
            DiscriminatorNorm::Batch => {
                Norm::Batch(BatchNorm::new(store, &format!("{name}.norm"), outputs))
            }
            DiscriminatorNorm::Spectral => {
                Norm::Spectral(SpectralNorm::new(store, &conv_name, conv.weight()))
            }
            DiscriminatorNorm::None => Norm::None,
        };
        Self { conv, norm }
    }

    /// `[N, inputs, H, W]` to `[N, outputs, H / stride, W / stride]`.
    pub fn forward(&self, x: &Tensor, pass: Pass) -> Tensor {
        let x = match &self.norm {
            Norm::Batch(norm) => norm.forward(&self.conv.forward(x), pass),
            Norm::Spectral(norm) => {
                let weight =
                    norm.normalised(self.conv.weight(), pass == Pass::Train) * SPECTRAL_GAIN;
                self.conv.forward_with(&weight, x)
            }
            Norm::None => self.conv.forward(x),
        };
        leaky_relu(&x)
    }
}

/// A fully-connected output in f32.
pub struct Head {
    weight: Tensor,
    bias: Tensor,
    spectral: Option<SpectralNorm>,
}

impl Head {
    pub fn new(store: &mut Store, name: &str, inputs: i64, outputs: i64, spectral: bool) -> Self {
        let zeros = Tensor::zeros([outputs], (Kind::Float, Device::Cpu));
        let init = he_uniform(&[outputs, inputs], inputs);
        let weight = store.f32_parameter(format!("{name}.weight"), &init);
        Self {
            spectral: spectral.then(|| SpectralNorm::new(store, name, &weight)),
            weight,
            bias: store.f32_parameter(format!("{name}.bias"), &zeros),
        }
    }

    /// `[N, inputs]` to `[N, outputs]`.
    pub fn forward(&self, x: &Tensor, pass: Pass) -> Tensor {
        match &self.spectral {
            Some(norm) => x.linear(
                &norm.normalised(&self.weight, pass == Pass::Train),
                Some(&self.bias),
            ),
            None => x.linear(&self.weight, Some(&self.bias)),
        }
    }
}

/// `x` where positive, [`SLOPE`] times it elsewhere.
pub fn leaky_relu(x: &Tensor) -> Tensor {
    // The binding of the function itself fixes the slope at 0.01. Its derivative times `x` is the
    // same in one pass, forwards and backwards, and can be differentiated twice.
    x.detach().leaky_relu_backward(x, SLOPE, false)
}
