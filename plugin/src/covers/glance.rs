//! What a crop looks like from afar, to tell whether anything on it has changed.

use mde_core::mask::CHANNELS;

/// Pixels of a crop to a cell, right and down.
const BLOCK: usize = 8;

/// The change of a cell's mean colour, in `[0, 1]`, with which a crop counts as another one. An edge
/// between black and white that moves by half a pixel changes a cell as much, and one between skin
/// and what is half as bright by two; noise of a camera, a tenth of it.
const CHANGED: f32 = 0.05;

/// The means of a crop's cells, in each channel.
#[derive(Clone, Debug, Default)]
pub struct Glance {
    cells: Vec<f32>,
}

impl Glance {
    /// Takes over the crop `rgb`, `[3, side, side]`.
    pub fn take(&mut self, rgb: &[f32], side: usize) {
        let count = side.div_ceil(BLOCK);
        self.cells.clear();
        self.cells.resize(CHANNELS * count * count, 0.0);
        let planes = rgb.chunks_exact(side * side);
        for (plane, cells) in planes.zip(self.cells.chunks_exact_mut(count * count)) {
            for (y, row) in plane.chunks_exact(side).enumerate() {
                let cells = &mut cells[y / BLOCK * count..][..count];
                for (cell, block) in cells.iter_mut().zip(row.chunks(BLOCK)) {
                    *cell += block.iter().sum::<f32>();
                }
            }
        }
        let share = 1.0 / (BLOCK * BLOCK) as f32;
        self.cells.iter_mut().for_each(|cell| *cell *= share);
    }

    /// Whether `other` shows something else anywhere.
    pub fn differs(&self, other: &Self) -> bool {
        let changes = self.cells.iter().zip(&other.cells);
        self.cells.len() != other.cells.len()
            || changes.into_iter().any(|(a, b)| (a - b).abs() > CHANGED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 64;

    fn glance(value: impl Fn(usize, usize) -> f32) -> Glance {
        let value = |i: usize| value(i % SIDE, i / SIDE % SIDE);
        let rgb: Vec<f32> = (0..3 * SIDE * SIDE).map(value).collect();
        let mut glance = Glance::default();
        glance.take(&rgb, SIDE);
        glance
    }

    #[test]
    fn an_edge_that_moves_by_two_pixels_is_seen_and_noise_is_not() {
        let edge = |at: usize| glance(move |x, _| if x < at { 0.6 } else { 0.3 });
        assert!(edge(20).differs(&edge(22)));
        assert!(!edge(20).differs(&edge(20)));
        let noisy = |seed: usize| {
            glance(move |x, y| {
                0.5 + 0.02 * (((x * 7 + y * 13 + seed * 29) % 11) as f32 - 5.0) / 5.0
            })
        };
        assert!(!noisy(1).differs(&noisy(2)));
        assert!(edge(20).differs(&Glance::default()));
    }
}
