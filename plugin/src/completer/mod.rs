//! The generator as a service: crops and masks in, completed crops out.

mod batch;
mod signature;

use mde_core::contract::{Contract, ContractError, INPUT_IMAGE, INPUT_MASK, OUTPUT};
use ort::session::Session;
use ort::value::TensorRef;

pub use batch::Batch;

use crate::runtime::{self, ActiveProvider, Attempt, Opened, Options, RuntimeError};

/// The generator cannot be used, or failed.
#[derive(Debug, thiserror::Error)]
pub enum CompleterError {
    /// The model cannot be opened.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The model does not say that it is a generator.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The model's inputs or outputs are not a generator's.
    #[error(
        "the model's {fault}. A generator for {width}x{height} crops has the inputs \
         'image' and 'mask' and the output 'completed', all Tensor<f32>(N, 3, {height}, {width}); \
         this model has {found}"
    )]
    Signature {
        /// What is missing or different.
        fault: String,
        /// Crop width in pixels.
        width: usize,
        /// Crop height in pixels.
        height: usize,
        /// All inputs and outputs with type and shape.
        found: String,
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
    /// The inference failed.
    #[error("the generator failed on a batch of {crops} on {active}: {reason}")]
    Run {
        /// Crops in the batch.
        crops: usize,
        /// Where it ran.
        active: ActiveProvider,
        /// ONNX Runtime's words.
        reason: String,
    },
}

/// A generator on an execution provider.
#[derive(Debug)]
pub struct Completer {
    opened: Opened,
    contract: Contract,
}

impl Completer {
    /// Opens `model`, the bytes of an ONNX file that keeps [`mde_core::contract`].
    ///
    /// # Errors
    /// [`CompleterError`], all but `Size` and `Run`.
    pub fn new(model: &[u8], options: &Options) -> Result<Self, CompleterError> {
        let opened = runtime::open(model, options)?;
        let contract = read_contract(&opened.session)?;
        signature::check(&opened.session, contract.width, contract.height)?;
        Ok(Self { opened, contract })
    }

    /// Width and height of a crop in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.contract.width, self.contract.height)
    }

    /// What the model says of itself.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Where it runs.
    pub fn active(&self) -> ActiveProvider {
        self.opened.active
    }

    /// Which providers were considered, in order; the last one was taken.
    pub fn attempts(&self) -> &[Attempt] {
        &self.opened.attempts
    }

    /// The ONNX Runtime library in use.
    pub fn library(&self) -> &'static runtime::Library {
        self.opened.library
    }

    /// Set when the library in use is not the one that the environment asks for by now.
    pub fn library_note(&self) -> Option<&str> {
        self.opened.library_note.as_deref()
    }

    /// Completes all crops of `batch` in one inference. Missing values of the pictures are zeroed
    /// first, so it does not matter what lies under the holes.
    ///
    /// A crop whose completion holds a NaN or an infinity does not fail the batch:
    /// [`Batch::completed`] gives nothing for it.
    ///
    /// # Errors
    /// [`CompleterError::Size`] and [`CompleterError::Run`]; the batch then holds no completions.
    pub fn complete(&mut self, batch: &mut Batch) -> Result<(), CompleterError> {
        if batch.size() != self.size() {
            return Err(CompleterError::Size {
                batch: batch.size(),
                generator: self.size(),
            });
        }
        batch.forget_completions();
        if batch.is_empty() {
            return Ok(());
        }
        batch.hide_missing();
        self.run(batch).map_err(|e| CompleterError::Run {
            crops: batch.len(),
            active: self.active(),
            reason: e.to_string(),
        })
    }

    fn run(&mut self, batch: &mut Batch) -> ort::Result<()> {
        let shape = batch.shape();
        let outputs = self.opened.session.run(ort::inputs![
            INPUT_IMAGE => TensorRef::from_array_view((shape, batch.images()))?,
            INPUT_MASK => TensorRef::from_array_view((shape, batch.masks()))?,
        ])?;
        let (found, values) = outputs[OUTPUT].try_extract_tensor::<f32>()?;
        if **found != shape.map(|side| side as i64) {
            return Err(ort::Error::new(format!(
                "the output has the shape {found}, the input {shape:?}"
            )));
        }
        batch.take_completions(values);
        Ok(())
    }
}

fn read_contract(session: &Session) -> Result<Contract, CompleterError> {
    // Without metadata the first key of the contract is what is missing.
    let metadata = session.metadata().ok();
    let lookup = |key: &str| metadata.as_ref()?.custom(key);
    Ok(Contract::from_metadata(lookup)?)
}
