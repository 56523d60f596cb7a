//! The light of a completion against that of an earlier one.

use mde_core::occlusion::Rect;

/// Side in pixels of the cells whose means are compared.
const CELL: usize = 12;
/// A difference as large as this, in the range from black to white, counts half as much as a small one:
/// it is not the generator's mood, but something that has changed.
const MOOD: f32 = 0.02;

/// How much lighter an earlier completion is than a new one, but for its detail. Made once and reused.
#[derive(Debug, Default)]
pub struct Light {
    /// The first row of what was compared.
    top: usize,
    columns: usize,
    /// Of each channel, row by row of cells.
    cells: Vec<f32>,
}

impl Light {
    /// Compares `part` of the completion `new` with that of the `earlier` one, both `[3, H, W]`, of
    /// crops `width` pixels wide.
    pub fn compare(&mut self, new: &[f32], earlier: &[f32], width: usize, part: Rect) {
        let [columns, rows] = [part.width(), part.height()].map(|side| side.div_ceil(CELL));
        self.top = part.y0;
        self.columns = columns;
        self.cells.clear();
        let pixels = new.len() / 3;
        for plane in (0..3).map(|channel| channel * pixels) {
            for row in 0..rows {
                for column in 0..columns {
                    let (x, y) = (part.x0 + column * CELL, part.y0 + row * CELL);
                    let (end, bottom) = ((x + CELL).min(part.x1), (y + CELL).min(part.y1));
                    let mut sum = 0.0;
                    for line in (y..bottom).map(|y| plane + y * width) {
                        let both = earlier[line + x..line + end].iter();
                        let both = both.zip(&new[line + x..line + end]);
                        sum += both.map(|(earlier, new)| earlier - new).sum::<f32>();
                    }
                    let off = sum / ((end - x) * (bottom - y)) as f32;
                    self.cells.push(off / (1.0 + (off / MOOD).powi(2)));
                }
            }
        }
    }

    /// Puts into `row` how much lighter the earlier one is in each pixel of row `y` of the part, in
    /// `channel`.
    pub fn row(&self, channel: usize, y: usize, row: &mut [f32]) {
        let rows = self.cells.len() / 3 / self.columns;
        let (top, down) = between(y - self.top, rows);
        let cell = |column: usize| {
            let at = (channel * rows + top) * self.columns + column;
            let below = if top + 1 < rows {
                at + self.columns
            } else {
                at
            };
            self.cells[at] + down * (self.cells[below] - self.cells[at])
        };
        for (x, off) in row.iter_mut().enumerate() {
            let (left, right) = between(x, self.columns);
            let at = cell(left);
            *off = at + right * (cell((left + 1).min(self.columns - 1)) - at);
        }
    }
}

/// The cell before the pixel `at`, of so many, and how far that is on the way to the next one.
fn between(at: usize, cells: usize) -> (usize, f32) {
    let at = (at as f32 + 0.5) / CELL as f32 - 0.5;
    let at = at.clamp(0.0, (cells - 1) as f32);
    (at as usize, at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 64;
    const PART: Rect = Rect {
        x0: 5,
        y0: 3,
        x1: 53,
        y1: 39,
    };

    /// What is found in the part where `earlier` says how much lighter each pixel was.
    fn found(earlier: impl Fn(usize, usize) -> f32) -> Vec<Vec<f32>> {
        let plane = (0..WIDTH * WIDTH).map(|i| 0.3 + earlier(i % WIDTH, i / WIDTH));
        let earlier: Vec<f32> = plane.collect::<Vec<f32>>().repeat(3);
        let mut light = Light::default();
        light.compare(&vec![0.3; 3 * WIDTH * WIDTH], &earlier, WIDTH, PART);
        let row = |y: usize| {
            let mut row = vec![f32::NAN; PART.width()];
            light.row(2, y, &mut row);
            row
        };
        (PART.y0..PART.y1).map(row).collect()
    }

    #[test]
    fn light_is_told_and_detail_is_not() {
        for row in found(|_, _| 0.004) {
            assert!(row.iter().all(|off| (off - 0.004).abs() < 2e-4), "{row:?}");
        }
        for row in found(|x, y| if (x + y) % 2 == 0 { 0.1 } else { -0.1 }) {
            assert!(row.iter().all(|off| off.abs() < 2e-3), "{row:?}");
        }
    }

    #[test]
    fn light_that_rises_along_the_part_does() {
        let rows = found(|x, _| 1e-4 * x as f32);
        for (x, off) in (PART.x0..).zip(&rows[20]).skip(CELL).take(25) {
            let there = 1e-4 * x as f32;
            assert!((off - there).abs() < 2e-4, "{off} for {there} at {x}");
        }
    }

    #[test]
    fn what_has_changed_for_good_counts_little() {
        let rows = found(|_, _| 0.3);
        assert!(rows.iter().flatten().all(|off| *off < 0.002));
    }
}
