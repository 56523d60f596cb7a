//! A network that learns by itself, without an opponent.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use tch::Device;

use super::learner::Learner;
use super::loss::Losses;
use super::run::{Made, Moment, Trainee};
use super::state::{self, Record, with_moments};

/// What a network learns, and what from.
pub trait Lesson {
    /// The network.
    type Network;
    /// What an update is made on.
    type Batch;
    /// What its checkpoints tell of it.
    type Subject: Clone + Serialize;

    /// Names of the parts of [`Self::losses`], in their order.
    const LOSSES: &'static [&'static str];

    /// What `network`, on `device`, is off by on `batch`, wherever that is.
    fn losses(&self, network: &Self::Network, batch: &Self::Batch, device: Device) -> Losses;
}

/// A network in a run.
pub struct Single<L: Lesson> {
    /// What it learns.
    pub lesson: L,
    /// The network with what training it needs.
    pub net: Learner<L::Network>,
    /// Learning rate at the start.
    pub rate: f64,
    /// The run but for how far it has come.
    pub record: Record<L::Subject>,
    /// Where its checkpoint is.
    pub path: PathBuf,
}

impl<L: Lesson> Trainee for Single<L> {
    type Batch = L::Batch;

    fn losses(&self) -> Vec<&'static str> {
        L::LOSSES.to_vec()
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn update(&mut self, batch: &L::Batch, at: Moment) -> Losses {
        let device = self.net.store.device;
        let losses = self.lesson.losses(&self.net.network, batch, device);
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
