//! What a run leaves on disk, whatever it trains: named f32 tensors and a record of what it is and
//! how far it has come, in one safetensors file that is written aside and renamed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::{Dtype, SafeTensors, View};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tch::{Device, Kind, Tensor};

use super::learner::Learner;
use super::options::RunOptions;
use super::run::Made;
use crate::files::write_aside;
use crate::network::parameters::{Precision, Store};

/// Metadata key of the JSON form of the record.
const KEY: &str = "mde-train";

/// What a file tells of its run beside the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record<S> {
    /// What is trained.
    #[serde(flatten)]
    pub subject: S,
    /// How far the run has come.
    #[serde(flatten)]
    pub made: Made,
    /// What it is made with.
    pub options: RunOptions,
}

impl<S: DeserializeOwned> Record<S> {
    /// Reads the JSON form. Files from before there were options told a few of them beside the
    /// subject.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self> {
        let mut fields: Map<String, Value> = serde_json::from_str(text)?;
        if !fields.contains_key("options") {
            let told = ["batch", "seed", "tasks"].into_iter().filter_map(|option| {
                let value = fields.get(option)?;
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                Some((option.to_owned(), text.into()))
            });
            let told: Map<String, Value> = told.collect();
            fields.insert("options".to_owned(), told.into());
        }
        Ok(serde_json::from_value(fields.into())?)
    }
}

/// An opened file.
pub struct State<S> {
    /// What it tells of the run.
    pub record: Record<S>,
    /// Everything it holds, by name.
    pub tensors: HashMap<String, Tensor>,
}

/// Writes `tensors` and `record` to `path`.
///
/// # Errors
/// Where the file cannot be written; an earlier one at `path` is kept.
pub fn write(
    path: &Path,
    record: &Record<impl Serialize>,
    tensors: Vec<(String, Values<'_>)>,
) -> Result<()> {
    let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(record)?)]);
    write_aside(path, |aside| -> Result<()> {
        safetensors::serialize_to_file(tensors, Some(metadata), aside)?;
        File::open(aside)?.sync_all()?;
        Ok(())
    })
    .with_context(|| format!("cannot write the checkpoint '{}'", path.display()))
}

/// The values of a network and its optimiser's.
pub fn with_moments<N>(learner: &Learner<N>) -> Vec<(String, Values<'_>)> {
    let mut tensors: Vec<_> = (learner.store.named())
        .map(|(name, t)| (name.to_owned(), Values::of(t)))
        .collect();
    for (p, (m, v)) in learner.store.parameters.iter().zip(&learner.adam.moments) {
        tensors.push((moment_name("first", &p.name), Values::of(m)));
        tensors.push((moment_name("second", &p.name), Values::of(v)));
    }
    tensors
}

impl<S: DeserializeOwned> State<S> {
    /// Reads the checkpoint at `path`.
    ///
    /// # Errors
    /// Where there is none, it is truncated, or it was not written by this program.
    pub fn open(path: &Path) -> Result<Self> {
        let read = || -> Result<Self> {
            let bytes = fs::read(path)?;
            let (_, header) = SafeTensors::read_metadata(&bytes)?;
            let record = header.metadata().as_ref().and_then(|m| m.get(KEY));
            let record = record.context("it has no 'mde-train' metadata")?;
            let views = SafeTensors::deserialize(&bytes)?;
            let mut tensors = HashMap::new();
            for (name, view) in views.tensors() {
                ensure!(view.dtype() == Dtype::F32, "tensor '{name}' is not f32");
                let shape: Vec<i64> = view.shape().iter().map(|&d| d as i64).collect();
                let t = Tensor::from_data_size(view.data(), &shape, Kind::Float);
                tensors.insert(name, t);
            }
            Ok(Self {
                record: Record::parse(record)?,
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

    /// The network that `make` builds, with the checkpoint's weights, f32, for use; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn network<N>(
        &self,
        path: &Path,
        device: Device,
        make: impl FnOnce(&mut Store) -> N,
    ) -> Result<(Store, N)> {
        let mut store = Store::new(device, Precision::F32);
        let network = make(&mut store);
        store.load(path, |name| self.tensor(name))?;
        Ok((store, network))
    }

    /// The tensor `name`, if there is one.
    pub fn tensor(&self, name: &str) -> Option<Tensor> {
        self.tensors.get(name).map(Tensor::shallow_clone)
    }

    /// Puts a network's values and its optimiser's, after `updates`, into `learner`.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape; `path` is for messages.
    pub fn restore<N>(&self, path: &Path, learner: &mut Learner<N>, updates: u64) -> Result<()> {
        let Learner { store, adam, .. } = learner;
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
