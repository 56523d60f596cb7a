//! Marks for the eye: the hole tinted, boxes and points.

use std::ops::Range;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::{Affine, AlignmentError, Point};
use mde_core::occlusion::Rect;

use super::canvas::{Area, BlendSource, Frame, Original, Row, WEIGHT, put};
use super::colour::{Colour, Rgb};
use super::hole::Hole;
use super::plain::PlainSource;
use super::write::{PixelWeights, Writer, area, part};

pub use super::number::number;

/// Of what is painted, copied from a view and copied from the mirror.
const SOURCE_TINTS: [Rgb; 3] = [[1.0, 0.2, 0.7], [0.1, 0.9, 0.4], [0.2, 0.5, 1.0]];
const TINT_OPACITY: f32 = 0.5;
const LINE: Rgb = [0.1, 1.0, 0.3];
const POINT: Rgb = [1.0, 0.9, 0.0];

/// Frame heights a line's width.
const LINES_A_FRAME: f64 = 300.0;

/// Tints the pixels that `to_crop` maps into the hole of any channel, by their weights, in the colours
/// `rgb` of the crop's pixels.
///
/// # Errors
/// As [`Writer::write`].
pub fn hole(
    writer: &mut Writer,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    to_crop: &Affine,
    hole: &Hole,
    rgb: impl Fn(usize) -> Rgb,
) -> Result<(), AlignmentError> {
    tint(writer, frame, to_crop, hole, None, rgb)
}

/// Tints the same pixels, and those of `pixels`, the pixel `(x, y)` of the frame in the colour
/// `told(x, y)`, whichever have the greater weight.
///
/// # Errors
/// As [`Writer::write`].
pub fn mask(
    writer: &mut Writer,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    to_crop: &Affine,
    hole: &Hole,
    rgb: impl Fn(usize) -> Rgb,
    pixels: PixelWeights<'_>,
    told: impl Fn(usize, usize) -> Rgb,
) -> Result<(), AlignmentError> {
    let area = area(frame, to_crop, hole, Some(pixels))?;
    let Some(part) = part(hole, Some(pixels)) else {
        return Ok(());
    };
    let colour = Colour::of(frame.info());
    let samples = |i: usize| colour.samples(rgb(i));
    writer.plain.take_tint(samples, hole, part);
    let mut source = MaskTint {
        hole: PlainSource {
            to_crop,
            part,
            hole,
            strength: TINT_OPACITY,
            pixels: None,
            sampler: &writer.plain.sampler,
        },
        pixels: Tint {
            samples: |x, y| colour.samples(told(x, y)),
            pixels,
        },
    };
    writer.canvas.paint(frame, &area, &mut source);
    Ok(())
}

/// Tints the same pixels, and those of `pixels`, by where they come from: `shares` gives for a pixel of the crop how much of
/// it is painted, copied from a view and copied from the mirror.
///
/// # Errors
/// As [`Writer::write`].
pub fn sources(
    writer: &mut Writer,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    to_crop: &Affine,
    hole: &Hole,
    pixels: Option<PixelWeights<'_>>,
    shares: impl Fn(usize) -> [f32; 3],
) -> Result<(), AlignmentError> {
    tint(writer, frame, to_crop, hole, pixels, |i| {
        let shares = shares(i);
        let part = |channel: usize| {
            let parts = shares.iter().zip(SOURCE_TINTS);
            parts.map(|(share, tint)| share * tint[channel]).sum()
        };
        [part(0), part(1), part(2)]
    })
}

fn tint(
    writer: &mut Writer,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    to_crop: &Affine,
    hole: &Hole,
    pixels: Option<PixelWeights<'_>>,
    rgb: impl Fn(usize) -> Rgb,
) -> Result<(), AlignmentError> {
    let area = area(frame, to_crop, hole, pixels)?;
    if let Some(part) = part(hole, pixels) {
        let colour = Colour::of(frame.info());
        let samples = |i: usize| colour.samples(rgb(i));
        writer.plain.take_tint(samples, hole, part);
        let mut source = PlainSource {
            to_crop,
            part,
            hole,
            strength: TINT_OPACITY,
            pixels,
            sampler: &writer.plain.sampler,
        };
        writer.canvas.paint(frame, &area, &mut source);
    }
    Ok(())
}

/// Tints `pixels` by their weights, the pixel `(x, y)` in the colour `rgb(x, y)`.
pub fn pixels(
    writer: &mut Writer,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    pixels: PixelWeights<'_>,
    rgb: impl Fn(usize, usize) -> Rgb,
) {
    let Rect { x0, y0, x1, y1 } = pixels.area;
    let colour = Colour::of(frame.info());
    let mut tint = Tint {
        samples: |x, y| colour.samples(rgb(x, y)),
        pixels,
    };
    let area = Area {
        x: x0..x1,
        y: y0..y1,
    };
    writer.canvas.paint(frame, &area, &mut tint);
}

/// Tints all of the frame in the colour `rgb`.
pub fn all(writer: &mut Writer, frame: &mut VideoFrameRef<&mut gst::BufferRef>, rgb: Rgb) {
    let area = Area {
        x: 0..frame.width() as usize,
        y: 0..frame.height() as usize,
    };
    let mut shape = Shape {
        opacity: TINT_OPACITY,
        ..Shape::new(frame, rgb, |_, _| true)
    };
    writer.canvas.paint(frame, &area, &mut shape);
}

/// Draws the outline of the upright box between the corners `low` and `high`.
pub fn outline(
    writer: &mut Writer,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    low: Point,
    high: Point,
) {
    let line = line_width(frame);
    let ([x0, y0], [x1, y1]) = (low, high);
    for (low, high) in [
        ([x0, y0], [x1, y0 + line]),
        ([x0, y1 - line], [x1, y1]),
        ([x0, y0], [x0 + line, y1]),
        ([x1 - line, y0], [x1, y1]),
    ] {
        bar(writer, frame, low, high);
    }
}

/// Fills the upright box between the corners `low` and `high`.
pub(super) fn bar(
    writer: &mut Writer,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    low: Point,
    high: Point,
) {
    let area = Area::between(frame, low, high);
    let mut shape = Shape::new(frame, LINE, |x, y| {
        area.x.contains(&x) && area.y.contains(&y)
    });
    writer.canvas.paint(frame, &area, &mut shape);
}

/// Draws discs at `points`.
pub fn points(
    writer: &mut Writer,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    points: &[Point],
) {
    let radius = 1.5 * line_width(frame);
    for &[x, y] in points {
        let area = Area::between(frame, [x - radius, y - radius], [x + radius, y + radius]);
        let mut shape = Shape::new(frame, POINT, |column, row| {
            (column as f64 - x).hypot(row as f64 - y) <= radius
        });
        writer.canvas.paint(frame, &area, &mut shape);
    }
}

/// Width of a line in pixels.
pub(super) fn line_width(frame: &Frame<'_>) -> f64 {
    (f64::from(frame.height()) / LINES_A_FRAME).max(1.0)
}

/// Pixels with weights, each in a colour of its own.
struct Tint<'a, S> {
    samples: S,
    pixels: PixelWeights<'a>,
}

impl<S: Fn(usize, usize) -> [f32; 3]> BlendSource for Tint<'_, S> {
    fn blend_row(
        &mut self,
        _original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        let (first, weights) = self.pixels.row(y);
        for (x, weight) in (first..).zip(weights).filter(|(x, _)| xs.contains(x)) {
            let weight = TINT_OPACITY * weight;
            if weight >= row[WEIGHT][x - xs.start] {
                let [a, b, c] = (self.samples)(x, y).map(|sample| sample * weight);
                put(row, x - xs.start, [a, b, c, weight]);
            }
        }
    }
}

/// The pixels of a crop's hole, and pixels of the frame.
struct MaskTint<'a, S> {
    hole: PlainSource<'a>,
    pixels: Tint<'a, S>,
}

impl<S: Fn(usize, usize) -> [f32; 3]> BlendSource for MaskTint<'_, S> {
    fn blend_row(
        &mut self,
        original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        self.hole.blend_row(original, xs, y, row);
        self.pixels.blend_row(original, xs, y, row);
    }
}

/// The pixels of a shape, in one colour.
struct Shape<C> {
    samples: [f32; 3],
    opacity: f32,
    contains: C,
}

impl<C: Fn(usize, usize) -> bool> Shape<C> {
    fn new(frame: &Frame<'_>, colour: Rgb, contains: C) -> Self {
        Self {
            samples: Colour::of(frame.info()).samples(colour),
            opacity: 1.0,
            contains,
        }
    }
}

impl<C: Fn(usize, usize) -> bool> BlendSource for Shape<C> {
    fn blend_row(
        &mut self,
        _original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        let [a, b, c] = self.samples.map(|sample| sample * self.opacity);
        for (index, x) in xs.clone().enumerate() {
            if (self.contains)(x, y) {
                put(row, index, [a, b, c, self.opacity]);
            }
        }
    }
}
