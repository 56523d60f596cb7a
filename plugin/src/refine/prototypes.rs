//! What faces look like in the mean: [`mde_core::prototypes`].

use std::io;
use std::path::Path;

use image::{ImageError, RgbImage, imageops};
use mde_core::prototypes::{NoPrototypes, SIDE, count_in};
use mde_core::registration::Detail;

use super::look::{Look, Part};
use crate::blur::Blur;
use crate::frame::{BLOCK, Level};
use crate::picture::{self, PictureError};

/// Half axes of the ellipse around the middle of a prototype that shows the face, as shares of the
/// side; beyond it ends within the share of these. At the mouth it has another width, so that it ends
/// before the jaw of a turned head.
const FACE: [f32; 2] = [0.27, 0.3];
const MOUTH: f32 = 0.2;
const MIDDLE: [f32; 2] = [0.5, 0.54];
/// How far below the middle the mouth is.
const BELOW: f32 = 0.17;
const ENDS: f32 = 0.2;
/// Added to what detail is divided by, in the range from black to white.
pub const DARKEST: f32 = 8.0 / 255.0;
/// Radii of the blurs that take away the detail, which comes near to what
/// [prototypes](mde_core::prototypes::COARSEST) take for it, and the finest.
pub const LIGHT: usize = 5;
const FINEST: usize = 1;
/// How much of the finest detail is added once more: laying a picture on another one takes of it.
const SHARPER: f32 = 1.5;
/// Most pixels of a picture of prototypes.
const MOST: u32 = 1 << 16;

/// There are no prototypes in a file.
#[derive(Debug, thiserror::Error)]
pub enum PrototypesError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(io::Error),
    /// It is no picture.
    #[error("it is no picture: {0}")]
    Decode(ImageError),
    /// It is a picture of something else.
    #[error(transparent)]
    Other(#[from] NoPrototypes),
}

/// Prototypes, each seen from both sides.
#[derive(Debug)]
pub struct Prototypes {
    /// One below the other.
    column: RgbImage,
    /// Of each, then of its mirror.
    looks: Vec<Look>,
}

/// Which prototype: its place in the column, and whether it is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(usize);

/// A prototype at the size of a crop.
#[derive(Debug)]
pub struct Prototype {
    /// How much of each pixel shows the face is its fourth value.
    picture: Level,
    /// Its light.
    light: Level,
    detail: Detail,
}

impl Prototypes {
    /// Reads those in `file`.
    ///
    /// # Errors
    /// [`PrototypesError`].
    pub fn open(file: &Path) -> Result<Self, PrototypesError> {
        let column = picture::read(file, MOST).map_err(|error| match error {
            PictureError::Read(reason) => PrototypesError::Read(reason),
            PictureError::Decode(reason) => PrototypesError::Decode(reason),
        })?;
        Ok(Self::new(column.into_rgb8())?)
    }

    /// The same of a file's bytes.
    ///
    /// # Errors
    /// [`PrototypesError`], all but `Read`.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, PrototypesError> {
        let column = picture::decode(bytes, None, MOST).map_err(PrototypesError::Decode)?;
        Ok(Self::new(column.into_rgb8())?)
    }

    /// Those in the picture `column`.
    ///
    /// # Errors
    /// [`NoPrototypes`] where there are none.
    pub fn new(column: RgbImage) -> Result<Self, NoPrototypes> {
        let count = count_in((column.width() as usize, column.height() as usize))?;
        let mut prototypes = Self {
            column,
            looks: Vec::new(),
        };
        let all = (0..2 * count).map(|id| Look::new(SIDE, &planes(&prototypes.square(Id(id)))));
        prototypes.looks = all.collect();
        Ok(prototypes)
    }

    /// The one that a face of `look`, of which a part is `painted`, looks most like, and how much, in
    /// `[-1, 1]`.
    pub fn nearest(&self, look: &Look, painted: &Part) -> (Id, f32) {
        let all = self
            .looks
            .iter()
            .map(|own| own.agreement(look, painted))
            .enumerate();
        let nearest = all.max_by(|(_, a), (_, b)| a.total_cmp(b));
        let (id, agreement) = nearest.expect("a column holds a square at least");
        (Id(id), agreement)
    }

    /// How much the same face looks like prototype `id`.
    pub fn agreement(&self, id: Id, look: &Look, painted: &Part) -> f32 {
        self.looks[id.0].agreement(look, painted)
    }

    /// Prototype `id` for crops of `side` pixels.
    pub fn laid_out(&self, id: Id, side: usize) -> Prototype {
        let square = self.square(id);
        let picture = planes(&square);
        let mut blur = Blur::default();
        let mut blurred = |radius: usize| {
            let mut planes = picture.clone();
            for plane in planes.chunks_exact_mut(SIDE * SIDE) {
                blur.blur(plane, (SIDE, SIDE), radius);
            }
            planes
        };
        let (light, soft) = (blurred(LIGHT), blurred(FINEST));
        let sharp = picture.iter().zip(&soft);
        let sharp: Vec<f32> = sharp.map(|(v, soft)| v + SHARPER * (v - soft)).collect();
        let small = imageops::resize(&square, side as u32, side as u32, imageops::Triangle);
        let level = |planes: &[f32]| Level {
            size: (SIDE, SIDE),
            factor: SIDE as f64 / side as f64,
            pixels: (0..SIDE * SIDE)
                .map(|i| {
                    let values = [0, 1, 2].map(|channel| planes[channel * SIDE * SIDE + i]);
                    let [red, green, blue] = values;
                    // The cast cuts what is beyond black and white.
                    [red, green, blue, face_at(i)].map(|v| (255.0 * v).round() as u8)
                })
                .collect(),
        };
        Prototype {
            picture: level(&sharp),
            light: level(&light),
            detail: Detail::new((side, side), &planes(&small), &vec![1.0; side * side]),
        }
    }

    /// The picture of prototype `id`.
    fn square(&self, id: Id) -> RgbImage {
        let (index, side) = (id.0 / 2, SIDE as u32);
        let square = imageops::crop_imm(&self.column, 0, index as u32 * side, side, side);
        match id.0 % 2 {
            0 => square.to_image(),
            _ => imageops::flip_horizontal(&*square),
        }
    }
}

impl Prototype {
    /// What a face is registered with.
    pub fn detail(&self) -> &Detail {
        &self.detail
    }

    /// Its detail at the `count` first of `positions`, `(x, y)` in crop pixels: by how much of its
    /// light it is brighter, red, green and blue; and how much it is the face, in `[0, 1]`.
    #[inline(always)]
    pub fn look_up(&self, positions: [[f32; BLOCK]; 2], count: usize) -> [[f32; 4]; BLOCK] {
        let mut values = self.picture.look_up_sharp(positions, count);
        let lights = self.light.look_up(positions, count);
        for (value, light) in values.iter_mut().zip(&lights).take(count) {
            for (value, light) in value.iter_mut().zip(light).take(3) {
                *value = (*value - light) / (light + DARKEST);
            }
            // Irises of all colours are grey in the mean, which looks blue in a face: what is dark is brown.
            if let [red @ ..0.0, green, blue, _] = value {
                *green = green.min(*red);
                *blue = blue.min(*red);
            }
        }
        values
    }
}

/// A picture as `[3, H, W]` in `[0, 1]`.
fn planes(picture: &RgbImage) -> Vec<f32> {
    let channel = |channel| {
        picture
            .pixels()
            .map(move |pixel| f32::from(pixel[channel]) / 255.0)
    };
    (0..3).flat_map(channel).collect()
}

/// How much of pixel `i` of a prototype is the face, in `[0, 1]`.
fn face_at(i: usize) -> f32 {
    let off = |v: usize, axis: usize| (v as f32 + 0.5) / SIDE as f32 - MIDDLE[axis];
    let (right, down) = (off(i % SIDE, 0), off(i / SIDE, 1));
    let width = FACE[0] + (down / BELOW).clamp(0.0, 1.0) * (MOUTH - FACE[0]);
    let far = (right / width).hypot(down / FACE[1]);
    ((1.0 + ENDS - far) / ENDS).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use mde_core::occlusion::Rect;

    use super::*;

    impl Id {
        /// Prototype `index` of the column.
        pub fn of(index: usize, is_mirrored: bool) -> Self {
            Self(2 * index + usize::from(is_mirrored))
        }
    }

    #[test]
    fn faces_are_found_from_both_sides() {
        let side = SIDE as u32;
        let column = RgbImage::from_fn(side, 2 * side, |x, y| {
            let (index, y) = (y / side, y % side);
            let phase = (x * x + index * 3000) as f32 / 900.0 + y as f32 / 20.0;
            Rgb([(128.0 + 60.0 * phase.sin()) as u8; 3])
        });
        let corner = *column.get_pixel(side - 1, 0);
        let prototypes = Prototypes::new(column).expect("prototypes");
        let none = Part::new(SIDE, Rect::new(0, 0, 0, 0));
        for (id, is_mirrored) in [(0, false), (0, true), (1, false)] {
            let id = Id::of(id, is_mirrored);
            let look = Look::new(SIDE, &planes(&prototypes.square(id)));
            assert_eq!(prototypes.nearest(&look, &none).0, id);
        }
        let mirrored = prototypes.square(Id::of(0, true));
        assert_eq!(*mirrored.get_pixel(0, 0), corner);
    }

    #[test]
    fn what_is_no_column_of_squares_is_told_of() {
        let error = Prototypes::new(RgbImage::new(256, 100)).expect_err("no squares");
        assert!(error.to_string().contains("256x100"), "{error}");
        let error = Prototypes::of_bytes(b"no picture").expect_err("no picture");
        assert!(matches!(error, PrototypesError::Decode(_)), "{error}");
        let absent = Prototypes::open(Path::new("absent.png")).expect_err("no file");
        assert!(matches!(absent, PrototypesError::Read(_)), "{absent}");
    }

    #[test]
    fn only_the_face_is_given() {
        assert_eq!(face_at(0), 0.0);
        assert_eq!(face_at(SIDE * SIDE / 2 + SIDE / 2), 1.0);
        // At the height of the eyes more of the width than at the mouth's.
        let width = |down: f32| {
            let row = (down * SIDE as f32) as usize * SIDE;
            (row..row + SIDE).map(face_at).sum::<f32>() / SIDE as f32
        };
        assert!((0.5..0.65).contains(&width(0.42)), "{}", width(0.42));
        assert!((0.3..0.4).contains(&width(0.71)), "{}", width(0.71));
    }

    #[test]
    fn what_is_dark_is_not_bluer_than_the_skin_around() {
        // A grey spot before skin.
        let column = RgbImage::from_fn(SIDE as u32, SIDE as u32, |x, y| {
            let is_spot = x.abs_diff(128).max(y.abs_diff(128)) < 4;
            Rgb(if is_spot {
                [70, 80, 90]
            } else {
                [200, 150, 120]
            })
        });
        let prototypes = Prototypes::new(column).expect("prototypes");
        let laid_out = prototypes.laid_out(Id::of(0, false), SIDE);
        let detail = laid_out.look_up([[128.0; BLOCK]; 2], 1)[0];
        assert!(detail[0] < -0.3, "{detail:?}");
        assert!(
            detail[1] <= detail[0] && detail[2] <= detail[0],
            "{detail:?}"
        );
        let beside = laid_out.look_up([[60.0; BLOCK]; 2], 1)[0];
        assert!(beside[..3].iter().all(|v| v.abs() < 0.02), "{beside:?}");
    }
}
