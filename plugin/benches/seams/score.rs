//! How good a seam is.

use mde_core::occlusion::Rect;

use super::clips::Image;
use super::scene::{HEIGHT, Scene, WIDTH};

/// Crop pixels from a hole within which its surroundings are.
const AROUND: f64 = 12.0;

/// Sums over frames.
#[derive(Default)]
pub struct Score {
    /// Squared errors within 6 crop pixels of the border, within 6 frame pixels, and in the hole.
    errors: [f64; 3],
    values: [f64; 3],
    /// Of neighbours on both sides of the border, by how much their difference is wrong.
    steps: f64,
    pairs: f64,
    /// Sizes of the finest texture inside and around.
    textures: [Vec<f64>; 2],
}

impl Score {
    /// Adds `found`, the completion of the `hole` in `scene`.
    pub fn add(&mut self, scene: &Scene, found: &Image, hole: Rect) {
        let wanted = &scene.image;
        let bands = [6.0, 6.0 * scene.scale(), f64::INFINITY];
        let depth = |x: usize, y: usize| scene.depth(hole, x, y);
        for y in 1..HEIGHT - 1 {
            for x in 1..WIDTH - 1 {
                let here = depth(x, y);
                if here > 0.0 {
                    let error = squared_error(found, wanted, x, y);
                    for (band, (sum, count)) in bands
                        .iter()
                        .zip(self.errors.iter_mut().zip(&mut self.values))
                    {
                        if here <= *band {
                            *sum += error;
                            *count += 3.0;
                        }
                    }
                    for (u, v) in [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)] {
                        if depth(u, v) <= 0.0 {
                            let step = |image: &Image| luma(image, x, y) - luma(image, u, v);
                            self.steps += (step(found) - step(wanted)).abs();
                            self.pairs += 1.0;
                        }
                    }
                }
                if here > 1.0 {
                    self.textures[0].push(texture(found, x, y).abs());
                } else if here < -1.0 && here > -AROUND {
                    self.textures[1].push(texture(found, x, y).abs());
                }
            }
        }
    }

    /// In dB within 6 crop pixels of the border, within 6 frame pixels, and in the whole hole.
    pub fn psnr(&self) -> [f64; 3] {
        [0, 1, 2].map(|i| 10.0 * (255.0 * 255.0 * self.values[i] / self.errors[i]).log10())
    }

    /// By how many steps of 8 bits the difference across the border is wrong.
    pub fn step(&self) -> f64 {
        self.steps / self.pairs
    }

    /// The finest texture of luma inside the hole and around it: what standard deviation of white
    /// noise, in steps of 8 bits, would have it.
    pub fn textures(&self) -> [f64; 2] {
        self.textures.each_ref().map(|sizes| {
            let mut sizes = sizes.clone();
            sizes.sort_by(f64::total_cmp);
            sizes[sizes.len() / 2] / 0.6745 / 6.0
        })
    }
}

fn value(image: &Image, x: usize, y: usize, channel: usize) -> f64 {
    f64::from(image.pixels[3 * (y * WIDTH + x) + channel])
}

fn luma(image: &Image, x: usize, y: usize) -> f64 {
    let weights = [0.2126, 0.7152, 0.0722];
    (0..3).map(|c| weights[c] * value(image, x, y, c)).sum()
}

fn squared_error(a: &Image, b: &Image, x: usize, y: usize) -> f64 {
    let error = |c: usize| value(a, x, y, c) - value(b, x, y, c);
    (0..3).map(|c| error(c).powi(2)).sum()
}

fn texture(image: &Image, x: usize, y: usize) -> f64 {
    let row = |y: usize| luma(image, x - 1, y) - 2.0 * luma(image, x, y) + luma(image, x + 1, y);
    row(y - 1) - 2.0 * row(y) + row(y + 1)
}
