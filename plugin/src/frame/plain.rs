//! Completions in which all channels have one hole: the components are blended as they are.

use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;
use std::ops::Range;

use super::Hole;
use super::canvas::{Dab, Ink, Source, WEIGHT};
use super::colour::Colour;
use super::texels::{Line, Taps, Texels, span};
use super::write::{Completion, PixelWeights};

/// The components of a completed crop, and the weights of its hole.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    pub texels: Texels<4>,
}

impl Plain {
    /// Takes over `part` of a completion for a frame with the colorimetry `colour`.
    pub fn take(&mut self, completion: &Completion<'_>, colour: &Colour, part: Rect) {
        let size = completion.hole.size();
        let pixels = size.0 * size.1;
        let weights = completion.hole.weights(0);
        self.texels.fill(part, size, |i| {
            let rgb = [0, 1, 2].map(|c| completion.rgb[c * pixels + i].clamp(0.0, 1.0));
            let [a, b, c] = colour.samples(rgb);
            [a, b, c, weights[i]]
        });
    }

    /// Takes `samples` for all of the pixels of `part`, weighted by the greatest of the channels'
    /// weights.
    pub fn take_tint(&mut self, samples: [f32; 3], hole: &Hole, part: Rect) {
        let [a, b, c] = samples;
        self.texels.fill(part, hole.size(), |i| {
            let weight = |channel: usize| hole.weights(channel)[i];
            [a, b, c, weight(0).max(weight(1)).max(weight(2))]
        });
    }

    /// To paint what has been taken.
    pub fn ink<'a>(
        &'a self,
        to_crop: &'a Affine,
        completion: &Completion<'a>,
        part: Rect,
    ) -> PlainInk<'a> {
        PlainInk {
            texels: &self.texels,
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
pub struct PlainInk<'a> {
    pub texels: &'a Texels<4>,
    pub to_crop: &'a Affine,
    pub part: Rect,
    pub hole: &'a Hole,
    pub strength: f32,
    pub pixels: Option<PixelWeights<'a>>,
}

impl Ink for PlainInk<'_> {
    fn dab(&mut self, _source: &Source<'_>, xs: &Range<usize>, y: usize, row: &mut [Dab]) {
        let span = span(self.to_crop, &self.part, xs, y);
        let (before, rest) = row.split_at_mut(span.start - xs.start);
        let (within, after) = rest.split_at_mut(span.len());
        before.fill([0.0; 4]);
        after.fill([0.0; 4]);
        let line = Line::new(self.to_crop, &self.part, span.start, y);
        for (index, dab) in within.iter_mut().enumerate() {
            let taps = self.texels.taps(line.at(index));
            *dab = self.mix(taps, 0.0);
        }
        if let Some(pixels) = self.pixels {
            self.dab_pixels(pixels, xs, y, row);
        }
    }
}

impl PlainInk<'_> {
    /// Dabs with the weights of the frame's pixels where they are above 0.
    fn dab_pixels(&self, pixels: PixelWeights<'_>, xs: &Range<usize>, y: usize, row: &mut [Dab]) {
        let line = Line::new(self.to_crop, &self.part, xs.start, y);
        let (first, weights) = pixels.row(y);
        for (x, &weight) in (first..).zip(weights) {
            if weight > 0.0 && xs.contains(&x) {
                let index = x - xs.start;
                let hole = row[index][WEIGHT];
                let taps = self.texels.taps(line.at(index));
                // Beyond the span the hole has no weight, whatever the nearest texel says.
                row[index] = match hole > 0.0 {
                    true => self.mix(taps, weight),
                    false => self.scaled(self.texels.at(taps), weight),
                };
            }
        }
    }

    #[inline(always)]
    fn mix(&self, taps: Taps, least: f32) -> Dab {
        let values = self.texels.at(taps);
        let nearest = self.texels.nearest(taps)[WEIGHT];
        self.scaled(
            values,
            self.hole.between(nearest, values[WEIGHT]).max(least),
        )
    }

    #[inline(always)]
    fn scaled(&self, [a, b, c, _]: Dab, weight: f32) -> Dab {
        let weight = weight * self.strength;
        [a * weight, b * weight, c * weight, weight]
    }
}
