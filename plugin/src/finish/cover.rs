//! Covers that end where the hole does.
//!
//! A crop's pixel is a mean of the frame's pixels around it, so that beside a hole it has some of
//! the cover's colours. A generator that is told it were known goes on with them.

use mde_core::mask::CHANNELS;
use mde_core::occlusion::Rect;

/// Pixels on both sides of the border of which a channel differs by more may be a cover's and the
/// picture's.
const DIFFERENT: f32 = 0.06;

/// Of pairs that differ by less than this, less of the cover runs over the border, about a sixth of
/// the difference, than a generator is wrong by that is not told the colour there.
const GLARING: f32 = 0.35;

/// The part of the pairs along the border from which it is a cover that they show. Faces that are
/// not covered have 0.6 on average, and lose nothing but the blend where they have more.
const MOST: f32 = 0.8;

/// From a pixel of the hole to that beside it.
const SIDES: [[isize; 2]; 4] = [[-1, 0], [1, 0], [0, -1], [0, 1]];

/// A crop as it was read, also where something is missing.
#[derive(Clone, Copy, Debug)]
pub struct Crop<'a> {
    /// Width and height in pixels.
    pub size: (usize, usize),
    /// `[3, H, W]` in `[0, 1]`.
    pub image: &'a [f32],
    /// What is known of any crop, `[3, H, W]`: 0 in the hole that may be covered.
    pub cut: &'a [f32],
    /// The pixels around that hole.
    pub part: Rect,
}

/// Whether something covers the hole up to all of its border. If so, the pixels beside it that have
/// much of the cover's colours become missing in `mask`, `[3, H, W]` with 1 where known.
///
/// # Panics
/// If a slice has another length.
pub fn distrust_border(crop: &Crop<'_>, mask: &mut [f32]) -> bool {
    let values = CHANNELS * crop.size.0 * crop.size.1;
    for slice in [crop.image, crop.cut, mask] {
        assert_eq!(slice.len(), values, "three values a pixel");
    }
    let pairs = || SIDES.into_iter().flat_map(|side| crop.pairs(side));
    let (mut different, mut all) = (0, 0);
    for pair in pairs().filter(|pair| crop.is_known(mask, pair.beside)) {
        different += usize::from(crop.difference(pair) > DIFFERENT);
        all += 1;
    }
    let is_covered = different > 0 && different as f32 >= MOST * all as f32;
    if is_covered {
        for pair in pairs().filter(|pair| crop.difference(*pair) > GLARING) {
            for channel in 0..CHANNELS {
                mask[crop.at(channel, pair.beside)] = 0.0;
            }
        }
    }
    is_covered
}

/// Pixels across a hole's border.
#[derive(Clone, Copy, Debug)]
struct Pair {
    inside: usize,
    beside: usize,
    /// One further away, if there is one.
    outside: usize,
}

impl Crop<'_> {
    /// The pairs on one side of the hole.
    fn pairs(&self, [right, down]: [isize; 2]) -> impl Iterator<Item = Pair> {
        let (width, height) = self.size;
        let part = self.part;
        let step = move |at: usize, by: isize, side: usize| {
            at.checked_add_signed(by).filter(|at| *at < side)
        };
        let across = move |(x, y): (usize, usize)| {
            let (u, v) = (step(x, right, width)?, step(y, down, height)?);
            let (s, t) = (
                step(u, right, width).unwrap_or(u),
                step(v, down, height).unwrap_or(v),
            );
            let [inside, beside, outside] = [(x, y), (u, v), (s, t)].map(|(x, y)| y * width + x);
            let is_across = !self.is_known(self.cut, inside) && self.is_known(self.cut, beside);
            is_across.then_some(Pair {
                inside,
                beside,
                outside,
            })
        };
        (part.y0..part.y1)
            .flat_map(move |y| (part.x0..part.x1).map(move |x| (x, y)))
            .filter_map(across)
    }

    /// Whether any channel of a pixel is known.
    fn is_known(&self, mask: &[f32], at: usize) -> bool {
        (0..CHANNELS).any(|channel| mask[self.at(channel, at)] != 0.0)
    }

    /// The greatest difference across the border in a channel that is known beside it.
    fn difference(&self, pair: Pair) -> f32 {
        let of_channel = |channel: usize| {
            let [inside, beside, outside] =
                [pair.inside, pair.beside, pair.outside].map(|at| self.at(channel, at));
            (self.image[inside] - self.image[outside]).abs() * self.cut[beside]
        };
        (0..CHANNELS).map(of_channel).fold(0.0, f32::max)
    }

    fn at(&self, channel: usize, at: usize) -> usize {
        channel * self.size.0 * self.size.1 + at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::mask::Mask;
    use mde_core::occlusion::Occlusion;
    use proptest::prelude::*;

    const PIXELS: usize = 96 * 96;

    /// What becomes of the mask of a sloping picture with `cover` black, and whether it is covered.
    fn distrusted(cut: &Mask, cover: Rect) -> (Vec<f32>, bool) {
        let value = |i: usize| match cover.contains(i % 96, i % PIXELS / 96) {
            true => 0.0,
            false => 0.5 + 0.002 * (i % 96) as f32,
        };
        let image: Vec<f32> = (0..3 * PIXELS).map(value).collect();
        let mut mask = cut.as_slice().to_vec();
        let crop = Crop {
            size: (96, 96),
            image: &image,
            cut: cut.as_slice(),
            part: Occlusion::Eyes.rect(),
        };
        let is_covered = distrust_border(&crop, &mut mask);
        (mask, is_covered)
    }

    /// The pixels that are missing in `mask` and not in `cut`.
    fn dropped(cut: &Mask, mask: &[f32]) -> Vec<(usize, usize)> {
        let pairs = cut.as_slice()[PIXELS..].iter().zip(&mask[PIXELS..]);
        let dropped = pairs.take(PIXELS).enumerate().filter(|(_, (a, b))| a != b);
        dropped.map(|(i, _)| (i % 96, i / 96)).collect()
    }

    #[test]
    fn what_a_cover_as_large_as_the_hole_runs_into_is_missing() {
        let eyes = Occlusion::Eyes.rect();
        let mut cut = Mask::from_occlusions(96, 96, [Occlusion::Eyes]);
        for _ in 0..2 {
            let (mask, is_covered) = distrusted(&cut, eyes);
            assert!(is_covered);
            let found = dropped(&cut, &mask);
            assert_eq!(found.len(), 2 * (eyes.width() + eyes.height()));
            let is_beside = |(x, y): &(usize, usize)| {
                let near = Rect::new(eyes.x0 - 1, eyes.y0 - 1, eyes.x1 + 1, eyes.y1 + 1);
                near.contains(*x, *y) && !eyes.contains(*x, *y)
            };
            assert!(found.iter().all(is_beside));
            // Also where a channel is missing everywhere.
            cut.drop_channel(0);
        }
    }

    #[test]
    fn beside_a_cover_within_the_hole_all_is_known() {
        let cut = Mask::from_occlusions(96, 96, [Occlusion::Eyes]);
        let eyes = Occlusion::Eyes.rect();
        let smaller = Rect::new(eyes.x0 + 2, eyes.y0 + 2, eyes.x1 - 2, eyes.y1 - 2);
        for cover in [smaller, Rect::new(0, 0, 0, 0)] {
            let (mask, is_covered) = distrusted(&cut, cover);
            assert!(!is_covered);
            assert_eq!(dropped(&cut, &mask), []);
        }
    }

    proptest! {
        #[test]
        fn it_copes_with_any_hole(
            (width, height) in (1..20usize, 1..20usize),
            missing in proptest::collection::vec((0..3usize, 0..400usize), 0..200),
        ) {
            let pixels = width * height;
            let mut cut = vec![1.0; 3 * pixels];
            for (channel, at) in missing {
                cut[channel * pixels + at % pixels] = 0.0;
            }
            let image: Vec<f32> = (0..3 * pixels).map(|i| (i * 7 % 11) as f32 / 10.0).collect();
            let crop = Crop {
                size: (width, height),
                image: &image,
                cut: &cut,
                part: Rect::new(0, 0, width, height),
            };
            let mut mask = cut.clone();
            distrust_border(&crop, &mut mask);
            prop_assert!(mask.iter().zip(&cut).all(|(mask, cut)| mask <= cut));
        }
    }
}
