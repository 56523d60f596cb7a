//! The promise that no bit outside a hole changes, for all formats.

use gst_video::VideoFormat;
use gstmdecomplete::frame::{Channels, Hole, SUPPORTED_FORMATS};
use mde_core::alignment::Affine;
use mde_core::mask::Mask;
use mde_core::occlusion::Rect;
use proptest::array::uniform;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::case::Case;
use crate::{completion, info, write};

/// Random cases a format, on average.
const CASES_A_FORMAT: u32 = 40;

fn rects((width, height): (usize, usize)) -> impl Strategy<Value = Rect> {
    let side = |side: usize| (0..side).prop_flat_map(move |low| (Just(low), low + 1..=side));
    (side(width), side(height)).prop_map(|((x0, x1), (y0, y1))| Rect::new(x0, y0, x1, y1))
}

/// A turned, scaled, shifted and sometimes sheared crop somewhere about the frame.
fn transforms((width, height): (u32, u32)) -> impl Strategy<Value = Affine> {
    (
        0.2..4.0,
        -3.2..3.2f64,
        prop_oneof![Just(0.0), -0.5..0.5],
        [-0.2..1.2, -0.2..1.2],
        [0.0..40.0, 0.0..40.0],
    )
        .prop_map(move |(scale, angle, shear, middle, [x, y])| {
            let (sin, cos) = (f64::sin(angle) * scale, f64::cos(angle) * scale);
            let linear = [[cos, shear * cos - sin], [sin, shear * sin + cos]];
            let (u, v) = (middle[0] * f64::from(width), middle[1] * f64::from(height));
            let translation = linear.map(|[a, b]| a * u + b * v);
            Affine {
                linear,
                translation: [x - translation[0], y - translation[1]],
            }
        })
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = ((1u32..80, 1u32..80), (2usize..40, 2usize..40));
    sizes.prop_flat_map(|(size, crop)| {
        let (width, height) = (size.0 as usize, size.1 as usize);
        (
            (select(SUPPORTED_FORMATS), any::<bool>()),
            uniform::<_, 2>(uniform::<_, 4>(0u8..20)),
            transforms(size),
            vec((rects(crop), any::<[bool; 3]>()), 0..4),
            (prop_oneof![Just(0.0f32), 0.0..5.0f32], 0.0..=1.0f32),
            select(&[Channels::Rgb, Channels::Rgb, Channels::Luma][..]),
            option::weighted(0.2, rects((width, height))),
            any::<u64>(),
        )
            .prop_map(
                move |(
                    (format, interlaced),
                    padding,
                    to_crop,
                    missing,
                    (feather, strength),
                    channels,
                    pixels,
                    seed,
                )| {
                    Case {
                        format,
                        size,
                        interlaced,
                        padding,
                        crop,
                        to_crop,
                        missing,
                        feather,
                        strength,
                        channels,
                        pixels,
                        seed,
                    }
                },
            )
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES_A_FORMAT * SUPPORTED_FORMATS.len() as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_bit_outside_the_hole_changes(case in cases()) {
        case.check();
    }
}

#[test]
fn what_is_not_a_number_is_not_written() {
    for &format in SUPPORTED_FORMATS {
        let info = info(format, 16, 16);
        let hole = Hole::new(&Mask::missing(16, 16), 0.0);
        let mut buffer = gst::Buffer::from_mut_slice(vec![77u8; info.size()]);
        let completed = [f32::NAN; 3 * 256];
        write(
            &mut buffer,
            &info,
            &Affine::IDENTITY,
            &completion(&completed, &completed, &hole),
        );
        let bytes = buffer.map_readable().expect("memory");
        assert!(bytes.iter().all(|&byte| byte == 77), "{format}");
    }
}

#[test]
fn strength_leaves_a_part_of_the_frame() {
    let info = info(VideoFormat::Gray8, 8, 8);
    let hole = Hole::new(&Mask::missing(8, 8), 0.0);
    let completed = [1.0; 3 * 64];
    for (strength, wanted) in [(0.0, 100), (0.6, 193), (1.0, 255), (7.0, 255)] {
        let mut buffer = gst::Buffer::from_mut_slice(vec![100u8; info.size()]);
        let mut completion = completion(&completed, &completed, &hole);
        completion.strength = strength;
        write(&mut buffer, &info, &Affine::IDENTITY, &completion);
        let bytes = buffer.map_readable().expect("memory");
        assert!(
            bytes.iter().all(|&byte| byte == wanted),
            "{strength}: {}",
            bytes[0]
        );
    }
}
