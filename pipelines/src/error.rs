//! Why a file was not completed, by what the user can do about it.

use std::path::PathBuf;

/// Why there is no result. [`Error::exit_code`] tells the kinds apart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command says something that cannot be done.
    #[error("{0}")]
    Usage(String),
    /// The input cannot be read or has nothing that could be completed.
    #[error("{}: {reason}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What was found, and what to do.
        reason: String,
    },
    /// The output cannot be written, or must not be.
    #[error("{}: {reason}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// What was found, and what to do.
        reason: String,
    },
    /// There is no room left on the disk.
    #[error("{}: no space is left on the disk", .0.display())]
    Full(PathBuf),
    /// GStreamer, the plug-in or an element failed.
    #[error("{0}")]
    Pipeline(String),
    /// Some of many recordings failed; how many is said.
    #[error("{0}")]
    Batch(String),
    /// A signal asked to stop.
    #[error("interrupted; nothing half is left")]
    Interrupted(i32),
}

/// The result of a step of the program.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// That the file `path` cannot be the input.
    pub fn input(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Input {
            path: path.into(),
            reason: reason.to_string(),
        }
    }

    /// That the file `path` cannot be the output.
    pub fn output(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Output {
            path: path.into(),
            reason: reason.to_string(),
        }
    }

    /// That writing the file `path` failed.
    pub fn writing(path: impl Into<PathBuf>, error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full(path.into()),
            _ => Self::output(path, error),
        }
    }

    /// The exit code of the program: 1 to 4, or 128 and the signal, as shells have it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Pipeline(_) | Self::Batch(_) => 1,
            Self::Usage(_) => 2,
            Self::Input { .. } => 3,
            Self::Output { .. } | Self::Full(_) => 4,
            Self::Interrupted(signal) => 128_u8.saturating_add(u8::try_from(*signal).unwrap_or(0)),
        }
    }
}

impl From<gst::glib::Error> for Error {
    fn from(error: gst::glib::Error) -> Self {
        Self::Pipeline(error.to_string())
    }
}

impl From<gst::glib::BoolError> for Error {
    fn from(error: gst::glib::BoolError) -> Self {
        Self::Pipeline(error.message.to_string())
    }
}

impl From<gst::StateChangeError> for Error {
    fn from(error: gst::StateChangeError) -> Self {
        Self::Pipeline(error.to_string())
    }
}
