//! Detail laid on a completion where it is copied: as sharp as its source, whatever the crop's size.

use std::ops::Range;

use mde_core::alignment::Affine;
use mde_core::contract::GRID_STEP;
use mde_core::occlusion::Rect;

use super::canvas::{BlendSource, Original, Row, WEIGHT};
use super::colour::Colour;
use super::detail::{Detail, Level};
use super::sampler::{BLOCK, Line, Sampler};
use super::write::Completion;

/// Most layers of a completion: a view, the one before it, the mirror.
pub const MOST_LAYERS: usize = 3;

/// What a completion copies from one source.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// What the source shows beyond the crop's resolution.
    pub detail: &'a Detail,
    /// How far from each pixel its like in the source is, to the right, then down, in crop pixels:
    /// `[2, H/2, W/2]`, edge on edge on the crop.
    pub flow: &'a [f32],
    /// How much of each pixel is copied, in `[0, 1]`, `[H/2, W/2]`.
    pub weights: &'a [f32],
    /// A factor on all of the weights, in `[0, 1]`.
    pub opacity: f32,
}

/// The flows and weights of a completion's layers, to be looked up between pixels. Made once and
/// refilled.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Of each layer flow and weight, and a value without a use.
    grids: [Sampler<4>; MOST_LAYERS],
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
        let part = grid_part(part, grid);
        let layers = completion.layers.iter().zip(&mut self.grids);
        for ((layer, sampler), taken) in layers.zip(&mut levels) {
            let Some(layer) = layer else { continue };
            let level = layer.detail.at(to_frame);
            let shows = layer.opacity > 0.0 && layer.weights.iter().any(|weight| *weight > 0.0);
            *taken = level.filter(|_| shows);
            if taken.is_some() {
                let (right, down) = layer.flow.split_at(grid.0 * grid.1);
                sampler.fill(part, grid, |i| {
                    let weight = shown(layer.weights[i]);
                    [right[i], down[i], layer.opacity * weight, 0.0]
                });
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
            part: grid_part(part, grid),
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
fn shown(copied: f32) -> f32 {
    ((copied - SHOWS_NONE) / (SHOWS_ALL - SHOWS_NONE)).clamp(0.0, 1.0)
}

/// The detail of each layer at the frame's size, if it has any.
pub type Levels<'a> = [Option<&'a Level>; MOST_LAYERS];

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

/// A blend source whose blends have the components' values times one weight, with the detail of layers.
#[derive(Debug)]
pub struct Layered<'a, I> {
    source: I,
    levels: Levels<'a>,
    grids: &'a [Sampler<4>; MOST_LAYERS],
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
    /// Lays the detail on the pixels `places` of `row`, which begin at pixel `x` of the frame's row
    /// `y`.
    fn lay(&mut self, x: usize, y: usize, places: Range<usize>, row: &mut Row<'_>) {
        let count = places.len();
        let start = self.to_crop.apply([x as f64, y as f64]).map(|v| v as f32);
        let step = self.to_crop.linear.map(|row| row[0] as f32);
        let line = Line::of_frame(&self.to_grid, &self.part, x, y);
        let mut sums = [[0.0f32; 4]; BLOCK];
        for (level, grid) in self.levels.iter().zip(self.grids) {
            let Some(level) = level else { continue };
            let (flow, _) = grid.look_up(&line, 0, count, 2);
            let position = |axis: usize| {
                std::array::from_fn(|i| start[axis] + i as f32 * step[axis] + flow[i][axis])
            };
            let detail = level.look_up([position(0), position(1)], count);
            for (sum, (detail, [_, _, weight, _])) in sums.iter_mut().zip(detail.iter().zip(flow)) {
                for (sum, value) in sum.iter_mut().zip(detail) {
                    *sum += weight * value;
                }
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
