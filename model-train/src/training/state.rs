//! What a run leaves on disk, whatever it trains: named f32 tensors and how far the run has come,
//! in one safetensors file that is written aside and renamed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors, View};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::{Kind, Tensor};

use super::optimizer::Adam;
use crate::files::write_aside;
use crate::network::parameters::Store;

/// Metadata key of the JSON form of the progress.
const KEY: &str = "mde-train";

/// An opened file.
pub struct State<P> {
    /// How far the run had come.
    pub progress: P,
    /// Everything it holds, by name.
    pub tensors: HashMap<String, Tensor>,
}

/// Writes `tensors` and `progress` to `path`.
///
/// # Errors
/// Where the file cannot be written; an earlier one at `path` is kept.
pub fn write(
    path: &Path,
    progress: &impl Serialize,
    tensors: Vec<(String, Values<'_>)>,
) -> Result<()> {
    let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(progress)?)]);
    write_aside(path, |aside| -> Result<()> {
        safetensors::serialize_to_file(tensors, Some(metadata), aside)?;
        File::open(aside)?.sync_all()?;
        Ok(())
    })
    .with_context(|| format!("cannot write the checkpoint '{}'", path.display()))
}

/// The values of a network and its optimiser's.
pub fn with_moments<'a>(store: &'a Store, adam: &'a Adam) -> Vec<(String, Values<'a>)> {
    let mut tensors: Vec<_> = (store.named())
        .map(|(name, t)| (name.to_owned(), Values::of(t)))
        .collect();
    for (p, (m, v)) in store.parameters.iter().zip(&adam.moments) {
        tensors.push((moment_name("first", &p.name), Values::of(m)));
        tensors.push((moment_name("second", &p.name), Values::of(v)));
    }
    tensors
}

impl<P: DeserializeOwned> State<P> {
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

    /// The tensor `name`, if there is one.
    pub fn tensor(&self, name: &str) -> Option<Tensor> {
        self.tensors.get(name).map(Tensor::shallow_clone)
    }

    /// Puts a network's values into `store` and its optimiser's, after `updates`, into `adam`.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape; `path` is for messages.
    pub fn network(&self, path: &Path, store: &Store, adam: &mut Adam, updates: u64) -> Result<()> {
        store.load(path, |name| self.tensor(name))?;
        for (p, (m, v)) in store.parameters.iter().zip(&adam.moments) {
            for (which, moment) in [("first", m), ("second", v)] {
                let name = moment_name(which, &p.name);
                let found = self.tensor(&name).filter(|t| t.size() == moment.size());
                let found = found
                    .with_context(|| format!("{} has no '{name}' that fits", path.display()))?;
                moment.shallow_clone().copy_(&found);
            }
        }
        adam.updates = updates;
        Ok(())
    }
}

fn moment_name(which: &str, parameter: &str) -> String {
    format!("adam.{which}.{parameter}")
}

/// A tensor's values in row-major order, copied as they are written.
pub struct Values<'a> {
    tensor: &'a Tensor,
    shape: Vec<usize>,
}

impl<'a> Values<'a> {
    /// Those of `tensor`, f32.
    pub fn of(tensor: &'a Tensor) -> Self {
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
