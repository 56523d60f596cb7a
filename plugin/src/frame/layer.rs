//! Sources laid on a completion where it is copied from them: as sharp as they are, whatever the
//! crop's size.
//!
//! The generator fetched their pixels at the crop's size, and added a tint. What is laid on is the
//! difference between what the source shows where the flow leads, and what was fetched.

use std::ops::Range;

use mde_core::alignment::Affine;
use mde_core::contract::GRID_STEP;
use mde_core::occlusion::Rect;
use mde_core::registration::Displacement;

use super::canvas::{BlendSource, Original, Row, WEIGHT};
use super::colour::Colour;
use super::pyramid::{Level, Pyramid};
use super::sampler::{BLOCK, Line, Sampler};
use super::write::Completion;

/// Most layers of a completion: a view, the one before it, the mirror.
pub const MOST_LAYERS: usize = 3;

/// What a completion copies from one source.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// What the source shows.
    pub pyramid: &'a Pyramid,
    /// Where the crop's pixels lie in it.
    pub displacement: &'a Displacement,
    /// What the generator was shown of it, at the crop's size.
    pub shown: &'a Level,
    /// How far from each pixel its like in the source is, to the right, then down, in crop pixels:
    /// `[2, H/2, W/2]`, edge on edge on the crop.
    pub flow: &'a [f32],
    /// How much of each pixel is copied, in `[0, 1]`, `[H/2, W/2]`.
    pub weights: &'a [f32],
    /// A factor on all of the weights, in `[0, 1]`.
    pub opacity: f32,
}

/// The flows and weights of a completion's layers, and what was fetched by them, to be looked up
/// between pixels. Made once and refilled.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Of each layer flow and weight, and a value without a use.
    grids: [Sampler<4>; MOST_LAYERS],
    /// Of each layer what the generator fetched, red, green and blue.
    fetched: [Sampler<3>; MOST_LAYERS],
    /// The same of one layer, row by row.
    scratch: Vec<[f32; 3]>,
    /// How much of each pixel of a row is painted.
    painted: Vec<f32>,
}

impl Layers {
    /// Takes over `part` of the layers of `completion`, as far as there is something to be seen of
    /// them in a frame that `to_frame` maps the crop into.
    pub fn take<'a>(
        &mut self,
        completion: &Completion<'a>,
        to_frame: &Affine,
        part: Rect,
    ) -> Levels<'a> {
        let size = completion.hole.size();
        let grid = grid(size);
        let mut levels = [None; MOST_LAYERS];
        if grid.0 == 0 || grid.1 == 0 {
            return levels;
        }
        let cells = grid_part(part, grid);
        let samplers = self.grids.iter_mut().zip(&mut self.fetched);
        let layers = completion.layers.iter().zip(samplers);
        for ((layer, (sampler, fetched)), taken) in layers.zip(&mut levels) {
            let Some(layer) = layer else { continue };
            let level = layer.pyramid.at(to_frame);
            let shows = layer.opacity > 0.0 && layer.weights.iter().any(|weight| *weight > 0.0);
            let level = level.filter(|_| shows);
            *taken = level.map(|level| (level, layer.displacement));
            if taken.is_some() {
                let (right, down) = layer.flow.split_at(grid.0 * grid.1);
                sampler.fill(cells, grid, |i| {
                    let weight = shown(layer.weights[i]);
                    [right[i], down[i], layer.opacity * weight, 0.0]
                });
                fetch(
                    layer.shown,
                    sampler,
                    (cells, grid),
                    (part, size),
                    &mut self.scratch,
                );
                fetched.clear((part.width(), part.height()));
                for row in self.scratch.chunks_exact(part.width()) {
                    fetched.add_row(row.iter().copied());
                }
                fetched.finish();
            }
        }
        levels
    }

    /// To lay what has been taken, `levels`, on what `source` paints.
    pub fn source<'a, I>(
        &'a mut self,
        source: I,
        levels: Levels<'a>,
        to_crop: &'a Affine,
        size: (usize, usize),
        part: Rect,
        colour: Colour,
    ) -> Layered<'a, I> {
        let grid = grid(size);
        Layered {
            source,
            levels,
            grids: &self.grids,
            fetched: &self.fetched,
            cells: grid_part(part, grid),
            part,
            to_crop,
            to_grid: to_crop.then(&Affine::stretch(size, grid)),
            colour,
            painted: &mut self.painted,
        }
    }
}

/// A pixel that is copied by this share shows all of the source's detail; one by that share shows
/// none.
const SHOWS_ALL: f32 = 0.6;
const SHOWS_NONE: f32 = 0.2;

/// How much of the detail is seen where the share `copied` of a pixel is. What is painted there
/// looks the same but for the detail, so that mixing both would only blur.
pub fn shown(copied: f32) -> f32 {
    ((copied - SHOWS_NONE) / (SHOWS_ALL - SHOWS_NONE)).clamp(0.0, 1.0)
}

/// The detail of each layer at the frame's size, if it has any, and where it lies.
pub type Levels<'a> = [Option<(&'a Level, &'a Displacement)>; MOST_LAYERS];

/// Width and height of the flow on crops of a size.
fn grid((width, height): (usize, usize)) -> (usize, usize) {
    (width / GRID_STEP, height / GRID_STEP)
}

/// The pixels of a `grid` that share area with `part` of the crop.
fn grid_part(part: Rect, grid: (usize, usize)) -> Rect {
    let end = |end: usize, side: usize| end.div_ceil(GRID_STEP).min(side);
    Rect::new(
        (part.x0 / GRID_STEP).min(grid.0 - 1),
        (part.y0 / GRID_STEP).min(grid.1 - 1),
        end(part.x1, grid.0),
        end(part.y1, grid.1),
    )
}

/// Puts what was fetched from `base` for each pixel of `part` of a crop, by the flow in `sampler`,
/// into `fetched`, row by row. Of the grid and the crop the part and the size are given.
fn fetch(
    base: &Level,
    sampler: &Sampler<4>,
    (cells, grid): (Rect, (usize, usize)),
    (part, size): (Rect, (usize, usize)),
    fetched: &mut Vec<[f32; 3]>,
) {
    /// Keeps what is unknown black.
    const LEAST_KNOWN: f32 = 1e-3;
    fetched.clear();
    let to_grid = Affine::stretch(size, grid);
    for y in part.y0..part.y1 {
        for start in (part.x0..part.x1).step_by(BLOCK) {
            let count = BLOCK.min(part.x1 - start);
            let line = Line::of_frame(&to_grid, &cells, start, y);
            let (flow, _) = sampler.look_up(&line, 0, count, 2);
            let xs = std::array::from_fn(|i| (start + i) as f32 + flow[i][0]);
            let ys = std::array::from_fn(|i| y as f32 + flow[i][1]);
            let pixels = base.look_up([xs, ys], count);
            fetched.extend(pixels[..count].iter().map(|[red, green, blue, known]| {
                [red, green, blue].map(|value| value / known.max(LEAST_KNOWN))
            }));
        }
    }
}

/// A blend source whose blends have the components' values times one weight, with layers on it.
#[derive(Debug)]
pub struct Layered<'a, I> {
    source: I,
    levels: Levels<'a>,
    grids: &'a [Sampler<4>; MOST_LAYERS],
    fetched: &'a [Sampler<3>; MOST_LAYERS],
    /// Of the grid.
    cells: Rect,
    /// Of the crop.
    part: Rect,
    to_crop: &'a Affine,
    to_grid: Affine,
    colour: Colour,
    painted: &'a mut Vec<f32>,
}

impl<I: BlendSource> BlendSource for Layered<'_, I> {
    fn blend_row(
        &mut self,
        original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        self.source.blend_row(original, xs, y, row);
        self.painted.clear();
        self.painted.resize(xs.len(), 1.0);
        for start in (0..xs.len()).step_by(BLOCK) {
            let end = (start + BLOCK).min(xs.len());
            if row[WEIGHT][start..end].iter().any(|weight| *weight != 0.0) {
                self.lay(xs.start + start, y, start..end, row);
            }
        }
    }

    fn painted(&self) -> Option<&[f32]> {
        Some(self.painted)
    }
}

impl<I> Layered<'_, I> {
    /// Lays the layers on the pixels `places` of `row`, which begin at pixel `x` of the frame's row
    /// `y`.
    fn lay(&mut self, x: usize, y: usize, places: Range<usize>, row: &mut Row<'_>) {
        let count = places.len();
        let start = self.to_crop.apply([x as f64, y as f64]).map(|v| v as f32);
        let step = self.to_crop.linear.map(|row| row[0] as f32);
        let in_grid = Line::of_frame(&self.to_grid, &self.cells, x, y);
        let in_crop = Line::of_frame(self.to_crop, &self.part, x, y);
        let mut sums = [[0.0f32; 4]; BLOCK];
        let samplers = self.grids.iter().zip(self.fetched);
        for (level, (grid, fetched)) in self.levels.iter().zip(samplers) {
            let Some((level, displacement)) = level else {
                continue;
            };
            let (flow, _) = grid.look_up(&in_grid, 0, count, 2);
            if flow[..count].iter().all(|[_, _, weight, _]| *weight == 0.0) {
                continue;
            }
            let there: [[f32; 2]; BLOCK] = std::array::from_fn(|i| {
                let fetched =
                    [0, 1].map(|axis| start[axis] + i as f32 * step[axis] + flow[i][axis]);
                let displaced = displacement.at(fetched);
                [0, 1].map(|axis| fetched[axis] + displaced[axis])
            });
            let positions = [0, 1].map(|axis| there.map(|there| there[axis]));
            let source = level.look_up_sharp(positions, count);
            let (fetched, _) = fetched.look_up(&in_crop, 0, count, 0);
            for (i, sum) in sums.iter_mut().enumerate().take(count) {
                let (weight, known) = (flow[i][2], source[i][3]);
                for channel in 0..3 {
                    sum[channel] += weight * (source[i][channel] - known * fetched[i][channel]);
                }
                sum[3] += weight * known;
            }
        }
        let painted = &mut self.painted[places.clone()];
        for (painted, [_, _, _, copied]) in painted.iter_mut().zip(&sums) {
            *painted = (1.0 - copied).max(0.0);
        }
        let [a, b, c, weights] = row.each_mut().map(|plane| &mut plane[places.clone()]);
        for (i, weight) in weights.iter().enumerate() {
            let [red, green, blue, _] = sums[i];
            let change = self.colour.change([red, green, blue]);
            for (plane, change) in [&mut *a, &mut *b, &mut *c].into_iter().zip(change) {
                plane[i] += weight * change;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mostly_copied_shows_all_detail() {
        assert_eq!(
            [0.0, 0.2, 0.6, 0.9, 1.0].map(shown),
            [0.0, 0.0, 1.0, 1.0, 1.0]
        );
        assert!((shown(0.4) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_part_of_the_crop_has_its_part_of_the_grid() {
        let grid = grid((33, 24));
        assert_eq!(grid, (16, 12));
        let part = |rect| grid_part(rect, grid);
        assert_eq!(part(Rect::new(4, 6, 8, 10)), Rect::new(2, 3, 4, 5));
        assert_eq!(part(Rect::new(5, 7, 8, 9)), Rect::new(2, 3, 4, 5));
        assert_eq!(part(Rect::new(0, 0, 33, 24)), Rect::new(0, 0, 16, 12));
        assert_eq!(part(Rect::new(32, 0, 33, 24)), Rect::new(15, 0, 16, 12));
    }
}
