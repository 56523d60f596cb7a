//! Files and folders that are whole or not there: written beside their place under another name, and moved to it
//! at the end.
//!
//! Whoever writes such a file holds a lock on it, which ends with the process, however that ends.
//! What lies there without one is left over from a run that was killed, and goes when the same
//! output is begun again. Files without a name (`O_TMPFILE`) would leave nothing, but network file
//! systems and GStreamer's muxers that open files by name do not have them: there would be two ways.

mod folder;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{Error, Result};

pub use folder::AsideFolder;

/// A file on its way. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Aside {
    file: NamedTempFile,
    target: PathBuf,
    may_replace: bool,
}

impl Aside {
    /// Begins the file `target`, made from `input`. What `target` is a symbolic link to is meant, not
    /// the link.
    ///
    /// # Errors
    /// [`Error::Output`] if `target` is the input under whatever name, exists although it must not
    /// be replaced, is no ordinary file, or lies where nothing can be written.
    pub fn begin(target: &Path, input: &Path, may_replace: bool) -> Result<Self> {
        let refuse = |reason: &str| Err(Error::output(target, reason));
        if is_same(target, input) {
            return refuse("the output is the input; name another file");
        }
        match fs::symlink_metadata(target) {
            Ok(_) if !target.exists() => return refuse("this symbolic link leads nowhere"),
            Ok(_) if !target.is_file() => return refuse("this is not an ordinary file"),
            Ok(_) if !may_replace => return refuse("this file exists; --force replaces it"),
            _ => {}
        }
        // Resolves links, which a file that is not there yet cannot be.
        let place = target
            .canonicalize()
            .or_else(|_| std::path::absolute(target))
            .map_err(|e| Error::output(target, e))?;
        let (Some(name), Some(folder)) = (place.file_name(), place.parent()) else {
            return refuse("this is not the name of a file");
        };
        remove_left_over(folder, name);
        let file = locked(folder, name)
            .map_err(|e| Error::output(target, format!("nothing can be written there: {e}")))?;
        Ok(Self {
            file,
            target: place,
            may_replace,
        })
    }

    /// Where to write meanwhile: an empty file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Moves the file to its place, once its content is on the disk.
    ///
    /// # Errors
    /// If there is no room, or another file has come to its place meanwhile.
    pub fn finish(self) -> Result<()> {
        let Self {
            file,
            target,
            may_replace,
        } = self;
        let synced = file.as_file().sync_all();
        synced.map_err(|e| Error::writing(&target, e))?;
        let moved = match may_replace {
            true => file.persist(&target),
            false => file.persist_noclobber(&target),
        };
        match moved {
            Ok(_) => {
                sync_folder(&target);
                Ok(())
            }
            Err(e) => Err(Error::writing(&target, e.error)),
        }
    }
}

/// Ends the names of files on their way.
const SUFFIX: &str = ".part";

/// What the name of a file on its way to `name` begins with.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// A new file on its way to `name` in `folder`, which is locked while it is open.
fn locked(folder: &Path, name: &OsStr) -> std::io::Result<NamedTempFile> {
    loop {
        let file = tempfile::Builder::new()
            .prefix(&prefix(name))
            .suffix(SUFFIX)
            // The umask takes away what other new files do not have.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        // A file system without locks has no leftovers removed either.
        let is_locked = file.as_file().try_lock().is_ok();
        // Before it was locked, another run may have taken it for a leftover.
        if !is_locked || file.path().exists() {
            return Ok(file);
        }
    }
}

/// Removes what killed runs have left in `folder` of files on their way to `name`. What cannot be
/// removed stays: it is in nobody's way.
pub fn remove_left_over(folder: &Path, name: &OsStr) {
    let prefix = prefix(name);
    let is_of = |entry: &fs::DirEntry| {
        let found = entry.file_name();
        let found = found.as_encoded_bytes();
        // Six random letters stand between.
        found.len() == prefix.len() + 6 + SUFFIX.len()
            && found.starts_with(prefix.as_encoded_bytes())
            && found.ends_with(SUFFIX.as_bytes())
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(is_of) {
        let file = File::open(entry.path());
        if file.is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = match entry.path().is_dir() {
                true => fs::remove_dir_all(entry.path()),
                false => fs::remove_file(entry.path()),
            };
        }
    }
}

/// Brings the new name of the file `target` on the disk, where the file system can: the file itself
/// is there.
fn sync_folder(target: &Path) {
    if let Some(folder) = target.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// Whether two names lead to one file, by symbolic or hard links too.
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    let identity = |file: Metadata| (file.dev(), file.ino());
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => identity(a) == identity(b),
        _ => false,
    }
}

/// Fails unless `input` is an ordinary file that can be read: a pipe or device might never end.
///
/// # Errors
/// [`Error::Input`].
pub fn want_file(input: &Path) -> Result<()> {
    let refuse = |e| Error::input(input, format!("cannot be read: {e}"));
    if !fs::metadata(input).map_err(refuse)?.is_file() {
        return Err(Error::input(input, "this is not an ordinary file"));
    }
    fs::File::open(input).map_err(refuse)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    type Tried = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn the_input_is_never_the_output() -> Tried {
        let folder = tempfile::tempdir()?;
        let input = folder.path().join("in");
        fs::write(&input, "kept")?;
        let (hard, soft) = (folder.path().join("hard"), folder.path().join("soft"));
        fs::hard_link(&input, &hard)?;
        symlink(&input, &soft)?;
        let dotted = folder.path().join("./in");
        for output in [&input, &hard, &soft, &dotted] {
            let error = Aside::begin(output, &input, true).map(|_| ());
            assert!(matches!(error, Err(Error::Output { .. })), "{output:?}");
        }
        assert_eq!(fs::read_to_string(&input)?, "kept");
        Ok(())
    }

    #[test]
    fn a_file_is_replaced_only_by_force_and_at_the_end() -> Tried {
        let folder = tempfile::tempdir()?;
        let [input, output] = ["in", "out"].map(|name| folder.path().join(name));
        fs::write(&input, "in")?;
        fs::write(&output, "old")?;
        assert!(Aside::begin(&output, &input, false).is_err());
        drop(Aside::begin(&output, &input, true)?);
        assert_eq!(fs::read_dir(&folder)?.count(), 2);
        let aside = Aside::begin(&output, &input, true)?;
        fs::write(aside.path(), "new")?;
        assert_eq!(fs::read_to_string(&output)?, "old");
        aside.finish()?;
        assert_eq!(fs::read_to_string(&output)?, "new");
        assert_eq!(fs::read_dir(&folder)?.count(), 2);
        Ok(())
    }

    #[test]
    fn a_file_that_came_meanwhile_is_left_alone() -> Tried {
        let folder = tempfile::tempdir()?;
        let [input, output] = ["in", "out"].map(|name| folder.path().join(name));
        fs::write(&input, "in")?;
        let aside = Aside::begin(&output, &input, false)?;
        fs::write(&output, "another's")?;
        assert!(aside.finish().is_err());
        assert_eq!(fs::read_to_string(&output)?, "another's");
        assert_eq!(fs::read_dir(&folder)?.count(), 2);
        Ok(())
    }

    #[test]
    fn what_a_killed_run_has_left_goes_and_what_is_written_stays() -> Tried {
        let folder = tempfile::tempdir()?;
        let [input, output] = ["in", "out"].map(|name| folder.path().join(name));
        fs::write(&input, "in")?;
        // As a killed process leaves it: named and not locked.
        let left = folder.path().join(".out.a1B2c3.part");
        let others = [".out2.a1B2c3.part", ".out.part", "out.a1B2c3.part"];
        fs::write(&left, "half")?;
        for other in others {
            fs::write(folder.path().join(other), "kept")?;
        }
        let first = Aside::begin(&output, &input, false)?;
        assert!(!left.exists());
        let second = Aside::begin(&output, &input, false)?;
        assert!(first.path().exists() && second.path().exists());
        drop((first, second));
        assert!(
            others
                .iter()
                .all(|other| folder.path().join(other).exists())
        );
        Ok(())
    }

    #[test]
    fn what_a_link_leads_to_is_written() -> Tried {
        let folder = tempfile::tempdir()?;
        let [input, output, link] = ["in", "out", "link"].map(|name| folder.path().join(name));
        fs::write(&input, "in")?;
        fs::write(&output, "old")?;
        symlink(&output, &link)?;
        let aside = Aside::begin(&link, &input, true)?;
        fs::write(aside.path(), "new")?;
        aside.finish()?;
        assert!(fs::symlink_metadata(&link)?.is_symlink());
        assert_eq!(fs::read_to_string(&output)?, "new");
        Ok(())
    }

    #[test]
    fn folders_devices_and_nothing_are_no_input() {
        for path in ["/", "/dev/null", "/nonexistent/thing"] {
            let error = want_file(Path::new(path)).map_err(|e| e.exit_code());
            assert_eq!(error, Err(3), "{path}");
        }
    }
}
