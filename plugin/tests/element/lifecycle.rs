//! Properties that are set while the element starts, stops or plays, and what stays where they
//! cannot be followed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use gst::prelude::*;
use gst_video::VideoFormat;
use image::{GrayImage, Luma};
use mde_core::occlusion::Rect;

use crate::models::{Model, with_runtime};
use crate::picture::portrait;
use crate::support::{
    assert_only_changed_in, bytes, count, harness, info, mean_fill, model_file, noise, timed,
    warnings,
};

/// What the tests' masks cover.
const SPOT: Rect = Rect::new(30, 40, 60, 70);

/// A mask picture of 96x96 pixels that covers [`SPOT`].
fn mask_file() -> PathBuf {
    let mask = GrayImage::from_fn(96, 96, |x, y| {
        Luma([u8::from(SPOT.contains(x as usize, y as usize)) * 255])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    mask.write_to(&mut png, image::ImageFormat::Png)
        .expect("a PNG");
    model_file("mask.png", png.get_ref())
}

/// A bus for `element` that calls `act` with the element at the first element message `name`.
fn act_at(
    element: &gst::Element,
    name: &'static str,
    act: impl Fn(&gst::Element) + Send + Sync + 'static,
) -> gst::Bus {
    let bus = gst::Bus::new();
    let (weak, has_acted) = (element.downgrade(), AtomicBool::new(false));
    bus.set_sync_handler(move |_, message| {
        let is_it = message.structure().is_some_and(|s| s.name() == name);
        if is_it
            && !has_acted.swap(true, Ordering::SeqCst)
            && let Some(element) = weak.upgrade()
        {
            act(&element);
        }
        gst::BusSyncReply::Pass
    });
    element.set_bus(Some(&bus));
    bus
}

#[test]
fn files_that_are_set_while_the_element_starts_count() {
    with_runtime(|| {
        let element = mean_fill("");
        element.set_property("border-match", 0f32);
        element.set_property("grain", 0f32);
        let (sender, updated) = channel();
        element.connect("model-updated", false, move |values| {
            let succeeded: bool = values[2].get().expect("whether it succeeded");
            sender.send(succeeded).expect("the test listens");
            None
        });
        let mask = mask_file();
        let bright = model_file("bright.onnx", &Model::flat(96, 96, 0.8).to_bytes());
        let _bus = act_at(&element, "mdecomplete/progress", move |element| {
            element.set_property("mask-file", mask.to_str());
            element.set_property("model-file", bright.to_str());
        });
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let succeeded = updated.recv_timeout(Duration::from_secs(60));
        assert_eq!(succeeded, Ok(true));
        let frame = noise(&info, 0);
        let copy = frame.copy_deep().expect("a copy");
        let after = harness.push_and_pull(copy).expect("a frame");
        assert_only_changed_in(&frame, &after, &info, SPOT);
        let middle = ((SPOT.y0 + SPOT.y1) / 2 * 96 + (SPOT.x0 + SPOT.x1) / 2) * 3;
        assert_eq!(bytes(&after)[middle], 204);
    });
}

#[test]
fn faces_are_found_where_the_region_is_set_while_the_element_starts() {
    let Some((info, pixels)) = portrait() else {
        return;
    };
    with_runtime(|| {
        let element = mean_fill("eyes");
        let _bus = act_at(&element, "mdecomplete/progress", |element| {
            element.set_property_from_str("region", "faces");
        });
        let mut harness = harness(&element, &info);
        let frame = timed(gst::Buffer::from_slice(pixels), 0);
        harness.push_and_pull(frame).expect("a frame");
        assert_eq!(count(&element, "completed"), 1);
    });
}

#[test]
fn who_hears_of_a_model_being_loaded_may_stop_the_element() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_state(gst::State::Paused).expect("starting");
        let (sender, stopped) = channel();
        let bus = act_at(&element, "mdecomplete/progress", move |element| {
            let result = element.set_state(gst::State::Null);
            sender.send(result.is_ok()).expect("the test listens");
        });
        let other = model_file("other.onnx", &Model::flat(96, 96, 0.8).to_bytes());
        element.set_property("model-file", other.to_str());
        let stopped = stopped.recv_timeout(Duration::from_secs(60));
        assert_eq!(stopped, Ok(true));
        assert_eq!(warnings(&bus), [""; 0]);
        // It starts again, with the model that was wished for.
        element.set_state(gst::State::Paused).expect("starting");
        let model = element.property::<Option<String>>("model-file");
        assert_eq!(model.as_deref(), other.to_str());
        element.set_state(gst::State::Null).expect("stopping");
    });
}

#[test]
fn files_that_cannot_be_used_leave_the_properties_as_they_were() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let mask = mask_file();
        element.set_property("mask-file", mask.to_str());
        let model = element.property::<Option<String>>("model-file");
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        element.set_state(gst::State::Paused).expect("starting");
        let (sender, told) = channel();
        element.connect("model-updated", false, move |values| {
            let succeeded: bool = values[2].get().expect("whether it succeeded");
            sender.send(succeeded).expect("the test listens");
            None
        });

        let garbage = model_file("garbage.png", b"no picture");
        element.set_property("mask-file", garbage.to_str());
        let in_use = element.property::<Option<String>>("mask-file");
        assert_eq!(in_use.as_deref(), mask.to_str());
        element.set_property("model-file", garbage.to_str());
        assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(false));
        assert_eq!(element.property::<Option<String>>("model-file"), model);

        let warnings = warnings(&bus);
        let [of_mask, of_model] = warnings.as_slice() else {
            panic!("{warnings:?}");
        };
        for (warning, what) in [(of_mask, "mask-file"), (of_model, "model-file")] {
            assert!(
                warning.starts_with(&format!("{what} stays as it is: "))
                    && warning.contains("garbage.png"),
                "{warning}"
            );
            assert!(
                !warning.contains("Some(") && !warning.contains("None"),
                "{warning}"
            );
        }
        element.set_state(gst::State::Null).expect("stopping");
    });
}

#[test]
fn what_cannot_change_while_the_element_runs_says_so() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        element.set_property("num-threads", 1u32);
        element.set_state(gst::State::Paused).expect("starting");
        assert_eq!(warnings(&bus), [""; 0]);
        element.set_property("num-threads", 1u32);
        element.set_property("strength", 0.5f32);
        assert_eq!(warnings(&bus), [""; 0]);
        element.set_property("num-threads", 2u32);
        element.set_property_from_str("precision", "fp32");
        let warnings = warnings(&bus);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(
            warnings[0].starts_with("num-threads cannot change"),
            "{warnings:?}"
        );
        assert!(
            warnings[1].starts_with("precision cannot change"),
            "{warnings:?}"
        );
        element.set_state(gst::State::Null).expect("stopping");
    });
}
