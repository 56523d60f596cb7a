//! What a file's content is known by.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::sequence::Pattern;

/// The SHA-256 of the content of the file `path`, in hexadecimal digits, as `sha256sum` writes it.
///
/// # Errors
/// If the file cannot be read.
pub fn of_file(path: &Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}

/// As [`of_file`], of a file, or of the names and contents of the pictures of a pattern.
///
/// # Errors
/// If something cannot be read, or there is no such picture.
pub fn of(path: &Path) -> std::io::Result<String> {
    let Some(pattern) = Pattern::of(path) else {
        return of_file(path);
    };
    let numbers = pattern.numbers()?;
    if numbers.is_empty() {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    let names = numbers.into_iter().map(|number| pattern.name(number));
    of_files(pattern.folder(), names)
}

/// As [`of_file`], of the names and contents of the files in `folder`, in order.
///
/// # Errors
/// If something cannot be read.
pub fn of_folder(folder: &Path) -> std::io::Result<String> {
    let entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    let files = entries.iter().filter(|entry| entry.path().is_file());
    let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: BTreeSet<_> = names.collect();
    of_files(folder, names.into_iter())
}

fn of_files(folder: &Path, names: impl Iterator<Item = String>) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    for name in names {
        let content = of_file(&folder.join(&name))?;
        hasher.update(format!("{content}  {name}\n"));
    }
    Ok(format!("{:x}", hasher.finalize()))
}

/// A number that goes with `text`, the same on each machine.
pub fn number(text: &str) -> u32 {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let [a, b, c, d, ..] = digest;
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_what_sha256sum_writes() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "abc").expect("room");
        assert_eq!(
            of_file(file.path()).expect("a digest"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(number("abc"), 0xba78_16bf);
    }
}
