//! What the generator with views minimises.
//!
//! L1 alone lets it paint where copying would be sharper. So the flow is held to the truth
//! everywhere (the fetched, tinted source against the picture, in the hole and outside), painting
//! has a small price where there is a view, and a perceptual and an adversarial loss judge what a
//! user sees.

use tch::{Kind, Tensor};

use super::batches::ViewBatch;
use crate::network::perceptual::FeatureNetwork;
use crate::network::view_generator::{Copied, Outputs};
use crate::tensors::{channels_last, composited, local_means};
use crate::training::loss::{FeatureDistance, Losses};
use crate::training::options::RunOptions;

/// Weights of the losses.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Weights {
    /// Weight of the absolute difference in the hole of what is painted alone.
    #[arg(long, default_value_t = 0.4)]
    pub painted: f64,
    /// What a pixel of the hole that the view does not show counts for in the absolute differences,
    /// beside one that it shows: what nobody knows has many right answers, whose mean is a blur.
    /// The rest counts in what its surroundings differ by in the mean, for light and colour have
    /// one.
    #[arg(long, default_value_t = 0.4)]
    pub unseen: f64,
    /// Weight of the absolute difference outside the hole.
    #[arg(long, default_value_t = 0.2)]
    pub known: f64,
    /// Weight of the flow's total variation.
    #[arg(long, default_value_t = 0.3)]
    pub smooth_flow: f64,
    /// Weight of what the view's flow fetches against the truth; of the mirror's in the hole it is
    /// a quarter.
    #[arg(long, default_value_t = 0.7)]
    pub flow: f64,
    /// Price of painting in the hole where a view shows it.
    #[arg(long, default_value_t = 0.03)]
    pub price: f64,
    /// Weight of the perceptual loss, with --perceptual-network.
    #[arg(long, default_value_t = 0.1)]
    pub perceptual: f64,
    /// Side in pixels of the windows that the perceptual loss looks at, one in each picture, around
    /// a pixel of the hole that is drawn anew each time: a deep network such as VGG-16 costs as much
    /// as all the rest on whole pictures. 0 for whole pictures.
    #[arg(long, default_value_t = 0)]
    pub perceptual_window: i64,
}

impl Weights {
    /// The weights by their names on the command line.
    pub fn options(&self) -> RunOptions {
        RunOptions::default()
            .with("painted", self.painted)
            .with("unseen", self.unseen)
            .with("known", self.known)
            .with("smooth-flow", self.smooth_flow)
            .with("flow", self.flow)
            .with("price", self.price)
            .with("perceptual", self.perceptual)
            .with("perceptual-window", self.perceptual_window)
    }
}

/// Names of the losses of [`of`], which are not weighted.
pub const NAMES: [&str; 7] = [
    "completed",
    "painted",
    "known",
    "smooth_flow",
    "flow",
    "painting",
    "perceptual",
];

/// How much more a pixel of the hole counts for the flow than one outside.
const IN_HOLE: f64 = 3.0;
/// What the mirror's flow counts for beside the view's.
const OF_MIRROR: f64 = 0.25;
/// Over how many pixels the surroundings of one reach.
const AROUND: i64 = 9;
/// Holes smaller than this share of a picture count as if they were as large.
const LEAST_HOLE: f64 = 0.02;

/// The losses of `outputs` but for the adversarial one.
pub fn of(
    outputs: &Outputs,
    batch: &ViewBatch,
    weights: &Weights,
    perceptual: Option<&dyn FeatureNetwork>,
) -> Losses {
    let (truth, mask) = (&batch.pictures, &batch.inputs.mask);
    let hole: Tensor = 1.0 - mask; // [N, 3, S, S]
    // The share of each picture that is missing, so that small holes count as much as large.
    let share = hole.mean_dim([1i64, 2, 3].as_slice(), true, Kind::Float);
    let of_hole = &hole / share.clamp_min(LEAST_HOLE);
    let mean = |t: &Tensor| t.mean(Kind::Float);
    let shown = outputs.copied[0].known.detach(); // [N, 1, S, S]
    let coarse = (1.0 - &shown) * (1.0 - weights.unseen);
    let fine: Tensor = 1.0 - &coarse;
    let hole_around = local_means(&hole, AROUND).clamp_min(LEAST_HOLE);
    let off = |picture: &Tensor| {
        let off = picture - truth;
        let around = local_means(&(&off * &hole), AROUND) / &hole_around;
        mean(&((off.abs() * &fine + around.abs() * &coarse) * &of_hole))
    };
    let completed = off(&outputs.completed);
    let painted = off(&outputs.painted);
    let known = mean(&((&outputs.completed - truth).abs() * mask));
    let smooth: Tensor = outputs.copied.iter().map(|c| variation(&c.flow)).sum();
    let any_hole = hole.amax([1].as_slice(), true); // [N, 1, S, S]
    let emphasis = &any_hole * IN_HOLE + 1.0;
    let flow = fetched_off(&outputs.copied[0], truth, &emphasis)
        + fetched_off(&outputs.copied[1], truth, &any_hole) * OF_MIRROR;
    let shown = shown * &any_hole;
    let painting = (outputs.weights.narrow(1, 0, 1) * &shown).sum(Kind::Float)
        / (shown.sum(Kind::Float) + 1.0);
    let perceptual = match perceptual {
        Some(network) => {
            let put_back = composited(&outputs.completed, truth, mask);
            let seen = |of: &Tensor| windows(of, &batch.in_hole, weights.perceptual_window);
            let whole = FeatureDistance::Unit.between(network, &seen(&put_back), &seen(truth));
            // It is 0 where nothing is missing, so that it tells of the holes alone.
            whole / mean(&seen(&any_hole)).clamp_min(LEAST_HOLE)
        }
        None => Tensor::zeros_like(&known),
    };
    let total = &completed
        + &painted * weights.painted
        + &known * weights.known
        + &smooth * weights.smooth_flow
        + &flow * weights.flow
        + &painting * weights.price
        + &perceptual * weights.perceptual;
    let parts = [
        completed, painted, known, smooth, flow, painting, perceptual,
    ];
    Losses {
        total,
        parts: NAMES.into_iter().zip(parts).collect(),
    }
}

/// The squares of `side` pixels of `pictures` `[N, C, S, S]` that lie about the pixels `around`
/// `[N, 2]`, x and y, and within the pictures: `[N, C, side, side]`. The whole of them if `side` is 0
/// or larger than they are.
pub fn windows(pictures: &Tensor, around: &Tensor, side: i64) -> Tensor {
    let all = pictures.size()[2];
    if side == 0 || side >= all {
        return pictures.shallow_clone();
    }
    let windows = (0..pictures.size()[0]).map(|n| {
        let [x, y] = [0, 1].map(|axis| {
            let middle = around.int64_value(&[n, axis]);
            (middle - side / 2).clamp(0, all - side)
        });
        (pictures.narrow(0, n, 1).narrow(2, y, side)).narrow(3, x, side)
    });
    channels_last(&Tensor::cat(&windows.collect::<Vec<_>>(), 0))
}

/// Mean absolute difference of neighbours, along both axes.
pub fn variation(x: &Tensor) -> Tensor {
    let along = |axis: i64| {
        let steps = x.size()[axis as usize] - 1;
        (x.narrow(axis, 1, steps) - x.narrow(axis, 0, steps))
            .abs()
            .mean(Kind::Float)
    };
    along(2) + along(3)
}

/// Mean absolute difference of what is fetched from `truth` where it is known, weighted by
/// `weights` `[N, 1, S, S]`.
fn fetched_off(copied: &Copied, truth: &Tensor, weights: &Tensor) -> Tensor {
    let weights = &copied.known.detach() * weights;
    let off = (&copied.picture - truth)
        .abs()
        .mean_dim(1, true, Kind::Float);
    (off * &weights).sum(Kind::Float) / (weights.sum(Kind::Float) + 1.0)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn windows_lie_about_their_pixels_and_within_the_pictures() {
        let pictures = Tensor::arange(2 * 64, (Kind::Float, Device::Cpu)).view([2, 1, 8, 8]);
        let around = Tensor::from_slice(&[4i64, 3, 7, 0]).view([2, 2]);
        let windows_of = |side| windows(&pictures, &around, side);
        let seen = windows_of(4);
        assert_eq!(seen.size(), [2, 1, 4, 4]);
        // From (2, 1) of the first picture, and in the upper right corner of the second one.
        assert_eq!(seen.double_value(&[0, 0, 0, 0]), 10.0);
        assert_eq!(seen.double_value(&[1, 0, 0, 3]), 64.0 + 7.0);
        for side in [0, 8, 9] {
            assert_eq!(windows_of(side), pictures);
        }
    }
}
