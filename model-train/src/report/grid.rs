//! A look at what the generator does: one picture a row, four views side by side.

use std::path::Path;

use anyhow::{Context, Result};
use image::{ImageFormat, Rgb, RgbImage};

use crate::files::write_aside;

/// White pixels between views.
const GAP: usize = 2;
/// Missing values are shown as middle grey.
const MISSING: f32 = 0.5;

/// One row of the grid. All slices are `[3, size, size]`.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The picture, RGB in `[0, 1]`.
    pub original: &'a [f32],
    /// 1 where a value is known, 0 where it is missing.
    pub mask: &'a [f32],
    /// The generator's whole output, RGB in `[0, 1]`.
    pub generated: &'a [f32],
}

impl Row<'_> {
    /// The four views at value `i`: original, masked input, generated, composited.
    fn views(&self, i: usize) -> [f32; 4] {
        let (x, m, y) = (self.original[i], self.mask[i], self.generated[i]);
        [x, m * x + (1.0 - m) * MISSING, y, m * x + (1.0 - m) * y]
    }
}

/// Writes a PNG with the columns original, masked input, generated and composited, and one row for
/// each of `rows`, whose pictures are `size` pixels square.
///
/// # Errors
/// Where the file cannot be written.
///
/// # Panics
/// If a slice is not `[3, size, size]`.
pub fn write_png(path: &Path, size: usize, rows: &[Row<'_>]) -> Result<()> {
    let picture = draw(size, rows);
    write_aside(path, |aside| -> Result<()> {
        Ok(picture.save_with_format(aside, ImageFormat::Png)?)
    })
    .with_context(|| format!("cannot write '{}'", path.display()))
}

fn draw(size: usize, rows: &[Row<'_>]) -> RgbImage {
    let side = |count: usize| (count * (size + GAP) + GAP) as u32;
    let mut picture = RgbImage::from_pixel(side(4), side(rows.len()), Rgb([255; 3]));
    for (r, row) in rows.iter().enumerate() {
        for values in [row.original, row.mask, row.generated] {
            assert_eq!(
                values.len(),
                3 * size * size,
                "a picture is [3, size, size]"
            );
        }
        for at in 0..size * size {
            let channels: [_; 3] = std::array::from_fn(|c| row.views(c * size * size + at));
            for v in 0..4 {
                let x = side(v) as usize + at % size;
                let y = side(r) as usize + at / size;
                let value = channels.map(|views| (views[v].clamp(0.0, 1.0) * 255.0).round() as u8);
                picture.put_pixel(x as u32, y as u32, Rgb(value));
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_views_stand_side_by_side() {
        const SIZE: usize = 4;
        let original = vec![1.0; 3 * SIZE * SIZE];
        let generated = vec![0.0; 3 * SIZE * SIZE];
        // Red is missing in the left half, all channels in the last row.
        let mask: Vec<f32> = (0..3 * SIZE * SIZE)
            .map(|i| {
                let (c, y, x) = (i / (SIZE * SIZE), i / SIZE % SIZE, i % SIZE);
                let missing = (c == 0 && x < SIZE / 2) || y == SIZE - 1;
                f32::from(u8::from(!missing))
            })
            .collect();
        let row = Row {
            original: &original,
            mask: &mask,
            generated: &generated,
        };
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("grid.png");
        write_png(&path, SIZE, &[row, row]).unwrap();

        let picture = image::open(&path).unwrap().into_rgb8();
        let step = (SIZE + GAP) as u32;
        assert_eq!(picture.dimensions(), (4 * step + 2, 2 * step + 2));
        let at = |view: u32, row: u32, x: u32, y: u32| {
            picture.get_pixel(2 + view * step + x, 2 + row * step + y).0
        };
        for row in 0..2 {
            assert_eq!(at(0, row, 0, 0), [255; 3]);
            assert_eq!(at(1, row, 0, 0), [128, 255, 255]);
            assert_eq!(at(1, row, 3, 0), [255; 3]);
            assert_eq!(at(1, row, 3, 3), [128; 3]);
            assert_eq!(at(2, row, 3, 0), [0; 3]);
            assert_eq!(at(3, row, 0, 0), [0, 255, 255]);
            assert_eq!(at(3, row, 3, 0), [255; 3]);
            assert_eq!(at(3, row, 3, 3), [0; 3]);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = write_png(Path::new("/nowhere/grid.png"), 4, &[]).unwrap_err();
        assert!(format!("{error:#}").contains("/nowhere/grid.png"));
    }
}
