//! Marks for the eye: the hole tinted, boxes and points.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::{Affine, AlignmentError, Point};

use super::colour::Rgb;
use super::hole::Hole;
use super::paint::{Area, Paint, paint};
use super::write::hole_area;

const TINT: Rgb = [1.0, 0.2, 0.7];
const TINT_OPACITY: f32 = 0.5;
const LINE: Rgb = [0.1, 1.0, 0.3];
const POINT: Rgb = [1.0, 0.9, 0.0];

/// Frame heights a line's width.
const LINES_A_FRAME: f64 = 300.0;

/// Tints the pixels that `to_crop` maps into `hole`, by their weights.
///
/// # Errors
/// As [`super::write_crop`].
pub fn hole(
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    to_crop: &Affine,
    hole: &Hole,
) -> Result<(), AlignmentError> {
    if let Some(area) = hole_area(frame, to_crop, hole)? {
        let weight = |x: f64, y: f64| {
            let [x, y] = to_crop.apply([x, y]);
            TINT_OPACITY * hole.weight(x as f32, y as f32)
        };
        paint(
            frame,
            &area,
            &Tint {
                colour: TINT,
                weight,
            },
        );
    }
    Ok(())
}

/// Draws the outline of the upright box between the corners `low` and `high`.
pub fn outline(frame: &mut VideoFrameRef<&mut gst::BufferRef>, low: Point, high: Point) {
    let line = line_width(frame);
    let ([x0, y0], [x1, y1]) = (low, high);
    for (low, high) in [
        ([x0, y0], [x1, y0 + line]),
        ([x0, y1 - line], [x1, y1]),
        ([x0, y0], [x0 + line, y1]),
        ([x1 - line, y0], [x1, y1]),
    ] {
        let area = Area::between(frame, low, high);
        let weight = |_, _| 1.0;
        paint(
            frame,
            &area,
            &Tint {
                colour: LINE,
                weight,
            },
        );
    }
}

/// Draws discs at `points`.
pub fn points(frame: &mut VideoFrameRef<&mut gst::BufferRef>, points: &[Point]) {
    let radius = 1.5 * line_width(frame);
    for &[x, y] in points {
        let area = Area::between(frame, [x - radius, y - radius], [x + radius, y + radius]);
        let weight = |px: f64, py: f64| f32::from(u8::from((px - x).hypot(py - y) <= radius));
        paint(
            frame,
            &area,
            &Tint {
                colour: POINT,
                weight,
            },
        );
    }
}

fn line_width(frame: &VideoFrameRef<&mut gst::BufferRef>) -> f64 {
    (f64::from(frame.height()) / LINES_A_FRAME).max(1.0)
}

struct Tint<W> {
    colour: Rgb,
    weight: W,
}

impl<W: Fn(f64, f64) -> f32> Paint for Tint<W> {
    fn weight(&self, x: f64, y: f64) -> f32 {
        (self.weight)(x, y)
    }

    fn mix(&self, factors: [f32; 3], _x: f64, _y: f64) -> f32 {
        factors.iter().zip(self.colour).map(|(f, v)| f * v).sum()
    }
}
