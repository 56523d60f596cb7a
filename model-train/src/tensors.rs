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

/// `generated` with the known values of `original` put back; all `[N, 3, H, W]`.
pub fn composited(generated: &Tensor, original: &Tensor, mask: &Tensor) -> Tensor {
    generated + (original - generated) * mask
}
