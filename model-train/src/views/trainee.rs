//! A generator with views and what training it needs, and a run of it on disk.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::batches::Batch;
use super::loss::{Losses, NAMES, Weights};
use crate::network::config::{
    DiscriminatorConfig, DiscriminatorKind, DiscriminatorNorm, ViewGeneratorConfig,
};
use crate::network::discriminator::{Discriminator, Verdict};
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::network::perceptual::FeatureNetwork;
use crate::network::view_generator::{Outputs, ViewGenerator};
use crate::training::loss::{Form, gradient_penalty};
use crate::training::optimizer::{Adam, AdamConfig};
use crate::training::state::{self, State, Values, with_moments};

/// How far a run has come, and what it is a run of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Sizes of the generator.
    pub view_generator: ViewGeneratorConfig,
    /// Updates made.
    pub updates: u64,
    /// Pictures seen.
    pub pictures: u64,
    /// Training time in seconds.
    pub seconds: f64,
}

/// An opened checkpoint.
pub type Checkpoint = State<Progress>;

/// What does not change in a run.
pub struct Plan {
    /// Weights of the losses.
    pub weights: Weights,
    /// The update from which on there is an opponent.
    pub adversarial_from: u64,
    /// Factor `gamma` of the R1 penalty `gamma / 2 |grad D|^2`.
    pub r1: f64,
    /// Updates from one computation of the penalty to the next; it counts as much more.
    pub r1_every: u64,
    /// Share of the old values that an update leaves in the average of the weights.
    pub decay: f64,
    /// Whose features the perceptual loss compares.
    pub perceptual: Option<Box<dyn FeatureNetwork>>,
}

/// Learning rates of an update.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// The generator's.
    pub generator: f64,
    /// The discriminator's.
    pub discriminator: f64,
}

/// A network, its weights and its optimiser.
struct Trained<N> {
    store: Store,
    network: N,
    adam: Adam,
}

/// A generator with what training it needs.
pub struct Trainee {
    generator: Trained<ViewGenerator>,
    discriminator: Trained<Discriminator>,
    /// The average of the generator's weights.
    average: Store,
}

/// Names of the losses that [`Trainee::update`] returns, the total first.
pub fn columns() -> Vec<&'static str> {
    let opponents = ["adversarial", "discriminator", "penalty"];
    [&["total"], &NAMES[..], &opponents].concat()
}

/// Channels of the discriminator at full resolution.
const DISCRIMINATOR_WIDTH: i64 = 16;

impl<N> Trained<N> {
    fn new(
        device: Device,
        precision: Precision,
        adam: AdamConfig,
        make: impl FnOnce(&mut Store) -> N,
    ) -> Self {
        let mut store = Store::new(device, precision);
        let network = make(&mut store);
        let adam = Adam::new(&store, adam);
        Self {
            store,
            network,
            adam,
        }
    }

    /// One step down the gradient of `loss`.
    fn descend(&mut self, loss: &Tensor, rate: f64) {
        let inputs: Vec<&Tensor> = self.store.parameters.iter().map(|p| &p.working).collect();
        let gradients = Tensor::run_backward(&[loss], &inputs, false, false);
        self.adam.step(&self.store, &gradients, rate);
    }
}

impl Trainee {
    /// A generator of `sizes` and its opponent with freshly drawn weights.
    pub fn new(device: Device, precision: Precision, sizes: &ViewGeneratorConfig) -> Self {
        let adam = |beta1| AdamConfig {
            beta1,
            beta2: 0.99,
            clip: Some(1.0),
            ..AdamConfig::default()
        };
        let discriminator = DiscriminatorConfig {
            kind: DiscriminatorKind::Patch,
            width: DISCRIMINATOR_WIDTH,
            coordinates: true,
            norm: DiscriminatorNorm::Spectral,
        };
        let mut average = Store::new(device, Precision::F32);
        ViewGenerator::new(&mut average, sizes);
        Self {
            generator: Trained::new(device, precision, adam(0.9), |store| {
                ViewGenerator::new(store, sizes)
            }),
            discriminator: Trained::new(device, precision, adam(0.5), |store| {
                Discriminator::new(store, &discriminator)
            }),
            average,
        }
    }

    /// Makes update `number`; the losses before it, as [`columns`] names them.
    pub fn update(&mut self, batch: &Batch, plan: &Plan, rates: Rates, number: u64) -> Vec<Tensor> {
        let outputs = self.generator.network.forward(&batch.inputs);
        let mut losses = Losses::of(&outputs, batch, &plan.weights, plan.perceptual.as_deref());
        let zero = Tensor::zeros_like(&losses.total);
        let mut opposed = [zero.shallow_clone(), zero.shallow_clone(), zero];
        if number >= plan.adversarial_from {
            let [told, penalty] = self.discriminate(&outputs, batch, plan, rates, number);
            let verdict = self.judge(&outputs, batch);
            let fool = Form::Hinge.of_generator(&verdict.logit, &verdict.weights);
            losses.total = &losses.total + &fool * plan.weights.adversarial;
            opposed = [fool, told, penalty];
        }
        self.generator.descend(&losses.total, rates.generator);
        self.follow(plan.decay, number);
        let mut all = vec![losses.total];
        all.extend(losses.parts);
        all.extend(opposed);
        all
    }

    /// What the discriminator says of the completed pictures with the known pixels put back.
    fn judge(&self, outputs: &Outputs, batch: &Batch) -> Verdict {
        let (network, mask) = (&self.discriminator.network, &batch.inputs.mask);
        let shown = network.shown(&outputs.completed, &batch.pictures, mask);
        network.forward(&shown, mask, Pass::Train)
    }

    /// One update of the discriminator; its loss and the penalty.
    fn discriminate(
        &mut self,
        outputs: &Outputs,
        batch: &Batch,
        plan: &Plan,
        rates: Rates,
        number: u64,
    ) -> [Tensor; 2] {
        let is_penalised = plan.r1 > 0.0 && number.is_multiple_of(plan.r1_every);
        let pictures = batch.pictures.detach().set_requires_grad(is_penalised);
        let network = &self.discriminator.network;
        let mask = &batch.inputs.mask;
        let real = network.forward(&pictures, mask, Pass::Train);
        let shown = tch::no_grad(|| network.shown(&outputs.completed, &batch.pictures, mask));
        let fake = network.forward(&shown.detach(), mask, Pass::Train);
        let told = Form::Hinge.of_discriminator(&real.logit, &fake.logit, &fake.weights, 0.0);
        let penalty = match is_penalised {
            true => gradient_penalty(&real.logit, &pictures),
            false => Tensor::zeros_like(&told),
        };
        let loss = &told + &penalty * (plan.r1 / 2.0 * plan.r1_every as f64);
        self.discriminator.descend(&loss, rates.discriminator);
        [told, penalty]
    }

    /// Takes the generator's weights into their average; the first ones weigh more.
    fn follow(&self, decay: f64, number: u64) {
        let n = number as f64;
        let kept = decay.min((1.0 + n) / (10.0 + n));
        tch::no_grad(|| {
            let values = self.generator.store.named();
            for ((_, average), (_, value)) in self.average.named().zip(values) {
                let _ = average.detach().lerp_(value, 1.0 - kept);
            }
        });
    }

    /// Writes the run to `path`.
    ///
    /// # Errors
    /// Where the file cannot be written; an earlier one is kept.
    pub fn save(&self, path: &Path, progress: &Progress) -> Result<()> {
        let mut tensors = with_moments(&self.generator.store, &self.generator.adam);
        let opponent = &self.discriminator;
        tensors.extend(with_moments(&opponent.store, &opponent.adam));
        let average = self.average.named();
        tensors.extend(average.map(|(name, t)| (average_name(name), Values::of(t))));
        let opponents = Tensor::from_slice(&[opponent.adam.updates as f32]);
        tensors.push((OPPONENT_UPDATES.to_owned(), Values::of(&opponents)));
        state::write(path, progress, tensors)
    }

    /// Takes over the run in `checkpoint`; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn restore(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<()> {
        let updates = checkpoint.progress.updates;
        let generator = &mut self.generator;
        checkpoint.network(path, &generator.store, &mut generator.adam, updates)?;
        let of_opponent = checkpoint.tensor(OPPONENT_UPDATES);
        let of_opponent = of_opponent
            .with_context(|| format!("{} has no '{OPPONENT_UPDATES}'", path.display()))?;
        let updates = of_opponent.double_value(&[0]) as u64;
        let opponent = &mut self.discriminator;
        checkpoint.network(path, &opponent.store, &mut opponent.adam, updates)?;
        self.average
            .load(path, |name| checkpoint.tensor(&average_name(name)))
    }
}

/// Name of the tensor that holds the updates of the discriminator.
const OPPONENT_UPDATES: &str = "discriminator.updates";

fn average_name(parameter: &str) -> String {
    format!("average.{parameter}")
}

/// The generator of the run in `checkpoint` with its averaged weights, f32; `path` is for messages.
///
/// # Errors
/// Where a tensor is missing or of another shape.
pub fn generator(
    checkpoint: &Checkpoint,
    path: &Path,
    device: Device,
) -> Result<(Store, ViewGenerator)> {
    let mut store = Store::new(device, Precision::F32);
    let network = ViewGenerator::new(&mut store, &checkpoint.progress.view_generator);
    store.load(path, |name| checkpoint.tensor(&average_name(name)))?;
    Ok((store, network))
}

/// Fails where a loss is no number.
///
/// # Errors
/// Names the update.
pub fn finite(total: &Tensor, number: u64) -> Result<f32> {
    let total = total.to_kind(Kind::Float).double_value(&[]) as f32;
    ensure!(
        total.is_finite(),
        "the loss is {total} at update {number}: lower --rate; the checkpoint is from before"
    );
    Ok(total)
}
