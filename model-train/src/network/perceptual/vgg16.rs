//! VGG-16 (Simonyan and Zisserman 2015) with torchvision's weights.

use anyhow::Result;
use tch::Tensor;

use super::{ConvShape, FeatureNetwork, FixedConv, Weights};
use crate::onnx::{Graph, Layer};

/// Name of the first tensor.
pub const FIRST: &str = "features.0.weight";

/// A command that writes the weights.
pub const HOW_TO_MAKE: &str = "setup/lpips.sh, into .deps/lpips/vgg16.safetensors";

/// Channels of each block, and the places of its convolutions in torchvision's `features`.
const BLOCKS: [(i64, &[usize]); super::LAYERS] = [
    (64, &[0, 2]),
    (128, &[5, 7]),
    (256, &[10, 12, 14]),
    (512, &[17, 19, 21]),
    (512, &[24, 26, 28]),
];

/// The convolutions of VGG-16. Features are the last ReLU of each block (relu1_2, 2_2, 3_3, 4_3,
/// 5_3), at the picture's resolution and 1/2, 1/4, 1/8, 1/16 of it.
pub struct Vgg16 {
    blocks: Vec<Vec<FixedConv>>,
    mean: Tensor,
    deviation: Tensor,
    kind: tch::Kind,
}

impl Vgg16 {
    /// The network with `weights`.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn new(weights: &Weights) -> Result<Self> {
        let mut inputs = 3;
        let mut blocks = Vec::new();
        for (outputs, places) in BLOCKS {
            let mut block = Vec::new();
            for place in places {
                let shape = ConvShape {
                    inputs,
                    outputs,
                    kernel: 3,
                    stride: 1,
                    padding: 1,
                };
                block.push(FixedConv::new(
                    weights,
                    &format!("features.{place}"),
                    &shape,
                )?);
                inputs = outputs;
            }
            blocks.push(block);
        }
        Ok(Self {
            blocks,
            mean: weights.per_channel([0.485, 0.456, 0.406]),
            deviation: weights.per_channel([0.229, 0.224, 0.225]),
            kind: weights.kind,
        })
    }
}

impl Vgg16 {
    /// Channels of the features of `layer`.
    pub fn channels(&self, layer: usize) -> i64 {
        BLOCKS[layer].0
    }

    /// Adds the network to `graph`, fed with `pictures` `[N, 3, H, W]` in `[0, 1]`; the names of
    /// the features of each layer.
    pub fn trace(&self, graph: &mut Graph, pictures: &str) -> Vec<String> {
        let mean = graph.constant(&-&self.mean);
        let scale = graph.constant(&self.deviation.reciprocal());
        let mut x = graph.add(pictures, &mean);
        x = graph.multiply(&x, &scale);
        let mut features: Vec<String> = Vec::with_capacity(self.blocks.len());
        for (block, (_, places)) in self.blocks.iter().zip(BLOCKS) {
            if let Some(finer) = features.last() {
                x = graph.max_pool(finer);
            }
            for (conv, place) in block.iter().zip(places) {
                let layer = Layer {
                    name: &format!("features.{place}"),
                    weight: &conv.weight,
                    bias: &conv.bias,
                };
                x = graph.conv(&x, layer, conv.stride);
                x = graph.relu(&x);
            }
            features.push(x.clone());
        }
        features
    }
}

impl FeatureNetwork for Vgg16 {
    fn features(&self, pictures: &Tensor) -> Vec<Tensor> {
        let mut x = ((pictures - &self.mean) / &self.deviation).to_kind(self.kind);
        let mut features: Vec<Tensor> = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            if let Some(finer) = features.last() {
                x = finer.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
            }
            for conv in block {
                x = conv.forward(&x);
            }
            features.push(x.shallow_clone());
        }
        features
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use tch::{Device, Kind};

    #[test]
    fn features_are_those_of_the_five_blocks() {
        tch::manual_seed(1);
        let options = (Kind::Float, Device::Cpu);
        let mut tensors = Vec::new();
        let mut inputs = 3;
        for (outputs, places) in BLOCKS {
            for place in places {
                let weight = Tensor::randn([outputs, inputs, 3, 3], options) * 0.02;
                tensors.push((format!("features.{place}.weight"), weight));
                tensors.push((
                    format!("features.{place}.bias"),
                    Tensor::zeros([outputs], options),
                ));
                inputs = outputs;
            }
        }
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("vgg16.safetensors");
        Tensor::write_safetensors(&tensors, &path).unwrap();
        let network = crate::network::perceptual::open(&path, Device::Cpu, Kind::Float).unwrap();
        // The mean colour is 0 to the network, and all biases are 0.
        let mean = Tensor::from_slice(&[0.485f32, 0.456, 0.406]).view([1, 3, 1, 1]);
        let features = network.features(&mean.expand([1, 3, 32, 32], false));
        let sizes: Vec<_> = features.iter().map(Tensor::size).collect();
        let expected = [(64, 32), (128, 16), (256, 8), (512, 4), (512, 2)];
        assert_eq!(sizes, expected.map(|(c, s)| vec![1, c, s, s]));
        assert!(
            features
                .iter()
                .all(|f| f.abs().max().double_value(&[]) == 0.0)
        );

        tensors.retain(|(name, _)| name != "features.28.bias");
        Tensor::write_safetensors(&tensors, &path).unwrap();
        let missing = error(&path);
        assert!(missing.contains("'features.28.bias'"), "{missing}");
        assert!(missing.contains("setup/lpips.sh"), "{missing}");
        Tensor::write_safetensors(&tensors[1..2], &path).unwrap();
        assert!(error(&path).contains("convert-squeezenet"));
    }

    fn error(path: &Path) -> String {
        match crate::network::perceptual::open(path, Device::Cpu, Kind::Float) {
            Ok(_) => panic!("a broken file was taken"),
            Err(error) => format!("{error:#}"),
        }
    }
}
