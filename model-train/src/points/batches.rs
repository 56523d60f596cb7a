//! Batches of samples, made ahead of the training thread on all cores. A batch is a pure function
//! of the seed and the update, so that a resumed run sees what the unbroken one would have seen.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Result;
use mde_core::points::SIZE;
use rand_pcg::Pcg64;
use rayon::prelude::*;
use tch::{Device, Tensor};

use super::sample::{PointFaces, Sample};
use crate::data::{Sampler, prefetched};

/// The samples of one update.
pub struct PointBatch {
    /// `[N, 3, 64, 64]` f32, channels last.
    pub crops: Tensor,
    /// `[N, 5, 2]` f32, crop pixels.
    pub points: Tensor,
    /// `[N, 5]` f32, 1 visible, 0 covered.
    pub visibility: Tensor,
    /// `[N]` f32, 1 where there is a face.
    pub is_face: Tensor,
}

/// Batches kept ready.
const AHEAD: usize = 4;

/// The batches of `size` samples from update `first` on, made by a thread of their own that ends
/// with the receiver.
///
/// # Errors
/// Where the thread cannot be started.
pub fn stream(
    faces: Arc<PointFaces>,
    size: usize,
    seed: u64,
    first: u64,
) -> Result<Receiver<PointBatch>> {
    let mut sampler = Sampler::new(faces.len(), size, seed);
    prefetched(AHEAD, first, move |update| {
        let indices = sampler.batch(update);
        let samples: Vec<Sample> = (indices.par_iter().enumerate())
            .map(|(place, &index)| {
                let stream = update * size as u64 + place as u64;
                let mut rng = Pcg64::new(seed.into(), stream.into());
                Sample::draw(&faces, index, &mut rng)
            })
            .collect();
        PointBatch::of(&samples)
    })
}

impl PointBatch {
    /// The samples as tensors on the CPU.
    pub fn of(samples: &[Sample]) -> Self {
        let (n, side) = (samples.len() as i64, SIZE as i64);
        let crops: Vec<f32> = samples.iter().flat_map(|s| &s.crop).copied().collect();
        let points = samples.iter().flat_map(|s| s.points.as_flattened());
        let points: Vec<f32> = points.map(|&v| v as f32).collect();
        let visibility: Vec<f32> = samples.iter().flat_map(|s| s.visibility).collect();
        let is_face: Vec<f32> = samples.iter().map(|s| s.is_face).collect();
        Self {
            crops: Tensor::from_slice(&crops)
                .view([n, side, side, 3])
                .permute([0, 3, 1, 2]),
            points: Tensor::from_slice(&points).view([n, 5, 2]),
            visibility: Tensor::from_slice(&visibility).view([n, 5]),
            is_face: Tensor::from_slice(&is_face),
        }
    }

    /// The batch on `device`.
    pub fn to_device(&self, device: Device) -> Self {
        Self {
            crops: self.crops.to_device(device),
            points: self.points.to_device(device),
            visibility: self.visibility.to_device(device),
            is_face: self.is_face.to_device(device),
        }
    }
}
