//! The scene generator in a run, and a run of it on disk.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::Device;

use super::batches::SceneBatch;
use super::loss::{self, NAMES};
use super::network::SceneGenerator;
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::network::perceptual::FeatureNetwork;
use crate::training::learner::Learner;
use crate::training::loss::Losses;
use crate::training::optimizer::AdamConfig;
use crate::training::run::{Made, Moment, Trainee};
use crate::training::state::{self, Record, State, with_moments};

/// What a run is of: the scene generator, told from other networks by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SceneSubject {
    /// The tasks that it is trained on.
    pub scenes: String,
}

/// An opened checkpoint.
pub type SceneCheckpoint = State<SceneSubject>;

/// A scene generator in a run.
pub struct SceneTrainee {
    /// The generator with what training it needs.
    pub net: Learner<SceneGenerator>,
    /// Learning rate at the start.
    pub rate: f64,
    /// The network of the perceptual loss, with the weight of this.
    pub perceptual: Option<(Box<dyn FeatureNetwork>, f64)>,
    /// The run but for how far it has come.
    pub record: Record<SceneSubject>,
    /// Where its checkpoint is.
    pub path: PathBuf,
}

/// A generator with freshly drawn weights.
pub fn fresh(device: Device, precision: Precision) -> Learner<SceneGenerator> {
    let adam = AdamConfig {
        beta1: 0.9,
        clip: Some(1.0),
        ..AdamConfig::default()
    };
    Learner::new(device, precision, adam, SceneGenerator::new)
}

impl Trainee for SceneTrainee {
    type Batch = SceneBatch;

    fn losses(&self) -> Vec<&'static str> {
        NAMES.to_vec()
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn update(&mut self, batch: &SceneBatch, at: Moment) -> Losses {
        let batch = batch.to_device(self.net.store.device);
        let masked = &batch.pictures * &batch.masks;
        let network = &self.net.network;
        let completed = network.forward(&masked, &batch.masks, Pass::Train);
        let perceptual = self.perceptual.as_ref();
        let perceptual = perceptual.map(|(network, weight)| (network.as_ref(), *weight));
        let losses = loss::of(&completed, &batch, perceptual);
        self.net.descend(&losses.total, self.rate * at.rate);
        losses
    }

    fn save(&self, made: Made) -> Result<()> {
        let record = Record {
            made,
            ..self.record.clone()
        };
        state::write(&self.path, &record, with_moments(&self.net))
    }
}

impl SceneCheckpoint {
    /// The generator with f32 weights, for use; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn scene_generator(&self, path: &Path, device: Device) -> Result<(Store, SceneGenerator)> {
        let mut store = Store::new(device, Precision::F32);
        let net = SceneGenerator::new(&mut store);
        store.load(path, |name| self.tensor(name))?;
        Ok((store, net))
    }
}
