//! Drawn covers: shapes and what they are filled with. Lengths are crop pixels.

use std::f64::consts::{PI, TAU};

use mde_core::alignment::{Affine, Point};
use mde_core::covers::{Kind, SIDE};
use mde_core::mask::Strokes;
use rand::RngExt;
use rand_pcg::Pcg64;

use super::cutouts::{Library, any};
use super::layer::{AREA, Layer, blurred};
use super::pixels;

/// The side as a coordinate.
const S: f64 = SIDE as f64;
/// The least that smoke takes of a pixel that counts as covered, and what it takes of one that
/// counts in full.
const SMOKE: [f32; 2] = [0.15, 0.3];

/// A place that is more probably on the face than beside it.
pub fn place(rng: &mut Pcg64) -> Point {
    let mut near = |middle: f64, reach: f64| {
        middle + reach * (rng.random_range(-1.0..1.0) + rng.random_range(-1.0..1.0))
    };
    [near(64.0, 32.0), near(74.0, 34.0)]
}

/// How much of each pixel lies inside, where `distance` tells how far a place is from the edge,
/// inside negative.
pub fn inside(distance: impl Fn(Point) -> f64) -> Vec<f32> {
    pixels()
        .map(|at| (0.5 - distance(at)).clamp(0.0, 1.0) as f32)
        .collect()
}

/// Coordinates of a thing that lies turned by `angle` at `middle`.
pub fn turned([x, y]: Point, [mx, my]: Point, angle: f64) -> Point {
    let (sin, cos) = angle.sin_cos();
    let (dx, dy) = (x - mx, y - my);
    [dx * cos + dy * sin, dy * cos - dx * sin]
}

fn from_box([x, y]: Point, [half_width, half_height]: Point) -> f64 {
    (x.abs() - half_width).max(y.abs() - half_height)
}

/// A shape with anything in it.
pub fn filled(library: &Library, rng: &mut Pcg64) -> Layer {
    let alpha = match rng.random_range(0..12) {
        0..=2 => blob(rng),
        3..=5 => block(rng),
        6..=7 => bar(rng),
        8 => strokes(rng),
        9 => logo(rng),
        _ => text(rng),
    };
    let opacity = match rng.random_bool(0.12) {
        true => rng.random_range(0.6..0.95),
        false => 1.0,
    };
    let alpha = alpha.into_iter().map(|a| a * opacity).collect::<Vec<_>>();
    let found = alpha.iter().map(|a| a / opacity).collect();
    let mut layer = fill(Kind::Objects, alpha, library, rng);
    layer.found = Some(found);
    layer
}

/// A closed curve about a place, as smooth as its few waves.
fn blob(rng: &mut Pcg64) -> Vec<f32> {
    let middle = place(rng);
    let radius = rng.random_range(8.0..44.0);
    let waves: Vec<[f64; 2]> = (1..=5)
        .map(|k| {
            let most = 0.35 / f64::from(k);
            [rng.random_range(-most..most), rng.random_range(0.0..TAU)]
        })
        .collect();
    let flat = rng.random_range(0.5..1.0);
    let angle = rng.random_range(0.0..PI);
    inside(|at| {
        let [x, y] = turned(at, middle, angle);
        let (y, direction) = (y / flat, (y / flat).atan2(x));
        let bulge: f64 = (waves.iter().zip(1..))
            .map(|([height, phase], k)| height * (f64::from(k) * direction + phase).sin())
            .sum();
        x.hypot(y) - radius * (1.0 + bulge)
    })
}

fn block(rng: &mut Pcg64) -> Vec<f32> {
    let middle = place(rng);
    let half = [rng.random_range(5.0..54.0), rng.random_range(5.0..40.0)];
    let angle = match rng.random() {
        true => 0.0,
        false => rng.random_range(-0.8..0.8),
    };
    let round = rng.random_range(0.0..8.0);
    inside(|at| {
        let [x, y] = turned(at, middle, angle);
        let [x, y] = [(x.abs() - half[0]).max(0.0), (y.abs() - half[1]).max(0.0)];
        match round > 1.0 && x > 0.0 && y > 0.0 {
            true => x.hypot(y) - round,
            false => from_box(turned(at, middle, angle), half) - round,
        }
    })
}

/// A bar right across.
fn bar(rng: &mut Pcg64) -> Vec<f32> {
    let middle = place(rng);
    let half = [200.0, rng.random_range(2.0..20.0)];
    let angle = match rng.random() {
        true => rng.random_range(-0.25..0.25),
        false => rng.random_range(0.0..PI),
    };
    inside(|at| from_box(turned(at, middle, angle), half))
}

fn strokes(rng: &mut Pcg64) -> Vec<f32> {
    let mask = Strokes::default().sample(SIDE, SIDE, rng);
    mask.as_slice()[..AREA].iter().map(|&v| 1.0 - v).collect()
}

/// A ring, a star or a disc, some with another inside.
fn logo(rng: &mut Pcg64) -> Vec<f32> {
    let middle = place(rng);
    let radius = rng.random_range(6.0..26.0);
    let ring = rng
        .random_bool(0.4)
        .then(|| radius * rng.random_range(0.4..0.8));
    let (rays, depth) = (
        f64::from(rng.random_range(3..8)),
        rng.random_range(0.0..0.5),
    );
    inside(|at| {
        let [x, y] = turned(at, middle, 0.0);
        let edge = radius * (1.0 - depth * (0.5 + 0.5 * (rays * y.atan2(x)).cos()));
        let outer = x.hypot(y) - edge;
        ring.map_or(outer, |ring| outer.max(ring - x.hypot(y)))
    })
}

/// Lines of letters, each of a few strokes on a grid of 2 by 3.
fn text(rng: &mut Pcg64) -> Vec<f32> {
    let height = rng.random_range(7.0..26.0);
    let pen = height * rng.random_range(0.07..0.14);
    let width = 0.55 * height;
    let lines = rng.random_range(1..=2);
    let [_, top] = place(rng);
    let left = rng.random_range(-10.0..50.0);
    let letters = ((S - left) / (width * 1.4)).min(rng.random_range(3.0..14.0)) as usize;
    let mut segments = Vec::new();
    for line in 0..lines {
        for letter in 0..letters {
            if rng.random_bool(0.12) {
                continue;
            }
            let origin = [
                left + 1.4 * width * letter as f64,
                top + 1.5 * height * f64::from(line),
            ];
            let mut corner = || {
                let (x, y) = (rng.random_range(0..2), rng.random_range(0..3));
                [
                    origin[0] + width * f64::from(x),
                    origin[1] + height / 2.0 * f64::from(y),
                ]
            };
            let mut from = corner();
            for _ in 0..4 {
                let to = corner();
                segments.push((from, to));
                from = to;
            }
        }
    }
    let mut alpha = vec![0.0; AREA];
    for (from, to) in segments {
        stroke(&mut alpha, from, to, [pen, pen]);
    }
    alpha
}

/// A line with round ends that goes from one radius to another, over what `alpha` has.
pub fn stroke(alpha: &mut [f32], from: Point, to: Point, radii: [f64; 2]) {
    let most = radii[0].max(radii[1]) + 1.0;
    let span = |a: f64, b: f64| {
        let first = (a.min(b) - most).floor().max(0.0) as usize;
        let end = (a.max(b) + most).ceil().clamp(0.0, S) as usize;
        first..end
    };
    let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    let length = (dx * dx + dy * dy).max(1e-9);
    for y in span(from[1], to[1]) {
        for x in span(from[0], to[0]) {
            let [u, v] = [x as f64 - from[0], y as f64 - from[1]];
            let along = ((u * dx + v * dy) / length).clamp(0.0, 1.0);
            let off = (u - along * dx).hypot(v - along * dy);
            let radius = radii[0] + along * (radii[1] - radii[0]);
            let share = (0.5 + radius - off).clamp(0.0, 1.0) as f32;
            let at = &mut alpha[y * SIDE + x];
            *at = at.max(share);
        }
    }
}

/// A microphone: a head, a handle that goes down, both round.
pub fn microphone(rng: &mut Pcg64) -> Layer {
    let head = [rng.random_range(30.0..98.0), rng.random_range(72.0..122.0)];
    let radius = rng.random_range(7.0..26.0);
    let flat = rng.random_range(0.75..1.0);
    let angle = rng.random_range(-1.4..1.4);
    let neck = radius * rng.random_range(0.3..0.8);
    let grey = rng.random_range(0.02f32..0.6);
    // Caps of foam come in all colours.
    let tint = match rng.random_bool(0.2) {
        true => [0; 3].map(|_| rng.random_range(0.1f32..2.0)),
        false => [0; 3].map(|_| rng.random_range(0.85f32..1.15)),
    };
    let foam: bool = rng.random();
    let mesh = rng.random_range(1.0..2.2);
    let handle = |at: Point| {
        let [x, y] = turned(at, head, angle);
        from_box([x, y - 100.0], [neck, 100.0])
    };
    let ball = |at: Point| {
        let [x, y] = turned(at, head, angle);
        (x / flat).hypot(y) - radius
    };
    let alpha = inside(|at| handle(at).min(ball(at)));
    let places: Vec<Point> = pixels().collect();
    Layer::filled(Kind::Objects, alpha, |i| {
        let at = places[i];
        let [x, y] = turned(at, head, angle);
        let across = if ball(at) < 0.5 { x / radius } else { x / neck };
        let mut light = 1.15 - 0.75 * (across - 0.25).powi(2);
        if ball(at) < 0.5 {
            let pattern = match foam {
                true => rng.random_range(-0.25..0.25),
                false => 0.5 * (mesh * x * 1.4).sin() * (mesh * y * 1.4).sin(),
            };
            light += pattern;
        }
        tint.map(|t| (t * (grey * light as f32 + 0.04)).clamp(0.0, 1.0))
    })
}

/// What is thin and is held to or in the mouth: a cigarette, a straw, a pencil, a spoon's handle.
pub fn rod(rng: &mut Pcg64) -> Layer {
    let from = [rng.random_range(42.0..86.0), rng.random_range(82.0..102.0)];
    let angle = rng.random_range(-0.6..PI + 0.6);
    let length = rng.random_range(14.0..90.0);
    let to = [
        from[0] + length * angle.cos(),
        from[1] + length * angle.sin(),
    ];
    let radius = rng.random_range(1.2..6.0);
    let mut alpha = vec![0.0; AREA];
    stroke(
        &mut alpha,
        from,
        to,
        [radius, radius * rng.random_range(0.6..1.5)],
    );
    let base: [f32; 3] = match rng.random() {
        true => [rng.random_range(0.6..1.0); 3],
        false => rng.random(),
    };
    let places: Vec<Point> = pixels().collect();
    Layer::filled(Kind::Objects, alpha, |i| {
        let [_, across] = turned(places[i], from, angle);
        let light = 1.1 - 0.35 * (across / radius - 0.3).powi(2).min(2.0) as f32;
        base.map(|v| (v * light).clamp(0.0, 1.0))
    })
}

/// A cup or a glass: wider above, shaded across, with a rim.
pub fn cup(library: &Library, rng: &mut Pcg64) -> Layer {
    let top = [rng.random_range(30.0..98.0), rng.random_range(66.0..110.0)];
    let half = rng.random_range(14.0..32.0);
    let taper = rng.random_range(0.0..0.2);
    let height = rng.random_range(40.0..120.0);
    let angle = rng.random_range(-0.5..0.5);
    let rim = half * rng.random_range(0.05..0.35);
    let colour: [f32; 3] = match rng.random() {
        true => [rng.random_range(0.5..1.0); 3],
        false => rng.random(),
    };
    let label = rng.random_bool(0.4).then(|| any(&library.textures, rng));
    let alpha = inside(|at| {
        let [x, y] = turned(at, top, angle);
        let width = half * (1.0 - taper * (y / height).clamp(0.0, 1.0));
        let body = from_box([x, y - height / 2.0], [width, height / 2.0]);
        body.min((x / half).hypot(y / rim) * rim - rim)
    });
    let places: Vec<Point> = pixels().collect();
    Layer::filled(Kind::Objects, alpha, |i| {
        let [x, y] = turned(places[i], top, angle);
        let light = 1.1 - 0.6 * (x / half - 0.3).powi(2);
        let is_rim = (x / half).hypot(y / rim) < 1.0;
        let light = if is_rim { 0.6 * light } else { light } as f32;
        let base = match &label {
            Some(texture) if y > 0.2 * height => texture.tiled([x + 60.0, y]),
            _ => colour,
        };
        base.map(|v| (v * light).clamp(0.0, 1.0))
    })
}

/// Smoke: clouds of a few sizes, half transparent.
pub fn smoke(rng: &mut Pcg64) -> Layer {
    let mut cloud = vec![0.0f32; AREA];
    for octave in 0..4 {
        let cells = 3 << octave;
        let values: Vec<f32> = (0..(cells + 1) * (cells + 1))
            .map(|_| rng.random())
            .collect();
        let weight = 0.6f32.powi(octave);
        for (sum, [x, y]) in cloud.iter_mut().zip(pixels()) {
            let (u, v) = (x / S * cells as f64, y / S * cells as f64);
            let (column, row) = (u as usize, v as usize);
            let (a, b) = (smooth(u - column as f64), smooth(v - row as f64));
            let at = |dx, dy| values[(row + dy) * (cells + 1) + column + dx];
            let above = at(0, 0) + a * (at(1, 0) - at(0, 0));
            let below = at(0, 1) + a * (at(1, 1) - at(0, 1));
            *sum += weight * (above + b * (below - above));
        }
    }
    let middle = place(rng);
    let reach = rng.random_range(25.0..70.0);
    let most = rng.random_range(0.55f32..0.98);
    let least = rng.random_range(0.8f32..1.05);
    let alpha: Vec<f32> = (cloud.iter().zip(pixels()))
        .map(|(v, [x, y])| {
            let near = 1.0 - ((x - middle[0]).hypot(y - middle[1]) / reach).min(1.0) as f32;
            (most * (2.5 * (v - least) + 1.2 * near)).clamp(0.0, most)
        })
        .collect();
    let alpha = blurred(&alpha, 1);
    let grey = rng.random_range(0.45f32..1.0);
    let tint = [0; 3].map(|_| rng.random_range(0.93f32..1.07));
    let [from, to] = SMOKE;
    let found = alpha
        .iter()
        .map(|a| ((a - from) / (to - from)).clamp(0.0, 1.0));
    let found = found.collect();
    let mut layer = Layer::filled(Kind::Objects, alpha, |i| {
        tint.map(|t| (t * grey * (0.85 + 0.1 * cloud[i])).clamp(0.0, 1.0))
    });
    layer.found = Some(found);
    layer
}

fn smooth(t: f64) -> f32 {
    (t * t * (3.0 - 2.0 * t)) as f32
}

/// `alpha` filled with one colour, a gradient, waves, noise or a texture.
pub fn fill(kind: Kind, alpha: Vec<f32>, library: &Library, rng: &mut Pcg64) -> Layer {
    let colour = |rng: &mut Pcg64| -> [f32; 3] {
        match rng.random_range(0..5) {
            0 => [0.0; 3],
            1 => [1.0; 3],
            2 => [rng.random(); 3],
            _ => rng.random(),
        }
    };
    let (one, other) = (colour(rng), colour(rng));
    match rng.random_range(0..12) {
        // Cloth, walls, bars and blocks are plain more often than not.
        0..=4 => Layer::filled(kind, alpha, |_| one),
        5 => {
            let [u, v] = [0; 2].map(|_| rng.random_range(-0.015f32..0.015));
            Layer::filled(kind, alpha, |i| {
                let [x, y] = [(i % SIDE) as f32, (i / SIDE) as f32];
                let t = (0.5 + u * (x - 64.0) + v * (y - 64.0)).clamp(0.0, 1.0);
                [0, 1, 2].map(|c| one[c] + t * (other[c] - one[c]))
            })
        }
        6 => {
            let [u, v] = [0; 2].map(|_| rng.random_range(-1.0f32..1.0));
            Layer::filled(kind, alpha, |i| {
                let wave = (u * (i % SIDE) as f32 + v * (i / SIDE) as f32).sin();
                let t = 0.5 + 0.5 * wave;
                [0, 1, 2].map(|c| one[c] + t * (other[c] - one[c]))
            })
        }
        7 => Layer::filled(kind, alpha, |_| rng.random()),
        _ => {
            let texture = any(&library.textures, rng);
            let to_texture = anywhere(rng);
            Layer::filled(kind, alpha, |i| {
                let at = [(i % SIDE) as f64, (i / SIDE) as f64];
                texture.tiled(to_texture.apply(at))
            })
        }
    }
}

/// From a crop onto some part of a texture.
pub fn anywhere(rng: &mut Pcg64) -> Affine {
    let scale = rng.random_range(0.4f64.ln()..2.5f64.ln()).exp();
    let shift = [0; 2].map(|_| rng.random_range(0.0..192.0));
    Affine::about([0.0; 2], rng.random_range(0.0..TAU), scale, shift)
}
