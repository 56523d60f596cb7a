//! The network: pixel-unshuffle, 3x3 convolutions at a half to a sixteenth of the resolution, and
//! back to a half with skip connections.

use mde_core::covers::{
    INPUT_IMAGE, INPUT_LAST, INPUT_VIEW, INPUT_VIEW_MASK, KIND, Kind, OUTPUT, SIDE,
};
use tch::{Device, Kind as Dtype, Tensor};

use crate::network::layers::{Conv, Pass};
use crate::network::levels::Levels;
use crate::network::parameters::Store;
use crate::onnx::Graph;
use crate::tensors::channels_last;

/// Channels at a half to a sixteenth of the resolution: about 140 million multiplications a crop.
const WIDTHS: [i64; 4] = [16, 32, 64, 96];
/// Convolutions of a level after the one that halves the resolution.
const DEPTHS: [usize; 3] = [1, 2, 2];
/// Pixels of the picture for one of the finest features, in each direction.
const SHUFFLE: i64 = 2;
/// Channels of the picture, the view and its mask.
const PICTURES: i64 = 3 + 3 + 1;
/// Channels of the answer.
const KINDS: i64 = Kind::ALL.len() as i64;
/// Logits begin at a share of covers of one in twenty.
const BIAS: f64 = -3.0;

/// What the net is shown, f32 and channels last.
pub struct Inputs {
    /// `[N, 3, S, S]`.
    pub image: Tensor,
    /// `[N, 3, S, S]`, unknown values 0.
    pub view: Tensor,
    /// `[N, 1, S, S]`, 1 where the view is known.
    pub view_mask: Tensor,
    /// `[N, 5, S / 2, S / 2]`, 0 where nothing was said yet.
    pub last: Tensor,
}

impl Inputs {
    /// They on `device`.
    pub fn to_device(&self, device: Device) -> Self {
        Self {
            image: self.image.to_device(device),
            view: self.view.to_device(device),
            view_mask: self.view_mask.to_device(device),
            last: self.last.to_device(device),
        }
    }
}

/// The cover net.
pub struct CoverNet {
    stem: Conv,
    levels: Levels,
    /// What every place of the coarsest grid starts from: the crop is aligned, so that a place
    /// tells much.
    places: Tensor,
    head: Conv,
}

impl CoverNet {
    /// A network with freshly drawn weights (by torch's global generator) in `store`.
    pub fn new(store: &mut Store) -> Self {
        let inputs = SHUFFLE * SHUFFLE * PICTURES + KINDS;
        let levels = Levels::new(store, &WIDTHS, DEPTHS);
        let coarsest = (SIDE as i64 / SHUFFLE) >> DEPTHS.len();
        let zeros = [1, WIDTHS[DEPTHS.len()], coarsest, coarsest];
        let zeros = Tensor::zeros(zeros, (Dtype::Float, Device::Cpu));
        Self {
            stem: Conv::with_bias(store, "stem", inputs, WIDTHS[0], 1),
            levels,
            places: store.f32_parameter("places".to_owned(), &zeros),
            head: Conv::zeroed(store, "head", WIDTHS[0], KINDS),
        }
    }

    /// Logits of the kinds, `[N, 5, S / 2, S / 2]` f32.
    pub fn forward(&self, inputs: &Inputs, pass: Pass) -> Tensor {
        let kind = self.stem.weight().kind();
        let pictures = Tensor::cat(&[&inputs.image, &inputs.view, &inputs.view_mask], 1);
        let all = Tensor::cat(&[&pictures.pixel_unshuffle(SHUFFLE), &inputs.last], 1);
        let x = self
            .stem
            .forward(&channels_last(&all.to_kind(kind)))
            .relu_();
        let x = (self.levels).forward(x, pass, |x| x + self.places.to_kind(kind));
        self.head.forward(&x).to_kind(Dtype::Float) + BIAS
    }

    /// The network as an ONNX graph that keeps the contract; needs f32 weights.
    pub fn trace(&self) -> Graph {
        let side = SIDE as i64;
        let half = side / SHUFFLE;
        let mut g = Graph::new(KIND);
        let image = g.input(INPUT_IMAGE, &[3, side, side]);
        let view = g.input(INPUT_VIEW, &[3, side, side]);
        let view_mask = g.input(INPUT_VIEW_MASK, &[1, side, side]);
        let last = g.input(INPUT_LAST, &[KINDS, half, half]);
        let pictures = g.concat(&[&image, &view, &view_mask]);
        let pictures = g.space_to_depth(&pictures, SHUFFLE);
        let all = g.concat(&[&pictures, &last]);
        let weight = self.stem.weight();
        let of_pictures = SHUFFLE * SHUFFLE * PICTURES;
        let weight = Tensor::cat(
            &[
                Conv::unshuffled(&weight.narrow(1, 0, of_pictures), SHUFFLE),
                weight.narrow(1, of_pictures, KINDS),
            ],
            1,
        );
        let x = self.stem.trace_with(&mut g, &all, &weight);
        let x = g.relu(&x);
        let x = self.levels.trace(&mut g, x, |g, x| {
            let places = g.constant(&self.places);
            g.add(&x, &places)
        });
        let logits = self.head.trace(&mut g, &x);
        let logits = g.shift(&logits, BIAS as f32);
        let covers = g.sigmoid(&logits);
        g.output(&covers, OUTPUT, &[KINDS, half, half]);
        g
    }
}
