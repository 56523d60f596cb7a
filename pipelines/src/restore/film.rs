//! A long recording, restored in segments.
//!
//! What is done of it lies in a hidden folder beside its output until all is joined, so that a run that
//! was killed goes on within it: the coded packets of each segment, and a file that says that they are
//! whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::digest;
use super::manifest::Recipe;
use super::worker::{Cause, Event, Order, Workers};
use crate::aside::Aside;
use crate::file::Job;
use crate::segments::Segment;
use crate::summary::Summary;
use crate::{Error, Result};

/// A recording that was cut.
#[derive(Debug)]
pub struct Film {
    /// The number of its clip.
    pub clip: usize,
    /// What it is made from and how.
    pub recipe: Recipe,
    /// How long it plays, where that is known.
    pub duration: Option<f64>,
    job: Job,
    folder: PathBuf,
    segments: Vec<Segment>,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    parts: Vec<Part>,
    /// What the workers told.
    notes: Vec<String>,
    failed: Option<Failure>,
}

/// Why a film cannot be restored in segments.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In words.
    pub reason: String,
    /// What else would fail too.
    pub cause: Cause,
}

/// How far a segment is.
#[derive(Clone, Debug, Default)]
struct Part {
    frames: u64,
    /// Seconds of it that are through.
    position: f64,
    summary: Option<Summary>,
    is_over: bool,
}

/// What is written down of a segment.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    sha256: String,
    summary: Summary,
}

/// The folder for the segments of what becomes `output`.
pub fn folder(output: &Path) -> PathBuf {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    output.with_file_name(format!(".{name}.segments"))
}

/// Removes the segments of what became `output`, if there are any. What cannot be removed stays: it is in
/// nobody's way.
pub fn remove(output: &Path) {
    let _ = fs::remove_dir_all(folder(output));
}

impl Film {
    /// That of `job`, made by `recipe` in `segments`, with what an earlier run has done of the same.
    ///
    /// # Errors
    /// [`Error::Output`] or [`Error::Full`] if nothing can be written.
    pub fn open(
        clip: usize,
        job: Job,
        recipe: Recipe,
        segments: Vec<Segment>,
        duration: Option<f64>,
    ) -> Result<Self> {
        let folder = folder(&job.output);
        let made_of = serde_json::to_vec(&(&recipe, &segments)).unwrap_or_default();
        let note = folder.join("recipe.json");
        if fs::read(&note).ok().as_ref() != Some(&made_of) {
            remove(&job.output);
            fs::create_dir_all(&folder).map_err(|e| Error::writing(&folder, e))?;
            write(&note, &made_of)?;
        }
        let parts = vec![Part::default(); segments.len()];
        let mut film = Self {
            clip,
            recipe,
            duration,
            job,
            folder,
            segments,
            begun: Instant::now(),
            state: Mutex::new(State {
                parts,
                notes: Vec::new(),
                failed: None,
            }),
        };
        for number in 0..film.segments.len() {
            if let Some(summary) = film.done_before(number) {
                film.end(number, summary);
            }
        }
        Ok(film)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the packets of the segment `number` lie.
    fn part(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{number:05}.packets"))
    }

    fn note(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{number:05}.json"))
    }

    fn done_before(&self, number: usize) -> Option<Summary> {
        let note = fs::read(self.note(number)).ok()?;
        let done: Done = serde_json::from_slice(&note).ok()?;
        let there = digest::of_file(&self.part(number)).ok()?;
        (there == done.sha256).then_some(done.summary)
    }

    /// The segments that are to be done; the last one again if none is, so that somebody joins them.
    pub fn waiting(&self) -> Vec<usize> {
        let state = self.state();
        let waiting = (0..state.parts.len()).filter(|number| !state.parts[*number].is_over);
        let waiting: Vec<_> = waiting.collect();
        match waiting.is_empty() {
            true => vec![state.parts.len() - 1],
            false => waiting,
        }
    }

    fn end(&mut self, number: usize, summary: Summary) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.parts[number] = Part {
            frames: summary.frames,
            position: self.segments[number].seconds(),
            summary: Some(summary),
            is_over: true,
        };
    }

    /// Does the segment `number`, telling `tell` how far the film is. Gives whether all segments are over
    /// now, which is so for one caller alone.
    pub fn perform(&self, number: usize, workers: &Workers, tell: &dyn Fn(Event)) -> bool {
        let done = match self.is_to_do(number, workers) {
            true => self.complete(number, workers, tell),
            false => Ok(None),
        };
        let mut state = self.state();
        match done {
            Ok(Some(summary)) => state.parts[number].summary = Some(summary),
            Ok(None) => {}
            Err(failure) => drop(state.failed.get_or_insert(failure)),
        }
        state.parts[number].is_over = true;
        state.parts.iter().all(|part| part.is_over)
    }

    fn is_to_do(&self, number: usize, workers: &Workers) -> bool {
        let mut state = self.state();
        if workers.are_stopped() {
            state.failed.get_or_insert(Failure {
                reason: "it was stopped".to_owned(),
                cause: Cause::Stopped,
            });
        }
        state.failed.is_none() && state.parts[number].summary.is_none()
    }

    fn complete(
        &self,
        number: usize,
        workers: &Workers,
        tell: &dyn Fn(Event),
    ) -> std::result::Result<Option<Summary>, Failure> {
        let order = Order::Segment {
            job: Box::new(self.job.clone()),
            segment: self.segments[number],
            part: self.part(number),
        };
        let end = workers.run(&order, |event| match event {
            Event::Progress { frames, position } => {
                let mut state = self.state();
                (state.parts[number].frames, state.parts[number].position) = (frames, position);
                let frames = state.parts.iter().map(|part| part.frames).sum();
                let position = state.parts.iter().map(|part| part.position).sum();
                drop(state);
                tell(Event::Progress { frames, position });
            }
            Event::Note { text } => {
                let mut state = self.state();
                if !state.notes.contains(&text) {
                    state.notes.push(text.clone());
                    drop(state);
                    tell(Event::Note { text });
                }
            }
            _ => {}
        });
        let failed = |reason: String, cause| Failure { reason, cause };
        match end {
            Event::Done { summary } => {
                let written = digest::of_file(&self.part(number))
                    .map_err(|e| Error::output(self.part(number), e))
                    .and_then(|sha256| {
                        let summary = summary.clone();
                        let done = serde_json::to_vec(&Done { sha256, summary });
                        write(&self.note(number), &done.unwrap_or_default())
                    });
                written.map_err(|e| failed(e.to_string(), Cause::from(&e)))?;
                Ok(Some(summary))
            }
            Event::Failed { reason, cause } => Err(failed(reason, cause)),
            _ => Err(failed("the worker has no end".to_owned(), Cause::Clip)),
        }
    }

    /// Joins the segments, which are all over. Gives what was done, and what else is to be known.
    ///
    /// # Errors
    /// Why there is no output.
    pub fn join(&self, workers: &Workers) -> std::result::Result<(Summary, Vec<String>), Failure> {
        let (parts, mut notes) = {
            let state = self.state();
            if let Some(failure) = &state.failed {
                return Err(failure.clone());
            }
            let parts = state.parts.iter().zip(&self.segments);
            let parts: Vec<_> = parts
                .filter_map(|(part, segment)| Some((self.offset(segment), part.summary.clone()?)))
                .collect();
            (parts, state.notes.clone())
        };
        let order = Order::Join {
            job: Box::new(self.job.clone()),
            parts: (0..self.segments.len())
                .map(|number| self.part(number))
                .collect(),
        };
        let end = workers.run(&order, |event| {
            if let Event::Note { text } = event {
                notes.push(text);
            }
        });
        match end {
            Event::Done { .. } => {
                remove(&self.job.output);
                Ok((Summary::joined(parts), notes))
            }
            Event::Failed { reason, cause } => Err(Failure { reason, cause }),
            _ => Err(Failure {
                reason: "the worker has no end".to_owned(),
                cause: Cause::Clip,
            }),
        }
    }

    /// How many seconds it was worked on, segments side by side.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// How many seconds after the first frame `segment` begins.
    fn offset(&self, segment: &Segment) -> f64 {
        let first = self.segments.first().map_or(0, |first| first.begin);
        (segment.begin - first) as f64 / 1e9
    }
}

/// Writes the file `path`, which is whole or not there.
fn write(path: &Path, content: &[u8]) -> Result<()> {
    let aside = Aside::begin(path, Path::new(""), true)?;
    fs::write(aside.path(), content).map_err(|e| Error::writing(path, e))?;
    aside.finish()
}
