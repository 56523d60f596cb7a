use mde_core::alignment::{FacePoints, TEMPLATE};
use proptest::prelude::*;

use super::*;

const RULES: TrackRules = TrackRules {
    hold: Duration::from_millis(200),
    smoothing: 0.0,
};

fn at(frame: u64) -> Duration {
    Duration::from_millis(40 * frame)
}

/// A face of the template's size at `(x, y)`.
fn face(x: f64, y: f64) -> FacePoints {
    TEMPLATE.map(|p| [p[0] + x, p[1] + y])
}

fn estimate(points: FacePoints, score: f32) -> PointEstimate {
    PointEstimate {
        points,
        visibility: [1.0; 5],
        score,
        correction: None,
    }
}

fn ids(tracker: &Tracker) -> Vec<i32> {
    tracker.tracks().iter().map(|track| track.id).collect()
}

#[test]
fn faces_begin_tracks_with_numbers_of_their_own() {
    let mut tracker = Tracker::default();
    tracker.find(&estimate(face(0.0, 0.0), 0.9), at(0), &RULES);
    tracker.find(&estimate(face(200.0, 0.0), 0.9), at(0), &RULES);
    tracker.find(&estimate(face(2.0, 1.0), 0.9), at(0), &RULES);
    tracker.find(&estimate(face(400.0, 0.0), 0.4), at(0), &RULES);
    assert_eq!(
        ids(&tracker),
        [1, 2],
        "the third is the first, the fourth is none"
    );
    tracker.end_all();
    tracker.find(&estimate(face(0.0, 0.0), 0.9), at(1), &RULES);
    assert_eq!(ids(&tracker), [3]);
}

#[test]
fn a_guess_that_swings_comes_to_rest() {
    let mut tracker = Tracker::default();
    // Where its eyes are was never seen.
    let mut first = estimate(face(0.0, 0.0), 0.9);
    first.visibility[..2].fill(0.1);
    tracker.find(&first, at(0), &RULES);
    let mut offs = Vec::new();
    for frame in 1..10 {
        // A net that puts the eyes as far above the face as they were looked for below it.
        let guess = tracker.tracks()[0].predicted(at(frame));
        let mut seen = estimate(face(0.0, 0.0), 0.9);
        for k in [0, 1] {
            let start = if frame == 1 { 4.0 } else { 0.0 };
            seen.points[k][1] += start - (guess[k][1] - TEMPLATE[k][1]);
            seen.visibility[k] = 0.1;
        }
        tracker.follow(&[seen], at(frame), &RULES);
        offs.push((seen.points[0][1] - TEMPLATE[0][1]).abs());
    }
    assert!(offs[0] > 3.0 && offs[8] < 0.1, "{offs:?}");
}

#[test]
fn a_cover_that_comes_does_not_move_the_face() {
    let mut tracker = Tracker::default();
    tracker.find(&estimate(face(0.0, 0.0), 0.9), at(0), &RULES);
    // Nose and mouth are guessed too low and too far to the right.
    let covered = |x: f64, y: f64| {
        let mut guess = estimate(face(x, y), 0.9);
        for k in [2, 3, 4] {
            guess.points[k][0] += 2.0;
            guess.points[k][1] += 7.0;
            guess.visibility[k] = 0.1;
        }
        guess
    };
    let farthest = |tracker: &Tracker, truth: FacePoints| {
        let pairs = tracker.tracks()[0].points.into_iter().zip(truth);
        let apart = pairs.map(|(p, q)| (p[0] - q[0]).hypot(p[1] - q[1]));
        apart.fold(0.0, f64::max)
    };
    let mut before = 0.0;
    for frame in 1..9 {
        let x = 2.0 * frame as f64;
        tracker.follow(&[covered(x, -x)], at(frame), &RULES);
        let off = farthest(&tracker, face(x, -x));
        assert!(off - before < 0.4, "{frame}: {off} after {before}");
        before = off;
    }
    assert!(before > 1.0, "it stays for ever: {before}");
    // What is seen again is where it is seen.
    tracker.follow(&[estimate(face(20.0, 0.0), 0.9)], at(9), &RULES);
    assert!(farthest(&tracker, face(20.0, 0.0)) < 1e-6);
    // Of a face that was away it is not known what a guess is off by.
    tracker.follow(&[covered(20.0, 0.0)], at(30), &RULES);
    assert!(farthest(&tracker, face(20.0, 0.0)) > 5.0);
}

#[test]
fn covered_points_tell_nothing_of_motion() {
    let mut tracker = Tracker::default();
    tracker.find(&estimate(face(0.0, 0.0), 0.9), at(0), &RULES);
    let mut swung = estimate(face(0.0, 0.0), 0.9);
    for k in [0, 1] {
        swung.points[k][1] += 8.0;
        swung.visibility[k] = 0.1;
    }
    tracker.follow(&[swung], at(1), &RULES);
    let [x, y] = tracker.tracks()[0].predicted(at(2))[2];
    assert_eq!([x, y], TEMPLATE[2]);
    tracker.follow(&[estimate(face(2.0, 0.0), 0.9)], at(2), &RULES);
    let [x, _] = tracker.tracks()[0].predicted(at(3))[2];
    assert!((x - TEMPLATE[2][0] - 3.0).abs() < 1e-6, "{x}");
}

#[test]
fn a_weak_face_keeps_its_track_but_begins_none() {
    let mut tracker = Tracker::default();
    tracker.find(&estimate(face(0.0, 0.0), 0.3), at(0), &RULES);
    assert!(tracker.tracks().is_empty());
    tracker.find(&estimate(face(0.0, 0.0), 0.6), at(0), &RULES);
    for frame in 1..50 {
        tracker.follow(&[estimate(face(0.0, 0.0), 0.3)], at(frame), &RULES);
    }
    assert_eq!(ids(&tracker), [1]);
    assert!(!tracker.has_lost());
}

#[test]
fn a_lost_face_is_held_and_found_again() {
    let mut tracker = Tracker::default();
    tracker.find(&estimate(face(0.0, 0.0), 0.9), at(0), &RULES);
    let gone = estimate(face(0.0, 0.0), 0.0);
    for frame in 1..=5 {
        tracker.follow(&[gone], at(frame), &RULES);
        assert_eq!(ids(&tracker), [1], "frame {frame}");
    }
    assert!(tracker.has_lost());
    assert!(tracker.needs_look(&bounds_of(&face(4.0, 0.0))));
    tracker.find(&estimate(face(4.0, 0.0), 0.9), at(5), &RULES);
    assert!(!tracker.has_lost());
    assert_eq!(ids(&tracker), [1]);
    for frame in 6..=11 {
        tracker.follow(&[gone], at(frame), &RULES);
    }
    assert!(tracker.tracks().is_empty());
}

#[test]
fn the_younger_of_two_tracks_on_a_face_ends() {
    let mut tracker = Tracker::default();
    tracker.find(&estimate(face(0.0, 0.0), 0.9), at(0), &RULES);
    tracker.find(&estimate(face(100.0, 0.0), 0.9), at(0), &RULES);
    let both = [
        estimate(face(0.0, 0.0), 0.9),
        estimate(face(10.0, 0.0), 0.9),
    ];
    tracker.follow(&both, at(1), &RULES);
    assert_eq!(ids(&tracker), [1]);
}

#[test]
fn motion_is_carried_on() {
    let mut tracker = Tracker::default();
    tracker.find(&estimate(face(0.0, 0.0), 0.9), at(0), &RULES);
    for frame in 1..20 {
        let seen = estimate(face(5.0 * frame as f64, 0.0), 0.9);
        tracker.follow(&[seen], at(frame), &RULES);
    }
    let [x, _] = tracker.tracks()[0].predicted(at(20))[0];
    assert!((x - face(100.0, 0.0)[0][0]).abs() < 0.5, "{x}");
}

#[test]
fn a_face_does_not_jump_in_size() {
    let mut tracker = Tracker::default();
    tracker.find(&estimate(face(0.0, 0.0), 0.9), at(0), &RULES);
    let double = TEMPLATE.map(|p| p.map(|v| 2.0 * v));
    tracker.follow(&[estimate(double, 0.9)], at(1), &RULES);
    assert!(tracker.has_lost());
}

#[test]
fn the_box_is_the_template_s_and_lies_where_the_face_does() {
    let Bounds { x0, y1, .. } = bounds_of(&TEMPLATE);
    assert!((x0 - 17.5).abs() < 1e-9 && (y1 - 89.0).abs() < 1e-9);
    let sides = |angle: f64| {
        let (sin, cos) = angle.to_radians().sin_cos();
        let turned = TEMPLATE.map(|[x, y]| [2.0 * (cos * x - sin * y), 2.0 * (sin * x + cos * y)]);
        let bounds = bounds_of(&turned);
        [bounds.width(), bounds.height()].map(|side| (side * 1e6).round() / 1e6)
    };
    for angle in [0.0, 40.0, -40.0, 180.0] {
        assert_eq!(sides(angle), [122.0, 164.0], "{angle}");
    }
    for angle in [90.0, -90.0, 60.0] {
        assert_eq!(sides(angle), [164.0, 122.0], "{angle}");
    }
}

proptest! {
    /// Whatever is seen, tracks have numbers of their own in order of birth, are apart from each
    /// other and lie where a frame can be.
    #[test]
    fn tracks_stay_sound(
        steps in prop::collection::vec(
            (prop::collection::vec((0f32..1.0, -30.0..30.0, -30.0..30.0), 0..6), any::<bool>()),
            1..40,
        ),
    ) {
        let mut tracker = Tracker::default();
        let (mut last, mut before) = (0, Vec::new());
        for (frame, (seen, finds)) in steps.into_iter().enumerate() {
            let now = at(frame as u64);
            let estimates: Vec<PointEstimate> = (tracker.tracks().iter().zip(seen.iter().cycle()))
                .map(|(track, (score, x, y))| {
                    estimate(track.predicted(now).map(|p| [p[0] + x, p[1] + y]), *score)
                })
                .collect();
            if estimates.len() == tracker.tracks().len() {
                tracker.follow(&estimates, now, &RULES);
            }
            if finds {
                for (score, x, y) in seen {
                    tracker.find(&estimate(face(10.0 * x, 10.0 * y), score), now, &RULES);
                }
            }
            let ids = ids(&tracker);
            prop_assert!(ids.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(ids.iter().all(|id| *id > 0));
            prop_assert!(ids.iter().all(|id| *id > last || before.contains(id)));
            last = last.max(ids.last().copied().unwrap_or(last));
            before = ids;
            for track in tracker.tracks() {
                prop_assert!(track.points.iter().flatten().all(|v| v.is_finite()));
                prop_assert!(track.bounds.area() > 0.0);
            }
        }
    }
}

#[test]
fn a_face_is_looked_at_twice_now_and_then_and_each_time_while_it_is_covered() {
    let mut tracker = Tracker::default();
    let of = |visible: f32, correction: Option<f32>| PointEstimate {
        visibility: [1.0, 1.0, 1.0, visible, visible],
        correction: correction.map(|v| [[v; 2]; 5]),
        ..estimate(face(0.0, 0.0), 0.9)
    };
    tracker.find(&of(1.0, Some(1.0)), at(0), &RULES);
    let mut frame = 0;
    let mut kept = |estimate: PointEstimate| {
        frame += 1;
        tracker.follow(&[estimate], at(frame), &RULES);
        let correction = tracker.tracks()[0].query(at(frame)).correction;
        correction.map(|correction| correction[0][0])
    };
    let single = [1, 2, 3].map(|_| kept(of(1.0, None)));
    assert_eq!(single, [Some(1.0), Some(1.0), None]);
    assert_eq!(
        kept(of(1.0, Some(2.0))),
        Some(1.5),
        "the mean with the last"
    );
    assert_eq!(kept(of(0.1, Some(5.0))), None, "the mouth is covered");
    assert_eq!(kept(of(1.0, Some(3.0))), Some(3.0), "none was kept");
}
