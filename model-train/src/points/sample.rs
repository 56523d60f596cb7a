//! One crop as a tracker would show it to the net, and what the net should answer.

use std::collections::HashMap;
use std::f64::consts::PI;

use anyhow::{Result, ensure};
use mde_core::alignment::{Affine, FacePoints, MIRRORED, Point};
use mde_core::points::{self, SIZE};
use rand::RngExt;
use rand_pcg::Pcg64;

use super::cover::{Cover, Fill};
use super::glasses::Glasses;
use super::light::Light;
use crate::data::Dataset;

/// Pixels of a crop.
pub const AREA: usize = SIZE * SIZE;
/// Side of the pictures that crops are cut from.
pub const PICTURE: usize = 144;

/// Share of crops without a face where the net looks for one.
const WITHOUT_FACE: f64 = 0.15;
/// Share of the faces that are drawn from the unusual ones alone.
const UNUSUAL: f64 = 0.2;
/// Share of the faces that get glasses.
const WITH_GLASSES: f64 = 0.15;

/// Pictures with their points.
pub struct PointFaces {
    pictures: Dataset,
    /// Which pictures have points, and these in the picture's pixels.
    points: Vec<(usize, FacePoints)>,
    /// The quarter of the faces that differ most from the mean face.
    unusual: Vec<usize>,
}

impl PointFaces {
    /// The pictures of which `landmarks` tell the points, by the file's name.
    ///
    /// # Errors
    /// Where that is none, or the pictures are not [`PICTURE`] pixels a side.
    pub fn new(pictures: Dataset, landmarks: &HashMap<String, FacePoints>) -> Result<Self> {
        ensure!(pictures.size() == PICTURE, "pictures of {PICTURE} pixels");
        let file = |i| pictures.name(i).rsplit('/').next().unwrap_or_default();
        let points: Vec<_> = (0..pictures.len())
            .filter_map(|i| Some((i, *landmarks.get(file(i))?)))
            .collect();
        ensure!(
            !points.is_empty(),
            "none of the {} pictures is listed in the landmark file; the first is '{}'",
            pictures.len(),
            pictures.name(0)
        );
        let mut unusual: Vec<usize> = (0..points.len()).collect();
        unusual.sort_by(|&i, &j| oddity(&points[j].1).total_cmp(&oddity(&points[i].1)));
        unusual.truncate(points.len().div_ceil(4));
        Ok(Self {
            pictures,
            points,
            unusual,
        })
    }

    /// How many faces there are, at least one.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Face `i`, mirrored where asked.
    pub fn face(&self, i: usize, mirrored: bool) -> Face<'_> {
        let (picture, points) = self.points[i];
        let (points, to_stored) = match mirrored {
            true => (MIRRORED.map(|k| MIRROR.apply(points[k])), MIRROR),
            false => (points, Affine::IDENTITY),
        };
        Face {
            pixels: self.pictures.picture(picture),
            points,
            to_stored,
            stretch: Stretch::NONE,
            glasses: None,
        }
    }

    /// One of the quarter of the faces that differ most from the mean face.
    fn unusual(&self, rng: &mut Pcg64) -> usize {
        self.unusual[rng.random_range(0..self.unusual.len())]
    }

    /// Any face.
    pub fn any(&self, rng: &mut Pcg64) -> Face<'_> {
        let i = rng.random_range(0..self.len());
        self.face(i, rng.random())
    }
}

/// Between a picture's pixels and those of the picture mirrored left to right.
const MIRROR: Affine = Affine {
    linear: [[-1.0, 0.0], [0.0, 1.0]],
    translation: [(PICTURE - 1) as f64, 0.0],
};

/// Square of the distance of `points`, once aligned, from the mean face.
fn oddity(points: &FacePoints) -> f64 {
    let aligned = points::align(points).unwrap_or(Affine::IDENTITY);
    let pairs = points.iter().zip(points::template());
    pairs
        .map(|(p, mean)| {
            let [x, y] = aligned.apply(*p);
            (x - mean[0]).powi(2) + (y - mean[1]).powi(2)
        })
        .sum()
}

/// A picture, as it is stored or changed, and its points.
pub struct Face<'a> {
    pixels: &'a [u8],
    /// In the pixels of the picture as it is read.
    pub points: FacePoints,
    /// From the pixels of the picture as it is read, but for the stretch, to the stored ones.
    to_stored: Affine,
    stretch: Stretch,
    glasses: Option<Glasses>,
}

/// A picture made longer or shorter above and below a row.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    row: f64,
    above: f64,
    below: f64,
}

impl Stretch {
    const NONE: Self = Self {
        row: 0.0,
        above: 1.0,
        below: 1.0,
    };

    /// Where row `y` of the picture lies on the stretched one.
    fn apply(&self, y: f64) -> f64 {
        let from = y - self.row;
        self.row + from * if from < 0.0 { self.above } else { self.below }
    }

    /// Where row `y` of the stretched picture lies on the picture.
    fn undo(&self, y: f64) -> f64 {
        let inverse = Self {
            row: self.row,
            above: 1.0 / self.above,
            below: 1.0 / self.below,
        };
        inverse.apply(y)
    }
}

impl Face<'_> {
    /// The face with its upper and lower part longer or shorter, in half of the cases: most
    /// published faces smile, with the mouth nearer to the eyes than in other faces.
    pub fn stretched(self, rng: &mut Pcg64) -> Self {
        if rng.random() {
            return self;
        }
        let stretch = Stretch {
            row: self.points[2][1],
            above: rng.random_range(-0.12f64..0.12).exp(),
            below: rng.random_range(-0.08f64..0.25).exp(),
        };
        Self {
            points: self.points.map(|[x, y]| [x, stretch.apply(y)]),
            stretch,
            ..self
        }
    }

    /// The crop that `to_picture` maps into the picture: `[64, 64, 3]` in `[0, 1]`, beyond the
    /// picture its reflection. Sampled as the element does.
    pub fn read(&self, to_picture: &Affine) -> Vec<f32> {
        let map = to_picture.then(&self.to_stored);
        let [[a, b], [c, d]] = map.linear;
        let count = (a.hypot(c).round().clamp(1.0, 3.0)) as usize;
        let part = |i: usize| (i as f64 - (count as f64 - 1.0) / 2.0) / count as f64;
        let parts: Vec<Point> = (0..count * count)
            .map(|i| (part(i % count), part(i / count)))
            .map(|(u, v)| [u * a + v * b, u * c + v * d])
            .collect();
        let scale = 1.0 / (255 * count * count) as f32;
        let mut crop = Vec::with_capacity(AREA * 3);
        for at in pixels() {
            let [x, y] = map.apply(at);
            let mut sum = [0.0; 3];
            for [u, v] in &parts {
                // No `to_stored` moves rows.
                self.add_to(&mut sum, [x + u, self.stretch.undo(y + v)]);
            }
            crop.extend(sum.map(|v| v * scale));
        }
        crop
    }

    /// Adds the bilinearly interpolated values at `at` to `sum`.
    #[inline]
    fn add_to(&self, sum: &mut [f32; 3], [x, y]: Point) {
        let (left, top) = (below(x), below(y));
        let right_share = (x - f64::from(left)) as f32;
        let low_share = (y - f64::from(top)) as f32;
        let columns = [reflected(left), reflected(left + 1)];
        let rows = [reflected(top), reflected(top + 1)];
        for (row, share) in rows.into_iter().zip([1.0 - low_share, low_share]) {
            let shares = [share * (1.0 - right_share), share * right_share];
            for (column, share) in columns.into_iter().zip(shares) {
                let pixel = (row * PICTURE + column) * 3;
                for (sum, value) in sum.iter_mut().zip(&self.pixels[pixel..pixel + 3]) {
                    *sum += share * f32::from(*value);
                }
            }
        }
    }
}

/// A whole number at or at most one below `x`: the floor, without the call that it is where the
/// processor's newer instructions may not be used.
#[inline]
fn below(x: f64) -> i32 {
    x as i32 - i32::from(x < 0.0)
}

/// The whole number `at`, reflected at the picture's first and last pixel into the picture.
#[inline]
fn reflected(at: i32) -> usize {
    let last = PICTURE as i32 - 1;
    if (0..=last).contains(&at) {
        return at as usize;
    }
    let at = at.rem_euclid(2 * last);
    at.min(2 * last - at) as usize
}

/// The centres of a crop's pixels, row by row.
pub fn pixels() -> impl Iterator<Item = Point> {
    (0..SIZE).flat_map(|y| (0..SIZE).map(move |x| [x as f64, y as f64]))
}

/// How a crop lies against where it should: moved about its middle.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// In radians.
    pub turn: f64,
    /// Size of the face on the crop, 1 being the template's.
    pub scale: f64,
    /// In crop pixels.
    pub shift: Point,
}

impl Placement {
    /// As a track's guess or, for the smaller part, after a detector or a fast move. Uniform over
    /// more than steady tracks are off: a guess of covered points rests on the last one, and a net
    /// that takes crops for well placed rather than not would hold on to its own errors.
    pub fn of_track(rng: &mut Pcg64) -> Self {
        let reach = if rng.random_bool(0.7) { 0.55 } else { 1.0 };
        let mut within = |most: f64| most * reach * rng.random_range(-1.0..1.0);
        Self {
            turn: within(25f64.to_radians()),
            scale: within(0.28).exp(),
            shift: [within(6.5), within(6.5)],
        }
    }

    /// So that nobody should take the face for found.
    fn astray(rng: &mut Pcg64) -> Self {
        let mut placement = Self::of_track(rng);
        match rng.random_range(0..4) {
            0 => placement.turn = rng.random_range(0.45 * PI..1.55 * PI),
            1 => placement.scale = rng.random_range(0.25..0.55),
            2 => placement.scale = rng.random_range(1.8..6.0),
            _ => {
                let direction = rng.random_range(0.0..2.0 * PI);
                let length = rng.random_range(16.0..45.0);
                placement.shift = [length * direction.cos(), length * direction.sin()];
            }
        }
        placement
    }

    /// From the crop where it should lie to the crop as it lies.
    pub fn map(&self) -> Affine {
        let middle = (SIZE as f64 - 1.0) / 2.0;
        Affine::about([middle; 2], self.turn, self.scale, self.shift)
    }
}

/// A crop and what the net should answer.
pub struct Sample {
    /// `[64, 64, 3]` in `[0, 1]`.
    pub crop: Vec<f32>,
    /// In crop pixels.
    pub points: FacePoints,
    /// 1 where a point is not covered, else 0.
    pub visibility: [f32; 5],
    /// 1 where there is a face about where it should be, else 0.
    pub is_face: f32,
}

impl Sample {
    /// Face `index`, or none, under a random placement, cover and light.
    pub fn draw(faces: &PointFaces, index: usize, rng: &mut Pcg64) -> Self {
        if rng.random_bool(WITHOUT_FACE) {
            return Self::without_face(faces, index, rng);
        }
        let index = match rng.random_bool(UNUSUAL) {
            true => faces.unusual(rng),
            false => index,
        };
        let mut face = faces.face(index, rng.random()).stretched(rng);
        face.glasses = rng.random_bool(WITH_GLASSES).then(|| Glasses::draw(rng));
        let placement = Placement::of_track(rng);
        let cover = rng.random_bool(0.8).then(|| Cover::draw(faces, rng));
        Self::of(&face, &placement, cover.as_ref(), Some(rng))
    }

    /// `face` on a crop that lies as `placement` says, under `cover`; with `light`, a source of
    /// random numbers, as a random camera sees it.
    pub fn of(
        face: &Face,
        placement: &Placement,
        cover: Option<&Cover>,
        light: Option<&mut Pcg64>,
    ) -> Self {
        // Points of aligned pictures never coincide, and no placement collapses the plane.
        let aligned = points::align(&face.points).unwrap_or(Affine::IDENTITY);
        let to_crop = aligned.then(&placement.map());
        let to_picture = to_crop.inverse().unwrap_or(Affine::IDENTITY);
        let mut rgb = face.read(&to_picture);
        let points = face.points.map(|p| to_crop.apply(p));
        if let Some(glasses) = &face.glasses {
            glasses.put_on(&mut rgb, &points);
        }
        let covered = cover.map(|cover| cover.covered(&placement.map()));
        let (cover_last, mut light) = match light {
            Some(rng) => (rng.random(), Some((Light::draw(rng), rng))),
            None => (true, None),
        };
        // A cover before the camera is in the same light; a damage to the recording is not.
        for covers in [!cover_last, cover_last] {
            if covers {
                if let (Some(cover), Some(covered)) = (cover, &covered) {
                    cover.fill.paint(&mut rgb, covered);
                }
            } else if let Some((light, rng)) = &mut light {
                light.shine_on(&mut rgb, SIZE, rng);
            }
        }
        Self {
            crop: rgb,
            visibility: points.map(|p| visible(p, covered.as_deref())),
            points,
            is_face: 1.0,
        }
    }

    fn without_face(faces: &PointFaces, index: usize, rng: &mut Pcg64) -> Self {
        let face = faces.face(index, rng.random());
        let placement = Placement::astray(rng);
        let mut cover = rng.random_bool(0.4).then(|| Cover::draw(faces, rng));
        if rng.random_bool(0.15) {
            cover = Some(Cover::whole(Fill::draw(faces, rng)));
        }
        let sample = Self::of(&face, &placement, cover.as_ref(), Some(rng));
        Self {
            is_face: 0.0,
            ..sample
        }
    }
}

/// Whether the pixel under `p` is on the crop and not covered.
fn visible([x, y]: Point, covered: Option<&[bool]>) -> f32 {
    let (x, y) = (x.round(), y.round());
    let side = 0.0..SIZE as f64;
    let seen = side.contains(&x)
        && side.contains(&y)
        && covered.is_none_or(|covered| !covered[y as usize * SIZE + x as usize]);
    f32::from(u8::from(seen))
}
