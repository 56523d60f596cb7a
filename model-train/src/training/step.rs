//! One update: forward, losses, backward, optimiser.

use tch::Tensor;

use super::batches::Batch;
use super::loss::{Losses, PixelLoss};
use super::optimizer::Adam;
use crate::network::generator::Generator;
use crate::network::parameters::Store;

/// A generator with what training it needs.
pub struct Trainee {
    /// Weights of the generator.
    pub store: Store,
    /// The network.
    pub generator: Generator,
    /// Its optimiser.
    pub adam: Adam,
}

impl Trainee {
    /// Makes one update at learning rate `rate` and returns the losses before it.
    pub fn update(&mut self, batch: &Batch, loss: &PixelLoss, rate: f64) -> Losses {
        let generated = self.complete(batch, true);
        let losses = loss.of(&generated, &batch.pictures, &batch.masks);
        let inputs: Vec<&Tensor> = self.store.parameters.iter().map(|p| &p.working).collect();
        let gradients = Tensor::run_backward(&[&losses.total], &inputs, false, false);
        self.adam.step(&self.store, &gradients, rate);
        losses
    }

    /// The generator's whole output for a batch, `[N, 3, S, S]` f32.
    pub fn complete(&self, batch: &Batch, train: bool) -> Tensor {
        let kind = self.store.precision.kind();
        let masks = batch.masks.to_kind(kind);
        self.generator
            .forward(&(batch.pictures.to_kind(kind) * &masks), &masks, train)
    }
}
