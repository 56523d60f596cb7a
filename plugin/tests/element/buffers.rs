//! What becomes of a buffer besides its pixels: its flags and metas, whose memory it is, where the
//! planes lie in it.

use gst::BufferFlags;
use gst_video::prelude::*;
use gst_video::{
    VideoFormat, VideoFrameFlags, VideoFrameRef, VideoInfo, VideoMeta, VideoRegionOfInterestMeta,
};
use mde_core::occlusion::Occlusion;

use crate::models::{Model, with_runtime};
use crate::support::{
    assert_only_changed_in, assert_same, bytes, harness, info, mean_fill, model_file, noise,
    warnings,
};

/// Where the first byte of `buffer` is.
fn address(buffer: &gst::Buffer) -> *const u8 {
    buffer.map_readable().expect("memory").as_ptr()
}

#[test]
fn gap_buffers_pass_untouched() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&mean_fill("eyes"), &info);
        let mut frame = noise(&info, 0);
        frame.make_mut().set_flags(BufferFlags::GAP);
        let held = frame.clone();
        let out = harness.push_and_pull(frame).expect("a frame");
        assert_eq!(out.as_ptr(), held.as_ptr());
        assert!(out.flags().contains(BufferFlags::GAP));
    });
}

#[test]
fn corrupted_buffers_are_completed_and_keep_their_flags() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&mean_fill("eyes"), &info);
        let flags = BufferFlags::CORRUPTED | BufferFlags::MARKER | BufferFlags::DROPPABLE;
        for is_shared in [false, true] {
            let mut frame = noise(&info, 0);
            frame.make_mut().set_flags(flags);
            let before = frame.copy_deep().expect("a copy");
            let held = is_shared.then(|| frame.clone());
            let out = harness.push_and_pull(frame).expect("a frame");
            assert!(out.flags().contains(flags), "{:?}", out.flags());
            assert_only_changed_in(&before, &out, &info, Occlusion::Eyes.rect());
            drop(held);
        }
    });
}

#[test]
fn metas_stay_on_the_buffer() {
    with_runtime(|| {
        let info = info(VideoFormat::I420, 96, 96);
        let mut harness = harness(&mean_fill("mouth"), &info);
        let caps = gst::Caps::builder("timestamp/x-camera").build();
        for is_shared in [false, true] {
            let mut frame = noise(&info, 0);
            {
                let buffer = frame.make_mut();
                let time = gst::ClockTime::from_seconds(77);
                gst::ReferenceTimestampMeta::add(buffer, &caps, time, None);
                VideoRegionOfInterestMeta::add(buffer, "person", (1, 2, 3, 4)).set_id(9);
                VideoMeta::add(buffer, VideoFrameFlags::empty(), VideoFormat::I420, 96, 96)
                    .expect("a meta");
            }
            let held = is_shared.then(|| frame.clone());
            let out = harness.push_and_pull(frame).expect("a frame");

            let time = out.meta::<gst::ReferenceTimestampMeta>().expect("a time");
            assert_eq!(time.timestamp(), gst::ClockTime::from_seconds(77));
            assert!(out.meta::<VideoMeta>().is_some());
            let regions: Vec<_> = out
                .iter_meta::<VideoRegionOfInterestMeta>()
                .map(|meta| (meta.roi_type(), meta.id(), meta.rect()))
                .collect();
            let completed = ("mdecomplete/face", 0, (0, 0, 96, 96));
            assert_eq!(regions, [("person", 9, (1, 2, 3, 4)), completed]);
            if let Some(held) = held {
                assert_eq!(held.iter_meta::<VideoRegionOfInterestMeta>().count(), 1);
            }
        }
    });
}

#[test]
fn writable_buffers_are_completed_where_they_are() {
    with_runtime(|| {
        for format in [VideoFormat::Rgb, VideoFormat::Nv12] {
            let info = info(format, 96, 96);
            let mut harness = harness(&mean_fill("eyes"), &info);
            let frame = noise(&info, 0);
            let before = frame.copy_deep().expect("a copy");
            let place = (frame.as_ptr(), address(&frame));
            let out = harness.push_and_pull(frame).expect("a frame");
            assert_eq!((out.as_ptr(), address(&out)), place);
            assert_only_changed_in(&before, &out, &info, Occlusion::Eyes.rect());
        }
    });
}

#[test]
fn what_others_hold_is_copied_before_it_changes() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&mean_fill("eyes"), &info);
        let original = noise(&info, 0);
        let wanted = original.copy_deep().expect("a copy");
        let size = original.size();
        // The whole buffer, its memory alone, and memory that nobody may write to.
        let shared_memory = original
            .copy_region(gst::BufferCopyFlags::MEMORY, 0..size)
            .expect("a buffer on the same memory");
        let read_only = gst::Buffer::from_slice(bytes(&original));
        for frame in [original.clone(), shared_memory, read_only] {
            let held = frame.clone();
            let out = harness.push_and_pull(frame).expect("a frame");
            assert_only_changed_in(&wanted, &out, &info, Occlusion::Eyes.rect());
            assert_same(&wanted, &held);
            assert_same(&wanted, &original);
        }
    });
}

#[test]
fn what_does_not_change_is_not_copied() {
    with_runtime(|| {
        let info = info(VideoFormat::Rgb, 96, 96);
        let nothing_missing = mean_fill("");
        let no_region = mean_fill("eyes");
        no_region.set_property_from_str("region", "roi-list");
        let no_region_to_draw = mean_fill("eyes");
        no_region_to_draw.set_property_from_str("region", "roi-list");
        no_region_to_draw.set_property_from_str("overlay", "faces");
        let no_picture = mean_fill("eyes");
        let file = model_file("divide.onnx", &Model::divide(96, 96).to_bytes());
        no_picture.set_property("model-file", file.to_str());
        for element in [nothing_missing, no_region, no_region_to_draw, no_picture] {
            let mut harness = harness(&element, &info);
            let frame = noise(&info, 0);
            let held = frame.clone();
            let place = (held.as_ptr(), address(&held));
            let out = harness.push_and_pull(frame).expect("a frame");
            assert_eq!((out.as_ptr(), address(&out)), place);
            assert_eq!(out.iter_meta::<gst::Meta>().count(), 0);
        }
    });
}

/// `frame` of the format `info` with each plane in a memory of its own, its rows `padding` bytes
/// longer and `padding` bytes before the first.
fn scattered(frame: &gst::Buffer, info: &VideoInfo, padding: usize) -> gst::Buffer {
    let tight = VideoFrameRef::from_buffer_ref_readable(frame, info).expect("a frame");
    let mut buffer = gst::Buffer::new();
    let (mut offsets, mut strides, mut start) = (Vec::new(), Vec::new(), 0);
    {
        let buffer = buffer.make_mut();
        for plane in 0..info.n_planes() {
            let rows = tight.plane_data(plane).expect("a plane");
            let tight_stride = tight.plane_stride()[plane as usize] as usize;
            let mut bytes = vec![0xAAu8; padding];
            for row in rows.chunks(tight_stride) {
                bytes.extend_from_slice(row);
                bytes.extend(std::iter::repeat_n(0xAA, padding));
            }
            offsets.push(start + padding);
            strides.push((tight_stride + padding) as i32);
            start += bytes.len();
            buffer.append_memory(gst::Memory::from_mut_slice(bytes));
        }
        let flags = VideoFrameFlags::empty();
        let (width, height) = (info.width(), info.height());
        VideoMeta::add_full(
            buffer,
            flags,
            info.format(),
            width,
            height,
            &offsets,
            &strides,
        )
        .expect("a meta");
        buffer.set_pts(frame.pts());
    }
    buffer
}

/// The planes of `frame` without what lies between their rows.
fn gathered(frame: &gst::Buffer, info: &VideoInfo) -> Vec<u8> {
    let frame = VideoFrameRef::from_buffer_ref_readable(frame, info).expect("a frame");
    let mut bytes = Vec::new();
    for plane in 0..info.n_planes() {
        let rows = frame.plane_data(plane).expect("a plane");
        let width = info.stride()[plane as usize] as usize;
        let stride = frame.plane_stride()[plane as usize] as usize;
        for row in rows.chunks(stride).take(frame.plane_height(plane) as usize) {
            bytes.extend_from_slice(&row[..width]);
        }
    }
    bytes
}

#[test]
fn planes_are_where_the_video_meta_says() {
    with_runtime(|| {
        for format in [VideoFormat::I420, VideoFormat::Nv12, VideoFormat::Rgba] {
            let info = info(format, 96, 96);
            let mut harness = harness(&mean_fill("eyes"), &info);
            let frame = noise(&info, 0);
            let before = scattered(&frame, &info, 24);
            assert_eq!(gathered(&before, &info), bytes(&frame), "{format}");
            let padding = |buffer: &gst::Buffer| {
                let (all, seen) = (bytes(buffer), gathered(buffer, &info));
                all.len() - seen.len()
            };
            let wanted = harness.push_and_pull(frame).expect("a frame");

            for is_shared in [false, true] {
                let frame = before.copy_deep().expect("a copy");
                let held = is_shared.then(|| frame.clone());
                let out = harness.push_and_pull(frame).expect("a frame");
                assert_eq!(gathered(&out, &info), bytes(&wanted), "{format}");
                assert_eq!(padding(&out), padding(&before), "{format}");
                if let Some(held) = held {
                    assert_same(&before, &held);
                }
            }
        }
    });
}

#[test]
fn a_buffer_too_small_for_its_frame_passes_with_one_warning() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        let bus = gst::Bus::new();
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        element.set_bus(Some(&bus));
        for _ in 0..2 {
            let frame = gst::Buffer::from_mut_slice(vec![7u8; info.size() - 1]);
            let out = harness.push_and_pull(frame).expect("a buffer");
            assert_eq!(bytes(&out), vec![7u8; info.size() - 1]);
        }
        let warnings = warnings(&bus);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("RGB 96x96"), "{warnings:?}");
        // It is not stuck.
        let frame = noise(&info, 0);
        let before = frame.copy_deep().expect("a copy");
        let out = harness.push_and_pull(frame).expect("a frame");
        assert_only_changed_in(&before, &out, &info, Occlusion::Eyes.rect());
    });
}
