//! Files that a user names.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// The bytes of `file`.
///
/// # Errors
/// The system's, and [`ErrorKind::InvalidInput`] for what is no file, such as a pipe: it might keep
/// whoever reads it waiting, or never end.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    // Before it is opened: opening a pipe waits for its writer.
    let kind = std::fs::metadata(file)?.file_type();
    if kind.is_file() {
        return std::fs::read(file);
    }
    let found = match kind.is_dir() {
        true => "it is no file but a folder",
        false => "it is no file but a pipe, socket or device",
    };
    Err(Error::new(ErrorKind::InvalidInput, found))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe.png");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
        for file in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
            let error = read(file).expect_err("no file").to_string();
            assert!(error.contains("it is no file but"), "{error}");
        }
        let file = folder.path().join("file");
        std::fs::write(&file, b"bytes").expect("a file");
        assert_eq!(read(&file).expect("bytes"), b"bytes");
    }
}
