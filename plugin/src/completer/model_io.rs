//! What a model's inputs and output mean.

use mde_core::contract::{
    Contract, FLOW_CHANNELS, GRID_STEP, INPUT_IMAGE, INPUT_MASK, INPUT_VIEW, INPUT_VIEW_MASK,
    OUTPUT, OUTPUT_FLOW, OUTPUT_WEIGHTS, ValueRange, WEIGHT_CHANNELS,
};
use mde_core::mask::CHANNELS;
use ort::session::Session;
use ort::value::Outlet;

use super::CompleterError;
use crate::runtime::MAX_CROPS;
use crate::runtime::signature::{self, Wanted, sides};

/// The side of a crop where the model leaves it open, in pixels.
const OPEN_SIDE: usize = 256;

/// The sides of a crop that are taken, in pixels.
const SIDES: std::ops::RangeInclusive<usize> = 16..=4096;

/// The most pixels that the crops of one run have together, unless it is a single one. Each of the
/// run's tensors and of the batch's then takes 400 MB; what the model computes in between comes on
/// top.
const PIXELS: usize = 1 << 25;

/// The most crops of one run, where the model fixes their number.
const FIXED_CROPS: usize = 64;

/// What a 1 in a model's mask says of its pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskMeaning {
    /// It is known, as the contract has it.
    Known,
    /// It is missing, as inpainting models have it.
    Missing,
}

/// What the user knows of a model that does not say it itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hints {
    /// Numbers of the pictures, in and out.
    pub range: Option<ValueRange>,
    /// Meaning of the mask.
    pub mask: Option<MaskMeaning>,
}

/// How a model is fed and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelIo {
    /// Width and height of a crop in pixels.
    pub size: (usize, usize),
    /// Crops of a run where the model fixes their number.
    pub crops: Option<usize>,
    /// Its inputs, in the order of the model.
    pub inputs: Vec<Feed>,
    /// Name of the output.
    pub output: String,
    /// Numbers of the picture that goes in.
    pub range: ValueRange,
    /// Numbers of the picture that comes out; nothing where only its values tell.
    pub output_range: Option<ValueRange>,
    /// Whether it is shown views, and tells by flow and weights what it copies.
    pub takes_views: bool,
}

impl ModelIo {
    /// Width and height of flow and weights.
    pub fn grid(&self) -> (usize, usize) {
        (self.size.0 / GRID_STEP, self.size.1 / GRID_STEP)
    }
}

/// What an input is fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// The picture, `[N, 3, H, W]`, missing values 0.
    Image,
    /// The mask, `[N, channels, H, W]`; where there is one channel, a pixel counts as missing if
    /// any of its values is.
    Mask {
        /// 1 or 3.
        channels: usize,
        /// What a 1 says.
        meaning: MaskMeaning,
    },
    /// The view, `[N, 3, H, W]`, unknown values 0.
    View,
    /// 1 where the view is known, `[N, 1, H, W]`.
    ViewMask,
}

impl ModelIo {
    /// The most crops that one run takes.
    pub fn crops_of_run(&self) -> usize {
        self.crops.unwrap_or_else(|| self.most(MAX_CROPS))
    }

    /// Whether a run fits into memory as far as its crops tell.
    ///
    /// # Errors
    /// [`CompleterError::TooManyCrops`].
    pub fn check_crops(&self) -> Result<(), CompleterError> {
        let most = self.most(FIXED_CROPS);
        match self.crops {
            Some(crops) if crops > most => Err(CompleterError::TooManyCrops {
                crops,
                size: self.size,
                most,
            }),
            _ => Ok(()),
        }
    }

    /// `crops`, or fewer where they have too many pixels.
    fn most(&self, crops: usize) -> usize {
        (PIXELS / (self.size.0 * self.size.1)).clamp(1, crops)
    }
}

impl Feed {
    /// Channels of the tensor.
    pub fn channels(self) -> usize {
        match self {
            Self::Image | Self::View => CHANNELS,
            Self::Mask { channels, .. } => channels,
            Self::ViewMask => 1,
        }
    }
}

/// How a generator that keeps the contract is fed and read.
///
/// # Errors
/// [`CompleterError::Signature`] where names, types or shapes are not the contract's.
pub fn of_contract(session: &Session, contract: &Contract) -> Result<ModelIo, CompleterError> {
    let (width, height) = (contract.width, contract.height);
    let (inputs, outputs) = tensors(contract);
    if let Some(fault) = signature::fault(session, "a generator", &inputs, &outputs) {
        return Err(CompleterError::Signature {
            fault,
            width,
            height,
            wanted: format!(
                "the inputs {} and the outputs {}",
                signature::list(&inputs),
                signature::list(&outputs)
            ),
            found: signature::describe(session),
        });
    }
    let feed = |input: &Outlet| match input.name() {
        INPUT_IMAGE => Feed::Image,
        INPUT_VIEW => Feed::View,
        INPUT_VIEW_MASK => Feed::ViewMask,
        _ => Feed::Mask {
            channels: CHANNELS,
            meaning: MaskMeaning::Known,
        },
    };
    Ok(ModelIo {
        size: (width, height),
        crops: fixed_crops(session),
        inputs: session.inputs().iter().map(feed).collect(),
        output: OUTPUT.to_owned(),
        range: contract.range,
        output_range: Some(contract.range),
        takes_views: contract.takes_views(),
    })
}

/// Inputs and outputs of a generator that keeps `contract`.
fn tensors(contract: &Contract) -> (Vec<Wanted>, Vec<Wanted>) {
    let crop = (contract.width, contract.height);
    let tensor = |name, channels, size| Wanted {
        name,
        channels,
        size: Some(size),
    };
    let mut inputs = vec![
        tensor(INPUT_IMAGE, CHANNELS, crop),
        tensor(INPUT_MASK, CHANNELS, crop),
    ];
    let mut outputs = vec![tensor(OUTPUT, CHANNELS, crop)];
    if contract.takes_views() {
        inputs.push(tensor(INPUT_VIEW, CHANNELS, crop));
        inputs.push(tensor(INPUT_VIEW_MASK, 1, crop));
        outputs.push(tensor(OUTPUT_FLOW, FLOW_CHANNELS, contract.grid()));
        outputs.push(tensor(OUTPUT_WEIGHTS, WEIGHT_CHANNELS, contract.grid()));
    }
    (inputs, outputs)
}

/// How a model without metadata is fed and read, as its inputs and outputs show: an image
/// `[N, 3, H, W]`, a mask `[N, 1 or 3, H, W]` unless there is none, and one picture that comes out.
///
/// # Errors
/// [`CompleterError::Unclear`] where they do not show it.
pub fn of_shapes(session: &Session, hints: &Hints) -> Result<ModelIo, CompleterError> {
    let unclear = |reason: String| CompleterError::Unclear {
        reason,
        found: signature::describe(session),
    };
    let inputs = feeds(session.inputs(), hints).map_err(unclear)?;
    let output = picture_out(session.outputs()).map_err(unclear)?;
    let size = size(session).map_err(unclear)?;
    Ok(ModelIo {
        size,
        crops: fixed_crops(session),
        inputs,
        output,
        range: hints.range.unwrap_or_default(),
        output_range: hints.range,
        takes_views: false,
    })
}

/// What to feed each input with.
fn feeds(inputs: &[Outlet], hints: &Hints) -> Result<Vec<Feed>, String> {
    if inputs.len() > 2 {
        return Err("it has more inputs than an image and a mask".into());
    }
    let channels: Result<Vec<usize>, String> = inputs.iter().map(channels_of).collect();
    let channels = channels?;
    let called_mask = |i: usize| inputs[i].name().to_ascii_lowercase().contains("mask");
    let mask = match channels.as_slice() {
        [CHANNELS] => None,
        [CHANNELS, 1] => Some(1),
        [1, CHANNELS] => Some(0),
        [CHANNELS, CHANNELS] if called_mask(0) != called_mask(1) => {
            Some(usize::from(called_mask(1)))
        }
        [CHANNELS, CHANNELS] => {
            return Err("both inputs may be the image, and no name says 'mask'".into());
        }
        _ => return Err("no input is an image".into()),
    };
    let feed = |(index, channels): (usize, &usize)| match Some(index) == mask {
        false => Feed::Image,
        true => Feed::Mask {
            channels: *channels,
            meaning: hints.mask.unwrap_or(MaskMeaning::Missing),
        },
    };
    Ok(channels.iter().enumerate().map(feed).collect())
}

fn channels_of(input: &Outlet) -> Result<usize, String> {
    match sides(input.dtype()) {
        Some([_, Some(channels @ (1 | CHANNELS)), _, _]) => Ok(channels),
        _ => Err(format!(
            "its input '{}' is neither an image nor a mask",
            input.name()
        )),
    }
}

/// The one output that can be a picture; another one only stands back where its name is not the
/// contract's.
fn picture_out(outputs: &[Outlet]) -> Result<String, String> {
    let can_be = |output: &&Outlet| {
        sides(output.dtype())
            .is_some_and(|[_, channels, _, _]| channels.is_none_or(|c| c == CHANNELS))
    };
    let pictures: Vec<&str> = outputs.iter().filter(can_be).map(Outlet::name).collect();
    match pictures.as_slice() {
        [one] => Ok((*one).to_owned()),
        several if several.contains(&OUTPUT) => Ok(OUTPUT.to_owned()),
        [] => Err("no output is a picture".into()),
        _ => Err(format!(
            "several outputs are pictures, and none is called '{OUTPUT}'"
        )),
    }
}

/// Width and height: the sides that the inputs fix, [`OPEN_SIDE`] for those left open.
fn size(session: &Session) -> Result<(usize, usize), String> {
    let side = |axis: usize| {
        let fixed = |input: &Outlet| sides(input.dtype()).and_then(|sides| sides[axis]);
        let mut fixed: Vec<usize> = session.inputs().iter().filter_map(fixed).collect();
        fixed.dedup();
        match fixed.as_slice() {
            [] => Ok(OPEN_SIDE),
            [one] if SIDES.contains(one) => Ok(*one),
            [one] => Err(format!(
                "a side of {one} pixels is not from {} to {}",
                SIDES.start(),
                SIDES.end()
            )),
            _ => Err("image and mask differ in size".into()),
        }
    };
    Ok((side(3)?, side(2)?))
}

fn fixed_crops(session: &Session) -> Option<usize> {
    let mut inputs = session.inputs().iter();
    inputs.find_map(|input| sides(input.dtype())?[0])
}
