//! The loss of the face network and its updates.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use rand_pcg::Pcg64;
use tch::{Device, Tensor};

use super::checkpoint;
use super::faces::Faces;
use crate::data::Sampler;
use crate::files::write_aside;
use crate::network::face::{FaceConfig, FaceNetwork};
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::training::optimizer::{Adam, AdamConfig};
use crate::training::run::BAR;
use crate::training::schedule::{Annealing, Budget};

/// Weight of the attributes' mean cross entropy beside that of the persons: a wrong person costs
/// as much as ten wrong attributes on average.
const ATTRIBUTES: f64 = 10.0;
/// Updates between two looks at the loss.
const SHOW_EVERY: u64 = 20;

/// How the network is trained.
pub struct Recipe {
    /// Pictures a batch.
    pub batch: usize,
    /// Seed of order and flips.
    pub seed: u64,
    /// How long.
    pub budget: Budget,
    /// Learning rate.
    pub rate: Annealing,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
    /// Shows the way, of length [`BAR`].
    pub bar: ProgressBar,
}

/// A face network with what training it needs.
pub struct Trainee {
    config: FaceConfig,
    /// Weights.
    pub store: Store,
    network: FaceNetwork,
    /// Its optimiser.
    pub adam: Adam,
    /// Updates made.
    pub updates: u64,
    /// Training time of these in seconds.
    pub seconds: f64,
}

impl Trainee {
    /// A network of `config` with freshly drawn weights.
    pub fn new(device: Device, precision: Precision, config: FaceConfig) -> Self {
        let mut store = Store::new(device, precision);
        let network = FaceNetwork::new(&mut store, &config);
        let adam = AdamConfig {
            beta1: 0.9,
            ..AdamConfig::default()
        };
        Self {
            config,
            adam: Adam::new(&store, adam),
            store,
            network,
            updates: 0,
            seconds: 0.0,
        }
    }

    /// Goes on from the checkpoint at `path`.
    ///
    /// # Errors
    /// Where it cannot be read or is of another network.
    pub fn restore(&mut self, path: &Path) -> Result<()> {
        checkpoint::restore(path, self)
    }

    /// Trains on the pictures `train` of `faces` to the end of the budget, keeping a checkpoint at
    /// `path`.
    ///
    /// # Errors
    /// Where the loss is no longer a number, or the checkpoint cannot be written.
    pub fn train(
        &mut self,
        faces: &Faces,
        train: &[usize],
        recipe: &Recipe,
        path: &Path,
    ) -> Result<()> {
        let mut sampler = Sampler::new(train.len(), recipe.batch, recipe.seed);
        let mut saved = Instant::now();
        loop {
            let elapsed = Duration::from_secs_f64(self.seconds);
            let done = recipe.budget.progress(self.updates, elapsed);
            if done >= 1.0 {
                break;
            }
            let started = Instant::now();
            let indices: Vec<usize> = sampler
                .batch(self.updates)
                .iter()
                .map(|&i| train[i])
                .collect();
            let mut rng = Pcg64::new(recipe.seed.into(), self.updates.into());
            let batch = faces
                .batch(&indices, Some(&mut rng))
                .to_device(self.store.device);
            let said = self.network.forward(&batch.pictures, Pass::Train);
            let of_identity = said.identity.cross_entropy_for_logits(&batch.identities);
            let of_attributes = said.attributes.binary_cross_entropy_with_logits::<Tensor>(
                &batch.attributes,
                None,
                None,
                tch::Reduction::Mean,
            );
            let loss = &of_identity + &of_attributes * ATTRIBUTES;
            let inputs: Vec<&Tensor> = self.store.parameters.iter().map(|p| &p.working).collect();
            let gradients = Tensor::run_backward(&[&loss], &inputs, false, false);
            self.adam
                .step(&self.store, &gradients, recipe.rate.at(done));
            self.updates += 1;
            self.seconds += started.elapsed().as_secs_f64();
            if self.updates.is_multiple_of(SHOW_EVERY) {
                let (identity, attributes) = (
                    of_identity.double_value(&[]),
                    of_attributes.double_value(&[]),
                );
                ensure!(
                    (identity + attributes).is_finite(),
                    "the loss is no number at update {}: lower --rate",
                    self.updates
                );
                recipe.bar.set_position((BAR as f64 * done) as u64);
                recipe.bar.set_message(format!(
                    "update {} loss: persons {identity:.3}, attributes {attributes:.4}",
                    self.updates
                ));
            }
            if saved.elapsed() > recipe.checkpoint_every {
                checkpoint::save(path, self)?;
                saved = Instant::now();
            }
        }
        checkpoint::save(path, self)
    }

    /// Writes the network for use to `path`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn export(&self, path: &Path) -> Result<()> {
        let mut store = Store::new(Device::Cpu, Precision::F32);
        let network = FaceNetwork::new(&mut store, &self.config);
        let values: Vec<_> = self.store.named().collect();
        store.load(path, |name| {
            let found = values.iter().find(|(n, _)| *n == name);
            found.map(|(_, t)| t.shallow_clone())
        })?;
        let tensors = tch::no_grad(|| network.folded(&store));
        write_aside(path, |aside| -> Result<()> {
            Ok(Tensor::write_safetensors(&tensors, aside)?)
        })
        .with_context(|| format!("cannot write '{}'", path.display()))
    }
}
