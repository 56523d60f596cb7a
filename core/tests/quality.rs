//! PSNR and SSIM against scikit-image 0.26 on pictures that both can compute:
//! `structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
//! data_range=1.0, win_size=11, channel_axis=0)` and
//! `peak_signal_noise_ratio(a, b, data_range=1.0)`.

use mde_core::quality::{laplacian_variance, psnr, ssim};
use ndarray::Array3;
use proptest::prelude::*;

type Formula = fn(usize, usize, usize) -> usize;

/// A picture of values in 512ths, which `f32` holds exactly.
fn picture(formula: Formula, width: usize, height: usize) -> Array3<f32> {
    Array3::from_shape_fn((3, height, width), |(c, y, x)| {
        formula(c, y, x) as f32 / 512.0
    })
}

fn pattern(c: usize, y: usize, x: usize) -> usize {
    2 * ((x * x * 3 + y * y * 5 + x * y * (c + 1) + 17 * c) % 256)
}

fn ramp(c: usize, y: usize, x: usize) -> usize {
    2 * ((2 * x + y + 40 * c) % 256)
}

fn noisy(c: usize, y: usize, x: usize) -> usize {
    2 * (ramp(c, y, x) / 2 + (x * 7 + y * 13 + c * 5) % 16).min(255)
}

fn flat(c: usize, _y: usize, _x: usize) -> usize {
    128 + 64 * c
}

fn bright(c: usize, y: usize, x: usize) -> usize {
    ramp(c, y, x) / 2 + 128
}

fn holed(c: usize, y: usize, x: usize) -> usize {
    let inside = (20..44).contains(&x) && (12..24).contains(&y);
    if inside { 256 } else { ramp(c, y, x) }
}

#[test]
fn scores_are_those_of_scikit_image() {
    let cases: [(Formula, Formula, usize, usize, f64, f64); 6] = [
        (
            ramp,
            noisy,
            64,
            48,
            0.790_670_970_705_683_7,
            29.279_505_313_616_47,
        ),
        (
            ramp,
            holed,
            64,
            48,
            0.877_869_637_741_554_2,
            27.218_013_999_055_945,
        ),
        (
            ramp,
            bright,
            64,
            48,
            0.932_999_798_167_654_9,
            19.992_727_648_252_867,
        ),
        (
            ramp,
            pattern,
            64,
            48,
            0.010_423_397_101_514_157,
            9.114_309_953_718_958,
        ),
        (
            pattern,
            flat,
            64,
            48,
            0.010_489_912_382_150_574,
            9.576_387_397_655_697,
        ),
        (
            ramp,
            noisy,
            11,
            11,
            0.771_977_688_479_762_2,
            29.271_087_650_806_557,
        ),
    ];
    for (i, (a, b, width, height, expected_ssim, expected_psnr)) in cases.into_iter().enumerate() {
        let (a, b) = (picture(a, width, height), picture(b, width, height));
        let (found_ssim, found_psnr) = (ssim(a.view(), b.view()), psnr(a.view(), b.view()));
        assert!(
            (found_ssim - expected_ssim).abs() < 1e-6,
            "case {i}: SSIM {found_ssim}"
        );
        assert!(
            (found_psnr - expected_psnr).abs() < 1e-6,
            "case {i}: PSNR {found_psnr}"
        );
    }
}

#[test]
fn equal_pictures_score_the_most() {
    let a = picture(pattern, 32, 24);
    assert_eq!(psnr(a.view(), a.view()), f64::INFINITY);
    assert!((ssim(a.view(), a.view()) - 1.0).abs() < 1e-12);
}

#[test]
fn black_against_white_scores_the_least() {
    let (black, white) = (Array3::zeros((3, 16, 16)), Array3::ones((3, 16, 16)));
    assert_eq!(psnr(black.view(), white.view()), 0.0);
    assert!(ssim(black.view(), white.view()) < 1e-3);
}

#[test]
fn the_laplacian_s_variance_is_that_worked_by_hand() {
    // A single bright pixel in each channel: the Laplacian is -4 v there and v at its neighbours.
    let mut a = Array3::zeros((3, 9, 9));
    for c in 0..3 {
        a[[c, 4, 4]] = 0.5;
    }
    let found = laplacian_variance(a.view(), |_, _| true);
    let expected = (4.0 + 4.0 * 0.25) / 49.0;
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    assert_eq!(laplacian_variance(a.view(), |x, _| x > 6), 0.0);
    assert_eq!(laplacian_variance(a.view(), |_, _| false), 0.0);
}

proptest! {
    #[test]
    fn a_uniform_error_gives_its_decibels(error in 0.001_f32..0.5, base in 0.0_f32..0.5) {
        let (a, b) = (Array3::from_elem((3, 8, 8), base), Array3::from_elem((3, 8, 8), base + error));
        let expected = -20.0 * f64::from(error).log10();
        prop_assert!((psnr(a.view(), b.view()) - expected).abs() < 1e-2);
    }

    #[test]
    fn scores_do_not_depend_on_the_order(values in prop::collection::vec(0.0_f32..1.0, 2 * 3 * 13 * 12)) {
        let (a, b) = values.split_at(3 * 13 * 12);
        let a = Array3::from_shape_vec((3, 13, 12), a.to_vec()).unwrap();
        let b = Array3::from_shape_vec((3, 13, 12), b.to_vec()).unwrap();
        prop_assert!((ssim(a.view(), b.view()) - ssim(b.view(), a.view())).abs() < 1e-12);
        prop_assert_eq!(psnr(a.view(), b.view()), psnr(b.view(), a.view()));
        prop_assert!((-1.0..=1.0).contains(&ssim(a.view(), b.view())));
    }
}
