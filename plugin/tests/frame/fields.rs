//! The fields of an interlaced frame are two pictures.

use gst_video::{VideoFormatInfo, VideoFrameRef, VideoInfo, VideoInterlaceMode};
use gstmdecomplete::frame::{Hole, SUPPORTED_FORMATS};
use mde_core::alignment::Affine;
use mde_core::mask::Mask;

use crate::{as_rgb, completion, converted, planes_of, read, rgb_frame, write};

const SIZE: (usize, usize) = (40, 36);
const PIXELS: usize = SIZE.0 * SIZE.1;

/// One field is reddish, the other bluish.
fn two_fields(_x: usize, y: usize) -> [f32; 3] {
    [[0.8, 0.3, 0.2], [0.2, 0.4, 0.7]][y % 2]
}

fn two_field_planes() -> Vec<f32> {
    let value = |i: usize| two_fields(0, i % PIXELS / SIZE.0)[i / PIXELS];
    (0..3 * PIXELS).map(value).collect()
}

fn infos() -> impl Iterator<Item = VideoInfo> {
    let formats = SUPPORTED_FORMATS.iter().copied();
    let colours = formats.filter(|&format| !VideoFormatInfo::from_format(format).is_gray());
    colours.map(|format| {
        VideoInfo::builder(format, SIZE.0 as u32, SIZE.1 as u32)
            .interlace_mode(VideoInterlaceMode::Interleaved)
            .build()
            .expect("a format")
    })
}

fn farthest(found: &[f32], wanted: &[f32]) -> f32 {
    let apart = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

#[test]
fn a_row_is_read_from_its_field() {
    for info in infos() {
        let rgb = as_rgb(&info);
        let buffer = converted(rgb_frame(&rgb, two_fields), &rgb, &info);
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
        let (found, _) = read(&frame, &Affine::IDENTITY, SIZE);
        let worst = farthest(&found, &two_field_planes());
        assert!(worst < 0.02, "{}: {worst}", info.format());
        // Between rows it is that of the nearer one.
        let mut between = Affine::IDENTITY;
        between.translation[1] = 0.3;
        let (found, _) = read(&frame, &between, SIZE);
        let worst = farthest(&found, &two_field_planes());
        assert!(worst < 0.02, "{} between rows: {worst}", info.format());
    }
}

#[test]
fn a_crop_far_smaller_than_its_region_holds_as_much_of_both() {
    for info in infos() {
        let rgb = as_rgb(&info);
        let buffer = converted(rgb_frame(&rgb, two_fields), &rgb, &info);
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
        let small = (12, 12);
        let (found, _) = read(&frame, &Affine::stretch(small, SIZE), small);
        let mean = |channel: usize| (two_fields(0, 0)[channel] + two_fields(0, 1)[channel]) / 2.0;
        let wanted: Vec<f32> = (0..3).flat_map(|channel| [mean(channel); 144]).collect();
        let worst = farthest(&found, &wanted);
        assert!(worst < 0.02, "{}: {worst}", info.format());
    }
}

#[test]
fn a_row_is_written_into_its_field() {
    for info in infos() {
        let hole = Hole::new(&Mask::missing(SIZE.0, SIZE.1), 0.0);
        let written = two_field_planes();
        let mut buffer = gst::Buffer::from_mut_slice(vec![77u8; info.size()]);
        let completion = completion(&written, &written, &hole);
        write(&mut buffer, &info, &Affine::IDENTITY, &completion);
        // GStreamer spreads chroma over rows of both fields on the way back, that of its own
        // frame as that of this one.
        let rgb = as_rgb(&info);
        let back = |buffer| planes_of(&converted(buffer, &info, &rgb), &rgb);
        let wanted = back(converted(rgb_frame(&rgb, two_fields), &rgb, &info));
        let worst = farthest(&back(buffer), &wanted);
        assert!(worst < 0.02, "{}: {worst}", info.format());
    }
}
