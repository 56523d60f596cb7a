//! Trainable tensors, each kept twice where training is in bf16: an f32 master that the optimiser
//! updates, and the bf16 working copy that the network computes with.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tch::{Device, Kind, Tensor};

use crate::tensors::channels_last;

/// Arithmetic of convolutions and fully-connected layers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point throughout.
    F32,
    /// bf16 with f32 accumulation, f32 master weights and f32 batch statistics.
    Bf16,
}

impl Precision {
    /// bf16 where `device` computes in it, else f32: a CPU without such instructions emulates
    /// them, several times slower than f32.
    pub fn fastest_on(device: Device) -> Self {
        let has_bf16 = match device {
            Device::Cpu => cpu_has_bf16(),
            _ => true,
        };
        if has_bf16 { Self::Bf16 } else { Self::F32 }
    }

    /// The kind of working weights and activations.
    pub fn kind(self) -> Kind {
        match self {
            Self::F32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

#[cfg(target_arch = "x86_64")]
fn cpu_has_bf16() -> bool {
    is_x86_feature_detected!("avx512bf16")
}

#[cfg(target_arch = "aarch64")]
fn cpu_has_bf16() -> bool {
    std::arch::is_aarch64_feature_detected!("bf16")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_has_bf16() -> bool {
    false
}

/// One trainable tensor.
pub struct Parameter {
    /// Dotted name, unique in its store.
    pub name: String,
    /// The f32 values that are optimised and saved.
    pub master: Tensor,
    /// The values the network computes with, a leaf of the gradient graph; the same tensor as
    /// `master` unless the precision differs.
    pub working: Tensor,
}

impl Parameter {
    /// The same tensors again.
    pub fn shallow_clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            master: self.master.shallow_clone(),
            working: self.working.shallow_clone(),
        }
    }
}

/// The parameters and the batch statistics of a network, in order of creation.
pub struct Store {
    /// Trained by the optimiser.
    pub parameters: Vec<Parameter>,
    /// Running statistics, by name.
    pub buffers: Vec<(String, Tensor)>,
    /// Where the tensors live.
    pub device: Device,
    /// Kind of the working copies of convolution and linear weights.
    pub precision: Precision,
}

impl Store {
    /// An empty store.
    pub fn new(device: Device, precision: Precision) -> Self {
        Self {
            parameters: Vec::new(),
            buffers: Vec::new(),
            device,
            precision,
        }
    }

    /// Adds a weight that is computed with in the store's precision. `init` is f32; a 4-D weight
    /// is laid out channels last.
    pub fn weight(&mut self, name: String, init: &Tensor) -> Tensor {
        self.add(name, init, self.precision.kind())
    }

    /// Adds a parameter that stays in f32 whatever the precision.
    pub fn f32_parameter(&mut self, name: String, init: &Tensor) -> Tensor {
        self.add(name, init, Kind::Float)
    }

    /// Adds a running statistic.
    pub fn buffer(&mut self, name: String, init: &Tensor) -> Tensor {
        let buffer = init.to_device(self.device).copy();
        self.buffers.push((name, buffer.shallow_clone()));
        buffer
    }

    fn add(&mut self, name: String, init: &Tensor, kind: Kind) -> Tensor {
        let master = channels_last(&init.to_device(self.device).copy());
        let working = if kind == Kind::Float {
            master.shallow_clone()
        } else {
            master.to_kind(kind)
        };
        let working = working.set_requires_grad(true);
        self.parameters.push(Parameter {
            name,
            master,
            working: working.shallow_clone(),
        });
        working
    }

    /// All values by name, f32, in the order of creation: parameters, then statistics.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let parameters = self.parameters.iter().map(|p| (p.name.as_str(), &p.master));
        parameters.chain(self.buffers.iter().map(|(name, t)| (name.as_str(), t)))
    }

    /// Number of trainable values.
    pub fn count(&self) -> usize {
        self.parameters.iter().map(|p| p.master.numel()).sum()
    }

    /// Takes the values of `source` (looked up by name), refreshing the working copies.
    ///
    /// # Errors
    /// Names the first tensor that is missing or has another shape; `origin` says where it was
    /// looked for.
    pub fn load(&self, origin: &Path, source: impl Fn(&str) -> Option<Tensor>) -> Result<()> {
        tch::no_grad(|| {
            for (name, target) in self.named() {
                let found = source(name)
                    .with_context(|| format!("{} has no tensor '{name}'", origin.display()))?;
                ensure!(
                    found.size() == target.size(),
                    "{}: tensor '{name}' is {:?}, the network's is {:?}: was it trained with \
                     another preset?",
                    origin.display(),
                    found.size(),
                    target.size()
                );
                target.shallow_clone().copy_(&found);
            }
            for p in &self.parameters {
                if p.working.kind() != Kind::Float {
                    p.working.detach().copy_(&p.master);
                }
            }
            Ok(())
        })
    }
}
