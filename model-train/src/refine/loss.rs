//! What the refiner minimises beside the adversarial loss.
//!
//! Light and colour of what is painted have one right answer, its detail has many: there the absolute
//! difference counts in the mean of a pixel's surroundings above all, and a perceptual loss and the
//! opponent judge the rest. That alone teaches little in hours: what a generator paints is too far from the
//! truth to tell what is to become of it. So some holes hold the truth, blurred, of which the detail is
//! known.

use tch::{Kind, Tensor};

use crate::network::perceptual::FeatureNetwork;
use crate::refine::trainee::Window;
use crate::tensors::{composited, local_means};
use crate::training::loss::{FeatureDistance, Losses};
use crate::training::options::RunOptions;
use crate::views::loss::{variation, windows};

/// Weights of the losses.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Weights {
    /// Weight of the absolute difference in the hole of the means around each pixel.
    #[arg(long, default_value_t = 1.0)]
    pub coarse: f64,
    /// Weight of the absolute difference in the hole where the truth was blurred.
    #[arg(long, default_value_t = 1.0)]
    pub fine: f64,
    /// The same where a generator painted.
    #[arg(long, default_value_t = 0.2)]
    pub painted: f64,
    /// Weight of the absolute difference of the steps between pixels in the hole where the truth was
    /// blurred.
    #[arg(long, default_value_t = 1.0)]
    pub edges: f64,
    /// Weight of the perceptual loss, with --perceptual-network.
    #[arg(long, default_value_t = 0.15)]
    pub perceptual: f64,
    /// Side in pixels of what the perceptual loss looks at, around a pixel of the hole that is drawn
    /// anew each time; 0 for whole windows.
    #[arg(long, default_value_t = 64)]
    pub perceptual_window: i64,
}

impl Weights {
    /// The weights by their names on the command line.
    pub fn options(&self) -> RunOptions {
        RunOptions::default()
            .with("coarse", self.coarse)
            .with("fine", self.fine)
            .with("painted", self.painted)
            .with("edges", self.edges)
            .with("perceptual", self.perceptual)
            .with("perceptual-window", self.perceptual_window)
    }
}

/// Names of the losses of [`of`], which are not weighted.
pub const NAMES: [&str; 5] = ["coarse", "fine", "painted", "edges", "perceptual"];

/// Over how many pixels the surroundings of one reach.
const AROUND: i64 = 9;
/// Holes smaller than this share of a window count as if they were as large.
const LEAST_HOLE: f64 = 0.02;

/// The losses of `refined` for what `window` shows, but for the adversarial one.
pub fn of(
    refined: &Tensor,
    window: &Window,
    weights: &Weights,
    perceptual: Option<&dyn FeatureNetwork>,
) -> Losses {
    let hole: Tensor = 1.0 - &window.mask; // [N, 3, W, W]
    let share = hole.mean_dim([1i64, 2, 3].as_slice(), true, Kind::Float);
    let of_hole = &hole / share.clamp_min(LEAST_HOLE);
    let mean = |t: &Tensor| t.mean(Kind::Float);
    let off = (refined - &window.truth) * &hole;
    let around = local_means(&off, AROUND) / local_means(&hole, AROUND).clamp_min(LEAST_HOLE);
    let coarse = mean(&(around.abs() * &of_hole));
    let fine = off.abs() * &of_hole;
    let edges = variation(&(&off * &window.is_blurred)) / mean(&hole).clamp_min(LEAST_HOLE);
    let painted = mean(&(&fine * (1.0 - &window.is_blurred)));
    let fine = mean(&(&fine * &window.is_blurred));
    let perceptual = match perceptual {
        Some(network) => {
            let seen = |of: &Tensor| windows(of, &window.in_hole, weights.perceptual_window);
            let put_back = composited(refined, &window.truth, &window.mask);
            let whole =
                FeatureDistance::Unit.between(network, &seen(&put_back), &seen(&window.truth));
            // It is 0 where nothing is missing, so that it tells of the holes alone.
            whole / mean(&seen(&hole)).clamp_min(LEAST_HOLE)
        }
        None => Tensor::zeros_like(&fine),
    };
    let total = &coarse * weights.coarse
        + &fine * weights.fine
        + &painted * weights.painted
        + &edges * weights.edges
        + &perceptual * weights.perceptual;
    let parts = [coarse, fine, painted, edges, perceptual];
    Losses {
        total,
        parts: NAMES.into_iter().zip(parts).collect(),
    }
}
