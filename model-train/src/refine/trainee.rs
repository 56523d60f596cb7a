//! What the refiner learns, and a run of it on disk.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::batches::{Batch, enlarged};
use super::loss::{self, NAMES, Weights};
use crate::network::perceptual::FeatureNetwork;
use crate::network::refiner::Refiner;
use crate::network::view_generator::{Inputs, ViewGenerator};
use crate::tensors::{composited, local_means};
use crate::training::opposed::{Attempt, Lesson};
use crate::training::state::State;

/// What a run is of: the refiner, told from other networks by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefineSubject {
    /// The file of the generator whose paintings it refines.
    pub refines: String,
    /// Pictures seen.
    pub pictures: u64,
}

/// An opened checkpoint.
pub type RefineCheckpoint = State<RefineSubject>;

/// To refine what a generator paints.
pub struct RefineLesson {
    /// The generator, which does not change.
    pub generator: ViewGenerator,
    /// Side of the windows in pixels.
    pub window: i64,
    /// Weights of the losses.
    pub weights: Weights,
    /// Whose features the perceptual loss compares.
    pub perceptual: Option<Box<dyn FeatureNetwork>>,
}

/// What the refiner is shown of a batch, `[N, C, W, W]` f32, and what is to come out.
pub struct Window {
    /// What is known, and what the generator painted; C = 3.
    pub image: Tensor,
    /// 1 known, 0 missing; C = 3.
    pub mask: Tensor,
    /// C = 3.
    pub truth: Tensor,
    /// 1 where the image is the truth, blurred, 0 where a generator painted it, `[N, 1, 1, 1]`.
    pub is_blurred: Tensor,
    /// A pixel of each hole, x and y, `[N, 2]` i64.
    pub in_hole: Tensor,
}

/// Over how many of the generator's pixels around a hole its colours are compared with the picture's.
const AROUND: i64 = 33;

/// `completed` with the colours of `small` around the holes under `mask`, all `[N, 3, S, S]`: near enough
/// to the membrane by which the element matches borders.
fn matched(completed: &Tensor, small: &Tensor, mask: &Tensor) -> Tensor {
    let off = local_means(&((small - completed) * mask), AROUND);
    completed + off / local_means(mask, AROUND).clamp_min(0.02)
}

/// What `generator`, shown no view, or in its place a blur of the truth, makes of the faces of `batch` as the refiner is shown it, at their
/// size: what is known, and what was painted; and what is known of it. `[N, 3, 2 S, 2 S]` each.
pub fn painted(generator: &ViewGenerator, batch: &Batch) -> (Tensor, Tensor) {
    let (truth, masks) = (&batch.pictures, &batch.masks);
    let small = truth.avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None);
    let (blurred, is_blurred) = &batch.blurred;
    let completed = match is_blurred.min().double_value(&[]) {
        1.0 => blurred.shallow_clone(),
        _ => {
            let none = small.zeros_like();
            let outputs = generator.forward(&Inputs {
                image: &small * masks,
                mask: masks.shallow_clone(),
                view_mask: none.narrow(1, 0, 1),
                view: none,
            });
            &outputs.completed + (blurred - &outputs.completed) * is_blurred
        }
    };
    let completed = matched(&completed, &small, masks);
    let completed = composited(&completed, &small, masks).clamp(0.0, 1.0);
    let size = truth.size();
    let completed = completed.upsample_bilinear2d([size[2], size[3]], false, None, None);
    let mask = enlarged(masks);
    (composited(&completed, truth, &mask), mask)
}

impl RefineLesson {
    /// What the refiner is shown of `batch`.
    fn window(&self, batch: &Batch) -> Window {
        let (image, mask) = tch::no_grad(|| painted(&self.generator, batch));
        let window = |t: &Tensor| batch.windows_of(t, self.window);
        Window {
            image: window(&image),
            mask: window(&mask),
            truth: window(&batch.pictures),
            is_blurred: batch.blurred.1.shallow_clone(),
            in_hole: batch.in_hole.shallow_clone(),
        }
    }
}

impl Lesson for RefineLesson {
    type Network = Refiner;
    type Batch = Batch;
    type Subject = RefineSubject;

    const LOSSES: &'static [&'static str] = &NAMES;

    fn attempt(&self, network: &Refiner, batch: &Batch, device: Device) -> Attempt {
        let window = self.window(&batch.to_device(device));
        let mask = window.mask.amin([1].as_slice(), true).to_kind(Kind::Float);
        let refined = network.forward(&window.image, &mask);
        Attempt {
            losses: loss::of(&refined, &window, &self.weights, self.perceptual.as_deref()),
            completed: refined,
            truth: window.truth,
            mask: window.mask,
        }
    }

    fn count(subject: &mut RefineSubject, pictures: u64) {
        subject.pictures += pictures;
    }
}
