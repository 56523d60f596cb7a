//! Batches of samples, made ahead of the training thread. A batch is a pure function of the seed and
//! the update.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Result;
use mde_core::covers::SIDE;
use rand_pcg::Pcg64;
use rayon::prelude::*;
use tch::{Device, Tensor};

use super::cutouts::Library;
use super::draw::Sources;
use super::faces::CoverFaces;
use super::network::Inputs;
use super::sample::{GRID, KINDS, Plan, Sample};
use crate::data::prefetched;
use crate::tensors::{channels_last, from_pixels};

/// The samples of one update.
pub struct CoverBatch {
    /// What the net is shown.
    pub inputs: Inputs,
    /// `[N, 5, S / 2, S / 2]` f32: the right answer.
    pub covers: Tensor,
    /// How much each value of it counts.
    pub weights: Tensor,
}

/// Faces and covers of a split.
pub struct Material {
    /// Faces.
    pub faces: CoverFaces,
    /// Covers.
    pub library: Library,
}

impl Material {
    /// What covers are drawn from.
    pub fn sources(&self) -> Sources<'_> {
        Sources {
            library: &self.library,
            parsed: &self.faces.parsed,
            seen: &self.faces.seen,
        }
    }

    /// Sample number `stream` of `seed`.
    pub fn sample(&self, plan: Plan, seed: u64, stream: u128) -> Sample {
        let mut rng = Pcg64::new(seed.into(), stream);
        Sample::draw(&self.faces, &self.sources(), plan, &mut rng)
    }
}

/// Batches kept ready.
const AHEAD: usize = 4;

/// The batches of `size` samples from update `first` on, made by a thread of their own that ends
/// with the receiver.
///
/// # Errors
/// Where the thread cannot be started.
pub fn stream(
    material: Arc<Material>,
    size: usize,
    seed: u64,
    first: u64,
) -> Result<Receiver<CoverBatch>> {
    prefetched(AHEAD, first, move |update| {
        let samples: Vec<Sample> = (0..size as u64)
            .into_par_iter()
            .map(|place| {
                let stream = update * size as u64 + place;
                material.sample(Plan::Any, seed, stream.into())
            })
            .collect();
        CoverBatch::of(&samples)
    })
}

impl CoverBatch {
    /// The samples as tensors on the CPU.
    pub fn of(samples: &[Sample]) -> Self {
        let n = samples.len();
        let (kinds, grid) = (KINDS as i64, GRID as i64);
        let side = SIDE as i64;
        let joined = |values: fn(&Sample) -> &Vec<f32>| -> Vec<f32> {
            samples.iter().flat_map(values).copied().collect()
        };
        let answers = |values: fn(&Sample) -> &Vec<f32>| {
            Tensor::from_slice(&joined(values)).view([-1, kinds, grid, grid])
        };
        let pictures = |values| from_pixels(&joined(values), n, SIDE);
        Self {
            inputs: Inputs {
                image: pictures(|s| &s.image),
                view: pictures(|s| &s.view),
                view_mask: Tensor::from_slice(&joined(|s| &s.view_mask)).view([-1, 1, side, side]),
                last: channels_last(&answers(|s| &s.last)),
            },
            covers: answers(|s| &s.covers),
            weights: answers(|s| &s.weights),
        }
    }

    /// The batch on `device`.
    pub fn to_device(&self, device: Device) -> Self {
        Self {
            inputs: self.inputs.to_device(device),
            covers: self.covers.to_device(device),
            weights: self.weights.to_device(device),
        }
    }
}
