//! What can be wrong with data.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Split;

/// The data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Nothing at the path.
    #[error(
        "there is no data at '{0}': expected a folder with sub-folders 'train' and 'val', CelebA \
         as published, MNIST's idx files, a folder of pictures (.jpg, .jpeg, .png) or .tar \
         shards, or one .tar or .tar.gz file"
    )]
    NotFound(PathBuf),
    /// One split is there, the wanted one is not.
    #[error(
        "'{root}' has a sub-folder '{other}' but none named '{split}': add it, or give the folder \
         of the pictures itself"
    )]
    NoSplit {
        /// The folder searched.
        root: PathBuf,
        /// The split asked for.
        split: Split,
        /// The split found.
        other: Split,
    },
    /// The data set has no such split.
    #[error("{set} has no split '{split}' here: {reason}")]
    NoPart {
        /// Name of the data set.
        set: &'static str,
        /// The split asked for.
        split: Split,
        /// Why.
        reason: &'static str,
    },
    /// Some of a published data set's files are there, others are not.
    #[error("{set} in '{root}' lacks '{missing}': expected {expected}")]
    Incomplete {
        /// Name of the data set.
        set: &'static str,
        /// The folder searched.
        root: PathBuf,
        /// What is not there.
        missing: String,
        /// What should be.
        expected: String,
    },
    /// Many pictures of a published data set are not there.
    #[error(
        "{missing} of the split's {count} pictures after {list} are not in '{folder}', the first \
         of them '{first}': unpack the whole archive there"
    )]
    Gaps {
        /// The folder searched.
        folder: PathBuf,
        /// How many are missing.
        missing: usize,
        /// How many the split has.
        count: usize,
        /// What they are known from.
        list: String,
        /// The first missing.
        first: String,
    },
    /// A single file that is not a tar.
    #[error(
        "'{0}' is neither a .tar nor a .tar.gz file: unpack it and give the folder of the pictures"
    )]
    NotATar(PathBuf),
    /// No pictures found.
    #[error(
        "found no pictures in '{0}': expected .jpg, .jpeg or .png files, or .tar shards of such"
    )]
    Empty(PathBuf),
    /// Pictures found, but none could be read.
    #[error("none of the {count} pictures in '{path}' can be read; the first, {first}")]
    AllBroken {
        /// Where they are.
        path: PathBuf,
        /// How many there are.
        count: usize,
        /// What is wrong with the first.
        first: Broken,
    },
    /// A list of labels is not there.
    #[error("no {what} in '{root}': expected CelebA's list '{expected}' there, plain or with .gz")]
    NoLabels {
        /// What is looked for.
        what: &'static str,
        /// The folder searched.
        root: PathBuf,
        /// Names of the list.
        expected: String,
    },
    /// A picture is not in a list.
    #[error("'{path}' has no line for the picture '{name}'")]
    NotListed {
        /// The list.
        path: PathBuf,
        /// The picture.
        name: String,
    },
    /// A file is not what its name says.
    #[error("'{path}' cannot be used: {reason}")]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file or folder could not be read.
    #[error("cannot read '{path}'")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A picture that was left out because it could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}': {}", self.name, self.reason)
    }
}
