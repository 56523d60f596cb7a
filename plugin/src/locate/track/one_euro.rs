//! Smoothing of points that does not lag behind motion.

use std::f64::consts::TAU;
use std::time::Duration;

use mde_core::alignment::FacePoints;

/// Cut-off in Hz for a face that stands still, at half strength.
const STILL: f64 = 1.5;
/// Hz more for each distance of the eyes that the face moves in a second.
const PER_SPEED: f64 = 8.0;
/// Cut-off in Hz for the speed itself.
const SPEED_CUTOFF: f64 = 1.0;

/// The One-Euro filter (Casiez, Roussel and Vogel 2012, "1 Euro Filter: A Simple Speed-based
/// Low-pass Filter for Noisy Input in Interactive Systems") over the points of a face. One speed
/// counts for all of them, the mean one, so that the filter does not distort the face.
#[derive(Clone, Debug, Default)]
pub struct OneEuro {
    state: Option<State>,
}

#[derive(Clone, Debug)]
struct State {
    points: FacePoints,
    /// Smoothed, in units a second.
    speed: [[f64; 2]; 5],
}

impl OneEuro {
    /// The smoothed `points`, `elapsed` after the last ones. `strength` goes from 0, which leaves
    /// them as they are, to 1, under which a still face does not move at all. `unit` is the
    /// distance of the eyes in pixels.
    pub fn filter(
        &mut self,
        points: &FacePoints,
        elapsed: Duration,
        unit: f64,
        strength: f64,
    ) -> FacePoints {
        let elapsed = elapsed.as_secs_f64();
        let Some(last) = self
            .state
            .as_ref()
            .filter(|_| strength > 0.0 && elapsed > 0.0)
        else {
            self.state = Some(State {
                points: *points,
                speed: [[0.0; 2]; 5],
            });
            return *points;
        };
        let of_speed = share(SPEED_CUTOFF, elapsed);
        let mut next = last.clone();
        let mut mean = 0.0;
        for (k, speed) in next.speed.iter_mut().enumerate() {
            for (axis, speed) in speed.iter_mut().enumerate() {
                let now = (points[k][axis] - last.points[k][axis]) / elapsed;
                *speed += of_speed * (now - *speed);
            }
            mean += speed[0].hypot(speed[1]) / 5.0;
        }
        let cutoff = STILL * (1.0 - strength) / strength + PER_SPEED * mean / unit.max(1e-6);
        let of_points = share(cutoff, elapsed);
        for (smoothed, point) in next.points.iter_mut().zip(points) {
            for (smoothed, value) in smoothed.iter_mut().zip(point) {
                *smoothed += of_points * (value - *smoothed);
            }
        }
        let smoothed = next.points;
        self.state = Some(next);
        smoothed
    }
}

/// The share of the newest value in an exponential mean of cut-off `cutoff` in Hz.
fn share(cutoff: f64, elapsed: f64) -> f64 {
    let r = TAU * cutoff * elapsed;
    r / (r + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::alignment::TEMPLATE;
    use proptest::prelude::*;

    const FRAME: Duration = Duration::from_millis(40);
    const UNIT: f64 = 27.0;

    fn moved(x: f64) -> FacePoints {
        TEMPLATE.map(|p| [p[0] + x, p[1]])
    }

    #[test]
    fn noise_on_a_still_face_is_smoothed() {
        let mut filter = OneEuro::default();
        let noise = |k: usize| if k.is_multiple_of(2) { 0.3 } else { -0.3 };
        let smoothed = (0..50).map(|k| filter.filter(&moved(noise(k)), FRAME, UNIT, 0.5)[0][0]);
        let smoothed: Vec<f64> = smoothed.collect();
        let steps = smoothed.windows(2).skip(10).map(|w| (w[1] - w[0]).abs());
        let largest = steps.fold(0.0, f64::max);
        assert!(largest < 0.25, "steps of 0.6 became {largest}");
    }

    #[test]
    fn a_moving_face_is_followed() {
        let mut filter = OneEuro::default();
        // A distance of the eyes a second.
        let mut off = 0.0;
        for k in 0..50 {
            let x = UNIT * 0.04 * f64::from(k);
            off = x + TEMPLATE[0][0] - filter.filter(&moved(x), FRAME, UNIT, 0.5)[0][0];
        }
        assert!(off / UNIT < 0.03, "{off} pixels behind");
    }

    proptest! {
        #[test]
        fn no_strength_changes_nothing(xs in prop::collection::vec(-1e4f64..1e4, 1..20)) {
            let mut filter = OneEuro::default();
            for x in xs {
                prop_assert_eq!(filter.filter(&moved(x), FRAME, UNIT, 0.0), moved(x));
            }
        }

        #[test]
        fn smoothed_points_stay_among_the_given(
            xs in prop::collection::vec(-1e4f64..1e4, 1..20),
            strength in 0.0..=1.0,
        ) {
            let mut filter = OneEuro::default();
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for x in xs {
                (low, high) = (x.min(low), x.max(high));
                let smoothed = filter.filter(&moved(x), FRAME, UNIT, strength)[1][0];
                let at = smoothed - TEMPLATE[1][0];
                prop_assert!(low - 1e-6 <= at && at <= high + 1e-6, "{at} in {low}..{high}");
            }
        }
    }
}
