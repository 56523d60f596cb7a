//! What a crop shows at a glance, for comparing crops of the same face.

use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, FacePoints};

use crate::locate::Bounds;

/// Cells of a crop's longer side, about.
const CELLS: usize = 32;

/// Cells that must be known in both sights, as a share of the face's, for them to be comparable.
const LEAST_SHARED: f32 = 0.08;

/// How much a point that lies elsewhere by the distance of the eyes counts, in the unit of
/// differences of colour.
const PER_EYE_DISTANCE: f32 = 0.25;

/// The face on a crop, averaged over blocks of pixels: what surrounds it tells nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// Red, green and blue in `[0, 1]`, and whether all of the block is known (1) or not (0). What
    /// lies beside the face is unknown.
    cells: Vec<[f32; 4]>,
    /// Cells of the face, known or not.
    face: usize,
    /// The mean colour of what is known.
    mean: [f32; 3],
    /// On the template of [`CROP_SIZE`].
    points: FacePoints,
}

impl Sight {
    /// Of a crop of `size` = (width, height) with the picture `rgb`, `[3, H, W]`; `known` is 1
    /// where a pixel is known, else 0, `[H, W]`. `points` are the face's, in crop pixels.
    pub fn new(
        size: (usize, usize),
        rgb: &[f32],
        known: impl Fn(usize) -> f32,
        points: &FacePoints,
    ) -> Self {
        let (width, height) = size;
        let block = ((width.max(height) + CELLS / 2) / CELLS).max(1);
        let (columns, rows) = (width / block, height / block);
        let share = 1.0 / (block * block) as f32;
        let to_template = Affine::stretch(size, (CROP_SIZE, CROP_SIZE));
        let mut cells = vec![[0.0; 4]; columns * rows];
        let mut face = 0;
        for (index, cell) in cells.iter_mut().enumerate() {
            let (x, y) = (index % columns * block, index / columns * block);
            let middle = [x, y].map(|v| v as f64 + (block as f64 - 1.0) / 2.0);
            if !Bounds::TEMPLATE.ellipse_holds(to_template.apply(middle)) {
                continue;
            }
            face += 1;
            let mut sums = [0.0; 4];
            for start in (y..y + block).map(|y| y * width + x) {
                for i in start..start + block {
                    sums[3] += known(i);
                    for (channel, sum) in sums.iter_mut().take(3).enumerate() {
                        *sum += rgb[channel * width * height + i];
                    }
                }
            }
            *cell = sums.map(|sum| sum * share);
            cell[3] = f32::from(u8::from(cell[3] > 0.999));
        }
        let mut mean = [0.0; 3];
        let known = || cells.iter().filter(|cell| cell[3] > 0.0);
        for cell in known() {
            mean.iter_mut()
                .zip(cell)
                .for_each(|(sum, value)| *sum += value);
        }
        let count = known().count().max(1) as f32;
        Self {
            face,
            mean: mean.map(|sum| sum / count),
            cells,
            points: points.map(|point| to_template.apply(point)),
        }
    }

    /// The share of the face that is known, in `[0, 1]`.
    pub fn known(&self) -> f32 {
        self.count(|[_, _, _, known]| *known) / self.face.max(1) as f32
    }

    /// The share of what `other` does not know of the face that this one knows, in `[0, 1]`; 1
    /// where it knows all.
    pub fn fills(&self, other: &Self) -> f32 {
        let pairs = || self.cells.iter().zip(&other.cells);
        let missing = other.face as f32 - other.count(|cell| cell[3]);
        if missing <= 0.0 {
            return 1.0;
        }
        let filled = pairs().map(|(own, other)| own[3] * (1.0 - other[3]));
        filled.sum::<f32>() / missing
    }

    /// How far this looks from `other`: the mean difference of colours where both are known, in
    /// `[0, 1]`, whatever the light of each. Nothing where there is too little to compare.
    pub fn difference(&self, other: &Self) -> Option<f32> {
        let pairs = || self.cells.iter().zip(&other.cells);
        let mut sums = [0.0; 4];
        for (own, other) in pairs() {
            let both = own[3] * other[3];
            for (sum, (own, other)) in sums.iter_mut().zip(own.iter().zip(other)).take(3) {
                *sum += both * (own - other);
            }
            sums[3] += both;
        }
        let shared = sums[3];
        if shared < LEAST_SHARED * self.face.max(1) as f32 {
            return None;
        }
        let shifts = [0, 1, 2].map(|channel| sums[channel] / shared);
        let differences = pairs().map(|(own, other)| {
            let each = [0, 1, 2].map(|c| (own[c] - other[c] - shifts[c]).abs());
            own[3] * other[3] * (each[0] + each[1] + each[2])
        });
        Some(differences.sum::<f32>() / (3.0 * shared))
    }

    /// The cells of the face that this does not know, for [`Self::difference_at`].
    pub fn unknown(&self) -> impl Iterator<Item = usize> {
        let cells = self.cells.iter().enumerate();
        cells.filter(|(_, cell)| cell[3] == 0.0).map(|(i, _)| i)
    }

    /// How far this looks from `other` at `cells`: the mean difference of colours where both are
    /// known, each as against its own mean colour. Nothing where they share none of them.
    pub fn difference_at(&self, other: &Self, cells: &[usize]) -> Option<f32> {
        let (mut sum, mut count) = (0.0, 0.0);
        for cell in cells {
            let (own, other_one) = (self.cells.get(*cell)?, other.cells.get(*cell)?);
            let both = own[3] * other_one[3];
            let each =
                [0, 1, 2].map(|c| (own[c] - self.mean[c] - (other_one[c] - other.mean[c])).abs());
            sum += both * (each[0] + each[1] + each[2]);
            count += both;
        }
        (count > 0.0).then(|| sum / (3.0 * count))
    }

    /// How far the pose is from that of `other`: the mean distance of the points on the template,
    /// in the unit of [`Self::difference`].
    pub fn turn(&self, other: &Self) -> f32 {
        let distances = self.points.iter().zip(&other.points);
        let sum: f64 = distances
            .map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]))
            .sum();
        let eyes = TEMPLATE_EYES;
        (sum / self.points.len() as f64 / eyes) as f32 * PER_EYE_DISTANCE
    }

    fn count(&self, value: impl Fn(&[f32; 4]) -> f32) -> f32 {
        self.cells.iter().map(value).sum()
    }
}

/// The distance of the template's eyes in its pixels.
const TEMPLATE_EYES: f64 = 27.0;

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::alignment::TEMPLATE;

    const SIZE: (usize, usize) = (96, 96);
    const PIXELS: usize = 96 * 96;

    fn picture(phase: f32) -> Vec<f32> {
        let value = |i: usize| {
            let (x, y) = ((i % 96) as f32, (i / 96 % 96) as f32);
            0.5 + 0.2 * (x / 9.0 + phase).sin() * (y / 11.0).cos()
        };
        (0..3 * PIXELS).map(value).collect()
    }

    fn sight(rgb: &[f32], is_known: impl Fn(usize, usize) -> bool) -> Sight {
        let known = |i: usize| f32::from(u8::from(is_known(i % 96, i / 96)));
        Sight::new(SIZE, rgb, known, &TEMPLATE)
    }

    #[test]
    fn light_makes_no_difference_and_another_picture_does() {
        let (one, other) = (picture(0.0), picture(2.0));
        let lit: Vec<f32> = one.iter().map(|v| v + 0.1).collect();
        let of = |rgb: &[f32]| sight(rgb, |_, _| true);
        let lit = of(&one).difference(&of(&lit)).expect("both are known");
        assert!(lit < 1e-5, "{lit}");
        let far = of(&one).difference(&of(&other)).expect("both are known");
        assert!(far > 0.05, "{far}");
    }

    #[test]
    fn only_what_both_know_is_compared() {
        let one = picture(0.0);
        let mut other = one.clone();
        for channel in other.chunks_mut(PIXELS) {
            channel[..PIXELS / 2].fill(0.0);
        }
        let whole = sight(&one, |_, _| true);
        let lower = sight(&other, |_, y| y >= 48);
        assert!(whole.difference(&lower).expect("the lower half") < 1e-6);
        assert!((0.45..0.55).contains(&lower.known()), "{}", lower.known());
        assert_eq!(whole.fills(&lower), 1.0);
        assert_eq!(lower.fills(&lower), 0.0);
        assert_eq!(lower.fills(&whole), 1.0);
        let upper = sight(&one, |_, y| y < 48);
        assert_eq!(upper.difference(&lower), None);
        assert_eq!(upper.fills(&lower), 1.0);
    }

    #[test]
    fn cells_alone_can_be_compared() {
        let one = picture(0.0);
        let mut other = one.clone();
        for channel in other.chunks_mut(PIXELS) {
            channel[..PIXELS / 2].iter_mut().for_each(|v| *v = 1.0 - *v);
        }
        let (one, other) = (sight(&one, |_, _| true), sight(&other, |_, _| true));
        let upper: Vec<usize> = sight(&picture(0.0), |_, y| y >= 48).unknown().collect();
        let lower: Vec<usize> = sight(&picture(0.0), |_, y| y < 48).unknown().collect();
        let far = |cells: &[usize]| one.difference_at(&other, cells).expect("both are known");
        assert!(
            far(&upper) > 3.0 * far(&lower),
            "{} {}",
            far(&upper),
            far(&lower)
        );
        assert_eq!(one.difference_at(&other, &[]), None);
    }

    #[test]
    fn points_tell_the_pose() {
        let rgb = picture(0.0);
        let ahead = sight(&rgb, |_, _| true);
        let aside = TEMPLATE.map(|[x, y]| [x + 2.7, y]);
        let aside = Sight::new(SIZE, &rgb, |_| 1.0, &aside);
        assert_eq!(ahead.turn(&ahead), 0.0);
        assert!((ahead.turn(&aside) - 0.025).abs() < 1e-6);
    }
}
