//! Completions in which the channels have holes of their own: missing channels are made from the
//! completion and the frame's other channels, at the frame's full resolution.

use std::ops::Range;

use mde_core::alignment::Affine;
use mde_core::mask::CHANNELS;
use mde_core::occlusion::Rect;

use super::canvas::{BlendSource, Original, Row, put};
use super::colour::{Channels, Colour, Rgb};
use super::grain::Grain;
use super::guide::{Guide, Pair};
use super::sampler::{BLOCK, Line, Sampler, span};
use super::write::Completion;

/// Of a crop's pixel: offsets, weights, and the factors by which the channels follow from each
/// other.
#[derive(Clone, Copy)]
struct PixelFormula {
    offsets: Rgb,
    weights: [f32; CHANNELS],
    factors: [Rgb; CHANNELS],
}

/// Values of a [`PixelFormula`], one of them without a use.
const VALUES: usize = 16;

impl PixelFormula {
    fn to_values(self) -> [f32; VALUES] {
        let mut values = [0.0; VALUES];
        let rows = [self.offsets, self.weights].into_iter().chain(self.factors);
        for (part, row) in values.chunks_mut(CHANNELS).zip(rows) {
            part.copy_from_slice(&row);
        }
        values
    }

    #[inline(always)]
    fn of_values(values: &[f32; VALUES]) -> Self {
        let row = |i: usize| [values[3 * i], values[3 * i + 1], values[3 * i + 2]];
        Self {
            offsets: row(0),
            weights: row(1),
            factors: [row(2), row(3), row(4)],
        }
    }
}

/// The formulas of a completed crop's pixels.
#[derive(Clone, Debug, Default)]
pub struct Mixed {
    sampler: Sampler<VALUES>,
    guides: [Guide; CHANNELS],
    samples: Vec<[f32; 3]>,
    grain_row: Vec<f32>,
}

impl Mixed {
    /// Takes over `part` of a completion.
    pub fn take(&mut self, completion: &Completion<'_>, part: Rect) {
        let hole = completion.hole;
        let pair = Pair {
            image: completion.image,
            completed: completion.rgb,
        };
        for (channel, guide) in self.guides.iter_mut().enumerate() {
            guide.fit(pair, hole, channel);
        }
        let (width, height) = hole.size();
        self.sampler.fill(part, (width, height), |i| {
            let formulas = [0, 1, 2].map(|channel| {
                let completed = completion.rgb[channel * width * height + i].clamp(0.0, 1.0);
                self.guides[channel].formula(hole, i, completed)
            });
            let formula = PixelFormula {
                offsets: formulas.map(|(_, offset)| offset),
                weights: [0, 1, 2].map(|channel| hole.weights(channel)[i]),
                factors: formulas.map(|(factors, _)| factors),
            };
            formula.to_values()
        });
    }

    /// To paint what has been taken.
    pub fn source<'a>(
        &'a mut self,
        to_crop: &'a Affine,
        completion: &'a Completion<'a>,
        part: Rect,
        colour: Colour,
        grain: Grain,
    ) -> MixedSource<'a> {
        MixedSource {
            sampler: &self.sampler,
            samples: &mut self.samples,
            to_crop,
            completion,
            part,
            colour,
            grain,
            grain_row: &mut self.grain_row,
        }
    }
}

/// [`Mixed`] where it falls onto a frame.
#[derive(Debug)]
pub struct MixedSource<'a> {
    sampler: &'a Sampler<VALUES>,
    samples: &'a mut Vec<[f32; 3]>,
    to_crop: &'a Affine,
    completion: &'a Completion<'a>,
    part: Rect,
    colour: Colour,
    grain: Grain,
    grain_row: &'a mut Vec<f32>,
}

impl BlendSource for MixedSource<'_> {
    fn blend_row(
        &mut self,
        original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        self.samples.resize(xs.len(), [0.0; 3]);
        original.read(xs, y, self.samples);
        let span = match self.completion.hole.bounds() {
            Some(bounds) => span(self.to_crop, &bounds, xs, y),
            None => xs.start..xs.start,
        };
        let (first, pixels) = self.completion.pixels.map_or((0, &[][..]), |p| p.row(y));
        let around = match pixels {
            [] => span.clone(),
            _ => {
                let end = (first + pixels.len()).min(xs.end);
                span.start.min(first.max(xs.start))..span.end.max(end)
            }
        };
        for start in around.clone().step_by(BLOCK) {
            let line = Line::of_frame(self.to_crop, &self.part, start, y);
            let count = BLOCK.min(around.end - start);
            let is_in_hole = start < span.end && span.start < start + count;
            if !is_in_hole && !has_weight(pixels, first, start..start + count) {
                continue;
            }
            let lookups = [0, 1, 2].map(|c| self.sampler.look_up(&line, 0, count, CHANNELS + c));
            self.grain.fill(&(start..start + count), y, self.grain_row);
            for (i, x) in (start..start + count).enumerate() {
                let least = x.checked_sub(first).and_then(|i| pixels.get(i));
                let formula = PixelFormula::of_values(&lookups[0].0[i]);
                let weights = [0, 1, 2].map(|channel| {
                    let hole = match span.contains(&x) {
                        true => {
                            let nearest = lookups[channel].1[i];
                            self.completion
                                .hole
                                .between(nearest, formula.weights[channel])
                        }
                        false => 0.0,
                    };
                    hole.max(*least.unwrap_or(&0.0)) * self.completion.strength()
                });
                if weights != [0.0; CHANNELS] {
                    let index = x - xs.start;
                    let mixed = self.mix(&formula, weights, self.samples[index]);
                    let grain = self.grain(self.grain_row[i], weights);
                    let [a, b, c] = [0, 1, 2].map(|i| mixed[i] + grain[i]);
                    put(row, index, [a, b, c, 1.0]);
                }
            }
        }
    }
}

/// Whether one of the pixels `xs` has one of `weights`, the first of which is that of pixel `first`.
fn has_weight(weights: &[f32], first: usize, xs: Range<usize>) -> bool {
    let end = xs.end.saturating_sub(first).min(weights.len());
    let start = xs.start.saturating_sub(first).min(end);
    weights[start..end].iter().any(|weight| *weight != 0.0)
}

impl MixedSource<'_> {
    /// By how much `grain` changes the samples of a pixel: channels that follow the frame's others
    /// have their texture from these.
    fn grain(&self, grain: f32, [red, green, blue]: [f32; CHANNELS]) -> [f32; 3] {
        let weights = match self.completion.channels {
            Channels::Rgb => [red.min(green).min(blue); 3],
            Channels::Luma if self.colour.is_rgb() => [red.min(green), green, blue.min(green)],
            Channels::Luma => [green; 3],
        };
        let change = self.grain.change();
        [0, 1, 2].map(|i| grain * weights[i] * change[i])
    }

    /// What becomes of the samples of a pixel.
    fn mix(&self, formula: &PixelFormula, weights: [f32; CHANNELS], samples: [f32; 3]) -> [f32; 3] {
        let known = self.colour.reading(self.completion.channels).rgb(samples);
        let towards = |from: Rgb, to: Rgb| {
            [0, 1, 2]
                .map(|channel| from[channel] + weights[channel] * (to[channel] - from[channel]))
        };
        // The channels that others follow from are themselves completed where they are missing.
        let guides = towards(known, formula.offsets);
        let new = [0, 1, 2].map(|channel| {
            let terms = formula.factors[channel].iter().zip(guides);
            let sum: f32 = terms.map(|(factor, guide)| factor * guide).sum();
            (sum + formula.offsets[channel]).clamp(0.0, 1.0)
        });
        match self.completion.channels {
            Channels::Luma => self.recolour(new, towards(known, new), weights, samples),
            Channels::Rgb => {
                let known = self.colour.rgb(samples);
                let change =
                    [0, 1, 2].map(|channel| weights[channel] * (new[channel] - known[channel]));
                let change = self.colour.change(change);
                [0, 1, 2].map(|i| samples[i] + change[i])
            }
        }
    }

    /// What becomes of the samples of a pixel whose colour is damage: luma stands for green. In YUV
    /// it follows the completion by the weight of green, and chroma by those of red and blue.
    fn recolour(
        &self,
        new: Rgb,
        blended: Rgb,
        [red, green, blue]: [f32; CHANNELS],
        samples: [f32; 3],
    ) -> [f32; 3] {
        let colours = red.max(blue);
        let coloured = self.colour.samples([new[0], blended[1], new[2]]);
        let (targets, weights) = match self.colour.is_rgb() {
            true => (coloured, [red, colours.max(green), blue]),
            false => {
                let [luma, _, _] = self.colour.samples(new);
                let [_, first, second] = coloured;
                ([luma, first, second], [green, colours, colours])
            }
        };
        [0, 1, 2].map(|i| samples[i] + weights[i] * (targets[i] - samples[i]))
    }
}
