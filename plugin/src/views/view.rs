//! A look at a face on the template, with the part of it that is known.

use std::time::Duration;

use mde_core::registration::Detail;

use super::look::Look;
use super::sight::Sight;
use crate::frame::{Picture, Pyramid, shrink};

/// Where a view comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The stream has shown it.
    Memory,
    /// A picture that the user gave.
    Reference,
}

/// A look that is kept.
#[derive(Clone, Debug)]
pub struct View {
    origin: Origin,
    /// When it was taken; 0 for what was there before the stream.
    taken_at: Duration,
    pyramid: Pyramid,
    sight: Sight,
    detail: Detail,
    sharpness: f32,
}

impl View {
    /// Keeps `look`, which was taken at `now`.
    pub fn new(look: &Look<'_>, origin: Origin, now: Duration) -> Self {
        let mut small = Vec::new();
        shrink(look.rgb, look.crop, look.factor, &mut small);
        let pyramid = Pyramid::new(&Picture {
            crop: look.crop,
            factor: look.factor,
            rgb: look.rgb,
            small: &small,
            known: look.known,
        });
        Self {
            origin,
            taken_at: now,
            sharpness: sharpness(&small, look.known, look.crop),
            sight: Sight::new(look.crop, &small, |i| look.known[i], &look.points),
            detail: Detail::new(look.crop, &small, look.known),
            pyramid,
        }
    }

    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// When it was taken.
    pub fn taken_at(&self) -> Duration {
        self.taken_at
    }

    /// Whether the stream showed it before `time`.
    pub fn is_older_than(&self, time: Duration) -> bool {
        self.origin == Origin::Memory && self.taken_at < time
    }

    /// What it shows.
    pub fn pyramid(&self) -> &Pyramid {
        &self.pyramid
    }

    /// What it shows at a glance.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// How strong its edges are, in no unit.
    pub fn sharpness(&self) -> f32 {
        self.sharpness
    }

    /// What it shows without its light, to register it.
    pub fn detail(&self) -> &Detail {
        &self.detail
    }

    /// Bytes of memory it takes, but for small change.
    pub fn bytes(&self) -> usize {
        self.pyramid.bytes() + self.detail.bytes()
    }
}

/// The mean difference of the green of neighbours that are known.
fn sharpness(rgb: &[f32], known: &[f32], (width, height): (usize, usize)) -> f32 {
    let green = &rgb[width * height..2 * width * height];
    let (mut sum, mut count) = (0.0, 0.0f32);
    for (row, known) in green.chunks_exact(width).zip(known.chunks_exact(width)) {
        for (pair, known) in row.windows(2).zip(known.windows(2)) {
            let both = known[0] * known[1];
            sum += both * (pair[1] - pair[0]).abs();
            count += both;
        }
    }
    sum / count.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::alignment::TEMPLATE;

    const CROP: (usize, usize) = (96, 96);
    const PIXELS: usize = 96 * 96;

    fn view(rgb: &[f32], known: &[f32]) -> View {
        let look = Look {
            crop: CROP,
            factor: 2,
            rgb,
            known,
            points: TEMPLATE,
        };
        View::new(&look, Origin::Memory, Duration::ZERO)
    }

    #[test]
    fn it_shows_what_is_known() {
        let rgb: Vec<f32> = (0..12 * PIXELS).map(|i| (i % 7) as f32 / 6.0).collect();
        let mut known = vec![1.0; PIXELS];
        known[..PIXELS / 2].fill(0.0);
        let view = view(&rgb, &known);
        let (mut shown, mut mask) = (vec![0.5; 3 * PIXELS], vec![0.5; PIXELS]);
        view.pyramid().base().show(&mut shown, &mut mask);
        assert_eq!(mask, known);
        assert!(shown[..PIXELS / 2].iter().all(|v| *v == 0.0));
        let mut small = Vec::new();
        shrink(&rgb, CROP, 2, &mut small);
        let off = shown[PIXELS / 2..PIXELS]
            .iter()
            .zip(&small[PIXELS / 2..PIXELS]);
        assert!(off.into_iter().all(|(a, b)| (a - b).abs() < 0.003));
        assert!((0.4..0.6).contains(&view.sight().known()));
    }

    #[test]
    fn a_view_of_the_largest_size_is_small_enough() {
        // The factor that a side of 512 pixels allows.
        let look = Look {
            crop: (128, 128),
            factor: 4,
            rgb: &vec![0.5; 3 * 512 * 512],
            known: &vec![1.0; 128 * 128],
            points: TEMPLATE,
        };
        let view = View::new(&look, Origin::Memory, Duration::ZERO);
        assert!(view.bytes() < 1_600_000, "{}", view.bytes());
    }

    #[test]
    fn edges_are_sharp_and_blur_is_not() {
        let known = vec![1.0; PIXELS];
        let wave = |period: f32| -> Vec<f32> {
            let value = |i: usize| 0.5 + 0.4 * ((i % 192) as f32 / period).sin();
            (0..12 * PIXELS).map(value).collect()
        };
        let (sharp, soft) = (view(&wave(3.0), &known), view(&wave(20.0), &known));
        assert!(sharp.sharpness() > 3.0 * soft.sharpness());
    }
}
