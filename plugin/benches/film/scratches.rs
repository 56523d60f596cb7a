//! Vertical scratches that are laid over the frames of a clip.

use rand::RngExt;
use rand::rngs::StdRng;

use super::clips::Image;
use super::lay::Laid;

/// Most scratches of a clip.
const MOST: usize = 3;
/// How often one goes aside by a pixel, as a share of the frames.
const WANDERS: f64 = 0.2;

/// A scratch of a clip.
struct Scratch {
    kind: String,
    /// Its first column in the middle of the frame's height, and columns.
    column: f32,
    width: usize,
    /// Columns that it goes aside for each row.
    slant: f32,
    rows: std::ops::Range<usize>,
    frames: std::ops::Range<usize>,
    tone: f32,
    share: f32,
}

impl Scratch {
    /// One of a clip of `count` frames of `size` = (width, height).
    fn drawn((width, height): (usize, usize), count: usize, random: &mut StdRng) -> Self {
        let is_whole = random.random_bool(0.5);
        let length = match is_whole {
            true => height,
            false => (height as f32 * random.random_range(0.3..0.9)) as usize,
        };
        let top = random.random_range(0..=height - length);
        let is_there_first = random.random_bool(0.5);
        let first = match is_there_first {
            true => 0,
            false => random.random_range(1..=count / 2),
        };
        let long = if is_whole { "whole" } else { "part of the" };
        let since = if is_there_first {
            "there from the start"
        } else {
            "coming later"
        };
        Self {
            kind: format!("scratches of the {long} height, {since}")
                .replace("the part of", "part of"),
            column: width as f32 * random.random_range(0.05..0.95),
            width: random.random_range(1..=5),
            slant: random.random_range(-0.01..0.01),
            rows: top..top + length,
            frames: first..count,
            tone: match random.random_bool(0.5) {
                true => random.random_range(215.0..255.0),
                false => random.random_range(0.0..40.0),
            },
            share: random.random_range(0.3..0.9),
        }
    }

    /// Lays it over `image`; gives the pixels.
    fn lay(&self, image: &mut Image) -> Vec<usize> {
        let mut pixels = Vec::new();
        for y in self.rows.clone() {
            let aside = self.slant * (y as f32 - image.height as f32 / 2.0);
            let first = (self.column + aside).max(0.0) as usize;
            for x in first..(first + self.width).min(image.width) {
                let at = y * image.width + x;
                for value in &mut image.pixels[3 * at..][..3] {
                    let laid = f32::from(*value) * (1.0 - self.share) + self.tone * self.share;
                    *value = laid.round() as u8;
                }
                pixels.push(at);
            }
        }
        pixels
    }
}

/// Lays scratches over the frames of a clip: one to three, from one to five pixels wide, which wander.
pub fn lay(frames: &[Image], random: &mut StdRng) -> Vec<(Image, Laid)> {
    let size = (frames[0].width, frames[0].height);
    let count = random.random_range(1..=MOST);
    let scratches = (0..count).map(|_| Scratch::drawn(size, frames.len(), random));
    let mut scratches: Vec<_> = scratches.collect();
    let mut damaged = Vec::new();
    for (number, image) in frames.iter().enumerate() {
        let mut image = image.clone();
        let mut laid = Laid::new();
        for scratch in &mut scratches {
            if scratch.frames.contains(&number) {
                laid.push((scratch.kind.clone(), scratch.lay(&mut image)));
            }
            if random.random_bool(WANDERS) {
                scratch.column += if random.random_bool(0.5) { 1.0 } else { -1.0 };
            }
        }
        damaged.push((image, laid));
    }
    damaged
}
