//! On crops whose known part is drawn by formula and whose completions are told.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use mde_core::mask::Mask;
use mde_core::occlusion::{Occlusion, Rect};

const SIDE: usize = 96;
const SIZE: (usize, usize) = (SIDE, SIDE);
const FRAME: Duration = Duration::from_nanos(33_333_333);
/// A pixel of the hole, and its index in the green plane.
const IN_HOLE: usize = SIDE * SIDE + 39 * SIDE + 48;

/// A picture with slopes everywhere, moved to the right by `shift` pixels.
fn picture(shift: f32) -> Vec<f32> {
    drawn(SIZE, shift, |_, _| 0.0)
}

/// As [`picture`], of any size, with `more` added to the pixels.
fn drawn(
    (width, height): (usize, usize),
    shift: f32,
    more: impl Fn(usize, usize) -> f32,
) -> Vec<f32> {
    let plane = (0..width * height).map(|i| {
        let (x, y) = (i % width, i / width);
        let across = (0.21 * (x as f32 - shift)).sin();
        0.5 + 0.2 * across + 0.15 * (0.17 * y as f32 + 0.05 * x as f32).cos() + more(x, y)
    });
    plane.collect::<Vec<f32>>().repeat(3)
}

/// A number of faces in the frames of a stream.
struct Stream {
    blend: TemporalBlend<i32>,
    now: Duration,
    strength: f32,
}

impl Stream {
    fn new(strength: f32) -> Self {
        Self::of_size(SIZE, strength)
    }

    fn of_size(size: (usize, usize), strength: f32) -> Self {
        Self {
            blend: TemporalBlend::new(size),
            now: Duration::ZERO,
            strength,
        }
    }

    /// The completions of the next frame after smoothing. Of each face: its number, its picture
    /// and its completion; its eyes are covered.
    fn next(&mut self, faces: &[(i32, &[f32], &[f32])]) -> Vec<Vec<f32>> {
        let size = self.blend.size;
        let mask = Mask::from_occlusions(size.0, size.1, [Occlusion::Eyes]);
        self.now += FRAME;
        let faces = faces.iter().map(|(id, image, completed)| {
            let mut completed = completed.to_vec();
            let mut crop = CompletedCrop::new(size, image, mask.as_slice(), &mut completed);
            self.blend.blend(*id, &mut crop, self.now, self.strength);
            completed
        });
        faces.collect()
    }

    /// The same for one face.
    fn one(&mut self, id: i32, image: &[f32], completed: &[f32]) -> Vec<f32> {
        self.next(&[(id, image, completed)]).remove(0)
    }
}

fn flat(value: f32) -> Vec<f32> {
    vec![value; 3 * SIDE * SIDE]
}

/// Completions of `base` that flicker.
fn flickering(base: f32, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    let value = base + rng.random_range(-0.1f32..0.1);
    flat(value)
}

/// The share of the new completion 1 in the hole, after black ones of which the last showed
/// `before`, in a frame that shows `after`.
fn share_of_new(before: &[f32], after: &[f32]) -> f32 {
    let mut stream = Stream::new(0.8);
    for _ in 0..5 {
        stream.one(1, before, &flat(0.0));
    }
    stream.one(1, after, &flat(1.0))[IN_HOLE]
}

/// The last completion of a still face, of which the left half was copied and the right half painted, with
/// such `values`: a pixel of either half.
fn half_copied(values: impl IntoIterator<Item = f32>) -> [f32; 2] {
    let picture = picture(0.0);
    let mask = Mask::from_occlusions(SIDE, SIDE, [Occlusion::Eyes]);
    let mut blend = TemporalBlend::new((SIDE, SIDE));
    let half = SIDE / 2;
    let painted: Vec<f32> = (0..half * half)
        .map(|i| if i % half < half / 2 { 0.0 } else { 1.0 })
        .collect();
    let mut last = Vec::new();
    for (frame, value) in (1..).zip(values) {
        last = flat(value);
        let mut crop = CompletedCrop {
            painted: Some(&painted),
            ..CompletedCrop::new((SIDE, SIDE), &picture, mask.as_slice(), &mut last)
        };
        blend.blend(1, &mut crop, frame * FRAME, 0.9);
    }
    let row = IN_HOLE - IN_HOLE % SIDE;
    [last[row + half - 8], last[row + half + 8]]
}

#[test]
fn what_is_copied_changes_at_once() {
    let [copied, painted] = half_copied([0.0, 0.0, 1.0]);
    assert!(copied > 0.998, "copied: {copied}");
    assert!(painted < 0.2, "painted: {painted}");
}

#[test]
fn the_light_of_what_is_copied_does_not_flicker() {
    let flickering = (0..60).map(|k| 0.5 + if k % 2 == 0 { 0.01 } else { -0.01 });
    let [copied, painted] = half_copied(flickering);
    assert!((copied - 0.5).abs() < 0.003, "copied: {copied}");
    assert!((painted - 0.5).abs() < 0.003, "painted: {painted}");
}

#[test]
fn a_still_scene_settles() {
    let (picture, mut stream) = (picture(0.0), Stream::new(0.9));
    let values: Vec<f32> = (0..120)
        .map(|k| stream.one(1, &picture, &flickering(0.5, k))[IN_HOLE])
        .collect();
    let (late, spread) = (&values[60..], |v: &f32| (v - 0.5).abs());
    let worst = late.iter().map(spread).fold(0.0, f32::max);
    assert!(
        worst < 0.05,
        "completions 0.1 around 0.5 came {worst} around it"
    );
    let steps = late.windows(2).map(|w| (w[1] - w[0]).abs());
    let largest = steps.fold(0.0, f32::max);
    assert!(largest < 0.02, "a step of {largest}");
}

#[test]
fn no_strength_and_new_faces_change_nothing() {
    let mut stream = Stream::new(0.0);
    for k in 0..3 {
        let completed = flickering(0.5, k);
        assert!(stream.one(1, &picture(0.0), &completed) == completed, "{k}");
    }
    stream.strength = 0.8;
    for id in 1..4 {
        let completed = flickering(0.5, id as u64);
        assert!(
            stream.one(id, &picture(0.0), &completed) == completed,
            "{id}"
        );
    }
    stream.blend.forget();
    assert!(stream.one(3, &picture(0.0), &flat(0.9)) == flat(0.9));
}

#[test]
fn a_face_that_was_away_is_new() {
    let mut stream = Stream::new(0.8);
    stream.one(1, &picture(0.0), &flat(0.2));
    stream.now += FRAME * 6;
    let back = stream.one(1, &picture(0.0), &flat(0.4))[IN_HOLE];
    assert!(0.35 < back && back < 0.4, "{back} after seven frames");
    stream.now += LONGEST_AWAY;
    assert!(stream.one(1, &picture(0.0), &flat(0.6)) == flat(0.6));
}

#[test]
fn another_scene_begins_anew() {
    let mut stream = Stream::new(0.8);
    stream.one(0, &picture(0.0), &flat(0.2));
    let mut other = picture(0.0);
    other.reverse();
    for value in &mut other {
        *value = 1.0 - *value;
    }
    assert!(stream.one(0, &other, &flat(0.7)) == flat(0.7));
}

#[test]
fn change_beside_the_hole_lets_less_stay() {
    let before = picture(0.0);
    let still = share_of_new(&before, &before);
    assert!((still - 0.2).abs() < 0.01, "{still} of a still face");
    // Something dark between the eyes and the mouth, and the same at the crop's lower edge.
    let dark = |rows: std::ops::Range<usize>| {
        drawn(SIZE, 0.0, |x, y| {
            let within = (30..66).contains(&x) && rows.contains(&y);
            if within { -0.15 } else { 0.0 }
        })
    };
    let beside = share_of_new(&before, &dark(50..64));
    assert!(beside > 0.5, "{beside} beside a change");
    let far = share_of_new(&before, &dark(84..96));
    assert!(far < 0.25, "{far} far from a change");
}

#[test]
fn noise_is_no_change() {
    let noisy = |seed: u64| {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut picture = picture(0.0);
        for value in &mut picture {
            *value += rng.random_range(-0.06f32..0.06);
        }
        picture
    };
    let mut stream = Stream::new(0.8);
    for seed in 0..10 {
        stream.one(1, &noisy(seed), &flat(0.0));
    }
    let share = stream.one(1, &noisy(10), &flat(1.0))[IN_HOLE];
    assert!(share < 0.3, "{share}");
}

#[test]
fn what_is_painted_moves_with_the_face() {
    let mut stream = Stream::new(1.0);
    // An edge in the hole, moving as the picture does.
    let edge = |at: f32| {
        let plane = (0..SIDE * SIDE).map(|i| 1.0 / (1.0 + (at - (i % SIDE) as f32).exp()));
        plane.collect::<Vec<f32>>().repeat(3)
    };
    stream.one(1, &picture(0.0), &edge(44.0));
    let mut last = Vec::new();
    for k in 1..=10 {
        // Completions that stay behind have no part in it.
        last = stream.one(1, &picture(0.6 * k as f32), &edge(44.0));
    }
    let row = &last[39 * SIDE..40 * SIDE];
    let at = (40..70).find(|&x| row[x] >= 0.5).expect("an edge");
    let at = at as f32 - (row[at] - 0.5) / (row[at] - row[at - 1]);
    assert!((at - 50.0).abs() < 0.5, "the edge is at {at}");
    let outside = Rect::new(0, 60, 96, 96);
    let (from, to) = (outside.y0 * SIDE, outside.y1 * SIDE);
    assert!(
        last[from..to] == edge(44.0)[from..to],
        "far from the hole completions stay"
    );
}

#[test]
fn faces_do_not_mix() {
    let pictures = [picture(0.0), picture(7.0)];
    let mut alone = [Stream::new(0.8), Stream::new(0.8)];
    let mut both = Stream::new(0.8);
    for k in 0..6 {
        let completed = [flickering(0.3, k), flickering(0.7, 100 + k)];
        let wanted = [0, 1].map(|i| alone[i].one(i as i32 + 1, &pictures[i], &completed[i]));
        let face = |i: usize| (i as i32 + 1, &pictures[i][..], &completed[i][..]);
        // They change places in each frame.
        let order = if k % 2 == 0 { [0, 1] } else { [1, 0] };
        let found = both.next(&order.map(face));
        for (found, i) in found.iter().zip(order) {
            assert!(*found == wanted[i], "face {i} in frame {k}");
        }
    }
}

proptest! {
    #[test]
    fn any_crops_give_pictures(
        width in 1usize..200,
        height in 1usize..200,
        shifts in prop::collection::vec(-3.0f32..3.0, 1..5),
        seed in any::<u64>(),
    ) {
        let size = (width, height);
        let mut stream = Stream::of_size(size, 0.9);
        let mut rng = StdRng::seed_from_u64(seed);
        for shift in shifts {
            let image = drawn(size, shift, |_, _| 0.0);
            let completed: Vec<f32> = image.iter().map(|_| rng.random()).collect();
            let found = stream.one(0, &image, &completed);
            prop_assert!(found.iter().all(|v| (-1.0..2.0).contains(v)));
        }
    }
}
