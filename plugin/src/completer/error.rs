//! What can go wrong with a generator.

use std::path::PathBuf;

use mde_core::contract::ContractError;

use crate::runtime::{ActiveProvider, RuntimeError};

/// The generator cannot be used, or failed.
#[derive(Debug, thiserror::Error)]
pub enum CompleterError {
    /// The model file cannot be read.
    #[error("{} cannot be read: {reason}", file.display())]
    Read {
        /// The model file.
        file: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// The model cannot be opened.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The model means to be a generator of this project, but breaks the contract.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The model says that it is a generator, and its inputs or outputs are not a generator's.
    #[error(
        "the model's {fault}. A generator of this kind for {width}x{height} crops has {wanted}; this \
         model has {found}"
    )]
    Signature {
        /// What is missing or different.
        fault: String,
        /// Crop width in pixels.
        width: usize,
        /// Crop height in pixels.
        height: usize,
        /// The inputs and outputs of such a generator with type and shape.
        wanted: String,
        /// All inputs and outputs with type and shape.
        found: String,
    },
    /// The model has no metadata, and its inputs and outputs do not show how to use it.
    #[error(
        "the model does not say how to use it (it has no metadata 'mdecomplete.contract', which \
         mde-train writes), and its inputs and outputs do not show it: {reason}. An image \
         Tensor<f32>(N, 3, H, W), beside it a mask Tensor<f32>(N, 1 or 3, H, W) or nothing, and \
         one picture as output would do; this model has {found}"
    )]
    Unclear {
        /// What does not fit.
        reason: String,
        /// All inputs and outputs with type and shape.
        found: String,
    },
    /// The model fixes a number of crops that is too great to be filled in every run.
    #[error(
        "the model takes {crops} crops of {}x{} pixels in every run, no fewer, and at most {most} \
         are taken. Export it with the first side N left open, or with N = 1",
        size.0, size.1
    )]
    TooManyCrops {
        /// Crops of a run.
        crops: usize,
        /// Width and height of a crop.
        size: (usize, usize),
        /// The most that are taken of this size.
        most: usize,
    },
    /// The batch was made for another crop size.
    #[error(
        "the batch holds {}x{} crops, the generator takes {}x{}",
        batch.0, batch.1, generator.0, generator.1
    )]
    Size {
        /// Width and height of the batch's crops.
        batch: (usize, usize),
        /// Width and height of the generator's crops.
        generator: (usize, usize),
    },
    /// The inference failed, and on no other provider either; a later one may succeed.
    #[error("the generator failed on a batch of {crops} on {active}: {reason}")]
    Run {
        /// Crops in the batch.
        crops: usize,
        /// Where it ran.
        active: ActiveProvider,
        /// ONNX Runtime's words.
        reason: String,
    },
    /// The inference failed, and no other provider may stand in.
    #[error(
        "the generator failed on {active}: {reason}. The fallback policy 'error' lets no other \
         execution provider stand in; 'next' would"
    )]
    Died {
        /// Where it ran.
        active: ActiveProvider,
        /// ONNX Runtime's words.
        reason: String,
    },
}
