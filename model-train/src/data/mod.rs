//! Pictures to train and evaluate on: the paper's data sets as published, or any folder of pictures
//! or tar shards, cropped and resized once, kept in a memory-mapped cache so that an epoch never
//! waits for JPEGs.

mod cache;
mod crop;
mod error;
mod labels;
mod layout;
mod prefetch;
mod sampler;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crop::CropRule;
pub use error::{Broken, DataError};
pub use labels::{Labels, POINTS};
pub use layout::Layout;
pub use prefetch::prefetched;
pub use sampler::Sampler;

use cache::{Cache, Pixels};

/// Which part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What the generator learns from.
    Train,
    /// What it is scored on meanwhile.
    Val,
    /// What it is scored on in the end.
    Test,
}

impl Split {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// Name of the sub-folder that holds the split.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
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
pub struct DatasetOptions {
    /// A data set, see [`Layout`]: CelebA as published, Oxford-102, MNIST, a folder with
    /// sub-folders `train`, `val` and perhaps `test`, a folder (searched recursively) of pictures
    /// or tar shards, or one tar file.
    pub root: PathBuf,
    /// Which part of it, where it has parts.
    pub split: Split,
    /// Side of the prepared pictures in pixels.
    pub size: usize,
    /// Which part of a picture is kept.
    pub crop: CropRule,
    /// Folder of the cache; `None` is `$XDG_CACHE_HOME/mde-train` or `~/.cache/mde-train`.
    pub cache: Option<PathBuf>,
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
    pub fn open(options: &DatasetOptions) -> Result<Self, DataError> {
        let source = Layout::of(&options.root)?.scan(options.split)?;
        let preparation = cache::Preparation::new(&source, options.size, options.crop);
        let Cache {
            names,
            broken,
            pixels,
        } = cache::open_or_build(&source, &preparation, options.cache.as_deref());
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
