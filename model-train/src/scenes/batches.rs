//! Batches of pictures and masks, made ahead of the training thread. A batch is a pure function of
//! the seed and the update.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Result;
use mde_core::mask::{CHANNELS, Mask};
use rand::RngExt;
use rand_pcg::Pcg64;
use tch::{Device, Kind, Tensor};

use super::network::SIDE;
use crate::data::{Dataset, Sampler, prefetched};
use crate::tensors::{append_picture, channels_last, from_pixels};
use crate::training::mixture::Mixture;

/// Side of the pictures that samples are cut from.
pub const PICTURE: usize = 160;

/// Batches kept ready.
const AHEAD: usize = 3;
/// Shares of a picture's sides that samples have, and how much wider or taller they are, as a
/// logarithm.
const LEAST: f64 = 0.6;
const STRETCH: f64 = 0.25;
/// How many samples are turned by a quarter: frames that are taller than wide are.
const TURNED: f64 = 0.15;
/// How many of those that know green alone are shown luma in its place, as frames without chroma
/// are.
const OF_LUMA: f64 = 0.6;
/// How much of each channel is in luma (Rec. ITU-R BT.709-6, item 3.2).
const LUMA: [f32; CHANNELS] = [0.2126, 0.7152, 0.0722];
/// How many samples are lit otherwise, and by how much: the logarithms of the exposure, of the
/// factor on each channel, and of the exponent.
const RELIT: f64 = 0.15;
const EXPOSURE: f64 = 0.4;
const TINT: f64 = 0.05;
const GAMMA: f64 = 0.3;

/// The samples of one update.
pub struct SceneBatch {
    /// `[N, 3, S, S]` f32 in `[0, 1]`, channels last.
    pub pictures: Tensor,
    /// `[N, 3, S, S]` f32, 1 known, 0 missing, channels last.
    pub masks: Tensor,
}

/// How batches are drawn.
#[derive(Clone, Debug)]
pub struct BatchPlan {
    /// Samples a batch.
    pub size: usize,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// What is missing.
    pub tasks: Mixture,
}

/// The batches from update `first` on, made by a thread of their own that ends with the receiver.
///
/// # Errors
/// Where the thread cannot be started.
pub fn stream(dataset: Dataset, plan: BatchPlan, first: u64) -> Result<Receiver<SceneBatch>> {
    let dataset = Arc::new(dataset);
    let mut sampler = Sampler::new(dataset.len(), plan.size, plan.seed);
    prefetched(AHEAD, first, move |update| {
        let indices = sampler.batch(update);
        SceneBatch::draw(&dataset, &indices, &plan, update)
    })
}

/// How a sample lies on its picture and is lit.
struct Draw {
    /// From the sample's places, -1 to 1, to the picture's: rows of factors and offset.
    place: [f32; 6],
    /// Exponent, and the factor of each channel.
    light: [f32; 1 + CHANNELS],
    /// How much of each channel is in the second one.
    second: [f32; CHANNELS],
}

impl Draw {
    fn new(mask: &Mask, rng: &mut Pcg64) -> Self {
        let mut about = |reach: f64| rng.random_range(-reach..=reach);
        let stretch = about(STRETCH);
        let share = 0.5 * (1.0 + LEAST) + about(0.5 * (1.0 - LEAST));
        let sides = [stretch, -stretch].map(|s| (share * (s / 2.0).exp()).min(1.0));
        let [x, y] = sides.map(|side| about(1.0 - side));
        let relit = rng.random::<f64>() < RELIT;
        let mut about = |reach: f64| match relit {
            true => rng.random_range(-reach..=reach),
            false => 0.0,
        };
        let (gamma, exposure) = (about(GAMMA).exp(), about(EXPOSURE));
        let [r, g, b] = [(); CHANNELS].map(|()| (exposure + about(TINT)).exp());
        let width = if rng.random() { sides[0] } else { -sides[0] };
        let height = sides[1];
        let place = match rng.random::<f64>() < TURNED {
            true => [0.0, width, x, height, 0.0, y],
            false => [width, 0.0, x, 0.0, height, y],
        };
        let knows_green_alone = [0, 1, 2].map(|c| mask.known_bounds(c).is_some());
        let is_of_luma = knows_green_alone == [false, true, false] && rng.random::<f64>() < OF_LUMA;
        Self {
            place: place.map(|v| v as f32),
            light: [gamma, r, g, b].map(|v| v as f32),
            second: if is_of_luma { LUMA } else { [0.0, 1.0, 0.0] },
        }
    }
}

impl SceneBatch {
    /// Samples of the pictures `indices` of `dataset` for update number `update`, on the CPU.
    pub fn draw(dataset: &Dataset, indices: &[usize], plan: &BatchPlan, update: u64) -> Self {
        let mut rng = Pcg64::new(plan.seed.into(), update.into());
        let mut values = Vec::with_capacity(indices.len() * 3 * dataset.size() * dataset.size());
        let (mut places, mut lights, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
        let mut masks = Vec::new();
        for &i in indices {
            append_picture(&mut values, dataset.picture(i), dataset.size(), false);
            let mask = plan.tasks.draw(&mut rng).sample(SIDE, SIDE, &mut rng);
            let draw = Draw::new(&mask, &mut rng);
            places.extend(draw.place);
            lights.extend(draw.light);
            seconds.extend(draw.second);
            masks.extend(mask.view().permuted_axes([1, 2, 0]).iter());
        }
        let n = indices.len();
        let pictures = from_pixels(&values, n, dataset.size());
        let places = Tensor::from_slice(&places).view([n as i64, 2, 3]);
        let side = SIDE as i64;
        let grid = Tensor::affine_grid_generator(&places, [n as i64, 3, side, side], false);
        // Bilinear, beyond the edges what is on them, edge on edge.
        let pictures = pictures.grid_sampler(&grid, 0, 1, false);
        let lights = Tensor::from_slice(&lights).view([n as i64, 1 + CHANNELS as i64, 1, 1]);
        let exponent = lights.narrow(1, 0, 1);
        let factors = lights.narrow(1, 1, CHANNELS as i64);
        let lit = (pictures.clamp(0.0, 1.0).pow(&exponent) * factors).clamp(0.0, 1.0);
        let seconds = Tensor::from_slice(&seconds).view([n as i64, CHANNELS as i64, 1, 1]);
        let second = (&lit * seconds).sum_dim_intlist(1, true, Kind::Float);
        let lit = Tensor::cat(&[lit.narrow(1, 0, 1), second, lit.narrow(1, 2, 1)], 1);
        Self {
            pictures: channels_last(&lit),
            masks: from_pixels(&masks, n, SIDE),
        }
    }

    /// The batch on `device`.
    pub fn to_device(&self, device: Device) -> Self {
        Self {
            pictures: self.pictures.to_device(device),
            masks: self.masks.to_device(device),
        }
    }
}
