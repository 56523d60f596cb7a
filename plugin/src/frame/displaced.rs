//! Putting back a channel that lies beside the others.

use gst_video::prelude::*;

use super::canvas::{Area, BlendSource, Canvas, Frame, Original, Row, put};
use super::colour::Colour;

/// What of a frame is displaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Red, green or blue.
    Channel(usize),
    /// A component, such as a plane of chroma.
    Component(usize),
}

/// Moves channels. Made once and reused, so that it allocates only for a frame larger than all
/// before.
#[derive(Clone, Debug, Default)]
pub struct Realigner {
    canvas: Canvas,
    /// What is displaced, of each pixel of the frame.
    values: Vec<f32>,
    row: Vec<[f32; 3]>,
}

impl Realigner {
    /// Moves `part` of `frame`, which is displaced by `shift` pixels to the right and down, back to
    /// where it belongs. Where nothing of it is left it is what lies nearest.
    pub fn put_back(&mut self, frame: &mut Frame<'_>, part: Part, shift: [i32; 2]) {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let colour = Colour::of(frame.info());
        let original = Original::of(frame);
        self.values.clear();
        self.row.resize(width, [0.0; 3]);
        for y in 0..height {
            original.read(&(0..width), y, &mut self.row);
            let value = |samples: &[f32; 3]| match part {
                Part::Channel(channel) => colour.rgb(*samples)[channel],
                Part::Component(component) => samples[component],
            };
            self.values.extend(self.row.iter().map(value));
        }
        let area = Area {
            x: 0..width,
            y: 0..height,
        };
        let mut source = Displaced {
            part,
            colour,
            shift,
            size: (width, height),
            values: &self.values,
            row: &mut self.row,
        };
        self.canvas.paint(frame, &area, &mut source);
    }
}

/// A frame of which a part is displaced.
struct Displaced<'a> {
    part: Part,
    colour: Colour,
    shift: [i32; 2],
    size: (usize, usize),
    values: &'a [f32],
    row: &'a mut Vec<[f32; 3]>,
}

impl BlendSource for Displaced<'_> {
    fn blend_row(
        &mut self,
        original: &Original<'_>,
        xs: &std::ops::Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        let (width, height) = self.size;
        let [right, down] = self.shift.map(|shift| shift as isize);
        let there =
            |v: usize, shift: isize, side: usize| v.saturating_add_signed(shift).min(side - 1);
        let values = &self.values[there(y, down, height) * width..][..width];
        let here = &self.values[y * width..][..width];
        self.row.resize(xs.len(), [0.0; 3]);
        original.read(xs, y, self.row);
        for (index, (x, samples)) in xs.clone().zip(self.row.iter()).enumerate() {
            let value = values[there(x, right, width)];
            let mut samples = *samples;
            match self.part {
                Part::Component(component) => samples[component] = value,
                Part::Channel(channel) => {
                    let mut change = [0.0; 3];
                    change[channel] = value - here[x];
                    let change = self.colour.change(change);
                    samples = [0, 1, 2].map(|i| samples[i] + change[i]);
                }
            }
            let [a, b, c] = samples;
            put(row, index, [a, b, c, 1.0]);
        }
    }
}
