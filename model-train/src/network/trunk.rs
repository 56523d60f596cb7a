//! The convolutions of SqueezeNet v1.1 (Iandola et al. 2016), to be trained on.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use super::layers::{Conv, he_uniform};
use super::parameters::Store;
use super::perceptual::Weights;
use super::perceptual::squeezenet::{FIRE, MEAN, POOLED};
use crate::onnx::Graph;

/// Channels of what [`Trunk::forward`] gives, without those that were added: at a half, a quarter,
/// an eighth and a sixteenth of the resolution.
pub const CHANNELS: [i64; 4] = [64, 128, 256, 512];

/// A module: 1x1 convolution to few channels, then 1x1 and 3x3 ones side by side.
struct Fire {
    squeeze: Conv,
    expand: [Conv; 2],
}

/// The trunk, with channels of one's own beside those of its first convolution.
pub struct Trunk {
    first: Conv,
    fire: Vec<Fire>,
}

impl Trunk {
    /// Freshly drawn weights, or those of `pretrained` (`mde-train convert-squeezenet`), which do
    /// not look at the `added` channels at first. Tensors are named `trunk.*`.
    ///
    /// # Errors
    /// Where a pretrained tensor is missing or has another shape.
    pub fn new(store: &mut Store, added: i64, pretrained: Option<&Weights>) -> Result<Self> {
        let tensors = |name: &str, size: [i64; 4]| -> Result<(Tensor, Tensor)> {
            let [outputs, inputs, kernel, _] = size;
            Ok(match pretrained {
                Some(weights) => (
                    weights.get(&format!("{name}.weight"), &size)?,
                    weights.get(&format!("{name}.bias"), &[outputs])?,
                ),
                None => (
                    he_uniform(&size, inputs * kernel * kernel),
                    Tensor::zeros([outputs], (Kind::Float, Device::Cpu)),
                ),
            })
        };
        let (weight, bias) = tensors("conv1", [CHANNELS[0], 3, 3, 3])?;
        let (weight, bias) = match pretrained {
            Some(_) => of_unit_rgb(&weight, &bias),
            None => (weight, bias),
        };
        let first = Conv::of(store, "trunk.conv1", &weight, &bias, 2);
        let (mut inputs, mut more) = (CHANNELS[0], added);
        let mut fire = Vec::with_capacity(FIRE.len());
        for (n, (squeezed, each)) in FIRE.into_iter().enumerate() {
            let mut part = |part: &str, inputs, outputs, kernel, more: i64| {
                let name = format!("fire{}/{part}", n + 2);
                let (weight, bias) = tensors(&name, [outputs, inputs, kernel, kernel])?;
                let options = (Kind::Float, weight.device());
                let zeros = Tensor::zeros([outputs, more, kernel, kernel], options);
                let weight = Tensor::cat(&[weight, zeros], 1);
                anyhow::Ok(Conv::of(store, &format!("trunk.{name}"), &weight, &bias, 1))
            };
            fire.push(Fire {
                squeeze: part("squeeze1x1", inputs, squeezed, 1, more)?,
                expand: [
                    part("expand1x1", squeezed, each, 1, 0)?,
                    part("expand3x3", squeezed, each, 3, 0)?,
                ],
            });
            (inputs, more) = (2 * each, 0);
        }
        Ok(Self { first, fire })
    }

    /// Features of `image` `[N, 3, S, S]` at a half of its resolution, to which `added`
    /// `[N, added, S / 2, S / 2]` are joined, and at a quarter, an eighth and a sixteenth.
    pub fn forward(&self, image: &Tensor, added: &Tensor) -> [Tensor; 4] {
        let fine = Tensor::cat(&[&self.first.forward(image).relu_(), added], 1);
        let mut x = fine.shallow_clone();
        let mut features = vec![fine];
        for (n, fire) in self.fire.iter().enumerate() {
            if POOLED.contains(&n) {
                if n > 0 {
                    features.push(x.shallow_clone());
                }
                x = x.max_pool2d([3, 3], [2, 2], [0, 0], [1, 1], true);
            }
            x = fire.squeeze.forward(&x).relu_();
            let [one, three] = &fire.expand;
            x = Tensor::cat(&[one.forward(&x).relu_(), three.forward(&x).relu_()], 1);
        }
        features.push(x);
        features
            .try_into()
            .expect("three modules are pooled before")
    }

    /// Appends the trunk to an ONNX graph, as [`Self::forward`]; needs f32 weights.
    pub fn trace(&self, g: &mut Graph, image: &str, added: &str) -> [String; 4] {
        let relu = |g: &mut Graph, conv: &Conv, x: &str| {
            let x = conv.trace(g, x);
            g.relu(&x)
        };
        let fine = relu(g, &self.first, image);
        let fine = g.concat(&[&fine, added]);
        let mut x = fine.clone();
        let mut features = vec![fine];
        for (n, fire) in self.fire.iter().enumerate() {
            if POOLED.contains(&n) {
                if n > 0 {
                    features.push(x.clone());
                }
                x = g.max_pool_overlapping(&x);
            }
            x = relu(g, &fire.squeeze, &x);
            let expanded = [0, 1].map(|kernel| relu(g, &fire.expand[kernel], &x));
            x = g.concat(&[&expanded[0], &expanded[1]]);
        }
        features.push(x);
        features
            .try_into()
            .expect("three modules are pooled before")
    }
}

/// A first convolution of BGR in `[0, 255]` about [`MEAN`] as one of RGB in `[0, 1]`.
fn of_unit_rgb(weight: &Tensor, bias: &Tensor) -> (Tensor, Tensor) {
    let mean = Tensor::from_slice(&MEAN).to_device(weight.device());
    let beside = (weight * mean.view([1, 3, 1, 1])).sum_dim_intlist(
        [1i64, 2, 3].as_slice(),
        false,
        Kind::Float,
    );
    (weight.flip([1]) * 255.0, bias - beside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::parameters::Precision;
    use crate::network::perceptual::{FeatureNetwork, SqueezeNet};

    /// Weights of SqueezeNet, drawn.
    fn drawn() -> Weights {
        let mut tensors = Vec::new();
        let mut conv = |name: &str, inputs: i64, outputs: i64, kernel: i64| {
            let weight = he_uniform(&[outputs, inputs, kernel, kernel], inputs * kernel * kernel);
            tensors.push((format!("{name}.weight"), weight));
            let bias = Tensor::rand([outputs], (Kind::Float, Device::Cpu));
            tensors.push((format!("{name}.bias"), bias));
        };
        conv("conv1", 3, 64, 3);
        let mut inputs = 64;
        for (n, (squeezed, each)) in FIRE.into_iter().enumerate() {
            let name = |part: &str| format!("fire{}/{part}", n + 2);
            conv(&name("squeeze1x1"), inputs, squeezed, 1);
            conv(&name("expand1x1"), squeezed, each, 1);
            conv(&name("expand3x3"), squeezed, each, 3);
            inputs = 2 * each;
        }
        Weights::new(tensors, Device::Cpu, Kind::Float)
    }

    #[test]
    fn a_pretrained_trunk_computes_what_the_network_does() {
        tch::manual_seed(3);
        let weights = drawn();
        let mut store = Store::new(Device::Cpu, Precision::F32);
        let trunk = Trunk::new(&mut store, 4, Some(&weights)).unwrap();
        let picture = Tensor::rand([2, 3, 64, 64], (Kind::Float, Device::Cpu));
        let added = Tensor::rand([2, 4, 32, 32], (Kind::Float, Device::Cpu));
        let features = trunk.forward(&picture, &added);
        let sizes = features.iter().map(|f| f.size()[1..].to_vec());
        assert!(sizes.eq([[68, 32, 32], [128, 16, 16], [256, 8, 8], [512, 4, 4]]));
        // The network has no padding in front: it sees the same one pixel further.
        let moved = picture.narrow(2, 1, 63).narrow(3, 1, 63);
        let network = SqueezeNet::new(&weights).unwrap();
        let expected = &network.features(&moved)[0];
        let inner = features[0]
            .narrow(1, 0, 64)
            .narrow(2, 1, 31)
            .narrow(3, 1, 31);
        assert!(inner.allclose(expected, 1e-3, 1e-3, false));
        // What is added does not matter at first.
        let without = trunk.forward(&picture, &added.zeros_like());
        assert!(features[3].allclose(&without[3], 1e-5, 1e-5, false));
    }

    #[test]
    fn a_tensor_that_does_not_fit_is_named() {
        let weights = Weights::new(Vec::new(), Device::Cpu, Kind::Float);
        let mut store = Store::new(Device::Cpu, Precision::F32);
        let error = Trunk::new(&mut store, 4, Some(&weights)).err().unwrap();
        assert!(error.to_string().contains("conv1.weight"), "{error}");
    }
}
