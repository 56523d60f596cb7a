//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Has `write` fill `<path>.partial` beside `path` and renames it to `path`, so that whoever reads
/// `path` never sees half a file and an earlier one survives a failure. The file gets the
/// permissions of any new file, whatever `write` makes of them.
///
/// # Errors
/// What `write` yields, and where the file cannot be renamed.
pub fn write_aside<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let mut aside = OsString::from(path);
    aside.push(".partial");
    let aside = PathBuf::from(aside);
    let written = write_whole(&aside, write).and_then(|()| Ok(fs::rename(&aside, path)?));
    if written.is_err() {
        // It may not even have been created; the first error is the one to tell.
        let _ = fs::remove_file(&aside);
    }
    written
}

fn write_whole<E: From<io::Error>>(
    aside: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let permissions = File::create(aside)?.metadata()?.permissions();
    write(aside)?;
    Ok(fs::set_permissions(aside, permissions)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_earlier_file() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("weights");
        write_aside::<io::Error>(&path, |aside| fs::write(aside, "first")).unwrap();
        let failed = write_aside(&path, |aside| {
            fs::write(aside, "half")?;
            Err(io::Error::other("disk full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "disk full");
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
