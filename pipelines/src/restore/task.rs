//! What is done for one clip.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use gst::prelude::*;
use serde::Serialize;

use super::Order;
use super::digest;
use super::film::{self, Failure, Film};
use super::inputs::Clip;
use super::manifest::{Figures, Recipe, Record, State};
use super::show;
use super::worker::{self, Cause, Event, Workers};
use crate::file::Job;
use crate::segments::Segment;
use crate::sequence::{self, Pattern, Rate};
use crate::settings::{self, Setting};
use crate::{Error, Result, aside, plugin};

/// A clip to restore.
#[derive(Clone, Debug)]
pub struct Task {
    /// The recording and what comes of it.
    pub clip: Clip,
    /// What an earlier run has written down.
    pub before: Option<Record>,
    /// As it is now.
    pub record: Record,
}

/// What is told while tasks are performed.
#[derive(Clone, Debug)]
pub enum Told {
    /// A worker begins.
    Begin(Box<Record>),
    /// The worker says something.
    Event(Event),
    /// The task is over.
    End(Box<Outcome>),
}

/// What became of a task.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// An earlier run has done it.
    DoneBefore(Record),
    /// It came to this state.
    Ended(Record),
    /// The disk is full.
    Full(Record),
}

/// What came of beginning a task.
#[derive(Debug)]
pub enum Performed {
    /// It is over.
    Over(Outcome),
    /// Its segments are to be done, and then joined by [`Task::finish`].
    Cut(Film),
}

/// What a worker is to do as a whole.
struct Whole {
    record: Record,
    job: Job,
    unless_cut: Option<f64>,
}

/// What came of that.
enum Completed {
    Over(Box<Outcome>),
    /// It can be cut, and plays for so many seconds.
    Cut(Vec<Segment>, Option<f64>),
}

/// What all tasks have in common of what they are made from.
#[derive(Clone, Debug)]
pub struct Recipes {
    settings: BTreeMap<String, String>,
    /// Of sequences.
    frame_rate: Rate,
    model_sha256: String,
}

impl Recipes {
    /// Of `order`.
    ///
    /// # Errors
    /// If a file that it names cannot be read, or there is no plug-in.
    pub fn new(order: &Order) -> Result<Self> {
        let mut settings = described(&order.settings)?;
        let codec = serde_json::to_value(order.codec).ok();
        let codec = codec.and_then(|codec| Some(codec.as_str()?.to_owned()));
        settings.insert("codec".to_owned(), codec.unwrap_or_default());
        settings.insert("segments".to_owned(), order.segments.to_string());
        for (name, is_on) in [
            ("transcode-audio", order.transcode_audio),
            ("drop-subtitles", order.drop_subtitles),
        ] {
            if is_on {
                settings.insert(name.to_owned(), "true".to_owned());
            }
        }
        let own = order
            .settings
            .iter()
            .rfind(|setting| setting.name == "model-file");
        let model = match own {
            Some(setting) => PathBuf::from(&setting.value),
            None => plugin_file()?,
        };
        Ok(Self {
            settings,
            frame_rate: order.frame_rate.unwrap_or_default(),
            model_sha256: digest::of_file(&model).map_err(|e| Error::input(&model, e))?,
        })
    }

    /// All settings for `clip`, files by what is in them.
    fn settings_of(&self, clip: &Clip) -> Result<BTreeMap<String, String>> {
        let mut settings = self.settings.clone();
        if Pattern::of(&clip.input).is_some() {
            settings.insert("frame-rate".to_owned(), self.frame_rate.to_string());
        }
        settings.extend(described(&own(clip))?);
        if let Some(masks) = &clip.masks {
            let digest = digest::of_folder(masks).map_err(|e| Error::input(masks, e))?;
            settings.insert("masks".to_owned(), format!("sha256:{digest}"));
        }
        Ok(settings)
    }

    fn of(&self, clip: &Clip) -> Result<Recipe> {
        let input = &clip.input;
        Ok(Recipe {
            input_sha256: digest::of(input)
                .map_err(|e| Error::input(input, format!("cannot be read: {e}")))?,
            settings: self.settings_of(clip)?,
            model_sha256: self.model_sha256.clone(),
        })
    }
}

/// A recording that would be restored, for machines.
#[derive(Serialize)]
struct Listed<'a> {
    record: &'static str,
    output: &'a Path,
    input: &'a Path,
    /// As the clip's recipe will have them.
    settings: BTreeMap<String, String>,
    model_sha256: &'a str,
}

/// Writes what would come of `clips` to standard output, a line of JSON for each.
///
/// # Errors
/// If a mask cannot be read.
pub fn list(clips: &[Clip], recipes: &Recipes) -> Result<()> {
    for clip in clips {
        show::print(&Listed {
            record: "listed",
            output: &clip.output,
            input: &clip.input,
            settings: recipes.settings_of(clip)?,
            model_sha256: &recipes.model_sha256,
        });
    }
    Ok(())
}

/// Of which file the generator is, if the user names none: it is built in.
fn plugin_file() -> Result<PathBuf> {
    let factory = gst::ElementFactory::find(plugin::ELEMENT);
    let plugin = factory.and_then(|factory| factory.plugin());
    let file = plugin.and_then(|plugin| plugin.filename());
    file.ok_or_else(|| Error::Pipeline("the plug-in has no file".to_owned()))
}

/// Settings for a manifest: files by what is in them.
fn described(settings: &[Setting]) -> Result<BTreeMap<String, String>> {
    let described = |Setting { name, value }: &Setting| {
        let path = Path::new(value);
        let value = match path.is_file() {
            true => {
                let digest = digest::of_file(path).map_err(|e| Error::input(path, e))?;
                format!("sha256:{digest}")
            }
            false => value.clone(),
        };
        Ok((name.clone(), value))
    };
    settings.iter().map(described).collect()
}

/// What is set for one clip.
fn own(clip: &Clip) -> Vec<Setting> {
    let mask = clip.mask.as_ref();
    let setting = |mask: &PathBuf| Setting::new("mask-file", &mask.to_string_lossy());
    mask.map(setting).into_iter().collect()
}

impl Task {
    /// Does it, unless it is done or is cut, telling `tell` how far it is; it is the clip `number`.
    pub fn perform(
        &self,
        number: usize,
        order: &Order,
        recipes: &Recipes,
        workers: &Workers,
        tell: &dyn Fn(Told),
    ) -> Performed {
        let prepared = self.check().and_then(|()| {
            let recipe = recipes.of(&self.clip)?;
            Ok((self.is_done(&recipe, order)?, recipe))
        });
        let outcome = match prepared {
            Ok((Some(record), _)) => {
                // The run may have been killed before it could.
                film::remove(&order.out.join(&self.clip.output));
                Outcome::DoneBefore(record)
            }
            Ok((None, recipe)) => return self.restore(number, recipe, order, workers, tell),
            Err(error) => self.ended(State::Failed, Some(error.to_string())),
        };
        Performed::Over(outcome)
    }

    /// Fails for what cannot be written down or is not understood.
    fn check(&self) -> Result<()> {
        let Clip { input, output, .. } = &self.clip;
        let is_text = |path: &Path| path.to_str().is_some();
        if !is_text(input) || !is_text(output) {
            return Err(Error::input(input, "its name is not UTF-8; rename it"));
        }
        match Pattern::of(input) {
            // That they are there was found out when they were looked for.
            Some(_) => Ok(()),
            None => aside::want_file(input),
        }
    }

    /// What an earlier run has written down, if what it made of the same is there.
    ///
    /// # Errors
    /// [`Error::Output`] if a file is there that is not to be replaced.
    fn is_done(&self, recipe: &Recipe, order: &Order) -> Result<Option<Record>> {
        let output = order.out.join(&self.clip.output);
        let before = self
            .before
            .as_ref()
            .filter(|before| before.state == State::Done);
        let Some(before) = before else {
            return Ok(None);
        };
        let there = digest::of(&output).ok();
        if there.is_some() && there != before.output_sha256 && !order.force {
            let reason = "this file was changed since it was written; --force replaces it";
            return Err(Error::output(output, reason));
        }
        let made = before.recipe.as_ref();
        let is_other = made.is_none_or(|made| made.input_sha256 != recipe.input_sha256)
            && before.input != self.record.input;
        if there.is_some() && is_other && !order.force {
            let reason = format!("this file came of {}; --force replaces it", before.input);
            return Err(Error::output(output, reason));
        }
        let is_done = there == before.output_sha256 && made == Some(recipe);
        Ok(is_done.then(|| before.clone()))
    }

    fn restore(
        &self,
        number: usize,
        recipe: Recipe,
        order: &Order,
        workers: &Workers,
        tell: &dyn Fn(Told),
    ) -> Performed {
        let output = order.out.join(&self.clip.output);
        let job = self.job(&recipe, order);
        let record = self.running(recipe.clone());
        tell(Told::Begin(Box::new(record.clone())));
        if let Some(folder) = sequence::whole(&output).parent()
            && let Err(e) = fs::create_dir_all(folder)
        {
            let reason = Error::output(folder, e).to_string();
            return Performed::Over(self.ended(State::Failed, Some(reason)));
        }
        let whole = Whole {
            record,
            job,
            unless_cut: Some(order.segments),
        };
        let (segments, duration) = match self.complete(whole, workers, tell) {
            Completed::Over(outcome) => return Performed::Over(*outcome),
            Completed::Cut(segments, duration) => (segments, duration),
        };
        tell(Told::Event(Event::Begin { duration }));
        let job = self.job(&recipe, order);
        match Film::open(number, job, recipe, segments, duration) {
            Ok(film) => Performed::Cut(film),
            Err(error) => Performed::Over(self.failed(error.to_string(), Cause::from(&error))),
        }
    }

    fn running(&self, recipe: Recipe) -> Record {
        Record {
            state: State::Running,
            recipe: Some(recipe),
            ..self.record.clone()
        }
    }

    /// Lets a worker do all of it.
    fn complete(&self, whole: Whole, workers: &Workers, tell: &dyn Fn(Told)) -> Completed {
        let start = Instant::now();
        let Whole {
            mut record,
            job,
            unless_cut,
        } = whole;
        let mut figures = Figures::default();
        let output = job.output.clone();
        let complete = worker::Order::Complete {
            job: Box::new(job),
            unless_cut,
        };
        let end = workers.run(&complete, |event| {
            match &event {
                Event::Begin { duration } => figures.duration = *duration,
                Event::Note { text } => record.notes.push(text.clone()),
                _ => {}
            }
            tell(Told::Event(event));
        });
        match end {
            Event::Cut { segments, duration } => Completed::Cut(segments, duration),
            Event::Done { summary } => {
                figures.summary = summary;
                figures.seconds = start.elapsed().as_secs_f64();
                Completed::Over(Box::new(self.done(record, figures, &output)))
            }
            Event::Failed { reason, cause } => {
                Completed::Over(Box::new(self.failed(reason, cause)))
            }
            _ => {
                let reason = "the worker has no end".to_owned();
                Completed::Over(Box::new(self.failed(reason, Cause::Clip)))
            }
        }
    }

    /// Joins the segments of `film`, which are all over; where they do not make a whole, all is done again
    /// as one.
    pub fn finish(
        &self,
        film: &Film,
        order: &Order,
        workers: &Workers,
        tell: &dyn Fn(Told),
    ) -> Outcome {
        let mut record = self.running(film.recipe.clone());
        let output = order.out.join(&self.clip.output);
        match film.join(workers) {
            Ok((summary, notes)) => {
                record.notes = notes;
                let figures = Figures {
                    summary,
                    seconds: film.seconds(),
                    duration: film.duration,
                };
                self.done(record, figures, &output)
            }
            Err(Failure {
                reason,
                cause: Cause::Clip,
            }) => {
                let text = format!("it is restored as one, because in segments {reason}");
                record.notes.push(text.clone());
                tell(Told::Event(Event::Note { text }));
                film::remove(&output);
                let whole = Whole {
                    record,
                    job: self.job(&film.recipe, order),
                    unless_cut: None,
                };
                match self.complete(whole, workers, tell) {
                    Completed::Over(outcome) => *outcome,
                    Completed::Cut(..) => self.failed("it was cut again".to_owned(), Cause::Clip),
                }
            }
            Err(Failure { reason, cause }) => self.failed(reason, cause),
        }
    }

    /// The outcome where `output` is there.
    fn done(&self, mut record: Record, figures: Figures, output: &Path) -> Outcome {
        match digest::of(output) {
            Ok(digest) => {
                record.state = State::Done;
                record.figures = Some(figures);
                record.output_sha256 = Some(digest);
                Outcome::Ended(record)
            }
            Err(e) => self.failed(Error::output(output, e).to_string(), Cause::Clip),
        }
    }

    fn failed(&self, reason: String, cause: Cause) -> Outcome {
        match cause {
            Cause::Full => Outcome::Full(self.record.clone()),
            Cause::Stopped => self.ended(State::Queued, None),
            Cause::Clip => self.ended(State::Failed, Some(reason)),
        }
    }

    /// The order for a worker.
    fn job(&self, recipe: &Recipe, order: &Order) -> Job {
        let mut all = order.settings.clone();
        all.extend(own(&self.clip));
        // What is measured at the start would decide otherwise on another day.
        let threads = order
            .threads
            .unwrap_or_else(|| share_of_threads(order.jobs));
        for (name, value) in [
            ("calibrate", "false"),
            ("num-threads", &threads.to_string()),
        ] {
            if !settings::has(&all, name) {
                all.push(Setting::new(name, value));
            }
        }
        let identity = serde_json::to_string(recipe).unwrap_or_default();
        Job {
            input: self.clip.input.clone(),
            frame_rate: order.frame_rate,
            output: order.out.join(&self.clip.output),
            settings: all,
            masks: self.clip.masks.clone(),
            region: None,
            codec: Some(order.codec),
            transcode_audio: order.transcode_audio,
            drop_subtitles: order.drop_subtitles,
            // Whether a file may be replaced is decided.
            force: true,
            seed: Some(digest::number(&identity)),
        }
    }

    fn ended(&self, state: State, reason: Option<String>) -> Outcome {
        Outcome::Ended(Record {
            state,
            reason,
            ..self.record.clone()
        })
    }
}

/// Threads for each of `jobs`, such that all together have one a processor.
fn share_of_threads(jobs: usize) -> u32 {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(all / jobs.max(1)).unwrap_or(1).max(1)
}
