//! What a file's content is known by.

use std::fs::File;
use std::path::Path;

use sha2::{Digest, Sha256};

/// The SHA-256 of the content of the file `path`, in hexadecimal digits, as `sha256sum` writes it.
///
/// # Errors
/// If the file cannot be read.
pub fn of_file(path: &Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hasher)?;
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
