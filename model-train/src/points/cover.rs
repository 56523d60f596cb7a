//! What lies over a face: its shape and what it is filled with.

use std::f32::consts::TAU;

use mde_core::alignment::{Affine, Point};
use mde_core::mask::Strokes;
use mde_core::occlusion::{Occlusion, Rect};
use mde_core::points::{FROM_FACE_CROP, SIZE};
use rand::RngExt;
use rand_pcg::Pcg64;

use super::sample::{AREA, PointFaces, pixels};

/// Share of the mouths among the parts of the face, beside what falls to each: where they are tells
/// the rest of the face least of.
const MOUTHS: f64 = 0.2;

/// A part of the face that cannot be seen.
pub struct Cover {
    shape: Shape,
    /// What is seen instead.
    pub fill: Fill,
}

/// Which pixels are covered.
enum Shape {
    /// Parts of the face, by where they are on the 96x96 face crop, and how far off they lie.
    Parts(Vec<Occlusion>, Affine),
    /// Pixels of the net's crop.
    Pixels(Vec<bool>),
}

impl Cover {
    /// A random one.
    pub fn draw(faces: &PointFaces, rng: &mut Pcg64) -> Self {
        let shape = match rng.random_range(0..20) {
            0..=12 => Shape::parts(rng),
            13..=16 => Shape::blocks(rng),
            _ => Shape::strokes(rng),
        };
        Self {
            shape,
            fill: Fill::draw(faces, rng),
        }
    }

    /// A part of the face, exactly.
    pub fn of_part(part: Occlusion, fill: Fill) -> Self {
        Self {
            shape: Shape::Parts(vec![part], Affine::IDENTITY),
            fill,
        }
    }

    /// Nothing but the fill is seen.
    pub fn whole(fill: Fill) -> Self {
        Self {
            shape: Shape::Pixels(vec![true; AREA]),
            fill,
        }
    }

    /// The covered pixels of a crop on which the face lies as `placement` maps it.
    pub fn covered(&self, placement: &Affine) -> Vec<bool> {
        match &self.shape {
            Shape::Parts(parts, off) => {
                let to_crop = off.then(&FROM_FACE_CROP).then(placement);
                inside(parts, &to_crop)
            }
            Shape::Pixels(pixels) => pixels.clone(),
        }
    }
}

/// The crop's pixels inside any of `parts`, which `to_crop` maps onto it.
fn inside(parts: &[Occlusion], to_crop: &Affine) -> Vec<bool> {
    let to_face = to_crop.inverse().unwrap_or(Affine::IDENTITY);
    let contains = |rect: Rect, [x, y]: Point| {
        let span = |from: usize, to: usize| from as f64 - 0.5..to as f64 - 0.5;
        span(rect.x0, rect.x1).contains(&x) && span(rect.y0, rect.y1).contains(&y)
    };
    pixels()
        .map(|p| {
            let p = to_face.apply(p);
            parts.iter().any(|part| contains(part.rect(), p))
        })
        .collect()
}

impl Shape {
    fn parts(rng: &mut Pcg64) -> Self {
        let any = |rng: &mut Pcg64| match rng.random_bool(MOUTHS) {
            true => Occlusion::Mouth,
            false => Occlusion::ALL[rng.random_range(0..Occlusion::ALL.len())],
        };
        let mut parts = vec![any(rng)];
        if rng.random_bool(0.12) {
            parts.push(any(rng));
        }
        // Where a cover lies tells something of the face, but not everything.
        let reach = if rng.random() { 1.5 } else { 5.0 };
        let mut within = |most: f64| most * rng.random_range(-1.0..1.0);
        let scale = within(0.04 * reach).exp();
        let turn = within(2.5 * reach).to_radians();
        let shift = [within(reach), within(reach)];
        let off = Affine::about([47.5; 2], turn, scale, shift);
        Self::Parts(parts, off)
    }

    fn blocks(rng: &mut Pcg64) -> Self {
        let mut covered = vec![false; AREA];
        for _ in 0..rng.random_range(1..=3) {
            let [width, height] = [0; 2].map(|_| rng.random_range(6..=36));
            let [x0, y0] = [width, height].map(|side| rng.random_range(0..SIZE - side));
            let block = Rect::new(x0, y0, x0 + width, y0 + height);
            for (i, covered) in covered.iter_mut().enumerate() {
                *covered |= block.contains(i % SIZE, i / SIZE);
            }
        }
        Self::Pixels(covered)
    }

    fn strokes(rng: &mut Pcg64) -> Self {
        let mask = Strokes::default().sample(SIZE, SIZE, rng);
        Self::Pixels(mask.as_slice()[..AREA].iter().map(|&v| v == 0.0).collect())
    }
}

/// What is seen instead of the face.
pub enum Fill {
    /// One colour.
    Plain([f32; 3]),
    /// A picture, `[64, 64, 3]`.
    Picture(Vec<f32>),
}

impl Fill {
    /// A random one.
    pub fn draw(faces: &PointFaces, rng: &mut Pcg64) -> Self {
        match rng.random_range(0..12) {
            0 | 1 => Self::Plain([rng.random_range(0.35..0.65); 3]),
            2 | 3 => Self::Plain([0.0; 3]),
            4 => Self::Plain(match rng.random() {
                true => [1.0; 3],
                false => rng.random(),
            }),
            5 | 6 => Self::noise(rng),
            7 => Self::waves(rng),
            8 => Self::piece(faces, rng),
            _ => Self::piece(faces, rng).recoloured(rng),
        }
    }

    /// Independent values, all colours or greys alone.
    pub fn noise(rng: &mut Pcg64) -> Self {
        let grey: bool = rng.random();
        let contrast = rng.random_range(0.2..1.0);
        let value = |v: f32| 0.5 + contrast * (v - 0.5);
        let pixels = (0..AREA).flat_map(|_| {
            let pixel = if grey {
                [rng.random(); 3]
            } else {
                rng.random()
            };
            pixel.map(value)
        });
        Self::Picture(pixels.collect())
    }

    /// Crossing waves of colour, from stripes to plasma.
    fn waves(rng: &mut Pcg64) -> Self {
        let mut picture = vec![0.5; AREA * 3];
        for _ in 0..rng.random_range(1..=4) {
            let [u, v] = [0; 2].map(|_| rng.random_range(-1.6f32..1.6));
            let phase = rng.random_range(0.0..TAU);
            let colour: [f32; 3] = rng.random();
            for (pixel, [x, y]) in picture.chunks_exact_mut(3).zip(pixels()) {
                let wave = (u * x as f32 + v * y as f32 + phase).sin();
                for (value, strength) in pixel.iter_mut().zip(colour) {
                    *value = (*value + 0.4 * wave * strength).clamp(0.0, 1.0);
                }
            }
        }
        Self::Picture(picture)
    }

    /// A piece of any picture, turned and scaled.
    pub fn piece(faces: &PointFaces, rng: &mut Pcg64) -> Self {
        // Up to whole pictures on a cover.
        let scale = rng.random_range(0.3f64.ln()..6f64.ln()).exp();
        let (sin, cos) = rng.random_range(0.0..f64::from(TAU)).sin_cos();
        let to_picture = Affine {
            linear: [[scale * cos, -scale * sin], [scale * sin, scale * cos]],
            translation: [rng.random_range(0.0..144.0), rng.random_range(0.0..144.0)],
        };
        Self::Picture(faces.any(rng).read(&to_picture))
    }

    /// With each channel another one's values, brighter or darker, with more or less contrast or
    /// the negative: pieces of faces have the colours and the contrast of faces, other things not.
    fn recoloured(self, rng: &mut Pcg64) -> Self {
        let Self::Picture(mut picture) = self else {
            return self;
        };
        let [from, gain, offset]: [[f32; 3]; 3] = [
            [0; 3].map(|_| rng.random_range(0.0..3.0)),
            [0; 3].map(|_| rng.random_range(-2.5..2.5)),
            rng.random(),
        ];
        for pixel in picture.chunks_exact_mut(3) {
            let old = [pixel[0], pixel[1], pixel[2]];
            for (channel, value) in pixel.iter_mut().enumerate() {
                let v = old[from[channel] as usize] - 0.5;
                *value = (offset[channel] + gain[channel] * v).clamp(0.0, 1.0);
            }
        }
        Self::Picture(picture)
    }

    /// Paints the `covered` pixels of `rgb` `[64, 64, 3]`.
    pub fn paint(&self, rgb: &mut [f32], covered: &[bool]) {
        for (i, pixel) in rgb.chunks_exact_mut(3).enumerate() {
            if covered[i] {
                pixel.copy_from_slice(match self {
                    Self::Plain(colour) => colour,
                    Self::Picture(picture) => &picture[3 * i..3 * i + 3],
                });
            }
        }
    }
}
