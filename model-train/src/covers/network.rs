//! The network: the trunk of SqueezeNet beside a stem that sees the view and the last answer, down
//! to a sixteenth of the resolution, and back to a half by sums (Lin et al. 2017, "Feature Pyramid
//! Networks for Object Detection", section 3).

use anyhow::Result;
use mde_core::covers::{
    INPUT_IMAGE, INPUT_LAST, INPUT_VIEW, INPUT_VIEW_MASK, KIND, Kind, OUTPUT, SIDE,
};
use tch::{Device, Kind as Dtype, Tensor};

use crate::network::layers::{BATCH_NORM_EPS, Conv, ConvBlock, Pass};
use crate::network::parameters::Store;
use crate::network::perceptual::Weights;
use crate::network::trunk::{self, Trunk};
use crate::onnx::Graph;
use crate::tensors::channels_last;

/// Channels on the way back, of what comes out at a half to a sixteenth of the resolution: about
/// 245 million multiplications a crop.
const WIDTHS: [i64; 4] = [32, 48, 64, 96];
/// Channels of the stem.
const STEM: i64 = 16;
/// Channels of the picture, the view and its mask.
const PICTURES: i64 = 3 + 3 + 1;
/// Channels of the answer.
const KINDS: i64 = Kind::ALL.len() as i64;
/// Logits begin at a share of covers of one in twenty.
const BIAS: f64 = -3.0;

/// Name of [`CoverNet::places`].
const PLACES: &str = "places";

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
    /// Of the pictures and, after it, of the last answer.
    stem: Conv,
    stem_last: Conv,
    trunk: Trunk,
    /// What every place of the coarsest grid starts from: the crop is aligned, so that a place
    /// tells much.
    places: Tensor,
    /// Finest first.
    back: Vec<Back>,
    head: Conv,
}

/// A level on the way back.
struct Back {
    /// From the trunk's channels to those that come from below.
    lateral: Conv,
    join: ConvBlock,
}

impl CoverNet {
    /// A network with freshly drawn weights (by torch's global generator) in `store`.
    pub fn new(store: &mut Store) -> Self {
        Self::build(store, None).expect("drawn weights fit")
    }

    /// As [`Self::new`], with a trunk of `pretrained` weights (`mde-train convert-squeezenet`).
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn pretrained(store: &mut Store, pretrained: &Weights) -> Result<Self> {
        Self::build(store, Some(pretrained))
    }

    fn build(store: &mut Store, pretrained: Option<&Weights>) -> Result<Self> {
        let coarsest = SIDE as i64 >> WIDTHS.len();
        let below = WIDTHS[WIDTHS.len() - 1];
        let zeros = [1, below, coarsest, coarsest];
        let zeros = Tensor::zeros(zeros, (Dtype::Float, Device::Cpu));
        let mut back = Vec::new();
        for (level, width) in WIDTHS.into_iter().enumerate() {
            let added = if level == 0 { STEM } else { 0 };
            let inputs = trunk::CHANNELS[level] + added;
            let from_below = *WIDTHS.get(level + 1).unwrap_or(&below);
            back.push(Back {
                lateral: Conv::pointwise(store, &format!("lateral.{level}"), inputs, from_below),
                join: ConvBlock::new(store, &format!("join.{level}"), from_below, width, 1),
            });
        }
        Ok(Self {
            stem: Conv::with_bias(store, "stem.pictures", PICTURES, STEM, 2),
            stem_last: Conv::new(store, "stem.last", KINDS, STEM, 1),
            trunk: Trunk::new(store, STEM, pretrained)?,
            places: store.f32_parameter(PLACES.to_owned(), &zeros),
            back,
            head: Conv::zeroed(store, "head", WIDTHS[0], KINDS),
        })
    }

    /// Logits of the kinds, `[N, 5, S / 2, S / 2]` f32.
    pub fn forward(&self, inputs: &Inputs, pass: Pass) -> Tensor {
        let kind = self.stem.weight().kind();
        let pictures = Tensor::cat(&[&inputs.image, &inputs.view, &inputs.view_mask], 1);
        let pictures = channels_last(&pictures.to_kind(kind));
        let last = channels_last(&inputs.last.to_kind(kind));
        let stem = (self.stem.forward(&pictures) + self.stem_last.forward(&last)).relu_();
        let image = channels_last(&inputs.image.to_kind(kind));
        let features = self.trunk.forward(&image, &stem);
        let mut below = self.places.to_kind(kind);
        for (back, features) in self.back.iter().zip(&features).rev() {
            let beside = back.lateral.forward(features);
            if below.size()[3] < beside.size()[3] {
                let size = beside.size();
                below = below.upsample_nearest2d([size[2], size[3]], None, None);
            }
            below = back.join.forward(&(beside + below), pass);
        }
        self.head.forward(&below).to_kind(Dtype::Float) + BIAS
    }

    /// The tensor `name` out of the graph of [`Self::trace`], as `traced` finds what is stored there: scale
    /// and shift of a normalisation that the export folded into a convolution begin as one and that
    /// convolution's bias, with statistics that change nothing.
    pub fn imported(name: &str, traced: impl Fn(&str) -> Option<Tensor>) -> Option<Tensor> {
        let Some((block, of_norm)) = name.split_once(".norm.") else {
            return traced(name);
        };
        let shift = traced(&format!("{block}.conv.bias"))?;
        Some(match of_norm {
            "weight" => shift.ones_like(),
            "running_mean" => shift.zeros_like(),
            "running_var" => shift.ones_like() * (1.0 - BATCH_NORM_EPS),
            _ => shift,
        })
    }

    /// The network as an ONNX graph that keeps the contract; needs f32 weights.
    pub fn trace(&self) -> Graph {
        let side = SIDE as i64;
        let half = side / 2;
        let mut g = Graph::new(KIND);
        let image = g.input(INPUT_IMAGE, &[3, side, side]);
        let view = g.input(INPUT_VIEW, &[3, side, side]);
        let view_mask = g.input(INPUT_VIEW_MASK, &[1, side, side]);
        let last = g.input(INPUT_LAST, &[KINDS, half, half]);
        let pictures = g.concat(&[&image, &view, &view_mask]);
        let pictures = self.stem.trace(&mut g, &pictures);
        let last = self.stem_last.trace(&mut g, &last);
        let stem = g.add(&pictures, &last);
        let stem = g.relu(&stem);
        let features = self.trunk.trace(&mut g, &image, &stem);
        let mut below = g.weight(PLACES.to_owned(), &self.places);
        let coarsest = self.back.len() - 1;
        for (level, (back, features)) in self.back.iter().zip(&features).enumerate().rev() {
            let beside = back.lateral.trace(&mut g, features);
            if level < coarsest {
                below = g.enlarge_nearest(&below, 2);
            }
            let sum = g.add(&beside, &below);
            below = back.join.trace(&mut g, &sum);
        }
        let logits = self.head.trace(&mut g, &below);
        let logits = g.shift(&logits, BIAS as f32);
        let covers = g.sigmoid(&logits);
        g.output(&covers, OUTPUT, &[KINDS, half, half]);
        g
    }
}
