//! Oxford-102 flowers: `image_00001.jpg` to `image_08189.jpg` in a folder or a tar, and
//! `setid.mat` beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use matfile::{MatFile, NumericData};

use super::{FileStamp, Picture, Source, check_missing, failed};
use crate::data::{DataError, Split};

/// The published split.
const SETID: &str = "setid.mat";
/// The variable of `setid.mat` with the numbers of the validation pictures.
const VALIDATION: &str = "valid";
/// Validation pictures among all, as published.
const SHARE: (u64, u64) = (1020, 8189);

/// Whether `found`, all the pictures of a folder or tar, are of this data set.
pub fn is(found: &Source) -> bool {
    let numbered = found
        .pictures
        .iter()
        .filter(|p| number(p).is_some())
        .count();
    let all = numbered == found.pictures.len();
    numbered > 0 && (all || setid(&found.path).is_file())
}

/// Of `found` the pictures of `split`, in the order of their numbers. The paper trains on the
/// published train and test parts, and evaluates on the validation part. Without `setid.mat` the
/// validation pictures are as many, spread evenly over the numbers: the pictures are numbered
/// class by class, so that each class gives its share.
///
/// # Errors
/// Where `split` is [`Split::Test`], `setid.mat` cannot be read, or too many pictures are missing.
pub fn of_split(found: Source, split: Split) -> Result<Source, DataError> {
    if split == Split::Test {
        return Err(DataError::NoPart {
            set: "Oxford-102",
            split,
            reason: "the paper trains on its train and test parts and evaluates on 'val'",
        });
    }
    let Source {
        path,
        mut files,
        pictures,
        ..
    } = found;
    let mut by_number: BTreeMap<u64, Picture> = pictures
        .into_iter()
        .filter_map(|p| Some((number(&p)?, p)))
        .collect();
    let last = by_number.last_key_value().map_or(0, |(n, _)| *n);
    let list = setid(&path);
    let validation: BTreeSet<u64> = if list.is_file() {
        files.push(FileStamp::of(&list).map_err(failed(&list))?);
        listed(&list)?
    } else {
        let before = |n: u64| n * SHARE.0 / SHARE.1;
        (1..=last).filter(|&n| before(n) > before(n - 1)).collect()
    };
    let numbers: Vec<u64> = match split {
        Split::Val => validation.into_iter().collect(),
        _ => (1..=last).filter(|n| !validation.contains(n)).collect(),
    };
    let names: Vec<String> = numbers
        .iter()
        .map(|n| format!("image_{n:05}.jpg"))
        .collect();
    let missing: Vec<&str> = (numbers.iter().zip(&names))
        .filter(|(n, _)| !by_number.contains_key(n))
        .map(|(_, name)| name.as_str())
        .collect();
    check_missing(&missing, numbers.len(), &path, "the numbering")?;
    Ok(Source {
        path,
        split: Some(split),
        files,
        pictures: numbers.iter().filter_map(|n| by_number.remove(n)).collect(),
    })
}

/// The numbers of the validation pictures after `setid.mat` at `path`.
fn listed(path: &Path) -> Result<BTreeSet<u64>, DataError> {
    let malformed = |reason: String| DataError::Malformed {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).map_err(failed(path))?;
    let file = MatFile::parse(file).map_err(|e| malformed(e.to_string()))?;
    let array = file.find_by_name(VALIDATION).map(matfile::Array::data);
    match array {
        Some(NumericData::Double { real, .. }) => Ok(real.iter().map(|&n| n as u64).collect()),
        Some(NumericData::UInt16 { real, .. }) => Ok(real.iter().map(|&n| n.into()).collect()),
        _ => Err(malformed(format!(
            "expected an array '{VALIDATION}' of picture numbers"
        ))),
    }
}

/// Where `setid.mat` is for the pictures in the folder or tar `path`.
fn setid(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if path.is_file() => folder.join(SETID),
        _ => path.join(SETID),
    }
}

/// N of a picture named `image_N`.
fn number(picture: &Picture) -> Option<u64> {
    let stem = Path::new(&picture.name).file_stem()?.to_str()?;
    stem.strip_prefix("image_")?.parse().ok()
}
