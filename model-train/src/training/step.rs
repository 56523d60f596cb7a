//! One update of a generator: forward, losses, backward, optimiser.

use anyhow::Result;
use tch::{Device, Tensor};

use super::average::Average;
use super::batches::Batch;
use super::learner::Learner;
use super::loss::{Adversarial, Losses, Objective};
use super::optimizer::AdamConfig;
use super::run::{Made, Moment, Trainee};
use crate::network::config::{DiscriminatorConfig, GeneratorConfig};
use crate::network::discriminator::{Discriminator, Verdict};
use crate::network::generator::Generator;
use crate::network::layers::Pass;
use crate::network::parameters::Precision;

/// A generator with what training it needs.
pub struct GeneratorTraining {
    /// The generator.
    pub generator: Learner<Generator>,
    /// Its opponent, where the objective is adversarial.
    pub adversary: Option<Learner<Discriminator>>,
    /// The average of its weights, where one is kept.
    pub average: Option<Average>,
}

/// Learning rates of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The generator's.
    pub generator: f64,
    /// The discriminator's.
    pub discriminator: f64,
}

impl Rates {
    /// These times `factor`.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            generator: self.generator * factor,
            discriminator: self.discriminator * factor,
        }
    }
}

/// A generator in a run.
pub struct GeneratorTrainee<'a> {
    /// The generator with what training it needs.
    pub training: &'a mut GeneratorTraining,
    /// What is minimised.
    pub objective: &'a Objective,
    /// Learning rates at the start.
    pub rates: Rates,
    /// Whether the weights come without statistics, and are to take those of the first batch.
    pub adopt: bool,
    /// Writes the checkpoint.
    pub save: &'a dyn Fn(&GeneratorTraining, Made) -> Result<()>,
}

impl Trainee for GeneratorTrainee<'_> {
    type Batch = Batch;

    fn losses(&self) -> Vec<&'static str> {
        self.objective.names()
    }

    fn rate(&self) -> f64 {
        self.rates.generator
    }

    fn update(&mut self, batch: &Batch, at: Moment) -> Losses {
        let batch = batch.to_device(self.training.generator.store.device);
        if std::mem::take(&mut self.adopt) {
            let _ = tch::no_grad(|| self.training.complete(&batch, Pass::Adopt));
        }
        let rates = self.rates.times(at.rate);
        self.training.update(&batch, self.objective, rates)
    }

    fn save(&self, made: Made) -> Result<()> {
        (self.save)(self.training, made)
    }
}

impl GeneratorTraining {
    /// A generator of `sizes` with freshly drawn weights, neither opposed nor averaged.
    pub fn new(
        device: Device,
        precision: Precision,
        sizes: &GeneratorConfig,
        config: AdamConfig,
    ) -> Self {
        let make = |store: &mut _| Generator::new(store, sizes);
        Self {
            generator: Learner::new(device, precision, config, make),
            adversary: None,
            average: None,
        }
    }

    /// Gives the generator an opponent with freshly drawn weights.
    pub fn oppose(&mut self, sizes: &DiscriminatorConfig, config: AdamConfig) {
        let (device, precision) = (self.generator.store.device, self.generator.store.precision);
        let make = |store: &mut _| Discriminator::new(store, sizes);
        self.adversary = Some(Learner::new(device, precision, config, make));
    }

    /// Makes one update, first of the discriminator, then of the generator against it, and returns
    /// the losses before each.
    pub fn update(&mut self, batch: &Batch, objective: &Objective, rates: Rates) -> Losses {
        let generated = self.complete(batch, Pass::Train);
        let mut of_discriminator = Vec::new();
        let mut verdict = None;
        if let (Some(adversary), Some(loss)) = (&mut self.adversary, &objective.adversarial) {
            let losses = adversary.update(&generated.detach(), batch, loss, rates.discriminator);
            of_discriminator = losses.parts;
            verdict = Some(adversary.judge(&generated, batch));
        }
        let mut losses = objective.of_generator(&generated, batch, verdict.as_ref());
        self.generator.descend(&losses.total, rates.generator);
        if let Some(average) = &mut self.average {
            average.follow(&self.generator.store);
        }
        losses.parts.extend(of_discriminator);
        losses
    }

    /// The generator's whole output for a batch, `[N, 3, S, S]` f32.
    pub fn complete(&self, batch: &Batch, pass: Pass) -> Tensor {
        let kind = self.generator.store.precision.kind();
        let masks = batch.masks.to_kind(kind);
        (self.generator.network).forward(&(batch.pictures.to_kind(kind) * &masks), &masks, pass)
    }
}

impl Learner<Discriminator> {
    /// What the discriminator says of the generator's whole output `generated` `[N, 3, S, S]` f32
    /// for `batch`, in training.
    pub fn judge(&self, generated: &Tensor, batch: &Batch) -> Verdict {
        let shown = (self.network).shown(generated, &batch.pictures, &batch.masks);
        (self.network).forward(&shown, &batch.masks, Pass::Train)
    }

    /// Makes one update for `generated` `[N, 3, S, S]` f32, which takes no gradients. Real and
    /// generated pictures go apart, so that each are normalised by their own statistics.
    fn update(
        &mut self,
        generated: &Tensor,
        batch: &Batch,
        loss: &Adversarial,
        rate: f64,
    ) -> Losses {
        let pictures = batch.pictures.detach().set_requires_grad(loss.r1 > 0.0);
        let real = (self.network).forward(&pictures, &batch.masks, Pass::Train);
        let fake = self.judge(generated, batch);
        let losses = loss.of_discriminator(&pictures, &real, &fake, &batch.boxes);
        self.descend(&losses.total, rate);
        losses
    }
}
