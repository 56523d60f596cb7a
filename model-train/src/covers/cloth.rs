//! Drawn masks and veils: what cloth before nose and mouth is like that no template shows.

use mde_core::alignment::Point;
use mde_core::covers::Kind;
use rand::RngExt;
use rand_pcg::Pcg64;

use super::cutouts::Library;
use super::layer::Layer;
use super::pixels;
use super::shapes::{fill, inside, stroke, turned};

/// The outline of a cloth that is tied before the lower face. Lengths are crop pixels.
struct Cloth {
    /// The middle of its upper edge.
    top: Point,
    /// From there to the chin, or wherever it ends.
    height: f64,
    half_width: f64,
    /// How much lower than in the middle the upper edge is at the sides.
    fall: f64,
    /// 2 for a lower edge like half an ellipse, the greater the more like a rectangle's.
    power: f64,
    /// In radians.
    angle: f64,
}

impl Cloth {
    fn draw(rng: &mut Pcg64) -> Self {
        let is_veil = rng.random_bool(0.3);
        let top = [rng.random_range(58.0..69.0), rng.random_range(62.0..86.0)];
        let (bottom, half_width, power) = match is_veil {
            true => (
                rng.random_range(135.0..190.0),
                rng.random_range(50.0..80.0),
                rng.random_range(4.0..12.0),
            ),
            false => (
                rng.random_range(108.0..132.0),
                rng.random_range(30.0..56.0),
                rng.random_range(1.7..7.0),
            ),
        };
        Self {
            height: bottom - top[1],
            top,
            half_width,
            fall: rng.random_range(-5.0..16.0),
            power,
            angle: rng.random_range(-0.15..0.15),
        }
    }

    /// How far left or right a place is, in half widths, and how far below the middle of the top.
    fn place(&self, at: Point) -> Point {
        let [x, y] = turned(at, self.top, self.angle);
        [x / self.half_width, y]
    }

    /// How far outside a place is; inside negative.
    fn distance(&self, at: Point) -> f64 {
        let [u, y] = self.place(at);
        let upper = self.fall * u * u;
        let narrowed = 1.0 - u.abs().min(1.0).powf(self.power);
        let lower = upper.max(self.height * narrowed.powf(1.0 / self.power));
        let beside = (u.abs() - 1.0) * self.half_width;
        (upper - y).max(y - lower).max(beside)
    }
}

/// A mask or a veil of any cloth, with folds, and some with loops to the ears.
pub fn drawn(library: &Library, rng: &mut Pcg64) -> Layer {
    let cloth = Cloth::draw(rng);
    let mut alpha = inside(|at| cloth.distance(at));
    if rng.random_bool(0.3) {
        let thick = rng.random_range(0.6..1.6);
        for side in [-1.0, 1.0] {
            let hem = [
                cloth.top[0] + side * 0.97 * cloth.half_width,
                cloth.top[1] + cloth.fall,
            ];
            let ear = [cloth.top[0] + side * 56.0, rng.random_range(58.0..76.0)];
            stroke(&mut alpha, hem, ear, [thick; 2]);
        }
    }
    let mut layer = fill(Kind::Masks, alpha, library, rng);
    let pleats = rng.random_bool(0.5).then(|| {
        (
            rng.random_range(0.25..1.2),
            rng.random_range(-10.0..10.0),
            rng.random_range(0.02..0.2),
        )
    });
    let side = rng.random_range(-0.6..0.6);
    let round = rng.random_range(0.0..0.5);
    for (pixel, at) in layer.rgb.chunks_exact_mut(3).zip(pixels()) {
        let [u, y] = cloth.place(at);
        let mut light = 1.05 - round * (u - side).powi(2).min(2.0);
        if let Some((often, bent, deep)) = pleats {
            light += deep * (often * (y + bent * u * u)).sin();
        }
        // Colours stay within what covers them.
        pixel
            .iter_mut()
            .for_each(|v| *v *= light.clamp(0.0, 1.0) as f32);
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_hides_mouth_and_chin_and_not_the_eyes() {
        let mut rng = Pcg64::new(1, 1);
        for _ in 0..200 {
            let cloth = Cloth::draw(&mut rng);
            assert!(cloth.distance([63.5, 96.0]) < 0.0, "the mouth shows");
            for eye in [[45.5, 50.8], [81.5, 50.8]] {
                assert!(cloth.distance(eye) > 0.0, "an eye is hidden");
            }
        }
    }
}
