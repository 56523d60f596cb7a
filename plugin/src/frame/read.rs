//! Sampling a crop from the planes of a frame.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};
use mde_core::alignment::Affine;

use super::colour::{Channels, Colour};
use super::component::{self, Layout};
use super::shrunk::{Rows, Shrunk};

/// Greater coefficients are nonsense, and positions could overflow.
const FARTHEST: f64 = 1e9;

/// A crop to be read.
#[derive(Debug)]
pub struct Crop<'a> {
    /// Width and height in pixels.
    pub size: (usize, usize),
    /// Becomes `[3, H, W]` in `[0, 1]`.
    pub rgb: &'a mut [f32],
    /// Becomes `[H, W]`: 1 where the pixel lies in the frame, else 0.
    pub inside: &'a mut [f32],
}

/// Reads crops from frames. Made once and reused, so that it allocates only for a crop larger than
/// all before.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Of each component the planes of all rows, or of the fields.
    planes: [[Shrunk; 2]; 3],
    samples: [Vec<f32>; 3],
    other_field: Vec<f32>,
}

impl Reader {
    /// Reads the crop that `to_frame` maps into `frame`, averaged where it is smaller than its
    /// region of the frame, else interpolated bilinearly; beyond the frame its edge.
    ///
    /// In an interlaced frame a pixel is interpolated from rows of one field, or is the mean of as
    /// many rows of both.
    ///
    /// Where `to_frame` leads nowhere (a coefficient is NaN or beyond a thousand million) the crop
    /// is black and outside.
    ///
    /// # Panics
    /// If a slice of `crop` has another length, or the format is not a
    /// [supported](super::SUPPORTED_FORMATS) one.
    pub fn read<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        to_frame: &Affine,
        channels: Channels,
        crop: Crop<'_>,
    ) {
        let Crop { size, rgb, inside } = crop;
        let (width, height) = size;
        assert_eq!(rgb.len(), 3 * width * height, "three values a pixel");
        assert_eq!(inside.len(), width * height, "one value a pixel");
        let mut coefficients = to_frame
            .linear
            .iter()
            .flatten()
            .chain(&to_frame.translation);
        if !coefficients.all(|v| v.abs() <= FARTHEST) {
            rgb.fill(0.0);
            inside.fill(0.0);
            return;
        }
        let count = component::count(frame);
        let fields = fields(frame, to_frame);
        let colour = Colour::of(frame.info()).reading(channels);
        for (index, planes) in self.planes.iter_mut().enumerate().take(count) {
            if !colour.reads(index) {
                continue;
            }
            let layout = Layout::of(frame, index);
            let data = frame
                .plane_data(layout.plane)
                .expect("a supported format has the plane");
            for (&rows, plane) in fields.iter().zip(planes) {
                plane.fill(data, &layout, rows, to_frame, size);
            }
        }
        let (red, rest) = rgb.split_at_mut(width * height);
        let (green, blue) = rest.split_at_mut(width * height);
        for row in 0..height {
            let line = Row::new(to_frame, row, frame);
            let range = row * width..(row + 1) * width;
            line.mark_inside(&mut inside[range.clone()]);
            for index in 0..count {
                let [samples, other] = [&mut self.samples[index], &mut self.other_field];
                samples.resize(width, 0.0);
                if !colour.reads(index) {
                    // What is left there of another frame counts for nothing.
                    continue;
                }
                let [all, second] = &self.planes[index];
                all.read_row(row, samples);
                if fields.len() > 1 {
                    other.resize(width, 0.0);
                    second.read_row(row, other);
                    for (column, (sample, other)) in samples.iter_mut().zip(other).enumerate() {
                        if line.field(column) == 1 {
                            *sample = *other;
                        }
                    }
                }
            }
            let samples = [0, 1, 2].map(|index| &self.samples[index.min(count - 1)][..width]);
            let rgb = [
                &mut red[range.clone()],
                &mut green[range.clone()],
                &mut blue[range],
            ];
            convert(&colour, samples, rgb);
        }
    }
}

/// How far from the centre of a crop's pixel, in crop pixels to the right and down, the pixels of
/// a frame described by `info` lie that it stands for when it is read: those it covers, and those
/// that the means it is interpolated from take in.
pub fn reach(info: &VideoInfo, to_frame: &Affine, to_crop: &Affine) -> [f64; 2] {
    let format = info.format_info();
    let shift = |subsamplings: &[u32]| subsamplings.iter().copied().max().unwrap_or(0);
    let rows_a_line = 1 << u32::from(info.is_interlaced());
    let samples = [
        1u32 << shift(format.w_sub()),
        rows_a_line << shift(format.h_sub()),
    ];
    let in_frame = [0, 1].map(|axis| {
        let sample = f64::from(samples[axis]);
        let [a, b] = to_frame.linear[axis];
        let block = (a.hypot(b) / sample).round().max(1.0);
        // The samples of the blocks on both sides, and the pixels that share a sample.
        (1.5 * block - 0.5) * sample + sample - 1.0
    });
    to_crop.linear.map(|[a, b]| {
        let interpolated = a.abs() * in_frame[0] + b.abs() * in_frame[1];
        // A pixel on the border between two crop pixels belongs to both.
        interpolated.max(0.5 + 1e-6)
    })
}

/// Whether a crop's pixel [stands](reach) for some of the frame's whose nearest pixel in the crop
/// is the one beside it.
pub fn mixes_pixels(info: &VideoInfo, to_frame: &Affine, to_crop: &Affine) -> bool {
    let least_shared = 1.0 + 1e-6;
    reach(info, to_frame, to_crop)
        .iter()
        .any(|reach| *reach > least_shared)
}

/// The sets of rows to interpolate in.
fn fields<T>(frame: &VideoFrameRef<T>, to_frame: &Affine) -> &'static [Rows] {
    let [c, d] = to_frame.linear[1];
    let rows_a_pixel = c.hypot(d);
    // A field of its own takes two rows.
    let has_fields = frame.is_interlaced() && frame.height() > 3;
    match has_fields && rows_a_pixel < 2.0 {
        true => &[Rows::Field(0), Rows::Field(1)],
        false => &[Rows::All],
    }
}

/// Makes a row of each channel from rows of the components, in loops plain enough for vectors.
fn convert(colour: &Colour, [a, b, c]: [&[f32]; 3], rgb: [&mut [f32]; 3]) {
    for (channel, row) in rgb.into_iter().enumerate() {
        let ([of_a, of_b, of_c], offset) = colour.channel(channel);
        for (value, ((a, b), c)) in row.iter_mut().zip(a.iter().zip(b).zip(c)) {
            *value = (of_a * a + of_b * b + of_c * c + offset).clamp(0.0, 1.0);
        }
    }
}

/// A row of a crop in the luma pixels of the frame.
struct Row {
    start: [f32; 2],
    step: [f32; 2],
    edges: [f32; 2],
}

impl Row {
    fn new<T>(to_frame: &Affine, row: usize, frame: &VideoFrameRef<T>) -> Self {
        Self {
            start: to_frame.apply([0.0, row as f64]).map(|v| v as f32),
            step: to_frame.linear.map(|row| row[0] as f32),
            edges: [frame.width(), frame.height()].map(|side| side as f32 - 0.5),
        }
    }

    fn mark_inside(&self, inside: &mut [f32]) {
        for (column, inside) in inside.iter_mut().enumerate() {
            let is_within = |axis: usize| {
                let v = self.start[axis] + column as i32 as f32 * self.step[axis];
                (-0.5..self.edges[axis]).contains(&v)
            };
            *inside = f32::from(u8::from(is_within(0) & is_within(1)));
        }
    }

    /// The field of the row of the frame next to the pixel in `column`.
    fn field(&self, column: usize) -> usize {
        let y = self.start[1] + column as i32 as f32 * self.step[1];
        let row = (y + 0.5).clamp(0.0, self.edges[1] - 0.5) as i32;
        row as usize % 2
    }
}
