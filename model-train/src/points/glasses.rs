//! Glasses drawn onto faces: few of the published faces wear any, and a net that has hardly seen
//! them takes the middles of the lenses for the eyes.

use mde_core::alignment::{FacePoints, Point};
use rand::RngExt;
use rand_pcg::Pcg64;

use super::sample::pixels;

/// A pair of glasses. Lengths are in distances of the eyes.
pub struct Glasses {
    /// Of the frame.
    pub colour: [f32; 3],
    /// How much of the frame's colour covers what is behind it.
    pub opacity: f32,
    /// Half the width and half the height of a lens.
    lens: [f64; 2],
    /// 2 for ellipses, the greater the more like rectangles.
    power: f64,
    /// Half the width of the frame's wire.
    wire: f64,
    /// From the eyes' middle to the bridge, along and across the line of the eyes.
    shift: [f64; 2],
    /// Between the lenses' middles.
    distance: f64,
    /// Turn against the line of the eyes in radians.
    turn: f64,
    /// What the lenses lay over what is behind them, and how much of it.
    pub tint: ([f32; 3], f32),
}

impl Glasses {
    /// A random pair.
    pub fn draw(rng: &mut Pcg64) -> Self {
        let dark = rng.random_range(0.0f32..0.35);
        let width = rng.random_range(0.27..0.45);
        Self {
            colour: match rng.random_range(0..4) {
                0 => [dark + 0.4, dark + 0.3, dark + 0.1],
                1 => rng.random(),
                _ => [dark; 3],
            },
            opacity: rng.random_range(0.4..1.0),
            lens: [width, width * rng.random_range(0.55..1.05)],
            power: rng.random_range(2.0..5.0),
            wire: rng.random_range(0.012..0.06),
            shift: [rng.random_range(-0.05..0.05), rng.random_range(-0.08..0.22)],
            distance: rng.random_range(0.92..1.12),
            turn: rng.random_range(-0.05..0.05),
            tint: (
                [rng.random_range(0.0..1.0); 3],
                if rng.random_bool(0.3) {
                    rng.random_range(0.0..0.35)
                } else {
                    0.0
                },
            ),
        }
    }

    /// Draws them onto the crop `rgb` `[64, 64, 3]` of the face with these `points`.
    pub fn put_on(&self, rgb: &mut [f32], points: &FacePoints) {
        let Some(seen) = self.on(points) else {
            return;
        };
        for (pixel, at) in rgb.chunks_exact_mut(3).zip(pixels()) {
            let (frame, lens) = seen(at);
            let (tint, share) = self.tint;
            lay(pixel, tint, lens * share);
            lay(pixel, self.colour, frame * self.opacity);
        }
    }

    /// How much of a pixel of a crop is frame and how much is lens on the face with these `points`;
    /// nothing where its eyes coincide.
    pub fn on(&self, points: &FacePoints) -> Option<impl Fn(Point) -> (f32, f32)> {
        let [left, right, ..] = *points;
        let (dx, dy) = (right[0] - left[0], right[1] - left[1]);
        let unit = dx.hypot(dy);
        let (sin, cos) = (dy.atan2(dx) + self.turn).sin_cos();
        let middle = [(left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0];
        (unit >= 1.0).then_some(move |at: Point| {
            let [u, v] = [(at[0] - middle[0]) / unit, (at[1] - middle[1]) / unit];
            let at = [
                u * cos + v * sin - self.shift[0],
                v * cos - u * sin - self.shift[1],
            ];
            self.seen(at, 0.5 / unit)
        })
    }

    /// How much of the pixel at `at` is frame and how much is lens; `half` is half a pixel.
    fn seen(&self, [x, y]: Point, half: f64) -> (f32, f32) {
        let beside = x.abs() - self.distance / 2.0;
        let [width, height] = self.lens;
        let radius = ((beside / width).abs().powf(self.power)
            + (y / height).abs().powf(self.power))
        .powf(1.0 / self.power);
        // About the distance from the rim, inside negative.
        let from_rim = (radius - 1.0) * width.min(height);
        let of_wire =
            |distance: f64| ((self.wire + half - distance.abs()) / (2.0 * half)).clamp(0.0, 1.0);
        let bar = y + 0.3 * height;
        let is_beside_lens = radius > 1.0 && x.abs() < self.distance / 2.0 + width + 0.35;
        let bars = if is_beside_lens { of_wire(bar) } else { 0.0 };
        let frame = of_wire(from_rim).max(bars);
        let lens = ((half - from_rim) / (2.0 * half)).clamp(0.0, 1.0);
        (frame as f32, lens as f32)
    }
}

/// Lays the `share` of `colour` over `pixel`.
fn lay(pixel: &mut [f32], colour: [f32; 3], share: f32) {
    for (value, colour) in pixel.iter_mut().zip(colour) {
        *value += share * (colour - *value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::sample::AREA;
    use mde_core::points::{SIZE, template};

    #[test]
    fn the_rim_is_drawn_and_the_eyes_are_left_as_they_are() {
        let glasses = Glasses {
            colour: [0.0; 3],
            opacity: 1.0,
            lens: [0.35; 2],
            power: 2.0,
            wire: 0.03,
            shift: [0.0; 2],
            distance: 1.0,
            turn: 0.0,
            tint: ([1.0; 3], 0.0),
        };
        let points = template();
        let mut rgb = vec![0.5; 3 * AREA];
        glasses.put_on(&mut rgb, &points);
        let at = |[x, y]: Point| rgb[3 * (y.round() as usize * SIZE + x.round() as usize)];
        let [left, right, nose, ..] = points;
        let rim = 0.35 * (right[0] - left[0]);
        for eye in [left, right] {
            assert_eq!(at(eye), 0.5);
            assert!(at([eye[0], eye[1] + rim]) < 0.4);
        }
        assert_eq!(at(nose), 0.5);
    }
}
