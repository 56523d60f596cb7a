//! How close a completion is to the original: PSNR and SSIM; and how sharp it is.

use ndarray::{ArrayView2, ArrayView3, Axis};

/// Peak signal-to-noise ratio in dB over all values of two `[3, H, W]` pictures in `[0, 1]`:
/// `10 log10(1 / MSE)`. Infinite for equal pictures.
///
/// # Panics
/// If the shapes differ.
pub fn psnr(a: ArrayView3<'_, f32>, b: ArrayView3<'_, f32>) -> f64 {
    assert_eq!(a.dim(), b.dim(), "PSNR compares pictures of one shape");
    let sum: f64 = a.iter().zip(b).map(|(x, y)| f64::from(x - y).powi(2)).sum();
    10.0 * (a.len() as f64 / sum).log10()
}

/// Variance of the Laplacian (the sum of the four neighbours less four times the value) of a
/// `[3, H, W]` picture over the pixels that are, with those four, `is_within`: the usual measure of
/// sharpness, into which a seam around them does not enter. The mean over the channels; 0 where
/// there are no pixels.
pub fn laplacian_variance(
    picture: ArrayView3<'_, f32>,
    is_within: impl Fn(usize, usize) -> bool,
) -> f64 {
    let (channels, height, width) = picture.dim();
    let pixels: Vec<(usize, usize)> = (1..height.saturating_sub(1))
        .flat_map(|y| (1..width.saturating_sub(1)).map(move |x| (x, y)))
        .filter(|&(x, y)| {
            let neighbours = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
            is_within(x, y) && neighbours.iter().all(|&(x, y)| is_within(x, y))
        })
        .collect();
    if pixels.is_empty() {
        return 0.0;
    }
    let of_channel = |c: usize| {
        let value = |x: usize, y: usize| f64::from(picture[[c, y, x]]);
        let laplacian = |&(x, y): &(usize, usize)| {
            value(x - 1, y) + value(x + 1, y) + value(x, y - 1) + value(x, y + 1)
                - 4.0 * value(x, y)
        };
        let mean_of = |power: i32| {
            let sum: f64 = pixels.iter().map(|p| laplacian(p).powi(power)).sum();
            sum / pixels.len() as f64
        };
        mean_of(2) - mean_of(1).powi(2)
    };
    (0..channels).map(of_channel).sum::<f64>() / channels as f64
}

const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// Structural similarity after Wang et al. 2004, "Image Quality Assessment: From Error Visibility
/// to Structural Similarity": 11x11 Gaussian window with sigma 1.5, `K1 = 0.01`, `K2 = 0.03`,
/// range 1, over the positions at which the window fits; mean over positions and channels.
///
/// # Panics
/// If the shapes differ or a side is below 11 pixels.
pub fn ssim(a: ArrayView3<'_, f32>, b: ArrayView3<'_, f32>) -> f64 {
    assert_eq!(a.dim(), b.dim(), "SSIM compares pictures of one shape");
    let (channels, height, width) = a.dim();
    assert!(
        height >= WINDOW && width >= WINDOW,
        "SSIM needs sides of at least 11 pixels"
    );
    let channel = |c| ssim_plane(a.index_axis(Axis(0), c), b.index_axis(Axis(0), c));
    (0..channels).map(channel).sum::<f64>() / channels as f64
}

fn ssim_plane(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> f64 {
    let (height, width) = a.dim();
    let kernel = gaussian();
    let mean = |of: &dyn Fn(f64, f64) -> f64| {
        let plane: Vec<f64> = a
            .iter()
            .zip(b)
            .map(|(&x, &y)| of(x.into(), y.into()))
            .collect();
        blur_valid(&plane, width, height, &kernel)
    };
    let (mean_a, mean_b) = (mean(&|x, _| x), mean(&|_, y| y));
    let (mean_aa, mean_bb, mean_ab) = (
        mean(&|x, _| x * x),
        mean(&|_, y| y * y),
        mean(&|x, y| x * y),
    );
    let score = |i: usize| {
        let (ma, mb) = (mean_a[i], mean_b[i]);
        let (var_a, var_b) = (mean_aa[i] - ma * ma, mean_bb[i] - mb * mb);
        let covariance = mean_ab[i] - ma * mb;
        ((2.0 * ma * mb + C1) * (2.0 * covariance + C2))
            / ((ma * ma + mb * mb + C1) * (var_a + var_b + C2))
    };
    (0..mean_a.len()).map(score).sum::<f64>() / mean_a.len() as f64
}

fn gaussian() -> [f64; WINDOW] {
    let centre = (WINDOW / 2) as f64;
    let raw: [f64; WINDOW] =
        std::array::from_fn(|i| (-(i as f64 - centre).powi(2) / (2.0 * SIGMA * SIGMA)).exp());
    let sum: f64 = raw.iter().sum();
    raw.map(|v| v / sum)
}

/// Separable filter over the positions at which the kernel fits.
fn blur_valid(plane: &[f64], width: usize, height: usize, kernel: &[f64; WINDOW]) -> Vec<f64> {
    let out_width = width - WINDOW + 1;
    let rows: Vec<f64> = plane
        .chunks(width)
        .flat_map(|row| {
            row.windows(WINDOW)
                .map(|w| w.iter().zip(kernel).map(|(v, k)| v * k).sum::<f64>())
        })
        .collect();
    let column = |x: usize, y: usize| {
        kernel
            .iter()
            .enumerate()
            .map(|(k, c)| c * rows[(y + k) * out_width + x])
            .sum::<f64>()
    };
    (0..height - WINDOW + 1)
        .flat_map(|y| (0..out_width).map(move |x| column(x, y)))
        .collect()
}
