//! Training pictures: a folder of pictures or tar shards, cropped and resized once, kept in a
//! memory-mapped cache so that an epoch never waits for JPEGs.

mod cache;
mod crop;
mod sampler;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;

pub use crop::CropRule;
pub use sampler::Sampler;

use cache::{Cache, Pixels};

/// Which part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    /// What the generator learns from.
    Train,
    /// What it is scored on.
    Val,
}

impl Split {
    /// Name of the sub-folder that holds the split.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Train => Self::Val,
            Self::Val => Self::Train,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where pictures come from and how they are prepared.
#[derive(Clone, Debug)]
pub struct Options {
    /// A folder with sub-folders `train` and `val`, a folder (searched recursively) of pictures
    /// or tar shards, or one tar file.
    pub root: PathBuf,
    /// Which sub-folder of `root` is read, where there are such.
    pub split: Split,
    /// Side of the prepared pictures in pixels.
    pub size: usize,
    /// Which part of a picture is kept.
    pub crop: CropRule,
    /// Folder of the cache; `None` is `$XDG_CACHE_HOME/mde-train` or `~/.cache/mde-train`.
    pub cache: Option<PathBuf>,
}

/// The data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Nothing at the path.
    #[error(
        "there is no data at '{0}': expected a folder with sub-folders 'train' and 'val', a \
         folder of pictures (.jpg, .jpeg, .png) or .tar shards, or one .tar file"
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
    /// A single file that is not a tar.
    #[error("'{0}' is not a .tar file: unpack it to a folder of pictures, or give a plain .tar")]
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
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

/// Prepared pictures of one split, `size` x `size` RGB bytes each.
#[derive(Debug)]
pub struct Dataset {
    size: usize,
    names: Vec<String>,
    broken: Vec<Broken>,
    pixels: Pixels,
}

impl Dataset {
    /// Opens the cache of the pictures, building it where there is none or the pictures changed
    /// since. Without a usable cache folder the pictures are kept in memory. That and pictures
    /// that had to be left out are told on standard error.
    ///
    /// # Errors
    /// [`DataError`] where there are no pictures to be had.
    pub fn open(options: &Options) -> Result<Self, DataError> {
        let source = source::scan(&options.root, options.split)?;
        let recipe = cache::Recipe::new(&source, options.size, options.crop);
        let Cache {
            names,
            broken,
            pixels,
        } = cache::open_or_build(&source, &recipe, options.cache.as_deref());
        if names.is_empty() {
            return Err(match broken.first() {
                None => DataError::Empty(source.path),
                Some(first) => DataError::AllBroken {
                    path: source.path,
                    count: broken.len(),
                    first: first.clone(),
                },
            });
        }
        warn_of(&broken);
        Ok(Self {
            size: options.size,
            names,
            broken,
            pixels,
        })
    }

    /// How many pictures there are, at least one.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Side of the pictures in pixels.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Name of picture `i`: its path below the folder, or in the tar.
    ///
    /// # Panics
    /// If `i` is not below [`Self::len`].
    pub fn name(&self, i: usize) -> &str {
        &self.names[i]
    }

    /// The pictures that were left out.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// Picture `i`, `[size, size, 3]` RGB.
    ///
    /// # Panics
    /// If `i` is not below [`Self::len`].
    pub fn picture(&self, i: usize) -> &[u8] {
        let bytes = self.size * self.size * 3;
        &self.pixels[i * bytes..(i + 1) * bytes]
    }
}

/// Names the first few pictures that were left out: a wrong folder can hold thousands.
fn warn_of(broken: &[Broken]) {
    const SHOWN: usize = 10;
    for picture in broken.iter().take(SHOWN) {
        eprintln!("warning: left out {picture}");
    }
    if broken.len() > SHOWN {
        eprintln!("warning: left out {} more", broken.len() - SHOWN);
    }
}
