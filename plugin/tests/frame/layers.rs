//! What a completion copies: as sharp as its source, in the hole alone, with no grain but its own.

use gst_video::{VideoFormat, VideoInfo};
use gstmdecomplete::frame::{Hole, Layer, Picture, Pyramid, shrink};
use mde_core::alignment::Affine;
use mde_core::mask::Mask;
use mde_core::occlusion::Rect;
use mde_core::registration::Displacement;

use crate::{as_rgb, completion, converted, info, planes_of, rgb_frame, write};

const CROP: usize = 48;
const PIXELS: usize = CROP * CROP;
const GRID: usize = CROP * CROP / 4;
/// Pixels of the frame, and of the source, to a crop pixel.
const FACTOR: usize = 4;
const SIDE: usize = CROP * FACTOR;
/// Of the crop.
const HOLE: Rect = Rect::new(12, 10, 36, 30);
/// Of the frame: what lies in the hole whatever the siting of chroma.
const INSIDE: Rect = Rect::new(12 * FACTOR, 10 * FACTOR, 36 * FACTOR, 30 * FACTOR);

/// A picture with texture that the crop is too small for.
fn source(x: usize, y: usize) -> [f32; 3] {
    let (x, y) = (x as f32, y as f32);
    let fine = 0.12 * (x * 1.3).sin() * (y * 1.1).sin();
    let coarse = 0.2 * (x / 17.0).sin() + 0.1 * (y / 23.0).cos();
    [0.5 + coarse + fine, 0.45 + coarse + fine, 0.4 + fine]
}

/// The source at its size and at the crop's.
struct Copy {
    rgb: Vec<f32>,
    small: Vec<f32>,
    pyramid: Pyramid,
    hole: Hole,
}

impl Copy {
    fn new(factor: usize) -> Self {
        let side = CROP * factor;
        let step = FACTOR / factor;
        let value = |i: usize| {
            let (x, y) = (i % side, i / side % side);
            let values = (0..step * step)
                .map(|k| source(x * step + k % step, y * step + k / step)[i / (side * side)]);
            values.sum::<f32>() / (step * step) as f32
        };
        let rgb: Vec<f32> = (0..3 * side * side).map(value).collect();
        let mut small = Vec::new();
        shrink(&rgb, (CROP, CROP), factor, &mut small);
        let pyramid = Pyramid::new(&Picture {
            crop: (CROP, CROP),
            factor,
            rgb: &rgb,
            small: &small,
            known: &[1.0; PIXELS],
        });
        let mut mask = Mask::known(CROP, CROP);
        mask.drop_rect(HOLE);
        let hole = Hole::new(&mask, 0.0);
        Self {
            rgb,
            small,
            pyramid,
            hole,
        }
    }

    /// A grey frame in which the hole is copied: `base` at the crop's size, and the detail from
    /// `flow` away with `weight`.
    fn lay(
        &self,
        info: &VideoInfo,
        base: &[f32],
        flow: [f32; 2],
        weight: f32,
        grain: f32,
    ) -> Vec<f32> {
        let grey = rgb_frame(&as_rgb(info), |x, y| {
            [0.5 + 0.1 * ((x * 7 + y * 13) % 11) as f32 / 11.0; 3]
        });
        let mut buffer = converted(grey, &as_rgb(info), info);
        let flow: Vec<f32> = flow.iter().flat_map(|&v| [v; GRID]).collect();
        let layer = Layer {
            pyramid: &self.pyramid,
            displacement: &Displacement::NONE,
            shown: self.pyramid.base(),
            flow: &flow,
            weights: &[weight; GRID],
            opacity: 1.0,
        };
        let mut completion = completion(base, base, &self.hole);
        completion.layers[0] = Some(layer);
        completion.grain = grain;
        let to_crop = Affine::stretch((SIDE, SIDE), (CROP, CROP));
        write(&mut buffer, info, &to_crop, &completion);
        planes_of(&converted(buffer, info, &as_rgb(info)), &as_rgb(info))
    }
}

fn frame_info(format: VideoFormat) -> VideoInfo {
    info(format, SIDE as u32, SIDE as u32)
}

/// The mean difference inside the hole from what `wanted` is, in 255ths.
fn difference(found: &[f32], wanted: impl Fn(usize, usize) -> [f32; 3]) -> f32 {
    let mut sum = 0.0;
    for y in INSIDE.y0..INSIDE.y1 {
        for x in INSIDE.x0..INSIDE.x1 {
            for (channel, wanted) in wanted(x, y).into_iter().enumerate() {
                let found = found[channel * SIDE * SIDE + y * SIDE + x];
                sum += (found - wanted).abs();
            }
        }
    }
    255.0 * sum / (3 * INSIDE.area()) as f32
}

#[test]
fn a_copy_is_the_source_itself() {
    let copy = Copy::new(FACTOR);
    let found = copy.lay(
        &frame_info(VideoFormat::Rgb),
        &copy.small,
        [0.0; 2],
        1.0,
        0.0,
    );
    assert!(
        difference(&found, source) < 0.6,
        "{}",
        difference(&found, source)
    );
    // Without the detail it is far from that.
    let found = copy.lay(
        &frame_info(VideoFormat::Rgb),
        &copy.small,
        [0.0; 2],
        0.0,
        0.0,
    );
    assert!(difference(&found, source) > 8.0);
}

#[test]
fn the_flow_tells_from_where() {
    let copy = Copy::new(FACTOR);
    // As the generator sees the source moved by a crop pixel to the right and two down.
    let moved = |i: usize| {
        let (x, y) = (i % CROP, i / CROP % CROP);
        let at = |v: usize, by: usize| (v + by).min(CROP - 1);
        copy.small[i / PIXELS * PIXELS + at(y, 2) * CROP + at(x, 1)]
    };
    let base: Vec<f32> = (0..3 * PIXELS).map(moved).collect();
    let found = copy.lay(&frame_info(VideoFormat::Rgb), &base, [1.0, 2.0], 1.0, 0.0);
    let wanted = |x: usize, y: usize| source(x + FACTOR, y + 2 * FACTOR);
    assert!(
        difference(&found, wanted) < 0.6,
        "{}",
        difference(&found, wanted)
    );
}

#[test]
fn formats_get_as_much_of_it_as_they_hold() {
    let copy = Copy::new(FACTOR);
    for (format, most) in [
        (VideoFormat::I420, 6.0),
        (VideoFormat::Nv12, 6.0),
        (VideoFormat::P01010le, 6.0),
        (VideoFormat::Y444, 3.0),
        (VideoFormat::Bgra, 0.6),
    ] {
        let lay = |weight| copy.lay(&frame_info(format), &copy.small, [0.0; 2], weight, 0.0);
        let (with, without) = (difference(&lay(1.0), source), difference(&lay(0.0), source));
        assert!(with < most && without > 7.0, "{format}: {with} {without}");
    }
}

#[test]
fn a_source_without_more_than_the_crop_adds_nothing() {
    let copy = Copy::new(1);
    // Without texture of its own, which would be sharpened where it is not copied.
    let base = [0.5; 3 * PIXELS];
    let lay = |weight| copy.lay(&frame_info(VideoFormat::Rgb), &base, [0.0; 2], weight, 0.0);
    assert_eq!(lay(1.0), lay(0.0));
    assert_eq!(copy.rgb, copy.small);
}

#[test]
fn a_source_with_less_than_the_frame_invents_nothing() {
    let copy = Copy::new(2);
    let found = copy.lay(
        &frame_info(VideoFormat::Rgb),
        &copy.small,
        [0.0; 2],
        1.0,
        0.0,
    );
    // The source interpolated to the frame's size by Catmull and Rom's cubic.
    let side = 2 * CROP;
    let wanted = |x: usize, y: usize| {
        let place = |v: usize| {
            let position = (v as f32 + 0.5) / 2.0 - 0.5;
            let t = position.fract();
            let weights = [
                ((2.0 - t) * t - 1.0) * t / 2.0,
                ((3.0 * t - 5.0) * t * t + 2.0) / 2.0,
                ((4.0 - 3.0 * t) * t + 1.0) * t / 2.0,
                (t - 1.0) * t * t / 2.0,
            ];
            (position as usize - 1, weights)
        };
        let ((u, across), (v, down)) = (place(x), place(y));
        [0, 1, 2].map(|channel| {
            let row = |y: usize| -> f32 {
                let pixels = &copy.rgb[(channel * side + v + y) * side + u..];
                pixels
                    .iter()
                    .zip(across)
                    .map(|(pixel, weight)| pixel * weight)
                    .sum()
            };
            let rows = down.iter().enumerate().map(|(y, weight)| row(y) * weight);
            rows.sum::<f32>().clamp(0.0, 1.0)
        })
    };
    // What the crop's size leaves of the source has corners at other places.
    assert!(
        difference(&found, wanted) < 1.5,
        "{}",
        difference(&found, wanted)
    );
}

#[test]
fn what_is_copied_gets_no_grain_besides() {
    let copy = Copy::new(FACTOR);
    let info = frame_info(VideoFormat::Rgb);
    let flat = vec![0.5; 3 * PIXELS];
    let lay = |weight, grain| copy.lay(&info, &flat, [0.0; 2], weight, grain);
    assert_eq!(lay(1.0, 1.0), lay(1.0, 0.0));
    assert_ne!(lay(0.5, 1.0), lay(0.5, 0.0));
    assert_ne!(lay(0.0, 1.0), lay(0.0, 0.0));
}
