//! The cover net in a run, and a run of it on disk.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::Device;

use super::batches::CoverBatch;
use super::loss::{self, NAMES};
use super::network::CoverNet;
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::training::learner::Learner;
use crate::training::loss::Losses;
use crate::training::optimizer::AdamConfig;
use crate::training::run::{Made, Moment, Trainee};
use crate::training::state::{self, Record, State, with_moments};

/// What a run is of: the cover net, told from other nets by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoverSubject {
    /// The kinds that it tells, in their order.
    pub covers: String,
}

/// An opened checkpoint.
pub type CoverCheckpoint = State<CoverSubject>;

/// A cover net in a run.
pub struct CoverNetTrainee {
    /// The net with what training it needs.
    pub net: Learner<CoverNet>,
    /// Learning rate at the start.
    pub rate: f64,
    /// The run but for how far it has come.
    pub record: Record<CoverSubject>,
    /// Where its checkpoint is.
    pub path: PathBuf,
}

/// A net with freshly drawn weights.
pub fn fresh(device: Device, precision: Precision) -> Learner<CoverNet> {
    let adam = AdamConfig {
        beta1: 0.9,
        clip: Some(5.0),
        ..AdamConfig::default()
    };
    Learner::new(device, precision, adam, CoverNet::new)
}

impl Trainee for CoverNetTrainee {
    type Batch = CoverBatch;

    fn losses(&self) -> Vec<&'static str> {
        NAMES.to_vec()
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn update(&mut self, batch: &CoverBatch, at: Moment) -> Losses {
        let batch = batch.to_device(self.net.store.device);
        let logits = self.net.network.forward(&batch.inputs, Pass::Train);
        let losses = loss::of(&logits, &batch);
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

impl CoverCheckpoint {
    /// The net with f32 weights, for use; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn cover_net(&self, path: &Path, device: Device) -> Result<(Store, CoverNet)> {
        let mut store = Store::new(device, Precision::F32);
        let net = CoverNet::new(&mut store);
        store.load(path, |name| self.tensor(name))?;
        Ok((store, net))
    }
}
