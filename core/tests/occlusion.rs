//! The named occlusions: their boxes, names and scaling.

use mde_core::CROP_SIZE;
use mde_core::mask::Mask;
use mde_core::occlusion::{Occlusion, Rect};
use proptest::prelude::*;

#[test]
fn the_boxes_are_those_of_the_table() {
    let table = [
        ("right-half", 48..96, 0..96),
        ("left-half", 0..48, 0..96),
        ("eyes", 20..76, 28..50),
        ("right-eye", 48..76, 28..50),
        ("left-eye", 20..48, 28..50),
        ("mouth", 26..70, 58..82),
    ];
    assert_eq!(table.len(), Occlusion::ALL.len());
    for ((name, x, y), occlusion) in table.into_iter().zip(Occlusion::ALL) {
        assert_eq!(occlusion.name(), name);
        assert_eq!(occlusion.to_string(), name);
        assert_eq!(name.parse(), Ok(occlusion));
        assert_eq!(occlusion.rect(), Rect::new(x.start, y.start, x.end, y.end));
        let mask = Mask::from_occlusions(CROP_SIZE, CROP_SIZE, [occlusion]);
        for (py, px) in (0..CROP_SIZE).flat_map(|py| (0..CROP_SIZE).map(move |px| (py, px))) {
            let missing = x.contains(&px) && y.contains(&py);
            assert_eq!(occlusion.rect().contains(px, py), missing);
            for channel in 0..3 {
                assert_eq!(mask.is_known(channel, px, py), !missing, "{name} {px},{py}");
            }
        }
    }
}

#[test]
fn an_unknown_name_is_told_with_the_known_ones() {
    let error = "nose".parse::<Occlusion>().unwrap_err().to_string();
    assert!(error.contains("'nose'"), "{error}");
    for occlusion in Occlusion::ALL {
        assert!(error.contains(occlusion.name()), "{error}");
    }
}

#[test]
fn several_occlusions_make_one_hole() {
    let both = Mask::from_occlusions(96, 96, [Occlusion::LeftEye, Occlusion::RightEye]);
    assert_eq!(both, Mask::from_occlusions(96, 96, [Occlusion::Eyes]));
    let all = Mask::from_occlusions(96, 96, [Occlusion::LeftHalf, Occlusion::RightHalf]);
    assert_eq!(all, Mask::missing(96, 96));
    assert!(Mask::from_occlusions(96, 96, []).is_complete());
}

proptest! {
    #[test]
    fn scaled_boxes_stay_in_proportion((width, height) in (16_usize..1000, 16_usize..1000)) {
        for occlusion in Occlusion::ALL {
            let (rect, scaled) = (occlusion.rect(), occlusion.rect().scaled_to(width, height));
            let sides = [
                (rect.x0, scaled.x0, width), (rect.x1, scaled.x1, width),
                (rect.y0, scaled.y0, height), (rect.y1, scaled.y1, height),
            ];
            for (from, to, side) in sides {
                let exact = (from * side) as f64 / CROP_SIZE as f64;
                prop_assert!((to as f64 - exact).abs() <= 0.5);
            }
            prop_assert!(scaled.area() > 0);
        }
        let scaled = |occlusion: Occlusion| occlusion.rect().scaled_to(width, height);
        prop_assert_eq!(scaled(Occlusion::LeftHalf).x1, scaled(Occlusion::RightHalf).x0);
    }

    #[test]
    fn moving_keeps_a_box_or_cuts_it_at_the_border(
        dx in -200_isize..200, dy in -200_isize..200, (width, height) in (96_usize..200, 96_usize..200),
    ) {
        for occlusion in Occlusion::ALL {
            let rect = occlusion.rect();
            let moved = rect.moved_within(dx, dy, width, height);
            for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
                let back = x.checked_add_signed(-dx).zip(y.checked_add_signed(-dy));
                let inside = back.is_some_and(|(x, y)| rect.contains(x, y));
                prop_assert_eq!(moved.contains(x, y), inside);
            }
        }
    }
}
