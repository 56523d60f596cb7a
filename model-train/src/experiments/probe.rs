//! How well the boxes can be found on what a trained generator makes: a fresh discriminator learns
//! to seek them, the generator staying as it is.

use std::sync::Arc;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::context::{ExperimentContext, Set};
use super::training::Trained;
use crate::network::config::DiscriminatorConfig;
use crate::network::discriminator::Discriminator;
use crate::network::layers::Pass;
use crate::network::parameters::Store;
use crate::tensors::{append_picture, from_pixels};
use crate::training::batches::{Batch, BatchConfig, Masks, stream};
use crate::training::optimizer::{Adam, AdamConfig};

/// Learning rate of the seeker.
const RATE: f64 = 1e-3;
/// Pictures in one forward pass.
const BATCH: usize = 32;

/// Mean distances of boxes (the terms of equation 7, as a share of the picture's side).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Found {
    /// Of those the seeker sees from the true ones.
    pub error: f64,
    /// Of the mean true box from them: what one knows without looking.
    pub blind: f64,
}

impl ExperimentContext {
    /// Trains a seeker on what `network` makes of the pictures to train on, for `updates`, and
    /// tests it on what it makes of those to evaluate on.
    ///
    /// # Errors
    /// Where data cannot be used.
    pub fn probe(&self, network: &Trained, updates: u64) -> Result<Found> {
        let device = self.tools.device;
        tch::manual_seed(self.settings.seed as i64);
        let mut store = Store::new(device, self.tools.precision);
        let config = DiscriminatorConfig::paper(self.settings.generator.width);
        let seeker = Discriminator::new(&mut store, &config);
        let adam = AdamConfig {
            beta1: 0.9,
            ..AdamConfig::default()
        };
        let mut adam = Adam::new(&store, adam);
        let config = self.batches(&network.recipe);
        let batches = stream(Arc::new(self.train_set(Set::Faces)?), config.clone(), 0)?;
        let bar = ProgressBar::new(updates);
        for _ in 0..updates {
            let batch = batches.recv().context("the batch thread ended")?;
            let batch = batch.to_device(device);
            let generated = network.generate(&batch);
            let verdict = seeker.forward(&generated, &batch.masks, Pass::Train);
            // The other head takes no part, but every parameter must have a gradient.
            let idle = verdict.logit.sum(Kind::Float) * 0.0;
            let loss = batch.boxes.seek_loss(verdict.boxes.as_ref()) + idle;
            let inputs: Vec<&Tensor> = store.parameters.iter().map(|p| &p.working).collect();
            let gradients = Tensor::run_backward(&[&loss], &inputs, false, false);
            adam.step(&store, &gradients, RATE);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let data = self.evaluation_set(Set::Faces)?;
        let count = self.settings.count.min(data.len());
        let (mut seen, mut truth) = (Vec::new(), Vec::new());
        for first in (0..count).step_by(BATCH) {
            let batch = evaluated(&data, first..count.min(first + BATCH), &config);
            let batch = batch.to_device(device);
            let generated = network.generate(&batch);
            let verdict = tch::no_grad(|| seeker.forward(&generated, &batch.masks, Pass::Use));
            seen.extend(verdict.boxes);
            truth.push(batch.boxes.known);
        }
        let (seen, truth) = (Tensor::cat(&seen, 0), Tensor::cat(&truth, 0));
        let mean = truth.mean_dim([0i64].as_slice(), true, Kind::Float);
        Ok(Found {
            error: distance(&seen, &truth),
            blind: distance(&mean, &truth),
        })
    }
}

/// Pictures `range` of `data`, each under a mask that hangs on its number alone.
fn evaluated(
    data: &crate::data::Dataset,
    range: std::ops::Range<usize>,
    config: &BatchConfig,
) -> Batch {
    let size = data.size();
    let count = range.len();
    let mut pictures = Vec::new();
    let mut masks = Masks::default();
    for i in range {
        append_picture(&mut pictures, data.picture(i), size, false);
        masks.draw(
            config,
            size,
            0,
            &mut Pcg64::new(config.seed.into(), i as u128),
        );
    }
    let (masks, boxes) = masks.into_tensors(size);
    Batch {
        pictures: from_pixels(&pictures, count, size),
        masks,
        boxes,
    }
}

/// Mean distance of boxes `[N, 3, 4]`.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    let lengths = (a - b)
        .square()
        .sum_dim_intlist(2, false, Kind::Float)
        .sqrt();
    lengths.mean(Kind::Double).double_value(&[])
}
