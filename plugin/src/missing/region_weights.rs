//! How much of each pixel of the frame is replaced in a region.

use mde_core::occlusion::Rect;

use super::raster::Damage;
use crate::distance::Distances;

/// A border this many pixels wide or narrower is no blend.
const SHARP: f32 = 0.5;

/// Why a pixel of the frame is missing in a region.
#[derive(Clone, Copy, Debug, Default)]
pub struct Missing {
    /// What is told of the frame's pixel.
    pub damage: Damage,
    /// Whether it lies in what is missing from every crop.
    pub is_cut: bool,
}

/// Blend weights of an area of the frame: 0 where a pixel is known, above 0 up to 1 where it is
/// missing. Made once and filled again for each region; growing back to a size that it had before
/// does not allocate.
#[derive(Clone, Debug, Default)]
pub struct RegionWeights {
    area: Option<Rect>,
    weights: Vec<f32>,
    missing: Vec<Missing>,
    distances: Distances,
}

impl RegionWeights {
    /// Takes what is missing within `area` from `missing_at`, which is asked for each pixel `(x, y)`
    /// there. The weight of a damaged pixel is its [share](Damage::share); those of a cut rise from
    /// the border of all that is missing to 1 over `feather` frame pixels inside it.
    ///
    /// Pixels beyond `area` count neither as known nor as missing, so it should hold a pixel more
    /// on each side of the hole, but for the frame's own edges.
    pub fn fill(&mut self, area: Rect, feather: f32, missing_at: impl Fn(usize, usize) -> Missing) {
        let pixels = (area.y0..area.y1).flat_map(|y| (area.x0..area.x1).map(move |x| (x, y)));
        self.area = Some(area);
        self.missing.clear();
        self.missing.extend(pixels.map(|(x, y)| missing_at(x, y)));
        self.weights.clear();
        if feather > SHARP && self.missing.iter().any(|missing| missing.is_cut) {
            let is_hole = |missing: &Missing| missing.is_cut || missing.damage.is_hidden();
            let is_hole = self.missing.iter().map(is_hole);
            let depths = self.distances.squared(area.width(), is_hole);
            let weights = self.missing.iter().zip(depths);
            self.weights.extend(weights.map(|(missing, &squared)| {
                // The border runs half a pixel before the first missing pixel.
                let depth = (squared as f32).sqrt() - 0.5;
                let cut = match missing.is_cut {
                    true => (depth / feather).min(1.0),
                    false => 0.0,
                };
                cut.max(missing.damage.share())
            }));
        } else {
            let weight = |missing: &Missing| match missing.is_cut {
                true => 1.0,
                false => missing.damage.share(),
            };
            self.weights.extend(self.missing.iter().map(weight));
        }
    }

    /// The area that was filled last, with the weights of its pixels row by row.
    pub fn weights(&self) -> Option<(Rect, &[f32])> {
        Some((self.area?, &self.weights))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect::new(10, 20, 40, 50);
    const SQUARE: Rect = Rect::new(14, 24, 30, 40);

    const CUT: Missing = Missing {
        damage: Damage::None,
        is_cut: true,
    };
    const LOST: Missing = Missing {
        damage: Damage::Lost,
        is_cut: false,
    };

    /// The weight of the frame's pixel `(x, y)`.
    fn weight(weights: &RegionWeights, x: usize, y: usize) -> f32 {
        match weights.weights() {
            Some((area, weights)) if area.contains(x, y) => {
                weights[(y - area.y0) * area.width() + x - area.x0]
            }
            _ => 0.0,
        }
    }

    fn filled(feather: f32, missing: Missing, hole: Rect) -> RegionWeights {
        let mut weights = RegionWeights::default();
        // What an earlier hole left does not matter.
        weights.fill(Rect::new(0, 0, 9, 9), 2.0, |_, _| CUT);
        weights.fill(AREA, feather, |x, y| match hole.contains(x, y) {
            true => missing,
            false => Missing::default(),
        });
        weights
    }

    #[test]
    fn a_cut_blends_inside_its_border() {
        let hole = filled(4.0, CUT, SQUARE);
        let row: Vec<f32> = (12..20).map(|x| weight(&hole, x, 32)).collect();
        assert_eq!(row, [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]);
        for y in 0..60 {
            for x in 0..60 {
                assert_eq!(
                    weight(&hole, x, y) > 0.0,
                    SQUARE.contains(x, y),
                    "({x}, {y})"
                );
            }
        }
    }

    #[test]
    fn lost_pixels_are_replaced_as_a_whole() {
        for hole in [filled(4.0, LOST, SQUARE), filled(0.0, CUT, SQUARE)] {
            for y in 15..60 {
                for x in 5..60 {
                    let wanted = f32::from(u8::from(SQUARE.contains(x, y)));
                    assert_eq!(weight(&hole, x, y), wanted, "({x}, {y})");
                }
            }
        }
    }

    #[test]
    fn where_a_cut_and_lost_pixels_meet_is_no_border() {
        let mut hole = RegionWeights::default();
        hole.fill(AREA, 3.0, |x, y| match (SQUARE.contains(x, y), x < 22) {
            (false, _) => Missing::default(),
            (true, true) => LOST,
            (true, false) => CUT,
        });
        assert_eq!(weight(&hole, 22, 32), 1.0);
        assert!(weight(&hole, 29, 32) < 0.5);
    }

    #[test]
    fn of_a_part_missing_pixel_its_share_is_replaced() {
        let partial = Missing {
            damage: Damage::Partial(51),
            is_cut: false,
        };
        for feather in [0.0, 4.0] {
            assert_eq!(weight(&filled(feather, partial, SQUARE), 20, 32), 0.2);
        }
    }

    #[test]
    fn the_frame_s_edge_is_no_border() {
        let hole = filled(4.0, CUT, Rect::new(10, 24, 30, 40));
        assert_eq!(weight(&hole, 10, 32), 1.0);
    }
}
