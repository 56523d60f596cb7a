//! The surface over a picture's missing cells that is as smooth as a stretched membrane on springs.

/// The three channels of a pixel, and a value without a use that makes them a vector.
pub type Cell = [f32; 4];

/// Most sweeps over the missing cells, after which the surface is smooth to the eye and the score.
const SWEEPS: f32 = 6.0;

/// Sweeps for each cell that values reach: twice as many change completions by less than 0.003 dB.
const SWEEPS_A_CELL: f32 = 1.5;

/// The factor by which each sweep overshoots (successive over-relaxation).
const OVERSHOOT: f32 = 1.6;

/// Carries known cells into missing ones, solving the screened Poisson equation for each value `v`,
/// `reach^2 (d^2v/dx^2 + d^2v/dy^2) = v`: beside a long border, a value falls to 1/e of the border's
/// within `reach` cells. Goes from means over ever larger blocks (the pull-push method of Gortler
/// et al. 1996) to a few sweeps of over-relaxation. No slope crosses the picture's edges. Made once
/// and refilled: it allocates only for a picture larger than all before.
#[derive(Clone, Debug, Default)]
pub struct Membrane {
    /// The picture, and below it pictures of half the size each, down to one cell.
    levels: Vec<Level>,
    depth: usize,
}

#[derive(Clone, Debug, Default)]
struct Level {
    width: usize,
    height: usize,
    values: Vec<Cell>,
    /// How much is known of each value, in `[0, 1]`.
    known: Vec<Cell>,
}

impl Membrane {
    /// Becomes a picture of `size` = (width, height), at least one cell, of which nothing is known.
    pub fn clear(&mut self, size: (usize, usize)) {
        let (mut width, mut height) = size;
        self.depth = 0;
        loop {
            if self.levels.len() == self.depth {
                self.levels.push(Level::default());
            }
            self.levels[self.depth].clear(width, height);
            self.depth += 1;
            if width * height <= 1 {
                return;
            }
            (width, height) = (width.div_ceil(2), height.div_ceil(2));
        }
    }

    /// The cells' values row by row, and for each value 1 where it is known, 0 where it is missing.
    pub fn cells_mut(&mut self) -> (&mut [Cell], &mut [Cell]) {
        let level = &mut self.levels[0];
        (&mut level.values, &mut level.known)
    }

    /// The cells' values row by row.
    pub fn values(&self) -> &[Cell] {
        &self.levels[0].values
    }

    /// Fills in the missing values, to which known ones reach `reach` cells; those of a channel of
    /// which none is known become 0.
    pub fn settle(&mut self, reach: f32) {
        let levels = &mut self.levels[..self.depth];
        for fine in 1..levels.len() {
            let (finer, coarser) = levels.split_at_mut(fine);
            coarser[0].pull(&finer[fine - 1]);
        }
        for fine in (1..levels.len()).rev() {
            let (finer, coarser) = levels.split_at_mut(fine);
            let reach = reach / (1 << fine) as f32;
            finer[fine - 1].push(&coarser[0], kept(reach));
        }
        if let Some(picture) = levels.first_mut() {
            for _ in 0..(SWEEPS_A_CELL * reach).min(SWEEPS) as usize {
                picture.relax(kept(reach));
            }
        }
    }
}

/// What a cell keeps of its four neighbours' mean where values reach `reach` cells.
fn kept(reach: f32) -> f32 {
    1.0 / (1.0 + 0.25 / (reach * reach))
}

impl Level {
    fn clear(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        for cells in [&mut self.values, &mut self.known] {
            cells.clear();
            cells.resize(width * height, [0.0; 4]);
        }
    }

    /// Takes the means of what is known in blocks of four cells of `fine`.
    fn pull(&mut self, fine: &Self) {
        for y in 0..self.height {
            for x in 0..self.width {
                let (mut sum, mut known) = ([0.0; 4], [0.0; 4]);
                for row in 2 * y..(2 * y + 2).min(fine.height) {
                    for column in 2 * x..(2 * x + 2).min(fine.width) {
                        let at = row * fine.width + column;
                        let (value, weight) = (fine.values[at], fine.known[at]);
                        for lane in 0..4 {
                            sum[lane] += weight[lane] * value[lane];
                            known[lane] += weight[lane];
                        }
                    }
                }
                let at = y * self.width + x;
                let mean = |lane: usize| match known[lane] > 0.0 {
                    true => sum[lane] / known[lane],
                    false => 0.0,
                };
                self.values[at] = [0, 1, 2, 3].map(mean);
                self.known[at] = known.map(|weight| weight.min(1.0));
            }
        }
    }

    /// Fills in what is not known from `kept` of the picture of half the size, interpolated
    /// bilinearly.
    fn push(&mut self, coarse: &Self, kept: f32) {
        let pair = |v: usize, side: usize| match v % 2 {
            0 => (v / 2, (v / 2).saturating_sub(1)),
            _ => (v / 2, (v / 2 + 1).min(side - 1)),
        };
        for y in 0..self.height {
            let rows = pair(y, coarse.height);
            let [near, far] = [rows.0, rows.1].map(|row| &coarse.values[row * coarse.width..]);
            for x in 0..self.width {
                let at = y * self.width + x;
                let known = self.known[at];
                if known == [1.0; 4] {
                    continue;
                }
                let (column, other) = pair(x, coarse.width);
                for lane in 0..4 {
                    let nearest = 9.0 * near[column][lane] + 3.0 * near[other][lane];
                    let further = 3.0 * far[column][lane] + far[other][lane];
                    let value = &mut self.values[at][lane];
                    *value += (1.0 - known[lane]) * (kept * (nearest + further) / 16.0 - *value);
                }
            }
        }
    }

    /// Moves each missing value towards `kept` of the mean of its neighbours, and beyond.
    fn relax(&mut self, kept: f32) {
        let (width, height) = (self.width, self.height);
        for y in 0..height {
            let row = y * width;
            let above = y.saturating_sub(1) * width;
            let below = (y + 1).min(height - 1) * width;
            for x in 0..width {
                let known = self.known[row + x];
                if known == [1.0; 4] {
                    continue;
                }
                let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
                let beside = [above + x, below + x, row + right, row + left];
                let [a, b, c, d] = beside.map(|at| self.values[at]);
                let value = &mut self.values[row + x];
                for lane in 0..4 {
                    let goal = kept * (a[lane] + b[lane] + c[lane] + d[lane]) / 4.0;
                    value[lane] += OVERSHOOT * (1.0 - known[lane]) * (goal - value[lane]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The surface over the cells that are not `known`, in all lanes, without an end of its reach.
    fn settled(size: (usize, usize), known: impl Fn(usize, usize) -> Option<f32>) -> Vec<Cell> {
        settled_within(f32::INFINITY, size, known)
    }

    fn settled_within(
        reach: f32,
        size: (usize, usize),
        known: impl Fn(usize, usize) -> Option<f32>,
    ) -> Vec<Cell> {
        let mut membrane = Membrane::default();
        // What an earlier picture left does not matter.
        membrane.clear((5, 9));
        membrane.cells_mut().0.fill([7.0; 4]);
        membrane.clear(size);
        let (values, weights) = membrane.cells_mut();
        for (i, (value, weight)) in values.iter_mut().zip(weights).enumerate() {
            if let Some(known) = known(i % size.0, i / size.0) {
                (*value, *weight) = ([known; 4], [1.0; 4]);
            }
        }
        membrane.settle(reach);
        membrane.values().to_vec()
    }

    #[test]
    fn a_slope_is_carried_across_a_hole() {
        let slope = |x: usize, y: usize| 0.02 * x as f32 - 0.01 * y as f32;
        let surface = settled((24, 20), |x, y| {
            let is_known = !(6..18).contains(&x) || !(5..15).contains(&y);
            is_known.then(|| slope(x, y))
        });
        for (i, value) in surface.iter().enumerate() {
            let wanted = slope(i % 24, i / 24);
            assert!(
                (value[0] - wanted).abs() < 4e-3,
                "{i}: {value:?}, not {wanted}"
            );
        }
    }

    #[test]
    fn a_border_reaches_as_far_as_told() {
        let reach = 3.0;
        let surface = settled_within(reach, (40, 4), |x, _| (x == 0).then_some(1.0));
        for (x, value) in surface.iter().take(20).enumerate() {
            let wanted = (-(x as f32) / reach).exp();
            assert!(
                (value[0] - wanted).abs() < 0.03,
                "{x}: {value:?}, not {wanted}"
            );
        }
    }

    #[test]
    fn one_value_fills_the_picture_and_none_leaves_it_empty() {
        let surface = settled((13, 7), |x, y| ((x, y) == (4, 2)).then_some(0.3));
        assert!(surface.iter().all(|v| (v[2] - 0.3).abs() < 1e-5));
        assert!(settled((13, 7), |_, _| None).iter().all(|v| *v == [0.0; 4]));
        assert!(settled((1, 1), |_, _| None).iter().all(|v| *v == [0.0; 4]));
    }

    proptest! {
        #[test]
        fn it_stays_among_what_is_known(
            size in (1..30usize, 1..30usize),
            known in proptest::collection::vec((0..900usize, -1.0..1.0f32), 1..20),
        ) {
            let find = |x: usize, y: usize| {
                let at = known.iter().find(|(i, _)| i % (size.0 * size.1) == y * size.0 + x);
                at.map(|(_, value)| *value)
            };
            let surface = settled(size, find);
            for (i, value) in surface.iter().enumerate() {
                // Sweeps overshoot a little before they end.
                prop_assert!(value[1].abs() <= 1.6, "{}", value[1]);
                if let Some(known) = find(i % size.0, i / size.0) {
                    prop_assert_eq!(*value, [known; 4]);
                }
            }
        }
    }
}
