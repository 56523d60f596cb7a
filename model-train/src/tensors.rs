//! Pictures as tensors and back, and their layout in memory.

use image::RgbImage;
use tch::{Kind, Tensor};

/// Appends an `[S, S, 3]` picture of bytes as f32 in `[0, 1]`, mirrored where asked.
pub fn append_picture(to: &mut Vec<f32>, picture: &[u8], size: usize, mirrored: bool) {
    let value = |&v: &u8| f32::from(v) / 255.0;
    if mirrored {
        for row in picture.chunks_exact(size * 3) {
            to.extend(row.chunks_exact(3).rev().flatten().map(value));
        }
    } else {
        to.extend(picture.iter().map(value));
    }
}

/// `[N, S, S, 3]` values as an `[N, 3, S, S]` tensor, channels last.
pub fn from_pixels(values: &[f32], n: usize, size: usize) -> Tensor {
    let side = size as i64;
    Tensor::from_slice(values)
        .view([n as i64, side, side, 3])
        .permute([0, 3, 1, 2])
}

/// `values` `[3, H, W]`, of which those in `[0, 1]` are kept, as a picture.
pub fn to_picture(values: &Tensor) -> RgbImage {
    let (height, width) = (values.size()[1], values.size()[2]);
    let bytes = (values.permute([1, 2, 0]) * 255.0)
        .round()
        .clamp(0.0, 255.0);
    let bytes = bytes.to_kind(Kind::Uint8).contiguous();
    let mut pixels = vec![0; bytes.numel()];
    bytes.copy_data_u8(&mut pixels, bytes.numel());
    RgbImage::from_raw(width as u32, height as u32, pixels).expect("three bytes a pixel")
}

/// The same values with 4-D tensors laid out channels last (`[N, H, W, C]` in memory).
pub fn channels_last(t: &Tensor) -> Tensor {
    match t.dim() {
        4 => t.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]),
        _ => t.contiguous(),
    }
}

/// Means of `x` `[N, C, H, W]` over the windows of `side` (odd) pixels around each pixel, as far as they
/// are inside.
pub fn local_means(x: &Tensor, side: i64) -> Tensor {
    // One axis after the other, each channel by itself in memory: all at once and channels last this
    // took a fifth of a training run.
    let (reach, of_rows) = (side / 2, x.contiguous());
    let of_rows = of_rows.avg_pool2d([1, side], [1, 1], [0, reach], false, false, None::<i64>);
    of_rows.avg_pool2d([side, 1], [1, 1], [reach, 0], false, false, None::<i64>)
}

/// `generated` with the known values of `original` put back; all `[N, 3, H, W]`.
pub fn composited(generated: &Tensor, original: &Tensor, mask: &Tensor) -> Tensor {
    generated + (original - generated) * mask
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn local_means_are_those_of_their_windows() {
        tch::manual_seed(1);
        let x = channels_last(&Tensor::rand([2, 3, 8, 11], (Kind::Float, Device::Cpu)));
        let means = local_means(&x, 5);
        let of_windows = x.avg_pool2d([5i64, 5], [1, 1], [2, 2], false, false, None::<i64>);
        let off = (means - of_windows).abs().max().double_value(&[]);
        assert!(off < 1e-6, "{off}");
    }
}
