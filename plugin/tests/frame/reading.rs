//! What a crop is read from.

use gst_video::{VideoFormat, VideoFrameRef};
use gstmdecomplete::frame::{Channels, Crop, Hole, Reader};
use mde_core::alignment::Affine;
use mde_core::mask::Mask;

use crate::{completion, info, read, write};

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

#[test]
fn a_crop_far_smaller_than_its_region_is_as_smooth_when_it_is_turned() {
    let info = info(VideoFormat::Gray8, 900, 900);
    // Rings that get narrower outwards, down to three pixels.
    let rings = (0..info.size()).map(|i| {
        let (x, y) = ((i % 900) as f32 - 450.0, (i / 900) as f32 - 450.0);
        (127.5 + 127.5 * ((x * x + y * y) / 430.0).sin()).round() as u8
    });
    let buffer = gst::Buffer::from_slice(rings.collect::<Vec<u8>>());
    let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
    for angle in [0.0f64, 0.3, 0.785, 1.2] {
        let (sin, cos) = angle.sin_cos();
        for scale in [4.17, 6.6] {
            let linear = [[scale * cos, -scale * sin], [scale * sin, scale * cos]];
            let shift = |row: [f64; 2]| 449.5 - 47.5 * (row[0] + row[1]);
            let to_frame = Affine {
                linear,
                translation: linear.map(shift),
            };
            let (rgb, _) = read(&frame, &to_frame, (96, 96));
            // Outside, where a crop pixel is as wide as the rings, nothing of them is left.
            let far = (0..96 * 96).filter(|i| {
                let (x, y) = ((i % 96) as f64 - 47.5, (i / 96) as f64 - 47.5);
                (330.0..430.0).contains(&(x.hypot(y) * scale))
            });
            let contrast = far.map(|i| (rgb[i] - 0.5).abs()).fold(0.0, f32::max);
            assert!(contrast < 0.2, "{contrast} at {angle} and {scale}");
        }
    }
}

#[test]
fn a_transform_that_leads_nowhere_reads_nothing() {
    let info = info(VideoFormat::I420, 16, 16);
    let buffer = gst::Buffer::from_slice(vec![200u8; info.size()]);
    let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
    for wrong in [f64::NAN, f64::INFINITY, -1e12] {
        let mut to_frame = Affine::IDENTITY;
        to_frame.translation[1] = wrong;
        let (rgb, inside) = read(&frame, &to_frame, (8, 8));
        assert!(rgb.iter().chain(&inside).all(|&v| v == 0.0), "{wrong}");
    }
}

#[test]
fn luma_stands_for_all_channels() {
    let rgb = [0.8, 0.3, 0.1];
    let luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    for format in [VideoFormat::Rgb, VideoFormat::Y444] {
        let info = info(format, 16, 16);
        let hole = Hole::new(&Mask::missing(16, 16), 0.0);
        let completed: Vec<f32> = rgb.iter().flat_map(|&v| [v; 256]).collect();
        let mut buffer = gst::Buffer::from_mut_slice(vec![0u8; info.size()]);
        let completion = completion(&completed, &completed, &hole);
        write(&mut buffer, &info, &Affine::IDENTITY, &completion);
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
        let (mut rgb, mut inside) = (vec![0.0; 3 * 256], vec![0.0; 256]);
        let crop = Crop {
            size: (16, 16),
            rgb: &mut rgb,
            inside: &mut inside,
        };
        Reader::default().read(&frame, &Affine::IDENTITY, Channels::Luma, crop);
        let worst = rgb.iter().fold(0f32, |w, v| w.max((v - luma).abs()));
        assert!(worst < 0.005, "{format}: {worst}");
    }
}
