//! Files that are there whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result as Outcome};
use tch::Tensor;
use tempfile::Builder;

/// Has `write` fill a file of a new name beside `path` and renames it to `path`, so that whoever
/// reads `path` never sees half a file and an earlier one survives a failure. The file gets the
/// permissions of any new file, whatever `write` makes of them.
///
/// # Errors
/// What `write` yields, and where the file cannot be created or renamed.
pub fn write_aside<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    let mut builder = Builder::new();
    builder.prefix(&name).suffix(".partial");
    readable(&mut builder);
    let aside = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    let permissions = aside.as_file().metadata()?.permissions();
    let aside = aside.into_temp_path();
    write(&aside)?;
    fs::set_permissions(&aside, permissions)?;
    Ok(aside.persist(path).map_err(|failed| failed.error)?)
}

/// Writes named tensors to the safetensors file `path`, whole or not at all.
///
/// # Errors
/// Where the file cannot be written; an earlier one is kept.
pub fn write_tensors(path: &Path, tensors: &[(impl AsRef<str>, Tensor)]) -> Outcome<()> {
    write_aside(path, |aside| -> Outcome<()> {
        Ok(Tensor::write_safetensors(tensors, aside)?)
    })
    .with_context(|| format!("cannot write '{}'", path.display()))
}

/// Temporary files are for their owner alone, where new files are for whoever the umask lets.
#[cfg(unix)]
fn readable(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn readable(_builder: &mut Builder<'_, '_>) {}

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

    #[test]
    fn two_writers_of_a_file_do_not_meet() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("weights");
        write_aside::<io::Error>(&path, |outer| {
            fs::write(outer, "first, and slow")?;
            write_aside::<io::Error>(&path, |inner| fs::write(inner, "second"))?;
            assert_eq!(fs::read_to_string(&path)?, "second");
            Ok(())
        })
        .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first, and slow");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
