//! What the element has done since it started, and how long it took.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::damage::{FilmFind, FilmKind};
use crate::pass::{Report, Step};

/// Longer times count as this one.
const LONGEST: Duration = Duration::from_secs(60);

/// Quantiles are right to one part in a hundred.
const SIGNIFICANT_DIGITS: u8 = 2;

/// Sums of reports, with the distributions of their times. Recording does not allocate.
#[derive(Debug)]
pub struct Stats {
    /// Frames that came.
    pub frames: u64,
    /// Frames that came too late to be completed.
    pub late: u64,
    /// Frames of which a lost channel was restored as a whole.
    pub restored: u64,
    /// Spots of dirt that were found on a film.
    pub dirt: u64,
    /// Scratches that were found on its frames.
    pub scratches: u64,
    /// As in [`Report`], of all frames.
    pub faces: u64,
    pub completed: u64,
    pub reused: u64,
    pub invalid: u64,
    pub surplus: u64,
    pub covered: u64,
    pub looked: u64,
    pub drop_outs: u64,
    /// Sums of what holes were filled with.
    filled: Filled,
    /// Microseconds, of the frames in which the step was taken.
    times: [Histogram<u64>; Step::ALL.len()],
}

/// Sums of what holes were filled with.
#[derive(Clone, Copy, Debug, Default)]
struct Filled {
    holes: f64,
    memory: f64,
    later: f64,
    reference: f64,
    mirror: f64,
    painted: f64,
    views: f64,
    agreement: f64,
}

impl Filled {
    fn add(&mut self, report: &Report) {
        let shares = &report.shares;
        self.holes += report.shared as f64;
        self.memory += f64::from(shares.memory);
        self.later += f64::from(shares.later);
        self.reference += f64::from(shares.reference);
        self.mirror += f64::from(shares.mirror);
        self.painted += f64::from(shares.painted);
        self.views += report.viewed as f64;
        self.agreement += f64::from(shares.agreement.unwrap_or(0.0));
    }

    /// Mean shares, zeros where there are none.
    fn means(&self) -> [(&'static str, f64); 6] {
        let mean = |sum: f64, count: f64| if count > 0.0 { sum / count } else { 0.0 };
        [
            ("from-memory", mean(self.memory, self.holes)),
            ("from-later", mean(self.later, self.holes)),
            ("from-reference", mean(self.reference, self.holes)),
            ("from-mirror", mean(self.mirror, self.holes)),
            ("painted", mean(self.painted, self.holes)),
            ("agreement", mean(self.agreement, self.views)),
        ]
    }
}

/// A distribution of times in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub p50: u64,
    pub p95: u64,
    pub max: u64,
}

impl Stats {
    /// Nothing yet.
    pub fn new() -> Self {
        let longest = LONGEST.as_micros() as u64;
        let histogram = || {
            Histogram::new_with_max(longest, SIGNIFICANT_DIGITS)
                .expect("a minute can be counted in microseconds to two digits")
        };
        Self {
            frames: 0,
            late: 0,
            restored: 0,
            dirt: 0,
            scratches: 0,
            faces: 0,
            completed: 0,
            reused: 0,
            invalid: 0,
            surplus: 0,
            covered: 0,
            drop_outs: 0,
            looked: 0,
            filled: Filled::default(),
            times: std::array::from_fn(|_| histogram()),
        }
    }

    /// Adds what became of a frame.
    pub fn record(&mut self, report: &Report) {
        self.faces += report.faces as u64;
        self.completed += report.completed as u64;
        self.reused += report.reused as u64;
        self.invalid += report.invalid as u64;
        self.surplus += report.surplus as u64;
        self.covered += report.covered as u64;
        self.drop_outs += report.drop_outs as u64;
        self.looked += report.looked as u64;
        self.filled.add(report);
        for (histogram, time) in self.times.iter_mut().zip(report.times) {
            if let Some(time) = time {
                histogram.saturating_record(time.as_micros() as u64);
            }
        }
    }

    /// Adds what was `found` on a frame of a film.
    pub fn add_film(&mut self, found: &[FilmFind]) {
        for find in found {
            match find.kind {
                FilmKind::Dirt => self.dirt += 1,
                FilmKind::Scratch => self.scratches += 1,
            }
        }
    }

    /// How long `step` took; zeros where it was never taken.
    pub fn times(&self, step: Step) -> Times {
        let histogram = &self.times[step as usize];
        Times {
            p50: histogram.value_at_quantile(0.5),
            p95: histogram.value_at_quantile(0.95),
            max: histogram.max(),
        }
    }

    /// The property `stats`: counts, and times in microseconds.
    pub fn to_structure(&self, provider: &str, model: &str) -> gst::Structure {
        let mut structure = gst::Structure::builder("mdecomplete/stats")
            .field("frames", self.frames)
            .field("restored", self.restored)
            .field("faces", self.faces)
            .field("completed", self.completed)
            .field("reused", self.reused)
            .field("skipped-late", self.late)
            .field("skipped-invalid", self.invalid)
            .field("skipped-surplus", self.surplus)
            .field("covered", self.covered)
            .field("drop-outs", self.drop_outs)
            .field("dirt", self.dirt)
            .field("scratches", self.scratches)
            .field("cover-looks", self.looked)
            .field("provider", provider)
            .field("model", model)
            .build();
        for (name, share) in self.filled.means() {
            structure.set(name, share);
        }
        for step in Step::ALL {
            let Times { p50, p95, max } = self.times(step);
            for (quantile, value) in [("p50", p50), ("p95", p95), ("max", max)] {
                structure.set(format!("{}-us-{quantile}", step.name()), value);
            }
        }
        structure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inference(micros: u64) -> Report {
        let mut report = Report {
            faces: 3,
            completed: 2,
            invalid: 1,
            ..Report::default()
        };
        report.set_time(Step::Inference, Duration::from_micros(micros));
        report
    }

    #[test]
    fn quantiles_are_right_to_a_hundredth() {
        let mut stats = Stats::new();
        for micros in 1..=10_000 {
            stats.record(&inference(micros));
        }
        let Times { p50, p95, max } = stats.times(Step::Inference);
        for (found, wanted) in [(p50, 5_000), (p95, 9_500), (max, 10_000)] {
            assert!(found.abs_diff(wanted) * 100 <= wanted, "{found} {wanted}");
        }
        assert_eq!((stats.faces, stats.completed), (30_000, 20_000));
        assert_eq!(stats.invalid, 10_000);
    }

    #[test]
    fn steps_not_taken_are_not_counted() {
        let mut stats = Stats::new();
        stats.record(&inference(10));
        assert_eq!(stats.times(Step::Locate), Times::default());
    }

    #[test]
    fn an_endless_inference_counts_as_the_longest() {
        let mut stats = Stats::new();
        stats.record(&inference(u64::MAX / 1_000_000));
        let max = stats.times(Step::Inference).max;
        assert!(max >= 60_000_000, "{max}");
    }

    #[test]
    fn the_structure_names_the_units() {
        gst::init().expect("GStreamer");
        let mut stats = Stats::new();
        stats.frames = 2;
        stats.record(&inference(100));
        let structure = stats.to_structure("cpu", "embedded");
        assert_eq!(structure.get("frames"), Ok(2u64));
        assert_eq!(structure.get("inference-us-max"), Ok(100u64));
        assert_eq!(structure.get("provider"), Ok("cpu"));
        assert_eq!(structure.get("model"), Ok("embedded"));
    }
}
