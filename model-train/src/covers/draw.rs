//! Draws a cover of a kind and where it lies.

use std::f64::consts::PI;

use mde_core::alignment::{Affine, FacePoints, Point};
use mde_core::covers::Kind;
use rand::RngExt;
use rand_pcg::Pcg64;

use super::arm;
use super::cloth;
use super::cutouts::{Cutout, Library, any};
use super::faces::{Framing, Seen};
use super::hair;
use super::layer::{AREA, Layer};
use super::parsed::Parsed;
use super::pixels;
use super::sample::{MIRROR, placement};
use super::shapes::{self, anywhere, place};
use crate::points::glasses::Glasses;

/// What covers are drawn from.
pub struct Sources<'a> {
    /// Pictures of covers.
    pub library: &'a Library,
    /// Faces whose hair, and casts of which, may be laid before others.
    pub parsed: &'a [Parsed],
    /// Real covers.
    pub seen: &'a [Seen],
}

/// How often a cover is a real one where there are such of its kind, and how far from where it was
/// it may lie, beside how far faces do.
const REAL: f64 = 0.4;
const REACH: f64 = 2.5;

impl Sources<'_> {
    /// A cover of `kind` for a face with these `points`, whose mean colour is `skin`.
    pub fn draw(&self, kind: Kind, points: &FacePoints, skin: [f32; 3], rng: &mut Pcg64) -> Layer {
        if rng.random_bool(REAL) {
            let of_kind: Vec<&Seen> = self.seen.iter().filter(|s| s.kind == kind).collect();
            if !of_kind.is_empty() {
                return in_place(of_kind[rng.random_range(0..of_kind.len())], rng);
            }
        }
        match kind {
            Kind::Objects => self.object(skin, rng),
            Kind::Masks => self.mask(rng),
            Kind::Sunglasses => self.sunglasses(points, rng),
            Kind::Glasses => self.glasses(points, rng),
            Kind::Hair => match self.parsed.is_empty() || rng.random() {
                true => hair::strands(rng),
                false => hair::of(&self.parsed[rng.random_range(0..self.parsed.len())], rng),
            },
        }
    }

    fn object(&self, skin: [f32; 3], rng: &mut Pcg64) -> Layer {
        match rng.random_range(0..20) {
            0..=6 => self.hand(skin, rng),
            7..=8 => {
                let height = rng.random_range(40.0..130.0);
                let lying = Lying {
                    middle: place(rng),
                    height,
                    stretch: rng.random_range(0.8..1.25),
                    angle: rng.random_range(-PI..PI),
                };
                lying.layer(Kind::Objects, any(&self.library.objects, rng), rng)
            }
            9..=10 => shapes::microphone(rng),
            11 => shapes::cup(self.library, rng),
            12 => shapes::smoke(rng),
            13 => shapes::rod(rng),
            _ => shapes::filled(self.library, rng),
        }
    }

    /// A hand, for the most part with the arm that it is on. It is the person's own more often than
    /// not: of the face's colour, in its light.
    fn hand(&self, skin: [f32; 3], rng: &mut Pcg64) -> Layer {
        let hand = any(&self.library.hands, rng);
        let lying = Lying {
            middle: place(rng),
            height: rng.random_range(60.0..170.0),
            stretch: rng.random_range(0.85..1.15),
            angle: rng.random_range(-1.6..1.6),
        };
        let to_hand = lying.to_cutout(hand, rng);
        let mut layer = Layer::of_cutout(Kind::Objects, hand, &to_hand);
        let arm = rng.random_bool(0.8).then(|| arm::of(hand, &to_hand, rng));
        let (bare, sleeve) = match arm.flatten() {
            Some(arm) if rng.random_bool(0.6) => (None, Some(arm.sleeve(self.library, rng))),
            Some(arm) => (Some(arm.bare(rng)), None),
            None => (None, None),
        };
        if let Some(bare) = &bare {
            layer = layer.before(bare);
        }
        if rng.random_bool(0.8) {
            let (tone, light) = (rng.random_range(0.5..1.0), rng.random_range(0.5..1.0));
            layer = layer.lit_like(skin, tone, light, rng);
        }
        match &sleeve {
            Some(sleeve) => layer.before(sleeve),
            None => layer,
        }
    }

    /// A mask or a scarf from somewhere on the nose down to the chin or beyond, or a mask of the face.
    fn mask(&self, rng: &mut Pcg64) -> Layer {
        match rng.random::<f64>() {
            v if v < 0.3 => return cloth::drawn(self.library, rng),
            v if v < 0.45 => return cloth::of_the_face(self.library, rng),
            v if v < 0.6 && !self.parsed.is_empty() => {
                let other = &self.parsed[rng.random_range(0..self.parsed.len())];
                return cloth::cast_of(other, rng);
            }
            _ => {}
        }
        let top = rng.random_range(58.0..84.0);
        let is_scarf = rng.random_bool(0.3);
        let bottom = match is_scarf {
            true => rng.random_range(118.0..165.0),
            false => rng.random_range(112.0..134.0),
        };
        let cutout = match is_scarf {
            true => any(&self.library.scarves, rng),
            false => any(&self.library.masks, rng),
        };
        let width = match is_scarf {
            true => rng.random_range(95.0..150.0),
            false => rng.random_range(78.0..118.0),
        };
        let height = bottom - top;
        let (w, h) = cutout.size();
        let lying = Lying {
            middle: [rng.random_range(58.0..70.0), (top + bottom) / 2.0],
            height,
            stretch: width / (w / h * height),
            angle: rng.random_range(-0.12..0.12),
        };
        let mut layer = lying.layer(Kind::Masks, cutout, rng);
        // Ear loops show the face between them and the mask: only what is opaque is found.
        layer.found = None;
        if rng.random_bool(0.35) {
            self.dye(&mut layer, rng);
        }
        layer
    }

    /// Gives a cloth another pattern or colour, and leaves it its folds.
    fn dye(&self, layer: &mut Layer, rng: &mut Pcg64) {
        let texture = any(&self.library.textures, rng);
        let to_texture = anywhere(rng);
        let plain: Option<[f32; 3]> = rng.random_bool(0.5).then(|| rng.random());
        let alpha = &layer.alpha;
        for (i, (pixel, at)) in layer.rgb.chunks_exact_mut(3).zip(pixels()).enumerate() {
            let fold = (pixel[0] + pixel[1] + pixel[2]) / 3.0 / alpha[i].max(0.01);
            let dye = plain.unwrap_or_else(|| texture.tiled(to_texture.apply(at)));
            for (v, dye) in pixel.iter_mut().zip(dye) {
                *v = (dye * (0.35 + 0.8 * fold)).min(1.0) * alpha[i];
            }
        }
    }

    fn sunglasses(&self, points: &FacePoints, rng: &mut Pcg64) -> Layer {
        if rng.random_bool(0.6) {
            let mut layer = worn(
                any(&self.library.sunglasses, rng),
                points,
                rng,
                Kind::Sunglasses,
            );
            let opacity = rng.random_range(0.82..1.0);
            for v in layer.rgb.iter_mut().chain(&mut layer.alpha) {
                *v *= opacity;
            }
            return layer;
        }
        let glasses = Glasses::draw(rng);
        let dark: [f32; 3] = match rng.random_bool(0.75) {
            true => [rng.random_range(0.0..0.12); 3],
            false => [0; 3].map(|_| rng.random_range(0.0..0.7)),
        };
        let (above, below) = (rng.random_range(0.75..1.0), rng.random_range(0.6..1.0));
        drawn(&glasses, points, Kind::Sunglasses, |[_, y]| {
            let t = ((y - 40.0) / 25.0).clamp(0.0, 1.0) as f32;
            (dark, above + t * (below - above))
        })
    }

    fn glasses(&self, points: &FacePoints, rng: &mut Pcg64) -> Layer {
        if rng.random() {
            return worn(any(&self.library.glasses, rng), points, rng, Kind::Glasses);
        }
        let glasses = Glasses::draw(rng);
        let (tint, share) = glasses.tint;
        let glare = rng.random_bool(0.3).then(|| {
            let [u, v] = [0; 2].map(|_| rng.random_range(-0.2..0.2));
            (u, v, rng.random_range(0.1f32..0.7))
        });
        drawn(&glasses, points, Kind::Glasses, |[x, y]| match glare {
            Some((u, v, strength)) => {
                let streak: f64 = (u * x + v * y).sin();
                ([0.95; 3], strength * (streak.max(0.3) as f32 - 0.3) / 0.7)
            }
            None => (tint, share),
        })
    }
}

/// How a picture of a cover lies on the crop.
struct Lying {
    middle: Point,
    /// In pixels.
    height: f64,
    /// Width over what the height gives.
    stretch: f64,
    /// In radians.
    angle: f64,
}

impl Lying {
    fn layer(&self, kind: Kind, cutout: &Cutout, rng: &mut Pcg64) -> Layer {
        Layer::of_cutout(kind, cutout, &self.to_cutout(cutout, rng))
    }

    /// From the crop to the picture of the cover, mirrored or not.
    fn to_cutout(&self, cutout: &Cutout, rng: &mut Pcg64) -> Affine {
        let (width, height) = cutout.size();
        let scale = height / self.height;
        let across = if rng.random() { scale } else { -scale } / self.stretch;
        let (sin, cos) = self.angle.sin_cos();
        let [x, y] = self.middle;
        let linear = [[across * cos, across * sin], [-scale * sin, scale * cos]];
        Affine {
            linear,
            translation: [
                (width - 1.0) / 2.0 - linear[0][0] * x - linear[0][1] * y,
                (height - 1.0) / 2.0 - linear[1][0] * x - linear[1][1] * y,
            ],
        }
    }
}

/// A real cover about where it was, or there on the other side.
fn in_place(seen: &Seen, rng: &mut Pcg64) -> Layer {
    let placed = placement(REACH, rng);
    let crop = match rng.random() {
        true => placed.then(&MIRROR),
        false => placed,
    };
    let to_part = crop.then(&Framing::celeba().to_picture());
    Layer::of_part(seen.kind, &seen.cutout, &to_part)
}

/// The picture of a pair of glasses, worn.
fn worn(cutout: &Cutout, points: &FacePoints, rng: &mut Pcg64, kind: Kind) -> Layer {
    let [left, right, ..] = points;
    let eyes = (right[0] - left[0]).hypot(right[1] - left[1]);
    let (width, height) = cutout.size();
    let wide = eyes * rng.random_range(1.85..2.35);
    let middle = [
        (left[0] + right[0]) / 2.0 + rng.random_range(-2.0..2.0),
        (left[1] + right[1]) / 2.0 + rng.random_range(-1.5..6.0),
    ];
    let lying = Lying {
        middle,
        height: wide * height / width,
        stretch: rng.random_range(0.9..1.1),
        angle: (right[1] - left[1]).atan2(right[0] - left[0]) + rng.random_range(-0.06..0.06),
    };
    lying.layer(kind, cutout, rng)
}

/// Drawn glasses with lenses as `lens` gives their colour and opacity at a place.
fn drawn(
    glasses: &Glasses,
    points: &FacePoints,
    kind: Kind,
    lens: impl Fn(Point) -> ([f32; 3], f32),
) -> Layer {
    let mut layer = Layer {
        kind,
        alpha: vec![0.0; AREA],
        rgb: vec![0.0; 3 * AREA],
        found: Some(vec![0.0; AREA]),
        is_lit: false,
    };
    let (Some(seen), Some(found)) = (glasses.on(points), &mut layer.found) else {
        return layer;
    };
    for (i, (pixel, at)) in layer.rgb.chunks_exact_mut(3).zip(pixels()).enumerate() {
        let (frame, inside) = seen(at);
        let (colour, opacity) = lens(at);
        let of_frame = frame * glasses.opacity;
        let of_lens = inside * opacity * (1.0 - of_frame);
        for ((v, lens), frame) in pixel.iter_mut().zip(colour).zip(glasses.colour) {
            *v = of_lens * lens + of_frame * frame.clamp(0.0, 1.0);
        }
        layer.alpha[i] = of_frame + of_lens;
        found[i] = frame.max(inside);
    }
    layer
}
