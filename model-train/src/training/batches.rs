//! Batches of pictures and masks, made ahead of the training thread.
//!
//! A batch is a pure function of the seed and the update, so that a resumed run sees what the
//! unbroken one would have seen.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Result;
use mde_core::mask::{CHANNELS, Mask, Task};
use mde_core::occlusion::Rect;
use rand::RngExt;
use rand_pcg::Pcg64;
use tch::{Device, Tensor};

use super::loss::Boxes;
use super::mixture::Mixture;
use crate::data::{Dataset, Sampler, prefetched};
use crate::tensors::{append_picture, from_pixels};

/// Pictures and masks of one update.
pub struct Batch {
    /// `[N, 3, S, S]` f32 in `[0, 1]`, channels last.
    pub pictures: Tensor,
    /// `[N, 3, S, S]` f32, 1 known, 0 missing, channels last.
    pub masks: Tensor,
    /// Boxes for the hide-and-seek loss.
    pub boxes: Boxes,
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

/// Streams of random numbers: one an update from 0 on, and from here on one an epoch, for the
/// boxes the generator aims at.
const EPOCH_STREAMS: u128 = 1 << 64;
/// Batches kept ready.
const AHEAD: usize = 3;

/// The batches from update `first` on, made by a thread of their own that ends with the receiver.
///
/// # Errors
/// Where the thread cannot be started.
pub fn stream(dataset: Arc<Dataset>, config: BatchConfig, first: u64) -> Result<Receiver<Batch>> {
    let mut sampler = Sampler::new(dataset.len(), config.batch, config.seed);
    prefetched(AHEAD, first, move |update| {
        let indices = sampler.batch(update);
        make(&dataset, &indices, &config, update, sampler.epoch(update))
    })
}

fn make(
    dataset: &Dataset,
    indices: &[usize],
    config: &BatchConfig,
    update: u64,
    epoch: u64,
) -> Batch {
    let size = dataset.size();
    let mut pictures = Vec::with_capacity(indices.len() * size * size * 3);
    let mut masks = Masks::default();
    // Streams of one seed, far apart: one an update.
    let mut rng = Pcg64::new(config.seed.into(), update.into());
    for &i in indices {
        append_picture(
            &mut pictures,
            dataset.picture(i),
            size,
            config.flips && rng.random(),
        );
        masks.draw(config, size, epoch, &mut rng);
    }
    let (masks, boxes) = masks.into_tensors(size);
    Batch {
        pictures: from_pixels(&pictures, indices.len(), size),
        masks,
        boxes,
    }
}

/// The values of a batch's masks and [`Boxes`], picture by picture.
#[derive(Default)]
pub struct Masks {
    values: Vec<f32>,
    known: Vec<f32>,
    decoy: Vec<f32>,
    present: Vec<f32>,
}

impl Masks {
    /// Draws a task, a mask of side `size` and its boxes for one more picture.
    pub fn draw(&mut self, config: &BatchConfig, size: usize, epoch: u64, rng: &mut Pcg64) {
        let task = config.mixture.draw(rng);
        let mask = task.sample(size, size, rng);
        (self.values).extend(mask.view().permuted_axes([1, 2, 0]).iter());
        let boxes = boxes_of(&task, &mask, config.seed, epoch);
        self.present.push(f32::from(u8::from(boxes.is_some())));
        let none = [Rect::new(0, 0, 0, 0); CHANNELS];
        let [known, decoy] = boxes.unwrap_or([none, none]);
        let share = |v: usize| v as f32 / size as f32;
        let row = |rects: [Rect; CHANNELS]| {
            let corners = rects.map(|r| [r.x0, r.y0, r.x1, r.y1].map(share));
            corners.into_iter().flatten()
        };
        self.known.extend(row(known));
        self.decoy.extend(row(decoy));
    }

    /// Masks `[N, 3, size, size]`, channels last, and boxes.
    pub fn into_tensors(self, size: usize) -> (Tensor, Boxes) {
        let tensor = |values: &[f32]| Tensor::from_slice(values).view([-1, CHANNELS as i64, 4]);
        let boxes = Boxes {
            known: tensor(&self.known),
            decoy: tensor(&self.decoy),
            present: Tensor::from_slice(&self.present),
        };
        let masks = from_pixels(&self.values, self.present.len(), size);
        (masks, boxes)
    }
}

/// The boxes of a picture's `mask` and those the generator aims at, if its task has any. The
/// latter are drawn as the task draws its own, but from the seed and the epoch alone: one draw an
/// epoch, the same for all pictures of a task and for a resumed run.
fn boxes_of(task: &Task, mask: &Mask, seed: u64, epoch: u64) -> Option<[[Rect; CHANNELS]; 2]> {
    let known = task.boxes(mask)?;
    let mut rng = Pcg64::new(seed.into(), EPOCH_STREAMS + u128::from(epoch));
    let decoy = task.boxes(&task.sample(mask.width(), mask.height(), &mut rng))?;
    Some([known, decoy])
}

impl Batch {
    /// The batch on `device`.
    pub fn to_device(&self, device: Device) -> Self {
        Self {
            pictures: self.pictures.to_device(device),
            masks: self.masks.to_device(device),
            boxes: Boxes {
                known: self.boxes.known.to_device(device),
                decoy: self.boxes.decoy.to_device(device),
                present: self.boxes.present.to_device(device),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(tasks: &str, pictures: usize, epoch: u64) -> Boxes {
        let config = BatchConfig {
            batch: pictures,
            seed: 1,
            mixture: tasks.parse().unwrap(),
            flips: false,
        };
        let mut masks = Masks::default();
        let mut rng = Pcg64::new(1, 0);
        for _ in 0..pictures {
            masks.draw(&config, 32, epoch, &mut rng);
        }
        masks.into_tensors(32).1
    }

    #[test]
    fn boxes_are_the_masks_own_and_decoys_change_with_the_epoch() {
        let first = boxes("REC:0.1", 8, 0);
        let mean = |t: &Tensor| t.mean(None::<tch::Kind>).double_value(&[]);
        assert_eq!(mean(&first.present), 1.0);
        assert!(
            (first.known.get(0) - first.known.get(1))
                .abs()
                .max()
                .double_value(&[])
                > 0.0
        );
        let (low, high) = (first.known.narrow(2, 0, 2), first.known.narrow(2, 2, 2));
        assert!((high - low).min().double_value(&[]) > 0.0);
        let of_all = first.decoy.get(0).expand_as(&first.decoy);
        assert!(first.decoy == of_all, "one decoy an epoch");
        let next = boxes("REC:0.1", 8, 1);
        assert!(first.known == next.known && first.decoy != next.decoy);
    }

    #[test]
    fn tasks_without_boxes_are_marked() {
        let none = boxes("eyes,Col-1,I:0.25,RI:0.25,block", 20, 0);
        assert_eq!(none.present.sum(None::<tch::Kind>).double_value(&[]), 0.0);
        let some = boxes("eyes=1,RE:0.25=1", 40, 0);
        let share = some.present.mean(None::<tch::Kind>).double_value(&[]);
        assert!(share > 0.2 && share < 0.8, "{share}");
    }
}
