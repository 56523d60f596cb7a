//! Drawn masks and veils: what cloth before nose and mouth is like that no template shows.

use mde_core::alignment::{Affine, Point};
use mde_core::covers::{Kind, SIDE};
use rand::RngExt;
use rand_pcg::Pcg64;

use super::cutouts::Library;
use super::faces::PICTURE;
use super::layer::{AREA, Layer, blurred};
use super::parsed::{self, Parsed};
use super::pixels;
use super::shapes::{fill, inside, stroke, turned};

/// The outline of a cloth that is tied before the lower face. Lengths are crop pixels.
struct Cloth {
    /// The middle of its upper edge.
    top: Point,
    /// From there to the chin, or wherever it ends.
    height: f64,
    half_width: f64,
    /// How much lower than in the middle the upper edge is at the sides.
    fall: f64,
    /// 2 for a lower edge like half an ellipse, the greater the more like a rectangle's.
    power: f64,
    /// In radians.
    angle: f64,
}

impl Cloth {
    fn draw(rng: &mut Pcg64) -> Self {
        let is_veil = rng.random_bool(0.3);
        let top = [rng.random_range(58.0..69.0), rng.random_range(62.0..86.0)];
        let (bottom, half_width, power) = match is_veil {
            true => (
                rng.random_range(135.0..190.0),
                rng.random_range(50.0..80.0),
                rng.random_range(4.0..12.0),
            ),
            false => (
                rng.random_range(108.0..132.0),
                rng.random_range(30.0..56.0),
                rng.random_range(1.7..7.0),
            ),
        };
        Self {
            height: bottom - top[1],
            top,
            half_width,
            fall: rng.random_range(-5.0..16.0),
            power,
            angle: rng.random_range(-0.15..0.15),
        }
    }

    /// How far left or right a place is, in half widths, and how far below the middle of the top.
    fn place(&self, at: Point) -> Point {
        let [x, y] = turned(at, self.top, self.angle);
        [x / self.half_width, y]
    }

    /// How far outside a place is; inside negative.
    fn distance(&self, at: Point) -> f64 {
        let [u, y] = self.place(at);
        let upper = self.fall * u * u;
        let narrowed = 1.0 - u.abs().min(1.0).powf(self.power);
        let lower = upper.max(self.height * narrowed.powf(1.0 / self.power));
        let beside = (u.abs() - 1.0) * self.half_width;
        (upper - y).max(y - lower).max(beside)
    }
}

/// A mask or a veil of any cloth, with folds, and some with loops to the ears.
pub fn drawn(library: &Library, rng: &mut Pcg64) -> Layer {
    let cloth = Cloth::draw(rng);
    let mut alpha = inside(|at| cloth.distance(at));
    if rng.random_bool(0.3) {
        let thick = rng.random_range(0.6..1.6);
        for side in [-1.0, 1.0] {
            let hem = [
                cloth.top[0] + side * 0.97 * cloth.half_width,
                cloth.top[1] + cloth.fall,
            ];
            let ear = [cloth.top[0] + side * 56.0, rng.random_range(58.0..76.0)];
            stroke(&mut alpha, hem, ear, [thick; 2]);
        }
    }
    let mut layer = fill(Kind::Masks, alpha, library, rng);
    let pleats = rng.random_bool(0.5).then(|| {
        (
            rng.random_range(0.25..1.2),
            rng.random_range(-10.0..10.0),
            rng.random_range(0.02..0.2),
        )
    });
    let side = rng.random_range(-0.6..0.6);
    let round = rng.random_range(0.0..0.5);
    for (pixel, at) in layer.rgb.chunks_exact_mut(3).zip(pixels()) {
        let [u, y] = cloth.place(at);
        let mut light = 1.05 - round * (u - side).powi(2).min(2.0);
        if let Some((often, bent, deep)) = pleats {
            light += deep * (often * (y + bent * u * u)).sin();
        }
        // Colours stay within what covers them.
        pixel
            .iter_mut()
            .for_each(|v| *v *= light.clamp(0.0, 1.0) as f32);
    }
    layer
}

/// An oval, or what lies between one and a rectangle. Lengths are crop pixels.
struct Oval {
    middle: Point,
    half_axes: Point,
    /// 2 for an ellipse, the greater the more like a rectangle.
    power: f64,
}

impl Oval {
    /// About how far outside a place is; inside negative.
    fn distance(&self, [x, y]: Point) -> f64 {
        let [u, v] = [
            (x - self.middle[0]) / self.half_axes[0],
            (y - self.middle[1]) / self.half_axes[1],
        ];
        let radius = (u.abs().powf(self.power) + v.abs().powf(self.power)).powf(1.0 / self.power);
        (radius - 1.0) * self.half_axes[0].min(self.half_axes[1])
    }
}

/// A mask before eyes and nose or the whole face, and its holes.
fn holed(rng: &mut Pcg64) -> (Oval, Vec<Oval>) {
    let is_whole = rng.random_bool(0.65);
    let (top, bottom, half_width) = match is_whole {
        true => (
            rng.random_range(-10.0..34.0),
            rng.random_range(92.0..150.0),
            rng.random_range(38.0..64.0),
        ),
        false => (
            rng.random_range(22.0..42.0),
            rng.random_range(62.0..84.0),
            rng.random_range(34.0..52.0),
        ),
    };
    let outline = Oval {
        middle: [rng.random_range(60.0..67.0), (top + bottom) / 2.0],
        half_axes: [half_width, (bottom - top) / 2.0],
        power: rng.random_range(1.8..4.0),
    };
    let (wide, high) = (rng.random_range(5.0..13.0), rng.random_range(3.0..9.0));
    let (aside, power) = (rng.random_range(-2.0..4.0), rng.random_range(1.6..3.0));
    let mut holes = Vec::new();
    if rng.random_bool(0.9) {
        holes.extend([-1.0, 1.0].map(|side| Oval {
            middle: [63.5 + side * (18.0 + aside), rng.random_range(47.0..54.0)],
            half_axes: [wide, high],
            power,
        }));
    }
    if is_whole && rng.random_bool(0.5) {
        holes.push(Oval {
            middle: [rng.random_range(60.0..67.0), rng.random_range(88.0..95.0)],
            half_axes: [rng.random_range(8.0..22.0), rng.random_range(3.0..12.0)],
            power: 2.0,
        });
    }
    (outline, holes)
}

/// A mask of eyes and nose or of the whole face, one in ten without holes for the eyes.
pub fn of_the_face(library: &Library, rng: &mut Pcg64) -> Layer {
    let (outline, holes) = holed(rng);
    let distance = |at: Point| {
        let of_holes = holes.iter().map(|hole| -hole.distance(at));
        of_holes.fold(outline.distance(at), f64::max)
    };
    let alpha = inside(distance);
    let mut layer = fill(Kind::Masks, alpha.clone(), library, rng);
    if rng.random_bool(0.3) {
        // Of two parts, left and right or above and below.
        let other = fill(Kind::Masks, alpha, library, rng);
        let (sin, cos) = rng.random_range(-1.6f64..1.6).sin_cos();
        let [x, y] = outline.middle;
        for (i, at) in pixels().enumerate() {
            if cos * (at[0] - x) + sin * (at[1] - y) > 0.0 {
                layer.rgb[3 * i..][..3].copy_from_slice(&other.rgb[3 * i..][..3]);
                layer.alpha[i] = other.alpha[i];
            }
        }
    }
    // The nose stands out, and the rim falls away.
    let (side, nose): (f64, f64) = (rng.random_range(-0.5..0.5), rng.random_range(0.0..0.35));
    let round = rng.random_range(0.0..0.6);
    for (pixel, [x, y]) in layer.rgb.chunks_exact_mut(3).zip(pixels()) {
        let u = (x - outline.middle[0]) / outline.half_axes[0];
        let beside = (x - 63.5) / 6.0;
        let of_nose =
            (-beside * beside - ((y - 68.0) / 16.0).powi(2)).exp() * beside * side.signum();
        let light = 1.0 - round * (u - side).powi(2).min(2.0) - nose * of_nose.max(0.0);
        pixel
            .iter_mut()
            .for_each(|v| *v *= light.clamp(0.0, 1.0) as f32);
    }
    layer
}

/// A mask that was cast of the face of `other`: of one colour, with its relief and its outline; the eyes are
/// dark holes, or free.
pub fn cast_of(other: &Parsed, rng: &mut Pcg64) -> Layer {
    let shift = [rng.random_range(-4.0..4.0), rng.random_range(-5.0..7.0)];
    let middle = [(SIDE as f64 - 1.0) / 2.0; 2];
    let turn = rng.random_range(-0.08..0.08);
    let placed = Affine::about(middle, turn, rng.random_range(0.92..1.18), shift);
    let to_picture = placed.inverse().unwrap_or(Affine::IDENTITY);
    let to_picture = to_picture.then(&parsed::CROP.to_picture());
    let ends_below = match rng.random_bool(0.25) {
        true => rng.random_range(72.0..92.0),
        false => SIDE as f64,
    };
    let begins_at = rng.random_range(-20.0..34.0);
    let has_free_eyes = rng.random_bool(0.35);
    let hole: f32 = rng.random_range(0.0..0.2);
    let (mut alpha, mut relief, mut holes) = (vec![0.0; AREA], vec![0.0; AREA], vec![0.0; AREA]);
    for (i, at) in pixels().enumerate() {
        let [x, y] = to_picture.apply(at).map(f64::round);
        let inside = 0.0..PICTURE as f64;
        if !(inside.contains(&x) && inside.contains(&y)) {
            continue;
        }
        let place = y as usize * PICTURE + x as usize;
        let class = other.classes[place];
        let is_face = parsed::OF_FACE.contains(&class) && (begins_at..ends_below).contains(&at[1]);
        let is_eye = parsed::EYES.contains(&class);
        alpha[i] = f32::from(u8::from(is_face && !(is_eye && has_free_eyes)));
        holes[i] = f32::from(u8::from(is_eye));
        let [r, g, b] = [0, 1, 2].map(|c| f32::from(other.picture[3 * place + c]) / 255.0);
        relief[i] = 0.3 * r + 0.6 * g + 0.1 * b;
    }
    for _ in 0..rng.random_range(1..4) {
        relief = blurred(&relief, 1);
    }
    let holes = blurred(&holes, 1);
    let covered: f32 = alpha.iter().sum::<f32>().max(1.0);
    let mean = (relief.iter().zip(&alpha)).map(|(v, a)| v * a).sum::<f32>() / covered;
    let colour = match rng.random_range(0..10) {
        0..=4 => [rng.random_range(0.55..1.0); 3].map(|v| v * rng.random_range(0.92f32..1.0)),
        5 => [0.8, 0.62, 0.25],
        6 => [rng.random_range(0.03..0.5); 3],
        _ => [0; 3].map(|_| rng.random_range(0.1..1.0)),
    };
    let contrast = rng.random_range(0.5..1.3);
    Layer::filled(Kind::Masks, alpha, |i| {
        let light = (relief[i] / mean.max(0.05)).powf(contrast);
        colour.map(|v| (v * light * (1.0 - holes[i]) + hole * holes[i]).clamp(0.0, 1.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_of_the_face_hides_the_nose_and_has_holes_for_the_eyes() {
        let mut rng = Pcg64::new(2, 1);
        let mut seeing = 0;
        for _ in 0..200 {
            let (outline, holes) = holed(&mut rng);
            assert!(outline.distance([63.5, 56.0]) < 0.0, "the nose shows");
            assert!(holes.iter().all(|hole| hole.distance([63.5, 68.0]) > 0.0));
            let eyes = [[45.5, 50.8], [81.5, 50.8]];
            seeing += usize::from(
                eyes.iter()
                    .all(|&eye| holes.iter().any(|hole| hole.distance(eye) < 0.0)),
            );
        }
        assert!((150..200).contains(&seeing), "{seeing}");
    }

    #[test]
    fn a_mask_hides_mouth_and_chin_and_not_the_eyes() {
        let mut rng = Pcg64::new(1, 1);
        for _ in 0..200 {
            let cloth = Cloth::draw(&mut rng);
            assert!(cloth.distance([63.5, 96.0]) < 0.0, "the mouth shows");
            for eye in [[45.5, 50.8], [81.5, 50.8]] {
                assert!(cloth.distance(eye) > 0.0, "an eye is hidden");
            }
        }
    }
}
