//! Smoothing of points that does not lag behind motion.

use std::f64::consts::TAU;
use std::time::Duration;

/// Cut-off in Hz for the speed.
const SPEED_CUTOFF: f64 = 1.0;

/// The One-Euro filter (Casiez, Roussel and Vogel 2012, "1 Euro Filter: A Simple Speed-based
/// Low-pass Filter for Noisy Input in Interactive Systems") over `N` points that move as one. One speed
/// counts for all of them, the mean one, so that the filter does not distort what they are of.
#[derive(Clone, Debug)]
pub struct OneEuro<const N: usize> {
    state: Option<State<N>>,
}

#[derive(Clone, Debug)]
struct State<const N: usize> {
    points: [[f64; 2]; N],
    /// Smoothed, in units a second.
    speed: [[f64; 2]; N],
}

impl<const N: usize> Default for OneEuro<N> {
    fn default() -> Self {
        Self { state: None }
    }
}

impl<const N: usize> OneEuro<N> {
    /// The smoothed `points`, `elapsed` after the last ones: the first ones as they are. `cutoff` says
    /// above which frequency in Hz changes are smoothed away, from 0 (all) to infinity (none), given the
    /// mean speed of the points in units a second.
    pub fn filter(
        &mut self,
        points: &[[f64; 2]; N],
        elapsed: Duration,
        cutoff: impl FnOnce(f64) -> f64,
    ) -> [[f64; 2]; N] {
        let elapsed = elapsed.as_secs_f64();
        let Some(State {
            points: smoothed,
            speed,
        }) = self.state.as_mut().filter(|_| elapsed > 0.0)
        else {
            self.state = Some(State {
                points: *points,
                speed: [[0.0; 2]; N],
            });
            return *points;
        };
        let of_speed = share(SPEED_CUTOFF, elapsed);
        let mut mean = 0.0;
        for (k, speed) in speed.iter_mut().enumerate() {
            for (axis, speed) in speed.iter_mut().enumerate() {
                let now = (points[k][axis] - smoothed[k][axis]) / elapsed;
                *speed += of_speed * (now - *speed);
            }
            mean += speed[0].hypot(speed[1]) / N as f64;
        }
        let of_points = share(cutoff(mean), elapsed);
        for (smoothed, value) in smoothed
            .as_flattened_mut()
            .iter_mut()
            .zip(points.as_flattened())
        {
            *smoothed = (1.0 - of_points) * *smoothed + of_points * value;
        }
        *smoothed
    }
}

/// The share of the newest value in an exponential mean of cut-off `cutoff` in Hz.
fn share(cutoff: f64, elapsed: f64) -> f64 {
    1.0 / (1.0 + 1.0 / (TAU * cutoff * elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: Duration = Duration::from_millis(40);

    /// The smoothed of places on a line.
    fn smoothed(xs: impl IntoIterator<Item = f64>, cutoff: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut filter = OneEuro::default();
        let places = xs.into_iter();
        places
            .map(|x| filter.filter(&[[x, 0.0], [x, 1.0]], FRAME, &cutoff)[0][0])
            .collect()
    }

    #[test]
    fn noise_is_smoothed() {
        let noise = (0..50).map(|k: i32| if k % 2 == 0 { 0.3 } else { -0.3 });
        let smoothed = smoothed(noise, |speed| 1.5 + 0.3 * speed);
        let steps = smoothed.windows(2).skip(10).map(|w| (w[1] - w[0]).abs());
        let largest = steps.fold(0.0, f64::max);
        assert!(largest < 0.25, "steps of 0.6 became {largest}");
    }

    #[test]
    fn motion_is_followed() {
        // 27 a second.
        let xs: Vec<f64> = (0..50).map(|k| 27.0 * 0.04 * f64::from(k)).collect();
        let last = smoothed(xs.iter().copied(), |speed| 1.5 + 0.3 * speed);
        let off = xs[49] - last[49];
        assert!(off < 0.8, "{off} behind");
    }

    proptest! {
        #[test]
        fn without_a_cutoff_nothing_changes(xs in prop::collection::vec(-1e4f64..1e4, 1..20)) {
            prop_assert_eq!(smoothed(xs.iter().copied(), |_| f64::INFINITY), xs);
        }

        #[test]
        fn with_a_cutoff_of_zero_nothing_moves(xs in prop::collection::vec(-1e4f64..1e4, 1..20)) {
            let first = xs[0];
            prop_assert!(smoothed(xs, |_| 0.0).iter().all(|x| *x == first));
        }

        #[test]
        fn smoothed_points_stay_among_the_given(
            xs in prop::collection::vec(-1e4f64..1e4, 1..20),
            still in 0.0..=10.0,
        ) {
            let mut given = xs.iter();
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for at in smoothed(xs.iter().copied(), |speed| still + speed) {
                let x = given.next().expect("as many");
                (low, high) = (x.min(low), x.max(high));
                prop_assert!(low - 1e-6 <= at && at <= high + 1e-6, "{at} in {low}..{high}");
            }
        }
    }
}
