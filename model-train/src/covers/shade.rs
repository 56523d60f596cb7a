//! What is no cover though it looks like one: shadows and lights on the face, make-up, dark skin.

use mde_core::alignment::Point;
use rand::RngExt;
use rand_pcg::Pcg64;

use super::layer::{AREA, blurred};
use super::pixels;

/// Casts a shadow or a light with any outline on `rgb` `[S, S, 3]`.
pub fn shadow(rgb: &mut [f32], rng: &mut Pcg64) {
    let angle = rng.random_range(0.0..std::f64::consts::TAU);
    let (sin, cos) = angle.sin_cos();
    let from = [rng.random_range(25.0..103.0), rng.random_range(25.0..115.0)];
    let stripes = rng.random_bool(0.25).then(|| rng.random_range(8.0..40.0));
    let bend = rng.random_range(-0.012..0.012);
    let mut shade: Vec<f32> = pixels()
        .map(|[x, y]| {
            let (dx, dy) = (x - from[0], y - from[1]);
            let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
            let off = u + bend * v * v;
            match stripes {
                Some(width) => f32::from(u8::from(off.rem_euclid(2.0 * width) < width)),
                None => (0.5 - off).clamp(0.0, 1.0) as f32,
            }
        })
        .collect();
    for _ in 0..rng.random_range(0..14) {
        shade = blurred(&shade, 1);
    }
    let strength = match rng.random_bool(0.75) {
        true => rng.random_range(-0.75f32..-0.2),
        false => rng.random_range(0.15..0.7),
    };
    let tint = [0; 3].map(|_| rng.random_range(0.9f32..1.1));
    for (pixel, shade) in rgb.chunks_exact_mut(3).zip(shade) {
        for (v, tint) in pixel.iter_mut().zip(tint) {
            *v = (*v * (1.0 + strength * tint * shade)).clamp(0.0, 1.0);
        }
    }
}

/// Makes up the eyes, the mouth or the cheeks of an aligned face in `rgb` `[S, S, 3]`.
pub fn make_up(rgb: &mut [f32], rng: &mut Pcg64) {
    let (places, radii): (&[Point], Point) = match rng.random_range(0..3) {
        0 => (&[[45.5, 48.0], [82.5, 48.0]], [12.0, 6.5]),
        1 => (&[[63.5, 91.5]], [16.0, 6.5]),
        _ => (&[[35.0, 76.0], [92.0, 76.0]], [13.0, 10.0]),
    };
    let strength = rng.random_range(0.15f32..0.6);
    let colour = [
        rng.random_range(0.3f32..1.1),
        rng.random_range(0.1..0.8),
        rng.random_range(0.1..0.9),
    ];
    let mut alpha = vec![0.0f32; AREA];
    for (alpha, [x, y]) in alpha.iter_mut().zip(pixels()) {
        for place in places {
            let off = ((x - place[0]) / radii[0]).hypot((y - place[1]) / radii[1]);
            *alpha = alpha.max((2.0 * (1.0 - off)).clamp(0.0, 1.0) as f32);
        }
    }
    for (pixel, alpha) in rgb.chunks_exact_mut(3).zip(blurred(&alpha, 1)) {
        for (v, colour) in pixel.iter_mut().zip(colour) {
            *v *= 1.0 + alpha * strength * (colour - 1.0);
        }
    }
}

/// Darkens all of `rgb` as skin may be, or a room.
pub fn darken(rgb: &mut [f32], rng: &mut Pcg64) {
    let gain = rng.random_range(0.25f32..0.75);
    let warm = rng.random_range(0.75f32..1.0);
    for pixel in rgb.chunks_exact_mut(3) {
        for (v, gain) in pixel
            .iter_mut()
            .zip([gain, gain * warm.sqrt(), gain * warm])
        {
            *v *= gain;
        }
    }
}
