//! Crops of 256 pixels, and how near they are.

use std::fmt;

use anyhow::Result;
use gst_video::VideoFrameRef;
use gstmdecomplete::frame::{self, Channels, Reader};
use image::RgbImage;
use mde_core::alignment::Affine;
use mde_core::occlusion::{Occlusion, Rect};
use mde_core::quality::laplacian_variance;
use ndarray::ArrayView3;

use super::STEP;
use super::scene::Scenes;

/// Side of the crops in pixels.
pub const SIDE: usize = 256;
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

    fn view(&self) -> ArrayView3<'_, f32> {
        ArrayView3::from_shape((3, SIDE, SIDE), &self.0).expect("a crop")
    }
}

/// The figures of one clip.
#[derive(Clone, Copy, Default)]
pub struct Score {
    /// In dB.
    pub psnr: f64,
    /// Variance of the Laplacian, as a share of the uncovered clip's.
    pub sharpness: f64,
    /// Mean difference from frame to frame, as a share of the uncovered clip's.
    pub flicker: f64,
}

/// Figures of several clips.
#[derive(Clone, Copy, Default)]
pub struct Scores {
    sum: Score,
    count: f64,
}

impl Score {
    /// Of `crops`, a frame of `scenes` each, in `part` from frame `first` on.
    pub fn of(scenes: &Scenes, part: Occlusion, crops: &[Crop], first: usize) -> Self {
        let part = part.rect().scaled_to(SIDE, SIDE);
        let original = |index| {
            let image = scenes.frame(index, None).expect("it was made before");
            scenes.crop(index, &image).expect("it was read before")
        };
        let (mut psnr, mut sharpness, mut moved) = (0.0, [0.0; 2], [0.0; 2]);
        let mut count = 0.0;
        for index in (first..crops.len() - 1).step_by(STEP) {
            let truth = [original(index), original(index + 1)];
            let found = [&crops[index], &crops[index + 1]];
            let squares = mean(part, |i| (found[0].0[i] - truth[0].0[i]).powi(2));
            psnr += -10.0 * squares.max(1e-9).log10();
            for (to, crop) in sharpness.iter_mut().zip([found[0], &truth[0]]) {
                let within = |x: usize, y: usize| {
                    (part.x0..part.x1).contains(&x) && (part.y0..part.y1).contains(&y)
                };
                *to += laplacian_variance(crop.view(), within);
            }
            moved[0] += mean(part, |i| (found[1].0[i] - found[0].0[i]).abs());
            moved[1] += mean(part, |i| (truth[1].0[i] - truth[0].0[i]).abs());
            count += 1.0;
        }
        Self {
            psnr: psnr / count,
            sharpness: sharpness[0] / sharpness[1],
            flicker: moved[0] / moved[1],
        }
    }
}

/// The crop of the frame before `first` in the place of those from there on, shifted to the mean
/// colour around the hole.
pub fn pasted(scenes: &Scenes, part: Occlusion, first: usize) -> Vec<Crop> {
    let hole = part.rect().scaled_to(SIDE, SIDE);
    let ring = Rect {
        x0: hole.x0.saturating_sub(RING),
        y0: hole.y0.saturating_sub(RING),
        x1: (hole.x1 + RING).min(SIDE),
        y1: (hole.y1 + RING).min(SIDE),
    };
    let uncovered = |index| -> Result<Crop> { scenes.crop(index, &scenes.frame(index, None)?) };
    let uncovered = |index| uncovered(index).expect("it was made before");
    let last = uncovered(first - 1);
    let paste = |index| {
        let now = uncovered(index);
        let mut pasted = last.clone();
        for (c, plane) in pasted.0.chunks_exact_mut(SIDE * SIDE).enumerate() {
            let (mut off, mut count) = (0.0, 0.0);
            for (i, value) in plane.iter().enumerate() {
                let (x, y) = (i % SIDE, i / SIDE);
                let within = |r: &Rect| (r.x0..r.x1).contains(&x) && (r.y0..r.y1).contains(&y);
                if within(&ring) && !within(&hole) {
                    off += now.0[c * SIDE * SIDE + i] - value;
                    count += 1.0;
                }
            }
            plane
                .iter_mut()
                .for_each(|v| *v = (*v + off / count).clamp(0.0, 1.0));
        }
        pasted
    };
    (0..scenes.len())
        .map(|index| match index < first {
            true => last.clone(),
            false => paste(index),
        })
        .collect()
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
        self.count += 1.0;
    }

    /// Their mean.
    pub fn mean(&self) -> Score {
        Score {
            psnr: self.sum.psnr / self.count,
            sharpness: self.sum.sharpness / self.count,
            flicker: self.sum.flicker / self.count,
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            psnr,
            sharpness,
            flicker,
        } = self;
        write!(f, "{psnr:.2} dB | {sharpness:.2} | {flicker:.2}")
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
