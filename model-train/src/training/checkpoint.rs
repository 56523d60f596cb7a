//! A run on disk: weights, running statistics, Adam's moments, and how far it has come, in one
//! safetensors file that is written aside and renamed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::optimizer::Adam;
use crate::files::write_aside;
use crate::network::config::GeneratorConfig;
use crate::network::generator::Generator;
use crate::network::parameters::{Precision, Store};

/// How far a run has come and what it is of; everything else about batches and the learning rate
/// follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Sizes of the generator.
    pub generator: GeneratorConfig,
    /// Updates made.
    pub updates: u64,
    /// Training time of these updates in seconds.
    pub seconds: f64,
    /// Pictures a batch.
    pub batch: usize,
    /// Seed of weights, order, flips and masks.
    pub seed: u64,
    /// Tasks as on the command line.
    pub tasks: String,
}

/// Metadata key of the JSON form of [`Progress`].
const KEY: &str = "mde-train";

/// An opened checkpoint.
pub struct Checkpoint {
    /// How far the run had come.
    pub progress: Progress,
    tensors: HashMap<String, Tensor>,
}

/// Writes the state of a run to `path`.
///
/// # Errors
/// Where the file cannot be written; an earlier one at `path` is kept.
pub fn save(path: &Path, progress: &Progress, store: &Store, adam: &Adam) -> Result<()> {
    let mut tensors: Vec<(String, Values)> = Vec::new();
    for (name, t) in store.named() {
        tensors.push((name.to_owned(), Values::of(t)));
    }
    for (p, (m, v)) in store.parameters.iter().zip(&adam.moments) {
        tensors.push((moment_name("first", &p.name), Values::of(m)));
        tensors.push((moment_name("second", &p.name), Values::of(v)));
    }
    let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(progress)?)]);
    write_aside(path, |aside| -> Result<()> {
        safetensors::serialize_to_file(tensors, Some(metadata), aside)?;
        File::open(aside)?.sync_all()?;
        Ok(())
    })
    .with_context(|| format!("cannot write the checkpoint '{}'", path.display()))
}

impl Checkpoint {
    /// Reads the checkpoint at `path`.
    ///
    /// # Errors
    /// Where there is none, it is truncated, or it was not written by this program.
    pub fn open(path: &Path) -> Result<Self> {
        let read = || -> Result<Self> {
            let file = File::open(path)?;
            // SAFETY: checkpoints are replaced by renaming, never changed in place.
            let bytes = unsafe { Mmap::map(&file)? };
            let (_, header) = SafeTensors::read_metadata(&bytes)?;
            let progress = header.metadata().as_ref().and_then(|m| m.get(KEY));
            let progress = progress.context("it has no 'mde-train' metadata")?;
            let views = SafeTensors::deserialize(&bytes)?;
            let mut tensors = HashMap::new();
            for (name, view) in views.tensors() {
                ensure!(view.dtype() == Dtype::F32, "tensor '{name}' is not f32");
                let shape: Vec<i64> = view.shape().iter().map(|&d| d as i64).collect();
                let t = Tensor::from_data_size(view.data(), &shape, Kind::Float);
                tensors.insert(name, t);
            }
            Ok(Self {
                progress: serde_json::from_str(progress)?,
                tensors,
            })
        };
        read().with_context(|| {
            format!(
                "cannot read the checkpoint '{}': expected one of mde-train",
                path.display()
            )
        })
    }

    /// Puts the weights and running statistics into `store`; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn load_weights(&self, path: &Path, store: &Store) -> Result<()> {
        store.load(path, |name| {
            self.tensors.get(name).map(Tensor::shallow_clone)
        })
    }

    /// The generator with f32 weights; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn generator(&self, path: &Path, device: Device) -> Result<(Store, Generator)> {
        let mut store = Store::new(device, Precision::F32);
        let generator = Generator::new(&mut store, &self.progress.generator);
        self.load_weights(path, &store)?;
        Ok((store, generator))
    }

    /// Puts the optimiser's state into `adam`; `path` is for messages.
    ///
    /// # Errors
    /// Where a moment is missing or of another shape.
    pub fn load_moments(&self, path: &Path, store: &Store, adam: &mut Adam) -> Result<()> {
        for (p, (m, v)) in store.parameters.iter().zip(&adam.moments) {
            for (which, moment) in [("first", m), ("second", v)] {
                let name = moment_name(which, &p.name);
                let found = self
                    .tensors
                    .get(&name)
                    .filter(|t| t.size() == moment.size());
                let found = found
                    .with_context(|| format!("{} has no '{name}' that fits", path.display()))?;
                moment.shallow_clone().copy_(found);
            }
        }
        adam.updates = self.progress.updates;
        Ok(())
    }
}

fn moment_name(which: &str, parameter: &str) -> String {
    format!("adam.{which}.{parameter}")
}

/// A tensor's values in row-major order, copied as they are written.
struct Values<'a> {
    tensor: &'a Tensor,
    shape: Vec<usize>,
}

impl<'a> Values<'a> {
    fn of(tensor: &'a Tensor) -> Self {
        Self {
            tensor,
            shape: tensor.size().iter().map(|&d| d as usize).collect(),
        }
    }
}

impl View for Values<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = vec![0; self.data_len()];
        self.tensor
            .contiguous()
            .copy_data_u8(&mut bytes, self.tensor.numel());
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        self.tensor.numel() * size_of::<f32>()
    }
}
