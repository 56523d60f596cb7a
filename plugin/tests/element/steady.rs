//! Completions of moving video that hold still.

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{POINT_FIELDS, POINTS_PARAM};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::models::with_runtime;
use crate::picture::{PORTRAIT_POINTS, portrait};
use crate::support::{bytes, count, harness, mean_fill, noise, timed};

/// Pixels of the portrait that lie within the eyes' hole, away from its border.
const HOLE: (std::ops::Range<usize>, std::ops::Range<usize>) = (200..255, 94..112);

/// The embedded generator, for the eyes of faces that upstream marks, without grain, which is
/// another in each frame.
fn element(strength: f32) -> gst::Element {
    gst::ElementFactory::make("mdecomplete")
        .property_from_str("region", "roi-list")
        .property_from_str("occlusion", "eyes")
        .property_from_str("execution-provider", "cpu")
        .property("grain", 0f32)
        .property("temporal-smoothing", strength)
        .build()
        .expect("the element")
}

/// Frame `number` of a clip of the portrait before a noisy camera, the face marked with points that
/// shake.
fn frame(pixels: &[u8], number: u64) -> gst::Buffer {
    let mut rng = StdRng::seed_from_u64(number);
    let noisy = pixels
        .iter()
        .map(|v| v.saturating_add_signed(rng.random_range(-4..=4)));
    let mut buffer = timed(
        gst::Buffer::from_mut_slice(noisy.collect::<Vec<u8>>()),
        number,
    );
    let mut points = gst::Structure::new_empty(POINTS_PARAM);
    for ([x_field, y_field], [x, y]) in POINT_FIELDS.into_iter().zip(PORTRAIT_POINTS) {
        points.set(x_field, x + rng.random_range(-1.0..1.0));
        points.set(y_field, y + rng.random_range(-1.0..1.0));
    }
    let mut meta = VideoRegionOfInterestMeta::add(buffer.make_mut(), "face", (181, 64, 94, 126));
    meta.add_param(points);
    buffer
}

/// `frames` frames completed, and the harness they went through.
fn completed(
    info: &VideoInfo,
    pixels: &[u8],
    strength: f32,
    frames: u64,
) -> (Harness, Vec<Vec<u8>>) {
    let mut harness = harness(&element(strength), info);
    let completed = (0..frames).map(|number| {
        let out = harness.push_and_pull(frame(pixels, number));
        bytes(&out.expect("a frame"))
    });
    let completed = completed.collect();
    (harness, completed)
}

/// The mean absolute difference from frame to frame within [`HOLE`].
fn flicker(info: &VideoInfo, frames: &[Vec<u8>]) -> f64 {
    let (xs, ys) = HOLE;
    let (mut sum, mut samples) = (0.0, 0);
    for pair in frames.windows(2) {
        for y in ys.clone() {
            let start = y * info.stride()[0] as usize;
            let row = start + 3 * xs.start..start + 3 * xs.end;
            for (a, b) in pair[0][row.clone()].iter().zip(&pair[1][row]) {
                sum += f64::from(a.abs_diff(*b));
                samples += 1;
            }
        }
    }
    sum / f64::from(samples)
}

#[test]
fn a_still_covered_face_flickers_less() {
    with_runtime(|| {
        let Some((info, pixels)) = portrait() else {
            return;
        };
        let (unheld, alone) = completed(&info, &pixels, 0.0, 12);
        let (held, smoothed) = completed(&info, &pixels, 0.8, 12);
        // What comes first is not held by anything.
        assert!(alone[0] == smoothed[0], "the first frame differs");
        let (alone, smoothed) = (flicker(&info, &alone[4..]), flicker(&info, &smoothed[4..]));
        assert!(
            smoothed < 0.6 * alone,
            "flicker of {alone:.2} became {smoothed:.2}"
        );
        for name in ["frames", "faces", "completed", "reused", "skipped-invalid"] {
            let [held, unheld] = [&held, &unheld]
                .map(|harness| count(&harness.element().expect("the element"), name));
            assert_eq!(held, unheld, "{name}");
        }
    });
}

#[test]
fn without_smoothing_each_frame_is_completed_for_itself() {
    with_runtime(|| {
        let Some((info, pixels)) = portrait() else {
            return;
        };
        let (_, stream) = completed(&info, &pixels, 0.0, 3);
        for (number, in_stream) in stream.iter().enumerate() {
            let mut harness = harness(&element(0.0), &info);
            let alone = harness.push_and_pull(frame(&pixels, number as u64));
            assert!(
                bytes(&alone.expect("a frame")) == *in_stream,
                "frame {number}"
            );
        }
    });
}

#[test]
fn another_stream_begins_anew() {
    with_runtime(|| {
        let Some((info, pixels)) = portrait() else {
            return;
        };
        let (_, first) = completed(&info, &pixels, 0.8, 1);
        let mut harness = harness(&element(0.8), &info);
        for number in 5..8 {
            harness
                .push_and_pull(frame(&pixels, number))
                .expect("a frame");
        }
        assert!(harness.push_event(gst::event::FlushStart::new()));
        assert!(harness.push_event(gst::event::FlushStop::new(true)));
        assert!(
            harness.push_event(gst::event::Segment::new(&gst::FormattedSegment::<
                gst::ClockTime,
            >::new(),))
        );
        let out = harness.push_and_pull(frame(&pixels, 0)).expect("a frame");
        assert!(bytes(&out) == first[0], "the flush is forgotten");
    });
}

#[test]
fn pictures_that_have_nothing_in_common_do_not_mix() {
    with_runtime(|| {
        let info = crate::support::info(VideoFormat::Rgb, 96, 96);
        let out = |strength: f32| -> Vec<Vec<u8>> {
            let element = mean_fill("eyes+mouth");
            element.set_property("temporal-smoothing", strength);
            let mut harness = harness(&element, &info);
            (0..4)
                .map(|number| {
                    bytes(
                        &harness
                            .push_and_pull(noise(&info, number))
                            .expect("a frame"),
                    )
                })
                .collect()
        };
        assert!(out(1.0) == out(0.0));
    });
}
