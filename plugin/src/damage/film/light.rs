//! How much brighter a frame is than what it is compared with, and how unsteady: a film flickers, its
//! grain is another one in each frame.

use mde_core::least_squares::solve;

use super::plane::Plane;

/// Pixels along each side of a tile.
pub const TILE: usize = 64;
/// Each so many pixels one is looked at, to the right and down.
const EVERY: [usize; 2] = [2, 4];
/// Where in the distribution of differences, as a share, grain is told: near its middle, for what is
/// damaged lies far from it.
const SHARES: [f32; 3] = [0.3, 0.5, 0.7];
/// A normal distribution's standard deviation is this share of what lies between these.
const DEVIATION: f32 = 0.953;
/// Tiles that differ more than this from those around them are believed no more than this, in 255ths.
const MOST_APART: i32 = 4;

/// What a tile and most of those around it have is believed if it is this near to the light of the whole frame, in
/// 255ths: large damage has a light of its own.
const MOST_UNEVEN: f32 = 8.0;
/// An offset this far from that light tells half as much of it, in 255ths.
const STRANGE: f64 = 3.0;
/// Times that light is looked for.
const ROUNDS: usize = 6;

/// Tiles are believed to have no more than so many times the grain that half of them have: what differs
/// more is damaged, or has moved.
const ROUGH: f32 = 2.0;

/// A tile of a frame beside the same of another one, in 255ths of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Light {
    /// By how much the frame is brighter, in the middle.
    pub offset: i32,
    /// The standard deviation of the difference, without what is damaged.
    pub spread: f32,
}

/// That of tiles that lie side by side.
#[derive(Clone, Debug, Default)]
pub struct Lights {
    columns: usize,
    tiles: Vec<Light>,
    offsets: Vec<i32>,
}

impl Lights {
    /// Compares `now` with `other`, of the same size.
    pub fn measure(&mut self, now: &Plane, other: &Plane) {
        let (width, height) = now.size;
        self.columns = width.div_ceil(TILE);
        self.tiles.clear();
        for top in (0..height).step_by(TILE) {
            for left in (0..width).step_by(TILE) {
                let mut counts = [0u32; 511];
                let mut all = 0;
                for y in (top..(top + TILE).min(height)).step_by(EVERY[1]) {
                    let columns = left..(left + TILE).min(width);
                    let pairs = now.row(y)[columns.clone()]
                        .iter()
                        .zip(&other.row(y)[columns]);
                    for (a, b) in pairs.step_by(EVERY[0]) {
                        counts[(255 + i32::from(*a) - i32::from(*b)) as usize] += 1;
                        all += 1;
                    }
                }
                let [low, middle, high] = quantiles(&counts, SHARES, all);
                self.tiles.push(Light {
                    offset: middle.round() as i32,
                    spread: DEVIATION * (high - low),
                });
            }
        }
        self.agree();
        let usual = self.middle_spread();
        for tile in &mut self.tiles {
            tile.spread = match tile.spread.is_finite() {
                true => tile.spread.min(ROUGH * usual + 1.0),
                false => usual,
            };
        }
    }

    /// That of the tile of the pixel `(x, y)`.
    pub fn at(&self, x: usize, y: usize) -> Light {
        self.tiles[y / TILE * self.columns + x / TILE]
    }

    /// The spread that half of the tiles do not reach.
    pub fn middle_spread(&self) -> f32 {
        let mut spreads: Vec<f32> = self.tiles.iter().map(|tile| tile.spread).collect();
        let middle = spreads.len() / 2;
        match spreads.is_empty() {
            true => 0.0,
            false => *spreads.select_nth_unstable_by(middle, f32::total_cmp).1,
        }
    }

    /// Adds what `now` is brighter to `other`, so that they compare.
    pub fn equalise(&self, other: &mut Plane) {
        let (width, height) = other.size;
        for y in 0..height {
            let tiles = &self.tiles[y / TILE * self.columns..][..self.columns];
            for (tile, values) in tiles.iter().zip(other.row_mut(y)[..width].chunks_mut(TILE)) {
                brighten(values, tile.offset);
            }
        }
    }

    /// The offset of the tile in each column and row by the light of the whole frame, which may grow to one
    /// side: the plane that most tiles lie in, by least squares in which strange ones count little (Cauchy's
    /// weights).
    fn level(&self, rows: usize) -> impl Fn(usize, usize) -> f32 + use<> {
        let columns = self.columns;
        let at = move |x: usize, y: usize| {
            [(x, columns), (y, rows)].map(|(v, count)| 2.0 * (v as f64 + 0.5) / count as f64 - 1.0)
        };
        let mut offsets: Vec<i32> = self.tiles.iter().map(|tile| tile.offset).collect();
        let middle = offsets.len() / 2;
        let start = match offsets.is_empty() {
            true => 0,
            false => *offsets.select_nth_unstable(middle).1,
        };
        let mut plane = [f64::from(start), 0.0, 0.0];
        let value = |plane: [f64; 3], [x, y]: [f64; 2]| plane[0] + plane[1] * x + plane[2] * y;
        for _ in 0..ROUNDS {
            // With little to go by it is even.
            let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
            matrix[1][1] = 1.0;
            matrix[2][2] = 1.0;
            for (index, tile) in self.tiles.iter().enumerate() {
                let place @ [x, y] = at(index % columns, index / columns);
                let off = f64::from(tile.offset) - value(plane, place);
                let weight = 1.0 / (1.0 + (off / STRANGE).powi(2));
                let terms = [1.0, x, y];
                for (row, a) in terms.iter().enumerate() {
                    right[row] += weight * a * f64::from(tile.offset);
                    for (column, b) in terms.iter().enumerate() {
                        matrix[row][column] += weight * a * b;
                    }
                }
            }
            match solve(matrix, right) {
                Some(better) => plane = better,
                None => break,
            }
        }
        move |x, y| value(plane, at(x, y)) as f32
    }

    /// Lets no tile be much brighter than those around, nor these than the frame: light changes over the whole
    /// of that, and what some tiles show may be a thing.
    fn agree(&mut self) {
        let rows = self.tiles.len() / self.columns.max(1);
        let level = self.level(rows);
        self.offsets.clear();
        for y in 0..rows {
            for x in 0..self.columns {
                let mut around = [0; 9];
                let mut count = 0;
                for v in y.saturating_sub(1)..(y + 2).min(rows) {
                    for u in x.saturating_sub(1)..(x + 2).min(self.columns) {
                        around[count] = self.tiles[v * self.columns + u].offset;
                        count += 1;
                    }
                }
                let around = &mut around[..count];
                around.sort_unstable();
                let of_frame = level(x, y);
                let is_light = |offset: i32| (offset as f32 - of_frame).abs() <= MOST_UNEVEN;
                let middle = match around[count / 2] {
                    middle if is_light(middle) => middle,
                    _ => of_frame.round() as i32,
                };
                let own = self.tiles[y * self.columns + x].offset;
                self.offsets.push(match is_light(own) {
                    true => own.clamp(middle - MOST_APART, middle + MOST_APART),
                    false => middle,
                });
            }
        }
        for (index, (tile, offset)) in self.tiles.iter_mut().zip(&self.offsets).enumerate() {
            let of_frame = level(index % self.columns, index / self.columns);
            // Nothing is known of the grain of what hides it.
            if (tile.offset as f32 - of_frame).abs() > MOST_UNEVEN {
                tile.spread = f32::INFINITY;
            }
            tile.offset = *offset;
        }
    }
}

/// Adds `offset` to `values`.
pub fn brighten(values: &mut [u8], offset: i32) {
    let by = offset.unsigned_abs().min(255) as u8;
    match offset {
        0 => (),
        1.. => values.iter_mut().for_each(|v| *v = v.saturating_add(by)),
        _ => values.iter_mut().for_each(|v| *v = v.saturating_sub(by)),
    }
}

/// The differences that these `shares` of `all`, in ascending order, do not reach, between whole numbers.
fn quantiles<const N: usize>(counts: &[u32; 511], shares: [f32; N], all: u32) -> [f32; N] {
    let mut found = [0.0; N];
    let mut next = 0;
    let mut below = 0;
    for (value, count) in (-255..).zip(counts).filter(|(_, count)| **count > 0) {
        while next < N && (below + count) as f32 >= shares[next] * all as f32 {
            let within = (shares[next] * all as f32 - below as f32) / *count as f32;
            found[next] = value as f32 - 0.5 + within;
            next += 1;
        }
        if next == N {
            break;
        }
        below += count;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flicker_and_grain_are_told_apart() {
        let size = (200, 130);
        let mut before = Plane::default();
        before.clear(size);
        let mut now = before.clone();
        for (i, (a, b)) in before.values.iter_mut().zip(&mut now.values).enumerate() {
            *a = (100 + i % 37) as u8;
            // As many of each difference from -4 to 3.
            *b = *a + 9 + ((i * 7 + i / 200 * 3) % 8) as u8 - 4;
        }
        // A blotch of a quarter of a tile changes nothing of it.
        for y in 64..96 {
            now.row_mut(y)[64..96].fill(0);
        }
        let mut lights = Lights::default();
        lights.measure(&now, &before);
        for (x, y) in [(0, 0), (70, 70), (199, 129)] {
            let light = lights.at(x, y);
            assert!((7..=9).contains(&light.offset), "{light:?}");
            assert!((2.0..5.0).contains(&light.spread), "{light:?}");
        }
        lights.equalise(&mut before);
        lights.measure(&now, &before);
        assert!(lights.at(70, 70).offset.abs() <= 1);
    }

    #[test]
    fn large_damage_has_none_of_the_light_of_the_frame() {
        let size = (640, 640);
        let mut before = Plane::default();
        before.clear(size);
        let mut now = before.clone();
        for y in 0..size.1 {
            for x in 0..size.0 {
                let value = 90 + (x * 7 + y * 13) % 23;
                before.row_mut(y)[x] = value as u8;
                // Brighter to the right.
                now.row_mut(y)[x] = (value + x / 40) as u8;
            }
        }
        for y in 128..448 {
            now.row_mut(y)[192..512].fill(250);
        }
        let mut lights = Lights::default();
        lights.measure(&now, &before);
        for (x, y) in [(10, 10), (320, 280), (250, 400), (600, 300)] {
            let expected = x as i32 / 40;
            let found = lights.at(x, y).offset;
            assert!(
                (found - expected).abs() <= 2,
                "{found} at {x}, {y}: {expected}"
            );
        }
    }
}
