//! Caps and allocation: what is agreed upon with the neighbours.

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoMeta};

use crate::models::with_runtime;
use crate::support::{harness, info, init, mean_fill, noise, warnings};

/// What the element proposes to whoever asks upstream.
fn proposal(
    element: &gst::Element,
    caps: &gst::Caps,
) -> Option<gst::query::Allocation<gst::Query>> {
    let mut query = gst::query::Allocation::new(Some(caps), true);
    let pad = element.static_pad("sink").expect("a sink pad");
    pad.query(&mut query).then_some(query)
}

#[test]
fn upstream_is_offered_what_downstream_offers() {
    with_runtime(|| {
        for occlusion in ["eyes", ""] {
            let info = info(VideoFormat::I420, 96, 96);
            let caps = info.to_caps().expect("caps");
            let element = mean_fill(occlusion);
            let mut harness = harness(&element, &info);

            // Whoever does not know padded rows must not get any.
            let proposed = proposal(&element, &caps);
            let padding = proposed.and_then(|query| query.find_allocation_meta::<VideoMeta>());
            assert_eq!(padding, None);

            // As there is no copy, upstream may fill downstream's buffers.
            let pool = gst::BufferPool::new();
            let size = info.size() as u32;
            let sink = harness.sinkpad().expect("the harness' sink");
            let offered = pool.clone();
            sink.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, move |_, probe| {
                let query = probe.query_mut().map(gst::QueryRef::view_mut);
                let Some(gst::QueryViewMut::Allocation(query)) = query else {
                    return gst::PadProbeReturn::Ok;
                };
                query.add_allocation_pool(Some(&offered), size, 3, 7);
                query.add_allocation_meta::<VideoMeta>(None);
                gst::PadProbeReturn::Handled
            });
            let query = proposal(&element, &caps).expect("a proposal");
            assert!(query.find_allocation_meta::<VideoMeta>().is_some());
            let pools: Vec<_> = query.allocation_pools().collect();
            assert_eq!(pools, [(Some(pool), size, 3, 7)]);
            harness.push_and_pull(noise(&info, 0)).expect("a frame");
        }
    });
}

#[test]
fn only_system_memory_is_taken() {
    init();
    let element = mean_fill("eyes");
    let pad = element.static_pad("sink").expect("a sink pad");
    let caps = info(VideoFormat::Nv12, 96, 96).to_caps().expect("caps");
    let with = |features: gst::CapsFeatures| {
        let mut caps = caps.clone();
        caps.make_mut().set_features(0, Some(features));
        pad.query_accept_caps(&caps)
    };
    assert!(with(gst::CapsFeatures::new_empty()));
    assert!(with(gst::CapsFeatures::new([
        gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY
    ])));
    for memory in ["memory:DMABuf", "memory:GLMemory", "memory:CUDAMemory"] {
        assert!(!with(gst::CapsFeatures::new([memory])), "{memory}");
    }
    // One field a buffer is no frame.
    assert!(!with(gst::CapsFeatures::new(["format:Interlaced"])));
}

#[test]
fn caps_that_are_not_taken_are_told_with_a_remedy() {
    with_runtime(|| {
        let yuv = info(VideoFormat::I420, 96, 96).to_caps().expect("caps");
        let of_fields = |mode: &str, feature: Option<&str>| {
            let mut caps = yuv.clone();
            let caps_mut = caps.make_mut();
            caps_mut.set("interlace-mode", mode);
            caps_mut.set_features(0, feature.map(|feature| gst::CapsFeatures::new([feature])));
            caps
        };
        let alternate = of_fields("alternate", Some("format:Interlaced"));
        for (refused, fault, remedy) in [
            (
                info(VideoFormat::V210, 96, 96).to_caps().expect("caps"),
                "v210",
                "videoconvert",
            ),
            (
                of_fields("fields", None),
                "interlace-mode=fields",
                "deinterlace",
            ),
            (alternate, "interlace-mode=alternate", "deinterlace"),
        ] {
            let element = mean_fill("eyes");
            let bus = gst::Bus::new();
            element.set_bus(Some(&bus));
            let mut harness = Harness::with_element(&element, Some("sink"), Some("src"));
            harness.play();
            harness.push_event(gst::event::StreamStart::new("stream"));
            harness.push_event(gst::event::Caps::new(&refused));
            let segment = gst::FormattedSegment::<gst::ClockTime>::new();
            harness.push_event(gst::event::Segment::new(&segment));
            let pushed = harness.push(gst::Buffer::new());
            assert_eq!(pushed, Err(gst::FlowError::NotNegotiated));
            let warnings = warnings(&bus);
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            let is_told = warnings[0].contains(fault) && warnings[0].contains(remedy);
            assert!(is_told, "{warnings:?}");
        }
    });
}

#[test]
fn frames_of_interleaved_fields_are_taken() {
    init();
    let element = mean_fill("eyes");
    let pad = element.static_pad("sink").expect("a sink pad");
    for mode in ["progressive", "interleaved", "mixed"] {
        let mut caps = info(VideoFormat::I420, 96, 96).to_caps().expect("caps");
        caps.make_mut().set("interlace-mode", mode);
        assert!(pad.query_accept_caps(&caps), "{mode}");
    }
}

#[test]
fn caps_are_the_same_on_both_sides() {
    init();
    let element = mean_fill("eyes");
    let filter = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", 640)
        .build();
    for name in ["sink", "src"] {
        let pad = element.static_pad(name).expect("a pad");
        let caps = pad.query_caps(Some(&filter));
        assert!(caps.is_subset(&filter) && !caps.is_empty(), "{caps}");
    }
}
