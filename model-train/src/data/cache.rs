//! Prepared pictures on disk: the bytes `[N, size, size, 3]` from the file's first byte on, then
//! a JSON index, the index's length (u64, little endian) and a magic number. The file is written
//! aside and renamed, so it is there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::{env, fmt};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use memmap2::Mmap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::source::{FileStamp, Picture, Source};
use super::{Broken, CropRule, Split, crop};
use crate::files::write_aside;

const MAGIC: &[u8; 8] = b"MDECROPS";
const FOOTER: usize = 8 + MAGIC.len();
/// To be raised whenever the same pictures would be prepared differently.
const VERSION: u32 = 1;
/// Pictures decoded between two writes: enough to keep all cores busy, little to hold.
const CHUNK: usize = 1024;

/// What the prepared pictures depend on. A cache of another one is stale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    version: u32,
    size: usize,
    crop: CropRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    split: Option<Split>,
    files: Vec<FileStamp>,
}

impl Preparation {
    /// That of `source`, cropped after `crop` and resized to `size` pixels a side.
    pub fn new(source: &Source, size: usize, crop: CropRule) -> Self {
        Self {
            version: VERSION,
            size,
            crop,
            split: source.split,
            files: source.files.clone(),
        }
    }
}

/// Prepared pictures.
#[derive(Debug)]
pub struct Cache {
    /// Names, in order.
    pub names: Vec<String>,
    /// What was left out.
    pub broken: Vec<Broken>,
    /// `[names.len(), size, size, 3]` bytes, perhaps more after them.
    pub pixels: Pixels,
}

/// The bytes of the pictures, mapped from the cache or held.
pub enum Pixels {
    /// On disk.
    Mapped(Mmap),
    /// In memory.
    Held(Vec<u8>),
}

impl Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Held(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Mapped(_) => "Mapped",
            Self::Held(_) => "Held",
        };
        write!(f, "{kind}({} bytes)", self.len())
    }
}

#[derive(Serialize, Deserialize)]
struct Index {
    preparation: Preparation,
    names: Vec<String>,
    broken: Vec<Broken>,
}

/// The cache of `source` in `folder` (`None`: the user's cache folder), built where it is absent,
/// stale or damaged. Where it cannot be kept on disk it is kept in memory, with a warning.
pub fn open_or_build(source: &Source, preparation: &Preparation, folder: Option<&Path>) -> Cache {
    let Some(folder) = folder.map(Path::to_owned).or_else(default_folder) else {
        eprintln!(
            "warning: neither XDG_CACHE_HOME nor HOME is set, so prepared pictures are kept in \
             memory; --cache sets a folder for them"
        );
        return hold(source, preparation);
    };
    on_disk(source, preparation, &folder).unwrap_or_else(|error| {
        eprintln!(
            "warning: cannot keep prepared pictures in '{}' ({error}), so they are kept in \
             memory; --cache sets another folder",
            folder.display()
        );
        hold(source, preparation)
    })
}

/// `$XDG_CACHE_HOME/mde-train` or `~/.cache/mde-train`. A relative `XDG_CACHE_HOME` is to be
/// ignored (XDG Base Directory Specification).
fn default_folder() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("mde-train"))
}

fn on_disk(source: &Source, preparation: &Preparation, folder: &Path) -> io::Result<Cache> {
    let file = folder.join(file_name(source, preparation));
    if let Some(cache) = load(&file, preparation) {
        return Ok(cache);
    }
    fs::create_dir_all(folder)?;
    // Whoever comes second waits and finds the cache built.
    let lock = File::create(file.with_extension("lock"))?;
    lock.lock()?;
    if let Some(cache) = load(&file, preparation) {
        return Ok(cache);
    }
    write_aside(&file, |aside| write(source, preparation, aside))?;
    load(&file, preparation).ok_or_else(|| io::Error::other("the file just written cannot be read"))
}

/// A name that tells people what is inside and keeps different data apart.
fn file_name(source: &Source, preparation: &Preparation) -> String {
    let crop = preparation.crop.to_possible_value();
    let mut hash = Sha256::new();
    hash.update(source.path.as_os_str().as_encoded_bytes());
    hash.update([0]);
    hash.update(crop.as_ref().map_or("", |crop| crop.get_name()));
    hash.update([0]);
    hash.update(preparation.split.map_or("", Split::name));
    let digest: [u8; 32] = hash.finalize().into();
    let name: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
    let stem = source.path.file_stem().unwrap_or_default();
    format!(
        "{}-{}-{name}.crops",
        stem.to_string_lossy(),
        preparation.size
    )
}

/// The cache in `file`, if it is whole and of this preparation.
fn load(file: &Path, preparation: &Preparation) -> Option<Cache> {
    let file = File::open(file).ok()?;
    // SAFETY: caches are only ever replaced by renaming, never written in place, so the mapped
    // bytes do not change.
    let map = unsafe { Mmap::map(&file) }.ok()?;
    let (rest, footer) = map.split_at_checked(map.len().checked_sub(FOOTER)?)?;
    let (length, magic) = footer.split_at(8);
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    if magic != MAGIC {
        return None;
    }
    let (pixels, index) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
    let index: Index = serde_json::from_slice(index).ok()?;
    let whole = pixels.len() == index.names.len() * preparation.size * preparation.size * 3;
    (whole && index.preparation == *preparation).then(|| Cache {
        names: index.names,
        broken: index.broken,
        pixels: Pixels::Mapped(map),
    })
}

fn write(source: &Source, preparation: &Preparation, file: &Path) -> io::Result<()> {
    let mut to = BufWriter::new(File::create(file)?);
    let (names, broken) = build(source, preparation, &mut to)?;
    let index = serde_json::to_vec(&Index {
        preparation: preparation.clone(),
        names,
        broken,
    })?;
    to.write_all(&index)?;
    to.write_all(&(index.len() as u64).to_le_bytes())?;
    to.write_all(MAGIC)?;
    to.flush()
}

fn hold(source: &Source, preparation: &Preparation) -> Cache {
    let mut pixels = Vec::new();
    let (names, broken) =
        build(source, preparation, &mut pixels).expect("writing to memory does not fail");
    Cache {
        names,
        broken,
        pixels: Pixels::Held(pixels),
    }
}

/// Decodes all pictures on all cores and writes them in order; yields the names of those written
/// and those left out.
fn build(
    source: &Source,
    preparation: &Preparation,
    to: &mut impl Write,
) -> io::Result<(Vec<String>, Vec<Broken>)> {
    let bar = progress(source.pictures.len());
    let (mut names, mut broken) = (Vec::new(), Vec::new());
    for chunk in source.pictures.chunks(CHUNK) {
        let prepared: Vec<_> = chunk
            .par_iter()
            .map(|picture| {
                bar.inc(1);
                prepare(picture, preparation)
            })
            .collect();
        for (picture, prepared) in chunk.iter().zip(prepared) {
            let name = picture.name.clone();
            match prepared {
                Ok(pixels) => {
                    to.write_all(&pixels)?;
                    names.push(name);
                }
                Err(reason) => broken.push(Broken { name, reason }),
            }
        }
    }
    bar.finish_and_clear();
    Ok((names, broken))
}

fn prepare(picture: &Picture, preparation: &Preparation) -> Result<Vec<u8>, String> {
    let picture = picture.rgb().map_err(|e| e.to_string())?;
    crop::prepare(&picture, preparation.crop, preparation.size).map_err(|e| e.to_string())
}

fn progress(pictures: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "preparing pictures {wide_bar} {human_pos}/{human_len} {per_sec} {eta}",
    )
    .expect("the template is well formed");
    ProgressBar::new(pictures as u64).with_style(style)
}
