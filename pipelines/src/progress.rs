//! How far a recording is: a bar where somebody looks on, lines elsewhere.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_video::VideoRegionOfInterestMeta;
use indicatif::{ProgressBar, ProgressStyle};

use crate::file::Audience;
use crate::{Error, Result};

/// What the types of all regions that the element marks begin with, and the type of completed faces.
const OWN: &str = "mdecomplete/";
const COMPLETED: &str = "mdecomplete/face";

/// How often a line is written where nobody looks on, after the first frame.
pub(crate) const LINES: Duration = Duration::from_secs(10);

/// What has left the element so far.
#[derive(Debug, Default)]
pub struct Counts {
    frames: AtomicU64,
    completed: AtomicU64,
    changed: AtomicU64,
    /// When the first frame plays.
    first: OnceLock<gst::ClockTime>,
    /// Nanoseconds from the first frame to the end of the last.
    position: AtomicU64,
    /// The numbers that the element has given to completed faces.
    faces: Mutex<HashSet<i32>>,
    stretches: Mutex<Vec<Stretch>>,
}

/// A part of a recording in which something was changed, in seconds from the first frame: where it
/// begins and ends. What pauses for less than a second is one.
pub type Stretch = [f64; 2];

/// Stretches are so far apart, in seconds, that the longest film has not too many of them.
const PAUSE: f64 = 1.0;

/// Adds a stretch that begins after the others, or goes on with the last.
pub(crate) fn extend(stretches: &mut Vec<Stretch>, [begin, end]: Stretch) {
    match stretches.last_mut() {
        Some([_, last]) if begin - *last < PAUSE => *last = end.max(*last),
        _ => stretches.push([begin, end]),
    }
}

impl Counts {
    /// Counts what leaves `element` from now on.
    ///
    /// # Errors
    /// If the element has no source pad.
    pub fn of(element: &gst::Element) -> Result<Arc<Self>> {
        let pad = element.static_pad("src");
        let pad = pad.ok_or_else(|| Error::Pipeline("there is no pad to count at".to_owned()))?;
        let counts = Arc::new(Self::default());
        let counted = Arc::clone(&counts);
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(buffer) = info.buffer() {
                counted.count(buffer);
            }
            gst::PadProbeReturn::Ok
        });
        Ok(counts)
    }

    fn count(&self, buffer: &gst::BufferRef) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        let time = buffer.pts().unwrap_or_default();
        let since_first = time.saturating_sub(*self.first.get_or_init(|| time));
        let end = since_first + buffer.duration().unwrap_or_default();
        self.position.fetch_max(end.nseconds(), Ordering::Relaxed);
        let regions = || buffer.iter_meta::<VideoRegionOfInterestMeta>();
        if regions().any(|meta| meta.roi_type().starts_with(OWN)) {
            self.changed.fetch_add(1, Ordering::Relaxed);
            let seconds = |time: gst::ClockTime| time.nseconds() as f64 / 1e9;
            let mut stretches = (self.stretches.lock()).unwrap_or_else(PoisonError::into_inner);
            extend(&mut stretches, [seconds(since_first), seconds(end)]);
        }
        let faces = regions().filter(|meta| meta.roi_type() == COMPLETED);
        let mut faces = faces.map(|meta| meta.id()).peekable();
        if faces.peek().is_some() {
            self.completed.fetch_add(1, Ordering::Relaxed);
            let mut known = self.faces.lock().unwrap_or_else(PoisonError::into_inner);
            known.extend(faces);
        }
    }

    /// Where something was changed, in order.
    pub fn stretches(&self) -> Vec<Stretch> {
        let stretches = self.stretches.lock();
        stretches.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Frames that came through.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Frames in which anything was changed, or is to be where nothing is painted.
    pub fn changed(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }

    /// Frames in which a face was completed.
    pub fn completed(&self) -> u64 {
        self.completed.load(Ordering::Relaxed)
    }

    /// Different faces that were completed.
    pub fn faces(&self) -> usize {
        let faces = self.faces.lock().unwrap_or_else(PoisonError::into_inner);
        faces.len()
    }

    /// How much of the recording is through.
    pub fn position(&self) -> Duration {
        Duration::from_nanos(self.position.load(Ordering::Relaxed))
    }
}

/// Tells on standard error.
#[derive(Debug, Default)]
pub struct Terminal(Option<Progress>);

impl Audience for Terminal {
    fn begin(&mut self, name: String, counts: Arc<Counts>, duration: Option<Duration>) {
        self.0 = Some(Progress::new(name, counts, duration));
    }

    fn note(&mut self, text: &str) {
        match &self.0 {
            Some(progress) => progress.bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    fn tick(&mut self) -> u64 {
        self.0.as_mut().map_or(0, Progress::show)
    }
}

/// Tells how far a recording is on standard error, until it is dropped.
#[derive(Debug)]
struct Progress {
    counts: Arc<Counts>,
    duration: Option<Duration>,
    bar: ProgressBar,
    start: Instant,
    /// When a line was written last.
    line: Option<Instant>,
}

impl Progress {
    /// Of a recording that lasts `duration`, called `name`.
    fn new(name: String, counts: Arc<Counts>, duration: Option<Duration>) -> Self {
        let bar = match duration {
            Some(duration) => ProgressBar::new(millis(duration)),
            None => ProgressBar::new_spinner(),
        };
        let template = match duration {
            Some(_) => "{prefix} {bar:30} {percent:>3} %, {msg}",
            None => "{prefix} {spinner} {msg}",
        };
        // The template is right, as a test proves.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(name);
        Self {
            counts,
            duration,
            bar,
            start: Instant::now(),
            line: None,
        }
    }

    /// Shows how far it is; gives the number of frames.
    fn show(&mut self) -> u64 {
        let frames = self.counts.frames();
        let position = self.counts.position();
        let spent = self.start.elapsed();
        self.bar.set_position(millis(position));
        self.bar
            .set_message(pace(frames, position, spent, self.duration));
        let is_due = self.line.is_none_or(|line| line.elapsed() >= LINES);
        if self.bar.is_hidden() && frames > 0 && is_due {
            self.line = Some(Instant::now());
            let share = self.duration.map_or(String::new(), |whole| {
                let share = position.as_secs_f64() / whole.as_secs_f64().max(1e-9);
                format!(" {:.0} %,", 100.0 * share.min(1.0))
            });
            let (name, pace) = (self.bar.prefix(), self.bar.message());
            eprintln!("{name}:{share} {pace}");
        }
        frames
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Speed and time left, after `spent` for `frames` frames, up to `position` of `whole`.
fn pace(frames: u64, position: Duration, spent: Duration, whole: Option<Duration>) -> String {
    if frames == 0 {
        return "starting".to_owned();
    }
    let rate = frames as f64 / spent.as_secs_f64().max(1e-3);
    let speed = position.as_secs_f64() / spent.as_secs_f64().max(1e-3);
    let left = whole
        .filter(|_| speed > 0.0)
        .map(|whole| whole.saturating_sub(position).as_secs_f64() / speed);
    let left = left.map_or(String::new(), |left| format!(", {} left", clock(left)));
    format!("{rate:.1} frames/s, {speed:.2} times as fast as it plays{left}")
}

/// Seconds as h:mm:ss or m:ss.
pub(crate) fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pauses_shortly_is_one_stretch() {
        let mut stretches = Vec::new();
        for part in [[0.0, 0.1], [0.1, 0.2], [0.9, 1.0], [2.5, 2.6]] {
            extend(&mut stretches, part);
        }
        assert_eq!(stretches, [[0.0, 1.0], [2.5, 2.6]]);
    }

    #[test]
    fn the_time_left_follows_the_pace() {
        let seconds = Duration::from_secs;
        let told = pace(100, seconds(10), seconds(20), Some(seconds(130)));
        assert_eq!(
            told,
            "5.0 frames/s, 0.50 times as fast as it plays, 4:00 left"
        );
        assert_eq!(pace(0, seconds(0), seconds(3), None), "starting");
        assert_eq!(clock(3725.2), "1:02:05");
    }
}
