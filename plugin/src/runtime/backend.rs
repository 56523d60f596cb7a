//! What the choice asks of an execution provider.

use std::path::Path;

use ort::session::builder::SessionBuilder;

use super::inspect::Input;
use super::{
    Library, MAX_CROPS, Precision, Provider, RuntimeOptions, cpu::Cpu, cuda::Cuda,
    openvino::OpenVino, tensorrt::TensorRt,
};

/// Why a provider computes in the precision that the user named.
pub const AS_ASKED: &str = "as asked for";

/// An execution provider. Reasons are sentences for the user.
pub trait Backend: Sync {
    /// ONNX Runtime's name of it, as a session's node assignments give it.
    fn name(&self) -> &'static str;

    /// A cheap look at whether it can be there at all, without loading anything.
    fn is_installed(&self, library: &Library) -> Result<(), String>;

    /// The precision it would compute in with `options`, and why that one, as the end of the
    /// sentence "computes in bf16, ...".
    fn precision(&self, options: &RuntimeOptions) -> Result<(Precision, String), String>;

    /// Tells a compiled model of this provider from one of another release of it, where the
    /// provider can keep compiled models at all.
    fn cache_version(&self, library: &Library) -> Option<String>;

    /// Adds it to the options of a session.
    fn append(
        &self,
        library: &Library,
        builder: SessionBuilder,
        setup: &Setup,
    ) -> Result<SessionBuilder, String>;
}

/// How a provider is to run a model.
#[derive(Debug)]
pub struct Setup<'a> {
    /// Never [`Precision::Auto`].
    pub precision: Precision,
    /// The device as the user named it; nothing where it is left to the provider.
    pub device: Option<&'a str>,
    /// Threads for one inference on a CPU.
    pub threads: usize,
    /// Where compiled models are kept; a folder that exists.
    pub cache: Option<&'a Path>,
    /// The model's inputs.
    pub inputs: &'a [Input],
}

impl Setup<'_> {
    /// The device as the index that CUDA counts from 0; 0 where none is named.
    pub fn device_index(&self) -> Result<i32, String> {
        let Some(device) = self.device else {
            return Ok(0);
        };
        let index = device.parse().ok().filter(|index| *index >= 0);
        index.ok_or_else(|| {
            format!("device '{device}' is not the index of a graphics card, such as 0")
        })
    }

    /// The shapes of all inputs for `crops` crops, as TensorRT's profiles spell them; nothing
    /// where more than the number of crops is open.
    pub fn shapes(&self, crops: usize) -> Option<String> {
        let shapes: Option<Vec<String>> = self
            .inputs
            .iter()
            .map(|input| {
                let (first, rest) = input.sides.split_first()?;
                let mut sides = vec![first.unwrap_or(crops as i64).to_string()];
                for side in rest {
                    sides.push((*side)?.to_string());
                }
                Some(format!("{}:{}", input.name, sides.join("x")))
            })
            .collect();
        let is_open = self
            .inputs
            .iter()
            .any(|input| matches!(input.sides.first(), Some(None)));
        shapes.filter(|_| is_open).map(|shapes| shapes.join(","))
    }

    /// The shapes for the fewest and the most crops of one run.
    pub fn shape_bounds(&self) -> Option<(String, String)> {
        self.shapes(1).zip(self.shapes(MAX_CROPS))
    }
}

/// The one that stands for `provider`.
pub fn backend(provider: Provider) -> &'static dyn Backend {
    match provider {
        Provider::TensorRt => &TensorRt,
        Provider::Cuda => &Cuda,
        Provider::OpenVino => &OpenVino,
        Provider::Cpu | Provider::Auto => &Cpu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup<'a>(device: Option<&'a str>, inputs: &'a [Input]) -> Setup<'a> {
        Setup {
            precision: Precision::Fp32,
            device,
            threads: 1,
            cache: None,
            inputs,
        }
    }

    fn input(name: &str, sides: &[Option<i64>]) -> Input {
        Input {
            name: name.into(),
            sides: sides.to_vec(),
        }
    }

    #[test]
    fn a_device_index_is_a_number_from_0() {
        assert_eq!(setup(None, &[]).device_index(), Ok(0));
        assert_eq!(setup(Some("2"), &[]).device_index(), Ok(2));
        for device in ["-1", "GPU", "99999999999"] {
            let error = setup(Some(device), &[]).device_index();
            assert!(error.is_err_and(|e| e.contains(device)));
        }
    }

    #[test]
    fn shapes_are_known_where_only_the_crops_are_open() {
        let open = input("image", &[None, Some(3), Some(96), Some(64)]);
        let fixed = input("mask", &[Some(1), Some(1), Some(96), Some(64)]);
        let free = input("image", &[None, Some(3), None, None]);
        let both = [open, fixed];
        assert_eq!(
            setup(None, &both).shape_bounds(),
            Some((
                "image:1x3x96x64,mask:1x1x96x64".into(),
                "image:8x3x96x64,mask:1x1x96x64".into()
            ))
        );
        assert_eq!(setup(None, &both[1..]).shapes(1), None);
        assert_eq!(setup(None, &[free]).shapes(1), None);
    }
}
