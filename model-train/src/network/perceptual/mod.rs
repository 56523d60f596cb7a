//! Fixed, pretrained networks whose features the perceptual loss (section 2.2) compares.

mod face;
mod lpips;
pub mod squeezenet;
mod vgg16;

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tch::{Device, Kind, Tensor};

use crate::tensors::channels_last;
pub use face::{Description, Face};
pub use lpips::Lpips;
pub use squeezenet::SqueezeNet;
use vgg16::Vgg16;

/// Layers whose features are compared.
pub const LAYERS: usize = 5;

/// A network whose weights stay as they are.
pub trait FeatureNetwork {
    /// Features of `pictures` `[N, 3, H, W]` f32 RGB in `[0, 1]`, sides at least 32, one
    /// `[N, C, H', W']` for each of [`LAYERS`] layers, finest first, in the precision the network
    /// was opened with. Brings the input to the range the network was trained on.
    fn features(&self, pictures: &Tensor) -> Vec<Tensor>;
}

/// Opens the network in the safetensors file at `path` for computing in `kind`: VGG-16 with
/// torchvision's names, SqueezeNet v1.1 of `mde-train convert-squeezenet`, or the face network of
/// `mde-train features`.
///
/// # Errors
/// Where the file cannot be read, is of none of these networks, or a tensor is missing or has another
/// shape; says how such a file is made.
pub fn open(path: &Path, device: Device, kind: Kind) -> Result<Box<dyn FeatureNetwork>> {
    let read = || -> Result<Box<dyn FeatureNetwork>> {
        let weights = Weights::read(path, device, kind)?;
        if weights.has(squeezenet::FIRST) {
            Ok(Box::new(SqueezeNet::new(&weights)?))
        } else if weights.has(vgg16::FIRST) {
            Ok(Box::new(Vgg16::new(&weights)?))
        } else if weights.has(face::FIRST) {
            Ok(Box::new(Face::new(&weights)?))
        } else {
            bail!(
                "it has neither '{}' nor '{}' nor '{}'",
                vgg16::FIRST,
                squeezenet::FIRST,
                face::FIRST
            )
        }
    };
    read().with_context(|| {
        format!(
            "cannot take '{}' for the perceptual network: expected SqueezeNet v1.1 as written by \
             `mde-train convert-squeezenet`, a face network of `mde-train features`, or \
             torchvision's VGG-16 as written by {}",
            path.display(),
            vgg16::HOW_TO_MAKE
        )
    })
}

/// Opens the face network in the safetensors file at `path` for computing in f32.
///
/// # Errors
/// Where the file cannot be read or is of another network; says how such a file is made.
pub fn open_face(path: &Path, device: Device) -> Result<Face> {
    let read = || -> Result<Face> { Face::new(&Weights::read(path, device, Kind::Float)?) };
    read().with_context(|| {
        format!(
            "cannot take '{}' for the face network: expected a face.safetensors of `mde-train \
             features --data CELEBA --out FOLDER`",
            path.display()
        )
    })
}

/// Tensors by name.
pub struct Weights {
    tensors: HashMap<String, Tensor>,
    device: Device,
    kind: Kind,
}

impl Weights {
    /// `tensors` for computing on `device` in `kind`.
    pub fn new(tensors: Vec<(String, Tensor)>, device: Device, kind: Kind) -> Self {
        Self {
            tensors: tensors.into_iter().collect(),
            device,
            kind,
        }
    }

    /// Those in the safetensors file at `path`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(path: &Path, device: Device, kind: Kind) -> Result<Self> {
        Ok(Self::new(Tensor::read_safetensors(path)?, device, kind))
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Shape of the tensor `name`.
    fn size(&self, name: &str) -> Result<Vec<i64>> {
        Ok(self.named(name)?.size())
    }

    fn named(&self, name: &str) -> Result<&Tensor> {
        (self.tensors.get(name)).with_context(|| format!("it has no tensor '{name}'"))
    }

    /// The tensor `name` of shape `size`.
    ///
    /// # Errors
    /// Where it is missing or of another shape.
    pub fn get(&self, name: &str, size: &[i64]) -> Result<Tensor> {
        let found = self.named(name)?;
        ensure!(
            found.size() == size,
            "its tensor '{name}' is {:?} where {size:?} was expected",
            found.size()
        );
        let found = found.to_device(self.device).to_kind(self.kind);
        Ok(channels_last(&found).set_requires_grad(false))
    }

    /// A per-channel constant of the input, `[1, 3, 1, 1]` f32.
    fn per_channel(&self, values: [f32; 3]) -> Tensor {
        Tensor::from_slice(&values)
            .view([1, 3, 1, 1])
            .to_device(self.device)
    }
}

/// A fixed convolution and the ReLU after it.
struct FixedConv {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
    padding: i64,
}

/// Shape of a [`FixedConv`].
struct ConvShape {
    inputs: i64,
    outputs: i64,
    kernel: i64,
    stride: i64,
    padding: i64,
}

impl FixedConv {
    /// Tensors are named `NAME.weight` and `NAME.bias`.
    fn new(weights: &Weights, name: &str, shape: &ConvShape) -> Result<Self> {
        let size = [shape.outputs, shape.inputs, shape.kernel, shape.kernel];
        Ok(Self {
            weight: weights.get(&format!("{name}.weight"), &size)?,
            bias: weights.get(&format!("{name}.bias"), &[shape.outputs])?,
            stride: shape.stride,
            padding: shape.padding,
        })
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let (s, p) = (self.stride, self.padding);
        x.conv2d(&self.weight, Some(&self.bias), [s, s], [p, p], [1, 1], 1)
            .relu_()
    }
}
