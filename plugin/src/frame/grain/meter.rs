//! How much grain a frame has around a hole.

use gst_video::prelude::*;
use mde_core::alignment::Affine;
use mde_core::mask::CHANNELS;
use mde_core::occlusion::Rect;

use super::noise::{hash, mean_square_of, response};
use super::pace::Pace;
use super::{Grain, Level};
use crate::frame::canvas::Frame;
use crate::frame::colour::{Channels, Colour};
use crate::frame::component::{self, Layout, Sample, with_sample};
use crate::frame::write::Completion;

/// How far around a hole is measured, as a part of the crop's longer side.
const REACH: usize = 8;

/// At most about so many pixels of the crop are looked at.
const MOST: usize = 2500;

/// Fewer pixels tell nothing.
const LEAST: usize = 32;

/// How far from a pixel its texture is measured.
const MARGIN: usize = 2;

/// Mean square of what rounding to whole samples adds.
const ROUNDING: f32 = 1.0 / 12.0;

/// Measures grain. Made once and reused: it allocates only for more pixels than ever before.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    places: Vec<[usize; 2]>,
    responses: [Vec<f32>; 2],
    /// Rows and columns of the frame before.
    size: [u32; 2],
    pace: Pace,
}

impl Meter {
    /// The grain that `completion` needs in `frame`, which `to_frame` maps it into, so that it has
    /// its share of that around its hole: of what known pixels within an eighth of the crop have,
    /// less what the completion has itself. Around holes of single channels nothing is known. What
    /// changes there from one frame to the next tells how much of it stays.
    pub fn measure(
        &mut self,
        frame: &Frame<'_>,
        to_frame: &Affine,
        completion: &Completion<'_>,
        colour: &Colour,
    ) -> Grain {
        let share = completion.grain.clamp(0.0, 1.0);
        let Some(part) = completion.part().filter(|_| share > 0.0) else {
            return Grain::default();
        };
        self.find(frame, to_frame, completion, part);
        let is_new = self.go_on(frame, colour);
        let around = self.around(frame, colour, is_new);
        if around == [0.0; 2] {
            return Grain::default();
        }
        let own = self.own(to_frame, completion, part);
        let level = [0, 1].map(|scale| (around[scale] - own[scale]).max(0.0));
        let [first, second, third] = colour.change([1.0; 3]);
        let change = match colour.is_rgb() {
            true => [first, second, third],
            false => [first, 0.0, 0.0],
        };
        Grain::new(level, share, change, self.pace.fields()).interlaced(frame.is_interlaced())
    }

    /// Finds the pixels of the frame to look at.
    fn find(
        &mut self,
        frame: &Frame<'_>,
        to_frame: &Affine,
        completion: &Completion<'_>,
        part: Rect,
    ) {
        let (width, height) = completion.hole.size();
        let reach = width.max(height) / REACH;
        let around = Rect {
            x0: part.x0.saturating_sub(reach),
            y0: part.y0.saturating_sub(reach),
            x1: (part.x1 + reach).min(width),
            y1: (part.y1 + reach).min(height),
        };
        let known: &[usize] = match completion.channels {
            Channels::Rgb if completion.hole.is_uniform() => &[0],
            Channels::Rgb => &[0, 1, 2],
            Channels::Luma => &[1],
        };
        let is_known = |u: usize, v: usize| {
            let weight = |&channel: &usize| completion.hole.weights(channel)[v * width + u];
            known.iter().all(|channel| weight(channel) == 0.0)
        };
        let is_sound = |x: usize, y: usize| {
            completion.pixels.is_none_or(|pixels| {
                let (first, weights) = pixels.row(y);
                let weight = x.checked_sub(first).and_then(|i| weights.get(i));
                weight.is_none_or(|&weight| weight == 0.0)
            })
        };
        let lines = lines(frame);
        let within = |margin: usize, side: u32| margin..(side as usize).saturating_sub(margin);
        let xs = within(MARGIN, frame.width());
        let ys = within(MARGIN * lines, frame.height());
        let beside = |v: usize, side: usize| [v.saturating_sub(1), (v + 1).min(side - 1)];
        self.places.clear();
        for (u, v) in sample(around) {
            let ([left, right], [above, below]) = (beside(u, width), beside(v, height));
            let corners = [(left, above), (right, above), (left, below), (right, below)];
            if !is_known(u, v) || !corners.into_iter().all(|(u, v)| is_known(u, v)) {
                continue;
            }
            // The casts cut what is negative, NaN or beyond a usize.
            let [x, y] = (to_frame.apply([u as f64, v as f64])).map(|v| v.round() as usize);
            if xs.contains(&x) && ys.contains(&y) && is_sound(x, y) {
                self.places.push([x, y]);
            }
        }
    }

    /// Has the grain change as the frame does where the one before was looked at; whether `frame` is
    /// another than that.
    fn go_on(&mut self, frame: &Frame<'_>, colour: &Colour) -> bool {
        let number = |value: Option<u64>| value.map_or(0, |value| value.wrapping_add(1));
        let buffer = frame.buffer();
        let time = number(buffer.pts().map(gst::ClockTime::nseconds));
        let frame_number = hash(time ^ hash(number(Some(buffer.offset()))));
        if !self.pace.is_new(frame_number) {
            return false;
        }
        let size = [frame.width(), frame.height()];
        let is_alike = std::mem::replace(&mut self.size, size) == size;
        let [texture, _] = &mut self.responses;
        if is_alike {
            read(frame, colour, 0, self.pace.places(), texture);
        }
        self.pace
            .advance(frame_number, is_alike.then_some(&texture[..]));
        true
    }

    /// The level at the places found: nothing where they are few. Remembers the texture of a new
    /// frame.
    fn around(&mut self, frame: &Frame<'_>, colour: &Colour, is_new: bool) -> Level {
        if self.places.len() < LEAST {
            return [0.0; 2];
        }
        let mut rounding = 0.0;
        for (scale, responses) in self.responses.iter_mut().enumerate() {
            rounding = read(frame, colour, scale, &self.places, responses);
        }
        if is_new {
            self.pace.remember(&self.places, &self.responses[0]);
        }
        self.level().map(|level| (level - rounding).max(0.0))
    }

    /// The level of the completion where it falls onto the frame. Enlarged to twice its size or
    /// more it has none, as all is straight between crop pixels.
    fn own(&mut self, to_frame: &Affine, completion: &Completion<'_>, part: Rect) -> Level {
        let scale = to_frame.determinant().abs().sqrt() as f32;
        let share = (2.0 - scale).clamp(0.0, 1.0);
        if share == 0.0 {
            return [0.0; 2];
        }
        let (width, height) = completion.hole.size();
        let pixels = width * height;
        let luma = |at: usize| {
            let value = |channel: usize| completion.rgb[channel * pixels + at].clamp(0.0, 1.0);
            (0..CHANNELS).map(value).sum::<f32>() / CHANNELS as f32
        };
        for (scale, responses) in self.responses.iter_mut().enumerate() {
            let step = 1 << scale;
            let inside = |v: usize, side: usize| v >= step && v + step < side;
            responses.clear();
            for (u, v) in sample(part).filter(|&(u, v)| inside(u, width) && inside(v, height)) {
                let value =
                    |i: usize, j: usize| luma((v + j * step - step) * width + u + i * step - step);
                responses.push(response(value));
            }
        }
        self.level().map(|level| level * share * share)
    }

    /// The level that the responses tell, whose middle sizes edges leave alone.
    fn level(&mut self) -> Level {
        self.responses
            .each_mut()
            .map(|responses| mean_square_of(responses))
    }
}

/// Makes `responses` those of luma at `places`, every pixel's (`scale` 0) or every second pixel's
/// (1); yields the mean square of what rounding adds.
fn read(
    frame: &Frame<'_>,
    colour: &Colour,
    scale: usize,
    places: &[[usize; 2]],
    responses: &mut Vec<f32>,
) -> f32 {
    responses.clear();
    responses.resize(places.len(), 0.0);
    let (factors, _) = colour.reading(Channels::Luma).channel(0);
    let mut rounding = 0.0;
    let components = factors.into_iter().take(component::count(frame));
    for (index, factor) in components.enumerate().filter(|(_, f)| *f != 0.0) {
        let layout = Layout::of(frame, index);
        let data = frame
            .plane_data(layout.plane)
            .expect("a supported format has the plane");
        let (right, down) = (
            layout.step << scale,
            (layout.stride * lines(frame)) << scale,
        );
        with_sample!(layout.packing, sample => {
            for (sum, [x, y]) in responses.iter_mut().zip(places) {
                let first = layout.start_of(*y) + x * layout.step - right - down;
                let value = |i: usize, j: usize| sample.get(data, first + i * right + j * down);
                *sum += factor * response(value);
            }
        });
        rounding += factor * factor * ROUNDING;
    }
    rounding
}

/// Rows of the frame from one row of a field to its next.
fn lines(frame: &Frame<'_>) -> usize {
    1 + usize::from(frame.is_interlaced())
}

/// Every pixel of `part`, or as many at even distances.
fn sample(part: Rect) -> impl Iterator<Item = (usize, usize)> {
    let step = (part.area() as f32 / MOST as f32).sqrt().ceil().max(1.0) as usize;
    let rows = (part.y0..part.y1).step_by(step);
    rows.flat_map(move |y| (part.x0..part.x1).step_by(step).map(move |x| (x, y)))
}
