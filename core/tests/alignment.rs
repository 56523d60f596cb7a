//! Alignment: what the least-squares similarity recovers, and what it refuses.

use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, AlignmentError, FacePoints, Point, TEMPLATE, align_face};
use proptest::prelude::*;

fn similarity() -> impl Strategy<Value = Affine> {
    let angle = -3.1..3.1;
    let shift = -2000.0..2000.0;
    (angle, 0.05..20.0, shift.clone(), shift)
        .prop_map(|(angle, scale, tx, ty)| Affine::about([0.0; 2], angle, scale, [tx, ty]))
}

fn affine() -> impl Strategy<Value = Affine> {
    let value = -10.0..10.0;
    (prop::array::uniform4(value.clone()), value.clone(), value)
        .prop_map(|([a, b, c, d], tx, ty)| Affine {
            linear: [[a, b], [c, d]],
            translation: [tx, ty],
        })
        .prop_filter("has an inverse", |map| map.determinant().abs() > 0.1)
}

fn point() -> impl Strategy<Value = Point> {
    prop::array::uniform2(-1000.0..1000.0)
}

fn distance(a: Point, b: Point) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn is_finite(map: &Affine) -> bool {
    (map.linear.iter().flatten())
        .chain(&map.translation)
        .all(|v| v.is_finite())
}

#[test]
fn a_turn_about_a_point_leaves_it_in_place_but_for_the_shift() {
    let turn = Affine::about([3.0, 5.0], 0.4, 1.5, [2.0, -1.0]);
    let centre = turn.apply([3.0, 5.0]);
    assert!(distance(centre, [5.0, 4.0]) < 1e-12);
    assert!((turn.determinant() - 2.25).abs() < 1e-12);
    let right = turn.apply([4.0, 5.0]);
    assert!(
        right[0] > centre[0] && right[1] > centre[1],
        "clockwise: {right:?}"
    );
}

proptest! {
    #[test]
    fn a_similarity_is_recovered_from_the_points_it_moved(map in similarity(), p in point()) {
        let found = Affine::similarity(&TEMPLATE, &TEMPLATE.map(|p| map.apply(p))).unwrap();
        prop_assert!(distance(found.apply(p), map.apply(p)) < 1e-6);
    }

    #[test]
    fn no_other_similarity_fits_better(
        noise in prop::array::uniform5(prop::array::uniform2(-5.0..5.0)),
        (angle, scale) in (-0.1..0.1, 0.9..1.1),
        shift in prop::array::uniform2(-3.0..3.0),
    ) {
        let points: FacePoints =
            std::array::from_fn(|i| [TEMPLATE[i][0] + noise[i][0], TEMPLATE[i][1] + noise[i][1]]);
        let error = |map: &Affine| -> f64 {
            let miss = |(p, q): (&Point, &Point)| distance(map.apply(*p), *q).powi(2);
            points.iter().zip(&TEMPLATE).map(miss).sum()
        };
        let best = Affine::similarity(&points, &TEMPLATE).unwrap();
        let other = best.then(&Affine::about([0.0; 2], angle, scale, shift));
        prop_assert!(error(&best) <= error(&other) + 1e-9);
    }

    #[test]
    fn the_inverse_leads_back(map in affine(), p in point()) {
        let back = map.inverse().unwrap();
        prop_assert!(distance(back.apply(map.apply(p)), p) < 1e-6);
        prop_assert!(distance(map.then(&back).apply(p), p) < 1e-6);
        prop_assert!((map.determinant() * back.determinant() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn then_applies_one_after_the_other(first in affine(), next in affine(), p in point()) {
        let both = first.then(&next);
        prop_assert!(distance(both.apply(p), next.apply(first.apply(p))) < 1e-6);
        prop_assert_eq!(first.then(&Affine::IDENTITY), first);
    }

    #[test]
    fn stretch_puts_edge_on_edge(
        (fw, fh, tw, th) in (1_usize..2000, 1_usize..2000, 1_usize..2000, 1_usize..2000),
    ) {
        let map = Affine::stretch((fw, fh), (tw, th));
        let far = |w: usize, h: usize| [w as f64 - 0.5, h as f64 - 0.5];
        // The first pixel's outer corner is half a pixel before its centre.
        prop_assert!(distance(map.apply([-0.5, -0.5]), [-0.5, -0.5]) < 1e-9);
        prop_assert!(distance(map.apply(far(fw, fh)), far(tw, th)) < 1e-6);
    }

    #[test]
    fn a_face_lands_on_the_template(
        map in similarity(),
        (width, height) in (16_usize..512, 16_usize..512),
    ) {
        let to_crop = align_face(&TEMPLATE.map(|p| map.apply(p)), width, height).unwrap();
        let scaled = Affine::stretch((CROP_SIZE, CROP_SIZE), (width, height));
        for p in TEMPLATE {
            prop_assert!(distance(to_crop.apply(map.apply(p)), scaled.apply(p)) < 1e-6);
        }
    }

    #[test]
    fn any_points_give_a_transform_of_numbers_or_an_error(
        from in prop::array::uniform5(prop::array::uniform2(proptest::num::f64::ANY)),
        to in prop::array::uniform5(prop::array::uniform2(-1e12..1e12)),
    ) {
        for (from, to) in [(&from, &TEMPLATE), (&to, &TEMPLATE), (&TEMPLATE, &to), (&from, &to)] {
            if let Ok(map) = Affine::similarity(from, to) {
                prop_assert!(is_finite(&map), "{map:?}");
            }
        }
    }

    #[test]
    fn any_inverse_is_of_numbers_or_an_error(
        linear in prop::array::uniform2(prop::array::uniform2(proptest::num::f64::ANY)),
        translation in prop::array::uniform2(proptest::num::f64::ANY),
    ) {
        if let Ok(map) = (Affine { linear, translation }).inverse() {
            prop_assert!(is_finite(&map), "{map:?}");
        }
    }

    #[test]
    fn coinciding_points_are_refused(p in point()) {
        prop_assert_eq!(align_face(&[p; 5], 96, 96), Err(AlignmentError::Coincident));
        prop_assert_eq!(Affine::similarity(&TEMPLATE, &[p; 5]), Err(AlignmentError::Coincident));
    }
}

#[test]
fn the_template_needs_no_transform() {
    let map = align_face(&TEMPLATE, CROP_SIZE, CROP_SIZE).unwrap();
    for p in TEMPLATE {
        assert!(distance(map.apply(p), p) < 1e-12);
    }
}

#[test]
fn points_that_are_no_place_are_refused() {
    for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let mut points = TEMPLATE;
        points[3][1] = v;
        let refused = |r| matches!(r, Err(AlignmentError::OutOfRange(_)));
        assert!(refused(align_face(&points, 96, 96)), "{v}");
        assert!(refused(Affine::similarity(&TEMPLATE, &points)), "{v}");
    }
}

#[test]
fn a_transform_onto_a_line_has_no_inverse() {
    let flat = Affine {
        linear: [[1.0, 2.0], [2.0, 4.0]],
        translation: [0.0, 0.0],
    };
    assert_eq!(flat.inverse(), Err(AlignmentError::Singular(0.0)));
}
