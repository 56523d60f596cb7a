//! Grain: the finest texture of a frame, which a completion larger than its crop lacks.
//!
//! A [`Meter`] measures how much of it the luma around a hole has, at two scales; [`Grain`] is
//! [`noise`](self::noise) that has as much, and [`Grained`] a blend source with it.

mod meter;
mod noise;
mod pace;

use std::ops::Range;

use super::canvas::{BlendSource, Original, Row, WEIGHT};
use noise::{NOISE, hash};
use pace::Fields;

pub use meter::Meter;

/// Pixels of a block side. Blocks show different parts of the noise, so that it never repeats.
const BLOCK: usize = noise::MARGIN;

/// Numbers of blocks that no frame has.
const OTHER_FIELD: usize = 1 << 20;

/// Mean squares of the finest texture: that of single pixels, then that of every second one. Such
/// values are 1 for white noise with the variance 1.
type Level = [f32; 2];

/// The grain of a frame, the same each time it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Grain {
    /// Of fine and coarse noise, in the luma's range from black to white.
    amounts: [f32; 2],
    /// By how much the components change where luma goes from black to white.
    change: [f32; 3],
    fields: Fields,
    is_interlaced: bool,
}

impl Grain {
    /// Grain of `fields` with `share` of the `level`, in the units of luma.
    fn new(level: Level, share: f32, change: [f32; 3], fields: Fields) -> Self {
        Self {
            amounts: NOISE.amounts(level).map(|amount| amount * share),
            change,
            fields,
            is_interlaced: false,
        }
    }

    /// The same for a frame whose rows are those of two fields in turns, or not.
    fn interlaced(self, is_interlaced: bool) -> Self {
        Self {
            is_interlaced,
            ..self
        }
    }

    /// Whether there is no grain.
    pub fn is_none(&self) -> bool {
        self.amounts == [0.0; 2]
    }

    /// By how much the components change where luma goes from black to white.
    pub fn change(&self) -> [f32; 3] {
        self.change
    }

    /// Makes `row` the grain of luma, from black to white, of the pixels `xs` of the frame's row
    /// `y`.
    pub fn fill(&self, xs: &Range<usize>, y: usize, row: &mut Vec<f32>) {
        row.clear();
        row.resize(xs.len(), 0.0);
        if self.is_none() {
            return;
        }
        let (y, first) = match self.is_interlaced {
            true => (y / 2, y % 2 * OTHER_FIELD),
            false => (y, 0),
        };
        let mut x = xs.start;
        while x < xs.end {
            let end = ((x / BLOCK + 1) * BLOCK).min(xs.end);
            let block = (first + y / BLOCK) as u64;
            let block = hash(block << 32 | (x / BLOCK) as u64);
            for (seed, share) in self.fields.seeds.into_iter().zip(self.fields.shares) {
                if share == 0.0 {
                    continue;
                }
                let [fine, coarse] = NOISE.rows(hash(seed ^ block), [x % BLOCK, y % BLOCK]);
                let values = row[x - xs.start..end - xs.start].iter_mut();
                for (value, (fine, coarse)) in values.zip(fine.iter().zip(coarse)) {
                    *value += share * (self.amounts[0] * fine + self.amounts[1] * coarse);
                }
            }
            x = end;
        }
    }
}

/// A blend source whose blends have the components' values times one weight, with grain in luma.
#[derive(Debug)]
pub struct Grained<'a, I> {
    pub source: I,
    pub grain: Grain,
    /// Room for a row.
    pub row: &'a mut Vec<f32>,
}

impl<I: BlendSource> BlendSource for Grained<'_, I> {
    fn blend_row(
        &mut self,
        original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        self.source.blend_row(original, xs, y, row);
        if self.grain.is_none() {
            return;
        }
        let is_painted = |weight: &f32| *weight != 0.0;
        let Some(first) = row[WEIGHT].iter().position(is_painted) else {
            return;
        };
        let end = xs.len() - row[WEIGHT].iter().rev().position(is_painted).unwrap_or(0);
        let painted = xs.start + first..xs.start + end;
        self.grain.fill(&painted, y, self.row);
        let [a, b, c, weights] = row.each_mut().map(|plane| &mut plane[first..end]);
        for (grain, weight) in self.row.iter_mut().zip(weights) {
            *grain *= *weight;
        }
        if let Some(painted) = self.source.painted() {
            for (grain, painted) in self.row.iter_mut().zip(&painted[first..end]) {
                *grain *= painted;
            }
        }
        for (plane, change) in [a, b, c].into_iter().zip(self.grain.change()) {
            for (value, grain) in plane.iter_mut().zip(&*self.row) {
                *value += grain * change;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grain(level: Level, seed: u64) -> Grain {
        let fields = Fields {
            seeds: [seed, hash(seed)],
            shares: [0.6, 0.8],
        };
        Grain::new(level, 1.0, [1.0; 3], fields)
    }

    fn field(grain: &Grain, side: usize) -> Vec<f32> {
        let mut row = Vec::new();
        let rows = (0..side).flat_map(|y| {
            grain.fill(&(0..side), y, &mut row);
            row.clone()
        });
        rows.collect()
    }

    fn correlation(a: &[f32], b: &[f32]) -> f32 {
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        product(a, b) / (product(a, a) * product(b, b)).sqrt()
    }

    #[test]
    fn fields_have_nothing_in_common() {
        let (first, second) = (grain([0.01; 2], 0), grain([0.01; 2], 40_000_000));
        let side = 256;
        assert_eq!(field(&first, side), field(&grain([0.01; 2], 0), side));
        let between = correlation(&field(&first, side), &field(&second, side));
        assert!(between.abs() < 0.05, "{between}");
        let halves = field(&first, side);
        let (upper, lower) = halves.split_at(side * side / 2);
        assert!(correlation(upper, lower).abs() < 0.05);
    }

    #[test]
    fn a_row_does_not_depend_on_where_it_begins() {
        let grain = grain([0.02, 0.03], 7);
        let (mut whole, mut part) = (Vec::new(), Vec::new());
        grain.fill(&(0..300), 90, &mut whole);
        grain.fill(&(77..201), 90, &mut part);
        assert_eq!(whole[77..201], part);
    }

    #[test]
    fn it_has_the_level_that_was_asked_for() {
        for level in [[0.01, 0.01], [0.002, 0.01], [0.0005, 0.01]] {
            let side = 256;
            let field = field(&grain(level, 3), side);
            for (scale, wanted) in level.into_iter().enumerate() {
                let found = noise::mean_square(&field, side, 1 << scale);
                let ratio = (found / wanted).sqrt();
                assert!((0.9..1.1).contains(&ratio), "{level:?}: {ratio}");
            }
        }
    }

    #[test]
    fn no_level_is_no_grain() {
        assert!(grain([0.0; 2], 3).is_none());
        // Coarse texture alone has no grain that is not finer.
        assert!(grain([0.0, 0.1], 3).is_none());
    }
}
