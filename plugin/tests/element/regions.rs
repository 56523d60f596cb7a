//! Regions told by upstream, and faces found.

use gst::prelude::*;
use gst_video::{VideoFormat, VideoFrameRef, VideoOrientationMethod, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{Bounds, Detector, DisplaySpace, POINTS_PARAM, Picture, Turn};
use mde_core::occlusion::{Occlusion, Rect};

use crate::models::with_runtime;
use crate::picture::{PORTRAIT_POINTS, converted, portrait};
use crate::support::{
    add_face, assert_only_changed_in, assert_same, count, difference, harness, info, marked_fill,
    mean_fill, noise, occluded, timed,
};

#[test]
fn marked_regions_are_completed_and_nothing_else() {
    with_runtime(|| {
        let element = marked_fill("eyes");
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut frame = noise(&info, 0);
        let buffer = frame.make_mut();
        add_face(buffer, 120, 70);
        // Those that determine no region are left out and do no harm.
        VideoRegionOfInterestMeta::add(buffer, "face", (5, 5, 0, 0));
        VideoRegionOfInterestMeta::add(buffer, "face", (5, 5, 50, 50)).add_param(
            gst::Structure::builder(POINTS_PARAM)
                .field("left-eye-x", f64::NAN)
                .build(),
        );
        VideoRegionOfInterestMeta::add(buffer, "face", (5, 5, 50, 50))
            .add_param(gst::Structure::new_empty(POINTS_PARAM));
        // Nor do those beside the frame.
        add_face(buffer, 500, 70);

        let copy = frame.copy_deep().expect("a copy");
        let out = harness.push_and_pull(copy).expect("a frame");
        let eyes = occluded(Occlusion::Eyes, 120, 70);
        assert_only_changed_in(&frame, &out, &info, eyes);
        assert_eq!(count(&element, "completed"), 1);
        assert_eq!(count(&element, "skipped-invalid"), 4);
    });
}

#[test]
fn of_too_many_regions_the_largest_are_completed() {
    with_runtime(|| {
        let element = marked_fill("eyes");
        element.set_property("max-faces", 1u32);
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut frame = noise(&info, 0);
        let buffer = frame.make_mut();
        VideoRegionOfInterestMeta::add(buffer, "face", (5, 5, 40, 50));
        add_face(buffer, 120, 70);
        VideoRegionOfInterestMeta::add(buffer, "face", (250, 5, 40, 50));

        let copy = frame.copy_deep().expect("a copy");
        let out = harness.push_and_pull(copy).expect("a frame");
        let eyes = occluded(Occlusion::Eyes, 120, 70);
        assert_only_changed_in(&frame, &out, &info, eyes);
        assert_eq!(count(&element, "faces"), 1);
        assert_eq!(count(&element, "skipped-surplus"), 2);
    });
}

#[test]
fn a_marked_box_is_taken_for_a_face() {
    with_runtime(|| {
        let element = marked_fill("mouth");
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut frame = noise(&info, 0);
        // Twice the template's box, so its crop is twice as large: 192 pixels from (40, 30).
        let double = |v: f64| (v * 2.0 + 1.0) as u32;
        let Bounds { x0, y0, x1, y1 } = Bounds::TEMPLATE;
        let rect = [x0, y0, x1 - x0 - 0.5, y1 - y0 - 0.5].map(double);
        VideoRegionOfInterestMeta::add(
            frame.make_mut(),
            "face",
            (rect[0] + 40, rect[1] + 30, rect[2], rect[3]),
        );
        let copy = frame.copy_deep().expect("a copy");
        let out = harness.push_and_pull(copy).expect("a frame");
        let Rect { x0, y0, x1, y1 } = Occlusion::Mouth.rect();
        let mouth = |grow: usize| {
            Rect::new(
                x0 * 2 + 40 - grow,
                y0 * 2 + 30 - grow,
                x1 * 2 + 40 + grow,
                y1 * 2 + 30 + grow,
            )
        };
        // The box has whole pixels, so the hole's border may fall a pixel aside.
        assert_eq!(difference(&frame, &out, &info, mouth(2)).outside_changed, 0);
        let core = Rect::new(x0 * 2 + 42, y0 * 2 + 32, x1 * 2 + 38, y1 * 2 + 28);
        let found = difference(&frame, &out, &info, core);
        assert!(found.inside_changed * 10 > found.inside * 9, "{found:?}");
    });
}

#[test]
fn the_portrait_s_face_is_found() {
    with_runtime(|| {
        let Some((info, pixels)) = portrait() else {
            return;
        };
        let mut detector = Detector::open().expect("the detector");
        let buffer = gst::Buffer::from_slice(pixels);
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
        let mut picture = Picture::default();
        let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
        picture.read(&frame, &display, Turn::None, 0.1, None);
        let faces = detector.detect(&picture).expect("a detection");
        let [face] = faces else {
            panic!("{faces:?}");
        };
        for (found, wanted) in face.points.iter().zip(PORTRAIT_POINTS) {
            let distance = (found[0] - wanted[0]).hypot(found[1] - wanted[1]);
            assert!(distance < 4.0, "{found:?} is {distance} px from {wanted:?}");
        }
    });
}

#[test]
fn faces_in_every_format_are_completed() {
    with_runtime(|| {
        let Some((rgb, pixels)) = portrait() else {
            return;
        };
        for format in [VideoFormat::Rgb, VideoFormat::Nv12, VideoFormat::Gray8] {
            let info = info(format, rgb.width(), rgb.height());
            let frame = timed(converted(&pixels, &rgb, &info), 0);

            let element = mean_fill("eyes");
            element.set_property_from_str("region", "faces");
            let mut harness = harness(&element, &info);
            let copy = frame.copy_deep().expect("a copy");
            let out = harness.push_and_pull(copy).expect("a frame");
            let (eyes, around) = (Rect::new(190, 95, 260, 110), Rect::new(160, 70, 290, 140));
            let found = difference(&frame, &out, &info, eyes);
            assert!(
                found.inside_changed * 10 > found.inside * 7,
                "{format}: {found:?}"
            );
            let found = difference(&frame, &out, &info, around);
            assert_eq!(found.outside_changed, 0, "{format}: {found:?}");
        }
    });
}

#[test]
fn frames_without_a_face_pass_untouched() {
    with_runtime(|| {
        if portrait().is_none() {
            return;
        }
        let element = mean_fill("right-half");
        element.set_property_from_str("region", "faces");
        element.set_property_from_str("overlay", "faces");
        let info = info(VideoFormat::I420, 640, 360);
        let mut harness = harness(&element, &info);
        let frame = timed(gst::Buffer::from_slice(vec![90u8; info.size()]), 0);
        let copy = frame.copy_deep().expect("a copy");
        let out = harness.push_and_pull(copy).expect("a frame");
        assert_same(&frame, &out);
    });
}
