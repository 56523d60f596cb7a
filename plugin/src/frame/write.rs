//! Writing the completed pixels of a crop back into the frame.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::{Affine, AlignmentError};
use mde_core::occlusion::Rect;

use super::canvas::{Area, Canvas, Frame};
use super::colour::{Channels, Colour};
use super::grain::{Grained, Meter};
use super::hole::Hole;
use super::layer::{Layer, Layers, MOST_LAYERS};
use super::mixed::Mixed;
use super::plain::Plain;
use super::refined::{Refined, Refinement};
use super::whole::Whole;

/// A completed crop on its way into the frame.
#[derive(Clone, Copy, Debug)]
pub struct Completion<'a> {
    /// What the generator made of the crop, `[3, H, W]` RGB values in `[0, 1]`.
    pub rgb: &'a [f32],
    /// The crop as it was read, `[3, H, W]`; missing values are not looked at.
    pub image: &'a [f32],
    /// What is missing from it, a hole for each channel.
    pub hole: &'a Hole,
    /// What of the frame the crop's channels stand for, as it was read.
    pub channels: Channels,
    /// How much of the completion there is in the hole, in `[0, 1]`: a factor on all weights.
    pub strength: f32,
    /// How much of the grain of the frame around the hole the completion gets, in `[0, 1]`.
    pub grain: f32,
    /// What is missing from the frame besides, pixel by pixel.
    pub pixels: Option<PixelWeights<'a>>,
    /// What it copies, as sharp as its sources are. Laid on where all channels have one hole and
    /// stand for colours.
    pub layers: [Option<Layer<'a>>; MOST_LAYERS],
    /// What is finer of it than the generator's resolution, laid on likewise.
    pub refined: Option<Refined<'a>>,
}

/// Blend weights of pixels of the frame, for all channels. Where the crop's hole has a greater
/// weight, that one counts.
#[derive(Clone, Copy, Debug)]
pub struct PixelWeights<'a> {
    /// The pixels of the frame.
    pub area: Rect,
    /// Their weights in `[0, 1]`, row by row.
    pub weights: &'a [f32],
}

impl<'a> PixelWeights<'a> {
    /// The x coordinate of the first pixel, and the weights from there on, of the frame's row `y`.
    pub(super) fn row(&self, y: usize) -> (usize, &'a [f32]) {
        let width = self.area.width();
        let row = (self.area.y0..self.area.y1).contains(&y).then(|| {
            let start = (y - self.area.y0) * width;
            &self.weights[start..start + width]
        });
        (self.area.x0, row.unwrap_or(&[]))
    }
}

impl Completion<'_> {
    /// The [part] of the crop that is looked at.
    pub(super) fn part(&self) -> Option<Rect> {
        part(self.hole, self.pixels)
    }

    /// [`Self::strength`], in its range.
    pub(super) fn strength(&self) -> f32 {
        self.strength.clamp(0.0, 1.0)
    }
}

/// Writes completions into frames. Made once and reused, so that it allocates only for a crop or a
/// hole larger than all before.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    pub(super) canvas: Canvas,
    pub(super) plain: Plain,
    mixed: Mixed,
    whole: Whole,
    layers: Layers,
    refinement: Refinement,
    meter: Meter,
    grain_row: Vec<f32>,
}

impl Writer {
    /// Blends `completion` into the pixels of `frame` that `to_crop` maps into its hole. Every byte
    /// that belongs to other pixels stays as it is, and so do alpha, and samples that would become
    /// NaN.
    ///
    /// Where a pixel misses some channels and has others, the missing ones follow the edges of the
    /// frame's own. In RGB formats the others stay as they are; in YUV formats the components move
    /// by what the missing channels change. With [`Channels::Luma`] luma stays as it is where the
    /// green channel is known; in RGB formats green becomes luma.
    ///
    /// Where all that luma is made of is missing, the completion gets grain. From one frame to the
    /// next, which its time stamp or offset tells, as much of it stays as of the texture around.
    /// What is copied has its own.
    ///
    /// # Errors
    /// [`AlignmentError::Singular`] where `to_crop` has no inverse; the frame is then as it was.
    ///
    /// # Panics
    /// If a slice of `completion` has another length, or the format is not a
    /// [supported](super::SUPPORTED_FORMATS) one.
    pub fn write(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        to_crop: &Affine,
        completion: &Completion<'_>,
    ) -> Result<(), AlignmentError> {
        let (width, height) = completion.hole.size();
        let values = 3 * width * height;
        assert_eq!(completion.rgb.len(), values, "three values a pixel");
        assert_eq!(completion.image.len(), values, "three values a pixel");
        let area = area(frame, to_crop, completion.hole, completion.pixels)?;
        let Some(part) = completion.part().filter(|_| !area.is_empty()) else {
            return Ok(());
        };
        let colour = Colour::of(frame.info());
        let to_frame = to_crop.inverse()?;
        let grain = self.meter.measure(frame, &to_frame, completion, &colour);
        if completion.hole.is_uniform() && completion.channels == Channels::Rgb {
            let enlarged = to_frame.determinant().abs().sqrt();
            self.plain.take(completion, &colour, enlarged, part);
            let levels = self.layers.take(completion, &to_frame, part);
            let source = self.plain.source(to_crop, completion, part);
            let (row, size) = (&mut self.grain_row, (width, height));
            let (refined, fine) = (completion.refined.as_ref(), &mut self.refinement);
            if levels.iter().all(Option::is_none) {
                let source = fine.source(source, refined, to_crop, size, colour);
                let mut source = Grained { source, grain, row };
                self.canvas.paint(frame, &area, &mut source);
            } else {
                let source = (self.layers).source(source, levels, to_crop, size, part, colour);
                let source = fine.source(source, refined, to_crop, size, colour);
                let mut source = Grained { source, grain, row };
                self.canvas.paint(frame, &area, &mut source);
            }
        } else if self.whole.take(completion, to_crop, &colour) {
            let mut source = self.whole.source(to_crop);
            self.canvas.paint(frame, &area, &mut source);
        } else {
            self.mixed.take(completion, part);
            let mut source = self.mixed.source(to_crop, completion, part, colour, grain);
            self.canvas.paint(frame, &area, &mut source);
        }
        Ok(())
    }
}

/// The part of a crop that is looked at: the hole, or all where the frame's pixels have weights of
/// their own.
pub(super) fn part(hole: &Hole, pixels: Option<PixelWeights<'_>>) -> Option<Rect> {
    let (width, height) = hole.size();
    match pixels {
        Some(_) => Some(Rect::new(0, 0, width, height)),
        None => hole.bounds(),
    }
}

/// The pixels of `frame` among which those of the hole are.
pub(super) fn area(
    frame: &Frame<'_>,
    to_crop: &Affine,
    hole: &Hole,
    pixels: Option<PixelWeights<'_>>,
) -> Result<Area, AlignmentError> {
    let to_frame = to_crop.inverse()?;
    let mut area = Area { x: 0..0, y: 0..0 };
    if let Some(bounds) = hole.bounds() {
        let edges = |from: usize, to: usize| [from as f64 - 0.5, to as f64 - 0.5];
        let (xs, ys) = (edges(bounds.x0, bounds.x1), edges(bounds.y0, bounds.y1));
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for corner in [0, 1, 2, 3].map(|i| [xs[i % 2], ys[i / 2]]) {
            let corner = to_frame.apply(corner);
            for axis in 0..2 {
                low[axis] = low[axis].min(corner[axis]);
                high[axis] = high[axis].max(corner[axis]);
            }
        }
        area = Area::between(frame, low, high);
    }
    if let Some(PixelWeights { area: pixels, .. }) = pixels {
        let last = |end: usize| end as f64 - 1.0;
        let (low, high) = ([pixels.x0, pixels.y0], [pixels.x1, pixels.y1]);
        area = area.around(Area::between(frame, low.map(|v| v as f64), high.map(last)));
    }
    Ok(area)
}
