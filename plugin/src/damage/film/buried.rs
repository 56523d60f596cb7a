//! Where the picture has gone under large damage: a block that is buried cannot be matched, or matches
//! something else that is as white or black.

use super::motion::{BLOCK, Motion, Vector};
use super::plane::Plane;
use super::spikes::{BRIGHT, DARK, STRONG};

/// The share of a block's pixels that differ from both neighbours in time from which on it is buried.
const BURIED: f32 = 0.4;
/// Pixels by which the way of a block beside a buried one may differ from what the blocks around tell.
const SLACK: i32 = 3;
/// Blocks to each side that tell the way of a block, and how many are needed.
const AROUND: usize = 2;
const ENOUGH: usize = 3;

/// Finds buried blocks. Made once and reused.
#[derive(Debug, Default)]
pub struct Buried {
    /// Of each block.
    is_buried: Vec<bool>,
    /// Whether its ways are known, and these.
    is_known: Vec<bool>,
    ways: Vec<[Vector; 2]>,
    /// Those that become known together.
    next: Vec<(usize, [Vector; 2])>,
    near: [Vec<i32>; 4],
    changed: Vec<(usize, usize)>,
}

impl Buried {
    /// Gives blocks of which most is marked in `marks`, and those beside them whose ways are strange, the ways
    /// that the blocks around have, in the motions to both `sides` in time. Gives the blocks whose ways are
    /// others now, as columns and rows.
    pub fn settle(&mut self, marks: &Plane, sides: [&mut Motion; 2]) -> &[(usize, usize)] {
        let [before, after] = sides;
        let (columns, rows) = before.count();
        self.changed.clear();
        self.find(marks, (columns, rows));
        if !self.is_buried.contains(&true) {
            return &self.changed;
        }
        self.ways.clear();
        self.is_known.clear();
        for row in 0..rows {
            for column in 0..columns {
                self.ways
                    .push([before.at(column, row), after.at(column, row)]);
                let mut around = around((column, row), (columns, rows), 1);
                self.is_known
                    .push(!around.any(|block| self.is_buried[block]));
            }
        }
        self.spread((columns, rows));
        for index in 0..self.ways.len() {
            let block = (index % columns, index / columns);
            let own = [before.at(block.0, block.1), after.at(block.0, block.1)];
            let told = self.ways[index];
            let is_strange = own
                .iter()
                .flatten()
                .zip(told.iter().flatten())
                .any(|(own, told)| own.abs_diff(*told) as i32 > SLACK);
            if is_strange || self.is_buried[index] && own != told {
                before.set(block.0, block.1, told[0]);
                after.set(block.0, block.1, told[1]);
                self.changed.push(block);
            }
        }
        &self.changed
    }

    /// Finds the blocks of which most is marked.
    fn find(&mut self, marks: &Plane, (columns, rows): (usize, usize)) {
        let (width, height) = marks.size;
        self.is_buried.clear();
        for row in 0..rows {
            let ys = row * BLOCK..((row + 1) * BLOCK).min(height);
            for column in 0..columns {
                let xs = column * BLOCK..((column + 1) * BLOCK).min(width);
                let (mut marked, mut strong) = (0, 0);
                for y in ys.clone() {
                    for mark in &marks.row(y)[xs.clone()] {
                        marked += u32::from(mark & (BRIGHT | DARK) != 0);
                        strong += u32::from(mark & STRONG != 0);
                    }
                }
                let least = BURIED * (xs.len() * ys.len()) as f32;
                self.is_buried
                    .push(marked as f32 >= least && 2 * strong >= marked);
            }
        }
    }

    /// Carries what is known of the ways on into what is not, from block to block.
    fn spread(&mut self, count: (usize, usize)) {
        loop {
            self.next.clear();
            for index in (0..self.ways.len()).filter(|index| !self.is_known[*index]) {
                let block = (index % count.0, index / count.0);
                self.near.iter_mut().for_each(Vec::clear);
                for other in around(block, count, AROUND).filter(|other| self.is_known[*other]) {
                    let values = self.ways[other].iter().flatten();
                    for (near, value) in self.near.iter_mut().zip(values) {
                        near.push(*value);
                    }
                }
                let middle = self.near[0].len() / 2;
                if self.near[0].len() >= ENOUGH {
                    let mut way = |index: usize| *self.near[index].select_nth_unstable(middle).1;
                    let ways = [[way(0), way(1)], [way(2), way(3)]];
                    self.next.push((index, ways));
                }
            }
            if self.next.is_empty() {
                return;
            }
            for (index, ways) in self.next.drain(..) {
                self.ways[index] = ways;
                self.is_known[index] = true;
            }
        }
    }
}

/// The numbers of the blocks up to `reach` away from `block`, and its own.
fn around(
    (column, row): (usize, usize),
    (columns, rows): (usize, usize),
    reach: usize,
) -> impl Iterator<Item = usize> {
    let near = move |at: usize, end: usize| at.saturating_sub(reach)..(at + reach + 1).min(end);
    near(row, rows).flat_map(move |y| near(column, columns).map(move |x| y * columns + x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buried_block_goes_with_what_is_around_and_others_go_their_way() {
        let count = (12, 10);
        let mut marks = Plane::default();
        marks.clear((count.0 * BLOCK, count.1 * BLOCK));
        // Blocks from (4, 3) to (7, 6) are buried, and have matched something else, as has one beside them.
        for y in 3 * BLOCK..7 * BLOCK {
            marks.row_mut(y)[4 * BLOCK..8 * BLOCK].fill(BRIGHT | STRONG);
        }
        let is_buried = |(x, y): (usize, usize)| (4..8).contains(&x) && (3..7).contains(&y);
        let (beside, apart) = ((8, 5), (1, 8));
        let blocks = || (0..count.1).flat_map(|y| (0..count.0).map(move |x| (x, y)));
        let mut sides = [Motion::still(count), Motion::still(count)];
        for (x, y) in blocks() {
            let is_lost = is_buried((x, y)) || (x, y) == beside || (x, y) == apart;
            for (side, way) in sides.iter_mut().zip([[3, 1], [-3, -1]]) {
                side.set(x, y, if is_lost { [20, -9] } else { way });
            }
        }
        let [before, after] = &mut sides;
        let mut changed = Buried::default().settle(&marks, [before, after]).to_vec();
        changed.sort_unstable();
        let mut expected: Vec<_> = blocks()
            .filter(|at| is_buried(*at) || *at == beside)
            .collect();
        expected.sort_unstable();
        assert_eq!(changed, expected);
        for (x, y) in expected {
            assert_eq!((sides[0].at(x, y), sides[1].at(x, y)), ([3, 1], [-3, -1]));
        }
        assert_eq!(sides[0].at(apart.0, apart.1), [20, -9]);
        let [before, after] = &mut sides;
        marks.clear(marks.size);
        assert!(Buried::default().settle(&marks, [before, after]).is_empty());
    }
}
