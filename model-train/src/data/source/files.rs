//! All pictures below a folder or in a tar.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use super::{FileStamp, Picture, Source, failed};
use crate::data::DataError;

/// The pictures below the folder `path` and in tar shards there, or in the tar `path`, in the
/// order of their files' names.
///
/// # Errors
/// Where a file or folder cannot be read.
pub fn list(path: &Path) -> Result<Source, DataError> {
    let mut source = Source {
        path: path.to_owned(),
        split: None,
        files: Vec::new(),
        pictures: Vec::new(),
    };
    for entry in walkdir::WalkDir::new(path)
        .follow_links(true)
        .sort_by_file_name()
    {
        let entry = entry.map_err(|e| DataError::Io {
            path: e.path().unwrap_or(path).to_owned(),
            source: e.into(),
        })?;
        let file = entry.path();
        if entry.file_type().is_dir() || is_hidden(file) {
            continue;
        }
        if is_tar(file) {
            let stamp = FileStamp::of(file).map_err(failed(file))?;
            source.files.push(stamp);
            source.pictures.extend(members(file).map_err(failed(file))?);
        } else if is_picture(file) {
            let stamp = FileStamp::of(file).map_err(failed(file))?;
            let name = file.strip_prefix(path).unwrap_or(file);
            let name = name.to_string_lossy().into_owned();
            let picture = Picture::in_file(name, file.to_owned(), 0, stamp.bytes);
            source.pictures.push(picture);
            source.files.push(stamp);
        }
    }
    Ok(source)
}

/// Whether `path` is named as a tar is, packed or not.
pub fn is_tar(path: &Path) -> bool {
    has_extension(path, &["tar"]) || is_packed_tar(path)
}

fn is_packed_tar(path: &Path) -> bool {
    let inner = path.file_stem().map(Path::new);
    has_extension(path, &["tgz"])
        || (has_extension(path, &["gz"]) && inner.is_some_and(|p| has_extension(p, &["tar"])))
}

/// The pictures of a tar. Of a plain one only the headers are read; one packed with gzip can only
/// be unpacked from its start, so its pictures are held.
fn members(tar: &Path) -> io::Result<Vec<Picture>> {
    let file = File::open(tar)?;
    let mut pictures = Vec::new();
    if is_packed_tar(tar) {
        let mut archive = tar::Archive::new(GzDecoder::new(file));
        for entry in archive.entries()? {
            let mut entry = entry?;
            if let Some(name) = picture_name(&entry)? {
                let mut bytes = Vec::with_capacity(entry.size() as usize);
                entry.read_to_end(&mut bytes)?;
                pictures.push(Picture::encoded(name, bytes));
            }
        }
    } else {
        let mut archive = tar::Archive::new(file);
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            if let Some(name) = picture_name(&entry)? {
                let (offset, bytes) = (entry.raw_file_position(), entry.size());
                pictures.push(Picture::in_file(name, tar.to_owned(), offset, bytes));
            }
        }
    }
    Ok(pictures)
}

/// The name of a tar's member, if it is a picture.
fn picture_name<R: Read>(entry: &tar::Entry<'_, R>) -> io::Result<Option<String>> {
    let path = entry.path()?;
    let found = entry.header().entry_type().is_file() && is_picture(&path) && !is_hidden(&path);
    let name = path.strip_prefix(".").unwrap_or(&path);
    Ok(found.then(|| name.to_string_lossy().into_owned()))
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
