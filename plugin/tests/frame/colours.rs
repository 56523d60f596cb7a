//! Colours come and go as GStreamer converts them, in all formats and colorimetries.

use std::str::FromStr;

use gst_video::{
    VideoColorimetry, VideoFormat, VideoFormatInfo, VideoFrameRef, VideoInfo, VideoInterlaceMode,
};
use gstmdecomplete::frame::{ColourRange, Hole, Match, SUPPORTED_FORMATS, Search};
use mde_core::alignment::Affine;
use mde_core::mask::Mask;
use mde_core::occlusion::Rect;

use crate::{as_rgb, completion, converted, info, planes_of, read, rgb_frame, write};

const SIZE: (usize, usize) = (96, 80);
const PIXELS: usize = SIZE.0 * SIZE.1;

/// Samples are whole numbers, and chroma is coarse.
const CLOSE: f32 = 0.03;

/// A picture of smooth colours, RGB in `[0, 1]`.
fn smooth(x: usize, y: usize) -> [f32; 3] {
    let (x, y) = (x as f32, y as f32);
    [
        0.5 + 0.4 * (x / 17.0).sin(),
        0.5 + 0.4 * (y / 13.0).cos(),
        0.5 + 0.3 * ((x + y) / 23.0).sin(),
    ]
}

fn smooth_planes() -> Vec<f32> {
    let value = |i: usize| smooth(i % PIXELS % SIZE.0, i % PIXELS / SIZE.0)[i / PIXELS];
    (0..3 * PIXELS).map(value).collect()
}

/// The formats, colorimetries and interlace modes that the tests go through.
fn infos() -> impl Iterator<Item = VideoInfo> {
    let formats = SUPPORTED_FORMATS.iter().copied();
    let colours = formats.filter(|&format| !VideoFormatInfo::from_format(format).is_gray());
    colours.flat_map(|format| {
        // The last three have the full range and the matrices of BT.601, 709 and 2020.
        let names: &[&str] = match VideoFormatInfo::from_format(format).is_yuv() {
            true => &["bt601", "bt709", "bt2020", "1:4:5:1", "1:3:5:1", "1:6:5:7"],
            false => &["sRGB"],
        };
        let modes = [
            VideoInterlaceMode::Progressive,
            VideoInterlaceMode::Interleaved,
        ];
        names.iter().flat_map(move |name| {
            let colorimetry = VideoColorimetry::from_str(name).expect("a colorimetry");
            modes.map(|mode| {
                VideoInfo::builder(format, SIZE.0 as u32, SIZE.1 as u32)
                    .colorimetry(&colorimetry)
                    .interlace_mode(mode)
                    .build()
                    .expect("a format")
            })
        })
    })
}

fn farthest(found: &[f32], wanted: &[f32]) -> f32 {
    let apart = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

/// The rows of a field lie farther apart than those of a frame, which makes chroma coarser.
fn close(info: &VideoInfo) -> f32 {
    match info.is_interlaced() {
        true => 2.0 * CLOSE,
        false => CLOSE,
    }
}

#[test]
fn colours_are_read_as_gstreamer_converts_them() {
    for info in infos() {
        let rgb = as_rgb(&info);
        let buffer = converted(rgb_frame(&rgb, smooth), &rgb, &info);
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
        let (found, inside) = read(&frame, &Affine::IDENTITY, SIZE);
        assert!(inside.iter().all(|&v| v == 1.0));
        let worst = farthest(&found, &smooth_planes());
        assert!(
            worst < close(&info),
            "{}: {worst}",
            info.to_caps().expect("caps")
        );
    }
}

#[test]
fn gstreamer_reads_what_is_written() {
    for info in infos() {
        let hole = Hole::new(&Mask::missing(SIZE.0, SIZE.1), 0.0);
        let written = smooth_planes();
        let mut buffer = gst::Buffer::from_mut_slice(vec![77u8; info.size()]);
        let completion = completion(&written, &written, &hole);
        write(&mut buffer, &info, &Affine::IDENTITY, &completion);
        let rgb = as_rgb(&info);
        let back = |buffer| planes_of(&converted(buffer, &info, &rgb), &rgb);
        let wanted = back(converted(rgb_frame(&rgb, smooth), &rgb, &info));
        let worst = farthest(&back(buffer), &wanted);
        assert!(
            worst < close(&info),
            "{}: {worst}",
            info.to_caps().expect("caps")
        );
    }
}

#[test]
fn what_is_written_is_read_again() {
    for info in infos() {
        let to_frame = Affine {
            linear: [[1.0, -0.2], [0.2, 1.0]],
            translation: [20.0, -10.0],
        };
        let hole = Hole::new(&Mask::missing(SIZE.0, SIZE.1), 0.0);
        let written = smooth_planes();
        let mut buffer = gst::Buffer::from_mut_slice(vec![77u8; info.size()]);
        let to_crop = to_frame.inverse().expect("a similarity");
        let completion = completion(&written, &written, &hole);
        write(&mut buffer, &info, &to_crop, &completion);
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
        let (read, _) = read(&frame, &to_frame, SIZE);
        let is_core = |i: &usize| {
            let (x, y) = (i % PIXELS % SIZE.0, i % PIXELS / SIZE.0);
            let [u, v] = to_frame.apply([x as f64, y as f64]);
            (6.0..89.0).contains(&u)
                && (6.0..73.0).contains(&v)
                && (6..SIZE.0 - 6).contains(&x)
                && (6..SIZE.1 - 6).contains(&y)
        };
        let worst = (0..3 * PIXELS)
            .filter(is_core)
            .map(|i| (read[i] - written[i]).abs())
            .fold(0.0, f32::max);
        assert!(worst < CLOSE, "{}: {worst}", info.to_caps().expect("caps"));
    }
}

#[test]
fn gray_is_luma() {
    for format in [VideoFormat::Gray8, VideoFormat::Gray16Le] {
        let info = info(format, 16, 16);
        let hole = Hole::new(&Mask::missing(16, 16), 0.0);
        for rgb in [[1.0, 0.0, 0.0], [0.3, 0.3, 0.3], [1.0, 1.0, 1.0]] {
            let completed: Vec<f32> = rgb.iter().flat_map(|&v| [v; 256]).collect();
            let mut buffer = gst::Buffer::from_mut_slice(vec![0u8; info.size()]);
            let completion = completion(&completed, &completed, &hole);
            write(&mut buffer, &info, &Affine::IDENTITY, &completion);
            let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
            let (read, _) = read(&frame, &Affine::IDENTITY, (16, 16));
            let luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
            let worst = read.iter().fold(0f32, |w, v| w.max((v - luma).abs()));
            assert!(worst < 0.005, "{format} {rgb:?}: {worst}");
        }
    }
}

#[test]
fn pixels_of_a_colour_are_found_in_all_formats() {
    // Grey, with a green rectangle that no sample shares with the grey around it; a dark one has only its
    // brightness in common with that.
    let green = Rect::new(16, 24, 48, 56);
    let dark = Rect::new(64, 24, 80, 56);
    let holds = |rect: Rect, x: usize, y: usize| {
        (rect.x0..rect.x1).contains(&x) && (rect.y0..rect.y1).contains(&y)
    };
    let colour = |x, y| match (holds(green, x, y), holds(dark, x, y)) {
        (true, _) => [0.0, 1.0, 0.0],
        (_, true) => [0.1, 0.1, 0.1],
        _ => [0.8, 0.8, 0.8],
    };
    // Borders that share samples of every format with what is beyond.
    let area = Rect::new(3, 5, 91, 77);
    let range = ColourRange {
        rgb: [0, 255, 0],
        tolerance: 12.0,
    };
    let mut search = Search::default();
    for info in infos() {
        let rgb = as_rgb(&info);
        let buffer = converted(rgb_frame(&rgb, colour), &rgb, &info);
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
        let mut found = vec![Match::None; PIXELS];
        search.colour(&frame, range, area, |y, best, row| {
            assert_eq!(row.len(), area.width());
            assert_eq!(row.iter().max(), Some(&best));
            found[y * SIZE.0 + area.x0..][..row.len()].copy_from_slice(row);
        });
        // GStreamer's filters reach as far beyond an edge.
        let near = 4;
        for (i, found) in found.into_iter().enumerate() {
            let (x, y) = (i % SIZE.0, i / SIZE.0);
            let inside = Rect::new(
                green.x0 + near,
                green.y0 + near,
                green.x1 - near,
                green.y1 - near,
            );
            let around = Rect::new(
                green.x0 - near,
                green.y0 - near,
                green.x1 + near,
                green.y1 + near,
            );
            let place = format!("{} at {x}, {y}", info.name());
            match (holds(inside, x, y), holds(around, x, y)) {
                (true, _) => assert_eq!(found, Match::All, "{place}"),
                (_, false) => assert_eq!(found, Match::None, "{place}"),
                _ => (),
            }
        }
    }
}
