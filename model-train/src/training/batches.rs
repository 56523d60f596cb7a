//! Batches of pictures and masks, made ahead of the training thread.
//!
//! A batch is a pure function of the seed and the update, so that a resumed run sees what the
//! unbroken one would have seen.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::{Context, Result};
use rand::RngExt;
use rand_pcg::Pcg64;
use tch::{Device, Tensor};

use super::mixture::Mixture;
use crate::data::{Dataset, Sampler};

/// Pictures and masks of one update.
pub struct Batch {
    /// `[N, 3, S, S]` f32 in `[0, 1]`, channels last.
    pub pictures: Tensor,
    /// `[N, 3, S, S]` f32, 1 known, 0 missing, channels last.
    pub masks: Tensor,
    /// Times all pictures have been seen before.
    pub epoch: u64,
}

/// What batches are drawn from and how.
#[derive(Clone)]
pub struct BatchConfig {
    /// Pictures a batch.
    pub batch: usize,
    /// Seed of order, flips and masks.
    pub seed: u64,
    /// Tasks.
    pub mixture: Mixture,
    /// Whether half of the pictures are mirrored.
    pub flips: bool,
}

/// Batches kept ready.
const AHEAD: usize = 3;

/// The batches from update `first` on, made by a thread of their own that ends with the receiver.
///
/// # Errors
/// Where the thread cannot be started.
pub fn stream(dataset: Arc<Dataset>, config: BatchConfig, first: u64) -> Result<Receiver<Batch>> {
    let (send, receive) = sync_channel(AHEAD);
    let work = move || {
        let mut sampler = Sampler::new(dataset.len(), config.batch, config.seed);
        for update in first.. {
            let indices = sampler.batch(update);
            let batch = make(&dataset, &indices, &config, update, sampler.epoch(update));
            if send.send(batch).is_err() {
                break;
            }
        }
    };
    thread::Builder::new()
        .name("batches".to_owned())
        .spawn(work)
        .context("no thread for making batches")?;
    Ok(receive)
}

fn make(
    dataset: &Dataset,
    indices: &[usize],
    config: &BatchConfig,
    update: u64,
    epoch: u64,
) -> Batch {
    let size = dataset.size();
    let values = indices.len() * size * size * 3;
    let (mut pictures, mut masks) = (Vec::with_capacity(values), Vec::with_capacity(values));
    // Streams of one seed, far apart: one an update.
    let mut rng = Pcg64::new(config.seed.into(), update.into());
    for &i in indices {
        append(
            &mut pictures,
            dataset.picture(i),
            size,
            config.flips && rng.random(),
        );
        let mask = config.mixture.sample(size, &mut rng);
        masks.extend(mask.view().permuted_axes([1, 2, 0]).iter());
    }
    let tensor = |values: &[f32]| channels_last_tensor(values, indices.len(), size);
    Batch {
        pictures: tensor(&pictures),
        masks: tensor(&masks),
        epoch,
    }
}

/// Appends an `[S, S, 3]` picture of bytes as f32 in `[0, 1]`, mirrored where asked.
pub fn append(to: &mut Vec<f32>, picture: &[u8], size: usize, mirrored: bool) {
    let value = |&v: &u8| f32::from(v) / 255.0;
    if mirrored {
        for row in picture.chunks_exact(size * 3) {
            to.extend(row.chunks_exact(3).rev().flatten().map(value));
        }
    } else {
        to.extend(picture.iter().map(value));
    }
}

/// `[N, S, S, 3]` values as an `[N, 3, S, S]` tensor, channels last.
pub fn channels_last_tensor(values: &[f32], n: usize, size: usize) -> Tensor {
    let side = size as i64;
    Tensor::from_slice(values)
        .view([n as i64, side, side, 3])
        .permute([0, 3, 1, 2])
}

impl Batch {
    /// The batch on `device`.
    pub fn to_device(&self, device: Device) -> Self {
        Self {
            pictures: self.pictures.to_device(device),
            masks: self.masks.to_device(device),
            epoch: self.epoch,
        }
    }
}
