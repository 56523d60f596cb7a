//! Registration of made-up pictures.

use super::*;

const SIDE: usize = 128;
const SIZE: (usize, usize) = (SIDE, SIDE);

/// A texture at any place, in `[0, 1]`.
fn texture([x, y]: [f32; 2]) -> f32 {
    let waves = [
        (0.31, 0.12, 0.4),
        (-0.17, 0.29, 1.3),
        (0.09, -0.38, 2.2),
        (0.05, 0.04, 0.0),
        (0.63, -0.41, 0.9),
        (0.37, 0.71, 1.7),
    ];
    let sum: f32 = (waves.iter())
        .map(|(fx, fy, phase)| (fx * x + fy * y + phase).sin())
        .sum();
    0.5 + 0.08 * sum
}

fn picture(value: impl Fn([f32; 2]) -> f32) -> Vec<f32> {
    let plane = (0..SIDE * SIDE).map(|i| value([(i % SIDE) as f32, (i / SIDE) as f32]));
    let plane: Vec<f32> = plane.collect();
    [plane.as_slice(), &plane, &plane].concat()
}

fn eyes(i: usize) -> bool {
    (26..102).contains(&(i % SIDE)) && (37..67).contains(&(i / SIDE))
}

fn known() -> Vec<f32> {
    (0..SIDE * SIDE)
        .map(|i| f32::from(u8::from(!eyes(i))))
        .collect()
}

fn registered(rgb: &[f32], known: &[f32], other: &Detail, from: &Displacement) -> Registration {
    let mut registrar = Registrar::default();
    registrar.look(SIZE, rgb, known);
    registrar.register(other, from)
}

/// How far `found` is from `true_one` in the hole, in the mean.
fn off(found: &Displacement, true_one: impl Fn([f32; 2]) -> [f32; 2]) -> f32 {
    let hole = (0..SIDE * SIDE).filter(|i| eyes(*i));
    let off: Vec<f32> = hole
        .map(|i| {
            let at = [(i % SIDE) as f32, (i / SIDE) as f32];
            let ([a, b], [c, d]) = (found.at(at), true_one(at));
            (a - c).hypot(b - d)
        })
        .collect();
    off.iter().sum::<f32>() / off.len() as f32
}

#[test]
fn a_turned_and_bent_picture_is_found_from_what_surrounds_the_hole() {
    let displaced = |[x, y]: [f32; 2]| {
        let (u, v) = ((x - 64.0) / 32.0, (y - 64.0) / 32.0);
        [2.1 + 0.8 * v - 0.3 * u * u, -1.4 - 0.6 * u + 0.2 * u * v]
    };
    let other = picture(texture);
    // In another light, which is no displacement.
    let seen = picture(|at| {
        let [right, down] = displaced(at);
        0.8 * texture([at[0] + right, at[1] + down]) + 0.1 + 0.001 * at[0]
    });
    let other = Detail::new(SIZE, &other, &[1.0; SIDE * SIDE]);
    let mut registrar = Registrar::default();
    let from = Displacement::NONE;
    registrar.look(SIZE, &seen, &known());
    let found = registrar.register(&other, &from).displacement;
    let far = off(&found, displaced);
    assert!(far < 0.25, "{far} pixels off");
    let none = registrar.residual(&other, |_| [0.0; 2]);
    let left = registrar.residual(&other, |at| found.at(at));
    assert!(left < 0.5 * none, "{left} of {none}");
    // Begun there it stays there.
    let again = registrar.register(&other, &found).displacement;
    assert!(off(&again, |at| found.at(at)) < 0.1);
}

#[test]
fn the_same_picture_is_not_displaced() {
    let rgb = picture(texture);
    let other = Detail::new(SIZE, &rgb, &[1.0; SIDE * SIDE]);
    let none = Displacement::NONE;
    let found = registered(&rgb, &known(), &other, &none).displacement;
    assert!(off(&found, |_| [0.0; 2]) < 0.02);
}

#[test]
fn a_part_that_moves_by_itself_does_not_pull_the_rest() {
    let displaced = |[_, y]: [f32; 2]| match y > 78.0 {
        true => [0.0, 4.0],
        false => [1.0, 0.5],
    };
    let seen = picture(|at| {
        let [right, down] = displaced(at);
        texture([at[0] + right, at[1] + down])
    });
    let other = Detail::new(SIZE, &picture(texture), &[1.0; SIDE * SIDE]);
    let none = Displacement::NONE;
    let found = registered(&seen, &known(), &other, &none).displacement;
    // A third of the face moves by four pixels, and has no edges that would tell it from the rest.
    let far = off(&found, |_| [1.0, 0.5]);
    assert!(far < 0.9, "{far} pixels off");
}

#[test]
fn where_nothing_can_be_told_nothing_is_displaced() {
    let rgb = picture(texture);
    let other = Detail::new(SIZE, &rgb, &[1.0; SIDE * SIDE]);
    let unknown = Detail::new(SIZE, &rgb, &[0.0; SIDE * SIDE]);
    let (none, all) = (Displacement::NONE, [0.0; SIDE * SIDE]);
    for (rgb, known, other) in [
        (&rgb, all.as_slice(), &other),
        (&rgb, known().as_slice(), &unknown),
    ] {
        let found = registered(rgb, known, other, &none).displacement;
        assert!(off(&found, |_| [0.0; 2]) < 1e-3);
    }
}

#[test]
fn half_a_face_tells_where_the_other_half_lies() {
    // As points under a cover have it: shifted, turned and smaller; and a cheek that moves by itself.
    let displaced = |[x, y]: [f32; 2]| {
        let (u, v) = ((x - 64.0) / 32.0, (y - 64.0) / 32.0);
        let cheek = (-((u + 0.7).powi(2) + (v - 0.9).powi(2)) / 0.08).exp();
        [
            3.4 - 1.1 * u + 1.9 * v,
            -2.6 - 1.9 * u - 1.1 * v + 2.0 * cheek,
        ]
    };
    let seen = picture(|at| {
        let [right, down] = displaced(at);
        texture([at[0] + right, at[1] + down])
    });
    let other = Detail::new(SIZE, &picture(texture), &[1.0; SIDE * SIDE]);
    let half = |i: usize| i % SIDE >= SIDE / 2;
    let known: Vec<f32> = (0..SIDE * SIDE)
        .map(|i| f32::from(u8::from(!half(i))))
        .collect();
    let found = registered(&seen, &known, &other, &Displacement::NONE);
    let hole = (0..SIDE * SIDE).filter(|i| half(*i) && i % SIDE < 108);
    let far = hole.map(|i| {
        let at = [(i % SIDE) as f32, (i / SIDE) as f32];
        let ([a, b], [c, d]) = (found.displacement.at(at), displaced(at));
        (a - c).hypot(b - d)
    });
    let farthest = far.fold(0.0, f32::max);
    assert!(farthest < 1.0, "{farthest} pixels off");
    let elsewhere = picture(|[x, y]| texture([y, x]));
    let elsewhere = Detail::new(SIZE, &elsewhere, &[1.0; SIDE * SIDE]);
    let worse = registered(&seen, &known, &elsewhere, &Displacement::NONE).residual;
    assert!(found.residual < 0.3 * worse, "{} {worse}", found.residual);
}
