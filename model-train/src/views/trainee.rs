//! What the generator with views learns, and a run of it on disk.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::Device;

use super::batches::ViewBatch;
use super::loss::{self, NAMES, Weights};
use crate::network::config::{ViewGeneratorConfig, ViewPreset};
use crate::network::parameters::{Precision, Store};
use crate::network::perceptual::FeatureNetwork;
use crate::network::view_generator::ViewGenerator;
use crate::training::import;
use crate::training::opposed::{Attempt, Lesson, averaged};
use crate::training::state::State;

/// What a run is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewSubject {
    /// Sizes of the generator.
    pub view_generator: ViewGeneratorConfig,
    /// Pictures seen.
    pub pictures: u64,
}

/// An opened checkpoint.
pub type ViewCheckpoint = State<ViewSubject>;

/// To complete faces from views of them.
pub struct ViewLesson {
    /// Weights of the losses.
    pub weights: Weights,
    /// Whose features the perceptual loss compares.
    pub perceptual: Option<Box<dyn FeatureNetwork>>,
}

impl Lesson for ViewLesson {
    type Network = ViewGenerator;
    type Batch = ViewBatch;
    type Subject = ViewSubject;

    const LOSSES: &'static [&'static str] = &NAMES;

    fn attempt(&self, network: &ViewGenerator, batch: &ViewBatch, device: Device) -> Attempt {
        let batch = batch.to_device(device);
        let outputs = network.forward(&batch.inputs);
        Attempt {
            losses: loss::of(&outputs, &batch, &self.weights, self.perceptual.as_deref()),
            completed: outputs.completed,
            truth: batch.pictures,
            mask: batch.inputs.mask,
        }
    }

    fn count(subject: &mut ViewSubject, pictures: u64) {
        subject.pictures += pictures;
    }
}

/// The generator with views that `path` holds, f32: a checkpoint of `mde-train views train`, or, named
/// `*.onnx`, a model of `mde-train views export` of the embedded size.
///
/// # Errors
/// Where it cannot be read or is neither.
pub fn pretrained(path: &Path, device: Device) -> Result<(Store, ViewGenerator)> {
    if path.extension().is_none_or(|e| e != "onnx") {
        return generator(&ViewCheckpoint::open(path)?, path, device);
    }
    let mut store = Store::new(device, Precision::F32);
    let network = ViewGenerator::new(&mut store, &ViewPreset::Embedded.config());
    import::load(&store, path, ViewGenerator::imported)?;
    Ok((store, network))
}

/// The generator of the run in `checkpoint` with its averaged weights, f32; `path` is for messages.
///
/// # Errors
/// Where a tensor is missing or of another shape.
pub fn generator(
    checkpoint: &ViewCheckpoint,
    path: &Path,
    device: Device,
) -> Result<(Store, ViewGenerator)> {
    let sizes = &checkpoint.record.subject.view_generator;
    averaged(checkpoint, path, device, |store| {
        ViewGenerator::new(store, sizes)
    })
}
