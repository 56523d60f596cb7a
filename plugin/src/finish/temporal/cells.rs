//! Two frames' crops compared, summed over the cells of a grid.

use std::ops::Range;

use super::seen::{ALL, Seen};

/// Cells in a row, and in a column.
pub const CELLS: usize = 12;

/// How far around the hole, in cells, its surroundings go.
const AROUND: usize = 2;

/// The mean over a block may be a little below [`ALL`].
const NEARLY_ALL: f32 = ALL - 0.01;

/// Sums over the pixels of a cell that are known in both frames, as are their neighbours. `x` and
/// `y` stand for the gradient in brightness a pixel, `t` for the change from one frame to the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    pub xx: f64,
    pub xy: f64,
    pub yy: f64,
    pub xt: f64,
    pub yt: f64,
    pub tt: f64,
    /// How many pixels these are.
    pub count: f64,
}

/// Columns of pixels that are summed at once.
const LANES: usize = 8;

/// The comparison.
#[derive(Debug)]
pub struct Cells {
    /// Width and height of what is compared.
    pub size: (usize, usize),
    sums: Vec<Sums>,
    /// The columns and rows of cells with something missing; empty where nothing is.
    hole: [Range<usize>; 2],
    /// Length of the planes' rows: those of the picture with a margin of one to the left, and at
    /// least one to the right so that [`LANES`] fit.
    stride: usize,
    /// With a margin of one above and below: the sum of both frames, the change, 1 where both know
    /// the same channels, and 1 where one is missing now.
    planes: [Vec<f32>; 4],
    /// Sums over the rows of a cell, for each column of pixels, in the order of [`Sums`]; the last
    /// is what is missing.
    columns: [Vec<f32>; 8],
}

impl Cells {
    /// For comparing what has `size` = (width, height).
    pub fn new(size: (usize, usize)) -> Self {
        let columns = size.0.next_multiple_of(LANES);
        let stride = columns + 2;
        let plane = || vec![0.0; stride * (size.1 + 2)];
        Self {
            size,
            sums: vec![Sums::default(); CELLS * CELLS],
            hole: [0..0, 0..0],
            stride,
            planes: [plane(), plane(), plane(), plane()],
            columns: std::array::from_fn(|_| vec![0.0; columns]),
        }
    }

    /// The sums of the cell in `column` and `row`.
    pub fn at(&self, column: usize, row: usize) -> &Sums {
        &self.sums[row * CELLS + column]
    }

    /// The pixels of the cells `cells` along a `side` of a picture.
    pub fn pixels(cells: Range<usize>, side: usize) -> Range<usize> {
        cells.start * side / CELLS..cells.end * side / CELLS
    }

    /// The columns and rows of cells with something missing.
    pub fn hole(&self) -> [Range<usize>; 2] {
        self.hole.clone()
    }

    /// The cells, as (column, row), in and around the hole.
    pub fn near(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let [columns, rows] = self.hole.clone().map(|range| match range.is_empty() {
            true => 0..0,
            false => range.start.saturating_sub(AROUND)..(range.end + AROUND).min(CELLS),
        });
        rows.flat_map(move |row| columns.clone().map(move |column| (column, row)))
    }

    /// Compares what was seen `before` with what is seen `now`.
    pub fn compare(&mut self, before: &Seen, now: &Seen) {
        self.fill_planes(before, now);
        let mut holes: [Range<usize>; 2] = [0..0, 0..0];
        let (width, height) = self.size;
        for row in 0..CELLS {
            self.sum_rows(Self::pixels(row..row + 1, height));
            for column in 0..CELLS {
                let pixels = Self::pixels(column..column + 1, width);
                let [xx, xy, yy, xt, yt, tt, count, missing] = &self.columns;
                let sum = |values: &[f32]| f64::from(values[pixels.clone()].iter().sum::<f32>());
                self.sums[row * CELLS + column] = Sums {
                    xx: sum(xx),
                    xy: sum(xy),
                    yy: sum(yy),
                    xt: sum(xt),
                    yt: sum(yt),
                    tt: sum(tt),
                    count: sum(count),
                };
                if sum(missing) > 0.0 {
                    for (hole, at) in holes.iter_mut().zip([column, row]) {
                        *hole = match Range::is_empty(hole) {
                            true => at..at + 1,
                            false => hole.start.min(at)..hole.end.max(at + 1),
                        };
                    }
                }
            }
        }
        self.hole = holes;
    }

    fn fill_planes(&mut self, before: &Seen, now: &Seen) {
        let width = self.size.0;
        let [sum, change, same, missing] = &mut self.planes;
        for row in 0..self.size.1 {
            let from = row * width..(row + 1) * width;
            let start = (row + 1) * self.stride + 1;
            let to = start..start + width;
            let (sum, change) = (&mut sum[to.clone()], &mut change[to.clone()]);
            let values = (before.values[from.clone()].iter()).zip(&now.values[from.clone()]);
            for ((sum, change), (a, b)) in sum.iter_mut().zip(change).zip(values) {
                (*sum, *change) = (a + b, b - a);
            }
            let (same, missing) = (&mut same[to.clone()], &mut missing[to]);
            let channels = (before.channels[from.clone()].iter()).zip(&now.channels[from]);
            for ((same, missing), (a, b)) in same.iter_mut().zip(missing).zip(channels) {
                *same = if a == b { a.min(1.0) } else { 0.0 };
                *missing = if *b < NEARLY_ALL { 1.0 } else { 0.0 };
            }
        }
    }

    /// Fills the sums of columns over the pixels of `rows`.
    fn sum_rows(&mut self, rows: Range<usize>) {
        let [sum, change, same, missing] = &self.planes;
        let stride = self.stride;
        for first in (0..self.size.0).step_by(LANES) {
            let mut sums = [[0.0; LANES]; 8];
            for row in rows.clone() {
                let here = (row + 1) * stride + first + 1;
                let (above, below) = (here - stride, here + stride);
                let (left, right) = (lanes(sum, here - 1), lanes(sum, here + 1));
                let (up, down) = (lanes(sum, above), lanes(sum, below));
                let (k, k_left, k_right) = (
                    lanes(same, here),
                    lanes(same, here - 1),
                    lanes(same, here + 1),
                );
                let (k_up, k_down) = (lanes(same, above), lanes(same, below));
                let (change, missing) = (lanes(change, here), lanes(missing, here));
                for i in 0..LANES {
                    let known = k[i] * k_left[i] * k_right[i] * k_up[i] * k_down[i];
                    // Of the mean of both frames.
                    let x = known * 0.25 * (right[i] - left[i]);
                    let y = known * 0.25 * (down[i] - up[i]);
                    let t = known * change[i];
                    sums[0][i] += x * x;
                    sums[1][i] += x * y;
                    sums[2][i] += y * y;
                    sums[3][i] += x * t;
                    sums[4][i] += y * t;
                    sums[5][i] += t * t;
                    sums[6][i] += known;
                    sums[7][i] += missing[i];
                }
            }
            for (column, sums) in self.columns.iter_mut().zip(sums) {
                column[first..first + LANES].copy_from_slice(&sums);
            }
        }
    }
}

fn lanes(values: &[f32], start: usize) -> &[f32; LANES] {
    values[start..]
        .first_chunk()
        .expect("a margin to the right")
}
