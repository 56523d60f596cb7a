//! SqueezeNet v1.1 (Iandola et al. 2016) with the weights of its Caffe model, which
//! `mde-train convert-squeezenet` takes from their ncnn form.

use anyhow::Result;
use tch::Tensor;

use super::{ConvShape, FeatureNetwork, FixedConv, Weights};

/// Name of the first tensor.
pub const FIRST: &str = "conv1.weight";

/// Squeezed and, for each of the two kernels, expanded channels of the modules fire2 to fire9.
pub const FIRE: [(i64, i64); 8] = [
    (16, 64),
    (16, 64),
    (32, 128),
    (32, 128),
    (48, 192),
    (48, 192),
    (64, 256),
    (64, 256),
];
/// Modules in front of which the resolution is halved: fire2, fire4 and fire6.
pub const POOLED: [usize; 3] = [0, 2, 4];
/// What is subtracted from blue, green and red in `[0, 255]`.
pub const MEAN: [f32; 3] = [104.0, 117.0, 123.0];
/// Modules whose output is a feature: fire3, fire5, fire7 and fire9.
const TAKEN: [usize; 4] = [1, 3, 5, 7];

/// A module: 1x1 convolution to few channels, then 1x1 and 3x3 ones side by side.
struct Fire {
    squeeze: FixedConv,
    expand: [FixedConv; 2],
}

impl Fire {
    fn new(weights: &Weights, name: &str, inputs: i64, squeezed: i64, each: i64) -> Result<Self> {
        let conv = |part: &str, inputs, outputs, kernel| {
            let shape = ConvShape {
                inputs,
                outputs,
                kernel,
                stride: 1,
                padding: kernel / 2,
            };
            FixedConv::new(weights, &format!("{name}/{part}"), &shape)
        };
        Ok(Self {
            squeeze: conv("squeeze1x1", inputs, squeezed, 1)?,
            expand: [
                conv("expand1x1", squeezed, each, 1)?,
                conv("expand3x3", squeezed, each, 3)?,
            ],
        })
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let x = self.squeeze.forward(x);
        Tensor::cat(&[self.expand[0].forward(&x), self.expand[1].forward(&x)], 1)
    }
}

/// The convolutions of SqueezeNet v1.1 but for the classifier. Features are the ReLU of conv1 and
/// the outputs of fire3, fire5, fire7 and fire9: `[N, 64, 47, 47]`, `[N, 128, 23, 23]`,
/// `[N, 256, 11, 11]`, `[N, 384, 5, 5]`, `[N, 512, 5, 5]` for 96x96 pictures.
pub struct SqueezeNet {
    conv1: FixedConv,
    fire: Vec<Fire>,
    mean: Tensor,
    kind: tch::Kind,
}

impl SqueezeNet {
    /// The network with `weights`.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn new(weights: &Weights) -> Result<Self> {
        let shape = ConvShape {
            inputs: 3,
            outputs: 64,
            kernel: 3,
            stride: 2,
            padding: 0,
        };
        let conv1 = FixedConv::new(weights, "conv1", &shape)?;
        let mut inputs = shape.outputs;
        let mut fire = Vec::with_capacity(FIRE.len());
        for (n, (squeezed, each)) in FIRE.into_iter().enumerate() {
            let name = format!("fire{}", n + 2);
            fire.push(Fire::new(weights, &name, inputs, squeezed, each)?);
            inputs = 2 * each;
        }
        Ok(Self {
            conv1,
            fire,
            mean: weights.per_channel(MEAN),
            kind: weights.kind,
        })
    }
}

impl FeatureNetwork for SqueezeNet {
    fn features(&self, pictures: &Tensor) -> Vec<Tensor> {
        // RGB in [0, 1] to BGR in [0, 255] about the mean.
        let bgr = pictures.flip([1]) * 255.0 - &self.mean;
        let mut x = self.conv1.forward(&bgr.to_kind(self.kind));
        let mut features = vec![x.shallow_clone()];
        for (n, fire) in self.fire.iter().enumerate() {
            if POOLED.contains(&n) {
                // Caffe and ncnn round the size up.
                x = x.max_pool2d([3, 3], [2, 2], [0, 0], [1, 1], true);
            }
            x = fire.forward(&x);
            if TAKEN.contains(&n) {
                features.push(x.shallow_clone());
            }
        }
        features
    }
}
