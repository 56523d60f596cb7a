//! The demo portrait as a frame.

use std::path::Path;

use gst_video::{VideoConverter, VideoFormat, VideoFrame, VideoInfo};

use crate::skip::skip;

/// Its five points, read off the picture by eye: left eye, right eye, nose, left and right mouth
/// corner.
pub const PORTRAIT_POINTS: [[f64; 2]; 5] = [
    [206.0, 102.0],
    [248.0, 105.0],
    [226.0, 125.0],
    [206.0, 143.0],
    [241.0, 146.0],
];

/// The portrait as RGB bytes; where it is absent, says how to get it.
pub fn portrait() -> Option<(VideoInfo, Vec<u8>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.deps/pictures/astronaut.png");
    if !file.is_file() {
        skip(format!("{} is not there, run `make setup`", file.display()));
        return None;
    }
    let picture = image::open(&file).expect("a picture").into_rgb8();
    let (width, height) = picture.dimensions();
    let info = crate::support::info(VideoFormat::Rgb, width, height);
    Some((info, picture.into_raw()))
}

/// `pixels` of the format `from` as a frame of the format `to`.
pub fn converted(pixels: &[u8], from: &VideoInfo, to: &VideoInfo) -> gst::Buffer {
    let buffer = gst::Buffer::from_slice(pixels.to_vec());
    let input = VideoFrame::from_buffer_readable(buffer, from).expect("a frame");
    let buffer = gst::Buffer::from_mut_slice(vec![0u8; to.size()]);
    let mut output = VideoFrame::from_buffer_writable(buffer, to).expect("a frame");
    VideoConverter::new(from, to, None)
        .expect("a converter")
        .frame(&input, &mut output);
    output.into_buffer()
}
