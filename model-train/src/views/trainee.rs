//! The generator with views in a run, and a run of it on disk.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::batches::ViewBatch;
use super::loss::{self, NAMES, Weights};
use crate::network::config::{DiscriminatorConfig, ViewGeneratorConfig, ViewPreset};
use crate::network::discriminator::Discriminator;
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::network::perceptual::FeatureNetwork;
use crate::network::view_generator::{Outputs, ViewGenerator};
use crate::training::import;
use crate::training::learner::Learner;
use crate::training::loss::{Losses, Pairs, gradient_penalty};
use crate::training::optimizer::AdamConfig;
use crate::training::run::{Made, Moment, Trainee};
use crate::training::state::{self, Record, State, Values, with_moments};
use crate::training::step::Rates;

/// What a run is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewSubject {
    /// Sizes of the generator.
    pub view_generator: ViewGeneratorConfig,
    /// Pictures seen.
    pub pictures: u64,
}

/// An opened checkpoint.
pub type ViewCheckpoint = State<ViewSubject>;

/// How a run is trained.
pub struct Plan {
    /// Learning rates at the start.
    pub rates: Rates,
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

/// A generator with what training it needs.
pub struct ViewTraining {
    generator: Learner<ViewGenerator>,
    discriminator: Learner<Discriminator>,
    /// The average of the generator's weights.
    average: Store,
    /// How long the gradient of the other losses by the completed pictures is beside that of the
    /// adversarial one, once it was looked at.
    balance: Option<f32>,
}

/// A generator in a run.
pub struct ViewTrainee {
    /// The generator with what training it needs.
    pub training: ViewTraining,
    /// How it is trained.
    pub plan: Plan,
    /// The run but for how far it has come.
    pub record: Record<ViewSubject>,
    /// Where its checkpoint is.
    pub path: PathBuf,
}

/// Updates from one look at the balance of the losses to the next.
const LOOKS_AT_BALANCE: u64 = 8;
/// What the newest look counts for.
const NEWEST_IN_BALANCE: f32 = 0.1;

/// An opponent that knows nothing yet has short gradients that mean nothing.
const MOST_BALANCE: f64 = 1.0;

/// How long the gradient of `rest` by the pictures `completed` is beside that of `fool` (Esser et
/// al. 2021, of the pictures instead of a layer's weights).
fn balance(rest: &Tensor, fool: &Tensor, completed: &Tensor) -> f64 {
    let [rest, fool] = [rest, fool].map(|loss| {
        let gradient = Tensor::run_backward(&[loss], &[completed], true, false);
        gradient[0].norm().double_value(&[])
    });
    (rest / fool.max(1e-12)).min(MOST_BALANCE)
}

/// Names of the opponents' losses.
const OPPONENTS: [&str; 4] = ["adversarial", "matching", "discriminator", "penalty"];

impl Trainee for ViewTrainee {
    type Batch = ViewBatch;

    fn losses(&self) -> Vec<&'static str> {
        [&NAMES[..], &OPPONENTS].concat()
    }

    fn rate(&self) -> f64 {
        self.plan.rates.generator
    }

    fn update(&mut self, batch: &ViewBatch, at: Moment) -> Losses {
        let batch = batch.to_device(self.training.generator.store.device);
        let losses = self.training.update(&batch, &self.plan, at);
        self.record.subject.pictures += batch.pictures.size()[0] as u64;
        losses
    }

    fn save(&self, made: Made) -> Result<()> {
        let record = Record {
            made,
            ..self.record.clone()
        };
        self.training.save(&self.path, &record)
    }
}

impl ViewTraining {
    /// A generator of `sizes` and its opponent of `opponent` with freshly drawn weights.
    pub fn new(
        device: Device,
        precision: Precision,
        sizes: &ViewGeneratorConfig,
        opponent: &DiscriminatorConfig,
    ) -> Self {
        let adam = |beta1| AdamConfig {
            beta1,
            beta2: 0.99,
            clip: Some(1.0),
            ..AdamConfig::default()
        };
        let mut average = Store::new(device, Precision::F32);
        ViewGenerator::new(&mut average, sizes);
        Self {
            generator: Learner::new(device, precision, adam(0.9), |store| {
                ViewGenerator::new(store, sizes)
            }),
            discriminator: Learner::new(device, precision, adam(0.5), |store| {
                Discriminator::new(store, opponent)
            }),
            average,
            balance: None,
        }
    }

    /// Makes the update `at`; the losses before it.
    fn update(&mut self, batch: &ViewBatch, plan: &Plan, at: Moment) -> Losses {
        let rates = plan.rates.times(at.rate);
        let outputs = self.generator.network.forward(&batch.inputs);
        let mut losses = loss::of(&outputs, batch, &plan.weights, plan.perceptual.as_deref());
        let zero = Tensor::zeros_like(&losses.total);
        let mut opposed = [(); 4].map(|()| zero.shallow_clone());
        if at.updates >= plan.adversarial_from {
            let [tell, penalty] =
                self.discriminate(&outputs, batch, plan, rates.discriminator, at.updates);
            let (network, mask) = (&self.discriminator.network, &batch.inputs.mask);
            let shown = network.shown(&outputs.completed, &batch.pictures, mask);
            let fake = network.forward(&shown, mask, Pass::Train);
            // Anew: what both of a pair have in common has moved with the update.
            let real = tch::no_grad(|| network.forward(&batch.pictures, mask, Pass::Train));
            let pairs = Pairs {
                real: &real.logit,
                fake: &fake.logit,
                weights: &fake.weights,
            };
            let fool = pairs.of_generator();
            let missing = batch.inputs.mask.amin([1].as_slice(), true);
            let missing: Tensor = 1.0 - missing.mean(Kind::Float);
            let matching = loss::features_off(&fake.features, &real.features, &missing);
            losses.total = &losses.total + &matching * plan.weights.matching;
            if self.balance.is_none() || at.updates.is_multiple_of(LOOKS_AT_BALANCE) {
                let now = balance(&losses.total, &fool, &outputs.completed) as f32;
                let before = self.balance.unwrap_or(now);
                self.balance = Some(before + (now - before) * NEWEST_IN_BALANCE);
            }
            let balance = f64::from(self.balance.unwrap_or_default());
            losses.total = &losses.total + &fool * (plan.weights.adversarial * balance);
            opposed = [fool, matching, tell, penalty];
        }
        self.generator.descend(&losses.total, rates.generator);
        self.follow(plan.decay, at.updates);
        losses.parts.extend(OPPONENTS.into_iter().zip(opposed));
        losses
    }

    /// One update of the discriminator; its loss and the penalty.
    fn discriminate(
        &mut self,
        outputs: &Outputs,
        batch: &ViewBatch,
        plan: &Plan,
        rate: f64,
        number: u64,
    ) -> [Tensor; 2] {
        let is_penalised = plan.r1 > 0.0 && number.is_multiple_of(plan.r1_every);
        let pictures = batch.pictures.detach().set_requires_grad(is_penalised);
        let network = &self.discriminator.network;
        let mask = &batch.inputs.mask;
        let real = network.forward(&pictures, mask, Pass::Train);
        let shown = tch::no_grad(|| network.shown(&outputs.completed, &batch.pictures, mask));
        let fake = network.forward(&shown.detach(), mask, Pass::Train);
        let pairs = Pairs {
            real: &real.logit,
            fake: &fake.logit,
            weights: &fake.weights,
        };
        let tell = pairs.of_discriminator();
        let penalty = match is_penalised {
            true => gradient_penalty(&real.logit, &pictures),
            false => Tensor::zeros_like(&tell),
        };
        let loss = &tell + &penalty * (plan.r1 / 2.0 * plan.r1_every as f64);
        self.discriminator.descend(&loss, rate);
        [tell, penalty]
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
    fn save(&self, path: &Path, record: &Record<ViewSubject>) -> Result<()> {
        let mut tensors = with_moments(&self.generator);
        let opponent = &self.discriminator;
        tensors.extend(with_moments(opponent));
        let average = self.average.named();
        tensors.extend(average.map(|(name, t)| (average_name(name), Values::of(t))));
        let opponents = Tensor::from_slice(&[opponent.adam.updates as f32]);
        tensors.push((OPPONENT_UPDATES.to_owned(), Values::of(&opponents)));
        let balance = self.balance.map(|balance| Tensor::from_slice(&[balance]));
        if let Some(balance) = &balance {
            tensors.push((BALANCE.to_owned(), Values::of(balance)));
        }
        state::write(path, record, tensors)
    }

    /// Begins with what `path` holds: the weights of a model of `mde-train views export`, named
    /// `*.onnx`, or the generator and its opponent as a checkpoint of `mde-train views train` left
    /// them.
    ///
    /// # Errors
    /// Where it cannot be read or has other weights.
    pub fn begin_with(&mut self, path: &Path) -> Result<()> {
        if path.extension().is_none_or(|e| e != "onnx") {
            return self.restore(&ViewCheckpoint::open(path)?, path);
        }
        let weights = import::weights(path)?;
        let found = |name: &str| Some(ViewGenerator::imported(name, weights.get(name)?));
        self.generator.store.load(path, found)?;
        self.average.load(path, found)
    }

    /// Takes over the run in `checkpoint`; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn restore(&mut self, checkpoint: &ViewCheckpoint, path: &Path) -> Result<()> {
        checkpoint.restore(path, &mut self.generator, checkpoint.record.made.updates)?;
        let of_opponent = checkpoint.tensor(OPPONENT_UPDATES);
        let of_opponent = of_opponent
            .with_context(|| format!("{} has no '{OPPONENT_UPDATES}'", path.display()))?;
        let updates = of_opponent.double_value(&[0]) as u64;
        let balance = checkpoint.tensor(BALANCE);
        self.balance = balance.map(|balance| balance.double_value(&[0]) as f32);
        checkpoint.restore(path, &mut self.discriminator, updates)?;
        self.average
            .load(path, |name| checkpoint.tensor(&average_name(name)))
    }
}

/// The generator with views that `path` holds, f32: a checkpoint of `mde-train views train`, or, named
/// `*.onnx`, a model of `mde-train views export` of the embedded size.
///
/// # Errors
/// Where it cannot be read or is neither.
pub fn pretrained(path: &Path, device: Device) -> Result<(Store, ViewGenerator)> {
    if path.extension().is_none_or(|e| e != "onnx") {
        return generator(&ViewCheckpoint::open(path)?, path, device);
    }
    let weights = import::weights(path)?;
    let mut store = Store::new(device, Precision::F32);
    let network = ViewGenerator::new(&mut store, &ViewPreset::Embedded.config());
    store.load(path, |name| {
        Some(ViewGenerator::imported(name, weights.get(name)?))
    })?;
    Ok((store, network))
}

/// Name of the tensor that holds the updates of the discriminator.
const OPPONENT_UPDATES: &str = "discriminator.updates";
/// Name of the tensor that holds the balance of the losses, once it was looked at.
const BALANCE: &str = "discriminator.balance";

fn average_name(parameter: &str) -> String {
    format!("average.{parameter}")
}

/// The generator of the run in `checkpoint` with its averaged weights, f32; `path` is for messages.
///
/// # Errors
/// Where a tensor is missing or of another shape.
pub fn generator(
    checkpoint: &ViewCheckpoint,
    path: &Path,
    device: Device,
) -> Result<(Store, ViewGenerator)> {
    let mut store = Store::new(device, Precision::F32);
    let network = ViewGenerator::new(&mut store, &checkpoint.record.subject.view_generator);
    store.load(path, |name| checkpoint.tensor(&average_name(name)))?;
    Ok((store, network))
}
