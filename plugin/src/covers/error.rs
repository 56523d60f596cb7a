//! What can go wrong with the net that finds covers.

use std::path::PathBuf;

use mde_core::contract::ContractError;

use crate::runtime::RuntimeError;

/// Covers cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum CoverError {
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
    /// The model is no cover net of this project.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The model says that it is a cover net, and its inputs or outputs are not a cover net's.
    #[error("the model's {fault}. A cover net has {wanted}; this model has {found}")]
    Signature {
        /// What is missing or different.
        fault: String,
        /// The inputs and outputs of a cover net with type and shape.
        wanted: String,
        /// All inputs and outputs with type and shape.
        found: String,
    },
    /// The net failed.
    #[error("the net that finds covers failed on a face: {0}")]
    Run(String),
}
