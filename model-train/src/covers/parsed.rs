//! Faces whose pixels are named by hand: what covers them in truth is known.
//!
//! The classes are those of Lee et al. 2020, "MaskGAN: Towards Diverse and Interactive Facial Image
//! Manipulation" (CelebAMask-HQ).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::{GrayImage, RgbImage};
use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, Point, TEMPLATE};
use mde_core::covers::{Kind, SIDE};
use rayon::prelude::*;

use super::faces::{Framing, PICTURE};
use crate::data::Split;

const BACKGROUND: u8 = 0;
const SKIN: u8 = 1;
const GLASSES: u8 = 3;
/// The eye on the picture's right, which is the person's left, and the other.
pub const EYES: [u8; 2] = [5, 4];
const MOUTH: [u8; 3] = [10, 11, 12];
/// The hair's class.
pub const HAIR: u8 = 13;
const HAT: u8 = 14;
const CLOTH: u8 = 18;
/// Skin, nose, eyes, brows, mouth: what makes the outline of a face.
pub const OF_FACE: [u8; 9] = [SKIN, 2, 4, 5, 6, 7, 10, 11, 12];
/// Side of the published pictures in pixels, and where eyes and mouth are on the average.
const PUBLISHED: f64 = 512.0;
const MEAN: [Point; 3] = [[202.7, 244.3], [309.2, 244.6], [255.5, 381.0]];
/// Pixels of an eye at the least, on the published size: behind dark lenses there are none.
const LEAST_EYE: usize = 60;
/// Hair and hats above this line of the crop, 0.6 distances of the eyes above these, are where they
/// belong.
const FOREHEAD: f64 = 30.0;

/// How the crop lies on the pictures.
pub const CROP: Framing = Framing::MIDDLE;

/// Nothing before the face.
pub const CLEAR: u8 = 255;
/// Nobody knows.
pub const UNSURE: u8 = 254;

/// A face on the template, `[144, 144]`.
pub struct Parsed {
    /// Bytes, `[144, 144, 3]`.
    pub picture: Vec<u8>,
    /// The class of each pixel.
    pub classes: Vec<u8>,
    /// What is before the face: the channel of a [`Kind`], [`CLEAR`] or [`UNSURE`].
    pub before: Vec<u8>,
}

/// The faces below `root`: sub-folders train and val, each with images and masks of one name.
///
/// # Errors
/// Where a folder cannot be read, or none of its pictures.
pub fn read(root: &Path, split: Split) -> Result<Vec<Parsed>> {
    let root = root.join(split.name());
    let folder = root.join("masks");
    let entries = fs::read_dir(&folder).with_context(|| {
        format!(
            "'{}' cannot be read: expected sub-folders train and val, each with images and masks",
            folder.display()
        )
    })?;
    let masks: std::io::Result<Vec<PathBuf>> = entries.map(|e| Ok(e?.path())).collect();
    let mut masks = masks?;
    masks.sort();
    let faces: Vec<Result<Parsed>> = (masks.par_iter())
        .map(|mask| {
            let stem = mask.file_stem().unwrap_or_default();
            let picture = root.join("images").join(stem).with_extension("jpg");
            open(&picture, mask).with_context(|| format!("'{}'", picture.display()))
        })
        .collect();
    let mut opened = Vec::with_capacity(faces.len());
    for face in faces {
        match face {
            Ok(face) => opened.push(face),
            Err(error) => eprintln!("warning: left out {error:#}"),
        }
    }
    ensure!(
        !opened.is_empty(),
        "'{}' holds no mask of a face that can be read",
        folder.display()
    );
    Ok(opened)
}

fn open(picture: &Path, mask: &Path) -> Result<Parsed> {
    let (picture, mask) = (
        image::open(picture)?.into_rgb8(),
        image::open(mask)?.into_luma8(),
    );
    ensure!(
        picture.dimensions() == mask.dimensions() && picture.width() == picture.height(),
        "the picture is {:?} pixels, its mask {:?}: expected squares of one size",
        picture.dimensions(),
        mask.dimensions()
    );
    aligned(&picture, &mask)
}

/// The face laid on the template.
fn aligned(picture: &RgbImage, mask: &GrayImage) -> Result<Parsed> {
    let scale = f64::from(mask.width()) / PUBLISHED;
    let centre = |classes: &[u8], mean: Point| {
        let (mut sum, mut count) = ([0.0; 2], 0);
        for (x, y, class) in mask.enumerate_pixels() {
            if classes.contains(&class.0[0]) {
                sum = [sum[0] + f64::from(x), sum[1] + f64::from(y)];
                count += 1;
            }
        }
        match count as f64 >= LEAST_EYE as f64 * scale * scale {
            true => (sum.map(|v| v / f64::from(count)), true),
            false => (mean.map(|v| v * scale), false),
        }
    };
    let (left, left_seen) = centre(&EYES[..1], MEAN[0]);
    let (right, right_seen) = centre(&EYES[1..], MEAN[1]);
    let (mouth, _) = centre(&MOUTH, MEAN[2]);
    let [l, r, _, a, b] = TEMPLATE;
    let middle = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
    let from_face_crop =
        Affine::stretch((CROP_SIZE, CROP_SIZE), (SIDE, SIDE)).then(&CROP.to_picture());
    let to = [l, r, middle].map(|p| from_face_crop.apply(p));
    let to_published = Affine::similarity(&to, &[left, right, mouth])?;
    let mut face = Parsed {
        picture: Vec::with_capacity(3 * PICTURE * PICTURE),
        classes: Vec::with_capacity(PICTURE * PICTURE),
        before: Vec::new(),
    };
    let last = f64::from(mask.width() - 1);
    let pixel = |[x, y]: Point| [x, y].map(|v| v.round().clamp(0.0, last) as u32);
    for place in places() {
        let mut sum = [0.0; 3];
        for [u, v] in [[-0.33, -0.33], [0.33, -0.33], [-0.33, 0.33], [0.33, 0.33]] {
            let [x, y] = pixel(to_published.apply([place[0] + u, place[1] + v]));
            for (sum, v) in sum.iter_mut().zip(picture.get_pixel(x, y).0) {
                *sum += f32::from(v) / 4.0;
            }
        }
        face.picture.extend(sum.map(|v| v.round() as u8));
        let at = to_published.apply(place);
        let inside = at.iter().all(|v| (0.0..=last).contains(v));
        let [x, y] = pixel(at);
        face.classes.push(if inside {
            mask.get_pixel(x, y).0[0]
        } else {
            BACKGROUND
        });
    }
    face.before = before(&face.classes, left_seen || right_seen);
    Ok(face)
}

/// What is before the face of these `classes`.
fn before(classes: &[u8], sees_eyes: bool) -> Vec<u8> {
    let to_picture = CROP.to_picture();
    let outline = outline(classes);
    let lenses = if sees_eyes {
        Kind::Glasses
    } else {
        Kind::Sunglasses
    };
    let wears_glasses = classes.contains(&GLASSES);
    let [_, forehead] = to_picture.apply([0.0, FOREHEAD]);
    (classes.iter().zip(places()))
        .map(|(&class, at)| match class {
            GLASSES => lenses as u8,
            _ if wears_glasses && EYES.contains(&class) => lenses as u8,
            HAIR | HAT if !contains(&outline, at) => CLEAR,
            HAIR | HAT if at[1] < forehead => UNSURE,
            HAIR => Kind::Hair as u8,
            HAT => Kind::Objects as u8,
            BACKGROUND | CLOTH if contains(&outline, at) => UNSURE,
            _ => CLEAR,
        })
        .collect()
}

fn places() -> impl Iterator<Item = Point> {
    (0..PICTURE).flat_map(|y| (0..PICTURE).map(move |x| [x as f64, y as f64]))
}

/// The corners of the least convex outline around the face, whose forehead reaches up to
/// [`FOREHEAD`] above each eye though a fringe may hide it.
fn outline(classes: &[u8]) -> Vec<Point> {
    let to_picture = CROP.to_picture();
    let of_face = |&(class, _): &(&u8, Point)| OF_FACE.contains(class);
    let mut points: Vec<Point> = (classes.iter().zip(places()))
        .filter(of_face)
        .map(|(_, at)| at)
        .collect();
    points.extend([[45.5, FOREHEAD], [82.0, FOREHEAD]].map(|p| to_picture.apply(p)));
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    // Andrew's monotone chain: below from left to right, then above back.
    let mut hull: Vec<Point> = Vec::new();
    for half in 0..2 {
        let start = hull.len();
        for &p in &points {
            while hull.len() >= start + 2
                && turn(hull[hull.len() - 2], hull[hull.len() - 1], p) <= 0.0
            {
                hull.pop();
            }
            hull.push(p);
        }
        hull.pop();
        if half == 0 {
            points.reverse();
        }
    }
    hull
}

/// Twice the area of the triangle, positive where it turns the way the axes do.
fn turn(a: Point, b: Point, c: Point) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

fn contains(outline: &[Point], at: Point) -> bool {
    let next = outline.iter().cycle().skip(1);
    outline
        .iter()
        .zip(next)
        .all(|(&a, &b)| turn(a, b, at) >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disc of skin with eyes, and hair above `line` of the crop.
    fn classes(line: f64, with: impl Fn(Point) -> Option<u8>) -> Vec<u8> {
        let to_crop = CROP.to_picture().inverse().unwrap();
        places()
            .map(|at| {
                let [x, y] = to_crop.apply(at);
                if let Some(class) = with([x, y]) {
                    return class;
                }
                match (x - 63.5).hypot(y - 66.0) < 52.0 {
                    true if y < line => HAIR,
                    true => SKIN,
                    false => BACKGROUND,
                }
            })
            .collect()
    }

    fn at(before: &[u8], crop: Point) -> u8 {
        let [x, y] = CROP.to_picture().apply(crop).map(|v| v.round() as usize);
        before[y * PICTURE + x]
    }

    #[test]
    fn hair_above_the_forehead_s_line_is_no_cover_and_a_fringe_is_one() {
        let usual = before(&classes(22.0, |_| None), true);
        assert!(usual.iter().all(|&v| v != Kind::Hair as u8));
        let fringe = before(&classes(44.0, |_| None), true);
        assert_eq!(at(&fringe, [64.0, 36.0]), Kind::Hair as u8);
        assert_ne!(at(&fringe, [64.0, 20.0]), Kind::Hair as u8);
        assert_eq!(at(&fringe, [64.0, 60.0]), CLEAR);
    }

    #[test]
    fn glasses_are_told_by_whether_eyes_are_seen() {
        let worn = classes(20.0, |[x, y]| {
            ((30.0..98.0).contains(&x) && (44.0..60.0).contains(&y)).then_some(GLASSES)
        });
        assert_eq!(at(&before(&worn, true), [45.0, 51.0]), Kind::Glasses as u8);
        assert_eq!(
            at(&before(&worn, false), [45.0, 51.0]),
            Kind::Sunglasses as u8
        );
    }

    #[test]
    fn what_is_within_the_face_and_not_of_it_is_unsure() {
        let hidden = classes(20.0, |[x, y]| {
            ((50.0..70.0).contains(&x) && (80.0..95.0).contains(&y)).then_some(BACKGROUND)
        });
        assert_eq!(at(&before(&hidden, true), [60.0, 88.0]), UNSURE);
        assert_eq!(at(&before(&hidden, true), [3.0, 3.0]), CLEAR);
    }
}
