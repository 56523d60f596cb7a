//! Damage of the frame in the mask of a crop.

use std::ops::Range;

use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;

use super::raster::Raster;

/// Makes missing in `mask`, `[C, H, W]` with 1 where known, each pixel of the crop that stands for
/// a hidden pixel of `area`. `to_crop` maps pixels of the frame to those of the crop of `size` =
/// (width, height).
///
/// A crop pixel stands for the frame pixels less than `reach` = (right, down) crop pixels from its
/// centre.
///
/// # Panics
/// If `area` reaches beyond the raster or `mask` is not of whole planes.
pub fn carry(
    raster: &Raster,
    area: Rect,
    to_crop: &Affine,
    reach: [f64; 2],
    (width, height): (usize, usize),
    mask: &mut [f32],
) {
    assert!(mask.len().is_multiple_of(width * height), "whole planes");
    for y in area.y0..area.y1 {
        // Pixels of a frame that shows more than the crop stand for the same ones as their neighbours.
        let mut before = (0..0, 0..0);
        for (x, damage) in (area.x0..).zip(raster.row(area, y)) {
            if !damage.is_hidden() {
                continue;
            }
            let [u, v] = to_crop.apply([x as f64, y as f64]);
            let found = (around(u, reach[0], width), around(v, reach[1], height));
            if found == before {
                continue;
            }
            let (columns, rows) = found.clone();
            for row in rows {
                for plane in mask.chunks_mut(width * height) {
                    plane[row * width..][columns.clone()].fill(0.0);
                }
            }
            before = found;
        }
    }
}

/// The whole numbers below `side` that are less than `reach` from `at`.
fn around(at: f64, reach: f64, side: usize) -> Range<usize> {
    // The casts cut off fractions, and what is negative or NaN.
    let first = (at - reach + 1.0) as usize;
    let whole = (at + reach) as usize;
    let end = whole + usize::from((whole as f64) < at + reach);
    first.min(side)..end.min(side)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missing::Damage;
    use proptest::prelude::*;

    const CROP: (usize, usize) = (12, 10);

    fn missing(mask: &[f32]) -> Vec<(usize, usize)> {
        let pixels = CROP.0 * CROP.1;
        let (first, rest) = mask.split_at(pixels);
        assert!(
            rest.chunks(pixels).all(|plane| plane == first),
            "channels differ"
        );
        let holes = first.iter().enumerate().filter(|(_, v)| **v == 0.0);
        holes.map(|(i, _)| (i % CROP.0, i / CROP.0)).collect()
    }

    fn carried(raster: &Raster, to_crop: &Affine, reach: [f64; 2]) -> Vec<(usize, usize)> {
        let (width, height) = raster.size();
        let area = Rect::new(0, 0, width, height);
        let mut mask = vec![1.0; 3 * CROP.0 * CROP.1];
        carry(raster, area, to_crop, reach, CROP, &mut mask);
        missing(&mask)
    }

    fn one_pixel(at: (usize, usize)) -> Raster {
        Raster::from_fn(60, 50, |x, y| match (x, y) == at {
            true => Damage::Lost,
            false => Damage::None,
        })
    }

    #[test]
    fn pixel_on_pixel_stays_one_pixel() {
        let found = carried(&one_pixel((4, 7)), &Affine::IDENTITY, [1.0; 2]);
        assert_eq!(found, [(4, 7)]);
        let found = carried(&one_pixel((0, 9)), &Affine::IDENTITY, [1.5; 2]);
        assert_eq!(found, [(0, 8), (1, 8), (0, 9), (1, 9)]);
    }

    #[test]
    fn what_lies_beyond_the_crop_is_left_out() {
        let to_crop = Affine {
            translation: [-30.0, -30.0],
            ..Affine::IDENTITY
        };
        assert_eq!(carried(&one_pixel((29, 40)), &to_crop, [0.6; 2]), []);
        assert_eq!(carried(&one_pixel((30, 39)), &to_crop, [0.6; 2]), [(0, 9)]);
    }

    proptest! {
        /// Against the definition, pixel by pixel.
        #[test]
        fn a_crop_pixel_is_missing_where_a_pixel_near_it_is(
            seed in proptest::collection::vec((0..60usize, 0..50usize), 0..6),
            angle in -3.0..3.0f64,
            scale in 0.1..2.5f64,
            place in [-20.0..20.0f64, -20.0..20.0],
            reach in [0.5..2.0f64, 0.5..2.0],
        ) {
            let to_crop = Affine::about([0.0; 2], angle, scale, place);
            let raster = Raster::from_fn(60, 50, |x, y| match seed.contains(&(x, y)) {
                true => Damage::Partial(200),
                false => Damage::None,
            });
            let found = carried(&raster, &to_crop, reach);
            for y in 0..CROP.1 {
                for x in 0..CROP.0 {
                    let wanted = seed.iter().any(|&(px, py)| {
                        let [u, v] = to_crop.apply([px as f64, py as f64]);
                        (x as f64 - u).abs() < reach[0] && (y as f64 - v).abs() < reach[1]
                    });
                    prop_assert_eq!(found.contains(&(x, y)), wanted, "({}, {})", x, y);
                }
            }
        }
    }
}
