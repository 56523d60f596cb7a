//! Finding pictures: which there are, in which order, and their bytes.

pub mod celeba;
pub mod files;
pub mod mnist;
pub mod oxford;
mod picture;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

pub use picture::Picture;

use super::{DataError, Split};

/// The pictures of one split, in a fixed order.
#[derive(Debug)]
pub struct Source {
    /// The folder or file that was searched.
    pub path: PathBuf,
    /// The split, where it does not follow from `path`.
    pub split: Option<Split>,
    /// What tells whether the pictures changed.
    pub files: Vec<FileStamp>,
    /// The pictures.
    pub pictures: Vec<Picture>,
}

/// State of a file that pictures come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    path: PathBuf,
    bytes: u64,
    /// Time of the last change in nanoseconds since 1970, 0 where the system keeps none.
    modified: u64,
}

impl FileStamp {
    /// The state of `file` now.
    fn of(file: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(file)?;
        let modified = metadata
            .modified()
            .ok()
            .and_then(|t| t.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |since| since.as_nanos() as u64);
        Ok(Self {
            path: file.to_owned(),
            bytes: metadata.len(),
            modified,
        })
    }
}

/// Share of a split's pictures that may be missing before the data set counts as half unpacked.
const MAY_MISS: f64 = 0.01;

/// Stops where more than a few of a split's `count` pictures are `missing` from `folder`; `list`
/// is what they are known from.
fn check_missing(
    missing: &[&str],
    count: usize,
    folder: &Path,
    list: &str,
) -> Result<(), DataError> {
    match missing.first() {
        Some(first) if missing.len() as f64 > MAY_MISS * count as f64 => Err(DataError::Gaps {
            folder: folder.to_owned(),
            missing: missing.len(),
            count,
            list: list.to_owned(),
            first: (*first).to_owned(),
        }),
        _ => Ok(()),
    }
}

/// What turns an [`io::Error`] about `path` into a [`DataError`].
pub fn failed(path: &Path) -> impl Fn(io::Error) -> DataError + '_ {
    |source| DataError::Io {
        path: path.to_owned(),
        source,
    }
}
