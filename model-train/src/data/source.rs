//! Finding pictures: which files and tar members there are, and their bytes.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::{DataError, Split};

/// The pictures of one split, in a fixed order.
#[derive(Debug)]
pub struct Source {
    /// The folder or tar that was searched.
    pub path: PathBuf,
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

/// Where the bytes of a picture are.
#[derive(Debug)]
pub struct Picture {
    /// Path below the folder, or in the tar.
    pub name: String,
    file: PathBuf,
    offset: u64,
    bytes: u64,
}

impl Picture {
    /// The encoded picture.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(self.bytes).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < self.bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }
}

/// Finds the pictures of `split` in `root`.
pub fn scan(root: &Path, split: Split) -> Result<Source, DataError> {
    let path = resolve(root, split)?;
    let mut source = Source {
        path,
        files: Vec::new(),
        pictures: Vec::new(),
    };
    for entry in walkdir::WalkDir::new(&source.path)
        .follow_links(true)
        .sort_by_file_name()
    {
        let entry = entry.map_err(|e| DataError::Io {
            path: e.path().unwrap_or(&source.path).to_owned(),
            source: e.into(),
        })?;
        if entry.file_type().is_dir() || is_hidden(entry.path()) {
            continue;
        }
        let file = entry.path();
        let failed = |source| DataError::Io {
            path: file.to_owned(),
            source,
        };
        if is_tar(file) {
            source.files.push(stamp(file).map_err(failed)?);
            source.pictures.extend(members(file).map_err(failed)?);
        } else if is_picture(file) {
            let stamp = stamp(file).map_err(failed)?;
            let name = file.strip_prefix(&source.path).unwrap_or(file);
            source.pictures.push(Picture {
                name: name.to_string_lossy().into_owned(),
                file: file.to_owned(),
                offset: 0,
                bytes: stamp.bytes,
            });
            source.files.push(stamp);
        }
    }
    if source.pictures.is_empty() {
        return Err(DataError::Empty(source.path));
    }
    Ok(source)
}

/// The folder or tar that holds the split.
fn resolve(root: &Path, split: Split) -> Result<PathBuf, DataError> {
    // Absolute, so that a cache is told apart by the data it is of, not by where it was made from.
    let root = fs::canonicalize(root).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => DataError::NotFound(root.to_owned()),
        _ => DataError::Io {
            path: root.to_owned(),
            source,
        },
    })?;
    if root.is_file() {
        return if is_tar(&root) {
            Ok(root)
        } else {
            Err(DataError::NotATar(root))
        };
    }
    let folder = root.join(split.name());
    if folder.is_dir() {
        return Ok(folder);
    }
    let other = split.other();
    if root.join(other.name()).is_dir() {
        return Err(DataError::NoSplit { root, split, other });
    }
    Ok(root)
}

/// The pictures of a tar, found by its headers alone.
fn members(tar: &Path) -> io::Result<Vec<Picture>> {
    let mut archive = tar::Archive::new(File::open(tar)?);
    let mut pictures = Vec::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let path = entry.path()?;
        if entry.header().entry_type().is_file() && is_picture(&path) && !is_hidden(&path) {
            pictures.push(Picture {
                name: path.to_string_lossy().into_owned(),
                file: tar.to_owned(),
                offset: entry.raw_file_position(),
                bytes: entry.size(),
            });
        }
    }
    Ok(pictures)
}

fn stamp(file: &Path) -> io::Result<FileStamp> {
    let metadata = fs::metadata(file)?;
    let modified = metadata
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_nanos() as u64);
    Ok(FileStamp {
        path: file.to_owned(),
        bytes: metadata.len(),
        modified,
    })
}

fn is_tar(path: &Path) -> bool {
    has_extension(path, &["tar"])
}

fn is_picture(path: &Path) -> bool {
    has_extension(path, &["jpg", "jpeg", "png"])
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| wanted.iter().any(|w| e.eq_ignore_ascii_case(w)))
}

/// Hidden files are other programs' notes, such as the `._x.jpg` of an archive made on macOS.
fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|n| n.as_encoded_bytes().starts_with(b"."))
}
