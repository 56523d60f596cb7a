//! What the net finds of a cover, on the cells of its answer.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use gst_video::{VideoFrameRef, VideoOrientationMethod};
use gstmdecomplete::covers::{Asked, CoverFinder, CoverNet};
use gstmdecomplete::locate::{DisplaySpace, Locator, Region};
use mde_core::alignment::Affine;
use mde_core::covers::Kind;

use super::clips::{self, Image};
use super::cover::Cover;
use super::scene::{Scene, is_face};

/// What is looked for: what the element looks for where nothing else is said.
const KINDS: [Kind; 3] = [Kind::Objects, Kind::Masks, Kind::Sunglasses];
const THRESHOLD: f32 = 0.5;
/// Frames of the still clip.
const STILL: usize = 25;
/// Most that a camera's noise adds to a value, in bytes.
const NOISE: i32 = 3;

/// What was found.
#[derive(Clone, Copy, Default)]
pub struct Found {
    /// The share of the cover on the face.
    pub found: f64,
    /// What is found beside the cover, as a share of the face.
    pub beside: f64,
    /// Intersection over union between frames of a still picture, and of the clip.
    pub still: f64,
    pub moved: f64,
}

impl Found {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.found += other.found;
        self.beside += other.beside;
        self.still += other.still;
        self.moved += other.moved;
    }

    /// The mean where it is the sum of `count`.
    pub fn over(&self, count: f64) -> Self {
        Self {
            found: self.found / count,
            beside: self.beside / count,
            still: self.still / count,
            moved: self.moved / count,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            found,
            beside,
            still,
            moved,
        } = self;
        write!(f, "{found:.3} | {beside:.3} | {still:.3} | {moved:.3}")
    }
}

/// Finds covers as the element does, but without a view of the face.
pub struct Finds {
    finder: CoverFinder<i32>,
    locator: Locator,
    side: usize,
    time: Duration,
    looks: usize,
}

impl Finds {
    /// With `net`.
    pub fn new(net: CoverNet) -> Result<Self> {
        Ok(Self {
            side: net.side(),
            finder: CoverFinder::new(net),
            locator: Locator::open()?,
            time: Duration::ZERO,
            looks: 0,
        })
    }

    /// What one look at a face took, in ms, the mean of all.
    pub fn milliseconds(&self) -> f64 {
        self.time.as_secs_f64() * 1e3 / self.looks.max(1) as f64
    }

    /// What is found of `cover` on `scene`.
    pub fn of(&mut self, scene: &Scene, cover: Cover) -> Result<Found> {
        let still = self.cells(STILL, |number| noisy(scene.covered(0, cover), number))?;
        let moved = self.cells(scene.len(), |index| scene.covered(index, cover))?;
        let (mut found, mut beside, mut count) = (0.0, 0.0, 0.0);
        for (index, (cells, to_frame)) in moved.iter().enumerate() {
            let to_template = to_frame.then(scene.to_template(index));
            let grid = (cells.len() as f64).sqrt() as usize;
            let enlarged = Affine::stretch((grid, grid), (self.side, self.side));
            let to_template = enlarged.then(&to_template);
            let (mut sums, mut faces) = ([0.0; 3], 0.0);
            for (i, &is_found) in cells.iter().enumerate() {
                let at = to_template.apply([(i % grid) as f64, (i / grid) as f64]);
                if !is_face(at) {
                    continue;
                }
                faces += 1.0;
                let kind = match (cover.at(at).is_some(), is_found) {
                    (true, true) => 0,
                    (true, false) => 1,
                    (false, true) => 2,
                    (false, false) => continue,
                };
                sums[kind] += 1.0;
            }
            found += sums[0] / f64::max(sums[0] + sums[1], 1.0);
            beside += sums[2] / f64::max(faces, 1.0);
            count += 1.0;
        }
        let count = f64::max(count, 1.0);
        Ok(Found {
            found: found / count,
            beside: beside / count,
            still: steadiness(&still),
            moved: steadiness(&moved),
        })
    }

    /// Which cells are found on each of `count` frames, and from the crop's pixels to the frame's;
    /// frames without a face are left out after the first one.
    fn cells(
        &mut self,
        count: usize,
        image: impl Fn(usize) -> Image,
    ) -> Result<Vec<(Vec<bool>, Affine)>> {
        let asked = Asked {
            kinds: KINDS.into_iter().collect(),
            threshold: THRESHOLD,
        };
        self.locator.forget();
        self.finder.forget();
        let size = (self.side, self.side);
        let mut all: Vec<(Vec<bool>, Affine)> = Vec::with_capacity(count);
        for index in 0..count {
            let (info, buffer) = image(index).frame()?;
            let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)?;
            let tracks = clips::faces(&mut self.locator, &frame, index)?;
            let Some(track) = tracks.first() else {
                // Nothing is found of what is not seen.
                all.push((vec![false; (self.side / 2).pow(2)], Affine::IDENTITY));
                continue;
            };
            let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
            let region = Region::of_track(track, size)?.in_frame(&display);
            let now = Duration::from_secs(index as u64) / clips::RATE as u32;
            let start = Instant::now();
            let faces = std::iter::once((track.id, &region));
            let looks = (self.finder).find(&frame, faces, size, &asked, now, &())?;
            if looks > 0 {
                self.time += start.elapsed();
                self.looks += looks;
            }
            let grid = self.side / 2;
            let cover = self.finder.cover(track.id);
            let is_found = |i: usize| {
                let at = [i % grid, i / grid].map(|v| v as f32);
                cover.is_some_and(|cover| cover.distance(at) <= 0.0)
            };
            all.push(((0..grid * grid).map(is_found).collect(), region.to_frame));
        }
        Ok(all)
    }
}

/// The mean intersection over union of neighbours in which something is found.
fn steadiness(frames: &[(Vec<bool>, Affine)]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for pair in frames.windows(2) {
        let both = pair[0].0.iter().zip(&pair[1].0);
        let (common, either) = both.fold((0.0, 0.0), |(common, either), (a, b)| {
            (
                common + f64::from(u8::from(*a && *b)),
                either + f64::from(u8::from(*a || *b)),
            )
        });
        if either > 0.0 {
            sum += common / either;
            count += 1.0;
        }
    }
    sum / f64::max(count, 1.0)
}

/// `image` with the noise of frame `number`.
fn noisy(mut image: Image, number: usize) -> Image {
    let mut state = number as u32 + 1;
    for value in &mut image.pixels {
        // Marsaglia 2003, "Xorshift RNGs".
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let off = (state >> 16) as i32 % (2 * NOISE + 1) - NOISE;
        *value = (i32::from(*value) + off).clamp(0, 255) as u8;
    }
    image
}
