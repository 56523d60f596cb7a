//! Following faces from frame to frame. Pure: what is seen in a frame is told by others.

mod scene;
#[cfg(test)]
mod tests;

use std::time::Duration;

use mde_core::alignment::{Affine, FacePoints, Point, TEMPLATE};

use super::Bounds;
use super::point_net::{MirrorCorrection, PointEstimate, PointQuery, halfway};
use crate::one_euro::OneEuro;

pub use scene::{Scene, THUMBNAIL};

/// Face score from which a face found begins a track.
const BIRTH: f32 = 0.5;
/// Face score below which a track has lost its face.
const LOSS: f32 = 0.2;

/// Intersection over union from which two boxes hold the same face.
const SAME_FACE: f64 = 0.3;
/// Intersection over union below which a track follows something beside the face found.
const WELL_PLACED: f64 = 0.45;

/// Most a face can grow or shrink between two frames.
const MOST_GROWTH: f64 = 1.5;

/// Cut-off in Hz for the points of a face that stands still, at half the strength of the smoothing.
const STILL: f64 = 1.5;
/// Hz more for each distance of the eyes that the face moves in a second.
const PER_SPEED: f64 = 8.0;

/// How tracks are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackRules {
    /// How long a track without its face goes on.
    pub hold: Duration,
    /// Strength of the smoothing of points, from 0, which leaves them as they are, to 1, under which
    /// those of a still face do not move at all.
    pub smoothing: f64,
}

/// A face followed.
#[derive(Clone, Debug)]
pub struct Track {
    /// A number of its own, from 1 on.
    pub id: i32,
    /// In display pixels, smoothed.
    pub points: FacePoints,
    /// As a detector would put it around the points, in display pixels.
    pub bounds: Bounds,
    /// Where the points were last seen.
    seen: FacePoints,
    /// When that was.
    seen_at: Duration,
    /// Around which points to look for the face from then on.
    anchor: FacePoints,
    /// Of the points that are not covered, in pixels a second.
    velocity: Point,
    /// Which points were not covered then.
    uncovered: [bool; 5],
    /// How far each covered point is from where it is guessed, in pixels of the template, where it was
    /// seen before.
    off: [Option<Point>; 5],
    /// What a second look adds, and how many single looks were taken since.
    correction: Option<(MirrorCorrection, u32)>,
    is_lost: bool,
    filter: OneEuro<5>,
}

impl Track {
    /// Whether the face was not seen in the last frame.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Around which points to look for the face at `now`, if it moves on.
    pub fn predicted(&self, now: Duration) -> FacePoints {
        let ahead = now.saturating_sub(self.seen_at).min(LONGEST_AHEAD);
        let ahead = ahead.as_secs_f64();
        let [dx, dy] = self.velocity.map(|v| v * ahead);
        self.anchor.map(|[x, y]| [x + dx, y + dy])
    }

    /// Where to look for the face at `now`, and how.
    pub fn query(&self, now: Duration) -> PointQuery {
        let fresh = self.correction.filter(|(_, age)| *age < SINGLE_LOOKS);
        PointQuery {
            points: self.predicted(now),
            correction: fresh.map(|(correction, _)| correction),
        }
    }

    fn see(&mut self, estimate: &PointEstimate, now: Duration, rules: &TrackRules) {
        let estimate = &self.corrected(estimate, now);
        let points = &estimate.points;
        let looked_at = self.predicted(now);
        let elapsed = now.saturating_sub(self.seen_at);
        let seconds = elapsed.as_secs_f64();
        self.velocity = if seconds > 0.0 && !self.is_lost {
            let newest = motion(&self.seen, estimate).map(|v| v / seconds);
            [0, 1].map(|axis| {
                let before = self.velocity[axis];
                before + TRUST_IN_MOTION * (newest[axis] - before)
            })
        } else {
            [0.0; 2]
        };
        let was_lost = std::mem::replace(&mut self.is_lost, false);
        self.seen = *points;
        self.anchor = match self.off.iter().any(Option::is_some) {
            true => *points,
            false => estimate.anchor(),
        };
        if estimate.is_covered() && !was_lost {
            // Where covered points are guessed depends on where they were looked for, and can swing
            // from frame to frame about where both agree.
            self.anchor = halfway(&looked_at, &self.anchor);
        }
        self.correction = match (estimate.correction, self.correction) {
            // Of a face that is covered the next one, not covered, is to have none.
            _ if estimate.is_covered() => None,
            (Some(new), Some((old, _))) => Some((halfway(&old, &new), 0)),
            (Some(new), None) => Some((new, 0)),
            (None, old) => old.map(|(correction, age)| (correction, age + 1)),
        };
        self.seen_at = now;
        let unit = eye_distance(points).max(1e-6);
        let still = STILL * (1.0 - rules.smoothing) / rules.smoothing;
        let cutoff = |speed: f64| still + PER_SPEED * speed / unit;
        self.points = self.filter.filter(points, elapsed, cutoff);
        self.bounds = bounds_of(&self.points);
    }
}

impl Track {
    /// `estimate` with the covered points where they were but for the motion of the others, when a cover
    /// comes: guesses are elsewhere than what was seen, and the face does not jump for that. It goes to where
    /// it is guessed as slowly as views of it can be followed there.
    fn corrected(&mut self, estimate: &PointEstimate, now: Duration) -> PointEstimate {
        let uncovered = std::array::from_fn(|k| estimate.is_seen(k));
        let before = std::mem::replace(&mut self.uncovered, uncovered);
        let is_next = !self.is_lost && now.saturating_sub(self.seen_at) <= LONGEST_BETWEEN;
        let mut corrected = *estimate;
        let to_frame = Affine::similarity(&TEMPLATE, &estimate.points);
        let Some((to_frame, to_face)) = to_frame.ok().and_then(|to| Some((to, to.inverse().ok()?)))
        else {
            self.off = [None; 5];
            return corrected;
        };
        let moved = motion(&self.seen, estimate);
        let elapsed = now.saturating_sub(self.seen_at);
        let left = (-elapsed.as_secs_f64() / GOES_FOR.as_secs_f64()).exp();
        for (k, off) in self.off.iter_mut().enumerate() {
            let guess = estimate.points[k];
            if uncovered[k] || !is_next {
                *off = None;
            } else if before[k] {
                let there = [0, 1].map(|axis| self.seen[k][axis] + moved[axis] - guess[axis]);
                *off = Some(turned(&to_face, there));
            } else {
                *off = off.map(|off| off.map(|v| v * left));
            }
            if let Some(off) = off {
                let off = turned(&to_frame, *off);
                corrected.points[k] = [0, 1].map(|axis| guess[axis] + off[axis]);
            }
        }
        corrected
    }
}

/// The way `along` as `to` turns and scales it.
fn turned(to: &Affine, along: Point) -> Point {
    to.linear.map(|[a, b]| a * along[0] + b * along[1])
}

/// After this time a covered point is most of the way to where it is guessed.
const GOES_FOR: Duration = Duration::from_secs(1);
/// A face that was not looked at for longer may have moved for itself.
const LONGEST_BETWEEN: Duration = Duration::from_millis(250);
/// A face that is gone does not fly on for longer than this.
const LONGEST_AHEAD: Duration = Duration::from_millis(100);
/// Single looks at a face from one in the mirror to the next: three follow a slow change as well
/// as none do, and cost a quarter.
const SINGLE_LOOKS: u32 = 3;
/// Share of the newest motion in a track's velocity.
const TRUST_IN_MOTION: f64 = 0.5;

/// All faces followed.
#[derive(Debug, Default)]
pub struct Tracker {
    tracks: Vec<Track>,
    born: i32,
}

impl Tracker {
    /// The tracks, oldest first.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether any track has lost its face.
    pub fn has_lost(&self) -> bool {
        self.tracks.iter().any(Track::is_lost)
    }

    /// Ends all tracks. Numbers are not used again.
    pub fn end_all(&mut self) {
        self.tracks.clear();
    }

    /// Takes in what was seen of each track at `now`, in the tracks' order, and ends those that
    /// are lost for too long or follow another one's face.
    pub fn follow(&mut self, estimates: &[PointEstimate], now: Duration, rules: &TrackRules) {
        for (track, estimate) in self.tracks.iter_mut().zip(estimates) {
            if estimate.score >= LOSS && is_plausible(&track.seen, &estimate.points) {
                track.see(estimate, now, rules);
            } else {
                track.is_lost = true;
            }
        }
        self.tracks
            .retain(|track| now.saturating_sub(track.seen_at) <= rules.hold || !track.is_lost);
        let mut older: Vec<Bounds> = Vec::new();
        self.tracks.retain(|track| {
            let is_own = older.iter().all(|o| o.overlap(&track.bounds) < SAME_FACE);
            older.push(track.bounds);
            is_own
        });
    }

    /// Whether a face found in `bounds` is followed by none of `tracks`, or by one that has lost
    /// it or is beside it.
    pub fn needs_look(&self, bounds: &Bounds) -> bool {
        match self.nearest(bounds) {
            Some((index, overlap)) => self.tracks[index].is_lost || overlap < WELL_PLACED,
            None => true,
        }
    }

    /// Takes in a face found at `now`: the track it belongs to goes on from it, or a new one
    /// begins. `estimate` is what was seen of it in the present frame.
    pub fn find(&mut self, estimate: &PointEstimate, now: Duration, rules: &TrackRules) {
        let bounds = bounds_of(&estimate.points);
        if estimate.score < BIRTH || !bounds.area().is_normal() {
            return;
        }
        if let Some((index, overlap)) = self.nearest(&bounds) {
            let track = &mut self.tracks[index];
            if track.is_lost || overlap < WELL_PLACED {
                track.see(estimate, now, rules);
            }
            return;
        }
        self.born = self.born.wrapping_add(1).max(1);
        let mut track = Track {
            id: self.born,
            points: estimate.points,
            bounds,
            seen: estimate.points,
            anchor: estimate.points,
            seen_at: now,
            velocity: [0.0; 2],
            uncovered: [false; 5],
            off: [None; 5],
            correction: None,
            is_lost: false,
            filter: OneEuro::default(),
        };
        track.see(estimate, now, rules);
        self.tracks.push(track);
    }

    /// The track that shares most with `bounds`, and how much.
    fn nearest(&self, bounds: &Bounds) -> Option<(usize, f64)> {
        let overlaps = self.tracks.iter().map(|t| t.bounds.overlap(bounds));
        (overlaps.enumerate())
            .filter(|(_, overlap)| *overlap >= SAME_FACE)
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
    }
}

/// The box of a face: the template's, laid on the points; upright, or lying where the face does
/// rather than not.
pub fn bounds_of(points: &FacePoints) -> Bounds {
    let Ok(to_face) = Affine::similarity(&TEMPLATE, points) else {
        return Bounds::around([0.0; 2], 0.0, 0.0);
    };
    let scale = to_face.determinant().sqrt();
    let [[a, _], [c, _]] = to_face.linear;
    let [width, height] = [Bounds::TEMPLATE.width(), Bounds::TEMPLATE.height()].map(|s| s * scale);
    let centre = to_face.apply(Bounds::TEMPLATE.centre());
    match c.abs() > a.abs() {
        true => Bounds::around(centre, height, width),
        false => Bounds::around(centre, width, height),
    }
}

/// Whether `to` can be the face that was `from` a frame before.
fn is_plausible(from: &FacePoints, to: &FacePoints) -> bool {
    Affine::similarity(from, to).is_ok_and(|change| {
        let growth = change.determinant().sqrt();
        (1.0 / MOST_GROWTH..=MOST_GROWTH).contains(&growth)
    })
}

/// How far the net's answer is from where it looked: 1 for a third of the distance of the eyes, a
/// sixth of the size or ten degrees, beyond which another look is better placed.
pub fn displacement(from: &FacePoints, to: &FacePoints) -> f64 {
    let Ok(change) = Affine::similarity(from, to) else {
        return f64::INFINITY;
    };
    let [[a, _], [c, _]] = change.linear;
    let (from, to_middle) = (middle(from), middle(to));
    let shift = (to_middle[0] - from[0]).hypot(to_middle[1] - from[1]) / eye_distance(to).max(1e-6);
    let growth = a.hypot(c).ln().abs();
    let turn = c.atan2(a).abs();
    (shift / 0.33).max(growth / 0.16).max(turn / 0.17)
}

/// By how much the points seen in `estimate` are from where they were, on the mean. Covered ones are
/// guesses and do not count.
fn motion(from: &FacePoints, estimate: &PointEstimate) -> Point {
    let seen = || (0..from.len()).filter(|&k| estimate.is_seen(k));
    let count = seen().count().max(1) as f64;
    [0, 1].map(|axis| {
        seen()
            .map(|k| estimate.points[k][axis] - from[k][axis])
            .sum::<f64>()
            / count
    })
}

/// The mean of the points.
fn middle(points: &FacePoints) -> Point {
    let sum = (points.iter()).fold([0.0; 2], |sum, p| [sum[0] + p[0], sum[1] + p[1]]);
    sum.map(|v| v / points.len() as f64)
}

/// What sizes on a face are measured by: the distance of the eyes on the template laid on the
/// points, which a turned head does not shorten as it does that of the eyes.
pub fn eye_distance(points: &FacePoints) -> f64 {
    let template = TEMPLATE[1][0] - TEMPLATE[0][0];
    Affine::similarity(&TEMPLATE, points)
        .map_or(0.0, |to_frame| template * to_frame.determinant().sqrt())
}
