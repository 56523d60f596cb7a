//! One recording in a process of its own.
//!
//! Decoders meet damaged files, and a crash of one takes its process with it: so each clip has one,
//! and the run goes on with the next. It costs the start of the process and of the model, a second or
//! two a clip. The order goes to the worker as a line on its standard input, and events come back as
//! lines on its standard output. A worker whose standard input ends stops and cleans up: that is how
//! it is stopped, and what it sees of a run that was killed.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::strip;
use crate::file::{self, Audience, Job};
use crate::interrupt::Interrupt;
use crate::progress::Counts;
use crate::segments::Segment;
use crate::summary::Summary;
use crate::{Error, Result, plugin};

/// The hidden sub-command that makes the program a worker.
pub const COMMAND: &str = "restore-one";

/// How often a worker tells how far it is.
const PACE: Duration = Duration::from_millis(200);

/// What a worker is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "lowercase")]
pub enum Order {
    /// Complete a recording.
    Complete {
        /// The recording and what comes of it.
        job: Box<Job>,
        /// Not where it can be cut into segments that are at least so many seconds long.
        unless_cut: Option<f64>,
    },
    /// Complete a segment of a recording.
    Segment {
        /// The recording and what comes of it.
        job: Box<Job>,
        /// The segment.
        segment: Segment,
        /// The file to write.
        part: PathBuf,
    },
    /// Make one of all segments of a recording.
    Join {
        /// The recording and what comes of it.
        job: Box<Job>,
        /// What was made of the segments, in order.
        parts: Vec<PathBuf>,
    },
    /// Show pictures of a recording.
    Show {
        /// The recording.
        file: PathBuf,
        /// Seconds from its start.
        moments: Vec<f64>,
        /// How many seconds it plays.
        duration: f64,
    },
}

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// The recording is understood.
    Begin {
        /// How many seconds it plays, where that is known.
        duration: Option<f64>,
    },
    /// How far it is.
    Progress {
        /// Frames that came through.
        frames: u64,
        /// Seconds of the recording that are through.
        position: f64,
    },
    /// Something that a user is to know.
    Note {
        /// In words.
        text: String,
    },
    /// It can be cut, and nothing was done.
    Cut {
        /// Into these.
        segments: Vec<Segment>,
        /// How many seconds it plays, where that is known.
        duration: Option<f64>,
    },
    /// The output is there.
    Done {
        /// What was done.
        summary: Summary,
    },
    /// What was to be shown.
    Shown {
        /// JPEG files in base64.
        pictures: Vec<String>,
    },
    /// There is no output.
    Failed {
        /// In words.
        reason: String,
        /// What else would fail too.
        cause: Cause,
    },
}

impl Event {
    /// Whether nothing comes after it.
    fn is_end(&self) -> bool {
        matches!(
            self,
            Self::Cut { .. } | Self::Done { .. } | Self::Shown { .. } | Self::Failed { .. }
        )
    }
}

/// Why a worker failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// This recording, or what it was to become.
    Clip,
    /// The disk, which is full for all others too.
    Full,
    /// It was asked to stop.
    Stopped,
}

impl From<&Error> for Cause {
    fn from(error: &Error) -> Self {
        match error {
            Error::Full(_) => Self::Full,
            Error::Interrupted(_) => Self::Stopped,
            _ => Self::Clip,
        }
    }
}

/// Is a worker: takes an order, tells of it and gives its end.
///
/// # Errors
/// As [`file::run`], after having told of it; [`Error::Usage`] where nobody gives an order.
pub fn serve(interrupt: &Interrupt) -> Result<()> {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    let order = read.ok().and_then(|_| serde_json::from_str(&line).ok());
    let order: Order = order.ok_or_else(|| {
        Error::Usage("this is for 'mdecomplete restore', which gives an order to it".to_owned())
    })?;
    let orphaned = interrupt.clone();
    let listening = thread::Builder::new()
        .name("orders".to_owned())
        .spawn(move || {
            // Whatever comes, or an error, is no reason to go on.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            orphaned.tell(SIGTERM);
        });
    listening.map_err(|e| Error::Pipeline(format!("there is no thread: {e}")))?;
    let done = plugin::load().and_then(|()| match order {
        Order::Complete { job, unless_cut } => {
            let length = unless_cut.and_then(|length| Duration::try_from_secs_f64(length).ok());
            if let Some(length) = length {
                let (segments, duration) = file::cut(&job, length, interrupt)?;
                if !segments.is_empty() {
                    let duration = duration.map(|duration| duration.as_secs_f64());
                    return Ok(Event::Cut { segments, duration });
                }
            }
            let summary = file::run(&job, interrupt, &mut Teller::default())?;
            Ok(Event::Done { summary })
        }
        Order::Segment { job, segment, part } => {
            let summary = file::segment(&job, &segment, &part, interrupt, &mut Teller::default())?;
            Ok(Event::Done { summary })
        }
        Order::Join { job, parts } => {
            file::join(&job, parts, interrupt, &mut Teller::default())?;
            let summary = Summary::default();
            Ok(Event::Done { summary })
        }
        Order::Show {
            file,
            moments,
            duration,
        } => {
            let pictures = strip::of(&file, &moments, duration)?;
            Ok(Event::Shown { pictures })
        }
    });
    match done {
        Ok(event) => {
            tell(&event);
            Ok(())
        }
        Err(error) => {
            tell(&Event::Failed {
                reason: error.to_string(),
                cause: Cause::from(&error),
            });
            Err(error)
        }
    }
}

/// Tells of an event, if somebody listens.
fn tell(event: &Event) {
    if let Ok(mut line) = serde_json::to_vec(event) {
        line.push(b'\n');
        let _ = std::io::stdout().write_all(&line);
    }
}

/// Tells the run how far a recording is.
#[derive(Default)]
struct Teller {
    counts: Option<Arc<Counts>>,
    last: Option<Instant>,
}

impl Audience for Teller {
    fn begin(&mut self, _name: String, counts: Arc<Counts>, duration: Option<Duration>) {
        self.counts = Some(counts);
        let duration = duration.map(|duration| duration.as_secs_f64());
        tell(&Event::Begin { duration });
    }

    fn note(&mut self, text: &str) {
        let text = text.to_owned();
        tell(&Event::Note { text });
    }

    fn tick(&mut self) -> u64 {
        let Some(counts) = &self.counts else {
            return 0;
        };
        let frames = counts.frames();
        if self.last.is_none_or(|last| last.elapsed() >= PACE) {
            self.last = Some(Instant::now());
            let position = counts.position().as_secs_f64();
            tell(&Event::Progress { frames, position });
        }
        frames
    }
}

/// The workers that run, to be stopped.
#[derive(Clone, Debug, Default)]
pub struct Workers(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_stopped: bool,
    /// By process.
    orders: HashMap<u32, ChildStdin>,
}

impl Workers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all stop and clean up; there will be no others.
    pub fn stop(&self) {
        let mut state = self.state();
        state.is_stopped = true;
        state.orders.clear();
    }

    /// Whether there will be no others.
    pub fn are_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// Pictures of the recording or sequence `file`, which plays for `duration` seconds, at `moments`, in
    /// seconds.
    ///
    /// # Errors
    /// Why there are none.
    pub fn pictures(
        &self,
        file: &Path,
        moments: &[f64],
        duration: f64,
    ) -> std::result::Result<Vec<String>, String> {
        let order = Order::Show {
            file: file.to_owned(),
            moments: moments.to_owned(),
            duration,
        };
        match self.run(&order, |_| {}) {
            Event::Shown { pictures } => Ok(pictures),
            Event::Failed { reason, .. } => Err(reason),
            _ => Err("the worker showed nothing".to_owned()),
        }
    }

    /// Lets a worker do what `order` says; `hear` is told what happens before the end, which is given
    /// back: an [`Event::Cut`], [`Event::Done`], [`Event::Shown`] or [`Event::Failed`].
    pub fn run(&self, order: &Order, mut hear: impl FnMut(Event)) -> Event {
        let failed = |reason: String| Event::Failed {
            reason,
            cause: Cause::Clip,
        };
        let stopped = || Event::Failed {
            reason: "it was stopped".to_owned(),
            cause: Cause::Stopped,
        };
        // This program itself, even where it is replaced by a newer one during the night.
        let started = Command::new("/proc/self/exe")
            .arg0("mdecomplete")
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(e) => return failed(format!("no worker can be started: {e}")),
        };
        let (orders, events, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let last_words = thread::spawn(move || errors.map_or_else(String::new, last_words));
        if let Some(mut orders) = orders {
            let line = serde_json::to_vec(order).unwrap_or_default();
            // A worker that has died says so by its end.
            let _ = orders
                .write_all(&line)
                .and_then(|()| orders.write_all(b"\n"));
            let mut state = self.state();
            if !state.is_stopped {
                state.orders.insert(child.id(), orders);
            }
        }
        let mut end = None;
        let lines = events.map(|events| BufReader::new(events).split(b'\n'));
        for line in lines
            .into_iter()
            .flatten()
            .map_while(std::result::Result::ok)
        {
            // Libraries may write there too.
            match serde_json::from_slice::<Event>(&line) {
                Ok(event) if event.is_end() => end = Some(event),
                Ok(event) => hear(event),
                Err(_) => {}
            }
        }
        let status = child.wait();
        self.state().orders.remove(&child.id());
        let last_words = last_words.join().unwrap_or_default();
        match (end, status) {
            (Some(event), _) => event,
            (None, _) if self.are_stopped() => stopped(),
            // A terminal sends signals to all processes, also to those that do not listen yet.
            (None, Ok(status)) if is_asked_to_stop(status) => stopped(),
            (None, Ok(status)) => failed(format!(
                "the worker died of {}{}",
                death(status),
                match last_words.is_empty() {
                    true => String::new(),
                    false => format!(": {last_words}"),
                }
            )),
            (None, Err(e)) => failed(format!("the worker is lost: {e}")),
        }
    }
}

/// The last line of what a worker writes for people.
fn last_words(errors: impl Read) -> String {
    let lines = BufReader::new(errors).split(b'\n');
    let lines = lines.map_while(std::result::Result::ok);
    let last = lines.filter(|line| !line.is_empty()).last();
    String::from_utf8_lossy(&last.unwrap_or_default()).into_owned()
}

/// Whether a process died of a signal that asks it to.
fn is_asked_to_stop(status: ExitStatus) -> bool {
    status
        .signal()
        .is_some_and(|signal| [SIGHUP, SIGINT, SIGTERM].contains(&signal))
}

/// What a process died of.
fn death(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => {
            let name = signal_hook::low_level::signal_name(signal);
            format!("signal {signal} ({})", name.unwrap_or("unknown"))
        }
        None => status.to_string(),
    }
}
