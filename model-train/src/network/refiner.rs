//! The refiner: paints anew, at twice the generator's resolution, what the generator painted, so that it
//! is as sharp as the frame around it ([`mde_core::refining`]).
//!
//! A coarse-to-fine network (Yu et al. 2018, "Generative Image Inpainting with Contextual Attention")
//! whose fine part sees what the coarse one, the generator, cannot: how sharp and how grainy the frame
//! itself is. All of it is convolutions, at a quarter to a sixteenth of the resolution, so that it can be
//! shown a hole and its surroundings alone.

use mde_core::refining::{INPUT_IMAGE, INPUT_MASK, OUTPUT};
use tch::{Kind, Tensor};

use super::layers::{Conv, Residual};
use super::parameters::Store;
use crate::onnx::{FREE, Graph};
use crate::tensors::channels_last;

/// Pixels for one of the finest features, in each direction.
const SHUFFLE: i64 = 4;
/// Channels of the picture and its mask.
const CHANNELS: i64 = 4;
/// Channels at a quarter, an eighth and a sixteenth of the resolution, and residual blocks on the way
/// down.
const LEVELS: [(i64, usize); 3] = [(40, 1), (96, 2), (128, 2)];

/// A level below the finest one.
struct Down {
    halve: Conv,
    blocks: Vec<Residual>,
}

/// The way back up to a level: narrows what comes from below, doubles its resolution, joins the skip
/// connection.
struct Up {
    narrow: Conv,
    join: Conv,
    block: Residual,
}

/// The network.
pub struct Refiner {
    stem: Conv,
    fine: Vec<Residual>,
    down: Vec<Down>,
    /// Coarsest first.
    up: Vec<Up>,
    change: Conv,
}

fn blocks(store: &mut Store, level: usize) -> Vec<Residual> {
    let (width, count) = LEVELS[level];
    (0..count)
        .map(|block| Residual::new(store, &format!("level.{level}.{block}"), width))
        .collect()
}

impl Refiner {
    /// A refiner with freshly drawn weights (by torch's global generator) in `store`, which changes
    /// nothing.
    pub fn new(store: &mut Store) -> Self {
        let (finest, pixels) = (LEVELS[0].0, SHUFFLE * SHUFFLE);
        Self {
            stem: Conv::with_bias(store, "stem", CHANNELS * pixels, finest, 1),
            fine: blocks(store, 0),
            down: (1..LEVELS.len())
                .map(|level| {
                    let [above, own] = [level - 1, level].map(|level| LEVELS[level].0);
                    Down {
                        halve: Conv::with_bias(store, &format!("halve.{level}"), above, own, 2),
                        blocks: blocks(store, level),
                    }
                })
                .collect(),
            up: (0..LEVELS.len() - 1)
                .rev()
                .map(|level| {
                    let [own, below] = [level, level + 1].map(|level| LEVELS[level].0);
                    let mut conv = |name: &str, inputs| {
                        Conv::with_bias(store, &format!("up.{level}.{name}"), inputs, own, 1)
                    };
                    Up {
                        narrow: conv("narrow", below),
                        join: conv("join", 2 * own),
                        block: Residual::new(store, &format!("up.{level}.block"), own),
                    }
                })
                .collect(),
            change: Conv::zeroed(store, "change", finest, 3 * pixels),
        }
    }

    /// Paints anew what `mask` `[N, 1, H, W]` says is missing of `image` `[N, 3, H, W]`, f32; sides are
    /// multiples of 16.
    pub fn forward(&self, image: &Tensor, mask: &Tensor) -> Tensor {
        let kind = self.stem.weight().kind();
        let all = Tensor::cat(&[image, mask], 1);
        let unshuffled = channels_last(&all.to_kind(kind).pixel_unshuffle(SHUFFLE));
        let mut x = self.stem.forward(&unshuffled); // [N, W0, H / 4, W / 4]
        for block in &self.fine {
            x = block.forward(&x);
        }
        let mut skips = Vec::with_capacity(self.down.len());
        for down in &self.down {
            let half = down.halve.forward(&x.relu());
            skips.push(std::mem::replace(&mut x, half));
            for block in &down.blocks {
                x = block.forward(&x);
            }
        }
        for (up, skip) in self.up.iter().zip(skips.iter().rev()) {
            let narrow = up.narrow.forward(&x.relu());
            let size = skip.size();
            let doubled = narrow.upsample_nearest2d([size[2], size[3]], None, None);
            x = up.join.forward(&Tensor::cat(&[&doubled, skip], 1).relu());
            x = up.block.forward(&x);
        }
        let change = self.change.forward(&x.relu()).pixel_shuffle(SHUFFLE);
        image + change.to_kind(Kind::Float) * (1.0 - mask)
    }

    /// The weight `name` out of the graph of [`Self::trace`], where it is `traced`.
    pub fn imported(name: &str, traced: &Tensor) -> Tensor {
        match name {
            "stem.weight" => Conv::shuffled(traced, SHUFFLE),
            _ => traced.shallow_clone(),
        }
    }

    /// The ONNX graph of the network; needs f32 weights.
    pub fn trace(&self) -> Graph {
        let mut g = Graph::new("mde-refiner");
        let image = g.input(INPUT_IMAGE, &[3, FREE, FREE]);
        let mask = g.input(INPUT_MASK, &[1, FREE, FREE]);
        let all = g.concat(&[&image, &mask]);
        let unshuffled = g.space_to_depth(&all, SHUFFLE);
        let mut x = self.stem.trace_unshuffled(&mut g, &unshuffled, SHUFFLE);
        for block in &self.fine {
            x = block.trace(&mut g, &x);
        }
        let mut skips = Vec::with_capacity(self.down.len());
        for down in &self.down {
            let positive = g.relu(&x);
            let half = down.halve.trace(&mut g, &positive);
            skips.push(std::mem::replace(&mut x, half));
            for block in &down.blocks {
                x = block.trace(&mut g, &x);
            }
        }
        for (up, skip) in self.up.iter().zip(skips.iter().rev()) {
            let positive = g.relu(&x);
            let narrow = up.narrow.trace(&mut g, &positive);
            let doubled = g.enlarge_nearest(&narrow, 2);
            let joined = g.concat(&[&doubled, skip]);
            let joined = g.relu(&joined);
            x = up.join.trace(&mut g, &joined);
            x = up.block.trace(&mut g, &x);
        }
        let x = g.relu(&x);
        let change = self.change.trace(&mut g, &x);
        let change = g.depth_to_space(&change, SHUFFLE);
        let known = g.scale(&mask, -1.0);
        let missing = g.shift(&known, 1.0);
        let change = g.multiply(&change, &missing);
        let refined = g.add(&image, &change);
        g.output(&refined, OUTPUT, &[3, FREE, FREE]);
        g
    }
}
