//! From a picture to the square crop that the generator sees.

use std::fmt;

use fast_image_resize as fir;
use fir::images::{TypedImage, TypedImageRef};
use fir::pixels::U8x3;
use fir::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use serde::{Deserialize, Serialize};

/// Which square of a picture is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CropRule {
    /// Aligned CelebA pictures: the square that puts the face on the five-point template, told by
    /// the picture's size (178x218 as published, or its 144x144 part at +16+48). Pictures of
    /// other sizes: as `square`.
    #[default]
    #[value(name = "celeba")]
    CelebA,
    /// Aligned CelebA pictures: the 144x144 square at +16+48 of a published one, with more around
    /// the face. Pictures of other sizes: as `square`.
    #[value(name = "celeba-wide")]
    CelebAWide,
    /// The largest centred square.
    Square,
}

impl CropRule {
    /// `(left, top, side)` of the kept square of a `width` x `height` picture.
    pub fn square_of(self, width: u32, height: u32) -> (u32, u32, u32) {
        match (self, width, height) {
            (Self::CelebA, 178, 218) => (22, 58, 134),
            (Self::CelebA, 144, 144) => (6, 10, 134),
            (Self::CelebAWide, 178, 218) => (16, 48, 144),
            _ => {
                let side = width.min(height);
                ((width - side) / 2, (height - side) / 2, side)
            }
        }
    }
}

/// The place `(x, y)` of a published CelebA picture as shares of the width and height of its crop.
pub fn in_published_crop(x: f32, y: f32) -> [f32; 2] {
    let (left, top, side) = CropRule::CelebA.square_of(178, 218);
    [(x, left), (y, top)].map(|(v, first)| (v - first as f32) / side as f32)
}

/// A picture cannot be resized.
#[derive(Debug, thiserror::Error)]
#[error("cannot be resized: {0}")]
pub struct CropError(String);

impl CropError {
    fn from(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Crops `picture` after `rule` and resizes it to `[size, size, 3]` RGB bytes with an antialiased
/// triangle filter.
pub fn prepare(picture: &RgbImage, rule: CropRule, size: usize) -> Result<Vec<u8>, CropError> {
    let (width, height) = picture.dimensions();
    let (left, top, side) = rule.square_of(width, height);
    let mut resized = vec![0; size * size * 3];
    // Of a type: for images of any type the resizers of all types would be compiled.
    let from =
        TypedImageRef::<U8x3>::from_buffer(width, height, picture).map_err(CropError::from)?;
    let mut to = TypedImage::<U8x3>::from_buffer(size as u32, size as u32, &mut resized)
        .map_err(CropError::from)?;
    let options = ResizeOptions::new()
        .crop(left.into(), top.into(), side.into(), side.into())
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new()
        .resize_typed(&from, &mut to, &options)
        .map_err(CropError::from)?;
    Ok(resized)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// Red tells the column, green the row.
    fn coded(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 7]))
    }

    #[track_caller]
    fn assert_crop(width: u32, height: u32, rule: CropRule, left: f64, top: f64, side: f64) {
        const SIZE: usize = 96;
        let crop = prepare(&coded(width, height), rule, SIZE).unwrap();
        assert_eq!(crop.len(), SIZE * SIZE * 3);
        let scale = side / SIZE as f64;
        // A triangle filter reproduces a ramp except where it is cut off at the border.
        for y in 2..SIZE - 2 {
            for x in 2..SIZE - 2 {
                let at = (y * SIZE + x) * 3;
                let column = left + (x as f64 + 0.5) * scale - 0.5;
                let row = top + (y as f64 + 0.5) * scale - 0.5;
                assert!((f64::from(crop[at]) - column).abs() <= 0.75, "{x},{y}");
                assert!((f64::from(crop[at + 1]) - row).abs() <= 0.75, "{x},{y}");
                assert_eq!(crop[at + 2], 7);
            }
        }
    }

    #[test]
    fn published_celeba_is_cropped_at_22_58() {
        assert_crop(178, 218, CropRule::CelebA, 22.0, 58.0, 134.0);
    }

    #[test]
    fn part_of_celeba_is_cropped_at_the_same_place() {
        assert_crop(144, 144, CropRule::CelebA, 6.0, 10.0, 134.0);
    }

    #[test]
    fn the_wide_square_is_what_is_left_of_the_smaller_pictures() {
        assert_crop(178, 218, CropRule::CelebAWide, 16.0, 48.0, 144.0);
        assert_crop(144, 144, CropRule::CelebAWide, 0.0, 0.0, 144.0);
    }

    #[test]
    fn other_pictures_are_cropped_in_the_centre() {
        assert_crop(200, 120, CropRule::CelebA, 40.0, 0.0, 120.0);
        assert_crop(178, 218, CropRule::Square, 0.0, 20.0, 178.0);
    }

    #[test]
    fn resizing_is_antialiased() {
        let checks = RgbImage::from_fn(400, 400, |x, y| Rgb([((x + y) % 2 * 255) as u8; 3]));
        let crop = prepare(&checks, CropRule::Square, 40).unwrap();
        assert!(crop.iter().all(|v| v.abs_diff(128) <= 8));
    }
}
