//! Where the known part of a crop changes other than by moving as a whole.

use super::cells::{CELLS, Cells};
use super::motion::Motion;

/// Change in brightness (root mean square) of a cell that is taken for noise whatever the others
/// do: rounding to 8 bits.
const ROUNDING: f32 = 1.0 / 255.0;
/// Most noise (as such a change) that is believed to be some: that of a camera in the dark.
const MOST_NOISE: f32 = 8.0 / 255.0;
/// Change that is too great for noise, as a multiple of it.
const ABOVE_NOISE: f32 = 2.0;
/// From there to where all of a cell counts as changed.
const RANGE: f32 = 5.0 / 255.0;
/// How fast the noise is believed to rise and to fall, as a share a frame.
const RISE: f32 = 0.02;
const FALL: f32 = 0.5;
/// Share of change around the hole from which the crop shows something else.
const ANOTHER: f32 = 0.5;
/// Share of a cell that must be known.
const KNOWN: f64 = 0.25;

/// How much each cell changes.
#[derive(Debug)]
pub struct Change {
    /// In `[0, 1]`, row by row, of the cells around the hole.
    shares: [f32; CELLS * CELLS],
    /// Where each column and each row of pixels is among the cells.
    places: [Vec<Place>; 2],
}

/// The cell whose middle comes before a pixel, and how far it is from there to the next.
#[derive(Clone, Copy, Debug)]
struct Place {
    cell: usize,
    share: f32,
}

impl Place {
    /// Of the pixel `at` along a side of `side` pixels.
    fn of(at: usize, side: usize) -> Self {
        let place = (at as f32 + 0.5) * (CELLS as f32 / side as f32) - 0.5;
        let place = place.clamp(0.0, (CELLS - 1) as f32);
        Self {
            cell: place as usize,
            share: place.fract(),
        }
    }

    /// What is there in `line`, the values at the middles of cells and the last one again.
    fn value(&self, line: &[f32; CELLS + 1]) -> f32 {
        let (before, after) = (line[self.cell], line[self.cell + 1]);
        before + self.share * (after - before)
    }
}

impl Change {
    /// None, of crops of `size` = (width, height) pixels.
    pub fn new(size: (usize, usize)) -> Self {
        let places = |side: usize| (0..side).map(|at| Place::of(at, side)).collect();
        Self {
            shares: [0.0; CELLS * CELLS],
            places: [places(size.0), places(size.1)],
        }
    }

    /// Measures what `motion` leaves of the difference between two frames. `noise` is the change
    /// of the stillest cells so far, and is brought up to date. False where the crop shows
    /// something else than before, or nothing of it is known.
    pub fn measure(&mut self, cells: &Cells, motion: &Motion, noise: &mut Option<f32>) -> bool {
        let mut seen = [(0, 0, 0.0); CELLS * CELLS];
        let mut count = 0;
        for (column, row) in cells.near() {
            if let Some(change) = left_over(cells, motion, column, row) {
                seen[count] = (column, row, change);
                count += 1;
            }
        }
        let seen = &mut seen[..count];
        if seen.is_empty() {
            return false;
        }
        let (_, &mut (.., quiet), _) =
            seen.select_nth_unstable_by(count / 4, |a, b| a.2.total_cmp(&b.2));
        let quiet = quiet.min(MOST_NOISE);
        let noise = noise.get_or_insert(quiet);
        *noise += (quiet - *noise) * if quiet > *noise { RISE } else { FALL };
        let least = ABOVE_NOISE * *noise + ROUNDING;
        for (.., change) in seen.iter_mut() {
            *change = ((*change - least) / RANGE).clamp(0.0, 1.0);
        }
        let mean = seen.iter().map(|(.., change)| change).sum::<f32>() / count as f32;
        for (column, row) in cells.near() {
            self.shares[row * CELLS + column] = around(seen, column, row);
        }
        mean < ANOTHER
    }

    /// Puts into `shares` that of each pixel from `start` on in row `y`, interpolated between the
    /// middles of cells around the hole.
    pub fn row(&self, y: usize, start: usize, shares: &mut [f32]) {
        let [columns, rows] = &self.places;
        let mut line = [0.0; CELLS + 1];
        for (column, value) in line.iter_mut().enumerate() {
            let column = column.min(CELLS - 1);
            let at = |row: usize| self.shares[row * CELLS + column];
            let Place { cell, share } = rows[y];
            let next = (cell + 1).min(CELLS - 1);
            *value = at(cell) + share * (at(next) - at(cell));
        }
        for (share, place) in shares.iter_mut().zip(&columns[start..]) {
            *share = place.value(&line);
        }
    }
}

/// The change in brightness of a cell that the motion of its middle does not explain, if enough of
/// it is known.
fn left_over(cells: &Cells, motion: &Motion, column: usize, row: usize) -> Option<f32> {
    let sums = cells.at(column, row);
    let [xs, ys] = [(column, cells.size.0), (row, cells.size.1)]
        .map(|(cell, side)| Cells::pixels(cell..cell + 1, side));
    let area = (xs.len() * ys.len()) as f64;
    if sums.count < KNOWN * area || sums.count == 0.0 {
        return None;
    }
    let middle = |pixels: std::ops::Range<usize>| (pixels.start + pixels.end - 1) as f64 / 2.0;
    let [dx, dy] = motion.at(middle(xs), middle(ys));
    // (t + x dx + y dy)^2, summed.
    let squares = sums.tt
        + 2.0 * (dx * sums.xt + dy * sums.yt)
        + dx * dx * sums.xx
        + 2.0 * dx * dy * sums.xy
        + dy * dy * sums.yy;
    Some((squares.max(0.0) / sums.count).sqrt() as f32)
}

/// The change at a cell: its own, or the mean of those `seen`, the nearest counting most.
fn around(seen: &[(usize, usize, f32)], column: usize, row: usize) -> f32 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for &(x, y, change) in seen {
        let distance = (x.abs_diff(column).pow(2) + y.abs_diff(row).pow(2)) as f32;
        if distance == 0.0 {
            return change;
        }
        let weight = 1.0 / (distance * distance);
        sum += weight * change;
        weights += weight;
    }
    sum / weights
}
