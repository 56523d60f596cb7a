//! Streams: formats, caps, events, timestamps, settings that change on the way.

use gst::prelude::*;
use gst_video::VideoFormat;
use gstmdecomplete::frame::SUPPORTED_FORMATS;
use mde_core::occlusion::Occlusion;

use crate::models::{Model, with_runtime};
use crate::support::{
    assert_only_changed_in, assert_same, harness, info, init, mean_fill, model_file, noise,
};

#[test]
fn every_format_streams_through() {
    with_runtime(|| {
        for &format in SUPPORTED_FORMATS {
            let element = mean_fill("eyes");
            let info = info(format, 96, 96);
            let mut harness = harness(&element, &info);
            for number in 0..3 {
                let frame = noise(&info, number);
                let out = harness.push_and_pull(frame.copy_deep().expect("a copy"));
                let out = out.expect("a frame");
                assert_eq!(out.pts(), frame.pts());
                assert_eq!(out.duration(), frame.duration());
                assert_only_changed_in(&frame, &out, &info, Occlusion::Eyes.rect());
            }
        }
    });
}

#[test]
fn odd_sizes_stream_through() {
    with_runtime(|| {
        for &format in SUPPORTED_FORMATS {
            for (width, height) in [(1, 1), (33, 17), (131, 97)] {
                let element = mean_fill("left-half+mouth");
                let info = info(format, width, height);
                let mut harness = harness(&element, &info);
                let out = harness.push_and_pull(noise(&info, 0)).expect("a frame");
                assert_eq!(out.size(), info.size());
            }
        }
    });
}

#[test]
fn other_formats_are_refused() {
    init();
    let element = mean_fill("eyes");
    let pad = element.static_pad("sink").expect("a sink pad");
    let accepts = |caps: &gst::Caps| pad.query_accept_caps(caps);
    for &format in SUPPORTED_FORMATS {
        assert!(accepts(&info(format, 96, 96).to_caps().expect("caps")));
    }
    for format in [VideoFormat::Gray16Be, VideoFormat::Nv16, VideoFormat::V210] {
        assert!(!accepts(&info(format, 96, 96).to_caps().expect("caps")));
    }
    assert!(!accepts(&gst::Caps::new_empty_simple("audio/x-raw")));
}

#[test]
fn order_and_end_of_stream_are_kept() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&mean_fill("mouth"), &info);
        for number in 0..5 {
            harness.push(noise(&info, number)).expect("a push");
        }
        assert!(harness.push_event(gst::event::Eos::new()));
        let stamps: Vec<_> = (0..5)
            .map(|_| harness.pull().expect("a frame").pts())
            .collect();
        let wanted: Vec<_> = (0..5).map(|number| noise(&info, number).pts()).collect();
        assert_eq!(stamps, wanted);
        assert!(harness.try_pull().is_none());
        let events = std::iter::from_fn(|| harness.try_pull_event());
        assert_eq!(events.last().map(|e| e.type_()), Some(gst::EventType::Eos));
    });
}

#[test]
fn caps_may_change_mid_stream() {
    with_runtime(|| {
        let first = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&mean_fill("eyes"), &first);
        for info in [
            first.clone(),
            info(VideoFormat::I420, 192, 144),
            info(VideoFormat::Gray8, 50, 50),
            first,
        ] {
            let caps = info.to_caps().expect("caps");
            harness.set_src_caps(caps.clone());
            let out = harness.push_and_pull(noise(&info, 0)).expect("a frame");
            assert_eq!(out.size(), info.size());
            let pad = harness.sinkpad().expect("the harness' sink");
            assert_eq!(pad.current_caps(), Some(caps));
        }
    });
}

#[test]
fn without_an_occlusion_the_very_buffers_pass() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&mean_fill(""), &info);
        let frame = noise(&info, 0);
        let _held = frame.clone();
        let address = frame.as_ptr();
        let out = harness.push_and_pull(frame).expect("a frame");
        assert_eq!(out.as_ptr(), address);
    });
}

#[test]
fn occlusion_and_region_may_change_while_playing() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let mut next = || {
            let frame = noise(&info, 1);
            let copy = frame.copy_deep().expect("a copy");
            (frame, harness.push_and_pull(copy).expect("a frame"))
        };

        let (before, after) = next();
        assert_only_changed_in(&before, &after, &info, Occlusion::Eyes.rect());

        element.set_property_from_str("occlusion", "mouth");
        let (before, after) = next();
        assert_only_changed_in(&before, &after, &info, Occlusion::Mouth.rect());

        element.set_property_from_str("region", "roi-list");
        let (before, after) = next();
        assert_same(&before, &after);

        element.set_property_from_str("occlusion", "");
        element.set_property_from_str("region", "full-frame");
        let (before, after) = next();
        assert_same(&before, &after);

        element.set_property_from_str("occlusion", "left-half");
        let (before, after) = next();
        assert_only_changed_in(&before, &after, &info, Occlusion::LeftHalf.rect());
    });
}

#[test]
fn a_completion_that_is_no_picture_is_not_written() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let file = model_file("divide.onnx", &Model::divide(96, 96).to_bytes());
        element.set_property("model-file", file.to_str());
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        for number in 0..2 {
            let frame = noise(&info, number);
            let copy = frame.copy_deep().expect("a copy");
            let out = harness.push_and_pull(copy).expect("a frame");
            assert_same(&frame, &out);
        }
    });
}

#[test]
fn neither_a_flush_nor_an_end_waits_for_the_group() {
    with_runtime(|| {
        for ends in [false, true] {
            let member = || {
                let element = mean_fill("eyes");
                element.set_property("batch-across", "flushed");
                element.set_property("batch-timeout-us", 10_000_000u32);
                element
            };
            let (element, silent) = (member(), member());
            let info = info(VideoFormat::I420, 96, 96);
            let mut streams = [&element, &silent].map(|element| harness(element, &info));
            let (sender, frames) = std::sync::mpsc::channel();
            let pad = element.static_pad("sink").expect("a sink pad");
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                let _ = sender.send(());
                gst::PadProbeReturn::Ok
            });
            let start = std::time::Instant::now();
            std::thread::scope(|scope| {
                let stream = &mut streams[0];
                let frame = noise(&info, 0);
                scope.spawn(move || stream.push(frame));
                frames.recv().expect("a frame on its way");
                if ends {
                    element.set_state(gst::State::Null).expect("an end");
                } else {
                    pad.send_event(gst::event::FlushStart::new());
                    pad.send_event(gst::event::FlushStop::new(true));
                }
            });
            let seconds = start.elapsed().as_secs_f64();
            assert!(seconds < 5.0, "{seconds}");
        }
    });
}
