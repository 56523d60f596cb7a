//! Faces found and followed through streams made of the portrait.

use std::time::Duration;

use gst::prelude::*;
use gst_video::{
    VideoFormat, VideoFrameRef, VideoInfo, VideoOrientationMethod, VideoRegionOfInterestMeta,
};
use gstmdecomplete::locate::{
    DisplaySpace, Hidden, LocateOptions, Locator, Track, TrackRules, eye_distance,
};
use mde_core::alignment::{Affine, FacePoints};
use mde_core::occlusion::Rect;

use crate::models::with_runtime;
use crate::picture::{PORTRAIT_POINTS, portrait};
use crate::support::{harness, info, mean_fill, timed};

/// Searches the first frame and those that need it alone.
const OPTIONS: LocateOptions = LocateOptions {
    min_face_size: 0.1,
    detection_interval: u32::MAX,
    waits: true,
    rules: TrackRules {
        hold: Duration::from_millis(200),
        smoothing: 0.0,
    },
};

/// The portrait, to be moved.
struct Portrait {
    info: VideoInfo,
    pixels: Vec<u8>,
}

impl Portrait {
    fn open() -> Option<Self> {
        let (info, pixels) = portrait()?;
        Some(Self { info, pixels })
    }

    /// Frame `number` of a stream, with the portrait as `to_frame` moves it.
    fn moved(&self, to_frame: &Affine, number: u64) -> gst::Buffer {
        let (width, height) = (self.info.width() as usize, self.info.height() as usize);
        let back = to_frame.inverse().expect("a similarity");
        let mut frame = vec![90; self.pixels.len()];
        for (i, pixel) in frame.chunks_exact_mut(3).enumerate() {
            let [x, y] = back
                .apply([(i % width) as f64, (i / width) as f64])
                .map(f64::round);
            if (0.0..width as f64).contains(&x) && (0.0..height as f64).contains(&y) {
                let at = 3 * (y as usize * width + x as usize);
                pixel.copy_from_slice(&self.pixels[at..at + 3]);
            }
        }
        timed(gst::Buffer::from_mut_slice(frame), number)
    }

    fn locate<'a>(
        &self,
        locator: &'a mut Locator,
        buffer: &gst::Buffer,
        options: &LocateOptions,
    ) -> &'a [Track] {
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &self.info).expect("a frame");
        let display = DisplaySpace::of(&self.info, VideoOrientationMethod::Identity);
        let now = buffer.pts().expect("a time").into();
        let tracks = locator.locate(&frame, &display, now, options);
        tracks.expect("faces")
    }
}

fn shift(x: f64, y: f64) -> Affine {
    Affine {
        translation: [x, y],
        ..Affine::IDENTITY
    }
}

/// A turn about the face's nose.
fn turn(degrees: f64) -> Affine {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let [x, y] = PORTRAIT_POINTS[2];
    Affine {
        linear: [[cos, -sin], [sin, cos]],
        translation: [x - cos * x + sin * y, y - sin * x - cos * y],
    }
}

/// The mean distance of `points` from the portrait's after `to_frame`, in distances of the eyes.
fn error(points: &FacePoints, to_frame: &Affine) -> f64 {
    let wanted = PORTRAIT_POINTS.map(|p| to_frame.apply(p));
    let off = (points.iter().zip(wanted)).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
    off.sum::<f64>() / 5.0 / eye_distance(&wanted)
}

/// Whether a face that has a bar of `colour` before its eyes is found in a frame of its own, `past`
/// the bar or not.
fn is_found_behind_a_bar(portrait: &Portrait, to_frame: &Affine, past: bool) -> bool {
    const COLOUR: [u8; 3] = [255, 0, 255];
    let mut buffer = portrait.moved(to_frame, 0);
    let [left, right] = [0, 1].map(|eye| to_frame.apply(PORTRAIT_POINTS[eye]));
    let apart = right[0] - left[0];
    let writable = buffer.get_mut().expect("a buffer of its own");
    let mut map = writable.map_writable().expect("memory");
    let width = portrait.info.width() as usize;
    for (i, pixel) in map.as_mut_slice().chunks_exact_mut(3).enumerate() {
        let (x, y) = ((i % width) as f64, (i / width) as f64);
        let is_beside = x > left[0] - 0.8 * apart && x < right[0] + 0.8 * apart;
        if is_beside && (y - left[1]).abs() < 0.5 * apart {
            pixel.copy_from_slice(&COLOUR);
        }
    }
    drop(map);
    let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &portrait.info).expect("a frame");
    let display = DisplaySpace::of(&portrait.info, VideoOrientationMethod::Identity);
    let hidden = |_: [f64; 2], rgb: [f32; 3]| rgb[0] > 0.9 && rgb[1] < 0.1 && rgb[2] > 0.9;
    let hidden = past.then_some(&hidden as &Hidden);
    let mut locator = Locator::open().expect("a locator");
    let tracks = locator.locate_past(hidden, &frame, &display, Duration::ZERO, &OPTIONS);
    !tracks.expect("faces").is_empty()
}

#[test]
fn a_bar_that_is_told_of_hides_no_face() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        let mut found = [0; 2];
        for step in 0..12 {
            let scale = 0.4 + 0.05 * f64::from(step);
            let [x, y] = PORTRAIT_POINTS[2];
            let to_frame = Affine {
                linear: [[scale, 0.0], [0.0, scale]],
                translation: [x - scale * x, y - scale * y],
            };
            for past in [false, true] {
                let is_found = is_found_behind_a_bar(&portrait, &to_frame, past);
                found[usize::from(past)] += usize::from(is_found);
            }
        }
        assert_eq!(found[1], 12, "and {} where nothing is told", found[0]);
        assert!(found[0] < 12, "it need not be told");
    });
}

#[test]
fn a_moving_face_keeps_its_number() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        let mut locator = Locator::open().expect("a locator");
        for number in 0..30 {
            let to_frame = shift(4.0 * number as f64, 2.0 * number as f64);
            let frame = portrait.moved(&to_frame, number);
            let tracks = portrait.locate(&mut locator, &frame, &OPTIONS);
            let [track] = tracks else {
                panic!("frame {number}: {tracks:?}");
            };
            assert_eq!(track.id, 1, "frame {number}");
            let error = error(&track.points, &to_frame);
            assert!(error < 0.15, "frame {number}: {error}");
        }
    });
}

#[test]
fn rolled_heads_are_followed_upright() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        let mut locator = Locator::open().expect("a locator");
        let angles = (0..=15).chain((-15..15).rev()).map(|k| 3.0 * f64::from(k));
        for (number, angle) in angles.enumerate() {
            let to_frame = turn(angle);
            let frame = portrait.moved(&to_frame, number as u64);
            let tracks = portrait.locate(&mut locator, &frame, &OPTIONS);
            let [track] = tracks else {
                panic!("at {angle} degrees: {tracks:?}");
            };
            assert_eq!(track.id, 1, "at {angle} degrees");
            let error = error(&track.points, &to_frame);
            assert!(error < 0.18, "at {angle} degrees: {error}");
        }
    });
}

#[test]
fn covered_eyes_do_not_lose_the_face() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        let mut locator = Locator::open().expect("a locator");
        for number in 0..20 {
            let mut frame = portrait.moved(&Affine::IDENTITY, number);
            if number >= 2 {
                let mut bytes = frame.make_mut().map_writable().expect("memory");
                let eyes = Rect::new(190, 90, 264, 118);
                for (i, pixel) in bytes.chunks_exact_mut(3).enumerate() {
                    if eyes.contains(i % 512, i / 512) {
                        pixel.fill(0);
                    }
                }
            }
            let tracks = portrait.locate(&mut locator, &frame, &OPTIONS);
            let [track] = tracks else {
                panic!("frame {number}: {tracks:?}");
            };
            assert!(
                !track.is_lost() && track.id == 1,
                "frame {number}: {track:?}"
            );
            let error = error(&track.points, &Affine::IDENTITY);
            assert!(error < 0.15, "frame {number}: {error}");
        }
    });
}

#[test]
fn a_cut_begins_new_tracks_and_an_empty_scene_has_none() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        let mut locator = Locator::open().expect("a locator");
        let grey = |number| {
            let bytes = vec![120u8; portrait.pixels.len()];
            timed(gst::Buffer::from_slice(bytes), number)
        };
        let there = shift(100.0, 60.0);
        let frames = [
            portrait.moved(&Affine::IDENTITY, 0),
            grey(1),
            grey(2),
            portrait.moved(&there, 3),
        ];
        let ids = frames.map(|frame| {
            let tracks = portrait.locate(&mut locator, &frame, &OPTIONS);
            tracks.iter().map(|track| track.id).collect::<Vec<_>>()
        });
        assert_eq!(ids, [vec![1], vec![], vec![], vec![2]]);
    });
}

#[test]
fn what_is_found_aside_enters_a_later_frame() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        let options = LocateOptions {
            waits: false,
            ..OPTIONS
        };
        let mut locator = Locator::open().expect("a locator");
        let grey = timed(
            gst::Buffer::from_slice(vec![120u8; portrait.pixels.len()]),
            0,
        );
        assert!(portrait.locate(&mut locator, &grey, &options).is_empty());
        // The frame that is searched does not wait.
        let frame = portrait.moved(&Affine::IDENTITY, 1);
        assert!(portrait.locate(&mut locator, &frame, &options).is_empty());
        // One that waits gets what was found in the one before.
        let frame = portrait.moved(&Affine::IDENTITY, 2);
        let tracks = portrait.locate(&mut locator, &frame, &OPTIONS);
        let [track] = tracks else {
            panic!("{tracks:?}");
        };
        let error = error(&track.points, &Affine::IDENTITY);
        assert!(error < 0.15, "{error}");
    });
}

#[test]
fn lying_faces_are_found_and_followed() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        for angle in [90.0, 180.0, 270.0] {
            let mut locator = Locator::open().expect("a locator");
            for number in 0..5 {
                let to_frame = turn(angle).then(&shift(3.0 * number as f64, 0.0));
                let frame = portrait.moved(&to_frame, number);
                let tracks = portrait.locate(&mut locator, &frame, &OPTIONS);
                let [track] = tracks else {
                    panic!("at {angle} degrees: {tracks:?}");
                };
                assert_eq!(track.id, 1, "at {angle} degrees");
                let error = error(&track.points, &to_frame);
                assert!(error < 0.18, "at {angle} degrees: {error}");
            }
        }
    });
}

/// The portrait's frame without its head.
fn faceless(portrait: &Portrait, number: u64) -> gst::Buffer {
    let mut frame = portrait.moved(&Affine::IDENTITY, number);
    let mut bytes = frame.make_mut().map_writable().expect("memory");
    let head = Rect::new(130, 0, 320, 210);
    for (i, pixel) in bytes.chunks_exact_mut(3).enumerate() {
        if head.contains(i % 512, i / 512) {
            pixel.fill(150);
        }
    }
    drop(bytes);
    frame
}

#[test]
fn a_new_face_is_found_within_a_second_after_a_long_time_without_one() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        let options = LocateOptions {
            detection_interval: 15,
            ..OPTIONS
        };
        let mut locator = Locator::open().expect("a locator");
        for number in 0..150 {
            let tracks = portrait.locate(&mut locator, &faceless(&portrait, number), &options);
            assert!(tracks.is_empty(), "frame {number}: {tracks:?}");
        }
        // Of 25 frames a second; the picture's other parts stay, so that there is no cut.
        let is_found = (150..175).any(|number| {
            let frame = portrait.moved(&Affine::IDENTITY, number);
            !portrait.locate(&mut locator, &frame, &options).is_empty()
        });
        assert!(is_found, "no face within a second");
    });
}

#[test]
fn the_same_stream_gives_the_same_faces() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        let options = LocateOptions {
            detection_interval: 3,
            ..OPTIONS
        };
        let run = || {
            let mut locator = Locator::open().expect("a locator");
            let frames = (0..12).map(|k| portrait.moved(&shift(7.0 * k as f64, 0.0), k));
            let found = frames.map(|frame| {
                let tracks = portrait.locate(&mut locator, &frame, &options);
                tracks.iter().map(|t| (t.id, t.points)).collect::<Vec<_>>()
            });
            found.collect::<Vec<_>>()
        };
        let first = run();
        assert_eq!(first, run());
        assert!(first.iter().all(|faces| faces.len() == 1), "{first:?}");
    });
}

#[test]
fn metas_carry_the_number() {
    with_runtime(|| {
        let Some(portrait) = Portrait::open() else {
            return;
        };
        let element = mean_fill("mouth");
        element.set_property_from_str("region", "faces");
        element.set_property_from_str("overlay", "faces");
        let info = info(VideoFormat::Rgb, 512, 512);
        let mut harness = harness(&element, &info);
        for number in 0..3 {
            let frame = portrait.moved(&shift(3.0 * number as f64, 0.0), number);
            let out = harness.push_and_pull(frame).expect("a frame");
            let ids: Vec<i32> = out
                .iter_meta::<VideoRegionOfInterestMeta>()
                .map(|meta| meta.id())
                .collect();
            assert_eq!(ids, [1], "frame {number}");
        }
    });
}
