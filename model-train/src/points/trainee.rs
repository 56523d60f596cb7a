//! The point net in a run, and a run of it on disk.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::Device;

use super::batches::PointBatch;
use super::loss::{self, NAMES};
use super::network::PointNet;
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::training::learner::Learner;
use crate::training::loss::Losses;
use crate::training::optimizer::AdamConfig;
use crate::training::run::{Made, Moment, Trainee};
use crate::training::state::{self, Record, State, with_moments};

/// What a run is of: there is one point net.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PointSubject {}

/// An opened checkpoint.
pub type PointCheckpoint = State<PointSubject>;

/// A point net in a run.
pub struct PointNetTrainee {
    /// The net with what training it needs.
    pub net: Learner<PointNet>,
    /// Learning rate at the start.
    pub rate: f64,
    /// The run but for how far it has come.
    pub record: Record<PointSubject>,
    /// Where its checkpoint is.
    pub path: PathBuf,
}

/// A net with freshly drawn weights.
pub fn fresh(device: Device) -> Learner<PointNet> {
    let adam = AdamConfig {
        beta1: 0.9,
        ..AdamConfig::default()
    };
    // bf16 is several times slower for so few channels, on CPUs that compute in it.
    Learner::new(device, Precision::F32, adam, PointNet::new)
}

impl Trainee for PointNetTrainee {
    type Batch = PointBatch;

    fn losses(&self) -> Vec<&'static str> {
        NAMES.to_vec()
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn update(&mut self, batch: &PointBatch, at: Moment) -> Losses {
        let batch = batch.to_device(self.net.store.device);
        let answer = self.net.network.forward(&batch.crops, Pass::Train);
        let losses = loss::of(&answer, &batch);
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

impl PointCheckpoint {
    /// The net with f32 weights, for use; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn point_net(&self, path: &Path, device: Device) -> Result<(Store, PointNet)> {
        let mut store = Store::new(device, Precision::F32);
        let net = PointNet::new(&mut store);
        store.load(path, |name| self.tensor(name))?;
        Ok((store, net))
    }
}
