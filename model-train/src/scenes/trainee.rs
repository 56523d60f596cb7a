//! What the scene generator learns, and a run of it on disk.

use serde::{Deserialize, Serialize};
use tch::Device;

use super::batches::SceneBatch;
use super::loss::{self, NAMES};
use super::network::SceneGenerator;
use crate::network::layers::Pass;
use crate::network::parameters::Precision;
use crate::network::perceptual::FeatureNetwork;
use crate::training::learner::Learner;
use crate::training::loss::Losses;
use crate::training::optimizer::AdamConfig;
use crate::training::single::Lesson;
use crate::training::state::State;

/// What a run is of: the scene generator, told from other networks by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SceneSubject {
    /// The tasks that it is trained on.
    pub scenes: String,
}

/// An opened checkpoint.
pub type SceneCheckpoint = State<SceneSubject>;

/// To complete pictures of anything.
pub struct SceneLesson {
    /// The network of the perceptual loss, with the weight of this.
    pub perceptual: Option<(Box<dyn FeatureNetwork>, f64)>,
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

impl Lesson for SceneLesson {
    type Network = SceneGenerator;
    type Batch = SceneBatch;
    type Subject = SceneSubject;

    const LOSSES: &'static [&'static str] = &NAMES;

    fn losses(&self, network: &SceneGenerator, batch: &SceneBatch, device: Device) -> Losses {
        let batch = batch.to_device(device);
        let masked = &batch.pictures * &batch.masks;
        let completed = network.forward(&masked, &batch.masks, Pass::Train);
        let perceptual = self.perceptual.as_ref();
        let perceptual = perceptual.map(|(network, weight)| (network.as_ref(), *weight));
        loss::of(&completed, &batch, perceptual)
    }
}
