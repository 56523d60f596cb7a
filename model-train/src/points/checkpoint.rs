//! A run of the point net on disk.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::batches::Batch;
use super::loss::Losses;
use super::network::PointNet;
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::training::optimizer::{Adam, AdamConfig};
use crate::training::state::{self, State, with_moments};

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Updates of the point net made.
    pub point_net_updates: u64,
    /// Training time of these updates in seconds.
    pub seconds: f64,
    /// Samples a batch.
    pub batch: usize,
    /// Seed of weights, order and samples.
    pub seed: u64,
}

/// An opened checkpoint.
pub type Checkpoint = State<Progress>;

/// A point net with what training it needs.
pub struct Trainee {
    store: Store,
    net: PointNet,
    adam: Adam,
}

impl Trainee {
    /// A net with freshly drawn weights.
    pub fn new(device: Device) -> Self {
        // bf16 is several times slower for so few channels, on CPUs that compute in it.
        let mut store = Store::new(device, Precision::F32);
        let net = PointNet::new(&mut store);
        let config = AdamConfig {
            beta1: 0.9,
            ..AdamConfig::default()
        };
        let adam = Adam::new(&store, config);
        Self { store, net, adam }
    }

    /// Makes one update and returns the losses before it.
    pub fn update(&mut self, batch: &Batch, rate: f64) -> Losses {
        let losses = Losses::of(&self.net.forward(&batch.crops, Pass::Train), batch);
        let inputs: Vec<&Tensor> = self.store.parameters.iter().map(|p| &p.working).collect();
        let gradients = Tensor::run_backward(&[&losses.total], &inputs, false, false);
        self.adam.step(&self.store, &gradients, rate);
        losses
    }

    /// Writes the run to `path`.
    ///
    /// # Errors
    /// Where the file cannot be written; an earlier one at `path` is kept.
    pub fn save(&self, path: &Path, progress: &Progress) -> Result<()> {
        state::write(path, progress, with_moments(&self.store, &self.adam))
    }
}

impl Checkpoint {
    /// Puts the run into `trainee`; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn restore(&self, path: &Path, trainee: &mut Trainee) -> Result<()> {
        let updates = self.progress.point_net_updates;
        self.network(path, &trainee.store, &mut trainee.adam, updates)
    }

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
