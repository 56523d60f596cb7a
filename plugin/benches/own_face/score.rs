//! Crops of 256 pixels, and how near they are.

use std::fmt;

use anyhow::Result;
use gst_video::VideoFrameRef;
use gstmdecomplete::frame::{self, Channels, Reader};
use image::RgbImage;
use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;
use mde_core::quality::laplacian_variance;
use ndarray::ArrayView3;

use super::lpips::Lpips;
use super::scene::Scenes;

/// Side of the crops in pixels.
pub const SIDE: usize = 256;
/// From one frame that is scored to the next pair.
const STEP: usize = 6;
/// Width of the ring around a hole whose mean colour a pasted crop is shifted to, in pixels.
const RING: usize = 8;

/// `[3, 256, 256]` in `[0, 1]`.
#[derive(Clone)]
pub struct Crop(Vec<f32>);

impl Crop {
    /// The crop that `to_frame` maps into `frame`.
    pub fn read<T>(frame: &VideoFrameRef<T>, to_frame: &Affine) -> Self {
        let mut rgb = vec![0.0; 3 * SIDE * SIDE];
        let crop = frame::Crop {
            size: (SIDE, SIDE),
            rgb: &mut rgb,
            inside: &mut vec![0.0; SIDE * SIDE],
        };
        Reader::default().read(frame, to_frame, Channels::Rgb, crop);
        Self(rgb)
    }

    /// The values in `part`, `[3, height, width]`.
    pub fn part(&self, part: Rect) -> Vec<f32> {
        let rows = (0..3 * SIDE).filter(|row| (part.y0..part.y1).contains(&(row % SIDE)));
        rows.flat_map(|row| &self.0[row * SIDE + part.x0..row * SIDE + part.x1])
            .copied()
            .collect()
    }

    fn view(&self) -> ArrayView3<'_, f32> {
        ArrayView3::from_shape((3, SIDE, SIDE), &self.0).expect("a crop")
    }
}

/// What is covered of a frame, in pixels of the template.
pub type Covered<'a> = dyn Fn(usize) -> Option<Rect> + 'a;

/// The figures of one clip.
#[derive(Clone, Copy, Default)]
pub struct Score {
    /// In dB.
    pub psnr: f64,
    /// Variance of the Laplacian, as a share of the uncovered clip's.
    pub sharpness: f64,
    /// Mean difference from frame to frame, as a share of the uncovered clip's.
    pub flicker: f64,
    /// LPIPS, from 0; not a number where it is not measured.
    pub lpips: f64,
}

/// Figures of several clips.
#[derive(Clone, Copy, Default)]
pub struct Scores {
    sum: Score,
    count: f64,
}

impl Score {
    /// Of `crops`, a frame of `scenes` each, where `covered` says so.
    ///
    /// # Errors
    /// Where a frame cannot be made or the network of `lpips` fails.
    pub fn of(
        scenes: &Scenes,
        covered: &Covered,
        crops: &[Crop],
        lpips: Option<&Lpips>,
    ) -> Result<Self> {
        let (mut psnr, mut sharpness, mut moved) = (0.0, [0.0; 2], [0.0; 2]);
        let (mut far, mut count) = (0.0, 0.0);
        for index in (0..crops.len() - 1).step_by(STEP) {
            let (Some(part), Some(next)) = (covered(index), covered(index + 1)) else {
                continue;
            };
            let [part, next] = [part, next].map(|rect| rect.scaled_to(SIDE, SIDE));
            let truth = [scenes.truth(index)?, scenes.truth(index + 1)?];
            let found = [&crops[index], &crops[index + 1]];
            let squares = mean(part, |i| (found[0].0[i] - truth[0].0[i]).powi(2));
            psnr += -10.0 * squares.max(1e-9).log10();
            for (to, crop) in sharpness.iter_mut().zip([found[0], truth[0]]) {
                *to += laplacian_variance(crop.view(), |x, y| part.contains(x, y));
            }
            // Where a moving cover lay both times.
            let both = Rect {
                x0: part.x0.max(next.x0),
                x1: part.x1.min(next.x1),
                ..part
            };
            moved[0] += mean(both, |i| (found[1].0[i] - found[0].0[i]).abs());
            moved[1] += mean(both, |i| (truth[1].0[i] - truth[0].0[i]).abs());
            far += match lpips {
                Some(lpips) => lpips.distance(found[0], truth[0], part)?,
                None => f64::NAN,
            };
            count += 1.0;
        }
        Ok(Self {
            psnr: psnr / count,
            sharpness: sharpness[0] / sharpness[1],
            flicker: moved[0] / moved[1],
            lpips: far / count,
        })
    }
}

/// The crop of frame `source` in the place of those where `covered` says so, shifted to the mean
/// colour around the hole.
///
/// # Errors
/// Where a frame cannot be made.
pub fn pasted(scenes: &Scenes, covered: &Covered, source: usize) -> Result<Vec<Crop>> {
    let copied = scenes.truth(source)?;
    let paste = |index| -> Result<Crop> {
        let now = scenes.truth(index)?;
        let Some(hole) = covered(index).map(|rect| rect.scaled_to(SIDE, SIDE)) else {
            return Ok(now.clone());
        };
        let ring = Rect {
            x0: hole.x0.saturating_sub(RING),
            y0: hole.y0.saturating_sub(RING),
            x1: (hole.x1 + RING).min(SIDE),
            y1: (hole.y1 + RING).min(SIDE),
        };
        let mut pasted = copied.clone();
        for (plane, now) in
            (pasted.0.chunks_exact_mut(SIDE * SIDE)).zip(now.0.chunks_exact(SIDE * SIDE))
        {
            let (mut off, mut count) = (0.0, 0.0);
            for (i, (value, now)) in plane.iter().zip(now).enumerate() {
                let (x, y) = (i % SIDE, i / SIDE);
                if ring.contains(x, y) && !hole.contains(x, y) {
                    off += now - value;
                    count += 1.0;
                }
            }
            for (i, (value, now)) in plane.iter_mut().zip(now).enumerate() {
                *value = match hole.contains(i % SIDE, i / SIDE) {
                    true => (*value + off / count).clamp(0.0, 1.0),
                    false => *now,
                };
            }
        }
        Ok(pasted)
    };
    (0..scenes.len()).map(paste).collect()
}

/// The mean of `value` over the values of a crop in `part`.
fn mean(part: Rect, value: impl Fn(usize) -> f32) -> f64 {
    let mut sum = 0.0;
    for plane in 0..3 {
        for y in part.y0..part.y1 {
            for x in part.x0..part.x1 {
                sum += f64::from(value((plane * SIDE + y) * SIDE + x));
            }
        }
    }
    sum / (3 * part.width() * part.height()) as f64
}

impl Scores {
    /// Takes in the figures of a clip.
    pub fn add(&mut self, score: &Score) {
        self.sum.psnr += score.psnr;
        self.sum.sharpness += score.sharpness;
        self.sum.flicker += score.flicker;
        self.sum.lpips += score.lpips;
        self.count += 1.0;
    }

    /// Their mean.
    pub fn mean(&self) -> Score {
        Score {
            psnr: self.sum.psnr / self.count,
            sharpness: self.sum.sharpness / self.count,
            flicker: self.sum.flicker / self.count,
            lpips: self.sum.lpips / self.count,
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            psnr,
            sharpness,
            flicker,
            lpips,
        } = self;
        write!(
            f,
            "{psnr:.2} dB | {lpips:.3} | {sharpness:.2} | {flicker:.2}"
        )
    }
}

/// Rows of crops as one picture.
pub fn sheet(rows: &[Vec<Crop>]) -> RgbImage {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut sheet = RgbImage::new((columns * SIDE) as u32, (rows.len() * SIDE) as u32);
    for (x, y, pixel) in sheet.enumerate_pixels_mut() {
        let (x, y) = (x as usize, y as usize);
        if let Some(crop) = rows[y / SIDE].get(x / SIDE) {
            let at = y % SIDE * SIDE + x % SIDE;
            pixel.0 = [0, 1, 2].map(|c| (255.0 * crop.0[c * SIDE * SIDE + at]).round() as u8);
        }
    }
    sheet
}
