//! What can go wrong with the nets beside the generator: those that look at a face or change one.

use std::path::{Path, PathBuf};

use mde_core::contract::ContractError;
use ort::session::Session;

use super::RuntimeError;
use super::signature::{self, Wanted};

/// A net cannot be used, or failed.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The model file cannot be read.
    #[error("{} cannot be read: {reason}", file.display())]
    Read {
        /// The model file.
        file: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// The net cannot be opened.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The model is no such net of this project.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The model says that it is one, and its inputs or outputs are not those of one.
    #[error("the model's {fault}. A {net} has {wanted}; this model has {found}")]
    Signature {
        /// What the net is called.
        net: &'static str,
        /// What is missing or different.
        fault: String,
        /// The inputs and outputs of such a net with type and shape.
        wanted: String,
        /// All inputs and outputs with type and shape.
        found: String,
    },
    /// The net failed.
    #[error("the {net} failed on a face: {reason}")]
    Run {
        /// What the net is called.
        net: &'static str,
        /// ONNX Runtime's words, or what is wrong with its answer.
        reason: String,
    },
}

/// The bytes of the model `file` of a net.
///
/// # Errors
/// [`NetError::Read`].
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, NetError> {
    crate::file::read(file).map_err(|reason| NetError::Read {
        file: file.to_owned(),
        reason,
    })
}

/// Whether the model of `session` is a `net` ("cover net"), which has `inputs` and `outputs`.
///
/// # Errors
/// [`NetError::Signature`].
pub(crate) fn check(
    session: &Session,
    net: &'static str,
    inputs: &[Wanted],
    outputs: &[Wanted],
) -> Result<(), NetError> {
    match signature::fault(session, &format!("a {net}"), inputs, outputs) {
        None => Ok(()),
        Some(fault) => Err(NetError::Signature {
            net,
            fault,
            wanted: format!(
                "the inputs {} and the outputs {}",
                signature::list(inputs),
                signature::list(outputs)
            ),
            found: signature::describe(session),
        }),
    }
}
