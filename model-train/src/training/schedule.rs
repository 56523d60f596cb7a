//! How long a run lasts and how the learning rate falls.

use std::time::Duration;

/// Length of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// This many updates.
    Updates(u64),
    /// This much training time, over all resumed stretches.
    Time(Duration),
}

impl Budget {
    /// Share of the run that is behind, in `[0, 1]`.
    pub fn progress(&self, updates: u64, elapsed: Duration) -> f64 {
        let progress = match *self {
            Self::Updates(0) => 1.0,
            Self::Updates(total) => updates as f64 / total as f64,
            Self::Time(total) => elapsed.as_secs_f64() / total.as_secs_f64().max(1e-9),
        };
        progress.min(1.0)
    }
}

/// How learning rates go: up in a line over the first updates, and down by polynomial annealing,
/// `(1 - progress)^power`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Exponent; 1 is linear.
    pub power: f64,
    /// Updates over which rates rise.
    pub warm_up: u64,
}

impl Schedule {
    /// The factor of the rates for the update after `updates`, at `progress` in `[0, 1]`.
    pub fn at(&self, updates: u64, progress: f64) -> f64 {
        let warm = (updates + 1) as f64 / self.warm_up.max(1) as f64;
        warm.min(1.0) * (1.0 - progress).max(0.0).powf(self.power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_falls_to_zero_and_stays() {
        let schedule = Schedule {
            power: 0.9,
            warm_up: 0,
        };
        assert_eq!(schedule.at(0, 0.0), 1.0);
        assert!((schedule.at(7, 0.5) - 0.5f64.powf(0.9)).abs() < 1e-12);
        assert_eq!(schedule.at(9, 1.0), 0.0);
        let warm = Schedule {
            warm_up: 4,
            ..schedule
        };
        assert_eq!(warm.at(0, 0.0), 0.25);
        assert_eq!(warm.at(3, 0.0), 1.0);
        let budget = Budget::Updates(10);
        assert_eq!(budget.progress(5, Duration::ZERO), 0.5);
        assert_eq!(budget.progress(20, Duration::ZERO), 1.0);
        assert_eq!(Budget::Updates(0).progress(0, Duration::ZERO), 1.0);
    }
}
