//! How much contrast a prototype is given on a face.

use super::prototypes::DARKEST;

/// Least and most of a prototype's contrast that is given, and how much of the last look's is kept.
const LEAST: f32 = 0.6;
const MOST: f32 = 1.1;
const KEPT: f32 = 0.75;
/// How much of the contrast of what is known of the face its prototype is given: what is not where the
/// face's own is should be seen less.
const OF_OWN: f32 = 0.8;
/// Fewer pixels than this tell nothing of the contrast.
const LEAST_PIXELS: f32 = 400.0;

/// The contrast of a prototype on one face, steady from look to look.
#[derive(Debug, Default)]
pub struct Contrast {
    last: Option<f32>,
}

impl Contrast {
    /// The one of the last look; nothing before the first.
    pub fn last(&self) -> Option<f32> {
        self.last
    }

    /// Looks at what is known of `rgb`, `[3, H, W]`, under `mask`, `[H, W]`: how strong is its own detail
    /// beside its `light`, and the prototype's `detail` where that shows the face.
    pub fn see(&mut self, rgb: &[f32], light: &[f32], mask: &[f32], detail: &[[f32; 4]]) -> f32 {
        let pixels = mask.len();
        let own = |at: usize| (rgb[at] - light[at]) / (light[at] + DARKEST);
        let mut sums = [0.0; 3];
        for i in (0..pixels).filter(|i| mask[*i] > 0.0 && detail[*i][3] >= 1.0) {
            let own = own(i) + own(pixels + i) + own(2 * pixels + i);
            let given: f32 = detail[i][..3].iter().sum();
            let terms = [own * own, given * given, 1.0];
            sums.iter_mut()
                .zip(terms)
                .for_each(|(sum, term)| *sum += term);
        }
        self.take(sums)
    }

    /// Takes over the sums of the squares of its own detail, of those of the prototype's, and of ones.
    fn take(&mut self, [own, given, count]: [f32; 3]) -> f32 {
        let found = match count >= LEAST_PIXELS && given > 0.0 {
            true => OF_OWN * (own / given).sqrt(),
            false => LEAST,
        };
        let found = found.clamp(LEAST, MOST);
        let steady = (self.last).map_or(found, |last| found + KEPT * (last - found));
        *self.last.insert(steady)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_bounded_and_steady() {
        let mut contrast = Contrast::default();
        // Its own detail has as much contrast as the prototype's.
        let first = contrast.take([2.0, 2.0, 1000.0]);
        assert!((first - OF_OWN).abs() < 1e-6, "{first}");
        let next = contrast.take([100.0, 1.0, 1000.0]);
        assert!(
            (next - (MOST + KEPT * (OF_OWN - MOST))).abs() < 1e-6,
            "{next}"
        );
        assert_eq!(Contrast::default().take([1.0, 1.0, 3.0]), LEAST);
        assert_eq!(Contrast::default().take([1.0, 0.0, 1000.0]), LEAST);
    }

    #[test]
    fn what_is_known_of_the_face_alone_is_looked_at() {
        const PIXELS: usize = 1000;
        // Darker and lighter by a fifth of the light, on what is known of the first half.
        let swing = |i: usize| if i.is_multiple_of(2) { 0.1 } else { -0.1 };
        let rgb: Vec<f32> = (0..3 * PIXELS)
            .map(|i| 0.5 + if i % PIXELS < 500 { swing(i) } else { 0.4 })
            .collect();
        let light = [0.5; 3 * PIXELS];
        let mask: Vec<f32> = (0..PIXELS).map(|i| f32::from(u8::from(i < 500))).collect();
        let given = |i: usize| 2.0 * swing(i) / (0.5 + DARKEST);
        let detail: Vec<[f32; 4]> = (0..PIXELS)
            .map(|i| [given(i), given(i), given(i), 1.0])
            .collect();
        let mut contrast = Contrast::default();
        assert_eq!(contrast.see(&rgb, &light, &mask, &detail), LEAST);
        let half = |d: &[f32; 4]| [d[0] / 2.0, d[1] / 2.0, d[2] / 2.0, 1.0];
        let half: Vec<[f32; 4]> = detail.iter().map(half).collect();
        let as_its_own = Contrast::default().see(&rgb, &light, &mask, &half);
        assert!((as_its_own - OF_OWN).abs() < 1e-4, "{as_its_own}");
    }
}
