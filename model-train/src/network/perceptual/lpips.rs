//! The learned perceptual distance LPIPS 0.1 (Zhang et al. 2018) on VGG-16.

use std::path::Path;

use anyhow::{Context, Result};
use tch::{Device, Kind, Tensor};

use super::vgg16::Vgg16;
use super::{LAYERS, Weights};
use crate::onnx::{FREE, Graph};

/// Keeps positions without any feature from being divided by 0, as in the reference.
const EPSILON: f64 = 1e-10;

/// VGG-16 with what each channel counts for.
pub struct Lpips {
    network: Vgg16,
    /// Square roots of the learned weights, `[1, C, 1, 1]` a layer.
    roots: Vec<Tensor>,
}

impl Lpips {
    /// The network in the safetensors file at `path`, which `setup/lpips.sh` writes.
    ///
    /// # Errors
    /// Where the file cannot be read, a tensor is missing or of another shape, or a learned weight
    /// is negative.
    pub fn open(path: &Path, device: Device) -> Result<Self> {
        let read = || -> Result<Self> { Self::new(&Weights::read(path, device, Kind::Float)?) };
        read().with_context(|| {
            format!(
                "cannot take '{}' for the network of LPIPS: expected a file of setup/lpips.sh",
                path.display()
            )
        })
    }

    fn new(weights: &Weights) -> Result<Self> {
        let network = Vgg16::new(weights)?;
        let root = |layer: usize| -> Result<Tensor> {
            let name = format!("lin.{layer}.weight");
            let channels = network.channels(layer);
            let learned = weights.get(&name, &[channels])?;
            let least = learned.min().double_value(&[]);
            anyhow::ensure!(
                least >= 0.0,
                "its tensor '{name}' has a negative value, {least}"
            );
            Ok(learned.sqrt().view([1, channels, 1, 1]))
        };
        let roots = (0..LAYERS).map(root).collect::<Result<_>>()?;
        Ok(Self { network, roots })
    }

    /// A graph from `pictures` `[N, 3, H, W]` in `[0, 1]`, sides at least 16, to `features_0` to
    /// `features_4` `[N, C, H', W']`: the distance of two pictures is the sum over the layers of
    /// the mean over the positions of the squared length of the difference of their features.
    pub fn trace(&self) -> Graph {
        let mut graph = Graph::new("lpips");
        let pictures = graph.input("pictures", &[3, FREE, FREE]);
        let layers = self.network.trace(&mut graph, &pictures);
        for (layer, (features, root)) in layers.iter().zip(&self.roots).enumerate() {
            let length = graph.length_of_channels(features);
            let length = graph.shift(&length, EPSILON as f32);
            let unit = graph.divide(features, &length);
            let root_name = graph.constant(root);
            let weighed = graph.multiply(&unit, &root_name);
            let channels = root.size()[1];
            graph.output(
                &weighed,
                &format!("features_{layer}"),
                &[channels, FREE, FREE],
            );
        }
        graph
    }
}
