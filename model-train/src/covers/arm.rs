//! The arm that a hand before the face is on: no hand floats, cut off at the wrist.

use mde_core::alignment::{Affine, Point};
use mde_core::covers::Kind;
use rand::RngExt;
use rand_pcg::Pcg64;

use super::cutouts::{Cutout, Library};
use super::layer::{AREA, Layer};
use super::pixels;
use super::shapes::{fill, stroke, turned};

/// Farther than any crop is wide, in pixels.
const OUT_OF_SIGHT: f64 = 260.0;
/// How far a hand's picture reaches over the beginning of the arm, in half widths of the wrist.
const OVERLAP: f64 = 0.4;

/// How an arm lies on the crop.
pub struct Arm {
    /// Where it begins, under the hand.
    from: Point,
    /// Which way it goes, in radians.
    along: f64,
    /// Half its width at the wrist in pixels.
    radius: f64,
    /// The colour of the wrist.
    skin: [f32; 3],
}

/// The arm of the hand on `cutout`, which `to_cutout` maps the crop to: out of the crop on about the way
/// that the wrist points. None where the picture does not end in a wrist.
pub fn of(cutout: &Cutout, to_cutout: &Affine, rng: &mut Pcg64) -> Option<Arm> {
    let (columns, skin) = cutout.cut_below()?;
    let to_crop = to_cutout.inverse().ok()?;
    let (_, height) = cutout.size();
    let [left, right] = columns.map(|x| to_crop.apply([x, height - 1.0]));
    let above = to_crop.apply([(columns[0] + columns[1]) / 2.0, 0.0]);
    let wrist = [(left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0];
    let radius = ((right[0] - left[0]).hypot(right[1] - left[1]) / 2.0).max(2.0);
    let along = (wrist[1] - above[1]).atan2(wrist[0] - above[0]) + rng.random_range(-0.5..0.5);
    let back = OVERLAP * radius;
    Some(Arm {
        from: [wrist[0] - back * along.cos(), wrist[1] - back * along.sin()],
        along,
        radius,
        skin,
    })
}

impl Arm {
    /// Without a sleeve.
    pub fn bare(&self, rng: &mut Pcg64) -> Layer {
        let fill = |alpha, _: &mut Pcg64| Layer::filled(Kind::Objects, alpha, |_| self.skin);
        self.layer(self.radius, fill, rng)
    }

    /// In a sleeve of any cloth.
    pub fn sleeve(&self, library: &Library, rng: &mut Pcg64) -> Layer {
        let width = self.radius * rng.random_range(1.1..1.7);
        self.layer(
            width,
            |alpha, rng| fill(Kind::Objects, alpha, library, rng),
            rng,
        )
    }

    /// A round thing, `width` wide on either side at the wrist and wider from there, filled by `fill`,
    /// in a light from one side.
    fn layer(
        &self,
        width: f64,
        fill: impl FnOnce(Vec<f32>, &mut Pcg64) -> Layer,
        rng: &mut Pcg64,
    ) -> Layer {
        let growth = rng.random_range(1.0..1.0 + OUT_OF_SIGHT / (5.0 * width));
        let to = [
            self.from[0] + OUT_OF_SIGHT * self.along.cos(),
            self.from[1] + OUT_OF_SIGHT * self.along.sin(),
        ];
        let mut alpha = vec![0.0; AREA];
        stroke(&mut alpha, self.from, to, [width, growth * width]);
        let mut layer = fill(alpha, rng);
        let side = rng.random_range(-0.5..0.5);
        for (pixel, place) in layer.rgb.chunks_exact_mut(3).zip(pixels()) {
            let [far, across] = turned(place, self.from, self.along);
            let width = width * (1.0 + (growth - 1.0) * (far / OUT_OF_SIGHT).clamp(0.0, 1.0));
            let light = 1.0 - 0.4 * (across / width - side).powi(2).min(2.0) as f32;
            pixel.iter_mut().for_each(|v| *v *= light);
        }
        layer
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{Rgba, RgbaImage};
    use mde_core::covers::SIDE;

    use super::super::cutouts::any;
    use super::*;
    use crate::data::Split;

    /// Pictures of hands that are a strip of skin before a grey wall.
    fn library() -> Library {
        let folder = tempfile::TempDir::new().unwrap();
        let strip = RgbaImage::from_fn(40, 40, |x, _| match x {
            15..25 => Rgba([180, 130, 100, 255]),
            _ => Rgba([190, 190, 185, 255]),
        });
        for kind in [
            "hands",
            "objects",
            "masks",
            "scarves",
            "sunglasses",
            "glasses",
            "textures",
        ] {
            let of_kind = folder.path().join("train").join(kind);
            fs::create_dir_all(&of_kind).unwrap();
            strip.save(of_kind.join("strip.png")).unwrap();
        }
        Library::open(folder.path(), Split::Train).unwrap()
    }

    #[test]
    fn an_arm_goes_on_from_the_wrist_and_leaves_the_crop() {
        let library = library();
        let mut rng = Pcg64::new(1, 1);
        let hand = any(&library.hands, &mut rng);
        // In the middle of the crop, as large as it is.
        let to_hand = Affine {
            linear: [[1.0, 0.0], [0.0, 1.0]],
            translation: [-44.0, -30.0],
        };
        for _ in 0..20 {
            let arm = of(hand, &to_hand, &mut rng).unwrap();
            for layer in [arm.bare(&mut rng), arm.sleeve(&library, &mut rng)] {
                let at = |x: usize, y: usize| layer.alpha[y * SIDE + x];
                // The wrist is in row 69 about column 63.5; nothing is where the fingers are.
                assert_eq!(at(63, 70), 1.0);
                assert!((0..SIDE).all(|x| at(x, 40) == 0.0));
                let below = (0..SIDE).any(|x| at(x, SIDE - 1) == 1.0);
                assert!(below, "it ends within the crop");
            }
        }
    }
}
