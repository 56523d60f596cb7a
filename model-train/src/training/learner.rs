//! A network with what training it needs.

use std::convert::Infallible;

use tch::{Device, Tensor};

use super::optimizer::{Adam, AdamConfig};
use crate::network::parameters::{Precision, Store};

/// A network, its weights and its optimiser.
pub struct Learner<N> {
    /// Weights and statistics.
    pub store: Store,
    /// The network over them.
    pub network: N,
    /// Its optimiser.
    pub adam: Adam,
}

impl<N> Learner<N> {
    /// The network that `make` builds, with the weights it draws.
    pub fn new(
        device: Device,
        precision: Precision,
        adam: AdamConfig,
        make: impl FnOnce(&mut Store) -> N,
    ) -> Self {
        let made = Self::try_new(device, precision, adam, |store| {
            Ok::<_, Infallible>(make(store))
        });
        made.unwrap_or_else(|never| match never {})
    }

    /// The network that `make` builds, where it can.
    ///
    /// # Errors
    /// What `make` says.
    pub fn try_new<E>(
        device: Device,
        precision: Precision,
        adam: AdamConfig,
        make: impl FnOnce(&mut Store) -> Result<N, E>,
    ) -> Result<Self, E> {
        let mut store = Store::new(device, precision);
        let network = make(&mut store)?;
        let adam = Adam::new(&store, adam);
        Ok(Self {
            store,
            network,
            adam,
        })
    }

    /// One step down the gradient of `loss` by the parameters of this network alone.
    pub fn descend(&mut self, loss: &Tensor, rate: f64) {
        let inputs: Vec<&Tensor> = self.store.parameters.iter().map(|p| &p.working).collect();
        let gradients = Tensor::run_backward(&[loss], &inputs, false, false);
        self.adam.step(&self.store, &gradients, rate);
    }
}
