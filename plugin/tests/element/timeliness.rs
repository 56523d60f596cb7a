//! Time: latency, frames that are late, inference that does not run on every frame.

use gst::ClockTime;
use gst::prelude::*;
use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};
use mde_core::occlusion::Occlusion;

use crate::models::with_runtime;
use crate::support::{
    add_face, assert_only_changed_in, assert_same, bytes, count, difference, harness, info,
    marked_fill, mean_fill, noise, occluded, timed,
};

/// Says, as a sink, that the frame at `timestamp` came `late` milliseconds late.
fn late_by(late: i64, timestamp: ClockTime) -> gst::Event {
    gst::event::Qos::builder(gst::QOSType::Underflow, 2.0, late * 1_000_000)
        .timestamp(timestamp)
        .build()
}

fn small() -> VideoInfo {
    info(VideoFormat::Rgb, 96, 96)
}

fn messages(bus: &gst::Bus, kind: gst::MessageType) -> Vec<gst::Message> {
    bus.iter_filtered(&[kind]).collect()
}

#[test]
fn late_frames_pass_untouched_and_are_told() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let bus = gst::Bus::new();
        let mut harness = harness(&element, &small());
        element.set_bus(Some(&bus));
        let mut next = |number| {
            let frame = noise(&small(), number);
            let copy = frame.copy_deep().expect("a copy");
            (frame, harness.push_and_pull(copy).expect("a frame"))
        };
        let eyes = Occlusion::Eyes.rect();
        let (before, after) = next(0);
        assert_only_changed_in(&before, &after, &small(), eyes);
        assert_eq!(messages(&bus, gst::MessageType::Qos).len(), 0);

        // 30 ms late at 0: frames up to 100 ms are late.
        let pad = element.static_pad("src").expect("a source pad");
        pad.send_event(late_by(30, ClockTime::ZERO));
        for number in 1..=2 {
            let (before, after) = next(number);
            assert_same(&before, &after);
            assert_eq!(after.pts(), before.pts());
            assert!(!after.flags().contains(gst::BufferFlags::DISCONT));
        }
        let (before, after) = next(3);
        assert_only_changed_in(&before, &after, &small(), eyes);
        assert_eq!(count(&element, "skipped-late"), 2);
        assert_eq!(count(&element, "frames"), 4);

        let told = messages(&bus, gst::MessageType::Qos);
        assert_eq!(told.len(), 2);
        let gst::MessageView::Qos(qos) = told[1].view() else {
            panic!("{told:?}");
        };
        let frame = ClockTime::from_mseconds(40);
        let time = Some(2 * frame);
        assert_eq!(qos.get(), (false, time, time, time, Some(frame)));
        assert_eq!(qos.values(), (20_000_000, 2.0, 1_000_000));
        let buffers = |n| gst::GenericFormattedValue::from(gst::format::Buffers::from_u64(n));
        assert_eq!(qos.stats(), (buffers(1), buffers(2)));
    });
}

#[test]
fn late_frames_may_get_the_last_completion() {
    with_runtime(|| {
        let element = marked_fill("eyes");
        element.set_property_from_str("late-policy", "reuse");
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut next = |number, places: &[(u32, u32)]| {
            let mut frame = noise(&info, number);
            for &(dx, dy) in places {
                add_face(frame.make_mut(), dx, dy);
            }
            let copy = frame.copy_deep().expect("a copy");
            (frame, harness.push_and_pull(copy).expect("a frame"))
        };
        // Before the first completion there is nothing to lay on.
        let pad = element.static_pad("src").expect("a source pad");
        pad.send_event(late_by(1, ClockTime::ZERO));
        let (before, after) = next(0, &[(120, 70)]);
        assert_same(&before, &after);
        pad.send_event(late_by(-10, ClockTime::from_mseconds(40)));
        next(1, &[(120, 70)]);

        pad.send_event(late_by(80, ClockTime::from_mseconds(40)));
        let (before, after) = next(2, &[(130, 72), (10, 10)]);
        assert_only_changed_in(&before, &after, &info, occluded(Occlusion::Eyes, 130, 72));
        let stats = ["skipped-late", "completed", "reused"].map(|name| count(&element, name));
        assert_eq!(stats, [2, 1, 1]);
    });
}

#[test]
fn without_qos_no_frame_is_late() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        assert!(element.property::<bool>("qos"));
        element.set_property("qos", false);
        let mut harness = harness(&element, &small());
        let pad = element.static_pad("src").expect("a source pad");
        pad.send_event(late_by(1000, ClockTime::ZERO));
        let frame = noise(&small(), 1);
        let copy = frame.copy_deep().expect("a copy");
        let out = harness.push_and_pull(copy).expect("a frame");
        assert_only_changed_in(&frame, &out, &small(), Occlusion::Eyes.rect());
    });
}

#[test]
fn upstream_hears_of_late_frames_too() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let mut harness = harness(&element, &small());
        let pad = element.static_pad("src").expect("a source pad");
        pad.send_event(late_by(30, ClockTime::from_mseconds(40)));
        let heard = std::iter::from_fn(|| harness.try_pull_upstream_event());
        assert!(heard.map(|e| e.type_()).any(|t| t == gst::EventType::Qos));
    });
}

#[test]
fn after_a_flush_no_frame_is_late() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let mut harness = harness(&element, &small());
        let pad = element.static_pad("src").expect("a source pad");
        pad.send_event(late_by(1000, ClockTime::ZERO));
        harness.push_event(gst::event::FlushStart::new());
        harness.push_event(gst::event::FlushStop::new(true));
        let segment = gst::FormattedSegment::<ClockTime>::new();
        harness.push_event(gst::event::Segment::new(&segment));
        let frame = noise(&small(), 1);
        let copy = frame.copy_deep().expect("a copy");
        let out = harness.push_and_pull(copy).expect("a frame");
        assert_only_changed_in(&frame, &out, &small(), Occlusion::Eyes.rect());
    });
}

#[test]
fn between_inferences_the_last_completion_is_laid_on_the_face() {
    with_runtime(|| {
        let element = marked_fill("eyes");
        element.set_property("inference-interval", 3u32);
        // Else the noise of each frame.
        element.set_property("grain", 0f32);
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut fills = Vec::new();
        for number in 0..7 {
            let mut frame = noise(&info, number);
            let (dx, dy) = (100 + 3 * number as u32, 70);
            add_face(frame.make_mut(), dx, dy);
            let copy = frame.copy_deep().expect("a copy");
            let out = harness.push_and_pull(copy).expect("a frame");
            assert_only_changed_in(&frame, &out, &info, occluded(Occlusion::Eyes, dx, dy));
            let meta = out.iter_meta::<VideoRegionOfInterestMeta>().last();
            let meta = meta.expect("a mark");
            let completion = meta.param("completion").expect("a completion");
            assert_eq!(completion.get("reused"), Ok(number % 3 != 0), "{number}");
            // The mean of the frame's noise is all there is in the hole.
            let eye = ((dy as usize + 38) * 320 + dx as usize + 34) * 3;
            fills.push(bytes(&out)[eye..eye + 3].to_vec());
        }
        assert_eq!((&fills[1], &fills[2]), (&fills[0], &fills[0]));
        assert_eq!((&fills[4], &fills[5]), (&fills[3], &fills[3]));
        assert_eq!(count(&element, "completed"), 3);
        assert_eq!(count(&element, "reused"), 4);
    });
}

#[test]
fn a_new_face_does_not_wait_for_its_turn() {
    with_runtime(|| {
        let element = marked_fill("mouth");
        element.set_property("inference-interval", 1000u32);
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut next = |number, places: &[(u32, u32)]| {
            let mut frame = noise(&info, number);
            for &(dx, dy) in places {
                add_face(frame.make_mut(), dx, dy);
            }
            let copy = frame.copy_deep().expect("a copy");
            (frame, harness.push_and_pull(copy).expect("a frame"))
        };
        next(0, &[(10, 10)]);
        next(1, &[(10, 10)]);
        let (before, after) = next(2, &[(10, 10), (200, 120)]);
        for (dx, dy) in [(10, 10), (200, 120)] {
            let found = difference(&before, &after, &info, occluded(Occlusion::Mouth, dx, dy));
            assert!(found.inside_changed * 10 > found.inside * 9, "{found:?}");
        }
        assert_eq!(count(&element, "completed"), 3);
        // Another occlusion is another completion.
        element.set_property_from_str("occlusion", "eyes");
        let (before, after) = next(3, &[(10, 10)]);
        assert_only_changed_in(&before, &after, &info, occluded(Occlusion::Eyes, 10, 10));
        assert_eq!(count(&element, "completed"), 4);
    });
}

#[test]
fn between_inferences_another_number_is_another_face() {
    with_runtime(|| {
        let element = marked_fill("mouth");
        element.set_property("inference-interval", 1000u32);
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        for (number, id, completed) in [(0, 1, 1), (1, 1, 1), (2, 2, 2), (3, 2, 2)] {
            let mut frame = timed(noise(&info, 0), number);
            add_face(frame.make_mut(), 10, 10).set_id(id);
            harness.push_and_pull(frame).expect("a frame");
            assert_eq!(count(&element, "completed"), completed, "frame {number}");
        }
    });
}

#[test]
fn numbers_of_one_source_mean_nothing_to_another() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property("inference-interval", 1000u32);
        let mut harness = harness(&element, &small());
        let mut next = |number| {
            let mut frame = timed(noise(&small(), 0), number);
            add_face(frame.make_mut(), 0, 0);
            harness.push_and_pull(frame).expect("a frame");
            count(&element, "completed")
        };
        assert_eq!([next(0), next(1)], [1, 1]);
        element.set_property_from_str("region", "roi-list");
        assert_eq!([next(2), next(3)], [2, 2]);
    });
}

#[test]
fn after_a_flush_no_completion_is_laid_on_again() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property("inference-interval", 1000u32);
        let mut harness = harness(&element, &small());
        // The same scene, so that nothing else speaks against the completion.
        let next = |number| timed(noise(&small(), 0), number);
        harness.push_and_pull(next(0)).expect("a frame");
        harness.push_event(gst::event::FlushStart::new());
        harness.push_event(gst::event::FlushStop::new(true));
        let segment = gst::FormattedSegment::<ClockTime>::new();
        harness.push_event(gst::event::Segment::new(&segment));
        harness.push_and_pull(next(1)).expect("a frame");
        assert_eq!(count(&element, "completed"), 2);
        harness.push_and_pull(next(2)).expect("a frame");
        assert_eq!(count(&element, "completed"), 2);
    });
}

#[test]
fn a_live_pipeline_is_told_how_long_a_frame_takes() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        // The embedded generator takes many milliseconds wherever it runs.
        element.set_property("model-file", None::<&str>);
        let bus = gst::Bus::new();
        let mut harness = harness(&element, &small());
        element.set_bus(Some(&bus));
        let upstream = ClockTime::from_mseconds(40);
        harness.set_upstream_latency(upstream);
        assert_eq!(harness.query_latency(), Some(upstream));

        let mut numbers = 0..;
        while messages(&bus, gst::MessageType::Latency).is_empty() {
            let number = numbers.next().expect("a number");
            assert!(number < 100, "the latency is never told");
            harness
                .push_and_pull(noise(&small(), number))
                .expect("a frame");
        }
        let told = harness.query_latency().expect("a latency");
        assert!(told > upstream, "{told}");
        let stats = element.property::<gst::Structure>("stats");
        let longest: u64 = ["locate", "preprocess", "inference", "postprocess"]
            .map(|step| stats.get::<u64>(format!("{step}-us-max")).expect("a time"))
            .iter()
            .sum();
        let own = told - upstream;
        // The statistics' maxima are right to a hundredth.
        assert!(own.useconds() * 100 <= longest * 102 + 400, "{own}");
    });
}

#[test]
fn a_pipeline_that_is_not_live_has_no_latency() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property("model-file", None::<&str>);
        let bus = gst::Bus::new();
        let mut harness = harness(&element, &small());
        element.set_bus(Some(&bus));
        harness.set_live(false);
        for number in 0..20 {
            harness
                .push_and_pull(noise(&small(), number))
                .expect("a frame");
        }
        assert_eq!(messages(&bus, gst::MessageType::Latency).len(), 0);
        let mut query = gst::query::Latency::new();
        let pad = element.static_pad("src").expect("a source pad");
        assert!(pad.query(&mut query));
        assert_eq!(query.result(), (false, ClockTime::ZERO, None));
    });
}
