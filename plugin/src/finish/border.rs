//! Colours and brightness of a completion, matched to what is known along its hole's border.

use mde_core::mask::CHANNELS;
use mde_core::occlusion::Rect;

use super::completed_crop::CompletedCrop;
use super::membrane::Membrane;

/// Differences further from the median of the border than this many times their median distance
/// from it (times [`DEVIATION`]) are cut: a cover that reaches a little beyond the hole, or an edge
/// that the generator puts elsewhere, shall not run into the hole.
const FARTHEST: f32 = 3.0;

/// Of a normal distribution, the standard deviation over the median distance from the median.
const DEVIATION: f32 = 1.4826;

/// Differences as small as this are never cut.
const SMALL: f32 = 0.02;

/// How far into the hole the border's differences from their median reach, in pixels of the crop. A
/// generator that paints in detail is off by something else beside the hole than within it: without
/// an end of the reach, matching took 0.1 to 0.5 dB from mouths in the bench's band of 6 pixels, and
/// with one of 2 pixels 0.1 dB from eyes in that of 6 pixels of the frame.
const REACH: f32 = 1.0;

/// The median difference up to which a generator is taken to reproduce what is known; at twice this
/// nothing is learnt from it. The embedded one has 0.02.
const REPRODUCED: f32 = 0.15;

/// Matches completions to the borders of their holes. Made once and reused: it allocates only for a
/// hole larger than all before.
#[derive(Clone, Debug, Default)]
pub struct Border {
    membrane: Membrane,
    differences: Vec<f32>,
    distances: Vec<f32>,
}

/// What is taken of a channel's differences: their median, and what they are off it up to a reach.
#[derive(Clone, Copy, Debug)]
struct Trust {
    middle: f32,
    reach: f32,
    share: f32,
}

impl Trust {
    const NONE: Self = Self {
        middle: 0.0,
        reach: 0.0,
        share: 0.0,
    };
}

impl Border {
    /// Changes the missing values of the completion by `share`, in `[0, 1]`, of what the known ones
    /// along the border of each channel's hole differ from the generator's. What the generator made
    /// of known values near the hole moves as much towards them, so that there is no step between
    /// pixels on both sides of the border either. A channel of which nothing is known stays as it
    /// is, and so does one whose known values the generator does not reproduce.
    ///
    /// # Panics
    /// If a slice of `crop` has another length.
    pub fn fit(&mut self, crop: &mut CompletedCrop<'_>, share: f32) {
        let values = CHANNELS * crop.size.0 * crop.size.1;
        let covered = crop.covered.unwrap_or(crop.mask);
        for slice in [crop.image, crop.mask, covered, &*crop.completed] {
            assert_eq!(slice.len(), values, "three values a pixel");
        }
        let Some(part) = crop.part().filter(|_| share > 0.0) else {
            return;
        };
        self.take(crop, part);
        let trust: [Trust; CHANNELS] = std::array::from_fn(|channel| self.judge(part, channel));
        let (values, known) = self.membrane.cells_mut();
        for (value, known) in values.iter_mut().zip(known) {
            for (channel, trust) in trust.iter().enumerate() {
                if known[channel] != 0.0 {
                    let off = value[channel] - trust.middle;
                    value[channel] = off.clamp(-trust.reach, trust.reach);
                }
            }
        }
        self.membrane.settle(REACH);
        self.give(crop, part, trust, share);
    }

    /// Takes over the differences within `part`.
    fn take(&mut self, crop: &CompletedCrop<'_>, part: Rect) {
        self.membrane.clear((part.width(), part.height()));
        let (values, known) = self.membrane.cells_mut();
        let cells = values.iter_mut().zip(known);
        for ((value, known), at) in cells.zip(crop.places(part)) {
            known[CHANNELS] = 1.0;
            for channel in 0..CHANNELS {
                let is_known = crop.is_sound(channel, at);
                let at = crop.at(channel, at);
                if is_known {
                    known[channel] = 1.0;
                    value[channel] = crop.image[at] - crop.completed[at].clamp(0.0, 1.0);
                }
            }
        }
    }

    /// What to take of the differences of `channel` beside its hole.
    fn judge(&mut self, part: Rect, channel: usize) -> Trust {
        let (width, height) = (part.width(), part.height());
        let (values, known) = self.membrane.cells_mut();
        let is_missing = |x: usize, y: usize| known[y * width + x][channel] == 0.0;
        self.differences.clear();
        for (i, value) in values.iter().enumerate() {
            let (x, y) = (i % width, i / width);
            let is_beside = !is_missing(x, y)
                && (is_missing(x.saturating_sub(1), y)
                    || is_missing((x + 1).min(width - 1), y)
                    || is_missing(x, y.saturating_sub(1))
                    || is_missing(x, (y + 1).min(height - 1)));
            if is_beside {
                self.differences.push(value[channel]);
            }
        }
        let Some(middle) = median(&mut self.differences) else {
            return Trust::NONE;
        };
        self.distances.clear();
        self.distances
            .extend(self.differences.iter().map(|v| (v - middle).abs()));
        let spread = median(&mut self.distances).unwrap_or(0.0);
        let reach = (FARTHEST * DEVIATION * spread).max(SMALL);
        self.distances.clear();
        self.distances
            .extend(self.differences.iter().map(|v| v.abs()));
        let size = median(&mut self.distances).unwrap_or(0.0);
        Trust {
            middle,
            reach,
            share: (2.0 - size / REPRODUCED).clamp(0.0, 1.0),
        }
    }

    /// Adds `share` of the surface over `part` and of each channel's median, as far as it is trusted.
    fn give(&self, crop: &mut CompletedCrop<'_>, part: Rect, trust: [Trust; CHANNELS], share: f32) {
        for (value, place) in self.membrane.values().iter().zip(crop.places(part)) {
            for (channel, trust) in trust.iter().enumerate() {
                let change = trust.share * share * (trust.middle + value[channel]);
                crop.completed[crop.at(channel, place)] += change;
            }
        }
    }
}

/// The middle one of `values`, which are put into another order.
pub(super) fn median(values: &mut [f32]) -> Option<f32> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::mask::Mask;
    use mde_core::occlusion::Occlusion;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    const PIXELS: usize = 96 * 96;

    fn picture() -> Vec<f32> {
        let value =
            |i: usize| 0.5 + 0.2 * ((i % 96) as f32 * 0.2).sin() * ((i / 96) as f32 * 0.1).cos();
        (0..3 * PIXELS).map(value).collect()
    }

    fn fitted(image: &[f32], mask: &Mask, completed: &[f32], share: f32) -> Vec<f32> {
        let mut fitted = completed.to_vec();
        let mut crop = CompletedCrop::new(
            (mask.width(), mask.height()),
            image,
            mask.as_slice(),
            &mut fitted,
        );
        Border::default().fit(&mut crop, share);
        fitted
    }

    /// The greatest distance of missing values.
    fn worst(mask: &Mask, found: &[f32], wanted: &[f32]) -> f32 {
        let missing = mask.as_slice().iter().zip(found.iter().zip(wanted));
        let missing = missing.filter(|(known, _)| **known == 0.0);
        missing.fold(0.0, |worst, (_, (a, b))| (a - b).abs().max(worst))
    }

    #[test]
    fn a_constant_offset_vanishes() {
        let image = picture();
        for occlusion in Occlusion::ALL {
            let mask = Mask::from_occlusions(96, 96, [occlusion]);
            let offsets = [0.08, -0.05, 0.02];
            let completed: Vec<f32> = (0..3 * PIXELS)
                .map(|i| image[i] + offsets[i / PIXELS])
                .collect();
            let found = fitted(&image, &mask, &completed, 1.0);
            assert!(worst(&mask, &found, &image) < 1e-4, "{occlusion:?}");
            let half = fitted(&image, &mask, &completed, 0.5);
            let left = worst(&mask, &half, &image);
            assert!((left - 0.04).abs() < 1e-3, "{occlusion:?}: {left}");
        }
    }

    #[test]
    fn light_from_one_side_is_followed_along_the_border() {
        let image = picture();
        let mask = Mask::from_occlusions(96, 96, [Occlusion::Eyes]);
        let light = |i: usize| 0.002 * (i % 96) as f32 - 0.1;
        let completed: Vec<f32> = (0..3 * PIXELS).map(|i| image[i] + light(i)).collect();
        let found = fitted(&image, &mask, &completed, 1.0);
        let before = worst(&mask, &completed, &image);
        assert!(worst(&mask, &found, &image) <= before + 1e-4);
        let eyes = Occlusion::Eyes.rect();
        for y in eyes.y0..eyes.y1 {
            for at in [y * 96 + eyes.x0, y * 96 + eyes.x1 - 1] {
                let off = (found[at] - image[at]).abs();
                // A membrane of this reach leaves 0.62 of it in the first pixel.
                assert!(off < 0.65 * light(eyes.x0).abs(), "{y}: {off}");
            }
        }
    }

    #[test]
    fn a_perfect_completion_is_unchanged() {
        let image = picture();
        let mut mask = Mask::from_occlusions(96, 96, [Occlusion::Mouth, Occlusion::LeftHalf]);
        mask.drop_channel(1);
        assert_eq!(fitted(&image, &mask, &image, 1.0), image);
    }

    #[test]
    fn a_cover_beyond_the_hole_does_not_run_into_it() {
        let mut image = picture();
        let truth = image.clone();
        let mask = Mask::from_occlusions(96, 96, [Occlusion::Eyes]);
        // Two rows more are covered above.
        for y in 26..28 {
            for at in (20..76).map(|x| y * 96 + x) {
                for channel in 0..3 {
                    image[channel * PIXELS + at] = 0.0;
                }
            }
        }
        let found = fitted(&image, &mask, &truth, 1.0);
        let run = worst(&mask, &found, &truth);
        assert!(run <= SMALL + 1e-4, "{run}");
    }

    #[test]
    fn colours_that_a_cover_runs_into_are_not_taken() {
        let truth = picture();
        let mask = Mask::from_occlusions(96, 96, [Occlusion::Eyes]);
        let mut image = truth.clone();
        let eyes = Occlusion::Eyes.rect();
        let near = Rect::new(eyes.x0 - 1, eyes.y0 - 1, eyes.x1 + 1, eyes.y1 + 1);
        for (i, value) in image.iter_mut().enumerate() {
            if near.contains(i % 96, i % PIXELS / 96) {
                *value *= 0.9;
            }
        }
        let mut found: Vec<f32> = truth.iter().map(|v| v + 0.03).collect();
        let mut crop = CompletedCrop {
            covered: Some(mask.as_slice()),
            ..CompletedCrop::new((96, 96), &image, mask.as_slice(), &mut found)
        };
        Border::default().fit(&mut crop, 1.0);
        assert!(worst(&mask, &found, &truth) < 1e-4);
    }

    #[test]
    fn what_a_generator_does_not_reproduce_teaches_nothing() {
        let image = picture();
        let mask = Mask::from_occlusions(96, 96, [Occlusion::Eyes]);
        let known = mask.as_slice().iter().zip(&image);
        let black: Vec<f32> = known.map(|(m, v)| v * (1.0 - m)).collect();
        assert_eq!(fitted(&image, &mask, &black, 1.0), black);
    }

    #[test]
    fn a_channel_of_which_nothing_is_known_stays() {
        let image = picture();
        let mut mask = Mask::known(96, 96);
        mask.drop_channel(2);
        let completed: Vec<f32> = image.iter().map(|v| v + 0.1).collect();
        assert_eq!(fitted(&image, &mask, &completed, 1.0), completed);
        let all = Mask::missing(96, 96);
        assert_eq!(fitted(&image, &all, &completed, 1.0), completed);
    }

    proptest! {
        #[test]
        fn holes_of_all_shapes_get_numbers(
            size in (1..40usize, 1..40usize),
            density in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0f64],
            share in 0.0..=1.0f32,
            is_covered: bool,
            seed in any::<u64>(),
        ) {
            let rng = &mut StdRng::seed_from_u64(seed);
            let values = 3 * size.0 * size.1;
            let mask: Vec<f32> = (0..values)
                .map(|_| f32::from(u8::from(!rng.random_bool(density))))
                .collect();
            let image: Vec<f32> = (0..values).map(|_| rng.random()).collect();
            let before: Vec<f32> = (0..values).map(|_| rng.random_range(-0.5..1.5)).collect();
            let mut completed = before.clone();
            let mut border = Border::default();
            for _ in 0..2 {
                completed.copy_from_slice(&before);
                let mut crop = CompletedCrop { covered: is_covered.then_some(&mask), ..CompletedCrop::new(size, &image, &mask, &mut completed) };
                border.fit(&mut crop, share);
            }
            for i in 0..values {
                prop_assert!(completed[i].is_finite());
                prop_assert!((completed[i] - before[i]).abs() <= 2.0);
            }
        }
    }
}
