//! A generator on one execution provider: filling its tensors, running it, reading it.

use std::fmt;
use std::sync::Arc;

use mde_core::contract::{
    Contract, FLOW_CHANNELS, OUTPUT_FLOW, OUTPUT_WEIGHTS, ValueRange, WEIGHT_CHANNELS,
};
use mde_core::mask::CHANNELS;
use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session, SessionInputValue};
use ort::value::Tensor;

use super::model_io::{Feed, Hints, MaskMeaning, ModelIo, of_contract, of_shapes};
use super::{Batch, CompleterError};
use crate::runtime::Model;

/// Sets of tensors kept: one for the full runs that a long batch is cut into, one for what is left
/// over.
const KEPT: usize = 2;

/// A generator and the tensors to run it with, which are made once for a number of crops.
#[derive(Debug)]
pub struct Engine {
    model: Arc<Model>,
    io: ModelIo,
    contract: Option<Contract>,
    output_range: ValueRange,
    sets: Vec<Set>,
}

/// Tensors for runs of one number of crops.
struct Set {
    crops: usize,
    /// In the order of the model's inputs.
    inputs: Vec<Tensor<f32>>,
    /// Holds the output.
    options: RunOptions<HasSelectedOutputs>,
}

impl Engine {
    /// Finds out how `model` is fed and read.
    ///
    /// # Errors
    /// [`CompleterError::Contract`], [`CompleterError::Signature`], [`CompleterError::Unclear`] or
    /// [`CompleterError::TooManyCrops`].
    pub fn new(model: Arc<Model>, hints: &Hints) -> Result<Self, CompleterError> {
        let session = model.session();
        let contract = read_contract(&session)?;
        let io = match &contract {
            Some(contract) => of_contract(&session, contract)?,
            None => of_shapes(&session, hints)?,
        };
        io.check_crops()?;
        drop(session);
        Ok(Self {
            output_range: io.output_range.unwrap_or_default(),
            model,
            io,
            contract,
            sets: Vec::with_capacity(KEPT),
        })
    }

    /// Width and height of a crop in pixels.
    pub fn size(&self) -> (usize, usize) {
        self.io.size
    }

    /// What the model says of itself, if anything.
    pub fn contract(&self) -> Option<&Contract> {
        self.contract.as_ref()
    }

    /// How the model is fed and read.
    pub fn io(&self) -> &ModelIo {
        &self.io
    }

    /// The model in use.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// An empty batch for its crops.
    pub fn batch(&self) -> Batch {
        match self.io.takes_views {
            true => Batch::with_views(self.size()),
            false => Batch::new(self.size()),
        }
    }

    /// Runs on a picture made up, so that the first real one meets no work done once: kernels
    /// chosen, shapes compiled, memory taken. Where only its values tell the range of the output,
    /// this is where they are read. Tells whether the output holds numbers: no NaN, no infinity.
    ///
    /// # Errors
    /// ONNX Runtime's words.
    pub fn warm_up(&mut self, crops: usize) -> Result<bool, String> {
        let mut batch = self.made_up(crops);
        self.run(&mut batch)?;
        let completed = (0..crops).find_map(|crop| batch.completed(crop));
        if self.io.output_range.is_none() {
            self.output_range = completed.map(range_of).unwrap_or_default();
        }
        Ok(completed.is_some())
    }

    /// A batch of pictures made up, with a hole each.
    pub fn made_up(&self, crops: usize) -> Batch {
        let mut batch = self.batch();
        batch.resize(crops);
        let (width, height) = self.size();
        for crop in 0..crops {
            let (image, mask) = batch.crop_mut(crop);
            for (i, (value, known)) in image.iter_mut().zip(mask).enumerate() {
                let (x, y) = (i % width, i / width % height);
                *value = (i * 97 % 256) as f32 / 255.0;
                let is_missing = x / (width / 4) == 1 && y / (height / 4) == 1;
                *known = f32::from(u8::from(!is_missing));
            }
        }
        batch
    }

    /// Completes all crops of `batch`.
    ///
    /// # Errors
    /// ONNX Runtime's words; the batch then holds no completions.
    pub fn run(&mut self, batch: &mut Batch) -> Result<(), String> {
        batch.forget_completions();
        let at_once = self.io.crops_of_run();
        for first in (0..batch.len()).step_by(at_once) {
            let crops = at_once.min(batch.len() - first);
            if let Err(error) = self.run_some(batch, first, crops) {
                batch.forget_completions();
                return Err(error.to_string());
            }
        }
        Ok(())
    }

    /// Makes ONNX Runtime refuse every later run on the tensors there are, with its own words.
    #[cfg(test)]
    pub fn break_down(&mut self) {
        for set in &self.sets {
            set.options.terminate().expect("a flag that can be set");
        }
    }

    /// Makes the next run panic, as a fault in this program would.
    #[cfg(test)]
    pub fn panic_at_run(&mut self) {
        self.io.inputs.iter_mut().for_each(|feed| {
            *feed = Feed::Mask {
                channels: usize::MAX,
                meaning: MaskMeaning::Known,
            }
        });
    }

    /// Completes `crops` crops from `first` on, no more than one run takes.
    fn run_some(&mut self, batch: &mut Batch, first: usize, crops: usize) -> ort::Result<()> {
        let Self { io, sets, .. } = self;
        let set = tensors(sets, io, io.crops.unwrap_or(crops))?;
        for (tensor, feed) in set.inputs.iter_mut().zip(&io.inputs) {
            let (_, values) = tensor.extract_tensor_mut();
            let slots = values.chunks_exact_mut(feed.channels() * io.size.0 * io.size.1);
            for (slot, crop) in slots.zip(first..first + crops) {
                fill(slot, *feed, batch, crop, io.range);
            }
        }
        let mut session = self.model.session();
        let outputs = match set.inputs.as_slice() {
            [a, b, c, d] => {
                let inputs = [a.into(), b.into(), c.into(), d.into()];
                session.run_with_options(inputs, &set.options)?
            }
            [one, other] => session.run_with_options([one.into(), other.into()], &set.options)?,
            [one, ..] => session.run_with_options([SessionInputValue::from(one)], &set.options)?,
            [] => return Err(ort::Error::new("the model has no inputs")),
        };
        let (_, values) = outputs[io.output.as_str()].try_extract_tensor::<f32>()?;
        let completions = values.chunks_exact(CHANNELS * io.size.0 * io.size.1);
        for (completion, crop) in completions.zip(first..first + crops) {
            batch.take_completion(crop, completion, self.output_range);
        }
        if io.takes_views {
            let (_, flows) = outputs[OUTPUT_FLOW].try_extract_tensor::<f32>()?;
            let (_, weights) = outputs[OUTPUT_WEIGHTS].try_extract_tensor::<f32>()?;
            let (width, height) = io.grid();
            let flows = flows.chunks_exact(FLOW_CHANNELS * width * height);
            let weights = weights.chunks_exact(WEIGHT_CHANNELS * width * height);
            for ((flow, weights), crop) in flows.zip(weights).zip(first..first + crops) {
                batch.take_copied(crop, flow, weights);
            }
        }
        Ok(())
    }
}

/// The set for `crops` crops, made unless it is one of those kept; the last one used comes first.
fn tensors<'a>(sets: &'a mut Vec<Set>, io: &ModelIo, crops: usize) -> ort::Result<&'a mut Set> {
    match sets.iter().position(|set| set.crops == crops) {
        Some(found) => sets[..=found].rotate_right(1),
        None => {
            sets.truncate(KEPT - 1);
            sets.insert(0, Set::new(io, crops)?);
        }
    }
    Ok(&mut sets[0])
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_struct("Set");
        set.field("crops", &self.crops).finish_non_exhaustive()
    }
}

impl Set {
    fn new(io: &ModelIo, crops: usize) -> ort::Result<Self> {
        let tensor = |channels: usize, (width, height): (usize, usize)| {
            let shape = [crops, channels, height, width];
            Tensor::from_array((shape, vec![0f32; shape.iter().product()]))
        };
        let inputs = (io.inputs.iter()).map(|feed| tensor(feed.channels(), io.size));
        let mut output = OutputSelector::no_default()
            .with(&io.output)
            .preallocate(&io.output, tensor(CHANNELS, io.size)?);
        if io.takes_views {
            let outputs = [
                (OUTPUT_FLOW, FLOW_CHANNELS),
                (OUTPUT_WEIGHTS, WEIGHT_CHANNELS),
            ];
            for (name, channels) in outputs {
                output = output
                    .with(name)
                    .preallocate(name, tensor(channels, io.grid())?);
            }
        }
        Ok(Self {
            crops,
            inputs: inputs.collect::<ort::Result<_>>()?,
            options: RunOptions::new()?.with_outputs(output),
        })
    }
}

/// Fills an input of one crop of `batch`.
fn fill(slot: &mut [f32], feed: Feed, batch: &Batch, crop: usize, range: ValueRange) {
    match feed {
        Feed::Image => fill_picture(slot, batch.image(crop), batch.mask(crop), range),
        Feed::Mask { channels, meaning } => fill_mask(slot, batch.mask(crop), channels, meaning),
        Feed::View => match batch.view(crop) {
            Some((view, known)) => {
                for (slot, view) in slot.chunks_mut(known.len()).zip(view.chunks(known.len())) {
                    fill_picture(slot, view, known, range);
                }
            }
            None => slot.fill(0.0),
        },
        Feed::ViewMask => match batch.view(crop) {
            Some((_, known)) => slot.copy_from_slice(known),
            None => slot.fill(0.0),
        },
    }
}

/// Takes over the known values of a picture, with the numbers of `range`.
fn fill_picture(slot: &mut [f32], picture: &[f32], mask: &[f32], range: ValueRange) {
    let (black, white) = range.black_and_white();
    for ((slot, value), known) in slot.iter_mut().zip(picture).zip(mask) {
        *slot = (black + value * (white - black)) * known;
    }
}

/// Takes over a mask, `[3, H, W]`.
fn fill_mask(slot: &mut [f32], mask: &[f32], channels: usize, meaning: MaskMeaning) {
    slot.copy_from_slice(&mask[..slot.len()]);
    if channels == 1 {
        for plane in mask.chunks_exact(slot.len()).skip(1) {
            for (slot, known) in slot.iter_mut().zip(plane) {
                *slot = slot.min(*known);
            }
        }
    }
    if meaning == MaskMeaning::Missing {
        for slot in slot {
            *slot = 1.0 - *slot;
        }
    }
}

/// The range of a picture that a model made of one with values from black to white.
fn range_of(picture: &[f32]) -> ValueRange {
    let low = picture.iter().copied().fold(f32::INFINITY, f32::min);
    let high = picture.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if high > 4.0 {
        ValueRange::Byte
    } else if low < -0.25 {
        ValueRange::Signed
    } else {
        ValueRange::Unit
    }
}

/// The contract that the model keeps; nothing where it does not mean to keep one.
fn read_contract(session: &Session) -> Result<Option<Contract>, CompleterError> {
    let metadata = session.metadata().ok();
    let lookup = |key: &str| metadata.as_ref()?.custom(key);
    if !Contract::is_claimed(lookup) {
        return Ok(None);
    }
    Ok(Some(Contract::from_metadata(lookup)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_zero_in_every_range() {
        let (image, mask) = ([0.0, 1.0, 0.5], [1.0, 1.0, 0.0]);
        for (range, wanted) in [
            (ValueRange::Unit, [0.0, 1.0, 0.0]),
            (ValueRange::Byte, [0.0, 255.0, 0.0]),
            (ValueRange::Signed, [-1.0, 1.0, 0.0]),
        ] {
            let mut slot = [f32::NAN; 3];
            fill_picture(&mut slot, &image, &mask, range);
            assert_eq!(slot, wanted);
        }
    }

    #[test]
    fn one_mask_channel_is_missing_where_any_value_is() {
        let mask = [
            1.0, 1.0, 0.0, /**/ 1.0, 0.0, 0.0, /**/ 1.0, 1.0, 1.0,
        ];
        for (meaning, wanted) in [
            (MaskMeaning::Known, [1.0, 0.0, 0.0]),
            (MaskMeaning::Missing, [0.0, 1.0, 1.0]),
        ] {
            let mut slot = [f32::NAN; 3];
            fill_mask(&mut slot, &mask, 1, meaning);
            assert_eq!(slot, wanted);
        }
    }

    #[test]
    fn the_range_of_a_picture_shows_in_its_values() {
        assert_eq!(range_of(&[-0.01, 0.5, 1.02]), ValueRange::Unit);
        assert_eq!(range_of(&[3.0, 250.0]), ValueRange::Byte);
        assert_eq!(range_of(&[-0.9, 0.9]), ValueRange::Signed);
    }
}
