//! What the cover net learns, and a run of it on disk.

use std::cell::Cell;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind as Dtype, Tensor};

use super::batches::CoverBatch;
use super::loss::{self, NAMES};
use super::network::CoverNet;
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::network::perceptual::Weights;
use crate::training::import;
use crate::training::learner::Learner;
use crate::training::loss::Losses;
use crate::training::optimizer::AdamConfig;
use crate::training::single::Lesson;
use crate::training::state::State;

/// What a run is of: the cover net, told from other nets by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoverSubject {
    /// The kinds that it tells, in their order.
    pub covers: String,
}

/// An opened checkpoint.
pub type CoverCheckpoint = State<CoverSubject>;

/// To tell what is before a face.
#[derive(Default)]
pub struct CoverLesson {
    /// Whether the net comes without statistics of its normalisations and takes those of the first batch.
    pub adopts: Cell<bool>,
}

fn adam() -> AdamConfig {
    AdamConfig {
        beta1: 0.9,
        clip: Some(5.0),
        ..AdamConfig::default()
    }
}

/// A net with freshly drawn weights.
pub fn fresh(device: Device, precision: Precision) -> Learner<CoverNet> {
    Learner::new(device, precision, adam(), CoverNet::new)
}

/// A net whose trunk has the weights of SqueezeNet in the safetensors file at `path`.
///
/// # Errors
/// Where the file cannot be read, or a tensor is missing or has another shape.
pub fn pretrained(device: Device, precision: Precision, path: &Path) -> Result<Learner<CoverNet>> {
    let make = |store: &mut Store| -> Result<CoverNet> {
        CoverNet::pretrained(store, &Weights::read(path, Device::Cpu, Dtype::Float)?)
    };
    Learner::try_new(device, precision, adam(), make).with_context(|| {
        format!(
            "cannot take '{}' for the trunk: expected a file of `mde-train convert-squeezenet`",
            path.display()
        )
    })
}

/// A net with the weights of the model at `path`, which `mde-train covers export` wrote.
///
/// # Errors
/// Where it cannot be read or is another.
pub fn exported(device: Device, precision: Precision, path: &Path) -> Result<Learner<CoverNet>> {
    let learner = fresh(device, precision);
    let weights = import::weights(path)?;
    let traced = |name: &str| weights.get(name).map(Tensor::shallow_clone);
    learner
        .store
        .load(path, |name| CoverNet::imported(name, traced))?;
    Ok(learner)
}

/// The net that `path` holds, f32: a checkpoint of `mde-train covers train`, or, named `*.onnx`, a model of
/// `mde-train covers export`.
///
/// # Errors
/// Where it cannot be read or is neither.
pub fn open(path: &Path, device: Device) -> Result<(Store, CoverNet)> {
    if path.extension().is_some_and(|e| e == "onnx") {
        let learner = exported(device, Precision::F32, path)?;
        return Ok((learner.store, learner.network));
    }
    CoverCheckpoint::open(path)?.network(path, device, CoverNet::new)
}

impl Lesson for CoverLesson {
    type Network = CoverNet;
    type Batch = CoverBatch;
    type Subject = CoverSubject;

    const LOSSES: &'static [&'static str] = &NAMES;

    fn losses(&self, network: &CoverNet, batch: &CoverBatch, device: Device) -> Losses {
        let batch = batch.to_device(device);
        if self.adopts.take() {
            let _ = tch::no_grad(|| network.forward(&batch.inputs, Pass::Adopt));
        }
        loss::of(&network.forward(&batch.inputs, Pass::Train), &batch)
    }
}
