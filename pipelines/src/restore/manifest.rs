//! What a run has done: a file of JSON lines in its folder, of which the last about a clip counts.
//!
//! A line is written whole or, where a run is killed meanwhile, torn: then it has no end, and goes
//! when the run is resumed. What it said is done again.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use gst::glib;
use rustix::io::FdFlags;
use serde::{Deserialize, Serialize};

use crate::interrupt::Interrupt;
use crate::summary::Summary;
use crate::{Error, Result};

/// The name of the manifest in the folder of a run.
pub const NAME: &str = "manifest.jsonl";

/// A line of a manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub enum Line {
    /// A run begins.
    Run {
        /// When, as ISO 8601 has it.
        time: String,
        /// The program's arguments.
        arguments: Vec<String>,
        /// What ran.
        versions: BTreeMap<String, String>,
    },
    /// A clip has come to another state.
    Clip(Box<Record>),
}

/// What is known of a clip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The file that comes of it, within the folder.
    pub output: String,
    /// The recording.
    pub input: String,
    /// How far it is.
    pub state: State,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it is made from and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
    /// Digest of the file that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_sha256: Option<String>,
    /// What the user was told meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When it came to this state, as ISO 8601 has it.
    pub time: String,
}

/// How far a clip is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits, or was interrupted.
    #[default]
    Queued,
    /// A worker is at it, or was when the run was killed.
    Running,
    /// Its output is there.
    Done,
    /// It has no output.
    Failed,
}

/// What a clip is made from and how: what is the same gives the same file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Digest of the recording.
    pub input_sha256: String,
    /// What the picture is coded as, and properties of the element; files by their digests.
    pub settings: BTreeMap<String, String>,
    /// Digest of the generator: of its file, or of the plug-in that it is built into.
    pub model_sha256: String,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// By the element.
    #[serde(flatten)]
    pub summary: Summary,
    /// How long it took.
    pub seconds: f64,
    /// How long the recording plays, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
}

/// The present time, as ISO 8601 has it.
pub fn now() -> String {
    let time = glib::DateTime::now_utc().and_then(|time| time.format("%Y-%m-%dT%H:%M:%SZ"));
    time.map(Into::into).unwrap_or_default()
}

/// The manifest of a folder, which nobody else writes meanwhile.
#[derive(Debug)]
pub struct Manifest {
    file: File,
    path: PathBuf,
    /// Of the whole lines.
    length: u64,
    records: HashMap<String, Record>,
    /// Keeps other runs out.
    _folder: File,
}

/// A manifest that was opened, and what is strange about it.
#[derive(Debug)]
pub struct Opened {
    /// The manifest.
    pub manifest: Manifest,
    /// For the user.
    pub notes: Vec<String>,
}

impl Manifest {
    /// Begins one in `folder`, or goes on with the one that is there if `may_resume`.
    ///
    /// # Errors
    /// [`Error::Output`] if another run works there, or has left a manifest although nothing is to be
    /// resumed, or nothing can be written; [`Error::Interrupted`].
    pub fn open(folder: &Path, may_resume: bool, interrupt: &Interrupt) -> Result<Opened> {
        let path = folder.join(NAME);
        let failed = |e: std::io::Error| Error::writing(&path, e);
        let whole = File::open(folder).map_err(|e| Error::output(folder, e))?;
        match whole.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::output(folder, "another run works in this folder"));
            }
            Err(TryLockError::Error(e)) => return Err(Error::output(folder, e)),
        }
        if !may_resume && path.exists() {
            let reason = "a run has worked in this folder: --resume goes on with it";
            return Err(Error::output(&path, reason));
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        let mut notes = Vec::new();
        wait_for_workers(&file, &path, interrupt)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole_lines = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        if whole_lines < bytes.len() {
            notes.push(format!(
                "{}: its last line is torn, as a killed run leaves it, and is left out",
                path.display()
            ));
            file.set_len(whole_lines as u64).map_err(failed)?;
        }
        let mut records = HashMap::new();
        for (n, line) in bytes[..whole_lines]
            .split(|byte| *byte == b'\n')
            .enumerate()
        {
            match serde_json::from_slice(line) {
                Ok(Line::Clip(record)) => {
                    records.insert(record.output.clone(), *record);
                }
                Ok(Line::Run { .. }) => {}
                Err(_) if line.is_empty() => {}
                Err(e) => notes.push(format!(
                    "{}, line {}: {e}; the line is left out",
                    path.display(),
                    n + 1
                )),
            }
        }
        let manifest = Self {
            file,
            path,
            length: whole_lines as u64,
            records,
            _folder: whole,
        };
        Ok(Opened { manifest, notes })
    }

    /// Writes `line` to the disk.
    ///
    /// # Errors
    /// [`Error::Output`] or [`Error::Full`] if it cannot be written.
    pub fn append(&mut self, line: Line) -> Result<()> {
        let mut text = serde_json::to_vec(&line).map_err(|e| Error::output(&self.path, e))?;
        text.push(b'\n');
        // One call, so that another reader sees no half line.
        let written = self
            .file
            .write_all(&text)
            .and_then(|()| self.file.sync_data());
        if let Err(e) = written {
            // What the disk had no room for is not to stand before the next line.
            let _ = self.file.set_len(self.length);
            return Err(Error::writing(&self.path, e));
        }
        self.length += text.len() as u64;
        if let Line::Clip(record) = line {
            self.records.insert(record.output.clone(), *record);
        }
        Ok(())
    }

    /// The last that is known of the clip that becomes the file `output`.
    pub fn record(&self, output: &str) -> Option<&Record> {
        self.records.get(output)
    }

    /// The last of all clips.
    pub fn records(&self) -> &HashMap<String, Record> {
        &self.records
    }
}

/// Takes the lock that the workers of a run share with it, and gives it to those of this run: they
/// end when their run is killed, but not at once.
fn wait_for_workers(manifest: &File, path: &Path, interrupt: &Interrupt) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(50);
    let mut was_told = false;
    loop {
        match manifest.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if !was_told => {
                eprintln!("waiting for the workers of a killed run to end");
                was_told = true;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) => return Err(Error::output(path, e)),
        }
        interrupt.check()?;
        thread::sleep(PAUSE);
    }
    rustix::io::fcntl_setfd(manifest, FdFlags::empty()).map_err(|e| Error::output(path, e))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    type Tried = std::result::Result<(), Box<dyn std::error::Error>>;

    fn record(output: &str, state: State) -> Line {
        Line::Clip(Box::new(Record {
            output: output.to_owned(),
            state,
            ..Record::default()
        }))
    }

    #[test]
    fn the_last_line_counts_and_a_torn_one_goes() -> Tried {
        let folder = tempfile::tempdir()?;
        let nobody = Interrupt::default();
        let mut opened = Manifest::open(folder.path(), false, &nobody)?;
        for state in [State::Queued, State::Running] {
            opened.manifest.append(record("a.mkv", state))?;
        }
        let path = folder.path().join(NAME);
        let whole = fs::read(&path)?;
        drop(opened);
        assert!(Manifest::open(folder.path(), false, &nobody).is_err());
        for torn in 1..whole.len() {
            fs::write(&path, &whole[..torn])?;
            let mut opened = Manifest::open(folder.path(), true, &nobody)?;
            let is_whole = whole[torn - 1] == b'\n';
            assert_eq!(opened.notes.is_empty(), is_whole, "{torn}");
            opened.manifest.append(record("a.mkv", State::Done))?;
            drop(opened);
            let opened = Manifest::open(folder.path(), true, &nobody)?;
            assert!(opened.notes.is_empty(), "{:?}", opened.notes);
            let state = opened.manifest.record("a.mkv").map(|record| record.state);
            assert_eq!(state, Some(State::Done));
        }
        Ok(())
    }

    #[test]
    fn two_runs_do_not_share_a_folder() -> Tried {
        let folder = tempfile::tempdir()?;
        let nobody = Interrupt::default();
        let first = Manifest::open(folder.path(), true, &nobody)?;
        let second = Manifest::open(folder.path(), true, &nobody);
        let refused = second.map(|_| ()).map_err(|e| e.to_string());
        assert!(refused.is_err_and(|e| e.contains("another run")));
        drop(first);
        assert!(Manifest::open(folder.path(), true, &nobody).is_ok());
        Ok(())
    }
}
