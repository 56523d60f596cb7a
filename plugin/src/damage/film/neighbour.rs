//! The frames before and after a frame, beside it.

use super::light::{Lights, brighten};
use super::motion::{BLOCK, Motion, compensate, compensate_block};
use super::plane::{Plane, Steps};

/// The share of blocks that must be things which move on, from the frame before to the one after: else
/// one of these shows another scene.
const GOES_ON: f32 = 0.4;

/// A neighbour in time.
#[derive(Debug, Default)]
pub struct Neighbour {
    /// From the present frame to it.
    pub motion: Motion,
    /// What it shows where the present frame's things were, as bright as that.
    pub moved: Plane,
    pub lights: Lights,
}

impl Neighbour {
    /// Looks where things of `now` are in the frames before and after it, which are `shown`, as far as
    /// both of them show the same scene; tells whether they do.
    pub fn follow(sides: &mut [Self; 2], now: &Steps, shown: [&Steps; 2]) -> bool {
        for (side, shows) in sides.iter_mut().zip(shown) {
            side.motion.estimate(now, shows);
        }
        Motion::settle(sides.each_mut().map(|side| &mut side.motion)) >= GOES_ON
    }

    /// Compares `now` with what the neighbour `shows`, whose motion is known.
    pub fn compare(&mut self, now: &Steps, shows: &Steps) {
        compensate(shows.finest(), &self.motion, &mut self.moved);
        self.lights.measure(now.finest(), &self.moved);
        self.lights.equalise(&mut self.moved);
    }

    /// Shows the `block` = (column, row) anew by its way to what the neighbour `shows`.
    pub fn move_block(&mut self, shows: &Plane, block: (usize, usize)) {
        compensate_block(
            shows,
            self.motion.at(block.0, block.1),
            block,
            &mut self.moved,
        );
        let columns = block.0 * BLOCK..((block.0 + 1) * BLOCK).min(shows.size.0);
        for y in block.1 * BLOCK..((block.1 + 1) * BLOCK).min(shows.size.1) {
            let row = &mut self.moved.row_mut(y)[columns.clone()];
            brighten(row, self.lights.at(columns.start, y).offset);
        }
    }
}
