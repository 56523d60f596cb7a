//! The aligned face of the demo portrait, and how well a part of it has been completed.

use anyhow::{Context, Result};
use mde_core::CROP_SIZE;
use mde_core::alignment::{FacePoints, align_face};
use mde_core::occlusion::Rect;
use ndarray::{Array3, s};

/// The portrait's five points, read off the picture by eye: left eye, right eye, nose, left and
/// right mouth corner.
const POINTS: FacePoints = [
    [206.0, 102.0],
    [248.0, 105.0],
    [226.0, 125.0],
    [206.0, 143.0],
    [241.0, 146.0],
];

/// The face aligned on the 96x96 crop, `[3, H, W]`, RGB in `[0, 1]`.
///
/// # Errors
/// If the portrait is not where `make setup` puts it.
pub fn portrait() -> Result<Array3<f32>> {
    let file = crate::source(".deps/pictures/astronaut.png");
    let picture = image::open(&file)
        .with_context(|| format!("{}: run `make setup`", file.display()))?
        .into_rgb32f();
    let to_picture = align_face(&POINTS, CROP_SIZE, CROP_SIZE)?.inverse()?;
    Ok(Array3::from_shape_fn(
        (3, CROP_SIZE, CROP_SIZE),
        |(channel, row, column)| {
            let [x, y] = to_picture.apply([column as f64, row as f64]);
            let value = image::imageops::interpolate_bilinear(&picture, x as f32, y as f32);
            value.map_or(0.0, |pixel| pixel.0[channel])
        },
    ))
}

/// As the bytes of an RGB frame.
pub fn to_rgb_bytes(picture: &Array3<f32>) -> Vec<u8> {
    let interleaved = picture.view().permuted_axes([1, 2, 0]);
    interleaved
        .iter()
        .map(|v| (v * 255.0).round() as u8)
        .collect()
}

/// From the bytes of a 96x96 RGB frame.
///
/// # Errors
/// If there is another number of bytes.
pub fn from_rgb_bytes(bytes: &[u8]) -> Result<Array3<f32>> {
    let values = bytes.iter().map(|&v| f32::from(v) / 255.0).collect();
    let interleaved = Array3::from_shape_vec((CROP_SIZE, CROP_SIZE, 3), values)?;
    Ok(interleaved.permuted_axes([2, 0, 1]))
}

/// `picture` with `hole` of one colour: the mean of the rest.
pub fn mean_filled(picture: &Array3<f32>, hole: Rect) -> Array3<f32> {
    let mut filled = picture.clone();
    for mut channel in filled.outer_iter_mut() {
        let known = channel
            .indexed_iter()
            .filter(|((y, x), _)| !hole.contains(*x, *y))
            .map(|(_, v)| *v);
        let (sum, count) = known.fold((0.0, 0), |(sum, count), v| (sum + v, count + 1));
        channel
            .slice_mut(s![hole.y0..hole.y1, hole.x0..hole.x1])
            .fill(sum / count as f32);
    }
    filled
}

/// PSNR in dB over the pixels of `hole` alone.
pub fn psnr_within(a: &Array3<f32>, b: &Array3<f32>, hole: Rect) -> f64 {
    let part = s![.., hole.y0..hole.y1, hole.x0..hole.x1];
    mde_core::quality::psnr(a.slice(part), b.slice(part))
}
