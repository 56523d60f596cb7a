//! What differs between pixel formats: how a component's samples are packed into memory. All else
//! about a format is GStreamer's description of it.

use gst_video::{VideoFormat, VideoFormatInfo};

/// The formats that a [`Reader`](super::Reader), a [`Writer`](super::Writer) and
/// [`draw`](super::draw) take.
pub const SUPPORTED_FORMATS: &[VideoFormat] = &[
    VideoFormat::Rgb,
    VideoFormat::Bgr,
    VideoFormat::Rgbx,
    VideoFormat::Bgrx,
    VideoFormat::Xrgb,
    VideoFormat::Xbgr,
    VideoFormat::Rgba,
    VideoFormat::Bgra,
    VideoFormat::Argb,
    VideoFormat::Abgr,
    VideoFormat::I420,
    VideoFormat::Yv12,
    VideoFormat::Nv12,
    VideoFormat::Nv21,
    VideoFormat::A420,
    VideoFormat::Y42b,
    VideoFormat::Yuy2,
    VideoFormat::Uyvy,
    VideoFormat::Y444,
    VideoFormat::Ayuv,
    VideoFormat::Vuya,
    VideoFormat::Gray8,
    VideoFormat::P01010le,
    VideoFormat::I42010le,
    VideoFormat::I42210le,
    VideoFormat::Y44410le,
    VideoFormat::Y44416le,
    VideoFormat::Rgb10a2Le,
    VideoFormat::Rgba64Le,
    VideoFormat::Argb64,
    VideoFormat::Gray16Le,
];

/// How the samples of a component are packed. A sample lies in one byte, or in two that are a
/// little-endian word; bits of it that are not the sample's are never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Bytes from the start of a row to the first sample.
    pub offset: usize,
    /// The sample's lowest bit.
    pub shift: u32,
    /// The sample's bits.
    pub depth: u32,
}

impl Packing {
    /// The packing of component `index` of a [supported](SUPPORTED_FORMATS) format.
    pub fn of(format: &VideoFormatInfo, index: usize) -> Self {
        let (offset, shift) = match format.format() {
            // GStreamer describes these as what its own packing functions take, not as they lie.
            VideoFormat::P01010le => (2 * (index / 2), format.shift()[index]),
            VideoFormat::Rgb10a2Le => (0, 10 * index as u32),
            _ => (format.poffset()[index] as usize, format.shift()[index]),
        };
        Self {
            offset: offset + shift as usize / 8,
            shift: shift % 8,
            depth: format.depth()[index],
        }
    }

    /// Whether a sample has a byte of its own.
    pub fn is_byte(self) -> bool {
        (self.depth, self.shift) == (8, 0)
    }
}
