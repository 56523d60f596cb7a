//! What is painted of faces larger than the crop is refined.

use std::fs;

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{POINT_FIELDS, POINTS_PARAM};
use mde_core::CROP_SIZE;
use mde_core::alignment::TEMPLATE;
use mde_core::occlusion::{Occlusion, Rect};

use crate::models::{Model, with_runtime};
use crate::support::{
    Difference, bus_texts, bytes, difference, harness, info, marked_fill, model_file, timed,
    warnings,
};

/// Pixels of the frame to one of the crop.
const SCALE: usize = 2;
const SIDE: u32 = (CROP_SIZE * SCALE) as u32;

fn frame(info: &VideoInfo, number: u64, scale: usize) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(vec![100u8; info.size()]);
    let mut points = gst::Structure::new_empty(POINTS_PARAM);
    for ([x_field, y_field], point) in POINT_FIELDS.into_iter().zip(TEMPLATE) {
        let [x, y] = point.map(|v| (v + 0.5) * scale as f64 - 0.5);
        points.set(x_field, x);
        points.set(y_field, y);
    }
    let side = (CROP_SIZE * scale) as u32;
    let buffer_mut = buffer.make_mut();
    let mut meta = VideoRegionOfInterestMeta::add(buffer_mut, "face", (0, 0, side, side));
    meta.add_param(points);
    timed(buffer, number)
}

/// An element that fills eyes with the mean of what is known, and makes what it filled lighter.
fn element() -> gst::Element {
    let element = marked_fill("eyes");
    element.set_property("border-match", 0f32);
    element.set_property("grain", 0f32);
    let net = model_file("refine.onnx", &Model::brightens(0.2).to_bytes());
    element.set_property("refine-model", net.to_str());
    element.set_property("prototypes", false);
    element.set_property("temporal-smoothing", 0f32);
    element
}

/// Frame `number` with its eyes completed, beside which nothing has changed, and what has there.
fn completed(harness: &mut Harness, info: &VideoInfo, number: u64) -> (gst::Buffer, Difference) {
    let before = frame(info, number, SCALE);
    let after = harness.push_and_pull(before.copy_deep().expect("a copy"));
    let after = after.expect("a frame");
    let changes = difference(&before, &after, info, eyes(SCALE));
    assert_eq!(changes.outside_changed, 0);
    (after, changes)
}

/// Where the eyes are.
fn eyes(scale: usize) -> Rect {
    let Rect { x0, y0, x1, y1 } = Occlusion::Eyes.rect();
    Rect::new(scale * x0, scale * y0, scale * x1, scale * y1)
}

#[test]
fn a_large_face_is_refined_as_long_as_it_is_asked_for() {
    with_runtime(|| {
        let element = element();
        let info = info(VideoFormat::Rgb, SIDE, SIDE);
        let mut harness = harness(&element, &info);
        for (number, is_refined) in [(0, true), (1, false), (2, true)] {
            element.set_property("refine", is_refined);
            let (after, changes) = completed(&mut harness, &info, number);
            // What is filled has the colour of the rest.
            let share = changes.inside_changed as f64 / changes.inside as f64;
            let wanted = if is_refined { 0.95..=1.0 } else { 0.0..=0.0 };
            assert!(wanted.contains(&share), "{is_refined}: {share}");
            let middle = bytes(&after)[info.stride()[0] as usize * 78 + 3 * 96];
            assert_eq!(middle, if is_refined { 151 } else { 100 });
        }
    });
}

#[test]
fn a_face_as_small_as_the_crop_is_not() {
    with_runtime(|| {
        let element = element();
        let info = info(VideoFormat::Rgb, SIDE, SIDE);
        let mut harness = harness(&element, &info);
        let before = frame(&info, 0, 1);
        let after = harness.push_and_pull(before.copy_deep().expect("a copy"));
        assert_eq!(bytes(&after.expect("a frame")), bytes(&before));
    });
}

#[test]
fn a_net_that_cannot_be_used_is_named() {
    with_runtime(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("broken.onnx");
        fs::write(&file, "no model").expect("a file");
        let element = element();
        element.set_property("refine-model", file.to_str());
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        // At the start it is an error,
        assert!(element.set_state(gst::State::Paused).is_err());
        let told = bus_texts(&bus).join(" ");
        assert!(told.contains("refine-model"), "{told}");
        assert!(told.contains("mde-train refine export"), "{told}");
        element.set_state(gst::State::Null).expect("it stops");
        // later a warning, and nothing is refined.
        bus.set_flushing(true);
        bus.set_flushing(false);
        element.set_property("refine", false);
        let info = info(VideoFormat::Rgb, SIDE, SIDE);
        let mut harness = harness(&element, &info);
        element.set_property("refine", true);
        assert!(!element.property::<bool>("refine"));
        let told = warnings(&bus).join(" ");
        assert!(told.contains("refine stays as it is"), "{told}");
        assert!(told.contains("broken.onnx"), "{told}");
        let before = frame(&info, 0, SCALE);
        let after = harness.push_and_pull(before.copy_deep().expect("a copy"));
        assert_eq!(bytes(&after.expect("a frame")), bytes(&before));
    });
}

#[test]
fn what_is_painted_gets_the_detail_of_a_face_as_long_as_it_is_asked_for() {
    with_runtime(|| {
        let element = element();
        let info = info(VideoFormat::Rgb, SIDE, SIDE);
        let mut harness = harness(&element, &info);
        for (number, is_given) in [(0, false), (1, true), (2, false)] {
            element.set_property("prototypes", is_given);
            let (after, _) = completed(&mut harness, &info, number);
            let (after, stride) = (bytes(&after), info.stride()[0] as usize);
            let Rect { x0, y0, x1, y1 } = eyes(SCALE);
            let rows = (y0..y1).flat_map(|y| &after[y * stride + 3 * x0..y * stride + 3 * x1]);
            let (darkest, brightest) = (rows.clone().min(), rows.max());
            let range = brightest.expect("pixels") - darkest.expect("pixels");
            // The frame is flat: so is what it is filled with, but for a face's eyes.
            match is_given {
                true => assert!(range > 40, "{range}"),
                false => assert!(range < 4, "{range}"),
            }
        }
    });
}

#[test]
fn a_picture_without_prototypes_is_named() {
    with_runtime(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("small.png");
        let small = image::RgbImage::new(16, 16);
        small.save(&file).expect("a picture");
        for (file, reason) in [(file, "16x16"), (folder.path().join("absent.png"), "read")] {
            let element = element();
            element.set_property("prototype-file", file.to_str());
            let bus = gst::Bus::new();
            element.set_bus(Some(&bus));
            assert!(element.set_state(gst::State::Paused).is_err());
            let told = bus_texts(&bus).join(" ");
            for part in ["prototype-file", reason, "mde-train prototypes"] {
                assert!(told.contains(part), "{part}: {told}");
            }
            element.set_state(gst::State::Null).expect("it stops");
        }
    });
}
