//! How long the element holds a frame, for live pipelines to reckon with.

use std::time::Duration;

/// Frames whose times are remembered.
const WINDOW: usize = 64;

/// Frames between two looks at them; the first look is after as many.
const INTERVAL: usize = 8;

/// More than the latency times this is a significant change, and so is less than the latency
/// divided by its square: a latency too small drops frames, one too great is only a delay.
const GROWTH: f64 = 1.5;

/// Changes below this are none: sinks allow for as much.
const LEAST: Duration = Duration::from_millis(2);

/// A running quantile with hysteresis. Recording does not allocate.
#[derive(Debug)]
pub struct Latency {
    times: [Duration; WINDOW],
    recorded: usize,
    reported: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            times: [Duration::ZERO; WINDOW],
            recorded: 0,
            reported: Duration::ZERO,
        }
    }
}

impl Latency {
    /// What the pipeline is told: nothing before the first look.
    pub fn reported(&self) -> Duration {
        self.reported
    }

    /// Adds how long a frame took; tells whether the latency changed significantly.
    pub fn record(&mut self, time: Duration) -> bool {
        self.times[self.recorded % WINDOW] = time;
        self.recorded += 1;
        if !self.recorded.is_multiple_of(INTERVAL) {
            return false;
        }
        let measured = self.quantile();
        let grew = measured > self.reported.mul_f64(GROWTH) + LEAST;
        let shrank =
            self.recorded >= WINDOW && measured + LEAST < self.reported.div_f64(GROWTH * GROWTH);
        if grew || shrank {
            self.reported = measured;
        }
        grew || shrank
    }

    /// The time that 19 of 20 remembered frames keep.
    fn quantile(&self) -> Duration {
        let mut times = self.times;
        let times = &mut times[..self.recorded.min(WINDOW)];
        let rank = (times.len() * 19).div_ceil(20) - 1;
        *times.select_nth_unstable(rank).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// How many of `frames` frames changed the latency.
    fn changes(latency: &mut Latency, frames: usize, time: impl Fn(usize) -> Duration) -> usize {
        (0..frames).filter(|&n| latency.record(time(n))).count()
    }

    #[test]
    fn the_first_frames_set_it() {
        let mut latency = Latency::default();
        assert_eq!(changes(&mut latency, INTERVAL - 1, |_| millis(20)), 0);
        assert_eq!(latency.reported(), Duration::ZERO);
        assert!(latency.record(millis(20)));
        assert_eq!(latency.reported(), millis(20));
    }

    #[test]
    fn noise_and_single_frames_do_not_change_it() {
        let mut latency = Latency::default();
        changes(&mut latency, WINDOW, |_| millis(20));
        let noisy = |n: usize| millis(18 + (n as u64 * 7) % 6);
        assert_eq!(changes(&mut latency, 10 * WINDOW, noisy), 0);
        let outlier = |n: usize| millis(if n % WINDOW == 5 { 500 } else { 20 });
        assert_eq!(changes(&mut latency, 10 * WINDOW, outlier), 0);
        assert_eq!(latency.reported(), millis(20));
    }

    #[test]
    fn it_rises_at_once_and_falls_when_all_frames_are_fast() {
        let mut latency = Latency::default();
        changes(&mut latency, WINDOW, |_| millis(20));
        assert_eq!(changes(&mut latency, INTERVAL, |_| millis(60)), 1);
        assert_eq!(latency.reported(), millis(60));
        assert_eq!(changes(&mut latency, WINDOW - INTERVAL, |_| millis(20)), 0);
        assert_eq!(changes(&mut latency, INTERVAL, |_| millis(20)), 1);
        assert_eq!(latency.reported(), millis(20));
    }

    #[test]
    fn what_takes_no_time_has_none() {
        let mut latency = Latency::default();
        let fast = |_| Duration::from_micros(300);
        assert_eq!(changes(&mut latency, 2 * WINDOW, fast), 0);
        assert_eq!(latency.reported(), Duration::ZERO);
    }
}
