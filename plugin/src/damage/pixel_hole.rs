//! The hole in a region of the frame, pixel by pixel, with the weights by which a completion is
//! blended in.

use mde_core::occlusion::Rect;

use super::distance::Distances;
use super::raster::Damage;

/// A border this many pixels wide or narrower is no blend.
const SHARP: f32 = 0.5;

/// Blend weights of an area of the frame: 0 where a pixel is known, above 0 up to 1 in the hole.
/// Made once and filled again for each region; growing back to a size that it had before does not
/// allocate.
#[derive(Clone, Debug, Default)]
pub struct PixelHole {
    area: Option<Rect>,
    weights: Vec<f32>,
    damage: Vec<Damage>,
    distances: Distances,
}

impl PixelHole {
    /// Takes the hole within `area` from `damage_at`, which is asked for each pixel `(x, y)` there.
    /// The weights of [covered](Damage::Covered) pixels rise from the hole's border to 1 over
    /// `feather` frame pixels inside it; those of [lost](Damage::Lost) ones are 1.
    ///
    /// Pixels beyond `area` count neither as known nor as missing, so it should hold a pixel more
    /// on each side of the hole, but for the frame's own edges.
    pub fn fill(&mut self, area: Rect, feather: f32, damage_at: impl Fn(usize, usize) -> Damage) {
        let pixels = (area.y0..area.y1).flat_map(|y| (area.x0..area.x1).map(move |x| (x, y)));
        self.area = Some(area);
        self.damage.clear();
        self.damage.extend(pixels.map(|(x, y)| damage_at(x, y)));
        self.weights.clear();
        if feather > SHARP && self.damage.contains(&Damage::Covered) {
            let is_hole = self.damage.iter().map(|&damage| damage != Damage::None);
            let depths = self.distances.squared(area.width(), is_hole);
            let weights = self.damage.iter().zip(depths);
            self.weights.extend(weights.map(|(&damage, &squared)| {
                // The border runs half a pixel before the first missing pixel.
                let depth = (squared as f32).sqrt() - 0.5;
                match damage {
                    Damage::None => 0.0,
                    Damage::Covered => (depth / feather).min(1.0),
                    Damage::Lost => 1.0,
                }
            }));
        } else {
            let weight = |damage: &Damage| f32::from(u8::from(*damage != Damage::None));
            self.weights.extend(self.damage.iter().map(weight));
        }
    }

    /// Makes it no hole.
    pub fn clear(&mut self) {
        self.area = None;
    }

    /// The area that the hole lies in, with the weights of its pixels row by row; none where there
    /// is no hole.
    pub fn weights(&self) -> Option<(Rect, &[f32])> {
        Some((self.area?, &self.weights))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect::new(10, 20, 40, 50);
    const SQUARE: Rect = Rect::new(14, 24, 30, 40);

    /// The weight of the frame's pixel `(x, y)`.
    fn weight(hole: &PixelHole, x: usize, y: usize) -> f32 {
        match hole.weights() {
            Some((area, weights)) if area.contains(x, y) => {
                weights[(y - area.y0) * area.width() + x - area.x0]
            }
            _ => 0.0,
        }
    }

    fn filled(feather: f32, damage: Damage, hole: Rect) -> PixelHole {
        let mut pixels = PixelHole::default();
        // What an earlier hole left does not matter.
        pixels.fill(Rect::new(0, 0, 9, 9), 2.0, |_, _| Damage::Covered);
        pixels.fill(AREA, feather, |x, y| match hole.contains(x, y) {
            true => damage,
            false => Damage::None,
        });
        pixels
    }

    #[test]
    fn covered_pixels_blend_inside_the_hole() {
        let hole = filled(4.0, Damage::Covered, SQUARE);
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
        for hole in [
            filled(4.0, Damage::Lost, SQUARE),
            filled(0.0, Damage::Covered, SQUARE),
        ] {
            for y in 15..60 {
                for x in 5..60 {
                    let wanted = f32::from(u8::from(SQUARE.contains(x, y)));
                    assert_eq!(weight(&hole, x, y), wanted, "({x}, {y})");
                }
            }
        }
    }

    #[test]
    fn where_covered_and_lost_pixels_meet_is_no_border() {
        let mut hole = PixelHole::default();
        hole.fill(AREA, 3.0, |x, y| match (SQUARE.contains(x, y), x < 22) {
            (false, _) => Damage::None,
            (true, true) => Damage::Lost,
            (true, false) => Damage::Covered,
        });
        assert_eq!(weight(&hole, 22, 32), 1.0);
        assert!(weight(&hole, 29, 32) < 0.5);
    }

    #[test]
    fn the_frame_s_edge_is_no_border() {
        let hole = filled(4.0, Damage::Covered, Rect::new(10, 24, 30, 40));
        assert_eq!(weight(&hole, 10, 32), 1.0);
    }

    #[test]
    fn without_an_area_there_is_no_hole() {
        let mut hole = filled(0.0, Damage::Lost, SQUARE);
        hole.clear();
        assert!(hole.weights().is_none());
    }
}
