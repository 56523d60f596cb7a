//! Something that lies before a face: how much of each pixel it takes, in which colour, and which
//! pixels count as covered.

use mde_core::alignment::{Affine, Point};
use mde_core::covers::{Kind, SIDE};
use rand::RngExt;
use rand_pcg::Pcg64;

use super::cutouts::Cutout;
use super::pixels;

/// Pixels of a crop.
pub const AREA: usize = SIDE * SIDE;

/// Something before a face, on the crop.
pub struct Layer {
    /// What it is.
    pub kind: Kind,
    /// How much of each pixel it takes, `[S, S]` in `[0, 1]`.
    pub alpha: Vec<f32>,
    /// Its colour times [`Self::alpha`], `[S, S, 3]`.
    pub rgb: Vec<f32>,
    /// How much of each pixel is to be found, where that is not what it takes: lenses are covers
    /// though one sees through them.
    pub found: Option<Vec<f32>>,
    /// Whether it has its light already.
    pub is_lit: bool,
}

impl Layer {
    /// What `colour` shows where `alpha` says.
    pub fn filled(kind: Kind, alpha: Vec<f32>, mut colour: impl FnMut(usize) -> [f32; 3]) -> Self {
        let mut rgb = vec![0.0; 3 * AREA];
        for (i, pixel) in rgb.chunks_exact_mut(3).enumerate() {
            if alpha[i] > 0.0 {
                pixel.copy_from_slice(&colour(i).map(|v| v * alpha[i]));
            }
        }
        Self {
            kind,
            alpha,
            rgb,
            found: None,
            is_lit: false,
        }
    }

    /// `cutout` where `to_cutout` maps the crop's pixels.
    pub fn of_cutout(kind: Kind, cutout: &Cutout, to_cutout: &Affine) -> Self {
        Self::read(kind, |at| cutout.at(to_cutout.apply(at)))
    }

    /// As [`Self::of_cutout`], and what is cut off at an edge goes on beyond it.
    pub fn of_part(kind: Kind, part: &Cutout, to_part: &Affine) -> Self {
        let (width, height) = part.size();
        Self::read(kind, |at| {
            let [x, y] = to_part.apply(at);
            part.at([x.clamp(0.0, width - 1.0), y.clamp(0.0, height - 1.0)])
        })
    }

    fn read(kind: Kind, mut cutout: impl FnMut(Point) -> [f32; 5]) -> Self {
        let mut alpha = Vec::with_capacity(AREA);
        let mut rgb = Vec::with_capacity(3 * AREA);
        let mut found = Vec::with_capacity(AREA);
        for at in pixels() {
            let [r, g, b, a, inside] = cutout(at);
            alpha.push(a);
            rgb.extend([r, g, b]);
            found.push(inside);
        }
        Self {
            kind,
            alpha,
            rgb,
            found: Some(found),
            is_lit: false,
        }
    }

    /// Which pixels are to be found, in `[0, 1]`.
    pub fn found(&self) -> &[f32] {
        self.found.as_deref().unwrap_or(&self.alpha)
    }

    /// With `other` behind it, as one cover of its kind.
    pub fn before(mut self, other: &Self) -> Self {
        let found = self.found().iter().zip(other.found());
        let found = found.map(|(a, b)| a.max(*b)).collect();
        for (i, pixel) in self.rgb.chunks_exact_mut(3).enumerate() {
            let through = 1.0 - self.alpha[i];
            for (v, behind) in pixel.iter_mut().zip(&other.rgb[3 * i..]) {
                *v += through * behind;
            }
        }
        for (alpha, behind) in self.alpha.iter_mut().zip(&other.alpha) {
            *alpha += (1.0 - *alpha) * behind;
        }
        self.found = Some(found);
        self
    }

    /// With edges as soft as a lens or a resampling leaves them.
    pub fn softened(mut self) -> Self {
        self.alpha = blurred(&self.alpha, 1);
        self.rgb = blurred(&self.rgb, 3);
        self
    }

    /// Smeared along a line of `length` pixels, as what moves is.
    pub fn smeared(mut self, angle: f32, length: usize) -> Self {
        let (sin, cos) = angle.sin_cos();
        let steps: Vec<[i32; 2]> = (0..=length)
            .map(|k| k as f32 - length as f32 / 2.0)
            .map(|t| [(t * cos).round() as i32, (t * sin).round() as i32])
            .collect();
        let smear = |from: &[f32], channels: usize| {
            let mut to = vec![0.0; from.len()];
            let last = SIDE as i32 - 1;
            for (i, pixel) in to.chunks_exact_mut(channels).enumerate() {
                let (x, y) = ((i % SIDE) as i32, (i / SIDE) as i32);
                for [dx, dy] in &steps {
                    let (x, y) = ((x + dx).clamp(0, last), (y + dy).clamp(0, last));
                    let at = (y as usize * SIDE + x as usize) * channels;
                    for (to, from) in pixel.iter_mut().zip(&from[at..at + channels]) {
                        *to += from / steps.len() as f32;
                    }
                }
            }
            to
        };
        self.alpha = smear(&self.alpha, 1);
        self.rgb = smear(&self.rgb, 3);
        self.found = self.found.as_ref().map(|found| smear(found, 1));
        self
    }

    /// Lit about as the face is: with colours drawn towards the mean `face` colour by the share
    /// `tone`, and brightness by the share `light`.
    pub fn lit_like(mut self, face: [f32; 3], tone: f32, light: f32, rng: &mut Pcg64) -> Self {
        let weight: f32 = self.alpha.iter().sum::<f32>().max(1.0);
        let mut mean = [0.0; 3];
        for pixel in self.rgb.chunks_exact(3) {
            for (mean, v) in mean.iter_mut().zip(pixel) {
                *mean += v / weight;
            }
        }
        let luma = |c: [f32; 3]| (c[0] + c[1] + c[2]).max(0.03);
        let all = (luma(face) / luma(mean)).powf(light) * rng.random_range(-0.3f32..0.3).exp();
        let gains = [0, 1, 2].map(|c| {
            let wanted = face[c].max(0.01) / mean[c].max(0.01) * luma(mean) / luma(face);
            all * wanted.powf(tone)
        });
        for (i, pixel) in self.rgb.chunks_exact_mut(3).enumerate() {
            for (v, gain) in pixel.iter_mut().zip(gains) {
                *v = (*v * gain).min(self.alpha[i]);
            }
        }
        self.is_lit = true;
        self
    }

    /// Darkens `rgb` `[S, S, 3]` by `strength` where its shadow falls, `shift` pixels away.
    pub fn cast_shadow(&self, rgb: &mut [f32], shift: [i32; 2], blurs: usize, strength: f32) {
        let mut shadow: Vec<f32> = (0..AREA)
            .map(|i| {
                let x = (i % SIDE) as i32 - shift[0];
                let y = (i / SIDE) as i32 - shift[1];
                let inside = (0..SIDE as i32).contains(&x) && (0..SIDE as i32).contains(&y);
                match inside {
                    true => self.alpha[y as usize * SIDE + x as usize],
                    false => 0.0,
                }
            })
            .collect();
        for _ in 0..blurs {
            shadow = blurred(&shadow, 1);
        }
        for (pixel, shadow) in rgb.chunks_exact_mut(3).zip(shadow) {
            for v in pixel {
                *v *= 1.0 - strength * shadow;
            }
        }
    }

    /// Lays it over `rgb` `[S, S, 3]`.
    pub fn lay_on(&self, rgb: &mut [f32]) {
        let layers = self.rgb.chunks_exact(3).zip(&self.alpha);
        for (pixel, (layer, alpha)) in rgb.chunks_exact_mut(3).zip(layers) {
            for (v, layer) in pixel.iter_mut().zip(layer) {
                *v = (*v * (1.0 - alpha) + layer).clamp(0.0, 1.0);
            }
        }
    }
}

/// The binomial mean of 3x3 pixels of `values` `[S, S, channels]`, at the edges of those there are.
pub fn blurred(values: &[f32], channels: usize) -> Vec<f32> {
    let row = SIDE * channels;
    let mut wide = values.to_vec();
    for (to, from) in wide.chunks_exact_mut(row).zip(values.chunks_exact(row)) {
        for i in 0..row {
            let before = if i >= channels {
                from[i - channels]
            } else {
                from[i]
            };
            let after = if i + channels < row {
                from[i + channels]
            } else {
                from[i]
            };
            to[i] = 0.25 * before + 0.5 * from[i] + 0.25 * after;
        }
    }
    let mut high = wide.clone();
    for y in 0..SIDE {
        let (above, below) = (y.saturating_sub(1) * row, (y + 1).min(SIDE - 1) * row);
        for i in 0..row {
            high[y * row + i] =
                0.25 * wide[above + i] + 0.5 * wide[y * row + i] + 0.25 * wide[below + i];
        }
    }
    high
}
