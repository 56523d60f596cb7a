//! Restoring many recordings: what is done is written down, goes on after any interruption, and is
//! done once.

mod digest;
mod film;
mod inputs;
mod manifest;
mod preset;
mod queue;
mod report;
mod show;
mod strip;
mod task;
mod worker;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use gst::prelude::*;

use crate::file::Codec;
use crate::interrupt::Interrupt;
use crate::sequence::{self, Rate};
use crate::settings::{self, Setting};
use crate::summary::counted;
use crate::{Error, Result, aside, plugin};

pub use preset::{Preset, settings as with_presets};
pub use worker::{COMMAND as WORKER, serve};

use inputs::Clip;
use manifest::{Line, Manifest, Record, State};
use queue::{Piece, Queue};
use show::Show;
use task::{Outcome, Performed, Recipes, Task, Told};
use worker::Workers;

/// How often it is looked whether a signal has come.
const TICK: Duration = Duration::from_millis(100);

/// What is to be restored, and how.
#[derive(Clone, Debug)]
pub struct Order {
    /// Files, folders, patterns, and lists of these that an `@` stands before.
    pub inputs: Vec<String>,
    /// The folder for what comes of them.
    pub out: PathBuf,
    /// Properties of the element.
    pub settings: Vec<Setting>,
    /// What pictures are coded as.
    pub codec: Codec,
    /// How many pictures of a sequence a second has, if not as many as with film.
    pub frame_rate: Option<Rate>,
    /// Whether sound that a file cannot hold is coded anew.
    pub transcode_audio: bool,
    /// Whether subtitles that a file cannot hold are left out.
    pub drop_subtitles: bool,
    /// Whether to go on with what another run has begun in the folder.
    pub resume: bool,
    /// Whether files that are not of an earlier run may be replaced.
    pub force: bool,
    /// Recordings are cut into segments that are at least so many seconds long; 0 cuts none.
    pub segments: f64,
    /// Recordings and segments at once.
    pub jobs: usize,
    /// Threads of an inference; as many as there are processors for each job where it is not said.
    pub threads: Option<u32>,
    /// What is added to the priority number of the processes.
    pub nice: i32,
    /// Whether events are written for machines.
    pub json: bool,
    /// Whether a page about the run is written.
    pub report: bool,
    /// Whether it is only shown what would be completed.
    pub dry_run: bool,
    /// Whether it is only told what would come of which recording.
    pub list: bool,
}

impl Order {
    /// The folder within that of a run for clips that show what would be completed.
    const DRY: &str = "dry-run";

    /// With what a dry run stands for: clips that anything plays, in which all that would be completed
    /// is tinted, in a folder of their own.
    #[must_use]
    pub fn unless_dry(self) -> Self {
        if !self.dry_run {
            return self;
        }
        let mut settings = self.settings;
        settings.push(Setting::new("dry-run", "true"));
        settings.push(Setting::new("overlay", "mask"));
        Self {
            out: self.out.join(Self::DRY),
            codec: Codec::X264,
            settings,
            ..self
        }
    }
}

/// What became of the clips of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Restored now.
    pub done: u64,
    /// Restored before.
    pub skipped: u64,
    /// Without an output.
    pub failed: u64,
    /// Interrupted.
    pub stopped: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            done,
            skipped,
            failed,
            stopped,
        } = self;
        write!(f, "{} restored", counted(*done, "clip"))?;
        if *skipped > 0 {
            write!(f, ", {skipped} were so before")?;
        }
        if *failed > 0 {
            write!(f, ", {failed} failed")?;
        }
        if *stopped > 0 {
            write!(f, ", {stopped} interrupted")?;
        }
        Ok(())
    }
}

/// Restores what `order` says, telling how far it is.
///
/// # Errors
/// [`Error::Batch`] if a clip failed, [`Error::Full`] if the disk is full, [`Error::Usage`] and
/// [`Error::Output`] before any work, [`Error::Interrupted`]. What was done is there and written down.
pub fn run(order: &Order, interrupt: &Interrupt) -> Result<Tally> {
    let element = plugin::element()?;
    settings::apply(&element, &order.settings)?;
    let clips = inputs::gather(&order.inputs, &order.out, order.codec)?;
    if clips.is_empty() {
        return Err(Error::Usage("no recording is there".to_owned()));
    }
    want_damage(order, &clips)?;
    if order.list {
        task::list(&clips, &Recipes::new(order)?)?;
        return Ok(Tally::default());
    }
    rustix::process::nice(order.nice)
        .map_err(|e| Error::Usage(format!("--nice {}: {e}", order.nice)))?;
    fs::create_dir_all(&order.out).map_err(|e| Error::output(&order.out, e))?;
    let opened = Manifest::open(&order.out, order.resume, interrupt)?;
    let mut manifest = opened.manifest;
    for note in &opened.notes {
        eprintln!("{note}");
    }
    remove_left_over(&manifest, &order.out);
    want_free(order, &clips, &manifest)?;

    let recipes = Recipes::new(order)?;
    let tasks = tasks(&clips, &manifest)?;
    manifest.append(Line::Run {
        time: manifest::now(),
        arguments: std::env::args().skip(1).collect(),
        versions: versions(),
    })?;
    for task in tasks.iter().filter(|task| task.before.is_none()) {
        manifest.append(Line::Clip(Box::new(task.record.clone())))?;
    }
    let mut show = Show::new(clips.iter().map(inputs::size).collect(), order.json);
    work(order, &recipes, &tasks, &mut manifest, &mut show, interrupt)
}

/// Fails where nothing says what is missing: a guess would spoil an archive.
fn want_damage(order: &Order, clips: &[Clip]) -> Result<()> {
    let says_it = |setting: &Setting| !["dry-run", "overlay"].contains(&setting.name.as_str());
    if order.settings.iter().any(says_it) {
        return Ok(());
    }
    match clips
        .iter()
        .find(|clip| clip.mask.is_none() && clip.masks.is_none())
    {
        None => Ok(()),
        Some(clip) => Err(Error::Usage(format!(
            "what is missing in {}? Say --preset or --set, or lay a mask beside it, {}",
            clip.input.display(),
            inputs::beside(&clip.input, "mask.png").display()
        ))),
    }
}

/// Removes what killed runs have left in the folder `out`.
fn remove_left_over(manifest: &Manifest, out: &Path) {
    for output in manifest.records().keys() {
        let place = out.join(output);
        let place = sequence::whole(&place);
        if let (Some(folder), Some(name)) = (place.parent(), place.file_name()) {
            aside::remove_left_over(folder, name);
        }
    }
}

/// Fails if an output is there that no run has written.
fn want_free(order: &Order, clips: &[Clip], manifest: &Manifest) -> Result<()> {
    let is_strange = |clip: &&Clip| {
        let is_ours = clip
            .output
            .to_str()
            .is_some_and(|name| manifest.record(name).is_some());
        !is_ours && sequence::whole(&order.out.join(&clip.output)).exists()
    };
    match clips.iter().find(is_strange).filter(|_| !order.force) {
        None => Ok(()),
        Some(clip) => Err(Error::output(
            order.out.join(&clip.output),
            "this file exists, and no run has written it; --force replaces it",
        )),
    }
}

/// One a clip, in their order.
fn tasks(clips: &[Clip], manifest: &Manifest) -> Result<Vec<Task>> {
    let task = |clip: &Clip| {
        let input = std::path::absolute(&clip.input).map_err(|e| Error::input(&clip.input, e))?;
        let output = clip.output.to_string_lossy().into_owned();
        Ok(Task {
            before: manifest.record(&output).cloned(),
            record: Record {
                output,
                input: input.to_string_lossy().into_owned(),
                time: manifest::now(),
                ..Record::default()
            },
            clip: Clip {
                input,
                ..clip.clone()
            },
        })
    };
    clips.iter().map(task).collect()
}

/// Does the tasks, some at once, and writes down what becomes of them.
fn work(
    order: &Order,
    recipes: &Recipes,
    tasks: &[Task],
    manifest: &mut Manifest,
    show: &mut Show,
    interrupt: &Interrupt,
) -> Result<Tally> {
    let workers = Workers::default();
    let queue = Queue::of(tasks.len());
    let mut keeper = Keeper {
        tasks,
        manifest,
        show,
        tally: Tally::default(),
    };
    let mut ended = Ok(());
    thread::scope(|scope| {
        let (sender, told) = mpsc::channel();
        for _ in 0..order.jobs {
            let (sender, workers, queue) = (sender.clone(), workers.clone(), &queue);
            scope.spawn(move || {
                // The receiver lives as long as this scope.
                let tell = |clip, told| drop(sender.send((clip, told)));
                while let Some(piece) = queue.next(&workers) {
                    let mut cut = None;
                    let (clip, over) = match piece {
                        Piece::Clip(clip) => {
                            let tell = |told| tell(clip, told);
                            match tasks[clip].perform(clip, order, recipes, &workers, &tell) {
                                Performed::Over(outcome) => (clip, Some(outcome)),
                                Performed::Cut(film) => {
                                    cut = Some(film);
                                    (clip, None)
                                }
                            }
                        }
                        Piece::Segment(film, number) => {
                            let clip = film.clip;
                            let tell = |told| tell(clip, told);
                            let hear = |event| tell(Told::Event(event));
                            let is_last = film.perform(number, &workers, &hear);
                            let finish = || tasks[clip].finish(&film, order, &workers, &tell);
                            (clip, is_last.then(finish))
                        }
                    };
                    if let Some(outcome) = over {
                        tell(clip, Told::End(Box::new(outcome)));
                    }
                    queue.done(cut);
                }
            });
        }
        drop(sender);
        loop {
            let heard = match told.recv_timeout(TICK) {
                Ok((clip, told)) => keeper.heard(clip, told),
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let heard = interrupt.check().and(heard);
            if ended.is_ok() && heard.is_err() {
                ended = heard;
                workers.stop();
            }
        }
    });
    let tally = keeper.tally;
    if let Err(error) = ended {
        keeper.show.tell(&format!("{tally}; --resume goes on"));
        return Err(error);
    }
    if order.report {
        let record = |task: &Task| keeper.manifest.record(&task.record.output);
        let records: Vec<_> = tasks.iter().filter_map(record).collect();
        report::write(&records, &order.out, &workers, interrupt)?;
    }
    match tally.failed + tally.stopped {
        0 => Ok(tally),
        _ => Err(Error::Batch(tally.to_string())),
    }
}

/// Writes down what is told.
struct Keeper<'a> {
    tasks: &'a [Task],
    manifest: &'a mut Manifest,
    show: &'a mut Show,
    tally: Tally,
}

impl Keeper<'_> {
    /// # Errors
    /// If nothing more is to be begun.
    fn heard(&mut self, clip: usize, told: Told) -> Result<()> {
        let task = &self.tasks[clip];
        match told {
            Told::Event(event) => {
                self.show.heard(clip, &task.record.output, &event);
                Ok(())
            }
            Told::Begin(record) => self.write(clip, *record),
            Told::End(outcome) => match *outcome {
                Outcome::DoneBefore(record) => {
                    self.tally.skipped += 1;
                    self.show.skip(clip, &record);
                    Ok(())
                }
                Outcome::Ended(record) => {
                    match record.state {
                        State::Done => self.tally.done += 1,
                        State::Failed => self.tally.failed += 1,
                        State::Queued | State::Running => self.tally.stopped += 1,
                    }
                    self.write(clip, record)
                }
                Outcome::Full(record) => {
                    let output = PathBuf::from(&record.output);
                    self.write(clip, record)?;
                    Err(Error::Full(output))
                }
            },
        }
    }

    fn write(&mut self, clip: usize, mut record: Record) -> Result<()> {
        record.time = manifest::now();
        self.show.state(clip, &record);
        self.manifest.append(Line::Clip(Box::new(record)))
    }
}

/// What runs.
fn versions() -> BTreeMap<String, String> {
    let plugin = gst::ElementFactory::find(plugin::ELEMENT);
    let plugin = plugin.and_then(|factory| factory.plugin());
    let plugin = plugin.map_or(String::new(), |plugin| plugin.version().to_string());
    [
        ("program", env!("CARGO_PKG_VERSION").to_owned()),
        ("plugin", plugin),
        ("gstreamer", gst::version_string().to_string()),
    ]
    .map(|(name, version)| (name.to_owned(), version))
    .into()
}
