//! What the element tells of its work: metas of completed regions, statistics.

use gst::prelude::*;
use gst_video::{VideoFormat, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{COMPLETED_TYPE, POINT_FIELDS, POINTS_PARAM};
use mde_core::alignment::TEMPLATE;

use crate::models::with_runtime;
use crate::picture::{PORTRAIT_POINTS, portrait};
use crate::support::{
    add_face, assert_same, count, harness, info, marked_fill, mean_fill, noise, timed,
};

/// The regions that the element marked: rectangle, identifier, parameters.
fn completed(buffer: &gst::Buffer) -> Vec<gst::MetaRef<'_, VideoRegionOfInterestMeta>> {
    buffer
        .iter_meta::<VideoRegionOfInterestMeta>()
        .filter(|meta| meta.roi_type() == COMPLETED_TYPE)
        .collect()
}

#[test]
fn completed_regions_are_marked() {
    with_runtime(|| {
        let element = marked_fill("eyes+mouth");
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut frame = noise(&info, 0);
        let buffer = frame.make_mut();
        add_face(buffer, 120, 70).set_id(5);
        // Partly beyond the frame's corner.
        add_face(buffer, 250, 170);
        VideoRegionOfInterestMeta::add(buffer, "face", (5, 5, 0, 0));

        let out = harness.push_and_pull(frame).expect("a frame");
        let marks = completed(&out);
        assert_eq!(marks.len(), 2, "{marks:?}");
        assert_eq!(marks[0].rect(), (138, 77, 61, 82));
        assert_eq!(marks[1].rect(), (268, 177, 52, 63));
        assert_eq!((marks[0].id(), marks[1].id()), (5, 0));

        let points = marks[0].param(POINTS_PARAM).expect("points");
        for ([x_field, y_field], [x, y]) in POINT_FIELDS.into_iter().zip(TEMPLATE) {
            assert_eq!(points.get(x_field), Ok(x + 120.0));
            assert_eq!(points.get(y_field), Ok(y + 70.0));
        }
        let completion = marks[0].param("completion").expect("a completion");
        assert_eq!(completion.get("occlusion"), Ok("eyes+mouth"));
        assert_eq!(completion.get("reused"), Ok(false));
    });
}

#[test]
fn without_strength_faces_are_marked_and_nothing_is_completed() {
    with_runtime(|| {
        let Some((info, pixels)) = portrait() else {
            return;
        };
        for occlusion in ["eyes", ""] {
            let element = mean_fill(occlusion);
            element.set_property_from_str("region", "faces");
            element.set_property("strength", 0f32);
            let mut harness = harness(&element, &info);
            let frame = timed(gst::Buffer::from_slice(pixels.clone()), 0);
            let out = harness.push_and_pull(frame.clone()).expect("a frame");
            assert_same(&frame, &out);
            let marks = completed(&out);
            let [mark] = marks.as_slice() else {
                panic!("'{occlusion}': {marks:?}");
            };
            let points = mark.param(POINTS_PARAM).expect("points");
            let eye: f64 = points.get("left-eye-x").expect("a point");
            assert!((eye - PORTRAIT_POINTS[0][0]).abs() < 4.0, "{eye}");
            assert!(mark.param("completion").is_none());
            assert_eq!(
                (count(&element, "faces"), count(&element, "completed")),
                (1, 0)
            );
            assert_eq!(count(&element, "inference-us-max"), 0);
        }
    });
}

#[test]
fn regions_without_points_are_marked_with_the_template_s() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 192, 192);
        let mut harness = harness(&mean_fill("eyes"), &info);
        let out = harness.push_and_pull(noise(&info, 0)).expect("a frame");
        let marks = completed(&out);
        assert_eq!(marks[0].rect(), (0, 0, 192, 192));
        let points = marks[0].param(POINTS_PARAM).expect("points");
        let eye: f64 = points.get("left-eye-x").expect("a point");
        assert!((eye - 69.5).abs() < 1e-9, "{eye}");
    });
}

#[test]
fn what_another_mdecomplete_marked_is_no_input() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut first = harness(&mean_fill("eyes"), &info);
        let marked = first.push_and_pull(noise(&info, 0)).expect("a frame");
        assert_eq!(completed(&marked).len(), 1);

        let element = marked_fill("mouth");
        let mut second = harness(&element, &info);
        let held = marked.clone();
        let out = second.push_and_pull(marked).expect("a frame");
        assert_eq!(out.as_ptr(), held.as_ptr());
        assert_eq!(count(&element, "faces"), 0);
        // It is no fault either.
        assert_eq!(count(&element, "skipped-invalid"), 0);
    });
}

#[test]
fn the_statistics_count_since_the_start() {
    with_runtime(|| {
        let element = marked_fill("eyes");
        let stats = || element.property::<Option<gst::Structure>>("stats");
        assert_eq!(stats(), None);
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        for number in 0..3 {
            let mut frame = noise(&info, number);
            let buffer = frame.make_mut();
            add_face(buffer, 120, 70);
            add_face(buffer, 10, 10);
            VideoRegionOfInterestMeta::add(buffer, "face", (5, 5, 0, 0));
            harness.push_and_pull(frame).expect("a frame");
        }
        harness.push_and_pull(noise(&info, 3)).expect("a frame");

        let stats = stats().expect("statistics");
        for (name, wanted) in [
            ("frames", 4),
            ("faces", 6),
            ("completed", 6),
            ("reused", 0),
            ("skipped-late", 0),
            ("skipped-invalid", 3),
            ("skipped-surplus", 0),
        ] {
            assert_eq!(stats.get(name), Ok(wanted as u64), "{name}");
        }
        for step in ["locate", "preprocess", "inference", "postprocess"] {
            let time = |quantile: &str| {
                let name = format!("{step}-us-{quantile}");
                stats.get::<u64>(&name).expect("a time")
            };
            let times = [time("p50"), time("p95"), time("max")];
            assert!(times.is_sorted(), "{step}: {times:?}");
        }
        assert_eq!(stats.get("provider"), Ok("cpu"));
        let model = stats.get::<&str>("model").expect("a model");
        assert!(model.ends_with("mean_fill.onnx"), "{model}");
    });
}
