//! A network that learns against an opponent, which tells what it completes from what is true.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::{Device, Kind, Tensor};

use super::average::follow;
use super::import;
use super::learner::Learner;
use super::loss::{Losses, Pairs, gradient_penalty};
use super::optimizer::AdamConfig;
use super::run::{Made, Moment, Trainee};
use super::state::{self, Record, State, Values, with_moments};
use super::step::Rates;
use crate::network::config::DiscriminatorConfig;
use crate::network::discriminator::Discriminator;
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};

/// What a network completes, and what from.
pub trait Lesson {
    /// The network.
    type Network;
    /// What an update is made on.
    type Batch;
    /// What its checkpoints tell of it.
    type Subject: Clone + Serialize;

    /// Names of the parts of [`Attempt::losses`], in their order.
    const LOSSES: &'static [&'static str];

    /// What `network`, on `device`, makes of `batch`, wherever that is.
    fn attempt(&self, network: &Self::Network, batch: &Self::Batch, device: Device) -> Attempt;

    /// Takes into `subject` that so many pictures were seen.
    fn count(subject: &mut Self::Subject, pictures: u64);
}

/// What a network made of a batch, `[N, 3, S, S]` f32 each.
pub struct Attempt {
    /// What it is off by.
    pub losses: Losses,
    /// Its whole output.
    pub completed: Tensor,
    /// What it is to be.
    pub truth: Tensor,
    /// 1 known, 0 missing.
    pub mask: Tensor,
}

/// How a network is opposed.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Learning rates at the start.
    pub rates: Rates,
    /// Weight of the adversarial loss: how long its gradient by what is completed is beside that of
    /// the other losses.
    pub adversarial: f64,
    /// Weight of the difference in the features of the discriminator.
    pub matching: f64,
    /// The update from which on there is an opponent.
    pub from: u64,
    /// Factor `gamma` of the R1 penalty `gamma / 2 |grad D|^2`.
    pub r1: f64,
    /// Updates from one computation of the penalty to the next; it counts as much more.
    pub r1_every: u64,
    /// Share of the old values that an update leaves in the average of the weights.
    pub decay: f64,
    /// Standard deviation of the noise in all that the discriminator is shown.
    pub noise: f64,
}

/// A network with what training it needs.
pub struct Training<N> {
    /// The network.
    pub network: Learner<N>,
    discriminator: Learner<Discriminator>,
    /// The average of the network's weights.
    pub average: Store,
    /// How long the gradient of the other losses by the completed pictures is beside that of the
    /// adversarial one, once it was looked at.
    balance: Option<f32>,
}

/// A network in a run.
pub struct Opposed<L: Lesson> {
    /// What it learns.
    pub lesson: L,
    /// The network with what training it needs.
    pub training: Training<L::Network>,
    /// How it is opposed.
    pub plan: Plan,
    /// The run but for how far it has come.
    pub record: Record<L::Subject>,
    /// Where its checkpoint is.
    pub path: PathBuf,
}

/// Updates from one look at the balance of the losses to the next.
const LOOKS_AT_BALANCE: u64 = 8;
/// What the newest look counts for.
const NEWEST_IN_BALANCE: f32 = 0.1;
/// An opponent that knows nothing yet has short gradients that mean nothing.
const MOST_BALANCE: f64 = 1.0;
/// Holes smaller than this share of a picture count as if they were as large.
const LEAST_HOLE: f64 = 0.02;
/// Names of the opponents' losses.
const OPPONENTS: [&str; 4] = ["adversarial", "matching", "discriminator", "penalty"];
/// Name of the tensor that holds the updates of the discriminator.
const OPPONENT_UPDATES: &str = "discriminator.updates";
/// Name of the tensor that holds the balance of the losses, once it was looked at.
const BALANCE: &str = "discriminator.balance";

impl<L: Lesson> Trainee for Opposed<L> {
    type Batch = L::Batch;

    fn losses(&self) -> Vec<&'static str> {
        [L::LOSSES, &OPPONENTS].concat()
    }

    fn rate(&self) -> f64 {
        self.plan.rates.generator
    }

    fn update(&mut self, batch: &L::Batch, at: Moment) -> Losses {
        let device = self.training.network.store.device;
        let attempt = self
            .lesson
            .attempt(&self.training.network.network, batch, device);
        L::count(
            &mut self.record.subject,
            attempt.truth.size()[0].unsigned_abs(),
        );
        self.training.update(attempt, &self.plan, at)
    }

    fn save(&self, made: Made) -> Result<()> {
        let record = Record {
            made,
            ..self.record.clone()
        };
        self.training.save(&self.path, &record)
    }
}

impl<N> Training<N> {
    /// The network that `make` builds and its opponent of `opponent` with freshly drawn weights.
    pub fn new(
        device: Device,
        precision: Precision,
        opponent: &DiscriminatorConfig,
        make: impl Fn(&mut Store) -> N,
    ) -> Self {
        let adam = |beta1| AdamConfig {
            beta1,
            beta2: 0.99,
            clip: Some(1.0),
            ..AdamConfig::default()
        };
        let mut average = Store::new(device, Precision::F32);
        make(&mut average);
        Self {
            network: Learner::new(device, precision, adam(0.9), make),
            discriminator: Learner::new(device, precision, adam(0.5), |store| {
                Discriminator::new(store, opponent)
            }),
            average,
            balance: None,
        }
    }

    /// Makes the update `at` from `attempt`; the losses before it.
    fn update(&mut self, attempt: Attempt, plan: &Plan, at: Moment) -> Losses {
        let rates = plan.rates.times(at.rate);
        let Attempt {
            mut losses,
            completed,
            truth,
            mask,
        } = attempt;
        let zero = Tensor::zeros_like(&losses.total);
        let mut opposed = [(); 4].map(|()| zero.shallow_clone());
        if at.updates >= plan.from {
            let pictures = [&completed, &truth, &mask];
            let [tell, penalty] =
                self.discriminate(pictures, plan, rates.discriminator, at.updates);
            let network = &self.discriminator.network;
            let shown = network.shown(&completed, &truth, &mask);
            let fake = network.forward(&noisy(&shown, plan.noise), &mask, Pass::Train);
            // Anew: what both of a pair have in common has moved with the update.
            let real =
                tch::no_grad(|| network.forward(&noisy(&truth, plan.noise), &mask, Pass::Train));
            let pairs = Pairs {
                real: &real.logit,
                fake: &fake.logit,
                weights: &fake.weights,
            };
            let fool = pairs.of_generator();
            let missing = mask.amin([1].as_slice(), true);
            let missing: Tensor = 1.0 - missing.mean(Kind::Float);
            let matching = features_off(&fake.features, &real.features, &missing);
            losses.total = &losses.total + &matching * plan.matching;
            if self.balance.is_none() || at.updates.is_multiple_of(LOOKS_AT_BALANCE) {
                let now = balance(&losses.total, &fool, &completed) as f32;
                let before = self.balance.unwrap_or(now);
                self.balance = Some(before + (now - before) * NEWEST_IN_BALANCE);
            }
            let balance = f64::from(self.balance.unwrap_or_default());
            losses.total = &losses.total + &fool * (plan.adversarial * balance);
            opposed = [fool, matching, tell, penalty];
        }
        self.network.descend(&losses.total, rates.generator);
        follow(&self.average, &self.network.store, plan.decay, at.updates);
        losses.parts.extend(OPPONENTS.into_iter().zip(opposed));
        losses
    }

    /// One update of the discriminator on what is completed, what is true and what is known; its loss
    /// and the penalty.
    fn discriminate(
        &mut self,
        [completed, truth, mask]: [&Tensor; 3],
        plan: &Plan,
        rate: f64,
        number: u64,
    ) -> [Tensor; 2] {
        let is_penalised = plan.r1 > 0.0 && number.is_multiple_of(plan.r1_every);
        let pictures = noisy(truth, plan.noise)
            .detach()
            .set_requires_grad(is_penalised);
        let network = &self.discriminator.network;
        let real = network.forward(&pictures, mask, Pass::Train);
        let shown = tch::no_grad(|| noisy(&network.shown(completed, truth, mask), plan.noise));
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

    /// Writes the run to `path`.
    ///
    /// # Errors
    /// Where the file cannot be written; an earlier one is kept.
    fn save(&self, path: &Path, record: &Record<impl Serialize>) -> Result<()> {
        let mut tensors = with_moments(&self.network);
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

    /// Goes on with the run of a subject `S` that was `earlier` at `path`; or else begins with what the file
    /// `init_from` holds, if one is named: the weights of an exported model, named `*.onnx`, each as
    /// `imported` makes it of its name and what the graph has; or the network and its opponent as a
    /// checkpoint of another run left them.
    ///
    /// # Errors
    /// Where it cannot be read or has other weights.
    pub fn begin<S: DeserializeOwned>(
        &mut self,
        earlier: Option<&State<S>>,
        path: &Path,
        init_from: Option<&Path>,
        imported: impl Fn(&str, &Tensor) -> Tensor,
    ) -> Result<()> {
        match (earlier, init_from) {
            (Some(checkpoint), _) => self.restore(checkpoint, path),
            (None, Some(model)) if model.extension().is_some_and(|e| e == "onnx") => {
                import::load(&self.network.store, model, &imported)?;
                import::load(&self.average, model, imported)
            }
            (None, Some(other)) => self.restore(&State::<S>::open(other)?, other),
            (None, None) => Ok(()),
        }
    }

    /// Takes over the run in `checkpoint`; `path` is for messages.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    fn restore<S: DeserializeOwned>(&mut self, checkpoint: &State<S>, path: &Path) -> Result<()> {
        checkpoint.restore(path, &mut self.network, checkpoint.record.made.updates)?;
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

/// The network that `make` builds, with the averaged weights of the run in `checkpoint`, f32; `path`
/// is for messages.
///
/// # Errors
/// Where a tensor is missing or of another shape.
pub fn averaged<S: DeserializeOwned, N>(
    checkpoint: &State<S>,
    path: &Path,
    device: Device,
    make: impl FnOnce(&mut Store) -> N,
) -> Result<(Store, N)> {
    let mut store = Store::new(device, Precision::F32);
    let network = make(&mut store);
    store.load(path, |name| checkpoint.tensor(&average_name(name)))?;
    Ok((store, network))
}

/// `pictures` with normal noise of the standard deviation `deviation`.
fn noisy(pictures: &Tensor, deviation: f64) -> Tensor {
    match deviation > 0.0 {
        true => pictures + pictures.randn_like() * deviation,
        false => pictures.shallow_clone(),
    }
}

fn average_name(parameter: &str) -> String {
    format!("average.{parameter}")
}

/// How long the gradient of `rest` by the pictures `completed` is beside that of `fool` (Esser et
/// al. 2021, of the pictures instead of a layer's weights).
fn balance(rest: &Tensor, fool: &Tensor, completed: &Tensor) -> f64 {
    let [rest, fool] = [rest, fool].map(|loss| {
        let gradient = Tensor::run_backward(&[loss], &[completed], true, false);
        gradient[0].norm().double_value(&[])
    });
    (rest / fool.max(1e-12)).min(MOST_BALANCE)
}

/// Mean absolute difference of what a discriminator makes of completed and of true pictures,
/// `faked` and `real` (Wang et al. 2018), of whose pixels a share `missing` is missing: the mean
/// of its layers, each in units of what is usual in `real`.
fn features_off(faked: &[Tensor], real: &[Tensor], missing: &Tensor) -> Tensor {
    let layers = faked.iter().zip(real).map(|(faked, real)| {
        let [faked, real] = [faked, real].map(|t| t.to_kind(Kind::Float));
        let usual = real.abs().mean(Kind::Float).detach() + 1e-6;
        (faked - real.detach()).abs().mean(Kind::Float) / usual
    });
    layers.sum::<Tensor>() / faked.len() as f64 / missing.clamp_min(LEAST_HOLE)
}
