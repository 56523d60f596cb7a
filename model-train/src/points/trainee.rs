//! What the point net learns, and a run of it on disk.

use serde::{Deserialize, Serialize};
use tch::Device;

use super::batches::PointBatch;
use super::loss::{self, NAMES};
use super::network::PointNet;
use crate::network::layers::Pass;
use crate::network::parameters::Precision;
use crate::training::learner::Learner;
use crate::training::loss::Losses;
use crate::training::optimizer::AdamConfig;
use crate::training::single::Lesson;
use crate::training::state::State;

/// What a run is of: there is one point net.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PointSubject {}

/// An opened checkpoint.
pub type PointCheckpoint = State<PointSubject>;

/// To tell where the points of a face are.
pub struct PointLesson;

/// A net with freshly drawn weights.
pub fn fresh(device: Device) -> Learner<PointNet> {
    let adam = AdamConfig {
        beta1: 0.9,
        ..AdamConfig::default()
    };
    // bf16 is several times slower for so few channels, on CPUs that compute in it.
    Learner::new(device, Precision::F32, adam, PointNet::new)
}

impl Lesson for PointLesson {
    type Network = PointNet;
    type Batch = PointBatch;
    type Subject = PointSubject;

    const LOSSES: &'static [&'static str] = &NAMES;

    fn losses(&self, network: &PointNet, batch: &PointBatch, device: Device) -> Losses {
        let batch = batch.to_device(device);
        loss::of(&network.forward(&batch.crops, Pass::Train), &batch)
    }
}
