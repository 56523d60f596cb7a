//! Where blocks of a frame were in another one: matched block by block, in a coarse picture first and
//! then in ever finer ones.

use super::plane::{Plane, Steps};

/// Pixels along each side of a block.
pub const BLOCK: usize = 16;
/// The same in the coarser pictures.
const COARSE: usize = 8;
/// How far things are looked for in the coarsest picture.
const REACH: i32 = 6;
/// What a pixel of motion that others do not have must gain, as a sum of differences.
const STRANGER: u32 = 16;

/// Pixels by which ways to both sides may differ that are one thing's.
const SLACK: i32 = 3;
/// Blocks around a block that tell its way where it does not.
const FARTHEST: usize = 4;
/// How many of them are needed.
const ENOUGH: usize = 5;

/// A way in pixels, to the right and down.
pub type Vector = [i32; 2];

/// The way of each block of a picture to where it is in another one.
#[derive(Clone, Debug, Default)]
pub struct Motion {
    /// Of each level, the finest first.
    fields: Vec<Field>,
}

/// The ways of blocks that lie side by side.
#[derive(Clone, Debug, Default)]
struct Field {
    count: (usize, usize),
    ways: Vec<Vector>,
}

impl Field {
    /// The way of the block `(x, y)`, or of the one nearest to it.
    fn at(&self, x: usize, y: usize) -> Vector {
        let (columns, rows) = self.count;
        self.ways[y.min(rows - 1) * columns + x.min(columns - 1)]
    }
}

impl Motion {
    /// Of a picture of `count` blocks that stays as it is.
    #[cfg(test)]
    pub fn still(count: (usize, usize)) -> Self {
        let ways = vec![[0; 2]; count.0 * count.1];
        Self {
            fields: vec![Field { count, ways }],
        }
    }

    /// Blocks to the right and down.
    pub fn count(&self) -> (usize, usize) {
        self.fields.first().map_or((0, 0), |field| field.count)
    }

    /// The way of the block `(x, y)`, or of the one nearest to it.
    pub fn at(&self, x: usize, y: usize) -> Vector {
        self.fields[0].at(x, y)
    }

    /// Says that the way of the block `(x, y)` is another one.
    pub fn set(&mut self, x: usize, y: usize, way: Vector) {
        let columns = self.count().0;
        self.fields[0].ways[y * columns + x] = way;
    }

    /// The way of the block `(x, y)` that those around it have, as far as each block's way here and that
    /// in `other`, which leads to the other side in time, fit together; nothing where no block near
    /// does.
    fn common_way(
        &self,
        other: &Self,
        (x, y): (usize, usize),
        weave: Vector,
    ) -> Option<[Vector; 2]> {
        let (columns, rows) = self.count();
        for reach in 1..=FARTHEST {
            let mut ways = [const { [[0; 2]; 2] }; (2 * FARTHEST + 1).pow(2)];
            let mut count = 0;
            for v in y.saturating_sub(reach)..(y + reach + 1).min(rows) {
                for u in x.saturating_sub(reach)..(x + reach + 1).min(columns) {
                    if self.fits(other, (u, v), weave) {
                        ways[count] = [self.at(u, v), other.at(u, v)];
                        count += 1;
                    }
                }
            }
            if count >= ENOUGH {
                let mut middle = |side: usize, axis: usize| {
                    let ways = &mut ways[..count];
                    ways.sort_unstable_by_key(|way| way[side][axis]);
                    ways[count / 2][side][axis]
                };
                let here = [middle(0, 0), middle(0, 1)];
                return Some([here, [middle(1, 0), middle(1, 1)]]);
            }
        }
        None
    }

    /// By how much the way to the one side in time and that to the other, of `other`, differ in most
    /// blocks: so far the frame lies beside its place.
    fn weave(&self, other: &Self) -> Vector {
        [0, 1].map(|axis| {
            let pairs = self.fields[0].ways.iter().zip(&other.fields[0].ways);
            let mut sums: Vec<i32> = pairs.map(|(a, b)| a[axis] + b[axis]).collect();
            let middle = sums.len() / 2;
            match sums.is_empty() {
                true => 0,
                false => *sums.select_nth_unstable(middle).1,
            }
        })
    }

    /// Whether the ways of the block `(x, y)` to the one side in time and to the other, that of `other`,
    /// are those of a thing that moves on, in frames of which the one is displaced by the `weave` of the
    /// film.
    fn fits(&self, other: &Self, (x, y): (usize, usize), weave: Vector) -> bool {
        let (here, there) = (self.at(x, y), other.at(x, y));
        (0..2).all(|axis| {
            let long = here[axis].abs().max(there[axis].abs());
            (here[axis] + there[axis] - weave[axis]).abs() <= SLACK + long / 3
        })
    }

    /// Gives blocks whose ways to both sides in time, those of `sides`, are no thing's the ways of those
    /// around them. Tells the share of those that are a thing's.
    pub fn settle(sides: [&mut Self; 2]) -> f32 {
        let [before, after] = sides;
        let (columns, rows) = before.count();
        let weave = before.weave(after);
        let mut settled = Vec::new();
        let mut fit = 0;
        for y in 0..rows {
            for x in 0..columns {
                if before.fits(after, (x, y), weave) {
                    fit += 1;
                } else if let Some(ways) = before.common_way(after, (x, y), weave) {
                    settled.push((x, y, ways));
                }
            }
        }
        for (x, y, [here, there]) in settled {
            before.set(x, y, here);
            after.set(x, y, there);
        }
        fit as f32 / (columns * rows) as f32
    }

    /// The share of the blocks that stay where they are.
    pub fn stays(&self) -> f32 {
        let ways = &self.fields[0].ways;
        let still = ways.iter().filter(|way| way.iter().all(|v| v.abs() <= 1));
        still.count() as f32 / ways.len().max(1) as f32
    }

    /// Looks for the blocks of `now` in `other`, which has the same size: at least one block.
    pub fn estimate(&mut self, now: &Steps, other: &Steps) {
        let levels = now.levels().len();
        self.fields.resize_with(levels, Field::default);
        for level in (0..levels).rev() {
            let (fine, coarse) = self.fields.split_at_mut(level + 1);
            let pair = Pair {
                now: &now.levels()[level],
                other: &other.levels()[level],
            };
            match level {
                0 => pair.match_all::<BLOCK>(&mut fine[level], coarse.first(), 1, 2),
                _ => pair.match_all::<COARSE>(&mut fine[level], coarse.first(), 2, 1),
            }
        }
    }
}

/// Two pictures of one size.
#[derive(Clone, Copy)]
struct Pair<'a> {
    now: &'a Plane,
    other: &'a Plane,
}

/// The best way yet.
struct Best {
    cost: u32,
    way: Vector,
}

impl Pair<'_> {
    /// Finds the ways of blocks of `SIDE` pixels, `ratio` times `ratio` of which share a block of
    /// the `coarse` picture. Every so many rows are compared.
    fn match_all<const SIDE: usize>(
        self,
        field: &mut Field,
        coarse: Option<&Field>,
        ratio: usize,
        every: usize,
    ) {
        let (width, height) = self.now.size;
        field.count = (width.div_ceil(SIDE), height.div_ceil(SIDE));
        field.ways.clear();
        for row in 0..field.count.1 {
            for column in 0..field.count.0 {
                let block = (
                    (column * SIDE).min(width - SIDE),
                    (row * SIDE).min(height - SIDE),
                );
                let mut best = Best {
                    cost: u32::MAX,
                    way: [0, 0],
                };
                match coarse {
                    None => {
                        for dy in -REACH..=REACH {
                            for dx in -REACH..=REACH {
                                self.weigh::<SIDE>(block, [dx, dy], [0, 0], every, &mut best);
                            }
                        }
                    }
                    Some(coarse) => {
                        let (x, y) = (column / ratio, row / ratio);
                        let twice = |x: usize, y: usize| coarse.at(x, y).map(|v| 2 * v);
                        let likely = twice(x, y);
                        let left = column
                            .checked_sub(1)
                            .map(|x| field.ways[row * field.count.0 + x]);
                        let above = row
                            .checked_sub(1)
                            .map(|y| field.ways[y * field.count.0 + column]);
                        let ways = [
                            likely,
                            [0, 0],
                            left.unwrap_or(likely),
                            above.unwrap_or(likely),
                            twice(x.saturating_sub(1), y),
                            twice(x + 1, y),
                            twice(x, y.saturating_sub(1)),
                            twice(x, y + 1),
                        ];
                        for (index, way) in ways.into_iter().enumerate() {
                            if !ways[..index].contains(&way) {
                                self.weigh::<SIDE>(block, way, likely, every, &mut best);
                            }
                        }
                        let [x, y] = best.way;
                        for dy in -1..=1 {
                            for dx in -1..=1 {
                                if [dx, dy] != [0, 0] {
                                    let way = [x + dx, y + dy];
                                    self.weigh::<SIDE>(block, way, likely, every, &mut best);
                                }
                            }
                        }
                    }
                }
                field.ways.push(best.way);
            }
        }
    }

    /// Takes `way` for the block at `(x, y)` if that is better than the `best`.
    fn weigh<const SIDE: usize>(
        self,
        (x, y): (usize, usize),
        way: Vector,
        likely: Vector,
        every: usize,
        best: &mut Best,
    ) {
        let (width, height) = self.now.size;
        let there = x
            .checked_add_signed(way[0] as isize)
            .zip(y.checked_add_signed(way[1] as isize));
        let Some((u, v)) = there.filter(|(u, v)| u + SIDE <= width && v + SIDE <= height) else {
            return;
        };
        let off = way[0].abs_diff(likely[0]) + way[1].abs_diff(likely[1]);
        let mut cost = STRANGER * off;
        for row in (0..SIDE).step_by(every) {
            let a = &self.now.values[(y + row) * width + x..][..SIDE];
            let b = &self.other.values[(v + row) * width + u..][..SIDE];
            let pairs = a.iter().zip(b);
            cost += pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
        }
        if cost < best.cost {
            *best = Best { cost, way };
        }
    }
}

/// Makes `moved` what `other` shows where the blocks of the picture that `motion` is of were.
pub fn compensate(other: &Plane, motion: &Motion, moved: &mut Plane) {
    moved.clear(other.size);
    let (columns, rows) = motion.count();
    for row in 0..rows {
        for column in 0..columns {
            compensate_block(other, motion.at(column, row), (column, row), moved);
        }
    }
}

/// The same for the `block` = (column, row) alone, whose way is `way`.
pub fn compensate_block(other: &Plane, way: Vector, block: (usize, usize), moved: &mut Plane) {
    let (width, height) = other.size;
    let xs = block.0 * BLOCK..((block.0 + 1) * BLOCK).min(width);
    let first = xs.start as i32 + way[0];
    let is_inside = first >= 0 && first as usize + xs.len() <= width;
    for y in block.1 * BLOCK..((block.1 + 1) * BLOCK).min(height) {
        let from = other.row((y as i32 + way[1]).clamp(0, height as i32 - 1) as usize);
        let to = &mut moved.row_mut(y)[xs.clone()];
        if is_inside {
            to.copy_from_slice(&from[first as usize..][..xs.len()]);
        } else {
            for (to, x) in to.iter_mut().zip(first..) {
                *to = from[x.clamp(0, width as i32 - 1) as usize];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A texture of which the pixel `(x, y)` shows the place `at`.
    fn texture(size: (usize, usize), at: impl Fn(i32, i32) -> [i32; 2]) -> Steps {
        let mut steps = Steps::default();
        steps.refill(size, |values| {
            values.clear();
            for y in 0..size.1 as i32 {
                for x in 0..size.0 as i32 {
                    let [u, v] = at(x, y).map(|v| v as f32);
                    // Waves that grow shorter are alike nowhere.
                    let wave = ((u + 90.0).powi(2) / 2500.0).sin()
                        + ((v + 80.0).powi(2) / 2000.0).cos()
                        + ((u + 2.0 * v) / 23.0).sin();
                    values.push((128.0 + 40.0 * wave) as u8);
                }
            }
        });
        steps
    }

    #[test]
    fn what_moves_is_found_where_it_was() {
        let size = (320, 208);
        let now = texture(size, |x, y| [x, y]);
        // The right half moves by itself.
        let way = |x: i32| if x < 160 { [5, -3] } else { [-23, 11] };
        let before = texture(size, |x, y| {
            let way = way(x);
            [x - way[0], y - way[1]]
        });
        let mut motion = Motion::default();
        motion.estimate(&now, &before);
        let (columns, rows) = motion.count();
        assert_eq!((columns, rows), (20, 13));
        for (column, x) in [(2, 0), (5, 0), (15, 300), (17, 300)] {
            for row in 3..rows - 3 {
                assert_eq!(motion.at(column, row), way(x), "block {column}, {row}");
            }
        }
        let mut moved = Plane::default();
        compensate(before.finest(), &motion, &mut moved);
        let at = |x: usize, y: usize| moved.at(x, y).abs_diff(now.finest().at(x, y));
        assert!((48..100).all(|x| (48..160).all(|y| at(x, y) == 0)));
    }
}
