//! What cameras and recordings do to a picture: exposure, colour cast, lost sharpness, noise,
//! compression, a lost channel.

use std::io::Cursor;

use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::{DynamicImage, ExtendedColorType};
use rand::RngExt;
use rand_pcg::Pcg64;

/// One camera's doing.
pub struct Light {
    gains: [f32; 3],
    offset: f32,
    gamma: f32,
    grey: bool,
    /// Times the picture is blurred.
    blurs: usize,
    /// Standard deviation of the noise, if any.
    noise: f32,
    /// Quality, where the picture is compressed.
    jpeg: Option<u8>,
    /// A channel that is lost, and what it holds instead; nothing is noise.
    lost: Option<(usize, Option<f32>)>,
}

impl Light {
    /// A random one.
    pub fn draw(rng: &mut Pcg64) -> Self {
        let exposure = rng.random_range(-0.45f32..0.35).exp();
        Self {
            gains: [0; 3].map(|_| exposure * rng.random_range(0.85..1.15)),
            offset: rng.random_range(-0.12..0.12),
            gamma: rng.random_range(-0.35f32..0.35).exp(),
            grey: rng.random_bool(0.1),
            blurs: *[0, 0, 0, 1, 1, 2, 4]
                .get(rng.random_range(0..7))
                .unwrap_or(&0),
            noise: if rng.random_bool(0.3) {
                rng.random_range(0.005..0.06)
            } else {
                0.0
            },
            jpeg: rng.random_bool(0.25).then(|| rng.random_range(20..90)),
            lost: rng.random_bool(0.12).then(|| {
                let held = match rng.random_range(0..6) {
                    0..=3 => Some(0.0),
                    4 => Some(rng.random()),
                    _ => None,
                };
                (rng.random_range(0..3), held)
            }),
        }
    }

    /// That of a good camera in good light.
    pub fn mild(rng: &mut Pcg64) -> Self {
        let exposure = rng.random_range(-0.15f32..0.12).exp();
        Self {
            gains: [0; 3].map(|_| exposure * rng.random_range(0.95..1.05)),
            offset: rng.random_range(-0.03..0.03),
            gamma: rng.random_range(-0.12f32..0.12).exp(),
            grey: false,
            blurs: rng.random_range(0..2),
            noise: rng.random_range(0.0..0.015),
            jpeg: None,
            lost: None,
        }
    }

    /// Changes `rgb` `[side, side, 3]` in `[0, 1]` as this camera would.
    pub fn shine_on(&self, rgb: &mut Vec<f32>, side: usize, rng: &mut Pcg64) {
        for pixel in rgb.chunks_exact_mut(3) {
            for (value, gain) in pixel.iter_mut().zip(self.gains) {
                *value = (*value * gain + self.offset)
                    .clamp(0.0, 1.0)
                    .powf(self.gamma);
            }
            if self.grey {
                let luma = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
                pixel.fill(luma);
            }
        }
        for _ in 0..self.blurs {
            *rgb = blurred(rgb, side);
        }
        if self.noise > 0.0 {
            for value in rgb.iter_mut() {
                // Three uniform values sum up to about a normal one of variance 1.
                let normal: f32 = (0..3).map(|_| rng.random_range(-1.0f32..1.0)).sum();
                *value = (*value + self.noise * normal).clamp(0.0, 1.0);
            }
        }
        if let Some(quality) = self.jpeg {
            *rgb = compressed(rgb, side, quality).unwrap_or_else(|| std::mem::take(rgb));
        }
        if let Some((channel, held)) = self.lost {
            for pixel in rgb.chunks_exact_mut(3) {
                pixel[channel] = held.unwrap_or_else(|| rng.random());
            }
        }
    }
}

/// The binomial mean of 3x3 pixels.
fn blurred(rgb: &[f32], side: usize) -> Vec<f32> {
    let along = |from: &[f32], step: usize, place: &dyn Fn(usize) -> usize| -> Vec<f32> {
        (0..from.len())
            .map(|i| {
                let at = place(i / 3);
                let before = if at > 0 { from[i - step] } else { from[i] };
                let after = if at + 1 < side {
                    from[i + step]
                } else {
                    from[i]
                };
                0.25 * before + 0.5 * from[i] + 0.25 * after
            })
            .collect()
    };
    let rows = along(rgb, 3, &|pixel| pixel % side);
    along(&rows, 3 * side, &|pixel| pixel / side)
}

/// After a JPEG of `quality`; nothing where the codec fails.
fn compressed(rgb: &[f32], side: usize, quality: u8) -> Option<Vec<f32>> {
    let bytes: Vec<u8> = rgb.iter().map(|v| (v * 255.0).round() as u8).collect();
    let side = side as u32;
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality)
        .encode(&bytes, side, side, ExtendedColorType::Rgb8)
        .ok()?;
    let decoder = JpegDecoder::new(Cursor::new(file)).ok()?;
    let picture = DynamicImage::from_decoder(decoder).ok()?.into_rgb8();
    Some(picture.iter().map(|&v| f32::from(v) / 255.0).collect())
}
