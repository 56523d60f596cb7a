//! Which pixels of a picture are damaged.

use mde_core::occlusion::Rect;

/// The state of a pixel, from sound to worst: of several, the greatest counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// The pixel is as it should be.
    #[default]
    None,
    /// So many 255ths of the pixel are replaced: of a transparent one what its alpha is short of
    /// opaque, of one beside lost ones what it may have of their cover.
    Partial(u8),
    /// The pixel is to be completed, and what it holds is worth nothing: it is replaced as a
    /// whole.
    Lost,
}

impl Damage {
    /// A pixel of which `share`, in `[0, 1]`, is replaced.
    pub fn of_share(share: f32) -> Self {
        match (255.0 * share).round() as u8 {
            0 => Self::None,
            255 => Self::Lost,
            share => Self::Partial(share),
        }
    }

    /// How much of the pixel is replaced, in `[0, 1]`.
    pub fn share(self) -> f32 {
        match self {
            Self::None => 0.0,
            Self::Partial(share) => f32::from(share) / 255.0,
            Self::Lost => 1.0,
        }
    }

    /// Whether the generator is not shown the pixel: the greater part of it is replaced.
    pub fn is_hidden(self) -> bool {
        self.share() > 0.5
    }
}

/// The damage of each pixel of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    width: usize,
    height: usize,
    pixels: Vec<Damage>,
}

impl Raster {
    /// A picture of `width` x `height` pixels without damage.
    pub fn intact(width: usize, height: usize) -> Self {
        Self::from_fn(width, height, |_, _| Damage::None)
    }

    /// The picture whose pixel `(x, y)` has the damage `of(x, y)`.
    pub fn from_fn(width: usize, height: usize, of: impl Fn(usize, usize) -> Damage) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self {
            width,
            height,
            pixels: pixels.map(|(x, y)| of(x, y)).collect(),
        }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The picture as a whole.
    pub fn all(&self) -> Rect {
        Rect::new(0, 0, self.width, self.height)
    }

    /// The damage of the pixel `(x, y)`.
    ///
    /// # Panics
    /// If it lies beyond the picture.
    pub fn at(&self, x: usize, y: usize) -> Damage {
        assert!(x < self.width, "column {x} of {}", self.width);
        self.pixels[y * self.width + x]
    }

    /// The damage of row `y` from column `area.x0` to before `area.x1`.
    ///
    /// # Panics
    /// If `area` reaches beyond the picture or `y` lies below it.
    pub fn row(&self, area: Rect, y: usize) -> &[Damage] {
        &self.pixels[y * self.width..][area.x0..area.x1]
    }

    /// As [`Self::row`], to be changed.
    ///
    /// # Panics
    /// As [`Self::row`].
    pub fn row_mut(&mut self, area: Rect, y: usize) -> &mut [Damage] {
        &mut self.pixels[y * self.width..][area.x0..area.x1]
    }

    /// Whether no pixel is damaged.
    pub fn is_intact(&self) -> bool {
        self.bounds_in(self.all()).is_none()
    }

    /// The smallest rectangle around the damaged pixels of `area`, if there are any.
    ///
    /// # Panics
    /// If `area` reaches beyond the picture.
    pub fn bounds_in(&self, area: Rect) -> Option<Rect> {
        let is_damaged = |damage: &Damage| *damage != Damage::None;
        let rows = || (area.y0..area.y1).map(|y| (y, self.row(area, y)));
        let (y0, _) = rows().find(|(_, row)| row.iter().any(is_damaged))?;
        let (y1, _) = rows().rfind(|(_, row)| row.iter().any(is_damaged))?;
        let (mut x0, mut x1) = (area.width(), 0);
        for (_, row) in rows().filter(|(y, _)| (y0..=y1).contains(y)) {
            // Only what lies beyond the columns found so far can widen them.
            x0 = row[..x0].iter().position(is_damaged).unwrap_or(x0);
            let beyond = row[x1..].iter().rposition(is_damaged);
            x1 = beyond.map_or(x1, |at| x1 + at + 1);
        }
        Some(Rect::new(area.x0 + x0, y0, area.x0 + x1, y1 + 1))
    }

    /// Takes over the damage of `area` from `other`, or none where there is no other.
    ///
    /// # Panics
    /// If `area` reaches beyond one of the pictures.
    pub fn reset(&mut self, area: Rect, other: Option<&Self>) {
        for y in area.y0..area.y1 {
            let row = self.row_mut(area, y);
            match other {
                Some(other) => row.copy_from_slice(other.row(area, y)),
                None => row.fill(Damage::None),
            }
        }
    }

    /// The picture at another size: each pixel as the one its centre falls onto. Without damage
    /// where there is nothing to scale.
    pub fn scaled_to(&self, width: usize, height: usize) -> Self {
        if self.pixels.is_empty() {
            return Self::intact(width, height);
        }
        let nearest = |at: usize, from: usize, to: usize| {
            // In 128 bits no product overflows, whatever the sides.
            ((2 * at as u128 + 1) * from as u128 / (2 * to as u128)) as usize
        };
        let columns: Vec<usize> = (0..width).map(|x| nearest(x, self.width, width)).collect();
        let rows = (0..height).flat_map(|y| {
            let start = nearest(y, self.height, height) * self.width;
            columns.iter().map(move |x| start + x)
        });
        Self {
            width,
            height,
            pixels: rows.map(|at| self.pixels[at]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raster(side: usize) -> impl Strategy<Value = Raster> {
        let sides = (1..side, 1..side);
        sides.prop_flat_map(|(width, height)| {
            let damage = prop_oneof![
                Just(Damage::None),
                Just(Damage::Partial(90)),
                Just(Damage::Lost)
            ];
            proptest::collection::vec(damage, width * height).prop_map(move |pixels| Raster {
                width,
                height,
                pixels,
            })
        })
    }

    proptest! {
        #[test]
        fn whole_multiples_repeat_pixels(raster in raster(9), by_x in 1..5usize, by_y in 1..5usize) {
            let (width, height) = raster.size();
            let scaled = raster.scaled_to(width * by_x, height * by_y);
            let all = Rect::new(0, 0, width * by_x, height * by_y);
            for y in 0..height * by_y {
                for (x, damage) in scaled.row(all, y).iter().enumerate() {
                    prop_assert_eq!(*damage, raster.pixels[y / by_y * width + x / by_x]);
                }
            }
            prop_assert_eq!(scaled.scaled_to(width, height), raster);
        }

        #[test]
        fn scaling_makes_no_damage_of_its_own(
            raster in raster(20),
            width in 0..40usize,
            height in 0..40usize,
        ) {
            let scaled = raster.scaled_to(width, height);
            prop_assert_eq!(scaled.size(), (width, height));
            prop_assert!(scaled.pixels.iter().all(|d| raster.pixels.contains(d)));
        }

        #[test]
        fn a_reset_changes_its_area_alone(
            (mut raster, other) in raster(20).prop_flat_map(|r| {
                let (width, height) = r.size();
                (Just(r), raster(2).prop_map(move |o| o.scaled_to(width, height)))
            }),
            corners in [0.0..1.0f64, 0.0..1.0, 0.0..1.0, 0.0..1.0],
        ) {
            let (width, height) = raster.size();
            let at = |share: f64, side: usize| (share * (side + 1) as f64) as usize;
            let [x, right] = [at(corners[0], width), at(corners[1], width)];
            let [y, down] = [at(corners[2], height), at(corners[3], height)];
            let area = Rect::new(x.min(right), y.min(down), x.max(right), y.max(down));
            let before = raster.clone();
            raster.reset(area, Some(&other));
            for (i, damage) in raster.pixels.iter().enumerate() {
                let of = if area.contains(i % width, i / width) { &other } else { &before };
                prop_assert_eq!(*damage, of.pixels[i]);
            }
            raster.reset(area, None);
            prop_assert_eq!(raster.bounds_in(area), None);
        }
    }

    proptest! {
        #[test]
        fn bounds_are_the_least_that_hold_all_damage(raster in raster(12)) {
            let (width, height) = raster.size();
            let all = Rect::new(0, 0, width, height);
            let damaged = |x: usize, y: usize| raster.at(x, y) != Damage::None;
            let places = || (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            let found: Vec<_> = places().filter(|&(x, y)| damaged(x, y)).collect();
            let wanted = found.iter().map(|p| p.0).min().map(|x0| Rect::new(
                x0,
                found.iter().map(|p| p.1).min().unwrap(),
                found.iter().map(|p| p.0).max().unwrap() + 1,
                found.iter().map(|p| p.1).max().unwrap() + 1,
            ));
            prop_assert_eq!(raster.bounds_in(all), wanted);
        }
    }

    #[test]
    fn nothing_scales_to_no_damage() {
        let nothing = Raster::intact(0, 7);
        assert!(nothing.scaled_to(4, 4).is_intact());
        assert_eq!(Raster::intact(4, 4).scaled_to(0, 3).size(), (0, 3));
    }
}
