//! What the cover net learns, and a run of it on disk.

use serde::{Deserialize, Serialize};
use tch::Device;

use super::batches::CoverBatch;
use super::loss::{self, NAMES};
use super::network::CoverNet;
use crate::network::layers::Pass;
use crate::network::parameters::Precision;
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
pub struct CoverLesson;

/// A net with freshly drawn weights.
pub fn fresh(device: Device, precision: Precision) -> Learner<CoverNet> {
    let adam = AdamConfig {
        beta1: 0.9,
        clip: Some(5.0),
        ..AdamConfig::default()
    };
    Learner::new(device, precision, adam, CoverNet::new)
}

impl Lesson for CoverLesson {
    type Network = CoverNet;
    type Batch = CoverBatch;
    type Subject = CoverSubject;

    const LOSSES: &'static [&'static str] = &NAMES;

    fn losses(&self, network: &CoverNet, batch: &CoverBatch, device: Device) -> Losses {
        let batch = batch.to_device(device);
        loss::of(&network.forward(&batch.inputs, Pass::Train), &batch)
    }
}
