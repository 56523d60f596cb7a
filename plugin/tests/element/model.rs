//! The element's generator: progress at the start, models of all kinds and sizes, another model
//! while frames go through, a generator that fails.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo};
use mde_core::occlusion::{Occlusion, Rect};

use crate::models::{Model, with_runtime};
use crate::support::{
    assert_only_changed_in, assert_same, difference, harness, info, mean_fill, model_file, noise,
    timed,
};

/// An element that completes the eyes of whole frames with `model`.
fn element(name: &str, model: &Model) -> (gst::Element, gst::Bus) {
    let element = mean_fill("eyes");
    let file = model_file(name, &model.to_bytes());
    element.set_property("model-file", file.to_str());
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    (element, bus)
}

/// A frame of one value.
fn plain(info: &VideoInfo, value: u8) -> gst::Buffer {
    timed(gst::Buffer::from_mut_slice(vec![value; info.size()]), 0)
}

/// `frame` and what the element makes of it.
fn pass(harness: &mut Harness, frame: gst::Buffer) -> (gst::Buffer, gst::Buffer) {
    let copy = frame.copy_deep().expect("a copy");
    (frame, harness.push_and_pull(copy).expect("a frame"))
}

/// The first byte of the middle of the eyes in an RGB frame of 96x96.
fn eye_value(frame: &gst::Buffer) -> u8 {
    let Rect { x0, y0, x1, y1 } = Occlusion::Eyes.rect();
    let bytes = frame.map_readable().expect("memory");
    bytes[((y0 + y1) / 2 * 96 + (x0 + x1) / 2) * 3]
}

/// The names and fields of the element messages on the bus.
fn messages(bus: &gst::Bus, name: &str) -> Vec<gst::Structure> {
    let messages = bus.iter_filtered(&[gst::MessageType::Element]);
    let structures = messages.filter_map(|m| m.structure().map(gst::StructureRef::to_owned));
    structures.filter(|s| s.name() == name).collect()
}

#[test]
fn the_start_tells_how_far_it_is_and_does_all_that_is_done_once() {
    with_runtime(|| {
        let (element, bus) = element("mean_fill.onnx", &Model::mean_fill(96, 96));
        element.set_property_from_str("region", "roi-list");
        element.set_state(gst::State::Paused).expect("starting");
        let told: Vec<(String, u32)> = messages(&bus, "mdecomplete/progress")
            .iter()
            .map(|s| {
                assert_eq!(s.get("execution-provider"), Ok("cpu"));
                assert!(s.get::<u64>("elapsed-ms").is_ok());
                let crops = s.get("crops").unwrap_or_default();
                (s.get("step").expect("a step"), crops)
            })
            .collect();
        let wanted = [
            ("opening", 0),
            ("warming-up", 1),
            ("warming-up", 8),
            ("ready", 0),
        ];
        assert_eq!(told, wanted.map(|(step, crops)| (step.to_owned(), crops)));
        element.set_state(gst::State::Null).expect("stopping");
    });
}

#[test]
fn models_of_every_size_complete_frames() {
    with_runtime(|| {
        for (width, height) in [(64, 64), (512, 512), (128, 64), (80, 256)] {
            let (element, _) = element("sized.onnx", &Model::mean_fill(width, height));
            let info = info(VideoFormat::Rgb, 96, 96);
            let (before, after) = pass(&mut harness(&element, &info), noise(&info, 0));
            let Rect { x0, y0, x1, y1 } = Occlusion::Eyes.rect();
            // The hole is cut on the crop's grid, so its border may fall a pixel or two aside.
            let around = Rect::new(x0 - 2, y0 - 2, x1 + 2, y1 + 2);
            let found = difference(&before, &after, &info, around);
            assert_eq!(found.outside_changed, 0, "{width}x{height}");
            let core = Rect::new(x0 + 2, y0 + 2, x1 - 2, y1 - 2);
            let found = difference(&before, &after, &info, core);
            assert!(
                found.inside_changed * 10 > found.inside * 9,
                "{width}x{height}: {found:?}"
            );
        }
    });
}

#[test]
fn an_exported_lama_runs_on_full_frames() {
    with_runtime(|| {
        let (element, bus) = element("lama.onnx", &Model::like_lama(96, 96));
        let info = info(VideoFormat::Rgb, 96, 96);
        let (before, after) = pass(&mut harness(&element, &info), plain(&info, 200));
        assert_only_changed_in(&before, &after, &info, Occlusion::Eyes.rect());
        assert_eq!(eye_value(&after), 64);
        assert!(bus.pop_filtered(&[gst::MessageType::Warning]).is_none());
    });
}

#[test]
fn model_range_and_mask_tell_what_the_model_does_not() {
    with_runtime(|| {
        let sides = |channels| [-1, channels, 96, 96];
        let model = Model::stranger(&[("x", sides(3)), ("mask", sides(1))], ("y", sides(3))).node(
            "Mul",
            &["x", "mask"],
            "y",
        );
        let (element, _) = element("stranger.onnx", &model);
        element.set_property_from_str("model-range", "-1..1");
        element.set_property_from_str("model-mask", "known");
        let info = info(VideoFormat::Rgb, 96, 96);
        let (before, after) = pass(&mut harness(&element, &info), plain(&info, 200));
        assert_only_changed_in(&before, &after, &info, Occlusion::Eyes.rect());
        // Zero is grey.
        assert!((127..=128).contains(&eye_value(&after)));
    });
}

/// What the signal `model-updated` tells from now on.
fn updates(element: &gst::Element) -> Receiver<(Option<String>, bool)> {
    let (sender, receiver) = channel();
    element.connect("model-updated", false, move |values| {
        let file = values[1].get().expect("a file");
        let succeeded = values[2].get().expect("whether it succeeded");
        sender.send((file, succeeded)).expect("the test listens");
        None
    });
    receiver
}

fn set_model(
    element: &gst::Element,
    updates: &Receiver<(Option<String>, bool)>,
    file: &Path,
) -> bool {
    element.set_property("model-file", file.to_str());
    let update = updates.recv_timeout(Duration::from_secs(60));
    let (told, succeeded) = update.expect("the signal");
    assert_eq!(told.as_deref(), file.to_str());
    succeeded
}

#[test]
fn the_model_may_change_while_playing() {
    with_runtime(|| {
        let (element, bus) = element("dark.onnx", &Model::flat(96, 96, 0.2));
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let mut eyes = || eye_value(&pass(&mut harness, plain(&info, 200)).1);
        let updates = updates(&element);
        assert_eq!(eyes(), 51);

        // Of another size, so that all that depends on it follows.
        let bright = model_file("bright.onnx", &Model::flat(64, 128, 0.8).to_bytes());
        assert!(set_model(&element, &updates, &bright));
        assert_eq!(eyes(), 204);

        let garbage = model_file("garbage.onnx", b"not a model");
        assert!(!set_model(&element, &updates, &garbage));
        let in_use = element.property::<Option<String>>("model-file");
        assert_eq!(in_use.as_deref(), bright.to_str());
        assert_eq!(eyes(), 204);
        let warning = bus.pop_filtered(&[gst::MessageType::Warning]);
        let warning = warning.expect("a warning");
        let gst::MessageView::Warning(warning) = warning.view() else {
            panic!("{warning:?}");
        };
        let text = warning.error().to_string();
        assert!(text.contains("garbage.onnx"), "{text}");

        assert!(!set_model(
            &element,
            &updates,
            Path::new("/nonexistent/face.onnx")
        ));
        assert_eq!(eyes(), 204);
    });
}

#[test]
fn a_frame_that_the_generator_fails_on_passes_as_it_is() {
    with_runtime(|| {
        let (element, bus) = element("fails.onnx", &Model::fails_on_white(96, 96));
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let mut values = Vec::new();
        for value in [100, 255, 255, 100] {
            let (before, after) = pass(&mut harness, plain(&info, value));
            if value == 255 {
                assert_same(&before, &after);
            }
            values.push(eye_value(&after));
        }
        assert_eq!(values, [64, 255, 255, 64]);
        assert!(bus.pop_filtered(&[gst::MessageType::Warning]).is_some());
        assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_none());
    });
}

#[test]
fn a_generator_that_fails_ends_the_stream_where_nothing_may_stand_in() {
    with_runtime(|| {
        let (element, bus) = element("fails.onnx", &Model::fails_on_white(96, 96));
        element.set_property_from_str("fallback-policy", "error");
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        pass(&mut harness, plain(&info, 100));
        assert_eq!(harness.push(plain(&info, 255)), Err(gst::FlowError::Error));
        let error = bus
            .pop_filtered(&[gst::MessageType::Error])
            .expect("an error");
        let gst::MessageView::Error(error) = error.view() else {
            panic!("{error:?}");
        };
        let text = error.error().to_string();
        assert!(text.contains("cpu") && text.contains("fallback"), "{text}");
    });
}

/// Runs two branches of plain frames of the two colours in one pipeline; gives the eyes' values and
/// times of each branch's frames.
fn two_streams(colours: [u32; 2], frames: u32, file: &Path) -> [Vec<(u8, gst::ClockTime)>; 2] {
    crate::support::init();
    let branch = |colour: u32| {
        format!(
            "videotestsrc num-buffers={frames} pattern=solid-color foreground-color={colour} \
             ! video/x-raw,format=RGB,width=96,height=96,framerate=25/1 \
             ! mdecomplete occlusion=eyes region=full-frame execution-provider=cpu mask-feather=0 \
             model-file={} batch-across=two batch-timeout-us=10000000 \
             ! fakesink signal-handoffs=true sync=false async=false",
            file.display()
        )
    };
    let description = colours.map(branch).join(" ");
    let pipeline = gst::parse::launch(&description).expect("the pipeline");
    let pipeline = pipeline.downcast::<gst::Pipeline>().expect("a pipeline");
    let mut streams = Vec::new();
    for sink in pipeline.iterate_sinks().into_iter().flatten() {
        let (sender, receiver) = channel();
        sink.connect("handoff", false, move |values| {
            let buffer: gst::Buffer = values[1].get().expect("a buffer");
            let time = buffer.pts().expect("a time");
            sender
                .send((eye_value(&buffer), time))
                .expect("the test listens");
            None
        });
        streams.push(receiver);
    }
    pipeline.set_state(gst::State::Playing).expect("playing");
    let bus = pipeline.bus().expect("a bus");
    let last = bus.timed_pop_filtered(
        gst::ClockTime::from_seconds(60),
        &[gst::MessageType::Eos, gst::MessageType::Error],
    );
    let last = last.expect("an end");
    assert_eq!(last.type_(), gst::MessageType::Eos, "{last:?}");
    pipeline.set_state(gst::State::Null).expect("stopping");
    let mut streams = streams
        .into_iter()
        .map(|stream| stream.try_iter().collect());
    [(); 2].map(|()| streams.next().expect("two streams"))
}

#[test]
fn elements_of_one_pipeline_share_runs_and_each_gets_its_own() {
    with_runtime(|| {
        let frames = 20;
        let times = |stream: &[(u8, gst::ClockTime)]| {
            let times: Vec<_> = stream.iter().map(|(_, time)| *time).collect();
            let wanted: Vec<_> = (0..frames)
                .map(|frame| u64::from(frame) * gst::ClockTime::from_mseconds(40))
                .collect();
            assert_eq!(times, wanted);
        };
        // A run of both fills with the mean of both: a frame of grey 100 and one of grey 200.
        let mean = model_file("mean.onnx", &Model::mean_of_batch(96, 96).to_bytes());
        let streams = two_streams([0xff64_6464, 0xffc8_c8c8], frames, &mean);
        for stream in &streams {
            times(stream);
            assert!(stream.iter().all(|(eye, _)| *eye == 150), "{stream:?}");
        }
        // What a frame's own pixels decide comes back to that frame.
        let own = model_file("own.onnx", &Model::mean_fill(96, 96).to_bytes());
        let streams = two_streams([0xff64_6464, 0xffc8_c8c8], frames, &own);
        let mut eyes = streams.map(|stream| {
            times(&stream);
            assert!(
                stream.iter().all(|(eye, _)| *eye == stream[0].0),
                "{stream:?}"
            );
            stream[0].0
        });
        eyes.sort_unstable();
        assert_eq!(eyes, [100, 200]);
    });
}
