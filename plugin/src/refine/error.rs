//! What can go wrong with the net that refines.

use std::path::PathBuf;

use mde_core::contract::ContractError;

use crate::runtime::RuntimeError;

/// What is painted cannot be refined.
#[derive(Debug, thiserror::Error)]
pub enum RefineError {
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
    /// The model is no refiner of this project.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The model says that it is a refiner, and its inputs or outputs are not a refiner's.
    #[error("the model's {fault}. A refiner has {wanted}; this model has {found}")]
    Signature {
        /// What is missing or different.
        fault: String,
        /// The inputs and outputs of a refiner with type and shape.
        wanted: String,
        /// All inputs and outputs with type and shape.
        found: String,
    },
    /// The net failed.
    #[error("the net that refines failed on a face: {0}")]
    Run(String),
}
