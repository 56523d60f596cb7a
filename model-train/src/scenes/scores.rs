//! How well a lost channel is restored, beside what a line through the intact ones can do.

use std::fmt;

use mde_core::mask::{CHANNELS, Mask};
use tch::{Kind, Tensor};

use super::network::{SIDE, SceneGenerator};
use crate::data::Dataset;
use crate::evaluation::Completes;
use crate::tensors::{append_picture, channels_last, composited, from_pixels};

/// Pictures the generator sees at once.
const BATCH: usize = 32;
/// Side of the blocks that have a line each.
const BLOCK: i64 = 16;
/// Keeps the fit of a line through equal values from being divided by 0.
const RIDGE: f64 = 1e-6;

/// How well one lost channel is restored: mean PSNR over pictures in dB, of that channel alone.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The channel.
    pub channel: usize,
    /// The mean of the two others in its place.
    pub mean: f64,
    /// The line through the two others with the least squares, fitted to each picture's own lost
    /// channel: what nobody can know.
    pub line: f64,
    /// Such a line for each block of 16 x 16 pixels.
    pub block_lines: f64,
    /// The generator.
    pub generator: f64,
}

/// The head of the rows' table.
pub const HEAD: &str = "| lost channel | mean of the others | a line, fitted to the truth | \
     a line a block, fitted to the truth | generator |\n| --- | --- | --- | --- | --- |";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            channel,
            mean,
            line,
            block_lines,
            generator,
        } = self;
        let name = ["red", "green", "blue"][*channel];
        write!(
            f,
            "| {name:5} | {mean:.2} | {line:.2} | {block_lines:.2} | {generator:.2} |"
        )
    }
}

/// Restores each channel in turn of the first `count` pictures of `dataset`, which are of the
/// generator's side.
pub fn of_channels(net: &SceneGenerator, dataset: &Dataset, count: usize) -> Vec<Row> {
    let count = count.clamp(1, dataset.len());
    let of_channel = |channel: usize| {
        let mut sums = [0.0; 4];
        for first in (0..count).step_by(BATCH) {
            let pictures = pictures(dataset, first..(first + BATCH).min(count));
            let restored = [
                mean_of_others(&pictures, channel),
                line(&pictures, channel, SIDE as i64),
                line(&pictures, channel, BLOCK),
                completed(net, &pictures, channel),
            ];
            let truth = pictures.narrow(1, channel as i64, 1);
            for (sum, restored) in sums.iter_mut().zip(&restored) {
                *sum += psnr(restored, &truth).sum(Kind::Double).double_value(&[]);
            }
        }
        let [mean, line, block_lines, generator] = sums.map(|sum| sum / count as f64);
        Row {
            channel,
            mean,
            line,
            block_lines,
            generator,
        }
    };
    (0..CHANNELS).map(of_channel).collect()
}

/// `[N, 3, S, S]` f32 in `[0, 1]`, channels last.
fn pictures(dataset: &Dataset, indices: std::ops::Range<usize>) -> Tensor {
    let n = indices.len();
    let mut values = Vec::new();
    for i in indices {
        append_picture(&mut values, dataset.picture(i), dataset.size(), false);
    }
    from_pixels(&values, n, dataset.size())
}

/// PSNR of each picture.
fn psnr(a: &Tensor, b: &Tensor) -> Tensor {
    let squares = (a.clamp(0.0, 1.0) - b).square();
    let mse = squares.mean_dim([1i64, 2, 3].as_slice(), false, Kind::Double);
    mse.clamp_min(1e-10).log10() * -10.0
}

fn others(channel: usize) -> [i64; 2] {
    [1, 2].map(|step| ((channel + step) % CHANNELS) as i64)
}

fn mean_of_others(pictures: &Tensor, channel: usize) -> Tensor {
    let [a, b] = others(channel).map(|c| pictures.narrow(1, c, 1));
    (a + b) / 2.0
}

fn completed(net: &SceneGenerator, pictures: &Tensor, channel: usize) -> Tensor {
    let mut mask = Mask::known(SIDE, SIDE);
    mask.drop_channel(channel);
    let side = SIDE as i64;
    let mask = Tensor::from_slice(mask.as_slice()).view([1, CHANNELS as i64, side, side]);
    let masks = channels_last(&mask.expand_as(pictures).contiguous());
    let made = tch::no_grad(|| net.complete(&(pictures * &masks), &masks));
    composited(&made, pictures, &masks).narrow(1, channel as i64, 1)
}

/// What the line with the least squares through the two other channels and an offset says of
/// `channel`, one line for each block of `block` x `block` pixels.
fn line(pictures: &Tensor, channel: usize, block: i64) -> Tensor {
    let mean = |t: &Tensor| {
        let blocks = t.avg_pool2d([block; 2], [block; 2], [0; 2], false, true, None);
        blocks
            .repeat_interleave_self_int(block, 2, None)
            .repeat_interleave_self_int(block, 3, None)
    };
    let [a, b] = others(channel).map(|c| pictures.narrow(1, c, 1).to_kind(Kind::Double));
    let p = pictures.narrow(1, channel as i64, 1).to_kind(Kind::Double);
    let [mean_a, mean_b, mean_p] = [mean(&a), mean(&b), mean(&p)];
    let (a, b, p) = (a - &mean_a, b - &mean_b, p - &mean_p);
    let [aa, bb] = [&a, &b].map(|t| mean(&t.square()) + RIDGE);
    let [ab, ap, bp] = [(&a, &b), (&a, &p), (&b, &p)].map(|(s, t)| mean(&(s * t)));
    let determinant = &aa * &bb - ab.square();
    let of_a = (&ap * &bb - &bp * &ab) / &determinant;
    let of_b = (&bp * &aa - &ap * &ab) / &determinant;
    (of_a * a + of_b * b + mean_p).to_kind(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn a_line_restores_what_is_one() {
        tch::manual_seed(1);
        let rest = Tensor::rand([2, 2, 32, 32], (Kind::Float, Device::Cpu)) * 0.5;
        let [green, blue] = [0, 1].map(|c| rest.narrow(1, c, 1));
        let red: Tensor = &green * 0.7 - &blue * 0.2 + 0.3;
        let pictures = Tensor::cat(&[&red, &green, &blue], 1);
        for block in [16, 32] {
            let off = (line(&pictures, 0, block) - &red).abs().max();
            assert!(off.double_value(&[]) < 1e-3, "{off:?}");
        }
        let none = psnr(&red, &red).min().double_value(&[]);
        assert!((none - 100.0).abs() < 1e-6);
    }
}
