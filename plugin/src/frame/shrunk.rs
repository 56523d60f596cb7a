//! A part of a frame's component, shrunk by whole numbers of samples.

use mde_core::alignment::Affine;

use super::component::{Layout, Sample, with_sample};
use super::sampler::{BLOCK, Line, Sampler};

/// Most rows of samples averaged for one of a shrunk plane, which is enough of them to be smooth.
const MOST_ROWS: usize = 4;

/// The rows of a component that are taken: all, or those of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// All rows.
    All,
    /// Every second one, from row 0 or 1 on.
    Field(usize),
}

/// Means of blocks of a component's samples. Made once and refilled.
#[derive(Clone, Debug)]
pub struct Shrunk {
    means: Sampler<1>,
    sums: Vec<f32>,
    /// From the crop to the means.
    to_means: Affine,
}

impl Default for Shrunk {
    fn default() -> Self {
        Self {
            means: Sampler::default(),
            sums: Vec::new(),
            to_means: Affine::IDENTITY,
        }
    }
}

/// Along one axis: blocks of `side` samples, of which those from `first` on are needed.
#[derive(Clone, Copy, Debug)]
struct Blocks {
    side: usize,
    first: usize,
    count: usize,
    samples: usize,
}

impl Blocks {
    /// The blocks of `side` of the `samples` that interpolating between the positions `low` and
    /// `high` takes.
    fn new(side: usize, samples: usize, low: f64, high: f64) -> Self {
        let last = samples.div_ceil(side) - 1;
        let block = |position: f64| (position - Self::lag(side)) / side as f64;
        // Casts cut what is negative or NaN.
        let first = (block(low).floor() as usize).min(last);
        let end = (block(high).floor() as usize).clamp(first, last);
        Self {
            side,
            first,
            count: (end + 2).min(last + 1) - first,
            samples,
        }
    }

    /// Where in its block the middle is.
    fn lag(side: usize) -> f64 {
        (side as f64 - 1.0) / 2.0
    }
}

impl Shrunk {
    /// Takes the samples that a crop of `size`, which `to_frame` maps into luma pixels, falls on:
    /// means of about as many as a crop pixel covers.
    pub fn fill(
        &mut self,
        data: &[u8],
        layout: &Layout,
        rows: Rows,
        to_frame: &Affine,
        size: (usize, usize),
    ) {
        let to_samples = to_frame.then(&samples_of_luma(layout, rows));
        let [right, down] = [0, 1].map(|axis| {
            let low_high = extent(&to_samples, axis, size);
            let (samples, least) = match axis {
                0 => (layout.width, 1),
                _ => rows_of(layout, rows),
            };
            let [a, b] = to_samples.linear[axis];
            let side = block_side(a.hypot(b), least).min(samples.next_multiple_of(least));
            Blocks::new(side, samples, low_high.0, low_high.1)
        });
        let blocks = [right, down];
        let scale = blocks.map(|blocks| 1.0 / blocks.side as f64);
        let shift = [0, 1].map(|axis| {
            let Blocks { side, first, .. } = blocks[axis];
            -Blocks::lag(side) * scale[axis] - first as f64
        });
        self.to_means = to_samples.then(&Affine {
            linear: [[scale[0], 0.0], [0.0, scale[1]]],
            translation: shift,
        });
        self.average(data, layout, rows, right, down);
    }

    fn average(&mut self, data: &[u8], layout: &Layout, rows: Rows, right: Blocks, down: Blocks) {
        self.means.clear((right.count, down.count));
        let first = right.first * right.side;
        let wanted = right.count * right.side;
        let there = wanted.min(right.samples - first);
        let taken = down.side.min(MOST_ROWS);
        let scale = 1.0 / (taken * right.side) as f32;
        for block in down.first..down.first + down.count {
            self.sums.clear();
            self.sums.resize(there, 0.0);
            for index in 0..taken {
                // The middles of as many parts of the block.
                let row = block * down.side + (2 * index + 1) * down.side / (2 * taken);
                let row = row.min(down.samples - 1);
                let row = match rows {
                    Rows::All => row,
                    Rows::Field(field) => 2 * row + field,
                };
                let start = layout.start_of(row) + first * layout.step;
                let data = data.get(start..).unwrap_or(&[]);
                with_sample!(layout.packing, sample => add(&mut self.sums, data, layout.step, sample));
            }
            // Beyond the frame's edge is its last sample.
            self.sums.resize(wanted, self.sums[there - 1]);
            let means = self.sums.chunks_exact(right.side);
            self.means
                .add_row(means.map(|block| [block.iter().sum::<f32>() * scale]));
        }
        self.means.finish();
    }

    /// Puts the values of the pixels of a crop's row into `samples`.
    pub fn read_row(&self, row: usize, samples: &mut [f32]) {
        let start = self.to_means.apply([0.0, row as f64]);
        let line = Line::new(start, self.to_means.linear.map(|row| row[0]));
        for (block, samples) in samples.chunks_mut(BLOCK).enumerate() {
            let (values, _) = self.means.look_up(&line, block * BLOCK, samples.len(), 0);
            for (sample, [value]) in samples.iter_mut().zip(values) {
                *sample = value;
            }
        }
    }
}

/// From luma pixels of the frame to samples of the component.
fn samples_of_luma(layout: &Layout, rows: Rows) -> Affine {
    let [wide, high] = layout.shift.map(|shift| f64::from(1u32 << shift));
    let [lag_x, lag_y] = [layout.lag(0), layout.lag(1)];
    let (high, from_y) = match rows {
        Rows::All => (high, lag_y),
        Rows::Field(field) => (2.0 * high, 2.0 * lag_y + field as f64),
    };
    Affine {
        linear: [[1.0 / wide, 0.0], [0.0, 1.0 / high]],
        translation: [-lag_x / wide, -from_y / high],
    }
}

/// The least and greatest position along `axis` of the pixels of a crop.
fn extent(to_samples: &Affine, axis: usize, (width, height): (usize, usize)) -> (f64, f64) {
    let (right, down) = (width as f64 - 1.0, height as f64 - 1.0);
    let corners = [[0.0, 0.0], [right, 0.0], [0.0, down], [right, down]];
    let along = corners.map(|corner| to_samples.apply(corner)[axis]);
    let least = along.into_iter().fold(f64::INFINITY, f64::min);
    (least, along.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

/// How many rows there are, and by which number of them blocks are counted: where all rows of an
/// interlaced frame are taken, blocks hold as many of one field as of the other.
fn rows_of(layout: &Layout, rows: Rows) -> (usize, usize) {
    match rows {
        Rows::All => (layout.height, 1 + usize::from(layout.interlaced)),
        Rows::Field(field) => ((layout.height + 1 - field) / 2, 1),
    }
}

/// The multiple of `least` next to `length`.
fn block_side(length: f64, least: usize) -> usize {
    let multiples = (length / least as f64).round().clamp(1.0, 65536.0);
    multiples as usize * least
}

/// Adds to `sums` the samples that begin `step` bytes apart.
pub fn add<S: Sample>(sums: &mut [f32], data: &[u8], step: usize, sample: S) {
    match step {
        1 => add_each::<S, 1>(sums, data, sample),
        2 => add_each::<S, 2>(sums, data, sample),
        3 => add_each::<S, 3>(sums, data, sample),
        4 => add_each::<S, 4>(sums, data, sample),
        _ => add_each::<S, 8>(sums, data, sample),
    }
}

fn add_each<S: Sample, const STEP: usize>(sums: &mut [f32], data: &[u8], sample: S) {
    let (pixels, rest) = data.as_chunks::<STEP>();
    for (sum, pixel) in sums.iter_mut().zip(pixels) {
        *sum += sample.get(pixel, 0);
    }
    // The plane may end with the last sample, before its pixel does.
    if let Some(sum) = sums.get_mut(pixels.len())
        && rest.len() >= S::BYTES
    {
        *sum += sample.get(rest, 0);
    }
}
