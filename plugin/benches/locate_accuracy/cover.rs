//! What pictures are covered with.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result};
use mde_core::CROP_SIZE;
use mde_core::alignment::{FacePoints, align_face};
use mde_core::occlusion::Occlusion;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::clips::Image;

/// What is seen instead of the face.
#[derive(Clone)]
pub enum Filling {
    /// One grey.
    Plain(u8),
    /// Independent random values.
    Noise,
    /// Pictures, stretched over the hole, one after the other.
    Pictures(Rc<Vec<image::RgbImage>>),
}

/// Flowers used.
const FLOWERS: usize = 16;

impl Filling {
    /// Grey, black, noise, and flowers from the archive `flowers`.
    pub fn all(flowers: &Path) -> Result<Vec<Self>> {
        let file = File::open(flowers).with_context(|| flowers.display().to_string())?;
        let mut pictures = Vec::new();
        for entry in tar::Archive::new(flate2::read::GzDecoder::new(file)).entries()? {
            let mut bytes = Vec::new();
            entry?.read_to_end(&mut bytes)?;
            pictures.extend(image::load_from_memory(&bytes).map(|p| p.into_rgb8()));
            if pictures.len() == FLOWERS {
                break;
            }
        }
        let pictures = Self::Pictures(Rc::new(pictures));
        Ok(vec![
            Self::Plain(128),
            Self::Plain(0),
            Self::Noise,
            pictures,
        ])
    }
}

/// A cover.
pub enum Cover {
    /// None.
    Nothing,
    /// Over a part of the face.
    Part(Occlusion, Filling),
    /// The green channel is black.
    LostChannel,
}

impl Cover {
    /// All covers: none, each part with each filling, a lost channel.
    pub fn all(fillings: &[Filling]) -> Vec<Self> {
        let parts = Occlusion::ALL.into_iter().flat_map(|part| {
            let fillings = fillings.iter().cloned();
            fillings.map(move |filling| Self::Part(part, filling))
        });
        let ends = [Self::Nothing, Self::LostChannel];
        parts.chain(ends).collect()
    }

    /// Which line of the table it belongs to.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Part(part, _) => part.name(),
            Self::LostChannel => "a channel lost",
        }
    }

    /// `image` covered, the face's points being `points`. `number` steers what is random.
    pub fn over(&self, image: &Image, points: &FacePoints, number: u64) -> Image {
        let mut pixels = image.pixels.clone();
        let (width, height) = (image.width, image.height);
        match self {
            Self::Nothing => (),
            Self::LostChannel => pixels.chunks_exact_mut(3).for_each(|pixel| pixel[1] = 0),
            Self::Part(part, filling) => {
                let rect = part.rect();
                let to_face = align_face(points, CROP_SIZE, CROP_SIZE).expect("a face");
                let mut rng = StdRng::seed_from_u64(number);
                for (i, pixel) in pixels.chunks_exact_mut(3).enumerate() {
                    let at = to_face.apply([(i % width) as f64, (i / width) as f64]);
                    let x = (at[0] + 0.5 - rect.x0 as f64) / rect.width() as f64;
                    let y = (at[1] + 0.5 - rect.y0 as f64) / rect.height() as f64;
                    if !(0.0..1.0).contains(&x) || !(0.0..1.0).contains(&y) {
                        continue;
                    }
                    pixel.copy_from_slice(&match filling {
                        Filling::Plain(grey) => [*grey; 3],
                        Filling::Noise => rng.random::<[u8; 3]>(),
                        Filling::Pictures(pictures) => {
                            // The same flower for a while, as a thing before a camera.
                            let picture = &pictures[number as usize / 50 % pictures.len()];
                            let (w, h) = picture.dimensions();
                            let part = |share: f64, side: u32| (share * f64::from(side)) as u32;
                            picture.get_pixel(part(x, w), part(y, h)).0
                        }
                    });
                }
            }
        }
        Image {
            width,
            height,
            pixels,
        }
    }
}
