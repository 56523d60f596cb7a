//! Completions of a frame that has lost channels as a whole: what [`super::mixed`] does, for the case
//! that a crop's rows lie along the frame's rows or columns. Along a row of the frame there is then one
//! line of formulas to look up.

use std::ops::Range;

use mde_core::alignment::Affine;
use mde_core::mask::CHANNELS;

use super::canvas::{BlendSource, Original, Row, put};
use super::colour::{Channels, Colour, Rgb};
use super::guide::{Guide, Pair};
use super::write::Completion;

/// How a lost channel follows from a pixel's samples: the factor of each, and an offset.
type Formula = [f32; CHANNELS + 1];

/// A channel that is lost.
#[derive(Clone, Copy, Debug)]
struct Lost {
    channel: usize,
    /// What there is of it in a frame.
    was: Formula,
    /// What the samples change by where it changes by 1.
    change: [f32; 3],
}

/// Formulas of the lost channels of a crop. Made once and refilled.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    guide: Guide,
    size: (usize, usize),
    lost: Vec<Lost>,
    /// Of each lost channel, `[H, W]`.
    formulas: [Vec<Formula>; CHANNELS],
    /// Those along the present row of the frame.
    line: [Vec<Formula>; CHANNELS],
    samples: Vec<[f32; 3]>,
}

/// Which way a crop's pixels lie along a row of the frame.
#[derive(Clone, Copy, Debug)]
enum Way {
    Right,
    Down,
}

/// The formula of `factors` of red, green and blue and an `offset`, as one of samples of `colour`.
fn in_samples(factors: Rgb, offset: f32, colour: &Colour) -> Formula {
    let at = |samples: [f32; 3]| {
        let rgb = colour.rgb(samples).into_iter().zip(factors);
        rgb.map(|(value, factor)| value * factor).sum::<f32>()
    };
    let none = at([0.0; 3]);
    let [a, b, c] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|one| at(one) - none);
    [a, b, c, offset + none]
}

/// What `formula` says of `samples`.
#[inline(always)]
fn value([a, b, c, offset]: Formula, samples: [f32; 3]) -> f32 {
    a * samples[0] + b * samples[1] + c * samples[2] + offset
}

fn way(to_crop: &Affine) -> Option<Way> {
    match to_crop.linear.map(|row| row[0] != 0.0) {
        [true, false] => Some(Way::Right),
        [false, true] => Some(Way::Down),
        _ => None,
    }
}

impl Whole {
    /// Takes over `completion`, which `to_crop` leads to from a frame with `colour`, if this is a case
    /// for it.
    pub fn take(&mut self, completion: &Completion<'_>, to_crop: &Affine, colour: &Colour) -> bool {
        let hole = completion.hole;
        let is_lost = |channel: usize| hole.weights(channel).iter().all(|weight| *weight == 1.0);
        let is_intact = |channel: usize| hole.weights(channel).iter().all(|weight| *weight == 0.0);
        self.lost.clear();
        let lost = (0..CHANNELS).filter(|channel| is_lost(*channel));
        self.lost.extend(lost.map(|channel| {
            let one = std::array::from_fn(|other| f32::from(u8::from(other == channel)));
            Lost {
                channel,
                was: in_samples(one, 0.0, colour),
                change: colour
                    .change(one)
                    .map(|change| completion.strength() * change),
            }
        }));
        let intact = (0..CHANNELS).filter(|channel| is_intact(*channel)).count();
        let is_one = intact > 0 && self.lost.len() + intact == CHANNELS;
        if !is_one
            || completion.pixels.is_some()
            || completion.channels != Channels::Rgb
            || way(to_crop).is_none()
        {
            return false;
        }
        self.size = hole.size();
        let pixels = self.size.0 * self.size.1;
        let pair = Pair {
            image: completion.image,
            completed: completion.rgb,
        };
        for (&Lost { channel, .. }, formulas) in self.lost.iter().zip(&mut self.formulas) {
            self.guide.fit(pair, hole, channel);
            formulas.clear();
            formulas.extend((0..pixels).map(|i| {
                let completed = completion.rgb[channel * pixels + i].clamp(0.0, 1.0);
                let (factors, offset) = self.guide.formula(hole, i, completed);
                in_samples(factors, offset, colour)
            }));
        }
        true
    }

    /// To paint what has been taken.
    pub fn source<'a>(&'a mut self, to_crop: &'a Affine) -> WholeSource<'a> {
        WholeSource {
            whole: self,
            to_crop,
        }
    }

    /// Looks up the formulas along the frame's row `y`; gives the place on them of the frame's first
    /// pixel, and that of the next from there.
    fn follow(&mut self, to_crop: &Affine, y: usize) -> [f64; 2] {
        let [u, v] = to_crop.apply([0.0, y as f64]);
        let (width, height) = self.size;
        let way = way(to_crop).unwrap_or(Way::Right);
        let (across, start, step) = match way {
            Way::Right => (v, u, to_crop.linear[0][0]),
            Way::Down => (u, v, to_crop.linear[1][0]),
        };
        // How many formulas lie along the row and across it, and how far apart they are.
        let ([along, apart], [others, step_across]) = match way {
            Way::Right => ([width, 1], [height, width]),
            Way::Down => ([height, width], [width, 1]),
        };
        let across = (across as f32).clamp(0.0, (others - 1) as f32);
        let (first, part) = (across.floor() as usize, across.fract());
        let second = (first + 1).min(others - 1);
        for (formulas, line) in self
            .formulas
            .iter()
            .zip(&mut self.line)
            .take(self.lost.len())
        {
            line.clear();
            line.extend((0..along).map(|i| {
                let [a, b] = [first, second].map(|at| &formulas[i * apart + at * step_across]);
                std::array::from_fn(|k| a[k] + part * (b[k] - a[k]))
            }));
        }
        [start, step]
    }
}

/// [`Whole`] where it falls onto a frame.
#[derive(Debug)]
pub struct WholeSource<'a> {
    whole: &'a mut Whole,
    to_crop: &'a Affine,
}

impl BlendSource for WholeSource<'_> {
    fn blend_row(
        &mut self,
        original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        let [start, step] = self.whole.follow(self.to_crop, y);
        let mut samples = std::mem::take(&mut self.whole.samples);
        samples.resize(xs.len(), [0.0; 3]);
        original.read(xs, y, &mut samples);
        let last = self.whole.line[0].len() - 1;
        let (start, step) = (start as f32, step as f32);
        for (index, (x, sample)) in xs.clone().zip(&samples).enumerate() {
            let at = (start + x as f32 * step).clamp(0.0, last as f32);
            // Truncation is rounding down, for there is nothing below 0.
            let first = at as usize;
            let (part, second) = (at - first as f32, (first + 1).min(last));
            let mut made = *sample;
            for (lost, line) in self.whole.lost.iter().zip(&self.whole.line) {
                let (a, b) = (&line[first], &line[second]);
                let formula = std::array::from_fn(|k| a[k] + part * (b[k] - a[k]));
                let off = value(formula, *sample).clamp(0.0, 1.0) - value(lost.was, *sample);
                for (made, change) in made.iter_mut().zip(lost.change) {
                    *made += off * change;
                }
            }
            let [a, b, c] = made;
            put(row, index, [a, b, c, 1.0]);
        }
        self.whole.samples = samples;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Hole;
    use mde_core::mask::Mask;

    #[test]
    fn formulas_are_those_between_the_crop_s_pixels() {
        gst::init().expect("GStreamer");
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, 60, 40);
        let colour = Colour::of(&info.build().expect("a format"));
        let (width, height) = (6, 4);
        let mut mask = Mask::known(width, height);
        mask.drop_channel(0);
        let hole = Hole::of_frame(&mask, 0.0);
        let value = |i: usize| (i % width) as f32 / 10.0 + (i / width) as f32 / 20.0;
        let image: Vec<f32> = (0..3 * width * height)
            .map(|i| value(i % (width * height)))
            .collect();
        let completion = Completion {
            rgb: &image,
            image: &image,
            hole: &hole,
            channels: Channels::Rgb,
            strength: 1.0,
            grain: 0.0,
            pixels: None,
            layers: [None; super::super::layer::MOST_LAYERS],
            refined: None,
        };
        let mut whole = Whole::default();
        let right = Affine::stretch((60, 40), (width, height));
        let down = Affine {
            linear: [[0.0, 0.1], [0.1, 0.0]],
            translation: [-0.45, -0.45],
        };
        for (to_crop, length) in [(right, width), (down, height)] {
            assert!(whole.take(&completion, &to_crop, &colour));
            let [start, step] = whole.follow(&to_crop, 20);
            assert!((start + 0.45).abs() < 1e-9 && (step - 0.1).abs() < 1e-9);
            assert_eq!(whole.line[0].len(), length);
        }
        let turned = Affine {
            linear: [[0.1, 0.01], [-0.01, 0.1]],
            translation: [0.0; 2],
        };
        assert!(
            !whole.take(&completion, &turned, &colour),
            "neither right nor down"
        );
        mask.drop_pixel(2, 2);
        let hole = Hole::of_frame(&mask, 0.0);
        let other = Completion {
            hole: &hole,
            ..completion
        };
        assert!(!whole.take(&other, &right, &colour), "not lost as a whole");
    }
}
