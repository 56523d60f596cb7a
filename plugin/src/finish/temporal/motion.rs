//! How a face moved on its crop.

use mde_core::least_squares::solve;
use mde_core::occlusion::Rect;

use super::cells::Cells;

/// Farthest motion that is believed, in pixels of what is compared. A single step of Lucas and
/// Kanade's method finds no farther one.
const FARTHEST: f64 = 2.0;
/// Share of the mean eigenvalue that pulls towards no motion, where the picture shows little.
const PULL: f64 = 1e-3;
/// As much for each pixel, as a squared gradient: the noise of a flat picture is no motion.
const PULL_A_PIXEL: f64 = 1e-6;

/// A small similarity: what was at `p` is now at `p + d`, with `d` about `shift + growth p + turn
/// (-y, x)` in pixels of the crop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Motion {
    shift: [f64; 2],
    growth: f64,
    turn: f64,
}

impl Motion {
    /// The one with the least squared difference between two frames around the hole (Lucas and
    /// Kanade 1981, "An Iterative Image Registration Technique with an Application to Stereo
    /// Vision", one step). Nothing where it would be too far to be found.
    pub fn between(cells: &Cells) -> Option<Self> {
        let (width, height) = cells.size;
        let middle = |cell: usize, side: usize| {
            let pixels = Cells::pixels(cell..cell + 1, side);
            (pixels.start + pixels.end) as f64 / 2.0 - 0.5
        };
        let unit = width.max(height) as f64 / 4.0;
        let [centre_x, centre_y] = [width, height].map(|side| (side as f64 - 1.0) / 2.0);
        let (mut normal, mut gradient) = ([[0.0; 4]; 4], [0.0; 4]);
        let mut count = 0.0;
        for (column, row) in cells.near() {
            let sums = cells.at(column, row);
            let x = (middle(column, width) - centre_x) / unit;
            let y = (middle(row, height) - centre_y) / unit;
            // How a pixel moves with each of the four parameters.
            let ways = [[1.0, 0.0], [0.0, 1.0], [x, y], [-y, x]];
            for ((line, value), [a, b]) in normal.iter_mut().zip(&mut gradient).zip(ways) {
                *value -= a * sums.xt + b * sums.yt;
                for (value, [c, d]) in line.iter_mut().zip(ways) {
                    *value += a * c * sums.xx + (a * d + b * c) * sums.xy + b * d * sums.yy;
                }
            }
            count += sums.count;
        }
        let trace: f64 = (0..4).map(|i| normal[i][i]).sum();
        for (i, line) in normal.iter_mut().enumerate() {
            line[i] += PULL * trace / 4.0 + PULL_A_PIXEL * count + f64::MIN_POSITIVE;
        }
        let [right, down, growth, turn] = solve(normal, gradient)?;
        let (growth, turn) = (growth / unit, turn / unit);
        let shift = [
            right - growth * centre_x + turn * centre_y,
            down - growth * centre_y - turn * centre_x,
        ];
        let motion = Self {
            shift,
            growth,
            turn,
        };
        (motion.farthest(cells.size) <= FARTHEST).then_some(motion)
    }

    /// The motion of the pixel `(x, y)`.
    pub fn at(&self, x: f64, y: f64) -> [f64; 2] {
        [
            self.shift[0] + self.growth * x - self.turn * y,
            self.shift[1] + self.growth * y + self.turn * x,
        ]
    }

    /// In pixels of which a block of `block` each side was one.
    pub fn in_pixels(&self, block: usize) -> Self {
        let block = block as f64;
        let at = (0.5 - block / 2.0) / block;
        Self {
            shift: self.at(at, at).map(|v| v * block),
            ..*self
        }
    }

    /// Of a picture of `size` = (width, height); not finite where the motion is not.
    fn farthest(&self, (width, height): (usize, usize)) -> f64 {
        let corners = [(0, 0), (width, 0), (0, height), (width, height)];
        (corners.into_iter())
            .flat_map(|(x, y)| self.at(x as f64, y as f64))
            .fold(0.0, |most, v| match v.abs() > most || v.is_nan() {
                true => v.abs(),
                false => most,
            })
    }

    /// Moves what is within `part` of `plane`, rows of `width`; the outermost pixels of the plane
    /// stay. `scratch` is as long as the plane, and `numbers` are those from 0 on for a row.
    ///
    /// Lax and Wendroff's scheme (1960, "Systems of Conservation Laws"): a parabola through three
    /// neighbours, along rows and then along columns. It is stable up to a pixel a step, and over
    /// many frames it blurs less than linear interpolation.
    pub fn carry(
        &self,
        plane: &mut [f32],
        width: usize,
        part: Rect,
        numbers: &[f32],
        scratch: &mut [f32],
    ) {
        let height = plane.len() / width;
        let (columns, rows) = (
            part.x0.max(1)..part.x1.min(width - 1),
            part.y0.max(1)..part.y1.min(height - 1),
        );
        let far = self.farthest((width, height));
        if columns.is_empty() || rows.is_empty() || far == 0.0 {
            return;
        }
        let steps = far.ceil();
        let [growth, turn] = [self.growth, self.turn].map(|v| (v / steps) as f32);
        for _ in 0..steps as usize {
            let start = |axis: usize, y: usize| {
                (self.at(columns.start as f64, y as f64)[axis] / steps) as f32
            };
            for y in rows.start - 1..rows.end + 1 {
                let line = y * width + columns.start..y * width + columns.end;
                let before = &plane[line.start - 1..line.end - 1];
                let after = &plane[line.start + 1..line.end + 1];
                let lines = before.iter().zip(&plane[line.clone()]).zip(after);
                let first = start(0, y);
                let moved = scratch[line].iter_mut().zip(numbers);
                for ((moved, i), ((before, here), after)) in moved.zip(lines) {
                    let off = first + growth * i;
                    *moved = between([*before, *here, *after], off);
                }
            }
            for y in rows.clone() {
                let line = y * width + columns.start..y * width + columns.end;
                let before = &scratch[line.start - width..line.end - width];
                let after = &scratch[line.start + width..line.end + width];
                let lines = before.iter().zip(&scratch[line.clone()]).zip(after);
                let first = start(1, y);
                let moved = plane[line].iter_mut().zip(numbers);
                for ((moved, i), ((before, here), after)) in moved.zip(lines) {
                    let off = first + turn * i;
                    *moved = between([*before, *here, *after], off);
                }
            }
        }
    }
}

/// What comes from `off` before the middle one of three neighbours.
fn between([before, here, after]: [f32; 3], off: f32) -> f32 {
    here + 0.5 * off * ((before - after) + off * (before - 2.0 * here + after))
}
