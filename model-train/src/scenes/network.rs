//! The network: pixel-unshuffle, 3x3 convolutions at a half to a sixteenth of the resolution, and
//! back with skip connections. All of it are convolutions, so that pictures may have any sides that
//! are multiples of 16.

use mde_core::contract::{INPUT_IMAGE, INPUT_MASK, KIND, OUTPUT};
use mde_core::mask::CHANNELS;
use tch::{Kind, Tensor};

use crate::evaluation::Completes;
use crate::network::layers::{Conv, ConvBlock, Pass};
use crate::network::levels::Levels;
use crate::network::parameters::Store;
use crate::onnx::Graph;
use crate::tensors::channels_last;

/// Side of the pictures that it is trained on.
pub const SIDE: usize = 128;
/// Sides of pictures are multiples of this.
pub const STEP: usize = 16;

/// Channels at a half to a sixteenth of the resolution: about 500 million multiplications a picture
/// of 128 pixels.
const WIDTHS: [i64; 4] = [32, 64, 96, 128];
/// Convolutions of a level after the one that halves the resolution. At a sixteenth they look at
/// most of the picture.
const DEPTHS: [usize; 3] = [1, 2, 3];
/// Pixels of the picture for one of the finest features, in each direction.
const SHUFFLE: i64 = 2;
/// Of a picture.
const RGB: i64 = CHANNELS as i64;
/// How little the known channels of a pixel count for that has none, where grey takes their place.
const NONE_KNOWN: f64 = 0.01;
const GREY: f64 = 0.5;

/// The scene generator.
pub struct SceneGenerator {
    stem: Conv,
    fine: ConvBlock,
    levels: Levels,
    refine: ConvBlock,
    head: Conv,
}

impl SceneGenerator {
    /// A network with freshly drawn weights (by torch's global generator) in `store`.
    pub fn new(store: &mut Store) -> Self {
        let inputs = SHUFFLE * SHUFFLE * 2 * RGB;
        let stem = Conv::with_bias(store, "stem", inputs, WIDTHS[0], 1);
        let fine = ConvBlock::new(store, "fine", WIDTHS[0], WIDTHS[0], 1);
        let levels = Levels::new(store, &WIDTHS, DEPTHS);
        Self {
            stem,
            fine,
            levels,
            refine: ConvBlock::new(store, "refine", WIDTHS[0], WIDTHS[0], 1),
            head: Conv::zeroed(store, "head", WIDTHS[0], SHUFFLE * SHUFFLE * RGB),
        }
    }

    /// Completes `masked` `[N, 3, H, W]` f32 in `[0, 1]`, missing values 0, under `mask` likewise
    /// (1 known): the whole output, `[N, 3, H, W]` f32 about `[0, 1]`. Both are channels last.
    ///
    /// What the network tells is how far each value is from the mean of the pixel's known ones.
    pub fn forward(&self, masked: &Tensor, mask: &Tensor, pass: Pass) -> Tensor {
        let kind = self.stem.weight().kind();
        let inputs = Tensor::cat(&[masked, mask], 1).pixel_unshuffle(SHUFFLE);
        let mut x = (self.stem)
            .forward(&channels_last(&inputs.to_kind(kind)))
            .relu_();
        x = self.fine.forward(&x, pass);
        x = self.levels.forward(x, pass, |x| x);
        x = self.refine.forward(&x, pass);
        let offset = self.head.forward(&x).pixel_shuffle(SHUFFLE);
        let sum = |t: &Tensor| t.sum_dim_intlist(1, true, Kind::Float);
        let mean = (sum(masked) + GREY * NONE_KNOWN) / (sum(mask) + NONE_KNOWN);
        offset.to_kind(Kind::Float) + mean
    }

    /// The network as an ONNX graph that keeps the contract, for pictures of `width` and `height`;
    /// needs f32 weights.
    pub fn trace(&self, (width, height): (usize, usize)) -> Graph {
        let shape = [RGB, height as i64, width as i64];
        let mut g = Graph::new(KIND);
        let masked = g.input(INPUT_IMAGE, &shape);
        let mask = g.input(INPUT_MASK, &shape);
        let inputs = g.concat(&[&masked, &mask]);
        let inputs = g.space_to_depth(&inputs, SHUFFLE);
        let x = self.stem.trace_unshuffled(&mut g, &inputs, SHUFFLE);
        let x = g.relu(&x);
        let x = self.fine.trace(&mut g, &x);
        let x = self.levels.trace(&mut g, x, |_, x| x);
        let x = self.refine.trace(&mut g, &x);
        let offset = self.head.trace(&mut g, &x);
        let offset = g.depth_to_space(&offset, SHUFFLE);
        let mut sum = |x: &str, offset: f64| {
            let [first, more @ ..] = [0, 1, 2].map(|c| g.channels(x, c, c + 1));
            let sum = more.iter().fold(first, |sum, part| g.add(&sum, part));
            g.shift(&sum, offset as f32)
        };
        let (known, count) = (sum(&masked, GREY * NONE_KNOWN), sum(&mask, NONE_KNOWN));
        let mean = g.divide(&known, &count);
        let completed = g.add(&offset, &mean);
        g.output(&completed, OUTPUT, &shape);
        g
    }
}

impl Completes for SceneGenerator {
    fn side(&self) -> i64 {
        SIDE as i64
    }

    fn complete(&self, pictures: &Tensor, masks: &Tensor) -> Tensor {
        let completed = self.forward(pictures, masks, Pass::Use);
        completed.clamp(0.0, 1.0)
    }
}
