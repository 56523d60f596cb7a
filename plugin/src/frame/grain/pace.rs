//! How fast grain changes from frame to frame.

use std::f32::consts::FRAC_PI_2;

use super::noise::{hash, size_of_median};

/// Texture of more than this many times its usual size is that of edges, which stay in their places
/// whatever grain does.
const LARGEST: f32 = 3.0;

/// Grain of which less stays is another in each frame.
const LEAST: f32 = 0.5;

/// Two fields of noise, and how much of each a frame has. As they have nothing to do with each
/// other, the squares of both shares add up to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fields {
    pub seeds: [u64; 2],
    pub shares: [f32; 2],
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            seeds: [0; 2],
            shares: [1.0, 0.0],
        }
    }
}

/// Goes from one field of noise to the next as fast as the finest texture of the frames does: film
/// has other grain in each frame, while skin, walls and what a video encoder leaves out stay as they
/// were.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// Where the frame before was looked at.
    places: Vec<[usize; 2]>,
    /// The finest texture it had there.
    texture: Vec<f32>,
    sizes: Vec<f32>,
    frame: Option<u64>,
    fields: Fields,
    /// How far the way to the second field is gone, in `[0, 1)`.
    phase: f32,
}

impl Pace {
    /// Whether `frame`, a number that tells it from others, is another than the last.
    pub fn is_new(&self, frame: u64) -> bool {
        self.frame != Some(frame)
    }

    /// Where the last frame was looked at.
    pub fn places(&self) -> &[[usize; 2]] {
        &self.places
    }

    /// Goes on to `frame`, whose finest texture at [`Self::places`] is `texture`; nothing where
    /// those are no places of it.
    pub fn advance(&mut self, frame: u64, texture: Option<&[f32]>) {
        let next = hash(frame);
        let stays = texture.map_or(0.0, |texture| {
            correlation(&self.texture, texture, &mut self.sizes)
        });
        if self.frame.is_none() || stays < LEAST {
            self.fields.seeds = [next, hash(next)];
            self.phase = 0.0;
        } else {
            // On the way from one field to the other the correlation is the cosine of the angle.
            self.phase += stays.min(1.0).acos() / FRAC_PI_2;
            if self.phase >= 1.0 {
                self.phase -= 1.0;
                self.fields.seeds = [self.fields.seeds[1], next];
            }
        }
        let (sin, cos) = (self.phase * FRAC_PI_2).sin_cos();
        self.fields.shares = [cos, sin];
        self.frame = Some(frame);
        self.places.clear();
        self.texture.clear();
    }

    /// Remembers the last frame's finest `texture` at `places`.
    pub fn remember(&mut self, places: &[[usize; 2]], texture: &[f32]) {
        self.places.extend_from_slice(places);
        self.texture.extend_from_slice(texture);
    }

    /// The last frame's fields.
    pub fn fields(&self) -> Fields {
        self.fields
    }
}

/// The correlation of what is not large in `a` and `b`, which are of one length; 0 where that is
/// nothing. `sizes` is room for as many values.
fn correlation(a: &[f32], b: &[f32], sizes: &mut Vec<f32>) -> f32 {
    let mut limit = |values: &[f32]| {
        sizes.clear();
        sizes.extend_from_slice(values);
        LARGEST * size_of_median(sizes)
    };
    let (most_a, most_b) = (limit(a), limit(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        if a.abs() <= most_a && b.abs() <= most_b {
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
    }
    match aa * bb > 0.0 {
        true => ab / (aa * bb).sqrt(),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    fn noise(rng: &mut StdRng, count: usize) -> Vec<f32> {
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// A pace after frames of which each has `share` of the texture of the one before.
    fn after(frames: u64, share: f32) -> Vec<Fields> {
        let rng = &mut StdRng::seed_from_u64(1);
        let mut pace = Pace::default();
        let mut texture = noise(rng, 2000);
        let fields = (0..frames).map(|frame| {
            let other = noise(rng, 2000);
            for (value, other) in texture.iter_mut().zip(other) {
                *value = share * *value + (1.0 - share * share).sqrt() * other;
            }
            // Edges that stay.
            texture[..100].fill(50.0);
            pace.advance(frame, Some(&texture).filter(|_| frame > 0).map(|t| &t[..]));
            pace.remember(&[[0; 2]; 2000], &texture);
            pace.fields()
        });
        fields.collect()
    }

    /// What two mixtures of fields have in common.
    fn common(a: &Fields, b: &Fields) -> f32 {
        let mut sum = 0.0;
        for (seed, share) in a.seeds.iter().zip(a.shares) {
            for (other, part) in b.seeds.iter().zip(b.shares) {
                sum += if seed == other { share * part } else { 0.0 };
            }
        }
        sum
    }

    #[test]
    fn grain_stays_as_much_as_texture_does() {
        for share in [0.0, 0.8, 0.95] {
            let fields = after(200, share);
            let pairs = fields.windows(2).map(|f| common(&f[0], &f[1]));
            let mean = pairs.sum::<f32>() / 199.0;
            assert!((mean - share).abs() < 0.1, "{share}: {mean}");
        }
        assert!(
            after(5, 1.0)
                .windows(2)
                .all(|f| common(&f[0], &f[1]) > 0.999)
        );
    }

    #[test]
    fn a_frame_that_cannot_be_compared_begins_anew() {
        let mut pace = Pace::default();
        pace.advance(1, None);
        let first = pace.fields();
        pace.advance(2, None);
        assert_eq!(common(&first, &pace.fields()), 0.0);
        assert!(pace.is_new(3) && !pace.is_new(2));
    }
}
