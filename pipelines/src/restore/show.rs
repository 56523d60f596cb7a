//! How far a run is: bars where somebody looks on, lines elsewhere, JSON for machines.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::manifest::{Line, Record, State};
use super::worker::Event;
use crate::progress::{LINES, Stretch, clock};
use crate::summary::Summary;

/// How many parts a bar has.
const PARTS: u64 = 1000;

/// Tells how far a run is.
#[derive(Debug)]
pub struct Show {
    way: Way,
    start: Instant,
    /// Bytes of each clip's recording, the measure of the work.
    sizes: Vec<u64>,
    /// Of each clip, what share is done, 0 to 1.
    shares: Vec<f64>,
    /// Clips that were done before, which cost nothing.
    free: u64,
    running: HashMap<usize, Running>,
    ended: usize,
}

#[derive(Debug)]
enum Way {
    Bars {
        all: MultiProgress,
        overall: ProgressBar,
    },
    Lines {
        last: Instant,
    },
    Json,
}

#[derive(Debug)]
struct Running {
    duration: Option<f64>,
    bar: Option<ProgressBar>,
    /// When machines were told last how far it is.
    told: Option<Instant>,
}

/// How far a clip is, for machines.
#[derive(Serialize)]
struct Progress<'a> {
    record: &'static str,
    output: &'a str,
    frames: u64,
    position: f64,
    duration: Option<f64>,
    /// Of the whole run.
    overall: f64,
    /// Of the whole run, in seconds.
    left: Option<f64>,
}

impl Show {
    /// Of clips whose recordings have `sizes` bytes.
    pub fn new(sizes: Vec<u64>, is_json: bool) -> Self {
        let all = MultiProgress::new();
        let last = Instant::now();
        let way = if is_json {
            Way::Json
        } else if all.is_hidden() {
            Way::Lines { last }
        } else {
            let overall = all.add(ProgressBar::new(PARTS));
            style(&overall, "{prefix} {bar:30} {percent:>3} % {msg}");
            Way::Bars { all, overall }
        };
        Self {
            way,
            start: last,
            shares: vec![0.0; sizes.len()],
            sizes,
            free: 0,
            running: HashMap::new(),
            ended: 0,
        }
    }

    /// A clip has come to another state.
    pub fn state(&mut self, clip: usize, record: &Record) {
        match record.state {
            State::Running => self.begin(clip, &record.output),
            State::Done | State::Failed => {
                self.shares[clip] = 1.0;
                if let Some(figures) = &record.figures {
                    let whole = figures.duration.unwrap_or_default();
                    self.print_progress(clip, &record.output, figures.summary.frames, whole);
                }
                self.end(clip);
                let told = told(record);
                self.tell(&format!("[{}/{}] {told}", self.ended, self.sizes.len()));
            }
            State::Queued => self.end(clip),
        }
        if matches!(self.way, Way::Json) {
            print(&Line::Clip(Box::new(record.clone())));
        }
        self.overall();
    }

    /// A clip was done before.
    pub fn skip(&mut self, clip: usize, record: &Record) {
        self.shares[clip] = 1.0;
        self.free += self.sizes[clip];
        self.ended += 1;
        if matches!(self.way, Way::Json) {
            print(&serde_json::json!({ "record": "skipped", "output": record.output }));
        }
        self.overall();
    }

    /// A worker says how far `clip`, which becomes `output`, is.
    pub fn heard(&mut self, clip: usize, output: &str, event: &Event) {
        match event {
            Event::Begin { duration } => {
                if let Some(running) = self.running.get_mut(&clip) {
                    running.duration = *duration;
                }
            }
            Event::Progress { frames, position } => self.advance(clip, output, *frames, *position),
            Event::Note { text } => self.tell(&format!("{output}: {text}")),
            Event::Cut { .. } | Event::Done { .. } | Event::Shown { .. } | Event::Failed { .. } => {
            }
        }
    }

    /// Tells of something, without disturbing bars.
    pub fn tell(&self, text: &str) {
        match &self.way {
            // Bars and standard error are one terminal.
            Way::Bars { all, .. } => all.suspend(|| eprintln!("{text}")),
            Way::Lines { .. } => eprintln!("{text}"),
            Way::Json => {}
        }
    }

    fn begin(&mut self, clip: usize, output: &str) {
        let bar = match &self.way {
            Way::Bars { all, overall } => {
                let bar = all.insert_before(overall, ProgressBar::new(PARTS));
                style(&bar, "{prefix} {bar:30} {percent:>3} %, {msg}");
                bar.set_prefix(output.to_owned());
                bar.set_message("starting");
                Some(bar)
            }
            _ => None,
        };
        let running = Running {
            duration: None,
            bar,
            told: None,
        };
        self.running.insert(clip, running);
    }

    fn end(&mut self, clip: usize) {
        let running = self.running.remove(&clip);
        if let Some(bar) = running.and_then(|running| running.bar) {
            bar.finish_and_clear();
        }
        self.ended += usize::from(self.shares[clip] >= 1.0);
    }

    fn advance(&mut self, clip: usize, output: &str, frames: u64, position: f64) {
        let Some(running) = self.running.get(&clip) else {
            return;
        };
        let duration = running.duration;
        let share = duration.map_or(0.0, |whole| (position / whole.max(1e-9)).min(1.0));
        self.shares[clip] = share.min(0.999);
        if let Some(bar) = &running.bar {
            bar.set_position((share * PARTS as f64) as u64);
            bar.set_message(format!("{frames} frames"));
        }
        self.overall();
        self.print_progress(clip, output, frames, position);
    }

    /// Tells machines how far a clip is: at its begin, each second, and at its end.
    fn print_progress(&mut self, clip: usize, output: &str, frames: u64, position: f64) {
        const PACE: Duration = Duration::from_secs(1);
        let (overall, left) = (self.share(), self.left());
        let is_over = self.shares[clip] >= 1.0;
        if let (Way::Json, Some(running)) = (&self.way, self.running.get_mut(&clip))
            && (is_over || running.told.is_none_or(|told| told.elapsed() >= PACE))
        {
            running.told = Some(Instant::now());
            print(&Progress {
                record: "progress",
                output,
                frames,
                position,
                duration: running.duration,
                overall,
                left,
            });
        }
    }

    /// Shows how far all of it is.
    fn overall(&mut self) {
        let share = self.share();
        let left = self.left();
        let left = left.map_or(String::new(), |left| format!(", {} left", clock(left)));
        let clips = format!("{} of {} clips", self.ended, self.sizes.len());
        match &mut self.way {
            Way::Bars { overall, .. } => {
                overall.set_prefix(clips);
                overall.set_position((share * PARTS as f64) as u64);
                overall.set_message(left);
            }
            Way::Lines { last } if last.elapsed() >= LINES => {
                *last = Instant::now();
                eprintln!("{clips}, {:.0} %{left}", 100.0 * share);
            }
            Way::Lines { .. } | Way::Json => {}
        }
    }

    fn done(&self) -> f64 {
        let parts = self.sizes.iter().zip(&self.shares);
        parts.map(|(size, share)| *size as f64 * share).sum()
    }

    fn share(&self) -> f64 {
        let whole: u64 = self.sizes.iter().sum();
        (self.done() / (whole as f64).max(1.0)).min(1.0)
    }

    /// Seconds that the rest will take, as what was done now took.
    fn left(&self) -> Option<f64> {
        let free = self.free as f64;
        let done = self.done() - free;
        let whole: u64 = self.sizes.iter().sum();
        let rest = whole as f64 - free - done;
        // Of the first moments nothing follows.
        (done > 0.01 * (done + rest)).then(|| self.start.elapsed().as_secs_f64() * rest / done)
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        if let Way::Bars { overall, .. } = &self.way {
            overall.finish_and_clear();
        }
    }
}

/// What became of a clip, in words.
fn told(record: &Record) -> String {
    let Record {
        output,
        input,
        reason,
        figures,
        ..
    } = record;
    match (figures, reason) {
        (Some(figures), _) => {
            let done = match is_dry(record) {
                true => foreseen(&figures.summary),
                false => figures.summary.to_string(),
            };
            format!("{output}: {done}, in {}", clock(figures.seconds))
        }
        (None, Some(reason)) if reason.contains(input.as_str()) => format!("failed: {reason}"),
        (None, reason) => format!("failed: {input}: {}", reason.as_deref().unwrap_or_default()),
    }
}

/// Whether nothing was completed but found only.
fn is_dry(record: &Record) -> bool {
    let settings = record.recipe.as_ref().map(|recipe| &recipe.settings);
    settings.is_some_and(|settings| settings.contains_key("dry-run"))
}

/// What would be changed, in words.
fn foreseen(summary: &Summary) -> String {
    let part = |[begin, end]: &Stretch| format!("{} to {}", clock(*begin), clock(*end));
    let parts: Vec<_> = summary.stretches.iter().map(part).collect();
    match parts.is_empty() {
        true => "nothing would be changed".to_owned(),
        false => format!(
            "{} of {} frames would be changed, at {}",
            summary.changed,
            summary.frames,
            parts.join(", ")
        ),
    }
}

fn style(bar: &ProgressBar, template: &str) {
    // The templates are right, as running them shows.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

/// Writes a line of JSON, if somebody reads it.
pub fn print(value: &impl Serialize) {
    if let Ok(mut line) = serde_json::to_vec(value) {
        line.push(b'\n');
        let _ = std::io::stdout().write_all(&line);
    }
}
