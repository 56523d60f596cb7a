//! The loss of the face network, the network in a run, and a run of it on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Result;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::faces::{FaceBatch, Faces};
use crate::data::{Sampler, prefetched};
use crate::files::write_tensors;
use crate::network::face::{FaceConfig, FaceNetwork};
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::training::learner::Learner;
use crate::training::loss::Losses;
use crate::training::optimizer::AdamConfig;
use crate::training::run::{Made, Moment, Trainee};
use crate::training::state::{self, Record, with_moments};

/// Weight of the attributes' mean cross entropy beside that of the persons: a wrong person costs
/// as much as ten wrong attributes on average.
const ATTRIBUTES: f64 = 10.0;
/// Batches kept ready.
const AHEAD: usize = 3;

/// What a run is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceSubject {
    /// Sizes of the network.
    pub face_network: FaceConfig,
}

/// A face network in a run.
pub struct FaceTrainee {
    /// The network with what training it needs.
    pub network: Learner<FaceNetwork>,
    /// Learning rate at the start.
    pub rate: f64,
    /// The run but for how far it has come.
    pub record: Record<FaceSubject>,
    /// Where its checkpoint is.
    pub path: PathBuf,
}

/// A network of `config` with freshly drawn weights.
pub fn fresh(device: Device, precision: Precision, config: &FaceConfig) -> Learner<FaceNetwork> {
    let adam = AdamConfig {
        beta1: 0.9,
        ..AdamConfig::default()
    };
    Learner::new(device, precision, adam, |store| {
        FaceNetwork::new(store, config)
    })
}

/// Batches of `size` from the pictures `train` of `faces`, from update `first` on, made by a thread
/// of their own that ends with the receiver. A batch is a pure function of the seed and the update.
///
/// # Errors
/// Where the thread cannot be started.
pub fn stream(
    faces: Arc<Faces>,
    train: Vec<usize>,
    size: usize,
    seed: u64,
    first: u64,
) -> Result<Receiver<FaceBatch>> {
    let mut sampler = Sampler::new(train.len(), size, seed);
    prefetched(AHEAD, first, move |update| {
        let indices: Vec<usize> = sampler.batch(update).iter().map(|&i| train[i]).collect();
        let mut rng = Pcg64::new(seed.into(), update.into());
        faces.batch(&indices, Some(&mut rng))
    })
}

impl Trainee for FaceTrainee {
    type Batch = FaceBatch;

    fn losses(&self) -> Vec<&'static str> {
        vec!["persons", "attributes"]
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn update(&mut self, batch: &FaceBatch, at: Moment) -> Losses {
        let batch = batch.to_device(self.network.store.device);
        let said = self.network.network.forward(&batch.pictures, Pass::Train);
        let persons = said.identity.cross_entropy_for_logits(&batch.identities);
        let attributes = said.attributes.binary_cross_entropy_with_logits::<Tensor>(
            &batch.attributes,
            None,
            None,
            tch::Reduction::Mean,
        );
        let total = &persons + &attributes * ATTRIBUTES;
        self.network.descend(&total, self.rate * at.rate);
        Losses {
            total,
            parts: vec![("persons", persons), ("attributes", attributes)],
        }
    }

    fn save(&self, made: Made) -> Result<()> {
        let record = Record {
            made,
            ..self.record.clone()
        };
        state::write(&self.path, &record, with_moments(&self.network))
    }
}

impl FaceTrainee {
    /// Writes the network for use to `path`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn export(&self, path: &Path) -> Result<()> {
        let mut store = Store::new(Device::Cpu, Precision::F32);
        let network = FaceNetwork::new(&mut store, &self.record.subject.face_network);
        let values: Vec<_> = self.network.store.named().collect();
        store.load(path, |name| {
            let found = values.iter().find(|(n, _)| *n == name);
            found.map(|(_, t)| t.shallow_clone())
        })?;
        let tensors = tch::no_grad(|| network.folded(&store));
        write_tensors(path, &tensors)
    }
}
