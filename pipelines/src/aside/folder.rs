//! Folders that are whole or not there, as files are.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use tempfile::TempDir;

use super::{SUFFIX, is_same, prefix, remove_left_over, sync_folder};
use crate::{Error, Result};

/// A folder on its way. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct AsideFolder {
    folder: TempDir,
    /// Keeps its lock.
    open: File,
    target: PathBuf,
    may_replace: bool,
}

impl AsideFolder {
    /// Begins the folder `target`, made from what lies in the folder or file `input`.
    ///
    /// # Errors
    /// [`Error::Output`] if `target` is the input, exists although it must not be replaced, is no
    /// folder, or lies where nothing can be written.
    pub fn begin(target: &Path, input: &Path, may_replace: bool) -> Result<Self> {
        let refuse = |reason: &str| Err(Error::output(target, reason));
        if is_same(target, input) {
            return refuse("the output is the input; name another folder");
        }
        match fs::symlink_metadata(target) {
            Ok(there) if !there.is_dir() => return refuse("this is not a folder"),
            Ok(_) if !may_replace => return refuse("this folder exists; --force replaces it"),
            _ => {}
        }
        let place = std::path::absolute(target).map_err(|e| Error::output(target, e))?;
        let (Some(name), Some(beside)) = (place.file_name(), place.parent()) else {
            return refuse("this is not the name of a folder");
        };
        remove_left_over(beside, name);
        let failed = |e| Error::output(target, format!("nothing can be written there: {e}"));
        let (folder, open) = locked(beside, name).map_err(failed)?;
        Ok(Self {
            folder,
            open,
            target: place,
            may_replace,
        })
    }

    /// Where to write meanwhile.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Moves the folder to its place, once its content is on the disk.
    ///
    /// # Errors
    /// If there is no room, or another folder has come to its place meanwhile.
    pub fn finish(self) -> Result<()> {
        let Self {
            folder,
            open,
            target,
            may_replace,
        } = self;
        let failed = |e: rustix::io::Errno| Error::writing(&target, e.into());
        // One call for many files.
        rustix::fs::syncfs(&open).map_err(failed)?;
        if may_replace && target.exists() {
            // In one step; what was there before goes with `folder`.
            let swap = RenameFlags::EXCHANGE;
            rustix::fs::renameat_with(CWD, folder.path(), CWD, &target, swap).map_err(failed)?;
        } else {
            // A folder with something in it is not replaced.
            fs::rename(folder.path(), &target).map_err(|e| Error::writing(&target, e))?;
            let _ = folder.keep();
        }
        sync_folder(&target);
        Ok(())
    }
}

/// A new folder on its way to `name` in `beside`, which is locked while it is open.
fn locked(beside: &Path, name: &OsStr) -> std::io::Result<(TempDir, File)> {
    loop {
        let folder = tempfile::Builder::new()
            .prefix(&prefix(name))
            .suffix(SUFFIX)
            // The umask takes away what other new folders do not have.
            .permissions(Permissions::from_mode(0o777))
            .tempdir_in(beside)?;
        let open = File::open(folder.path())?;
        let is_locked = open.try_lock().is_ok();
        // Before it was locked, another run may have taken it for a leftover.
        if !is_locked || folder.path().exists() {
            return Ok((folder, open));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tried = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_folder_is_replaced_only_by_force_and_at_the_end() -> Tried {
        let root = tempfile::tempdir()?;
        let [input, target] = ["in", "out"].map(|name| root.path().join(name));
        fs::create_dir(&input)?;
        // As a killed process leaves it.
        let left = root.path().join(".out.a1B2c3.part");
        fs::create_dir(&left)?;
        fs::write(left.join("1.png"), "half")?;
        let first = AsideFolder::begin(&target, &input, false)?;
        assert!(!left.exists());
        fs::write(first.path().join("1.png"), "old")?;
        assert!(!target.exists());
        first.finish()?;
        assert!(AsideFolder::begin(&target, &input, false).is_err());
        assert!(AsideFolder::begin(&input, &input, true).is_err());

        let second = AsideFolder::begin(&target, &input, true)?;
        fs::write(second.path().join("2.png"), "new")?;
        drop(second);
        assert_eq!(fs::read_to_string(target.join("1.png"))?, "old");
        let third = AsideFolder::begin(&target, &input, true)?;
        fs::write(third.path().join("2.png"), "new")?;
        third.finish()?;
        assert!(!target.join("1.png").exists());
        assert_eq!(fs::read_to_string(target.join("2.png"))?, "new");
        assert_eq!(fs::read_dir(&root)?.count(), 2);
        Ok(())
    }
}
