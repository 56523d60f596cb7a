//! Free-form holes: random poly-line brush strokes, as in Yu et al. 2019, "Free-Form Image
//! Inpainting with Gated Convolution", section 4.2.

use std::f64::consts::{PI, TAU};

use rand::{Rng, RngExt};

use super::{Mask, uniform};

/// How free-form strokes are drawn. Lengths are shares of the picture's shorter side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strokes {
    /// Strokes a mask, at most.
    pub count: usize,
    /// Segments a stroke, at most.
    pub segments: usize,
    /// Longest segment.
    pub length: f64,
    /// Widest brush.
    pub brush: f64,
}

impl Default for Strokes {
    fn default() -> Self {
        Self {
            count: 4,
            segments: 6,
            length: 0.4,
            brush: 0.15,
        }
    }
}

impl Strokes {
    /// Draws a mask with at least one stroke missing in all channels.
    pub fn sample(&self, width: usize, height: usize, rng: &mut (impl Rng + ?Sized)) -> Mask {
        let mut mask = Mask::known(width, height);
        let side = width.min(height) as f64;
        for _ in 0..rng.random_range(1..=self.count.max(1)) {
            let mut at = [
                uniform(0.0, width as f64 - 1.0, rng),
                uniform(0.0, height as f64 - 1.0, rng),
            ];
            let radius = (uniform(0.3, 1.0, rng) * self.brush * side / 2.0).max(1.0);
            let mut heading = uniform(0.0, TAU, rng);
            for _ in 0..rng.random_range(1..=self.segments.max(1)) {
                let length = uniform(0.2, 1.0, rng) * self.length * side;
                let to = [
                    (at[0] + length * heading.cos()).clamp(0.0, width as f64 - 1.0),
                    (at[1] + length * heading.sin()).clamp(0.0, height as f64 - 1.0),
                ];
                drop_segment(&mut mask, at, to, radius);
                at = to;
                // Strokes bend back on themselves, as a brush does.
                heading += PI + uniform(-PI / 3.0, PI / 3.0, rng);
            }
        }
        mask
    }
}

/// Drops all pixels within `radius` of the segment from `a` to `b`.
fn drop_segment(mask: &mut Mask, a: [f64; 2], b: [f64; 2], radius: f64) {
    let low = |v: f64| (v - radius).floor().max(0.0) as usize;
    let high = |v: f64, side: usize| ((v + radius).ceil() as usize).min(side - 1);
    for y in low(a[1].min(b[1]))..=high(a[1].max(b[1]), mask.height()) {
        for x in low(a[0].min(b[0]))..=high(a[0].max(b[0]), mask.width()) {
            if distance_to_segment([x as f64, y as f64], a, b) <= radius {
                mask.drop_pixel(x, y);
            }
        }
    }
}

fn distance_to_segment(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length2 = dx * dx + dy * dy;
    let t = if length2 == 0.0 {
        0.0
    } else {
        (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length2).clamp(0.0, 1.0)
    };
    (p[0] - a[0] - t * dx).hypot(p[1] - a[1] - t * dy)
}
