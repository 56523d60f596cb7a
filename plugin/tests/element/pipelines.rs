//! The element between other elements.

use gst::ClockTime;
use gst::prelude::*;
use gst_video::VideoFormat;
use mde_core::occlusion::Occlusion;

use crate::models::with_runtime;
use crate::support::{assert_only_changed_in, count, harness, info, mean_fill, noise};

/// `before ! element ! after`, with the elements of `before` and `after` by their names.
fn pipeline(before: &str, element: &gst::Element, after: &str) -> gst::Pipeline {
    let bin = |description: &str| {
        gst::parse::bin_from_description(description, true).expect("a description")
    };
    let (before, after) = (bin(before), bin(after));
    let pipeline = gst::Pipeline::new();
    pipeline
        .add_many([before.upcast_ref(), element, after.upcast_ref()])
        .expect("elements");
    gst::Element::link_many([before.upcast_ref(), element, after.upcast_ref()]).expect("links");
    pipeline
}

/// Longer than anything here takes; what takes longer will never come.
const LIMIT: ClockTime = ClockTime::from_seconds(60);

/// The next sample, nothing at the end of the stream.
fn pull(pipeline: &gst::Pipeline, sink: &str) -> Option<gst::Sample> {
    let sink = pipeline.by_name(sink).expect("the sink");
    let sample = sink.emit_by_name::<Option<gst::Sample>>("try-pull-sample", &[&LIMIT.nseconds()]);
    assert!(
        sample.is_some() || sink.property::<bool>("eos"),
        "no sample in {LIMIT}"
    );
    sample
}

#[test]
fn the_other_branch_of_a_tee_sees_the_original() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 96, 96);
        let source = "videotestsrc num-buffers=4 pattern=snow ! video/x-raw,format=RGB,width=96,\
                      height=96 ! tee name=tee ! queue";
        let pipeline = pipeline(
            source,
            &mean_fill("eyes"),
            "appsink name=completed sync=false",
        );
        let tee = pipeline.by_name("tee").expect("the tee");
        let bin = tee.parent().and_downcast::<gst::Bin>().expect("its bin");
        let other = gst::parse::bin_from_description("queue ! appsink name=original", true);
        let other = other.expect("a description");
        bin.add(&other).expect("a branch");
        tee.link(&other).expect("a link");

        pipeline.set_state(gst::State::Playing).expect("playing");
        for _ in 0..4 {
            let [original, completed] = ["original", "completed"].map(|sink| {
                let sample = pull(&pipeline, sink).expect("a sample");
                sample.buffer_owned().expect("a buffer")
            });
            assert_eq!(original.pts(), completed.pts());
            assert_only_changed_in(&original, &completed, &info, Occlusion::Eyes.rect());
        }
        pipeline.set_state(gst::State::Null).expect("stopping");
    });
}

#[test]
fn downstream_and_upstream_may_renegotiate() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let source = "videotestsrc ! capsfilter name=before";
        let sink = "capsfilter name=after ! appsink name=sink sync=false max-buffers=1";
        let pipeline = pipeline(source, &element, sink);
        let demand = |filter: &str, caps: &str| {
            let filter = pipeline.by_name(filter).expect("the filter");
            filter.set_property_from_str("caps", caps);
        };
        demand("after", "video/x-raw,format=RGB,width=96,height=96");
        pipeline.set_state(gst::State::Playing).expect("playing");
        let arrives = |format: &str, width: i32| {
            // Frames on their way still have the old caps.
            (0..20).any(|_| {
                let sample = pull(&pipeline, "sink").expect("a sample");
                let caps = sample
                    .caps()
                    .expect("caps")
                    .structure(0)
                    .expect("a structure");
                caps.get("format") == Ok(format) && caps.get("width") == Ok(width)
            })
        };
        assert!(arrives("RGB", 96));
        demand("after", "video/x-raw,format=I420,width=128,height=64");
        assert!(arrives("I420", 128));
        demand("after", "video/x-raw");
        demand("before", "video/x-raw,format=NV12,width=70,height=50");
        assert!(arrives("NV12", 70));
        pipeline.set_state(gst::State::Null).expect("stopping");
    });
}

#[test]
fn a_seek_goes_where_it_should() {
    with_runtime(|| {
        let source = "videotestsrc num-buffers=100 ! capsfilter \
                      caps=video/x-raw,format=RGB,width=96,height=96,framerate=25/1";
        let sink = "appsink name=sink sync=false";
        let pipeline = pipeline(source, &mean_fill("eyes"), sink);
        pipeline.set_state(gst::State::Paused).expect("pausing");
        let (result, _, _) = pipeline.state(LIMIT);
        result.expect("paused");
        let (start, stop) = (
            ClockTime::from_mseconds(2000),
            ClockTime::from_mseconds(2200),
        );
        pipeline
            .seek(
                1.0,
                gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE,
                gst::SeekType::Set,
                start,
                gst::SeekType::Set,
                stop,
            )
            .expect("a seek");
        pipeline.set_state(gst::State::Playing).expect("playing");
        let samples: Vec<_> = std::iter::from_fn(|| pull(&pipeline, "sink")).collect();
        let times: Vec<_> = samples
            .iter()
            .map(|sample| sample.buffer().and_then(gst::BufferRef::pts))
            .collect();
        let wanted: Vec<_> = (50..55)
            .map(|n| Some(n * ClockTime::from_mseconds(40)))
            .collect();
        assert_eq!(times, wanted);
        let segment = samples[0].segment().expect("a segment");
        let segment = segment.downcast_ref::<ClockTime>().expect("a time segment");
        assert_eq!(segment.start(), Some(start));
        pipeline.set_state(gst::State::Null).expect("stopping");
    });
}

#[test]
fn no_frame_is_lost_where_the_sink_is_too_slow() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let source = "videotestsrc num-buffers=12 ! capsfilter \
                      caps=video/x-raw,format=RGB,width=96,height=96,framerate=50/1";
        let pipeline = pipeline(source, &element, "fakesink sync=true qos=true");
        // As if it had begun to play ten seconds ago: the sink is behind from the first frame on.
        let clock = gst::SystemClock::obtain();
        let ago = clock.time().saturating_sub(ClockTime::from_seconds(10));
        pipeline.use_clock(Some(&clock));
        pipeline.set_start_time(ClockTime::NONE);
        pipeline.set_base_time(ago);
        let (tell, counted) = std::sync::mpsc::channel();
        let pad = element.static_pad("src").expect("a source pad");
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            tell.send(()).expect("the test listens");
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing).expect("playing");
        let bus = pipeline.bus().expect("a bus");
        let end = [gst::MessageType::Eos, gst::MessageType::Error];
        let message = bus.timed_pop_filtered(LIMIT, &end).expect("a message");
        assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
        assert!(count(&element, "skipped-late") > 0);
        pipeline.set_state(gst::State::Null).expect("stopping");
        assert_eq!(counted.try_iter().count(), 12);
    });
}

#[test]
fn segments_and_gaps_pass_in_order() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&mean_fill("eyes"), &info);
        let second = ClockTime::SECOND;
        harness.push(noise(&info, 0)).expect("a push");
        harness.push_event(gst::event::Gap::builder(second).duration(second).build());
        let mut segment = gst::FormattedSegment::<ClockTime>::new();
        segment.set_start(5 * second);
        harness.push_event(gst::event::Segment::new(&segment));
        let mut frame = noise(&info, 1);
        frame.make_mut().set_pts(5 * second);
        harness.push(frame).expect("a push");
        harness.push_event(gst::event::Eos::new());

        let types: Vec<_> = std::iter::from_fn(|| harness.try_pull_event())
            .map(|event| event.type_())
            .collect();
        use gst::EventType::{Caps, Eos, Gap, Segment, StreamStart};
        assert_eq!(types, [StreamStart, Caps, Segment, Gap, Segment, Eos]);
        let frames = std::iter::from_fn(|| harness.try_pull());
        let times: Vec<_> = frames.map(|frame| frame.pts()).collect();
        assert_eq!(times, [Some(ClockTime::ZERO), Some(5 * second)]);
    });
}

#[test]
fn frames_of_an_application_come_back_uncopied_without_an_occlusion() {
    with_runtime(|| {
        let info = info(VideoFormat::Nv12, 96, 96);
        let source = gst_app::AppSrc::builder()
            .caps(&info.to_caps().expect("caps"))
            .format(gst::Format::Time)
            .build();
        let sink = gst_app::AppSink::builder().sync(false).build();
        let element = mean_fill("");
        let pipeline = gst::Pipeline::new();
        let elements = [source.upcast_ref(), &element, sink.upcast_ref()];
        pipeline.add_many(elements).expect("elements");
        gst::Element::link_many(elements).expect("links");
        pipeline.set_state(gst::State::Playing).expect("playing");
        for number in 0..3 {
            let frame = noise(&info, number);
            source.push_buffer(frame.clone()).expect("a push");
            let sample = sink.try_pull_sample(LIMIT).expect("a sample");
            let out = sample.buffer_owned().expect("a buffer");
            let address = |buffer: &gst::Buffer| buffer.peek_memory(0).as_ptr();
            assert_eq!(address(&out), address(&frame));
        }
        source.end_of_stream().expect("an end");
        assert!(sink.try_pull_sample(LIMIT).is_none() && sink.is_eos());
        pipeline.set_state(gst::State::Null).expect("stopping");
    });
}
