//! Where the samples of raw frames are, told apart from what the plug-in believes.

use gst_video::{VideoFormat, VideoFormatInfo};

/// Where in its pixel's bytes a component's sample is, and which bits of the little-endian word
/// there are the sample's.
pub fn sample_bits(format: VideoFormat, component: usize) -> (usize, u32) {
    let info = VideoFormatInfo::from_format(format);
    let offset = info.poffset()[component] as usize;
    let depth = info.depth()[component];
    match format {
        VideoFormat::P01010le => (2 * (component / 2), 0xffc0),
        VideoFormat::Rgb10a2Le => (0, (u32::MAX >> (32 - depth)) << (10 * component)),
        _ => (offset, u32::MAX >> (32 - depth)),
    }
}
