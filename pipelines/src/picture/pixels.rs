//! Pictures as frames of raw video, and back.

use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use image::{ColorType, DynamicImage, ImageBuffer};

/// A frame with its format.
pub struct Frame {
    /// Its format and size.
    pub caps: gst::Caps,
    /// Its pixels.
    pub buffer: gst::Buffer,
}

/// `picture` as a frame of a format that the element takes; nothing if its samples are no whole
/// numbers.
pub fn to_frame(picture: &DynamicImage) -> Option<Frame> {
    let (width, height) = (picture.width(), picture.height());
    let (format, bytes) = match picture.color() {
        ColorType::L8 => (VideoFormat::Gray8, picture.as_bytes().to_vec()),
        ColorType::L16 => (VideoFormat::Gray16Le, little(picture.to_luma16().as_raw())),
        ColorType::Rgb8 => (VideoFormat::Rgb, picture.as_bytes().to_vec()),
        ColorType::La8 | ColorType::Rgba8 => (VideoFormat::Rgba, picture.to_rgba8().into_raw()),
        ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            (VideoFormat::Rgba64Le, little(picture.to_rgba16().as_raw()))
        }
        _ => return None,
    };
    let info = VideoInfo::builder(format, width, height).build().ok()?;
    let mut buffer = gst::Buffer::with_size(info.size()).ok()?;
    {
        let buffer = buffer.get_mut()?;
        buffer.set_pts(gst::ClockTime::ZERO);
        let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, &info).ok()?;
        let stride = usize::try_from(info.stride()[0]).ok()?;
        let row = bytes.len() / height.max(1) as usize;
        let rows = frame.plane_data_mut(0).ok()?.chunks_mut(stride);
        for (to, from) in rows.zip(bytes.chunks_exact(row.max(1))) {
            to[..row].copy_from_slice(from);
        }
    }
    let caps = info.to_caps().ok()?;
    Some(Frame { caps, buffer })
}

fn little(samples: &[u16]) -> Vec<u8> {
    samples.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The picture of a frame that [`to_frame`] made of one of the colour type `color`.
pub fn from_sample(sample: &gst::Sample, color: ColorType) -> Option<DynamicImage> {
    let info = VideoInfo::from_caps(sample.caps()?).ok()?;
    let frame = VideoFrameRef::from_buffer_ref_readable(sample.buffer()?, &info).ok()?;
    let (width, height) = (info.width(), info.height());
    let stride = usize::try_from(info.stride()[0]).ok()?;
    let row = width as usize * usize::try_from(info.comp_pstride(0)).ok()?;
    let rows = frame
        .plane_data(0)
        .ok()?
        .chunks(stride)
        .take(height as usize);
    let bytes: Vec<u8> = rows.flat_map(|bytes| &bytes[..row]).copied().collect();
    let wide = || -> Vec<u16> {
        let samples = bytes.chunks_exact(2);
        samples.map(|v| u16::from_le_bytes([v[0], v[1]])).collect()
    };
    let picture: DynamicImage = match info.format() {
        VideoFormat::Gray8 => {
            ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8)
        }
        VideoFormat::Gray16Le => {
            ImageBuffer::from_raw(width, height, wide()).map(DynamicImage::ImageLuma16)
        }
        VideoFormat::Rgb => {
            ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8)
        }
        VideoFormat::Rgba => {
            ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgba8)
        }
        VideoFormat::Rgba64Le => {
            ImageBuffer::from_raw(width, height, wide()).map(DynamicImage::ImageRgba16)
        }
        _ => None,
    }?;
    Some(match color {
        ColorType::La8 => picture.to_luma_alpha8().into(),
        ColorType::La16 => picture.to_luma_alpha16().into(),
        ColorType::Rgb16 => picture.to_rgb16().into(),
        _ => picture,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_hold_pictures_of_all_kinds() {
        gst::init().expect("GStreamer");
        let wide = ImageBuffer::from_fn(7, 5, |x, y| {
            let v = |n: u32| (n * 9001 % 65536) as u16;
            image::Rgba([v(x), v(y), v(x + y), v(3 * x + y)])
        });
        let all = DynamicImage::ImageRgba16(wide);
        for picture in [
            all.to_luma8().into(),
            all.to_luma_alpha8().into(),
            all.to_rgb8().into(),
            all.to_rgba8().into(),
            all.to_luma16().into(),
            all.to_luma_alpha16().into(),
            all.to_rgb16().into(),
            all.clone(),
        ] {
            let picture: DynamicImage = picture;
            let Frame { caps, buffer } = to_frame(&picture).expect("whole numbers");
            let sample = gst::Sample::builder().buffer(&buffer).caps(&caps).build();
            assert_eq!(from_sample(&sample, picture.color()), Some(picture));
        }
        assert!(to_frame(&all.to_rgb32f().into()).is_none());
    }
}
