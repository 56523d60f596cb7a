//! Reading and writing raw frames of every format: colours come and go right, and no byte outside
//! a hole changes.

use std::str::FromStr;

use gst_video::prelude::*;
use gst_video::{
    VideoColorimetry, VideoConverter, VideoFormat, VideoFormatInfo, VideoFrame, VideoFrameFlags,
    VideoFrameRef, VideoInfo, VideoMeta,
};
use gstmdecomplete::frame::{
    Channels, Completion, Crop, Hole, Reader, SUPPORTED_FORMATS, Writer, draw,
};
use mde_core::alignment::Affine;
use mde_core::mask::Mask;
use mde_core::occlusion::Rect;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

#[path = "common/samples.rs"]
mod samples;

use samples::sample_bits;

/// Random frames, holes and transforms a format.
const CASES: u64 = 40;

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
        pixels: None,
    }
}

/// A frame of noise whose rows and planes are padded by random numbers of bytes.
fn padded_noise(info: &VideoInfo, rng: &mut StdRng) -> gst::Buffer {
    let (mut strides, mut offsets, mut size) = (Vec::new(), Vec::new(), 0);
    let frame =
        VideoFrame::from_buffer_readable(gst::Buffer::from_slice(vec![0u8; info.size()]), info)
            .expect("a frame");
    for plane in 0..info.n_planes() {
        let stride = info.stride()[plane as usize] + rng.random_range(0..19);
        size += rng.random_range(0..23);
        offsets.push(size);
        strides.push(stride);
        size += stride as usize * frame.plane_height(plane) as usize;
    }
    let mut bytes = vec![0; size];
    rng.fill_bytes(&mut bytes);
    let mut buffer = gst::Buffer::from_mut_slice(bytes);
    VideoMeta::add_full(
        buffer.make_mut(),
        VideoFrameFlags::empty(),
        info.format(),
        info.width(),
        info.height(),
        &offsets,
        &strides,
    )
    .expect("a meta");
    buffer
}

/// A turned, scaled and shifted crop somewhere about the frame.
fn random_to_frame(info: &VideoInfo, size: (usize, usize), rng: &mut StdRng) -> Affine {
    let scale = rng.random_range(0.3..4.0);
    let (sin, cos) = rng.random_range(-3.2..3.2f64).sin_cos();
    let linear = [[scale * cos, -scale * sin], [scale * sin, scale * cos]];
    let centre = [
        rng.random_range(-0.2..1.2) * f64::from(info.width()),
        rng.random_range(-0.2..1.2) * f64::from(info.height()),
    ];
    let turned = Affine {
        linear,
        translation: [0.0; 2],
    };
    let middle = turned.apply([size.0 as f64 / 2.0, size.1 as f64 / 2.0]);
    Affine {
        linear,
        translation: [centre[0] - middle[0], centre[1] - middle[1]],
    }
}

fn random_mask((width, height): (usize, usize), rng: &mut StdRng) -> Mask {
    let mut mask = Mask::known(width, height);
    for _ in 0..rng.random_range(0..3) {
        let (x, y) = (rng.random_range(0..width), rng.random_range(0..height));
        let right = rng.random_range(x..width) + 1;
        let down = rng.random_range(y..height) + 1;
        mask.drop_rect(Rect::new(x, y, right, down));
    }
    mask
}

/// Whether pixel `(x, y)` of the frame falls onto a missing pixel of the crop, or so close to the
/// border of one that rounding decides.
fn may_change(to_crop: &Affine, mask: &Mask, x: usize, y: usize) -> bool {
    let [x, y] = to_crop.apply([x as f64, y as f64]);
    [-1e-3, 1e-3].iter().any(|dx| {
        [-1e-3, 1e-3].iter().any(|dy| {
            let (column, row) = ((x + dx).round(), (y + dy).round());
            column >= 0.0
                && row >= 0.0
                && column < mask.width() as f64
                && row < mask.height() as f64
                && !mask.is_known(0, column as usize, row as usize)
        })
    })
}

/// The luma rows that a row of a component's samples stands for, after GStreamer's
/// `video-format.c`.
fn rows_covered(
    frame: &VideoFrameRef<&gst::BufferRef>,
    component: usize,
    row: usize,
) -> Vec<usize> {
    let shift = frame.info().format_info().h_sub()[component];
    let last = frame.comp_height(component as u32) as usize - 1;
    (0..frame.height() as usize)
        .filter(|&y| {
            let own = match frame.is_interlaced() && shift > 0 {
                true => ((y & !3) >> 1) + (y & 1),
                false => y >> shift,
            };
            own.min(last) == row
        })
        .collect()
}

/// Overwrites in `bytes` all bits that may change with those of `other`.
fn mask_out(
    bytes: &mut [u8],
    other: &[u8],
    frame: &VideoFrameRef<&gst::BufferRef>,
    may_change: impl Fn(usize, usize) -> bool,
) {
    let format = frame.info().format_info();
    for component in 0..frame.n_components().min(3) {
        let index = component as usize;
        let shift = format.w_sub()[index];
        let plane = frame.plane_offset()[format.plane()[index] as usize];
        let (offset, bits) = sample_bits(frame.format(), index);
        for row in 0..frame.comp_height(component) as usize {
            let ys = rows_covered(frame, index, row);
            for column in 0..frame.comp_width(component) as usize {
                let last = frame.width() as usize - 1;
                let mut xs = column << shift..=(((column + 1) << shift) - 1).min(last);
                if xs.any(|x| ys.iter().any(|&y| may_change(x, y))) {
                    let at = plane
                        + offset
                        + row * frame.comp_stride(component) as usize
                        + column * frame.comp_pstride(component) as usize;
                    for (byte, bits) in bits.to_le_bytes().into_iter().enumerate() {
                        if bits != 0 {
                            bytes[at + byte] &= !bits;
                            bytes[at + byte] |= other[at + byte] & bits;
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn no_byte_outside_the_hole_changes() {
    for &format in SUPPORTED_FORMATS {
        for case in 0..CASES {
            let rng = &mut StdRng::seed_from_u64(case);
            let info = info(format, rng.random_range(1..80), rng.random_range(1..80));
            let size = (rng.random_range(2..40), rng.random_range(2..40));
            let to_crop = random_to_frame(&info, size, rng)
                .inverse()
                .expect("a similarity");
            let mask = random_mask(size, rng);
            let hole = Hole::new(&mask, rng.random_range(-2.0..4.0f32).max(0.0));
            let completed: Vec<f32> = (0..3 * size.0 * size.1)
                .map(|_| rng.random_range(-0.5..1.5))
                .collect();

            let mut buffer = padded_noise(&info, rng);
            let before = buffer.map_readable().expect("memory").to_vec();
            {
                let buffer = buffer.make_mut();
                let mut frame =
                    VideoFrameRef::from_buffer_ref_writable(buffer, &info).expect("a frame");
                let mut writer = Writer::default();
                let completion = completion(&completed, &completed, &hole);
                writer
                    .write(&mut frame, &to_crop, &completion)
                    .expect("an inverse");
                draw::hole(&mut writer, &mut frame, &to_crop, &hole, None).expect("an inverse");
            }
            let mut after = buffer.map_readable().expect("memory").to_vec();
            let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
            mask_out(&mut after, &before, &frame, |x, y| {
                may_change(&to_crop, &mask, x, y)
            });
            let changed = after.iter().zip(&before).filter(|(a, b)| a != b).count();
            assert_eq!(changed, 0, "{format}, case {case}");
        }
    }
}

/// A picture of smooth colours, RGB in `[0, 1]`.
fn smooth(x: f32, y: f32) -> [f32; 3] {
    [
        0.5 + 0.4 * (x / 17.0).sin(),
        0.5 + 0.4 * (y / 13.0).cos(),
        0.5 + 0.3 * ((x + y) / 23.0).sin(),
    ]
}

/// The smooth picture in the format and colorimetry of `info`, converted by GStreamer.
fn smooth_frame(info: &VideoInfo) -> gst::Buffer {
    let rgb = self::info(VideoFormat::Rgb, info.width(), info.height());
    let mut bytes = vec![0u8; rgb.size()];
    for (y, row) in bytes.chunks_mut(rgb.stride()[0] as usize).enumerate() {
        for (x, pixel) in row
            .chunks_exact_mut(3)
            .take(info.width() as usize)
            .enumerate()
        {
            pixel.copy_from_slice(&smooth(x as f32, y as f32).map(|v| (v * 255.0).round() as u8));
        }
    }
    let input = VideoFrame::from_buffer_readable(gst::Buffer::from_slice(bytes), &rgb);
    let output = gst::Buffer::from_mut_slice(vec![0u8; info.size()]);
    let mut output = VideoFrame::from_buffer_writable(output, info).expect("a frame");
    VideoConverter::new(&rgb, info, None)
        .expect("a converter")
        .frame(&input.expect("a frame"), &mut output);
    output.into_buffer()
}

/// The colours and colorimetries that the tests go through.
fn colour_formats() -> impl Iterator<Item = VideoInfo> {
    let colorimetry = |name| VideoColorimetry::from_str(name).expect("a colorimetry");
    SUPPORTED_FORMATS
        .iter()
        .filter(|&&format| !VideoFormatInfo::from_format(format).is_gray())
        .flat_map(move |&format| {
            let plain = info(format, 96, 80);
            let names: &[&str] = match plain.is_yuv() {
                true => &["bt601", "bt709", "bt2020", "1:4:5:1"],
                false => &["sRGB"],
            };
            names.iter().map(move |name| {
                VideoInfo::builder(format, 96, 80)
                    .colorimetry(&colorimetry(name))
                    .build()
                    .expect("a format")
            })
        })
}

#[test]
fn colours_are_read_as_gstreamer_converts_them() {
    for info in colour_formats() {
        let buffer = smooth_frame(&info);
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
        let size = (96, 80);
        let (rgb, inside) = read(&frame, &Affine::IDENTITY, size);
        assert!(inside.iter().all(|&v| v == 1.0));
        let mut worst = 0f32;
        for (pixel, ((red, green), blue)) in rgb[..7680]
            .iter()
            .zip(&rgb[7680..15360])
            .zip(&rgb[15360..])
            .enumerate()
        {
            let wanted = smooth((pixel % 96) as f32, (pixel / 96) as f32);
            for (found, wanted) in [red, green, blue].into_iter().zip(wanted) {
                worst = worst.max((found - wanted).abs());
            }
        }
        // Bytes are whole numbers, chroma is coarse.
        assert!(worst < 0.03, "{}: {worst}", info.to_caps().expect("caps"));
    }
}

#[test]
fn what_is_written_is_read_again() {
    for info in colour_formats() {
        let size = (64, 48);
        let to_frame = Affine {
            linear: [[1.0, -0.2], [0.2, 1.0]],
            translation: [20.0, 5.0],
        };
        let hole = Hole::new(&Mask::missing(size.0, size.1), 0.0);
        let pixels = size.0 * size.1;
        let written: Vec<f32> = (0..3 * pixels)
            .map(|i| {
                let (channel, pixel) = (i / pixels, i % pixels);
                smooth((pixel % size.0) as f32, (pixel / size.0) as f32)[channel]
            })
            .collect();
        let mut buffer = gst::Buffer::from_mut_slice(vec![77u8; info.size()]);
        let buffer = buffer.make_mut();
        let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, &info).expect("a frame");
        let to_crop = to_frame.inverse().expect("a similarity");
        let completion = completion(&written, &written, &hole);
        Writer::default()
            .write(&mut frame, &to_crop, &completion)
            .expect("an inverse");
        let (read, inside) = read(&frame, &to_frame, size);
        let is_core = |pixel: usize| {
            let (x, y) = (pixel % size.0, pixel / size.0);
            (4..size.0 - 4).contains(&x) && (4..size.1 - 4).contains(&y) && inside[pixel] == 1.0
        };
        let worst = (0..3 * pixels)
            .filter(|i| is_core(i % pixels))
            .map(|i| (read[i] - written[i]).abs())
            .fold(0.0, f32::max);
        assert!(worst < 0.03, "{}: {worst}", info.to_caps().expect("caps"));
    }
}

#[test]
fn pixels_beyond_the_frame_are_told() {
    let info = info(VideoFormat::Rgb, 16, 16);
    let buffer = gst::Buffer::from_slice(vec![255u8; info.size()]);
    let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
    let to_frame = Affine {
        linear: [[1.0, 0.0], [0.0, 1.0]],
        translation: [-4.0, 10.0],
    };
    let (_, inside) = read(&frame, &to_frame, (8, 8));
    for (pixel, inside) in inside.iter().enumerate() {
        let is_inside = pixel % 8 >= 4 && pixel / 8 < 6;
        assert_eq!(*inside, f32::from(u8::from(is_inside)), "{pixel}");
    }
}

#[test]
fn gray_is_luma() {
    let info = info(VideoFormat::Gray8, 16, 16);
    let hole = Hole::new(&Mask::missing(16, 16), 0.0);
    for rgb in [[1.0, 0.0, 0.0], [0.3, 0.3, 0.3], [1.0, 1.0, 1.0]] {
        let completed: Vec<f32> = rgb.iter().flat_map(|&v| [v; 256]).collect();
        let mut buffer = gst::Buffer::from_mut_slice(vec![0u8; info.size()]);
        let buffer = buffer.make_mut();
        let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, &info).expect("a frame");
        let completion = completion(&completed, &completed, &hole);
        Writer::default()
            .write(&mut frame, &Affine::IDENTITY, &completion)
            .expect("an inverse");
        let (read, _) = read(&frame, &Affine::IDENTITY, (16, 16));
        let luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        assert!(
            read.iter().all(|v| (v - luma).abs() < 0.005),
            "{rgb:?}: {}",
            read[0]
        );
    }
}

#[test]
fn a_crop_far_smaller_than_its_region_is_averaged() {
    let info = info(VideoFormat::Gray8, 96, 96);
    let stripes: Vec<u8> = (0..info.size()).map(|i| [40, 100, 220][i % 3]).collect();
    let buffer = gst::Buffer::from_slice(stripes);
    let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
    let to_frame = Affine::stretch((32, 32), (96, 96));
    let (rgb, _) = read(&frame, &to_frame, (32, 32));
    let spread = rgb.iter().fold(0f32, |s, v| s.max((v - rgb[0]).abs()));
    assert!(spread < 1e-3, "{spread}");
}

/// A picture with sharp edges, most of them in all channels.
fn sharp(x: usize, y: usize) -> [f32; 3] {
    let cell = [x / 23, y / 31];
    let is_stroke = (x * 3 + y * 2) % 61 < 7 || (x + 400 - y % 400) % 53 < 5;
    let hue = ((cell[0] * 7 + cell[1] * 3) % 11) as f32 / 11.0;
    let light = 0.35 + 0.05 * (x as f32 / 37.0).sin() + 0.3 * hue;
    let shade = if is_stroke { 0.45 } else { 1.0 };
    let tint = 1.1 + 0.2 * (y as f32 / 29.0).sin();
    [tint * light, light, 0.7 * light + 0.05].map(|v| v * shade)
}

/// PSNR in dB between values in `[0, 1]`.
fn psnr(errors: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = errors.fold((0.0, 0), |(sum, count), e| (sum + e * e, count + 1));
    -10.0 * (sum / count as f32).log10()
}

/// A frame's region, 400 pixels wide, without its red channel; the crop of it holds the red that
/// belongs there. Gives the PSNR of the frame's red after writing the crop: with the other channels
/// as guides, or with all channels missing, so that red is interpolated bilinearly.
fn red_regained(guided: bool) -> f32 {
    let info = info(VideoFormat::Rgb, 420, 420);
    let stride = info.stride()[0] as usize;
    let picture = |dead: bool| {
        let mut bytes = vec![0u8; info.size()];
        for (y, row) in bytes.chunks_mut(stride).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                let [red, green, blue] = sharp(x, y);
                let red = if dead { 0.0 } else { red };
                pixel.copy_from_slice(&[red, green, blue].map(|v| (v * 255.0).round() as u8));
            }
        }
        bytes
    };
    let size = (96, 96);
    let to_frame = Affine {
        linear: [[4.1, -0.4], [0.4, 4.1]],
        translation: [24.0, -12.0],
    };
    let whole = gst::Buffer::from_slice(picture(false));
    let whole = VideoFrameRef::from_buffer_ref_readable(&whole, &info).expect("a frame");
    let (completed, _) = read(&whole, &to_frame, size);
    let mut mask = Mask::missing(size.0, size.1);
    if guided {
        mask = Mask::known(size.0, size.1);
        mask.drop_channel(0);
    }
    let hole = Hole::new(&mask, 0.0);
    let mut image = completed.clone();
    image[..size.0 * size.1].fill(0.0);
    let mut buffer = gst::Buffer::from_mut_slice(picture(true));
    let before = picture(true);
    {
        let buffer = buffer.make_mut();
        let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, &info).expect("a frame");
        let to_crop = to_frame.inverse().expect("a similarity");
        let completion = completion(&completed, &image, &hole);
        Writer::default()
            .write(&mut frame, &to_crop, &completion)
            .expect("an inverse");
    }
    let after = buffer.map_readable().expect("memory");
    if guided {
        let others = |i: &usize| !(i % stride).is_multiple_of(3);
        let changed = |i: &usize| after[*i] != before[*i];
        assert_eq!((0..after.len()).filter(others).filter(changed).count(), 0);
    }
    let wanted = picture(false);
    let pixels = (100..320).flat_map(|y| (100..320).map(move |x| y * stride + 3 * x));
    psnr(pixels.map(|i| (f32::from(after[i]) - f32::from(wanted[i])) / 255.0))
}

#[test]
fn a_dead_channel_regains_the_edges_of_the_others() {
    let (guided, plain) = (red_regained(true), red_regained(false));

    assert!(
        guided > plain + 6.0,
        "{guided} dB, {plain} dB without a guide"
    );
}

#[test]
fn what_is_not_a_number_is_not_written() {
    for &format in SUPPORTED_FORMATS {
        let info = info(format, 16, 16);
        let hole = Hole::new(&Mask::missing(16, 16), 0.0);
        let mut buffer = padded_noise(&info, &mut StdRng::seed_from_u64(1));
        let before = buffer.map_readable().expect("memory").to_vec();
        {
            let buffer = buffer.make_mut();
            let mut frame =
                VideoFrameRef::from_buffer_ref_writable(buffer, &info).expect("a frame");
            let completed = [f32::NAN; 3 * 256];
            let completion = completion(&completed, &completed, &hole);
            Writer::default()
                .write(&mut frame, &Affine::IDENTITY, &completion)
                .expect("an inverse");
        }
        assert!(
            buffer.map_readable().expect("memory")[..] == before[..],
            "{format}"
        );
    }
}
