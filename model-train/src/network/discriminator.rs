//! The discriminator of section 2.5: the encoder's convolutions with leaky ReLU, global average
//! pooling in the place of the fully-connected layer, a real/fake output, and the boxes of the
//! hide-and-seek loss (section 2.4).

use tch::{Device, Kind, Tensor};

use super::config::{DiscriminatorConfig, DiscriminatorNorm, ENCODER_DEPTH, channels};
use super::layers::{BatchNorm, Conv, he_uniform};
use super::parameters::{Store, channels_last};
use super::spectral::SpectralNorm;

/// Slope of the leaky ReLU for negative values, as in the paper's reference 16 (DCGAN).
const SLOPE: f64 = 0.2;
/// Factor of a spectrally normalised convolution. Divided by its largest singular value a random
/// one keeps about a quarter of a signal's energy, of which nothing would be left after 13.
const SPECTRAL_GAIN: f64 = 2.0;
/// Colour channels, each with a box of its own, of four coordinates.
const BOXES: i64 = 3;
const COORDINATES: i64 = 4;

/// What the discriminator says of `N` pictures.
pub struct Verdict {
    /// Log-odds of being real, `[N]` f32; the paper's `D` is their sigmoid.
    pub logit: Tensor,
    /// The boxes it sees, `[N, 3, 4]` f32 in `[0, 1]`: for each colour channel `x0, y0, x1, y1`
    /// as shares of width and height.
    pub boxes: Tensor,
}

/// The network `D`.
pub struct Discriminator {
    config: DiscriminatorConfig,
    blocks: Vec<Block>,
    real: Head,
    boxes: Head,
    kind: Kind,
}

impl Discriminator {
    /// A discriminator with freshly drawn weights (by torch's global generator) in `store`, all
    /// named `discriminator.*`.
    pub fn new(store: &mut Store, config: &DiscriminatorConfig) -> Self {
        let mut inputs = if config.coordinates { 5 } else { 3 };
        let mut blocks = Vec::new();
        for (level, (c, depth)) in channels(config.width)
            .into_iter()
            .zip(ENCODER_DEPTH)
            .enumerate()
        {
            for k in 0..depth {
                let name = format!("discriminator.{level}.{k}");
                let stride = if k + 1 == depth { 2 } else { 1 };
                blocks.push(Block::new(store, &name, inputs, c, stride, config.norm));
                inputs = c;
            }
        }
        let spectral = config.norm == DiscriminatorNorm::Spectral;
        Self {
            config: config.clone(),
            blocks,
            real: Head::new(store, "discriminator.real", inputs, 1, spectral),
            // Bounded by its sigmoid and no part of the game that needs a Lipschitz bound.
            boxes: Head::new(
                store,
                "discriminator.boxes",
                inputs,
                BOXES * COORDINATES,
                false,
            ),
            kind: store.precision.kind(),
        }
    }

    /// Judges `pictures` `[N, 3, H, W]` f32 in `[0, 1]`, sides multiples of 32. `train` takes the
    /// statistics of the batch and updates the running ones.
    pub fn forward(&self, pictures: &Tensor, train: bool) -> Verdict {
        let mut x = pictures.to_kind(self.kind);
        if self.config.coordinates {
            x = Tensor::cat(&[&x, &coordinates(&x)], 1); // [N, 5, H, W]
        }
        for block in &self.blocks {
            x = block.forward(&x, train);
        }
        let pooled = x.mean_dim([2i64, 3].as_slice(), false, Kind::Float); // [N, 8 W]
        let boxes = self.boxes.forward(&pooled, train).sigmoid();
        Verdict {
            logit: self.real.forward(&pooled, train).squeeze_dim(1),
            boxes: boxes.view([-1, BOXES, COORDINATES]),
        }
    }
}

/// Convolution, normalisation, leaky ReLU.
struct Block {
    conv: Conv,
    norm: Norm,
}

enum Norm {
    Batch(BatchNorm),
    Spectral(SpectralNorm),
    None,
}

impl Block {
    fn new(
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
    fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let x = match &self.norm {
            Norm::Batch(norm) => norm.forward(&self.conv.forward(x), train),
            Norm::Spectral(norm) => {
                let weight = norm.normalised(self.conv.weight(), train) * SPECTRAL_GAIN;
                self.conv.forward_with(&weight, x)
            }
            Norm::None => self.conv.forward(x),
        };
        leaky_relu(&x)
    }
}

/// A fully-connected output in f32.
struct Head {
    weight: Tensor,
    bias: Tensor,
    spectral: Option<SpectralNorm>,
}

impl Head {
    fn new(store: &mut Store, name: &str, inputs: i64, outputs: i64, spectral: bool) -> Self {
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
    fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        match &self.spectral {
            Some(norm) => x.linear(&norm.normalised(&self.weight, train), Some(&self.bias)),
            None => x.linear(&self.weight, Some(&self.bias)),
        }
    }
}

/// `x` where positive, [`SLOPE`] times it elsewhere.
fn leaky_relu(x: &Tensor) -> Tensor {
    // The binding of the function itself fixes the slope at 0.01. Its derivative times `x` is the
    // same in one pass, forwards and backwards, and can be differentiated twice.
    x.detach().leaky_relu_backward(x, SLOPE, false)
}

/// Two channels with the x and y coordinates, from -1 to 1 (Liu et al. 2018): `[N, 2, H, W]` for
/// `like` `[N, 3, H, W]`.
fn coordinates(like: &Tensor) -> Tensor {
    let (n, _, h, w) = like.size4().expect("pictures are [N, 3, H, W]");
    let line = |steps| Tensor::linspace(-1, 1, steps, (Kind::Float, like.device()));
    let x = line(w).view([1, 1, 1, w]).expand([n, 1, h, w], false);
    let y = line(h).view([1, 1, h, 1]).expand([n, 1, h, w], false);
    channels_last(&Tensor::cat(&[x, y], 1).to_kind(like.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::config::Preset;
    use crate::network::generator::Generator;
    use crate::network::parameters::Precision;

    fn config(coordinates: bool, norm: DiscriminatorNorm) -> DiscriminatorConfig {
        DiscriminatorConfig {
            width: 8,
            coordinates,
            norm,
        }
    }

    #[test]
    fn outputs_have_their_shapes_and_ranges() {
        tch::manual_seed(1);
        for precision in [Precision::F32, Precision::Bf16] {
            for norm in [
                DiscriminatorNorm::Batch,
                DiscriminatorNorm::Spectral,
                DiscriminatorNorm::None,
            ] {
                for coordinates in [false, true] {
                    let mut store = Store::new(Device::Cpu, precision);
                    let d = Discriminator::new(&mut store, &config(coordinates, norm));
                    let pictures = Tensor::rand([4, 3, 32, 32], (Kind::Float, Device::Cpu));
                    let verdict = d.forward(&channels_last(&pictures), true);
                    assert_eq!(verdict.logit.size(), [4]);
                    assert_eq!(verdict.boxes.size(), [4, 3, 4]);
                    assert_eq!(verdict.boxes.kind(), Kind::Float);
                    assert!(verdict.logit.isfinite().all().int64_value(&[]) == 1);
                    let (low, high) = (verdict.boxes.min(), verdict.boxes.max());
                    assert!(low.double_value(&[]) > 0.0 && high.double_value(&[]) < 1.0);
                }
            }
        }
    }

    #[test]
    fn it_has_fewer_parameters_than_the_encoder() {
        for preset in [Preset::Paper, Preset::Half, Preset::Tiny] {
            let sizes = preset.config();
            let mut store = Store::new(Device::Cpu, Precision::F32);
            Generator::new(&mut store, &sizes);
            let of_encoder =
                |name: &str| name.starts_with("encoder.") || name.starts_with("bottleneck.0.");
            let encoder: usize = (store.parameters.iter())
                .filter(|p| of_encoder(&p.name))
                .map(|p| p.master.numel())
                .sum();
            let mut store = Store::new(Device::Cpu, Precision::F32);
            let config = DiscriminatorConfig {
                width: sizes.width,
                ..config(true, DiscriminatorNorm::Batch)
            };
            Discriminator::new(&mut store, &config);
            assert!(
                store.count() < encoder,
                "{} against {encoder}",
                store.count()
            );
        }
    }

    #[test]
    fn the_leaky_relu_is_that_of_its_definition() {
        let x = Tensor::from_slice(&[-2.0f32, 0.5]).set_requires_grad(true);
        let y = leaky_relu(&x);
        assert_eq!(Vec::<f32>::try_from(&y).unwrap(), [-0.4, 0.5]);
        let slope = Tensor::run_backward(&[y.sum(Kind::Float)], &[&x], false, false);
        assert_eq!(Vec::<f32>::try_from(&slope[0]).unwrap(), [0.2, 1.0]);
    }

    #[test]
    fn coordinates_run_along_their_axes() {
        let c = coordinates(&Tensor::zeros([2, 3, 32, 64], (Kind::Float, Device::Cpu)));
        assert_eq!(c.size(), [2, 2, 32, 64]);
        for (at, expected) in [
            ([0, 0, 5, 0], -1.0),
            ([1, 0, 5, 63], 1.0),
            ([0, 1, 0, 7], -1.0),
            ([1, 1, 31, 7], 1.0),
        ] {
            assert_eq!(c.double_value(&at), expected);
        }
    }
}
