//! Channels that are put back to where they belong.

use gst_video::prelude::*;
use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use gstmdecomplete::frame::{Part, Realigner, SUPPORTED_FORMATS};
use mde_core::alignment::Affine;

use crate::{converted, info, read};

const SIDE: usize = 64;
const SHIFT: [i32; 2] = [4, -2];
/// Pixels beside the frame's edge that may be lost.
const EDGE: usize = 8;

/// A picture whose colours wave, with `channel` displaced by [`SHIFT`].
fn picture(channel: Option<usize>) -> Vec<u8> {
    let wave = |x: i32, y: i32, c: usize| {
        let (x, y) = (x as f32, y as f32);
        let phase = 0.21 * x * (1.0 + 0.3 * c as f32) + 0.17 * y;
        (128.0 + 60.0 * phase.sin() + 30.0 * (0.13 * y - 0.05 * x).cos()) as u8
    };
    let side = SIDE as i32;
    let places = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    let pixel = |(x, y): (i32, i32)| {
        [0, 1, 2].map(|c| match channel == Some(c) {
            true => wave(x - SHIFT[0], y - SHIFT[1], c),
            false => wave(x, y, c),
        })
    };
    places.flat_map(pixel).collect()
}

fn frame(rgb: &[u8], to: &VideoInfo) -> gst::Buffer {
    let from = info(VideoFormat::Rgb, SIDE as u32, SIDE as u32);
    converted(gst::Buffer::from_slice(rgb.to_vec()), &from, to)
}

#[test]
fn a_displaced_channel_is_put_back_in_every_format() {
    for &format in SUPPORTED_FORMATS.iter() {
        let info = info(format, SIDE as u32, SIDE as u32);
        if info.is_gray() {
            continue;
        }
        let whole = frame(&picture(None), &info);
        let rgb = |buffer: &gst::Buffer| {
            let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).expect("a frame");
            read(&frame, &Affine::IDENTITY, (SIDE, SIDE)).0
        };
        let whole = rgb(&whole);
        for channel in 0..3 {
            let mut buffer = frame(&picture(Some(channel)), &info);
            let far = error(&rgb(&buffer), &whole, channel);
            let mut frame =
                VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &info).expect("a frame");
            Realigner::default().put_back(&mut frame, Part::Channel(channel), SHIFT);
            drop(frame);
            let near = error(&rgb(&buffer), &whole, channel);
            assert!(
                near < far / 5.0,
                "{format}, channel {channel}: {near} after {far}"
            );
        }
    }
}

#[test]
fn a_displaced_plane_is_put_back_to_the_bit_and_the_others_stay() {
    let info = info(VideoFormat::I420, SIDE as u32, SIDE as u32);
    let whole = frame(&picture(None), &info);
    let planes = |buffer: &gst::Buffer| -> [Vec<u8>; 3] {
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).expect("a frame");
        [0, 1, 2].map(|plane| {
            let stride = frame.plane_stride()[plane] as usize;
            let side = frame.comp_width(plane as u32) as usize;
            let data = frame.plane_data(plane as u32).expect("a plane");
            data.chunks(stride)
                .flat_map(|row| row[..side].to_vec())
                .collect()
        })
    };
    let wanted = planes(&whole);
    for component in 0..3 {
        let mut buffer = whole.copy_deep().expect("a copy");
        let move_by = |buffer: &mut gst::Buffer, shift: [i32; 2]| {
            let mut frame =
                VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &info).expect("a frame");
            Realigner::default().put_back(&mut frame, Part::Component(component), shift);
        };
        move_by(&mut buffer, SHIFT.map(|v| -v));
        let displaced = planes(&buffer);
        move_by(&mut buffer, SHIFT);
        let found = planes(&buffer);
        let side = if component == 0 { SIDE } else { SIDE / 2 };
        let inner = |i: &usize| {
            let within = |v: usize| (EDGE..side - EDGE).contains(&v);
            within(i % side) && within(i / side)
        };
        assert!(displaced[component] != wanted[component]);
        for i in (0..side * side).filter(inner) {
            assert_eq!(
                found[component][i], wanted[component][i],
                "{component}, {i}"
            );
        }
        for other in (0..3).filter(|&other| other != component) {
            assert!(found[other] == wanted[other], "{other} changed");
        }
    }
}

/// The mean difference of `channel` in the middle of two pictures.
fn error(a: &[f32], b: &[f32], channel: usize) -> f32 {
    let within = |v: &usize| (EDGE..SIDE - EDGE).contains(v);
    let inner = (0..SIDE * SIDE).filter(|i| within(&(i % SIDE)) && within(&(i / SIDE)));
    let at = |i: usize| channel * SIDE * SIDE + i;
    let differences = inner.map(|i| (a[at(i)] - b[at(i)]).abs());
    differences.clone().sum::<f32>() / differences.count() as f32
}
