//! A trained generator in a file: a checkpoint's, or an exported model's.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tch::{Device, Tensor};

use super::checkpoint::Checkpoint;
use super::import::Imported;
use crate::network::config::GeneratorConfig;
use crate::network::generator::Generator;
use crate::network::parameters::{Precision, Store};

/// A generator's weights and what is known of it.
pub struct Pretrained {
    /// Its sizes.
    pub config: GeneratorConfig,
    /// Updates it was trained for, where the file tells.
    pub updates: Option<u64>,
    /// Whether its normalisations have the statistics of the training data. Those of an exported
    /// model have been folded away.
    pub has_statistics: bool,
    path: PathBuf,
    tensors: HashMap<String, Tensor>,
}

impl Pretrained {
    /// Opens `path`: an ONNX file of `mde-train export` where it is named `*.onnx`, else a
    /// checkpoint, of which the average is taken where one was kept.
    ///
    /// # Errors
    /// Where it cannot be read or is neither.
    pub fn open(path: &Path) -> Result<Self> {
        if path.extension().is_none_or(|e| e != "onnx") {
            return Ok(Self::of(&Checkpoint::open(path)?, path));
        }
        let model = Imported::open(path)?;
        Ok(Self {
            config: model.config,
            updates: None,
            has_statistics: false,
            path: path.to_owned(),
            tensors: model.tensors,
        })
    }

    /// The generator of `checkpoint`, which `path` holds.
    pub fn of(checkpoint: &Checkpoint, path: &Path) -> Self {
        let record = &checkpoint.record;
        Self {
            config: record.subject.generator.clone(),
            updates: Some(record.made.updates),
            has_statistics: true,
            path: path.to_owned(),
            tensors: checkpoint.generator_tensors(),
        }
    }

    /// Puts the weights into `store`, that of a network of the same sizes.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn restore(&self, store: &Store) -> Result<()> {
        store.load(&self.path, |name| {
            self.tensors.get(name).map(Tensor::shallow_clone)
        })
    }

    /// The generator with f32 weights, for use.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub fn generator(&self, device: Device) -> Result<(Store, Generator)> {
        let mut store = Store::new(device, Precision::F32);
        let generator = Generator::new(&mut store, &self.config);
        self.restore(&store)?;
        Ok((store, generator))
    }
}
