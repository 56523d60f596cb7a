//! Reading and writing raw frames of every format: colours come and go right, and no bit outside
//! a hole changes.

#[path = "../common/case.rs"]
mod case;
mod channels;
mod colours;
mod displaced;
mod fields;
mod grain;
mod layers;
mod reading;
mod refined;
#[path = "../common/samples.rs"]
mod samples;
mod untouched;

use gst_video::{VideoConverter, VideoFormat, VideoFrame, VideoFrameRef, VideoInfo};
use gstmdecomplete::frame::{Channels, Completion, Crop, Hole, Reader, Writer};
use mde_core::alignment::Affine;

fn info(format: VideoFormat, width: u32, height: u32) -> VideoInfo {
    gst::init().expect("GStreamer");
    VideoInfo::builder(format, width, height)
        .build()
        .expect("a format")
}

/// The crop of `size` that `to_frame` maps into `frame`, and which of its pixels lie in the frame.
fn read<T>(
    frame: &VideoFrameRef<T>,
    to_frame: &Affine,
    size: (usize, usize),
) -> (Vec<f32>, Vec<f32>) {
    let pixels = size.0 * size.1;
    let (mut rgb, mut inside) = (vec![0.0; 3 * pixels], vec![0.5; pixels]);
    let crop = Crop {
        size,
        rgb: &mut rgb,
        inside: &mut inside,
    };
    Reader::default().read(frame, to_frame, Channels::Rgb, crop);
    (rgb, inside)
}

/// A completion of a crop that was black.
fn completion<'a>(rgb: &'a [f32], image: &'a [f32], hole: &'a Hole) -> Completion<'a> {
    Completion {
        rgb,
        image,
        hole,
        channels: Channels::Rgb,
        strength: 1.0,
        grain: 0.0,
        pixels: None,
        layers: Default::default(),
        refined: None,
    }
}

/// Writes `completion` into `buffer`.
fn write(
    buffer: &mut gst::Buffer,
    info: &VideoInfo,
    to_crop: &Affine,
    completion: &Completion<'_>,
) {
    write_by(&mut Writer::default(), buffer, info, to_crop, completion);
}

fn write_by(
    writer: &mut Writer,
    buffer: &mut gst::Buffer,
    info: &VideoInfo,
    to_crop: &Affine,
    completion: &Completion<'_>,
) {
    let buffer = buffer.make_mut();
    let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, info).expect("a frame");
    writer
        .write(&mut frame, to_crop, completion)
        .expect("an inverse");
}

/// A frame as RGB, 8 bits a channel, with the colours that `colour` gives for its pixels.
fn rgb_frame(info: &VideoInfo, colour: impl Fn(usize, usize) -> [f32; 3]) -> gst::Buffer {
    let mut bytes = vec![0u8; info.size()];
    for (y, row) in bytes.chunks_mut(info.stride()[0] as usize).enumerate() {
        let pixels = row.chunks_exact_mut(3).take(info.width() as usize);
        for (x, pixel) in pixels.enumerate() {
            pixel.copy_from_slice(&colour(x, y).map(|v| (v * 255.0).round() as u8));
        }
    }
    gst::Buffer::from_mut_slice(bytes)
}

/// RGB with the size and rows of `info`.
fn as_rgb(info: &VideoInfo) -> VideoInfo {
    VideoInfo::builder(VideoFormat::Rgb, info.width(), info.height())
        .interlace_mode(info.interlace_mode())
        .build()
        .expect("a format")
}

/// `buffer` in another format, converted by GStreamer.
fn converted(buffer: gst::Buffer, from: &VideoInfo, to: &VideoInfo) -> gst::Buffer {
    let input = VideoFrame::from_buffer_readable(buffer, from).expect("a frame");
    let output = gst::Buffer::from_mut_slice(vec![0u8; to.size()]);
    let mut output = VideoFrame::from_buffer_writable(output, to).expect("a frame");
    VideoConverter::new(from, to, None)
        .expect("a converter")
        .frame(&input, &mut output);
    output.into_buffer()
}

/// The values of an RGB frame as `[3, H, W]` in `[0, 1]`.
fn planes_of(buffer: &gst::Buffer, rgb: &VideoInfo) -> Vec<f32> {
    let bytes = buffer.map_readable().expect("memory");
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    let at = |channel: usize, x: usize, y: usize| {
        f32::from(bytes[y * rgb.stride()[0] as usize + 3 * x + channel]) / 255.0
    };
    (0..3 * width * height)
        .map(|i| at(i / (width * height), i % width, i / width % height))
        .collect()
}
