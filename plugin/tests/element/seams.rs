//! What is done about the seam of a completion, at 1920x1080.

use gst::prelude::*;
use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{Bounds, Region};
use mde_core::contract::{INPUT_IMAGE, INPUT_MASK, OUTPUT};
use mde_core::occlusion::Occlusion;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::models::{Model, Values, with_runtime};
use crate::support::{bytes, harness, info, init, model_file};

/// A face of 410 pixels from hairline to chin.
const FACE: (u32, u32, u32, u32) = (800, 300, 305, 410);

/// Luma of the frames.
const GREY: u8 = 150;

/// A generator that fills holes with the frames' grey, and makes everything darker by a tenth of
/// the range.
fn darker() -> Model {
    Model::generator(96, 96)
        .constant("one", &[], Values::Float(&[1.0]))
        .constant("tenth", &[], Values::Float(&[0.1]))
        .constant("grey", &[], Values::Float(&[f32::from(GREY) / 255.0]))
        .node("Sub", &["one", INPUT_MASK], "missing")
        .node("Mul", &["missing", "grey"], "fill")
        .node("Add", &[INPUT_IMAGE, "fill"], "filled")
        .node("Sub", &["filled", "tenth"], OUTPUT)
}

/// An element that fills marked eyes too dark.
fn darker_fill(border_match: f32, grain: f32) -> gst::Element {
    init();
    let file = model_file("darker.onnx", &darker().to_bytes());
    gst::ElementFactory::make("mdecomplete")
        .property_from_str("region", "roi-list")
        .property_from_str("occlusion", "eyes")
        .property_from_str("execution-provider", "cpu")
        .property("mask-feather", 0f32)
        .property("border-match", border_match)
        .property("grain", grain)
        // What is refined is no longer what the model says.
        .property("refine", false)
        .property("model-file", file.to_str())
        .build()
        .expect("the element")
}

/// A gray frame with a marked face, and grain of `sigma` steps.
fn frame(info: &VideoInfo, sigma: f32) -> gst::Buffer {
    let rng = &mut StdRng::seed_from_u64(1);
    let mut grain = || (0..12).map(|_| rng.random_range(-0.5..0.5f32)).sum::<f32>();
    let samples = (0..info.size()).map(|_| (f32::from(GREY) + sigma * grain()).round() as u8);
    let mut buffer = gst::Buffer::from_mut_slice(samples.collect::<Vec<u8>>());
    VideoRegionOfInterestMeta::add(buffer.make_mut(), "face", FACE);
    buffer
}

/// How many crop pixels a pixel of the frame lies inside the face's eyes: below 0 outside.
fn depth() -> impl Fn(usize, usize) -> f64 {
    let (x, y, width, height) = FACE;
    let bounds = Bounds {
        x0: f64::from(x),
        y0: f64::from(y),
        x1: f64::from(x + width),
        y1: f64::from(y + height),
    };
    let region = Region::of_box(bounds, (96, 96)).expect("a region");
    let eyes = Occlusion::Eyes.rect();
    move |x, y| {
        let [u, v] = region.to_crop.apply([x as f64, y as f64]);
        let from =
            |v: f64, low: usize, high: usize| (v + 0.5 - low as f64).min(high as f64 - 0.5 - v);
        from(u, eyes.x0, eyes.x1).min(from(v, eyes.y0, eyes.y1))
    }
}

/// The samples in the face's eyes, at least half a crop pixel from their border, and those outside
/// of the eyes.
fn sides(info: &VideoInfo, frame: &gst::Buffer) -> [Vec<u8>; 2] {
    let depth = depth();
    let bytes = bytes(frame);
    let rows = bytes.chunks(info.stride()[0] as usize).enumerate();
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for (y, row) in rows {
        for (x, &sample) in row.iter().enumerate().take(info.width() as usize) {
            match depth(x, y) {
                depth if depth >= 0.5 => inside.push(sample),
                depth if depth < -0.01 => outside.push(sample),
                _ => (),
            }
        }
    }
    [inside, outside]
}

/// Standard deviation, around the mean that all have.
fn deviation(samples: &[u8]) -> f64 {
    let square = |&v: &u8| (f64::from(v) - f64::from(GREY)).powi(2);
    (samples.iter().map(square).sum::<f64>() / samples.len() as f64).sqrt()
}

fn completed(info: &VideoInfo, element: &gst::Element, frame: gst::Buffer) -> [Vec<u8>; 2] {
    let mut harness = harness(element, info);
    let before = sides(info, &frame);
    let out = harness.push_and_pull(frame).expect("a frame");
    let after = sides(info, &out);
    assert!(before[1] == after[1], "the frame changed outside the hole");
    after
}

#[test]
fn a_darker_completion_is_matched_to_the_border() {
    with_runtime(|| {
        let info = info(VideoFormat::Gray8, 1920, 1080);
        for (border_match, wanted) in [(0.0, 26), (0.5, 13), (1.0, 0)] {
            let element = darker_fill(border_match, 0.0);
            let [eyes, _] = completed(&info, &element, frame(&info, 0.0));
            assert!(eyes.len() > 20_000);
            let far = |v: &u8| GREY.abs_diff(*v).abs_diff(wanted) > 1;
            let wrong = eyes.iter().filter(|v| far(v)).count();
            assert_eq!(wrong, 0, "border-match={border_match}");
        }
    });
}

#[test]
fn a_smooth_completion_gets_the_grain_around_it() {
    with_runtime(|| {
        let info = info(VideoFormat::Gray8, 1920, 1080);
        for sigma in [2.0, 6.0] {
            let [eyes, rest] = completed(&info, &darker_fill(1.0, 1.0), frame(&info, sigma));
            let (inside, outside) = (deviation(&eyes), deviation(&rest));
            let ratio = inside / outside;
            assert!((0.75..1.25).contains(&ratio), "{inside:.2} {outside:.2}");
            let [eyes, _] = completed(&info, &darker_fill(1.0, 0.0), frame(&info, sigma));
            assert!(deviation(&eyes) < 0.4 * outside, "without grain");
        }
    });
}

#[test]
fn nothing_is_left_of_a_cover_that_ends_where_the_hole_does() {
    with_runtime(|| {
        let info = info(VideoFormat::Gray8, 1920, 1080);
        let mut frame = frame(&info, 0.0);
        let depth = depth();
        let mut samples = frame.make_mut().map_writable().expect("memory");
        for (y, row) in samples.chunks_mut(info.stride()[0] as usize).enumerate() {
            for (x, sample) in row.iter_mut().enumerate() {
                if depth(x, y) > 0.0 {
                    *sample = 0;
                }
            }
        }
        drop(samples);
        let element = darker_fill(1.0, 1.0);
        element.set_property("mask-feather", 2f32);
        let [eyes, _] = completed(&info, &element, frame);
        let darkest = eyes.iter().min().expect("samples");
        assert!(GREY.abs_diff(*darkest) < 10, "{darkest}");
    });
}
