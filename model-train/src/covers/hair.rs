//! Hair before the face: drawn strands, and hair of other faces.

use mde_core::alignment::{Affine, Point};
use mde_core::covers::{Kind, SIDE};
use rand::RngExt;
use rand_pcg::Pcg64;

use super::faces::PICTURE;
use super::layer::{AREA, Layer};
use super::parsed::{self, Parsed};
use super::pixels;
use super::shapes::stroke;

/// Strands that hang from above: single ones, or as many as make a fringe.
pub fn strands(rng: &mut Pcg64) -> Layer {
    let base: [f32; 3] = match rng.random_range(0..5) {
        0 | 1 => [rng.random_range(0.02..0.15); 3],
        2 => [0.3, 0.19, 0.1],
        3 => [0.65, 0.5, 0.3],
        _ => [0.42, 0.2, 0.1],
    };
    let base = base.map(|v| v * rng.random_range(0.7f32..1.3));
    let is_fringe = rng.random_bool(0.5);
    let count = if is_fringe {
        rng.random_range(14..45)
    } else {
        rng.random_range(1..9)
    };
    let (from, to) = match is_fringe {
        true => (rng.random_range(15.0..50.0), rng.random_range(75.0..112.0)),
        false => (rng.random_range(5.0..100.0), rng.random_range(20.0..125.0)),
    };
    let lean = rng.random_range(-30.0..30.0);
    let end = match is_fringe {
        true => rng.random_range(28.0..62.0),
        false => rng.random_range(45.0..125.0),
    };
    let mut alpha = vec![0.0; AREA];
    let mut light = vec![0.0; AREA];
    for _ in 0..count {
        let x = if from < to {
            rng.random_range(from..to)
        } else {
            from
        };
        let root = [x, rng.random_range(-12.0..6.0)];
        let tip = [
            x + lean + rng.random_range(-12.0..12.0),
            end + rng.random_range(-14.0..10.0),
        ];
        let bend = [
            (root[0] + tip[0]) / 2.0 + rng.random_range(-16.0..16.0),
            (root[1] + tip[1]) / 2.0,
        ];
        let width = rng.random_range(0.6..if is_fringe { 5.0 } else { 3.0 });
        let mut strand = vec![0.0; AREA];
        curve(&mut strand, [root, bend, tip], width);
        let bright = rng.random_range(0.7f32..1.4);
        for ((alpha, light), strand) in alpha.iter_mut().zip(&mut light).zip(strand) {
            *light += strand * (bright - *light);
            *alpha = f32::max(*alpha, strand);
        }
    }
    let mut shine = |i: usize| {
        let grain: f32 = rng.random_range(0.85..1.15);
        base.map(|v| (v * light[i].max(0.5) * grain + 0.01).clamp(0.0, 1.0))
    };
    let opacity = 0.95;
    let found = alpha.clone();
    let alpha = alpha.into_iter().map(|a| a * opacity).collect();
    let mut layer = Layer::filled(Kind::Hair, alpha, &mut shine);
    layer.found = Some(found);
    layer
}

/// A quadratic curve that narrows to its tip.
fn curve(alpha: &mut [f32], [a, b, c]: [Point; 3], width: f64) {
    const PARTS: usize = 10;
    let at = |t: f64| {
        [0, 1].map(|k| (1.0 - t).powi(2) * a[k] + 2.0 * t * (1.0 - t) * b[k] + t * t * c[k])
    };
    for part in 0..PARTS {
        let [t, u] = [part, part + 1].map(|p| p as f64 / PARTS as f64);
        let radii = [t, u].map(|t| width * (1.0 - 0.75 * t));
        stroke(alpha, at(t), at(u), radii);
    }
}

/// The hair of `other`, moved such that some of it comes before the face.
pub fn of(other: &Parsed, rng: &mut Pcg64) -> Layer {
    let scale = rng.random_range(0.8..1.5);
    let shift = [rng.random_range(-35.0..35.0), rng.random_range(-5.0..40.0)];
    let middle = [(SIDE as f64 - 1.0) / 2.0; 2];
    let placed = Affine::about(middle, rng.random_range(-0.5..0.5), scale, shift);
    let to_picture = placed.inverse().unwrap_or(Affine::IDENTITY);
    let to_picture = to_picture.then(&parsed::CROP.to_picture());
    let mirrored: bool = rng.random();
    let mut alpha = vec![0.0; AREA];
    let mut colours = vec![[0.0; 3]; AREA];
    let last = PICTURE as f64 - 1.0;
    for (i, at) in pixels().enumerate() {
        let [x, y] = to_picture.apply(at).map(f64::round);
        let x = if mirrored { last - x } else { x };
        if (0.0..=last).contains(&x) && (0.0..=last).contains(&y) {
            let at = y as usize * PICTURE + x as usize;
            alpha[i] = f32::from(u8::from(other.classes[at] == parsed::HAIR));
            colours[i] = [0, 1, 2].map(|c| f32::from(other.picture[3 * at + c]) / 255.0);
        }
    }
    Layer::filled(Kind::Hair, alpha, |i| colours[i]).softened()
}
