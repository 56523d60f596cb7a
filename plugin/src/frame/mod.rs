//! Reading a region of a raw video frame into an RGB crop, and writing completed pixels back.
//!
//! Everything that depends on the pixel format is here. Each colour component of a frame is seen
//! as a plane of bytes with its own subsampling and siting (`component`), and colorimetry as an
//! affine map between those bytes and RGB (`colour`), so there is one way for all formats.
//!
//! Coordinates are those of [`mde_core::alignment`]: whole numbers at pixel centres.

mod colour;
mod component;
pub mod draw;
mod hole;
mod paint;
mod read;
mod write;

use gst_video::VideoFormat;

pub use hole::Hole;
pub use read::read_crop;
pub use write::write_crop;

/// The formats that [`read_crop`], [`write_crop`] and [`draw`] take: 8 bits a component.
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
    VideoFormat::Y42b,
    VideoFormat::Y444,
    VideoFormat::Gray8,
];
