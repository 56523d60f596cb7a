//! The rim around lost pixels that may have some of what covers them.

use mde_core::occlusion::Rect;

use super::raster::{Damage, Raster};
use crate::distance::Distances;

/// How far lost pixels reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Width of the rim in pixels: what a codec or a scaler smears of a cover over its edge.
    pub grow: usize,
    /// The pixels to the right and down that share samples: where one is lost, all of them are.
    pub block: (usize, usize),
}

impl Reach {
    /// `part` with all that it may reach in a picture of `size` = (width, height).
    fn around(self, part: Rect, size: (usize, usize)) -> Rect {
        let low = |v: usize, block: usize| v.saturating_sub(self.grow + block) / block * block;
        let high = |v: usize, block: usize, side: usize| {
            ((v + self.grow + block).div_ceil(block) * block).min(side)
        };
        Rect::new(
            low(part.x0, self.block.0),
            low(part.y0, self.block.1),
            high(part.x1, self.block.0, size.0),
            high(part.y1, self.block.1, size.1),
        )
    }

    /// How much is replaced of a pixel at `distance` pixels from the nearest lost one: all of it in
    /// the inner half of the rim, ever less in the outer half, where it blends into the picture.
    pub fn share(self, distance: f32) -> f32 {
        let grow = self.grow as f32;
        ((grow + 1.0 - distance) / (0.5 * grow + 1.0)).clamp(0.0, 1.0)
    }
}

/// Widens lost parts of a raster. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Widener {
    distances: Distances,
}

impl Widener {
    /// Widens the lost pixels in `part` of `raster`; gives the rectangle that holds all of them and
    /// of their rim.
    ///
    /// # Panics
    /// If `part` reaches beyond the raster.
    pub fn widen(&mut self, raster: &mut Raster, part: Rect, reach: Reach) -> Rect {
        let area = reach.around(part, raster.size());
        fill_blocks(raster, area, reach.block);
        if reach.grow > 0 {
            self.add_rim(raster, area, reach);
        }
        raster.bounds_in(area).unwrap_or(part)
    }

    fn add_rim(&mut self, raster: &mut Raster, area: Rect, reach: Reach) {
        let is_sound = (area.y0..area.y1)
            .flat_map(|y| raster.row(area, y))
            .map(|damage| *damage != Damage::Lost);
        // To the nearest lost pixel: the "hole" is what is not lost.
        let distances = self.distances.squared(area.width(), is_sound);
        let furthest = (reach.grow as i32 + 1).pow(2);
        for (row, distances) in distances.chunks(area.width().max(1)).enumerate() {
            let damages = raster.row_mut(area, area.y0 + row).iter_mut();
            for (damage, squared) in damages.zip(distances) {
                if *squared > 0 && *squared < furthest {
                    let share = reach.share((*squared as f32).sqrt());
                    // Never lost, so that no rim has a rim of its own.
                    *damage = (*damage).max(Damage::Partial((255.0 * share).round() as u8));
                }
            }
        }
    }
}

/// Makes lost all the pixels of blocks of which one is lost.
fn fill_blocks(raster: &mut Raster, area: Rect, block: (usize, usize)) {
    if block == (1, 1) {
        return;
    }
    for y in (area.y0..area.y1).step_by(block.1) {
        let rows = y..(y + block.1).min(area.y1);
        for x in (area.x0..area.x1).step_by(block.0) {
            let block = Rect::new(x, rows.start, (x + block.0).min(area.x1), rows.end);
            let mut pixels = rows.clone().flat_map(|y| raster.row(block, y));
            if pixels.any(|damage| *damage == Damage::Lost) {
                for y in rows.clone() {
                    raster.row_mut(block, y).fill(Damage::Lost);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOT: Rect = Rect::new(11, 7, 14, 10);

    fn widened(grow: usize, block: (usize, usize)) -> (Raster, Rect) {
        let mut raster = Raster::from_fn(31, 21, |x, y| match SPOT.contains(x, y) {
            true => Damage::Lost,
            false => Damage::None,
        });
        let reach = Reach { grow, block };
        let bounds = Widener::default().widen(&mut raster, SPOT, reach);
        (raster, bounds)
    }

    #[test]
    fn pixels_that_share_a_sample_are_lost_together() {
        let (raster, bounds) = widened(0, (2, 4));
        let wanted = Rect::new(10, 4, 14, 12);
        assert_eq!(bounds, wanted);
        for y in 0..21 {
            for x in 0..31 {
                let is_lost = raster.at(x, y) == Damage::Lost;
                assert_eq!(is_lost, wanted.contains(x, y), "({x}, {y})");
            }
        }
        assert_eq!(widened(0, (1, 1)).1, SPOT);
    }

    #[test]
    fn the_rim_falls_off_in_its_outer_half() {
        let (raster, bounds) = widened(4, (1, 1));
        assert_eq!(bounds, Rect::new(7, 3, 18, 14));
        let row: Vec<Damage> = (5..12).map(|x| raster.at(x, 8)).collect();
        let partial = Damage::Partial;
        assert_eq!(
            row,
            [
                Damage::None,
                Damage::None,
                partial(85),
                partial(170),
                partial(255),
                partial(255),
                Damage::Lost
            ]
        );
        // Round: the corner of the square around is further away.
        assert_eq!(raster.at(7, 3), Damage::None);
    }

    #[test]
    fn a_rim_keeps_what_is_missing_already() {
        let mut raster = Raster::from_fn(9, 1, |x, _| match x {
            4 => Damage::Lost,
            _ => Damage::Partial(200),
        });
        let reach = Reach {
            grow: 2,
            block: (1, 1),
        };
        Widener::default().widen(&mut raster, Rect::new(4, 0, 5, 1), reach);
        let row: Vec<Damage> = (4..8).map(|x| raster.at(x, 0)).collect();
        let partial = Damage::Partial;
        assert_eq!(
            row,
            [Damage::Lost, partial(255), partial(200), partial(200)]
        );
    }
}
