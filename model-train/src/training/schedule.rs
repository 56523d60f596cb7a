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
            Self::Updates(total) => updates as f64 / total.max(1) as f64,
            Self::Time(total) => elapsed.as_secs_f64() / total.as_secs_f64().max(1e-9),
        };
        progress.min(1.0)
    }
}

/// Polynomial annealing: `rate (1 - progress)^power`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing {
    /// Learning rate at the start.
    pub rate: f64,
    /// Exponent; 1 is linear.
    pub power: f64,
}

impl Annealing {
    /// The learning rate at `progress` in `[0, 1]`.
    pub fn at(&self, progress: f64) -> f64 {
        self.rate * (1.0 - progress).max(0.0).powf(self.power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_to_zero_and_stays() {
        let annealing = Annealing {
            rate: 2e-4,
            power: 0.9,
        };
        assert_eq!(annealing.at(0.0), 2e-4);
        assert!((annealing.at(0.5) - 2e-4 * 0.5f64.powf(0.9)).abs() < 1e-12);
        assert_eq!(annealing.at(1.0), 0.0);
        let budget = Budget::Updates(10);
        assert_eq!(budget.progress(5, Duration::ZERO), 0.5);
        assert_eq!(budget.progress(20, Duration::ZERO), 1.0);
    }
}
