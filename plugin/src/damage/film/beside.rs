//! What is beside a line, here and in another frame.

use super::lines::{self, BAND, Part};
use super::motion::{BLOCK, Motion, Vector};
use super::plane::Plane;

/// Columns of a side that are looked at, and those between it and the line.
const WIDE: usize = 12;
const GAP: usize = 2;
/// By how much the sides may differ from what another frame shows, in 255ths for a pixel.
const MATCH: f32 = 6.0;
/// Neighbours two pixels apart differ by less than this, in 255ths, where nothing tells of motion.
const PLAIN: f32 = 3.0;
/// A way explains what is seen if without it the difference is so many times as large.
const GAIN: f32 = 1.5;
/// What is left of a line's height where it is not.
const GONE: f32 = 0.3;

/// Another frame, and where things of the present one are in it.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    pub plane: &'a Plane,
    pub motion: &'a Motion,
}

/// What another frame shows where the sides of a line are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// The way to there.
    pub way: Vector,
    /// By how much the present frame is brighter, in 255ths.
    pub offset: f32,
}

/// A part of a line and what is beside it in the frame `now`.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    pub now: &'a Plane,
    pub band: usize,
    pub part: Part,
}

impl Beside<'_> {
    /// How far the picture beside the line has gone to the right on the way to the frame that is in
    /// `sight`, on each of its sides; nothing for one of which that cannot be told.
    pub fn gone(&self, sight: Sight<'_>) -> [Option<i32>; 2] {
        self.sides().map(|side| {
            let side = side.filter(|side| self.is_textured(*side))?;
            let way = self.way(side, sight.motion);
            let (still, gone) = (
                self.compare(side, sight.plane, [0, 0])?.1,
                self.compare(side, sight.plane, way)?.1,
            );
            Some(if still > GAIN * gone + 1.0 { way[0] } else { 0 })
        })
    }

    /// Where the sides are in the frame that is in `sight`, if it shows both of them as they are here.
    pub fn matched(&self, sight: Sight<'_>) -> Option<Match> {
        let [left, right] = self.sides();
        let (left, right) = (left?, right?);
        // Things may pass on one side of the line, which tells nothing of what is behind it.
        let way = self.way(left, sight.motion);
        let other = self.way(right, sight.motion);
        if (0..2).any(|axis| way[axis].abs_diff(other[axis]) > 1) {
            return None;
        }
        let [a, b] = [left, right].map(|side| self.compare(side, sight.plane, way));
        let ((a, off_a), (b, off_b)) = (a?, b?);
        (off_a.max(off_b) <= MATCH).then_some(Match {
            way,
            offset: (a + b) / 2.0,
        })
    }

    /// Whether the picture beside the line is at the same place in `other`, on each of its sides, and
    /// not where it would be if it had gone with the line, `along` to the right; nothing for one of
    /// which that cannot be told.
    pub fn stayed(&self, other: &Plane, along: i32) -> [Option<bool>; 2] {
        self.sides().map(|side| {
            let side = side.filter(|side| self.is_textured(*side))?;
            let still = self.compare(side, other, [0, 0])?.1;
            let gone = self.compare(side, other, [along, 0])?.1;
            Some(still <= MATCH && gone > GAIN * still + 1.0)
        })
    }

    /// Whether the frame that is in `sight` shows no line between the sides; nothing where it does not
    /// show these.
    pub fn is_bare(&self, sight: Sight<'_>, is_bright: bool) -> Option<bool> {
        let Match { way, .. } = self.matched(sight)?;
        let (width, height) = sight.plane.size;
        let middle = self.part.middle as i32 + way[0];
        let top = (self.band * BAND) as i32 + way[1];
        let columns = lines::columns(width);
        let is_inside = middle > columns.start as i32 && middle + 1 < columns.end as i32;
        if !is_inside || top < 0 || top as usize + BAND > height {
            return None;
        }
        let (middle, top) = (middle as usize, top as usize);
        let first = middle - 1 - columns.start;
        let mut means = Vec::new();
        let around = first..middle + 2 + columns.start;
        lines::average(sight.plane, around, top..top + BAND, &mut means);
        let heights =
            (middle - 1..=middle + 1).map(|x| lines::height_of(&means, x - first, is_bright));
        Some(heights.fold(0.0, f32::max) < GONE * self.part.height)
    }

    /// The columns to the left of the line and to the right, where there are any.
    fn sides(&self) -> [Option<usize>; 2] {
        let (first, end) = self.part.columns;
        let left = first.checked_sub(GAP + WIDE);
        let right = end + GAP;
        [left, Some(right).filter(|x| x + WIDE <= self.now.size.0)]
    }

    /// The way of what is in the columns from `side` on.
    fn way(&self, side: usize, motion: &Motion) -> Vector {
        let row = (self.band * BAND + BAND / 2) / BLOCK;
        motion.at((side + WIDE / 2) / BLOCK, row)
    }

    /// Whether something can be seen to move to the right or left in the columns from `side` on.
    fn is_textured(&self, side: usize) -> bool {
        let rows =
            (self.band * BAND..(self.band + 1) * BAND).map(|y| &self.now.row(y)[side..][..WIDE]);
        let steps = rows.flat_map(|row| row.iter().zip(&row[2..]));
        let sum: u32 = steps.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        sum as f32 >= PLAIN * (BAND * (WIDE - 2)) as f32
    }

    /// By how much the columns from `side` on are brighter than `other` shows them on its `way`, and by
    /// how much a pixel differs otherwise.
    fn compare(&self, side: usize, other: &Plane, way: Vector) -> Option<(f32, f32)> {
        let top = self.band * BAND;
        let x = side.checked_add_signed(way[0] as isize)?;
        let y = top.checked_add_signed(way[1] as isize)?;
        if x + WIDE > other.size.0 || y + BAND > other.size.1 {
            return None;
        }
        let pairs = || {
            let rows = (0..BAND).map(|row| (self.now.row(top + row), other.row(y + row)));
            let values = rows.flat_map(|(a, b)| a[side..][..WIDE].iter().zip(&b[x..][..WIDE]));
            values.map(|(a, b)| f32::from(*a) - f32::from(*b))
        };
        let count = (BAND * WIDE) as f32;
        let offset = pairs().sum::<f32>() / count;
        let off = pairs().map(|difference| (difference - offset).abs());
        Some((offset, off.sum::<f32>() / count))
    }
}
