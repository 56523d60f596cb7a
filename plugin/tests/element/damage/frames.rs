//! Channels that are lost in whole frames.

use super::auto::{SIZE, boxes};
use super::*;
use crate::support::{bus_texts, bytes, count, warnings};

/// An element that restores frames with the generator in `model`, without a region.
fn restorer(damaged: &str, model: &str) -> gst::Element {
    let element = mean_fill("");
    element.set_property_from_str("region", "roi-list");
    element.set_property_from_str("damaged-channels", damaged);
    element.set_property("scene-model", model);
    element
}

/// With a generator that takes every channel for green.
fn green_restorer(damaged: &str) -> gst::Element {
    restorer(damaged, green_model().to_str().expect("a name"))
}

/// Mean difference in 255ths.
fn off(a: &[u8], b: &[u8]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)));
    differences.sum::<f64>() / a.len() as f64
}

fn dead(_: &[u8], _: usize, _: usize) -> u8 {
    0
}

fn whole(plane: &[u8], x: usize, y: usize) -> u8 {
    plane[y * SIZE.0 + x]
}

#[test]
fn a_lost_channel_is_restored_where_no_region_is() {
    with_runtime(|| {
        let element = green_restorer("red");
        let (info, frame) = boxes(0, 0, dead);
        let mut harness = harness(&element, &info);
        let (before, after) = next(&mut harness, frame);
        for other in [1, 2] {
            let same = samples(&before, &info, other) == samples(&after, &info, other);
            assert!(same, "component {other} changed");
        }
        let [red, green] = [0, 1].map(|c| samples(&after, &info, c));
        let off = off(&red, &green);
        assert!(off < 4.0, "red differs from what is completed by {off}");
        assert_eq!(count(&element, "restored"), 1);
        assert_eq!(count(&element, "completed"), 0, "no region");
    });
}

#[test]
fn frames_that_are_taller_than_wide_lie_for_the_generator() {
    with_runtime(|| {
        for (format, size) in [
            (VideoFormat::I420, (96, 192)),
            (VideoFormat::Bgra, (64, 480)),
        ] {
            let element = green_restorer("blue");
            let info = info(format, size.0, size.1);
            let mut harness = harness(&element, &info);
            let (before, after) = next(&mut harness, noise(&info, 0));
            assert!(bytes(&before) != bytes(&after), "{format}");
            assert_eq!(count(&element, "restored"), 1, "{format}");
        }
    });
}

#[test]
fn what_a_scene_looked_like_before_tells_what_the_generator_does_not_know() {
    with_runtime(|| {
        let element = green_restorer("auto");
        let (info, truth) = boxes(0, 2, whole);
        let wanted = samples(&truth, &info, 2);
        let mut harness = harness(&element, &info);
        for number in 0..20 {
            let (before, after) = next(&mut harness, boxes(number, 2, whole).1);
            assert_same(&before, &after);
        }
        for number in 20..24 {
            let (_, after) = next(&mut harness, boxes(number, 2, dead).1);
            let [green, blue] = [1, 2].map(|c| samples(&after, &info, c));
            let (of_memory, of_generator) = (off(&blue, &wanted), off(&green, &wanted));
            assert!(
                of_memory < 0.5 * of_generator,
                "frame {number}: off by {of_memory}, and by {of_generator} without memory"
            );
        }
        assert_eq!(count(&element, "restored"), 4);
    });
}

#[test]
fn with_regions_alone_frames_without_one_stay() {
    with_runtime(|| {
        for property in ["channel-scope", "dry-run", "strength"] {
            let element = green_restorer("red");
            let value = match property {
                "channel-scope" => "regions",
                "dry-run" => "true",
                _ => "0",
            };
            element.set_property_from_str(property, value);
            let (info, frame) = boxes(0, 0, dead);
            let mut harness = harness(&element, &info);
            let (before, after) = next(&mut harness, frame);
            assert_same(&before, &after);
            assert_eq!(count(&element, "restored"), 0);
        }
    });
}

#[test]
fn a_channel_may_be_said_to_be_lost_while_frames_flow() {
    with_runtime(|| {
        let element = green_restorer("");
        let (info, _) = boxes(0, 0, dead);
        let mut harness = harness(&element, &info);
        let (before, after) = next(&mut harness, boxes(0, 0, dead).1);
        assert_same(&before, &after);
        element.set_property_from_str("damaged-channels", "red");
        let (before, after) = next(&mut harness, boxes(1, 0, dead).1);
        assert!(bytes(&before) != bytes(&after));
        element.set_property_from_str("damaged-channels", "");
        let (before, after) = next(&mut harness, boxes(2, 0, dead).1);
        assert_same(&before, &after);
    });
}

#[test]
fn a_scene_model_that_cannot_be_used_is_told_of() {
    with_runtime(|| {
        for (file, wanted) in [
            (
                "/nowhere/scene.onnx",
                "scene-model /nowhere/scene.onnx cannot be read",
            ),
            (
                concat!(env!("CARGO_MANIFEST_DIR"), "/models/face.onnx"),
                "scene-model is a generator of faces",
            ),
        ] {
            let element = restorer("red", file);
            let bus = bus_of(&element);
            let started = element.set_state(gst::State::Paused);
            let texts = bus_texts(&bus).join("\n");
            element.set_state(gst::State::Null).expect("it stops");
            assert!(started.is_err(), "{file}");
            assert!(texts.contains(wanted), "{file}: {texts}");
            // While it plays, channels are restored in the regions alone instead.
            let element = restorer("", file);
            let bus = bus_of(&element);
            let info = info(VideoFormat::Rgb, 96, 96);
            let mut harness = harness(&element, &info);
            element.set_property_from_str("damaged-channels", "red");
            let texts = warnings(&bus).join("\n");
            assert!(texts.contains(wanted), "{file}: {texts}");
            let (before, after) = next(&mut harness, noise(&info, 0));
            assert_same(&before, &after);
        }
    });
}
