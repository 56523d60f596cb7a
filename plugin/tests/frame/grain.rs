//! Grain: as much as the frame has around the hole, none where it has none.

use gst_video::{VideoFormat, VideoInfo, VideoInterlaceMode};
use gstmdecomplete::frame::{Hole, SUPPORTED_FORMATS, Writer};
use mde_core::alignment::Affine;
use mde_core::mask::Mask;
use mde_core::occlusion::Rect;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{as_rgb, completion, converted, planes_of, rgb_frame, write, write_by};

const SIZE: (usize, usize) = (320, 288);
const CROP: usize = 64;
/// Of the crop.
const HOLE: Rect = Rect::new(20, 22, 48, 42);
const GREY: f32 = 0.45;

/// The crop is the frame's middle, enlarged four times.
fn to_crop() -> Affine {
    Affine {
        linear: [[0.25, 0.0], [0.0, 0.25]],
        translation: [-8.3, -4.2],
    }
}

/// The crop's pixel that a pixel of the frame lies in.
fn crop_pixel(x: usize, y: usize) -> (usize, usize) {
    let [u, v] = to_crop().apply([x as f64, y as f64]);
    (u.round() as usize, v.round() as usize)
}

fn info(format: VideoFormat, mode: VideoInterlaceMode) -> VideoInfo {
    gst::init().expect("GStreamer");
    VideoInfo::builder(format, SIZE.0 as u32, SIZE.1 as u32)
        .interlace_mode(mode)
        .build()
        .expect("a format")
}

/// `frame` with a grey completion and `grain`.
fn completed(frame: &gst::Buffer, info: &VideoInfo, grain: f32) -> gst::Buffer {
    completed_by(&mut Writer::default(), frame, info, grain)
}

/// The same by a `writer` that may have written frames before.
fn completed_by(
    writer: &mut Writer,
    frame: &gst::Buffer,
    info: &VideoInfo,
    grain: f32,
) -> gst::Buffer {
    let mut mask = Mask::known(CROP, CROP);
    mask.drop_rect(HOLE);
    let hole = Hole::new(&mask, 0.0);
    let rgb = vec![GREY; 3 * CROP * CROP];
    let mut completion = completion(&rgb, &rgb, &hole);
    completion.grain = grain;
    let mut frame = frame.copy_deep().expect("a copy");
    write_by(writer, &mut frame, info, &to_crop(), &completion);
    frame
}

/// A frame with the colours that `colour` gives for its pixels, rounded and not dithered.
fn painted(info: &VideoInfo, colour: impl Fn(usize, usize) -> [f32; 3]) -> gst::Buffer {
    let (width, height) = SIZE;
    let hole = Hole::new(&Mask::missing(width, height), 0.0);
    let value = |i: usize| {
        let at = i % (width * height);
        colour(at % width, at / width)[i / (width * height)]
    };
    let rgb: Vec<f32> = (0..3 * width * height).map(value).collect();
    let mut frame = gst::Buffer::from_mut_slice(vec![0u8; info.size()]);
    let completion = completion(&rgb, &rgb, &hole);
    write(&mut frame, info, &Affine::IDENTITY, &completion);
    frame
}

/// A frame of grey noise, `softness` times averaged with its right neighbours.
fn noisy(info: &VideoInfo, softness: usize) -> gst::Buffer {
    noisy_as(info, softness, 5)
}

/// As [`noisy`], other noise for each `seed`.
fn noisy_as(info: &VideoInfo, softness: usize, seed: u64) -> gst::Buffer {
    let rng = &mut StdRng::seed_from_u64(seed);
    let (width, height) = SIZE;
    let mut noise: Vec<f32> = (0..width * height)
        .map(|_| (0..4).map(|_| rng.random_range(-0.04..0.04f32)).sum())
        .collect();
    for _ in 0..softness {
        let at = |x: usize, y: usize| noise[y % height * width + x % width];
        let soft = |i: usize| {
            let (x, y) = (i % width, i / width);
            let right = at(x, y) + 2.0 * at(x + 1, y) + at(x + 2, y);
            let below = at(x, y + 2) + 2.0 * at(x + 1, y + 2) + at(x + 2, y + 2);
            let between = at(x, y + 1) + 2.0 * at(x + 1, y + 1) + at(x + 2, y + 1);
            (right + 2.0 * between + below) / 8.0
        };
        noise = (0..width * height).map(soft).collect();
    }
    let rgb = as_rgb(info);
    let grey = rgb_frame(&rgb, |x, y| [GREY + noise[y * width + x]; 3]);
    converted(grey, &rgb, info)
}

/// Root of the mean square of the finest texture of green inside and outside the hole, in steps of
/// 8 bits. `lines` is the distance of rows.
fn levels(frame: &gst::Buffer, info: &VideoInfo, lines: usize) -> [f64; 2] {
    let rgb = as_rgb(info);
    let planes = planes_of(&converted(frame.clone(), info, &rgb), &rgb);
    let green = &planes[SIZE.0 * SIZE.1..];
    let (mut sums, mut counts) = ([0.0; 2], [0.0; 2]);
    for y in lines..SIZE.1 - lines {
        for x in 1..SIZE.0 - 1 {
            let row = |y: usize| {
                let at = |x: usize| 255.0 * f64::from(green[y * SIZE.0 + x]);
                at(x - 1) - 2.0 * at(x) + at(x + 1)
            };
            let response = row(y - lines) - 2.0 * row(y) + row(y + lines);
            let side = match crop_pixel(x, y) {
                (u, v) if Rect::new(21, 23, 47, 41).contains(u, v) => 0,
                (u, v) if HOLE.contains(u, v) => continue,
                _ => 1,
            };
            sums[side] += response * response;
            counts[side] += 1.0;
        }
    }
    [0, 1].map(|side: usize| f64::sqrt(sums[side] / counts[side] / 36.0))
}

#[test]
fn the_hole_is_as_grainy_as_its_surroundings() {
    for &format in SUPPORTED_FORMATS {
        for (mode, lines) in [
            (VideoInterlaceMode::Progressive, 1),
            (VideoInterlaceMode::Interleaved, 2),
        ] {
            let info = info(format, mode);
            let frame = completed(&noisy(&info, 0), &info, 1.0);
            let [inside, outside] = levels(&frame, &info, lines);
            let ratio = inside / outside;
            let what = format!("{format} {mode:?}: {inside:.2} inside, {outside:.2} outside");
            assert!(outside > 5.0, "{what}");
            assert!((0.75..1.25).contains(&ratio), "{what}");
            let none = levels(&completed(&noisy(&info, 0), &info, 0.0), &info, lines);
            assert!(none[0] < 0.3, "{what} with grain, {} without", none[0]);
        }
    }
}

#[test]
fn soft_grain_is_matched_too() {
    let info = info(VideoFormat::I420, VideoInterlaceMode::Progressive);
    let frame = completed(&noisy(&info, 1), &info, 1.0);
    let [inside, outside] = levels(&frame, &info, 1);
    let ratio = inside / outside;
    assert!((0.75..1.25).contains(&ratio), "{inside:.2} {outside:.2}");
}

#[test]
fn a_frame_without_grain_gets_none() {
    for &format in SUPPORTED_FORMATS {
        let info = info(format, VideoInterlaceMode::Progressive);
        let flat = painted(&info, |_, _| [0.3, 0.5, 0.2]);
        let slope = painted(&info, |x, y| {
            [
                x as f32 / 400.0,
                y as f32 / 500.0,
                (x + 2 * y) as f32 / 1000.0,
            ]
        });
        let bars = painted(&info, |x, y| {
            [f32::from(u8::from((x / 24 + y / 24) % 2 == 0)); 3]
        });
        for (what, frame) in [("flat", flat), ("slope", slope), ("bars", bars)] {
            let bytes = |grain: f32| {
                let frame = completed(&frame, &info, grain);
                frame.map_readable().expect("memory").to_vec()
            };
            assert!(bytes(1.0) == bytes(0.0), "{format}, {what}");
        }
    }
}

#[test]
fn frames_have_different_grain_and_each_the_same_again() {
    let info = info(VideoFormat::Nv12, VideoInterlaceMode::Progressive);
    let frame = |milliseconds: u64| {
        let mut frame = noisy(&info, 0);
        let time = gst::ClockTime::from_mseconds(milliseconds);
        frame.make_mut().set_pts(time);
        let frame = completed(&frame, &info, 1.0);
        frame.map_readable().expect("memory").to_vec()
    };
    assert!(frame(40) == frame(40));
    assert!(frame(40) != frame(80));
}

#[test]
fn grain_stays_where_that_of_the_frames_does() {
    let info = info(VideoFormat::Nv12, VideoInterlaceMode::Progressive);
    let mut writer = Writer::default();
    // What is seen in the hole, less its grey, of frames with the noise of these seeds.
    let holes: Vec<Vec<f32>> = [5, 5, 6, 7, 7]
        .into_iter()
        .enumerate()
        .map(|(number, seed)| {
            let mut frame = noisy_as(&info, 0, seed);
            let time = gst::ClockTime::from_mseconds(40 * number as u64);
            frame.make_mut().set_pts(time);
            let frame = completed_by(&mut writer, &frame, &info, 1.0);
            let bytes = frame.map_readable().expect("memory").to_vec();
            let luma = |x: usize, y: usize| f32::from(bytes[y * info.stride()[0] as usize + x]);
            let inside = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
            let inside = inside.filter(|&(x, y)| {
                let (u, v) = crop_pixel(x, y);
                (HOLE.x0 + 2..HOLE.x1 - 2).contains(&u) && (HOLE.y0 + 2..HOLE.y1 - 2).contains(&v)
            });
            let values: Vec<f32> = inside.map(|(x, y)| luma(x, y)).collect();
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            values.iter().map(|value| value - mean).collect()
        })
        .collect();
    let common: Vec<f32> = (holes.windows(2))
        .map(|pair| {
            let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let (a, b) = (&pair[0], &pair[1]);
            product(a, b) / (product(a, a) * product(b, b)).sqrt()
        })
        .collect();
    for (common, stays) in common.iter().zip([true, false, false, true]) {
        assert!(
            if stays {
                *common > 0.95
            } else {
                common.abs() < 0.1
            },
            "{common:?}, stays: {stays}"
        );
    }
}
