//! Faults of one region, whatever upstream says of it, never stop the stream.

use std::cell::RefCell;

use gst::prelude::*;
use gst_video::{VideoFormat, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{POINT_FIELDS, POINTS_PARAM};
use proptest::num::f64::{ANY, NORMAL};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::models::{Model, with_runtime};
use crate::support::{
    assert_same, count, harness, info, marked_fill, mean_fill, model_file, noise, warnings,
};

/// A region as upstream may mark it.
#[derive(Clone, Debug)]
struct Marked {
    rect: (u32, u32, u32, u32),
    id: i32,
    /// Fields may be absent.
    points: Option<Vec<Option<f64>>>,
}

fn coordinate() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -200.0..500.0,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e9, -1e300]),
        1 => ANY,
        1 => NORMAL,
    ]
}

fn marked() -> impl Strategy<Value = Marked> {
    let edge = || prop_oneof![4 => 0u32..400, 1 => any::<u32>()];
    let field = prop_oneof![15 => coordinate().prop_map(Some), 1 => Just(None)];
    let points = prop::option::of(prop::collection::vec(field, 10));
    let rect = (edge(), edge(), edge(), edge());
    (rect, any::<i32>(), points).prop_map(|(rect, id, points)| Marked { rect, id, points })
}

fn mark(buffer: &mut gst::BufferRef, marked: &Marked) {
    let mut meta = VideoRegionOfInterestMeta::add(buffer, "face", marked.rect);
    meta.set_id(marked.id);
    if let Some(points) = &marked.points {
        let mut param = gst::Structure::new_empty(POINTS_PARAM);
        for (field, value) in POINT_FIELDS.iter().flatten().zip(points) {
            if let Some(value) = value {
                param.set(*field, value);
            }
        }
        meta.add_param(param);
    }
}

#[test]
fn no_region_stops_the_stream() {
    with_runtime(|| {
        let element = marked_fill("left-half+mouth");
        element.set_property_from_str("overlay", "faces");
        let info = info(VideoFormat::I420, 160, 120);
        let harness = RefCell::new(harness(&element, &info));
        let mut runner = TestRunner::new(ProptestConfig::with_cases(300));
        let frames = prop::collection::vec(marked(), 0..6);
        let result = runner.run(&frames, |regions| {
            let sum = || {
                let names = ["faces", "skipped-invalid", "skipped-surplus"];
                names.map(|name| count(&element, name)).iter().sum::<u64>()
            };
            let seen = sum();
            let mut frame = noise(&info, 0);
            for region in &regions {
                mark(frame.make_mut(), region);
            }
            let out = harness.borrow_mut().push_and_pull(frame);
            prop_assert_eq!(out.expect("a frame").size(), info.size());
            // Each is completed or counted, and none twice.
            prop_assert_eq!(sum() - seen, regions.len() as u64);
            Ok(())
        });
        result.expect("every frame comes out");
    });
}

#[test]
fn a_region_that_cannot_be_completed_leaves_the_frame_as_it_is() {
    with_runtime(|| {
        let element = marked_fill("eyes");
        let info = info(VideoFormat::Rgb, 160, 120);
        let mut harness = harness(&element, &info);
        for rect in [(0, 0, 0, 50), (1000, 1000, 50, 50), (u32::MAX, 0, 50, 50)] {
            let mut frame = noise(&info, 0);
            VideoRegionOfInterestMeta::add(frame.make_mut(), "face", rect);
            let copy = frame.copy_deep().expect("a copy");
            let out = harness.push_and_pull(copy).expect("a frame");
            assert_same(&frame, &out);
        }
        assert_eq!(count(&element, "skipped-invalid"), 3);
    });
}

#[test]
fn a_generator_of_nothing_but_nan_is_told_of_once() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let model = Model::flat(96, 96, f32::NAN).to_bytes();
        element.set_property("model-file", model_file("nan.onnx", &model).to_str());
        let bus = gst::Bus::new();
        let info = info(VideoFormat::I420, 160, 120);
        let mut harness = harness(&element, &info);
        element.set_bus(Some(&bus));
        for number in 0..3 {
            let frame = noise(&info, number);
            let same = frame.copy();
            let out = harness.push_and_pull(frame).expect("a frame");
            assert_same(&same, &out);
        }
        assert_eq!(count(&element, "skipped-invalid"), 3);
        let told = warnings(&bus);
        assert_eq!(told.len(), 1, "{told:?}");
        for part in ["NaN", "model-file", "precision=fp32"] {
            assert!(told[0].contains(part), "{told:?}");
        }
    });
}
