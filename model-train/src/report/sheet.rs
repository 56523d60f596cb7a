//! Pictures in rows, as the paper's figures show them.

use std::path::Path;

use anyhow::{Context, Result};
use image::{ImageFormat, Rgb, RgbImage, imageops};
use mde_core::mask::{CHANNELS, Mask};
use ndarray::ArrayView3;

use crate::files::write_aside;

/// White pixels between pictures.
const GAP: u32 = 2;
/// Missing values are shown as middle grey.
const MISSING: f32 = 0.5;

/// `[3, H, W]` values in `[0, 1]` as a picture.
pub fn picture(values: ArrayView3<'_, f32>) -> RgbImage {
    let (_, height, width) = values.dim();
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let value = |c| (values[[c, y as usize, x as usize]].clamp(0.0, 1.0) * 255.0).round() as u8;
        Rgb([value(0), value(1), value(2)])
    })
}

/// What of `values` `[3, H, W]` is known under `mask`.
pub fn masked(values: ArrayView3<'_, f32>, mask: &Mask) -> RgbImage {
    let known = mask.view();
    let shown = &values * &known + (1.0 - &known) * MISSING;
    picture(shown.view())
}

/// `values` `[3, H, W]` with a frame in each channel's colour about what `mask` leaves known of it,
/// white where all are one, as in the paper's Fig. 5.
pub fn framed(values: ArrayView3<'_, f32>, mask: &Mask) -> RgbImage {
    let mut framed = picture(values);
    let bounds: Vec<_> = (0..CHANNELS).map(|c| mask.known_bounds(c)).collect();
    for (channel, bound) in bounds.iter().enumerate() {
        let Some(rect) = bound else { continue };
        let colour = if bounds.iter().all(|b| b == bound) {
            Rgb([255; 3])
        } else {
            let mut colour = [0; CHANNELS];
            colour[channel] = 255;
            Rgb(colour)
        };
        for y in rect.y0..rect.y1 {
            for x in rect.x0..rect.x1 {
                let inside = x > rect.x0 && x + 1 < rect.x1 && y > rect.y0 && y + 1 < rect.y1;
                if !inside {
                    framed.put_pixel(x as u32, y as u32, colour);
                }
            }
        }
    }
    framed
}

/// Writes a PNG of `rows` of pictures of one size.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(path: &Path, rows: &[Vec<RgbImage>]) -> Result<()> {
    let (width, height) = rows
        .iter()
        .flatten()
        .next()
        .map_or((0, 0), RgbImage::dimensions);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let side = |count: u32, size: u32| count * (size + GAP) + GAP;
    let (across, down) = (side(columns, width), side(rows.len() as u32, height));
    let mut sheet = RgbImage::from_pixel(across, down, Rgb([255; 3]));
    for (r, row) in rows.iter().enumerate() {
        for (c, cell) in row.iter().enumerate() {
            let at = |n: usize, size: u32| i64::from(side(n as u32, size));
            imageops::replace(&mut sheet, cell, at(c, width), at(r, height));
        }
    }
    write_aside(path, |aside| -> Result<()> {
        Ok(sheet.save_with_format(aside, ImageFormat::Png)?)
    })
    .with_context(|| format!("cannot write '{}'", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::occlusion::Rect;
    use ndarray::Array3;

    #[test]
    fn pictures_stand_in_rows_with_frames_in_the_channels_colours() {
        let black = Array3::<f32>::zeros((3, 8, 8));
        let mut mask = Mask::missing(8, 8);
        let plain = framed(black.view(), &mask);
        assert!(plain.pixels().all(|p| p.0 == [0; 3]));
        let all = mask.complement();
        assert_eq!(framed(black.view(), &all).get_pixel(0, 3).0, [255; 3]);
        mask = all;
        mask.drop_rect(Rect::new(0, 0, 4, 8));
        mask.drop_channel(1);
        let shown = masked(black.view(), &mask);
        assert_eq!(shown.get_pixel(1, 1).0, [128; 3]);
        assert_eq!(shown.get_pixel(5, 1).0, [0, 128, 0]);
        let red_then_blue = framed(black.view(), &mask);
        assert_eq!(red_then_blue.get_pixel(4, 0).0, [0, 0, 255]);
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("sheet.png");
        write(&path, &[vec![shown.clone(), red_then_blue], vec![shown]]).unwrap();
        let sheet = image::open(&path).unwrap().into_rgb8();
        assert_eq!(sheet.dimensions(), (22, 22));
        assert_eq!(sheet.get_pixel(2 + 10 + 4, 2).0, [0, 0, 255]);
        assert_eq!(sheet.get_pixel(12, 12).0, [255; 3]);
    }
}
