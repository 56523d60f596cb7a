//! How a completion was made, where the generator is shown views.

use mde_core::contract::{GRID_STEP, WEIGHT_CHANNELS, grid_cell};
use mde_core::occlusion::Rect;

/// How a completion is made of what is painted and what is copied, as the
/// [contract](mde_core::contract) has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copied<'a> {
    /// `[4, H/2, W/2]`: right and down, of the view, then of the mirror, in crop pixels.
    pub flow: &'a [f32],
    /// `[3, H/2, W/2]`: painted, copied from the view, copied from the mirror, in `[0, 1]`.
    pub weights: &'a [f32],
}

/// How the generator copied a view, to be changed.
#[derive(Debug)]
pub struct CopiedMut<'a> {
    /// Width and height of the crop.
    pub size: (usize, usize),
    /// What is missing of it, and the pixels beside that.
    pub part: Rect,
    /// What it made of the crop, `[3, H, W]`.
    pub completed: &'a mut [f32],
    /// Right and down, in crop pixels, `[2, H/2, W/2]`.
    pub flow: &'a mut [f32],
    /// How much of each pixel is copied, in `[0, 1]`, `[H/2, W/2]`.
    pub weights: &'a [f32],
}

/// Pixels beside what is missing that a completion is matched by, and some more.
const BESIDE: usize = 6;

/// The smallest rectangle around what is missing under `mask`, `[3, H, W]`, of a crop of `size` =
/// (width, height), and the pixels beside it; without area where nothing is missing.
pub fn part_of(mask: &[f32], (width, height): (usize, usize)) -> Rect {
    let mut part = Rect::new(width, height, 0, 0);
    for (index, row) in mask.chunks_exact(width).enumerate() {
        let missing = |known: &f32| *known < 1.0;
        let Some(first) = row.iter().position(missing) else {
            continue;
        };
        let last = row.iter().rposition(missing).unwrap_or(first);
        let y = index % height;
        part = Rect::new(
            part.x0.min(first),
            part.y0.min(y),
            part.x1.max(last + 1),
            part.y1.max(y + 1),
        );
    }
    if part.x1 == 0 {
        return Rect::new(0, 0, 0, 0);
    }
    Rect::new(
        part.x0.saturating_sub(BESIDE),
        part.y0.saturating_sub(BESIDE),
        (part.x1 + BESIDE).min(width),
        (part.y1 + BESIDE).min(height),
    )
}

impl<'a> Copied<'a> {
    /// How much is painted, `[H/2, W/2]`.
    pub fn painted(&self) -> &'a [f32] {
        &self.weights[..self.weights.len() / WEIGHT_CHANNELS]
    }

    /// Flow and weights of the view: `[2, H/2, W/2]` and `[H/2, W/2]`.
    pub fn of_view(&self) -> (&'a [f32], &'a [f32]) {
        self.of_source(0)
    }

    /// Flow and weights of the mirror: `[2, H/2, W/2]` and `[H/2, W/2]`.
    pub fn of_mirror(&self) -> (&'a [f32], &'a [f32]) {
        self.of_source(1)
    }

    /// What share of the missing part is painted, copied from the view and copied from the mirror;
    /// `mask` is that of a crop of `size` = (width, height), `[3, H, W]`. Zeros where nothing is
    /// missing.
    pub fn shares(&self, mask: &[f32], (width, height): (usize, usize)) -> [f32; WEIGHT_CHANNELS] {
        let (mut sums, mut missing) = ([0.0; WEIGHT_CHANNELS], 0.0);
        for plane in mask.chunks_exact(width * height) {
            for (i, known) in plane.iter().enumerate().filter(|(_, known)| **known < 1.0) {
                missing += 1.0 - known;
                for (sum, share) in sums.iter_mut().zip(self.at(i, width)) {
                    *sum += (1.0 - known) * share;
                }
            }
        }
        sums.map(|sum| if missing > 0.0 { sum / missing } else { 0.0 })
    }

    /// How much of pixel `i` of a crop `width` pixels wide is painted, copied from the view and
    /// copied from the mirror.
    pub fn at(&self, i: usize, width: usize) -> [f32; WEIGHT_CHANNELS] {
        let cells = self.weights.len() / WEIGHT_CHANNELS;
        let cell = grid_cell(i % width, i / width, width, cells);
        std::array::from_fn(|source| self.weights[source * cells + cell])
    }

    fn of_source(&self, index: usize) -> (&'a [f32], &'a [f32]) {
        let cells = self.weights.len() / WEIGHT_CHANNELS;
        let flow = &self.flow[2 * index * cells..][..2 * cells];
        (flow, &self.weights[(1 + index) * cells..][..cells])
    }
}

impl CopiedMut<'_> {
    /// The flow to the right and down, and the weight, at the crop's pixel at `at` = (x, y).
    #[inline(always)]
    pub fn at(&self, at: [f32; 2]) -> [f32; 3] {
        let (columns, rows) = (self.size.0 / GRID_STEP, self.size.1 / GRID_STEP);
        let cells = columns * rows;
        // Edge on edge.
        let along = |v: f32, side: usize| {
            let position = (v + 0.5) / GRID_STEP as f32 - 0.5;
            let position = position.clamp(0.0, side as f32 - 1.0);
            let first = (position as usize).min(side.saturating_sub(2));
            (first, position - first as f32)
        };
        let ((x, fx), (y, fy)) = (along(at[0], columns), along(at[1], rows));
        let planes = [
            &self.flow[..cells],
            &self.flow[cells..2 * cells],
            self.weights,
        ];
        planes.map(|plane| {
            let row = |y: usize| {
                let row = &plane[y * columns + x..y * columns + x + 2];
                row[0] + fx * (row[1] - row[0])
            };
            row(y) + fy * (row(y + 1) - row(y))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_holds_what_any_channel_misses() {
        let mut mask = vec![1.0; 3 * 40 * 30];
        assert_eq!(part_of(&mask, (40, 30)).area(), 0);
        mask[40 * 30 + 12 * 40 + 20] = 0.0;
        mask[2 * 40 * 30 + 28 * 40 + 3] = 0.5;
        assert_eq!(part_of(&mask, (40, 30)), Rect::new(0, 6, 27, 30));
    }
}
