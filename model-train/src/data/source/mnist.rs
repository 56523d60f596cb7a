//! MNIST: idx files of grey pictures and labels, plain or packed with gzip.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use image::GrayImage;

use super::{FileStamp, Picture, Source, failed};
use crate::data::{DataError, Split};

/// Begin of the file names of the published train and test part.
const PARTS: [&str; 2] = ["train", "t10k"];
/// What may follow.
const ENDINGS: [&str; 4] = [
    "-images-idx3-ubyte",
    "-images-idx3-ubyte.gz",
    "-images.idx3-ubyte",
    "-images.idx3-ubyte.gz",
];
/// Begin of an idx file of bytes in three dimensions.
const MAGIC: u32 = 0x0803;
/// Of the published train part the first twelfth, 5,000 pictures, validates; 55,000 remain, the
/// paper's number.
const VALIDATION: usize = 12;

/// Whether a part of the data set is in `root`.
pub fn is_in(root: &Path) -> bool {
    PARTS.iter().any(|part| find(root, part).is_some())
}

/// The pictures of `split` in the order of the file.
///
/// # Errors
/// Where the file is absent, or not what it should be.
pub fn scan(root: &Path, split: Split) -> Result<Source, DataError> {
    let part = PARTS[usize::from(split == Split::Test)];
    let file = find(root, part).ok_or_else(|| DataError::Incomplete {
        set: "MNIST",
        root: root.to_owned(),
        missing: format!("{part}{}", ENDINGS[0]),
        expected: format!(
            "'{0}{2}' and '{1}{2}', each plain or with .gz",
            PARTS[0], PARTS[1], ENDINGS[0]
        ),
    })?;
    let pictures = read(&file)?;
    let validation = pictures.len() / VALIDATION;
    let range = match split {
        Split::Train => validation..pictures.len(),
        Split::Val => 0..validation,
        Split::Test => 0..pictures.len(),
    };
    let first = range.start;
    let pictures = pictures.into_iter().skip(first).take(range.len());
    let name = |i: usize| format!("{part}-{:05}", first + i);
    Ok(Source {
        files: vec![FileStamp::of(&file).map_err(failed(&file))?],
        path: file,
        split: Some(split),
        pictures: pictures
            .enumerate()
            .map(|(i, picture)| Picture::grey(name(i), picture))
            .collect(),
    })
}

fn find(root: &Path, part: &str) -> Option<PathBuf> {
    let candidates = ENDINGS.map(|ending| root.join(format!("{part}{ending}")));
    candidates.into_iter().find(|file| file.is_file())
}

/// The pictures in the idx file at `path`.
fn read(path: &Path) -> Result<Vec<GrayImage>, DataError> {
    let mut bytes = fs::read(path).map_err(failed(path))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        (GzDecoder::new(&bytes[..]).read_to_end(&mut plain)).map_err(failed(path))?;
        bytes = plain;
    }
    let malformed = |reason: String| DataError::Malformed {
        path: path.to_owned(),
        reason,
    };
    let number = |at: usize| -> Option<u32> {
        let bytes = bytes.get(4 * at..4 * at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let header = [number(0), number(1), number(2), number(3)];
    let [Some(MAGIC), Some(count), Some(height), Some(width)] = header else {
        return Err(malformed(
            "expected an idx file of pictures, which begins with 00 00 08 03".into(),
        ));
    };
    let size = (width as usize).saturating_mul(height as usize);
    let values = &bytes[16..];
    if size == 0 || values.len() != size.saturating_mul(count as usize) {
        return Err(malformed(format!(
            "its header tells of {count} pictures of {width}x{height}, but {} bytes follow: \
             download it again",
            values.len()
        )));
    }
    let picture = |v: &[u8]| GrayImage::from_raw(width, height, v.to_vec());
    Ok(values.chunks_exact(size).filter_map(picture).collect())
}
