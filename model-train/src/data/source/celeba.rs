//! CelebA as published: the folder `img_align_celeba` beside the lists.

use std::path::{Path, PathBuf};

use super::{FileStamp, Picture, Source, check_missing, failed};
use crate::data::labels::Labels;
use crate::data::{DataError, Split};

/// The folder of the aligned pictures.
const PICTURES: &str = "img_align_celeba";
/// The list of names and partitions.
const PARTITION: &str = "list_eval_partition.txt";

/// Whether a part of the data set is in `root`.
pub fn is_in(root: &Path) -> bool {
    root.join(PICTURES).is_dir() || root.join(PARTITION).is_file()
}

/// The pictures of `split` in the order of the list. A picture that is listed but not there is
/// found to be broken when it is read.
///
/// # Errors
/// Where the list or the folder is absent, the list cannot be read, or too many pictures are
/// missing.
pub fn scan(root: &Path, split: Split) -> Result<Source, DataError> {
    let incomplete = |missing: &str| DataError::Incomplete {
        set: "CelebA",
        root: root.to_owned(),
        missing: missing.to_owned(),
        expected: format!(
            "the folder '{PICTURES}' with 000001.jpg to 202599.jpg, and '{PARTITION}' beside it"
        ),
    };
    let list = root.join(PARTITION);
    if !list.is_file() {
        return Err(incomplete(PARTITION));
    }
    let folder = folder(root).ok_or_else(|| incomplete(PICTURES))?;
    let partition = Labels::read(&list)?;
    let wanted = match split {
        Split::Train => 0.0,
        Split::Val => 1.0,
        Split::Test => 2.0,
    };
    let (mut pictures, mut missing) = (Vec::new(), Vec::new());
    let mut files = vec![FileStamp::of(&list).map_err(failed(&list))?];
    for (name, values) in partition.rows() {
        if values[0] != wanted {
            continue;
        }
        let file = folder.join(name);
        let bytes = match FileStamp::of(&file) {
            Ok(stamp) => {
                files.push(stamp);
                files[files.len() - 1].bytes
            }
            Err(_) => {
                missing.push(name);
                0
            }
        };
        pictures.push(Picture::in_file(name.to_owned(), file, 0, bytes));
    }
    check_missing(&missing, pictures.len(), &folder, PARTITION)?;
    Ok(Source {
        path: folder,
        split: Some(split),
        files,
        pictures,
    })
}

/// The folder of the pictures; some archives of it hold the folder in a folder of its name.
fn folder(root: &Path) -> Option<PathBuf> {
    let outer = root.join(PICTURES);
    let inner = outer.join(PICTURES);
    [inner, outer].into_iter().find(|folder| folder.is_dir())
}
