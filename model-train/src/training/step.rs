//! One update: forward, losses, backward, optimiser.

use tch::{Device, Tensor};

use super::average::Average;
use super::batches::Batch;
use super::loss::{Adversarial, Losses, Objective};
use super::optimizer::{Adam, AdamConfig};
use crate::network::config::{DiscriminatorConfig, GeneratorConfig};
use crate::network::discriminator::{Discriminator, Verdict};
use crate::network::generator::Generator;
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};

/// A generator with what training it needs.
pub struct Trainee {
    /// Weights of the generator.
    pub store: Store,
    /// The network.
    pub generator: Generator,
    /// Its optimiser.
    pub adam: Adam,
    /// Its opponent, where the objective is adversarial.
    pub adversary: Option<Adversary>,
    /// The average of its weights, where one is kept.
    pub average: Option<Average>,
}

/// A discriminator with what training it needs.
pub struct Adversary {
    /// Weights of the discriminator.
    pub store: Store,
    /// The network.
    pub discriminator: Discriminator,
    /// Its optimiser.
    pub adam: Adam,
}

/// Learning rates of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The generator's.
    pub generator: f64,
    /// The discriminator's.
    pub discriminator: f64,
}

impl Trainee {
    /// A generator of `sizes` with freshly drawn weights, neither opposed nor averaged.
    pub fn new(
        device: Device,
        precision: Precision,
        sizes: &GeneratorConfig,
        config: AdamConfig,
    ) -> Self {
        let mut store = Store::new(device, precision);
        let generator = Generator::new(&mut store, sizes);
        let adam = Adam::new(&store, config);
        Self {
            store,
            generator,
            adam,
            adversary: None,
            average: None,
        }
    }

    /// Gives the generator an opponent with freshly drawn weights.
    pub fn oppose(&mut self, sizes: &DiscriminatorConfig, config: AdamConfig) {
        let mut store = Store::new(self.store.device, self.store.precision);
        let discriminator = Discriminator::new(&mut store, sizes);
        let adam = Adam::new(&store, config);
        self.adversary = Some(Adversary {
            store,
            discriminator,
            adam,
        });
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
        descend(&self.store, &mut self.adam, &losses.total, rates.generator);
        if let Some(average) = &mut self.average {
            average.follow(&self.store);
        }
        losses.parts.extend(of_discriminator);
        losses
    }

    /// The generator's whole output for a batch, `[N, 3, S, S]` f32.
    pub fn complete(&self, batch: &Batch, pass: Pass) -> Tensor {
        let kind = self.store.precision.kind();
        let masks = batch.masks.to_kind(kind);
        self.generator
            .forward(&(batch.pictures.to_kind(kind) * &masks), &masks, pass)
    }
}

impl Adversary {
    /// What the discriminator says of the generator's whole output `generated` `[N, 3, S, S]` f32
    /// for `batch`, in training.
    pub fn judge(&self, generated: &Tensor, batch: &Batch) -> Verdict {
        let shown = (self.discriminator).shown(generated, &batch.pictures, &batch.masks);
        (self.discriminator).forward(&shown, &batch.masks, Pass::Train)
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
        let real = (self.discriminator).forward(&pictures, &batch.masks, Pass::Train);
        let fake = self.judge(generated, batch);
        let losses = loss.of_discriminator(&pictures, &real, &fake, &batch.boxes);
        descend(&self.store, &mut self.adam, &losses.total, rate);
        losses
    }
}

/// One step of `adam` down the gradient of `loss` by the parameters of `store` alone.
fn descend(store: &Store, adam: &mut Adam, loss: &Tensor, rate: f64) {
    let inputs: Vec<&Tensor> = store.parameters.iter().map(|p| &p.working).collect();
    let gradients = Tensor::run_backward(&[loss], &inputs, false, false);
    adam.step(store, &gradients, rate);
}
