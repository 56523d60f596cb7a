//! What a line through the intact channels says of a lost one, and how near that comes.

use super::clips::Image;

/// Keeps the fit of a line through equal values from being divided by 0.
const RIDGE: f64 = 1e-6;

/// The values of `channel`, in `[0, 1]`.
pub fn channel_of(image: &Image, channel: usize) -> Vec<f32> {
    let values = image.pixels.chunks_exact(3).map(|pixel| pixel[channel]);
    values.map(|value| f32::from(value) / 255.0).collect()
}

fn others(channel: usize) -> [usize; 2] {
    [1, 2].map(|step| (channel + step) % 3)
}

/// The mean of the other channels in the place of `channel`.
pub fn mean_of_others(image: &Image, channel: usize) -> Vec<f32> {
    let [a, b] = others(channel).map(|other| channel_of(image, other));
    a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect()
}

/// The lines through the two other channels, one for each block of `side` x `side` pixels, with the
/// least squares from the lost one.
pub fn line(image: &Image, channel: usize, side: usize) -> Vec<f32> {
    let [a, b] = others(channel).map(|other| channel_of(image, other));
    let p = channel_of(image, channel);
    let mut line = vec![0.0; p.len()];
    let side = side.min(image.width.max(image.height));
    for top in (0..image.height).step_by(side) {
        for left in (0..image.width).step_by(side) {
            let rows = top..(top + side).min(image.height);
            let columns = left..(left + side).min(image.width);
            let block: Vec<usize> = rows
                .flat_map(|y| columns.clone().map(move |x| y * image.width + x))
                .collect();
            let mean = |of: &dyn Fn(usize) -> f64| {
                block.iter().map(|&i| of(i)).sum::<f64>() / block.len() as f64
            };
            let [mean_a, mean_b, mean_p] =
                [&a, &b, &p].map(|values| mean(&|i| f64::from(values[i])));
            let product = |(s, mean_s): (&[f32], f64), (t, mean_t): (&[f32], f64)| {
                mean(&|i| (f64::from(s[i]) - mean_s) * (f64::from(t[i]) - mean_t))
            };
            let (a, b, p) = ((&a[..], mean_a), (&b[..], mean_b), (&p[..], mean_p));
            let (aa, bb) = (product(a, a) + RIDGE, product(b, b) + RIDGE);
            let (ab, ap, bp) = (product(a, b), product(a, p), product(b, p));
            let determinant = aa * bb - ab * ab;
            let of_a = (ap * bb - bp * ab) / determinant;
            let of_b = (bp * aa - ap * ab) / determinant;
            for &i in &block {
                let value = mean_p
                    + of_a * (f64::from(a.0[i]) - mean_a)
                    + of_b * (f64::from(b.0[i]) - mean_b);
                line[i] = value as f32;
            }
        }
    }
    line
}

/// PSNR of `restored` in the place of `channel` of `image`, in dB.
pub fn psnr(restored: &[f32], image: &Image, channel: usize) -> f64 {
    let truth = channel_of(image, channel);
    let squares = restored.iter().zip(&truth);
    let sum: f64 = squares
        .map(|(a, b)| f64::from(a.clamp(0.0, 1.0) - b).powi(2))
        .sum();
    -10.0 * (sum / truth.len() as f64).max(1e-10).log10()
}

/// The mean absolute change of a channel from one frame to the next.
pub fn change(before: &[f32], now: &[f32]) -> f64 {
    let changes = before
        .iter()
        .zip(now)
        .map(|(a, b)| f64::from((a - b).abs()));
    changes.sum::<f64>() / now.len() as f64
}
