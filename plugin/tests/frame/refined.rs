//! What a refiner changes of a completion: laid on at its resolution, in the hole alone.

use gst_video::{VideoFormat, VideoInfo};
use gstmdecomplete::frame::{Completion, Hole, Refined};
use mde_core::alignment::Affine;
use mde_core::mask::Mask;
use mde_core::occlusion::Rect;

use crate::{as_rgb, completion, converted, info, planes_of, rgb_frame, write};

const CROP: usize = 24;
/// Pixels of the refiner, and of the frame, to one of the crop.
const SCALE: usize = 2;
const SIDE: usize = CROP * SCALE;
/// Of the crop.
const HOLE: Rect = Rect::new(6, 4, 18, 16);
/// What the refiner looks at, in its pixels.
const AREA: Rect = Rect::new(8, 0, 40, 40);

/// A frame of grey with a hole that is filled with a lighter one, and columns that become darker and
/// lighter by turns in it where it `is_refined`.
fn written(info: &VideoInfo, is_refined: bool) -> gst::Buffer {
    let rgb = as_rgb(info);
    let mut frame = converted(rgb_frame(&rgb, |_, _| [0.25; 3]), &rgb, info);
    let mut mask = Mask::known(CROP, CROP);
    mask.drop_rect(HOLE);
    let hole = Hole::new(&mask, 0.0);
    let (image, painted) = ([0.25; 3 * CROP * CROP], [0.5; 3 * CROP * CROP]);
    let columns: Vec<[f32; 3]> = (0..AREA.area())
        .map(|i| match (AREA.x0 + i % AREA.width()).is_multiple_of(2) {
            true => [0.2; 3],
            false => [-0.2; 3],
        })
        .collect();
    let completion = Completion {
        refined: is_refined.then_some(Refined {
            scale: SCALE,
            area: AREA,
            change: &columns,
        }),
        ..completion(&painted, &image, &hole)
    };
    let to_crop = Affine::stretch((SIDE, SIDE), (CROP, CROP));
    write(&mut frame, info, &to_crop, &completion);
    frame
}

/// Whether the frame's pixel (x, y) lies in the hole.
fn is_missing(x: usize, y: usize) -> bool {
    let (x, y) = (x / SCALE, y / SCALE);
    (HOLE.x0..HOLE.x1).contains(&x) && (HOLE.y0..HOLE.y1).contains(&y)
}

#[test]
fn it_is_seen_pixel_by_pixel_and_in_the_hole_alone() {
    let info = info(VideoFormat::Rgb, SIDE as u32, SIDE as u32);
    let frame = written(&info, true);
    let bytes = frame.map_readable().expect("bytes");
    for (y, row) in bytes.chunks(info.stride()[0] as usize).enumerate() {
        for (x, pixel) in row.chunks_exact(3).take(SIDE).enumerate() {
            let expected: f32 = match (is_missing(x, y), x.is_multiple_of(2)) {
                (false, _) => 0.25,
                (true, true) => 0.7,
                (true, false) => 0.3,
            };
            let expected = (255.0 * expected).round() as i32;
            for value in pixel {
                let off = (i32::from(*value) - expected).abs();
                assert!(off <= 1, "({x}, {y}): {value} is not {expected}");
            }
        }
    }
}

#[test]
fn other_formats_show_it_too() {
    for format in [VideoFormat::I420, VideoFormat::Nv12, VideoFormat::P01010le] {
        let info = info(format, SIDE as u32, SIDE as u32);
        let rgb = as_rgb(&info);
        let [plain, refined] = [false, true]
            .map(|is_refined| planes_of(&converted(written(&info, is_refined), &info, &rgb), &rgb));
        for (i, (plain, refined)) in plain.iter().zip(&refined).enumerate() {
            let (x, y) = (i % SIDE, i / SIDE % SIDE);
            let changed = (plain - refined).abs() > 0.15;
            assert_eq!(changed, is_missing(x, y), "{format}: ({x}, {y})");
        }
    }
}
