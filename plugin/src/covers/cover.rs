//! What is found before a face.

use mde_core::occlusion::Rect;

use super::Kinds;

/// What is said of a cover.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// The kinds that it is of.
    pub kinds: Kinds,
    /// The share of the face that it covers, in `[0, 1]`.
    pub share: f32,
    /// How probable it is where it is, in `[0, 1]`, in the mean.
    pub confidence: f32,
}

/// The cover of a face with its rim, on a grid of cells that lies edge on edge on the crop.
#[derive(Clone, Debug)]
pub struct Cover {
    /// Cells along each side.
    pub(super) side: usize,
    /// How far the cells' centres lie from the cover, in cells; 0 and less within it.
    pub(super) distances: Vec<f32>,
    /// Holds all the cells in which it lies.
    pub(super) bounds: Rect,
    pub(super) finding: Finding,
    pub(super) version: u64,
}

impl Cover {
    /// A cover that is `rect`, without a rim, on `side` x `side` cells.
    #[cfg(test)]
    pub fn of_rect(side: usize, rect: Rect, finding: Finding) -> Self {
        let mut distances = crate::distance::Distances::default();
        let cells = (0..side * side).map(|i| !rect.contains(i % side, i / side));
        let squared = distances.squared(side, cells);
        Self {
            side,
            distances: squared.iter().map(|d| (*d as f32).sqrt() - 0.5).collect(),
            bounds: rect,
            finding,
            version: 1,
        }
    }

    /// Cells along each side of the crop.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Holds all the cells in which it lies.
    pub fn bounds(&self) -> Rect {
        self.bounds
    }

    /// What is said of it.
    pub fn finding(&self) -> Finding {
        self.finding
    }

    /// Another number for each cover that is found.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How far the point `(x, y)`, whole numbers at the cells' centres, lies from the cover, in
    /// cells; 0 and less within it. Beyond the crop as far as its edge does.
    pub fn distance(&self, [x, y]: [f32; 2]) -> f32 {
        let last = self.side - 1;
        // The casts cut what is negative or NaN.
        let (column, row) = ((x as usize).min(last), (y as usize).min(last));
        let (right, down) = ((column + 1).min(last), (row + 1).min(last));
        let [x, y] = [x - column as f32, y - row as f32].map(|v| v.clamp(0.0, 1.0));
        let at = |column: usize, row: usize| self.distances[row * self.side + column];
        let between = |a: f32, b: f32, share: f32| a + share * (b - a);
        let above = between(at(column, row), at(right, row), x);
        let below = between(at(column, down), at(right, down), x);
        between(above, below, y)
    }
}
