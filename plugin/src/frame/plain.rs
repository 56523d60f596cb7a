//! Completions in which all channels have one hole: the components are blended as they are.

use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;
use std::ops::Range;

use super::Hole;
use super::canvas::{BlendSource, Original, Row, WEIGHT, put};
use super::colour::Colour;
use super::sampler::{BLOCK, Line, Sampler, span};
use super::sharpen::Sharpener;
use super::write::{Completion, PixelWeights};

/// The components of a completed crop, and the weights of its hole.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    pub sampler: Sampler<4>,
    sharpener: Sharpener,
}

impl Plain {
    /// Takes over `part` of a completion for a frame with the colorimetry `colour`, in which the
    /// crop is enlarged `enlarged` times.
    pub fn take(
        &mut self,
        completion: &Completion<'_>,
        colour: &Colour,
        enlarged: f64,
        part: Rect,
    ) {
        let size = completion.hole.size();
        let pixels = size.0 * size.1;
        let weights = completion.hole.weights(0);
        let sharpened = self.sharpener.sharpen(completion, enlarged, part);
        self.sampler.fill(part, size, |i| {
            let rgb = [0, 1, 2].map(|c| sharpened[c * pixels + i].clamp(0.0, 1.0));
            let [a, b, c] = colour.samples(rgb);
            [a, b, c, weights[i]]
        });
    }

    /// Takes `samples` for the pixels of `part`, weighted by the greatest of the channels' weights.
    pub fn take_tint(&mut self, samples: impl Fn(usize) -> [f32; 3], hole: &Hole, part: Rect) {
        self.sampler.fill(part, hole.size(), |i| {
            let [a, b, c] = samples(i);
            let weight = |channel: usize| hole.weights(channel)[i];
            [a, b, c, weight(0).max(weight(1)).max(weight(2))]
        });
    }

    /// To paint what has been taken.
    pub fn source<'a>(
        &'a self,
        to_crop: &'a Affine,
        completion: &Completion<'a>,
        part: Rect,
    ) -> PlainSource<'a> {
        PlainSource {
            sampler: &self.sampler,
            to_crop,
            part,
            hole: completion.hole,
            strength: completion.strength(),
            pixels: completion.pixels,
        }
    }
}

/// [`Plain`] where it falls onto a frame.
#[derive(Debug)]
pub struct PlainSource<'a> {
    pub sampler: &'a Sampler<4>,
    pub to_crop: &'a Affine,
    pub part: Rect,
    pub hole: &'a Hole,
    pub strength: f32,
    pub pixels: Option<PixelWeights<'a>>,
}

impl BlendSource for PlainSource<'_> {
    fn blend_row(
        &mut self,
        _original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        self.blend_hole(xs, y, row);
        if let Some(pixels) = self.pixels {
            self.blend_pixels(pixels, xs, y, row);
        }
    }
}

impl PlainSource<'_> {
    /// Blends with the weights of the crop's hole.
    fn blend_hole(&self, xs: &Range<usize>, y: usize, row: &mut Row<'_>) {
        let Some(bounds) = self.hole.bounds() else {
            return;
        };
        let span = span(self.to_crop, &bounds, xs, y);
        let line = Line::of_frame(self.to_crop, &self.part, span.start, y);
        let [a, b, c, weights] = row
            .each_mut()
            .map(|plane| &mut plane[span.start - xs.start..span.end - xs.start]);
        let planes = a.chunks_mut(BLOCK).zip(b.chunks_mut(BLOCK));
        let planes = planes.zip(c.chunks_mut(BLOCK).zip(weights.chunks_mut(BLOCK)));
        for (block, ((a, b), (c, weights))) in planes.enumerate() {
            let (values, nearest) =
                self.sampler
                    .look_up(&line, block * BLOCK, weights.len(), WEIGHT);
            let blended: [f32; BLOCK] = std::array::from_fn(|i| {
                self.hole.between(nearest[i], values[i][WEIGHT]) * self.strength
            });
            for (component, plane) in [a, b, c].into_iter().enumerate() {
                for (value, i) in plane.iter_mut().zip(0..BLOCK) {
                    *value = values[i][component] * blended[i];
                }
            }
            weights.copy_from_slice(&blended[..weights.len()]);
        }
    }

    /// Blends with the weights of the frame's pixels where they are greater than those of the hole.
    fn blend_pixels(
        &self,
        pixels: PixelWeights<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        let (first, weights) = pixels.row(y);
        for (x, weights) in (first..).step_by(BLOCK).zip(weights.chunks(BLOCK)) {
            if weights.iter().all(|weight| *weight == 0.0) {
                continue;
            }
            let line = Line::of_frame(self.to_crop, &self.part, x, y);
            let (values, _) = self.sampler.look_up(&line, 0, weights.len(), WEIGHT);
            for (x, (weight, [a, b, c, _])) in (x..).zip(weights.iter().zip(values)) {
                let weight = weight * self.strength;
                if xs.contains(&x) && weight > row[WEIGHT][x - xs.start] {
                    let blend = [a * weight, b * weight, c * weight, weight];
                    put(row, x - xs.start, blend);
                }
            }
        }
    }
}
