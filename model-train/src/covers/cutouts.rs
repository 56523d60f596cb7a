//! Pictures of covers with alpha, and textures, from a folder with a sub-folder a kind.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::imageops::FilterType;
use image::{DynamicImage, RgbaImage};
use mde_core::alignment::Point;
use rand::RngExt;
use rand_pcg::Pcg64;

use crate::data::Split;

/// Longer pictures are made smaller to this many pixels a side.
const LARGEST: u32 = 192;
/// Red above blue, in bytes, over which a hand's edge goes from nothing to all.
const HAND_EDGE: f32 = 16.0;

/// A picture that is to be seen in part.
pub struct Cutout {
    width: usize,
    height: usize,
    /// Colour times alpha, alpha, and what is inside the outline: 5 values a pixel.
    values: Vec<[f32; 5]>,
}

/// The covers of a split.
pub struct Library {
    /// Hands, cut from the plain wall behind them.
    pub hands: Vec<Cutout>,
    /// Things.
    pub objects: Vec<Cutout>,
    /// Face masks.
    pub masks: Vec<Cutout>,
    /// Scarves and cloths.
    pub scarves: Vec<Cutout>,
    /// Glasses with dark lenses.
    pub sunglasses: Vec<Cutout>,
    /// Glasses with lenses that are not in the picture.
    pub glasses: Vec<Cutout>,
    /// Any pictures.
    pub textures: Vec<Cutout>,
}

impl Library {
    /// Reads the pictures below `root`.
    ///
    /// # Errors
    /// Where a sub-folder is absent or holds no picture; names it.
    pub fn open(root: &Path, split: Split) -> Result<Self> {
        let root = root.join(split.name());
        let read = |kind: &str, make: fn(RgbaImage) -> Cutout| -> Result<Vec<Cutout>> {
            let folder = root.join(kind);
            let cutouts: Vec<Cutout> = pictures(&folder)?.into_iter().map(make).collect();
            ensure!(
                !cutouts.is_empty(),
                "'{}' holds no picture: expected pictures of {kind}",
                folder.display()
            );
            Ok(cutouts)
        };
        Ok(Self {
            hands: read("hands", Cutout::hand)?,
            objects: read("objects", Cutout::new)?,
            masks: read("masks", Cutout::new)?,
            scarves: read("scarves", Cutout::new)?,
            sunglasses: read("sunglasses", Cutout::new)?,
            glasses: read("glasses", Cutout::new)?,
            textures: read("textures", Cutout::new)?,
        })
    }
}

/// Any of `cutouts`.
pub fn any<'a>(cutouts: &'a [Cutout], rng: &mut Pcg64) -> &'a Cutout {
    &cutouts[rng.random_range(0..cutouts.len())]
}

/// The pictures in `folder` in the order of their names; what is none is told and left out.
fn pictures(folder: &Path) -> Result<Vec<RgbaImage>> {
    let entries = fs::read_dir(folder).with_context(|| {
        format!(
            "'{}' cannot be read: expected sub-folders train and val, each with hands, objects, \
             masks, scarves, sunglasses, glasses and textures",
            folder.display()
        )
    })?;
    let paths: std::io::Result<Vec<PathBuf>> = entries.map(|e| Ok(e?.path())).collect();
    let mut paths = paths?;
    paths.sort();
    let mut pictures = Vec::with_capacity(paths.len());
    for path in paths {
        match image::open(&path) {
            Ok(picture) => pictures.push(smaller(picture)),
            Err(error) => eprintln!("warning: left out '{}': {error}", path.display()),
        }
    }
    Ok(pictures)
}

fn smaller(picture: DynamicImage) -> RgbaImage {
    let longest = picture.width().max(picture.height());
    if longest > LARGEST {
        picture.resize(LARGEST, LARGEST, FilterType::Triangle)
    } else {
        picture
    }
    .into_rgba8()
}

impl Cutout {
    /// With the alpha of `picture`; holes in it, as lenses are, are inside its outline.
    fn new(picture: RgbaImage) -> Self {
        let alpha: Vec<f32> = picture
            .pixels()
            .map(|p| f32::from(p.0[3]) / 255.0)
            .collect();
        Self::with_alpha(&picture, &alpha)
    }

    /// The part of a picture `[side, side, 3]` that `alpha` `[side, side]` says, with edges that are
    /// a pixel soft.
    pub fn of_part(picture: &[u8], side: usize, alpha: &[f32]) -> Self {
        let soft = |i: usize| {
            let (x, y) = (i % side, i / side);
            let about = |v: usize| v.saturating_sub(1)..(v + 2).min(side);
            let places = about(y).flat_map(|y| about(x).map(move |x| y * side + x));
            let (sum, count) = places.fold((0.0, 0.0), |(s, n), at| (s + alpha[at], n + 1.0));
            // Outlines lie on edges: what is beside them is left out.
            ((sum / count - 0.5f32) * 2.0).clamp(0.0, 1.0)
        };
        let values = picture.chunks_exact(3).enumerate().map(|(i, pixel)| {
            let a = soft(i);
            let [r, g, b] = [0, 1, 2].map(|c| f32::from(pixel[c]) / 255.0 * a);
            [r, g, b, a, alpha[i]]
        });
        Self {
            width: side,
            height: side,
            values: values.collect(),
        }
    }

    /// A hand before a plain wall, told by its colour: red stands out over blue.
    fn hand(picture: RgbaImage) -> Self {
        let warmth: Vec<f32> = (picture.pixels())
            .map(|p| f32::from(p.0[0]) - f32::from(p.0[2]))
            .collect();
        let edge = threshold(&warmth);
        let alpha: Vec<f32> = (warmth.iter())
            .map(|v| ((v - edge) / HAND_EDGE + 0.5).clamp(0.0, 1.0))
            .collect();
        Self::with_alpha(&picture, &alpha)
    }

    fn with_alpha(picture: &RgbaImage, alpha: &[f32]) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let outside = reached_from_the_edge(alpha, width, height);
        let values = picture.pixels().zip(alpha).zip(&outside);
        let values = values.map(|((p, &a), &outside)| {
            let [r, g, b] = [0, 1, 2].map(|c| f32::from(p.0[c]) / 255.0 * a);
            [r, g, b, a, if outside { a } else { 1.0 }]
        });
        Self {
            width,
            height,
            values: values.collect(),
        }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (f64, f64) {
        (self.width as f64, self.height as f64)
    }

    /// Where it is cut off below: the first and the last column of what is opaque there, and its
    /// mean colour; none where nothing opaque reaches the lower edge.
    pub fn cut_below(&self) -> Option<([f64; 2], [f32; 3])> {
        let row = &self.values[self.values.len() - self.width..];
        let is_opaque = |pixel: &[f32; 5]| pixel[3] >= 0.5;
        let first = row.iter().position(is_opaque)?;
        let last = row.iter().rposition(is_opaque)?;
        let opaque: Vec<_> = row.iter().filter(|pixel| is_opaque(pixel)).collect();
        let mean = |c: usize| opaque.iter().map(|p| p[c] / p[3]).sum::<f32>() / opaque.len() as f32;
        Some(([first as f64, last as f64], [0, 1, 2].map(mean)))
    }

    /// Red, green and blue times alpha, alpha, and how much is inside the outline, interpolated
    /// bilinearly at `at`; nothing beyond the edges.
    pub fn at(&self, [x, y]: Point) -> [f32; 5] {
        let (left, top) = (x.floor(), y.floor());
        let (right_share, low_share) = ((x - left) as f32, (y - top) as f32);
        let mut sum = [0.0; 5];
        for (row, share) in [(top, 1.0 - low_share), (top + 1.0, low_share)] {
            for (column, share) in [
                (left, share * (1.0 - right_share)),
                (left + 1.0, share * right_share),
            ] {
                let inside = (0.0..self.width as f64).contains(&column)
                    && (0.0..self.height as f64).contains(&row);
                if inside {
                    let value = self.values[row as usize * self.width + column as usize];
                    for (sum, v) in sum.iter_mut().zip(value) {
                        *sum += share * v;
                    }
                }
            }
        }
        sum
    }

    /// The colour at `at`, the picture repeated in all directions.
    pub fn tiled(&self, [x, y]: Point) -> [f32; 3] {
        let fold = |v: f64, length: usize| {
            let at = v.rem_euclid(2.0 * length as f64);
            (at.min(2.0 * length as f64 - at) as usize).min(length - 1)
        };
        let value = self.values[fold(y, self.height) * self.width + fold(x, self.width)];
        [value[0], value[1], value[2]]
    }
}

/// Otsu 1979, "A Threshold Selection Method from Gray-Level Histograms": where to part `values`
/// such that the parts differ most.
fn threshold(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let total: f64 = sorted.iter().map(|&v| f64::from(v)).sum();
    let (mut below, mut best, mut at) = (0.0, -1.0, 0.0);
    for (i, &v) in sorted.iter().enumerate().skip(1) {
        below += f64::from(sorted[i - 1]);
        let (low, high) = (i as f64, (sorted.len() - i) as f64);
        let apart = low * high * (below / low - (total - below) / high).powi(2);
        if apart > best {
            (best, at) = (apart, (sorted[i - 1] + v) / 2.0);
        }
    }
    at
}

/// Which pixels can be reached from the edges without crossing what is more than half opaque.
fn reached_from_the_edge(alpha: &[f32], width: usize, height: usize) -> Vec<bool> {
    let mut reached = vec![false; alpha.len()];
    let mut open: Vec<usize> = (0..alpha.len())
        .filter(|i| {
            let (x, y) = (i % width, i / width);
            x == 0 || y == 0 || x + 1 == width || y + 1 == height
        })
        .filter(|&i| alpha[i] < 0.5)
        .collect();
    while let Some(i) = open.pop() {
        if std::mem::replace(&mut reached[i], true) {
            continue;
        }
        let (x, y) = (i % width, i / width);
        let beside = [
            (x > 0).then(|| i - 1),
            (x + 1 < width).then(|| i + 1),
            (y > 0).then(|| i - width),
            (y + 1 < height).then(|| i + width),
        ];
        let next = |&i: &usize| alpha[i] < 0.5 && !reached[i];
        open.extend(beside.into_iter().flatten().filter(next));
    }
    // What is opaque is no hole either, but its own alpha says enough.
    for (reached, &a) in reached.iter_mut().zip(alpha) {
        *reached |= a >= 0.5;
    }
    reached
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn a_hole_is_inside_the_outline_and_what_is_around_it_is_not() {
        let ring = RgbaImage::from_fn(21, 21, |x, y| {
            let from_middle = (f64::from(x) - 10.0).hypot(f64::from(y) - 10.0);
            let alpha = if (5.0..8.0).contains(&from_middle) {
                255
            } else {
                0
            };
            Rgba([200, 100, 50, alpha])
        });
        let cutout = Cutout::new(ring);
        let [.., alpha, inside] = cutout.at([10.0, 10.0]);
        assert_eq!((alpha, inside), (0.0, 1.0));
        let [red, .., alpha, inside] = cutout.at([16.0, 10.0]);
        assert_eq!((alpha, inside), (1.0, 1.0));
        assert!((red - 200.0 / 255.0).abs() < 1e-6);
        assert_eq!(cutout.at([0.0, 0.0])[4], 0.0);
        assert_eq!(cutout.at([-40.0, 3.0]), [0.0; 5]);
    }

    #[test]
    fn a_hand_is_cut_from_its_wall() {
        let hand = RgbaImage::from_fn(40, 40, |x, _| match x {
            0..15 => Rgba([190, 190, 185, 255]),
            _ => Rgba([180, 130, 100, 255]),
        });
        let cutout = Cutout::hand(hand);
        assert_eq!(cutout.at([5.0, 20.0])[3], 0.0);
        assert_eq!(cutout.at([30.0, 20.0])[3], 1.0);
        let (columns, colour) = cutout.cut_below().unwrap();
        assert_eq!(columns, [15.0, 39.0]);
        assert!((colour[0] - 180.0 / 255.0).abs() < 1e-6);
    }
}
