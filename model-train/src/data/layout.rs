//! Which data set a folder or file holds: the one place where that is found out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::source::{Source, celeba, files, mnist, oxford};
use super::{DataError, Split};

/// A data set as it lies on disk.
#[derive(Debug)]
pub enum Layout {
    /// CelebA as published, in this folder.
    CelebA(PathBuf),
    /// MNIST's idx files, in this folder.
    Mnist(PathBuf),
    /// A folder with a sub-folder for each split.
    Splits(PathBuf),
    /// Oxford-102 flowers, and all its pictures.
    Oxford102(Source),
    /// Other pictures, all of them in any split.
    Pictures(Source),
}

impl Layout {
    /// What is at `root`.
    ///
    /// # Errors
    /// Where nothing is there, or it cannot be read.
    pub fn of(root: &Path) -> Result<Self, DataError> {
        // Absolute, so that a cache is told apart by the data it is of, not by where it was made
        // from.
        let root = fs::canonicalize(root).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => DataError::NotFound(root.to_owned()),
            _ => DataError::Io {
                path: root.to_owned(),
                source,
            },
        })?;
        if root.is_file() && !files::is_tar(&root) {
            return Err(DataError::NotATar(root));
        }
        if celeba::is_in(&root) {
            return Ok(Self::CelebA(root));
        }
        if mnist::is_in(&root) {
            return Ok(Self::Mnist(root));
        }
        if Split::ALL.iter().any(|s| root.join(s.name()).is_dir()) {
            return Ok(Self::Splits(root));
        }
        let found = files::list(&root)?;
        Ok(if oxford::is(&found) {
            Self::Oxford102(found)
        } else {
            Self::Pictures(found)
        })
    }

    /// The pictures of `split`.
    ///
    /// # Errors
    /// Where there is no such split, a part of the data set is missing, or it cannot be read.
    pub fn scan(self, split: Split) -> Result<Source, DataError> {
        let source = match self {
            Self::CelebA(root) => celeba::scan(&root, split)?,
            Self::Mnist(root) => mnist::scan(&root, split)?,
            Self::Splits(root) => of_splits(root, split)?,
            Self::Oxford102(found) => oxford::of_split(found, split)?,
            Self::Pictures(found) => found,
        };
        if source.pictures.is_empty() {
            return Err(DataError::Empty(source.path));
        }
        Ok(source)
    }

    /// The split that the paper evaluates on, as far as it is there.
    pub fn evaluated(&self) -> Split {
        match self {
            Self::CelebA(_) | Self::Mnist(_) => Split::Test,
            Self::Splits(root) if !root.join(Split::Val.name()).is_dir() => Split::Test,
            _ => Split::Val,
        }
    }
}

fn of_splits(root: PathBuf, split: Split) -> Result<Source, DataError> {
    let folder = root.join(split.name());
    if folder.is_dir() {
        return files::list(&folder);
    }
    let other = Split::ALL
        .into_iter()
        .find(|s| root.join(s.name()).is_dir());
    Err(DataError::NoSplit {
        root,
        split,
        other: other.unwrap_or(split),
    })
}
