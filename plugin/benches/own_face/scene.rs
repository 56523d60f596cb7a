//! A face enlarged into frames of 1920x1080, and covers on it.

use std::cell::OnceCell;
use std::path::Path;

use anyhow::{Context, Result};
use gst_video::VideoFrameRef;
use gstmdecomplete::frame::{Channels, Crop, Reader};
use gstmdecomplete::locate::Locator;
use image::RgbImage;
use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, FacePoints, align_face};
use mde_core::occlusion::Rect;

use super::clips::{self, Image};
use super::score::{self, Covered};
use super::smoothed::smoothed;

/// Frames that a face is shown in.
const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;
/// Height of a face from hairline to chin, in pixels; on the template it has [`ON_TEMPLATE`].
const FACE: f64 = 400.0;
const ON_TEMPLATE: f64 = 82.0;
/// The colour of covers, as `damage-color` has it, and its values.
pub const COLOUR: (&str, [u8; 3]) = ("0xff00ff", [255, 0, 255]);

/// The frames of a clip in which its face is seen without a break.
pub struct Scenes {
    frames: Vec<Image>,
    /// From the clip's pixels to those of the crop.
    to_crop: Vec<Affine>,
    /// From the clip's pixels to those of the frame.
    enlarged: Affine,
    /// The uncovered crops, once they were read.
    truth: Vec<OnceCell<score::Crop>>,
}

impl Scenes {
    /// The longest run of `frames` in which one face is followed.
    pub fn new(frames: Vec<Image>, locator: &mut Locator) -> Result<Self> {
        locator.forget();
        let mut seen: Vec<Option<(i32, FacePoints)>> = Vec::with_capacity(frames.len());
        for (index, image) in frames.iter().enumerate() {
            let (info, buffer) = image.frame()?;
            let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)?;
            let tracks = clips::faces(locator, &frame, index)?;
            seen.push(tracks.first().map(|track| (track.id, track.points)));
        }
        let mut best = 0..0;
        let mut start = 0;
        for end in 1..=seen.len() {
            let goes_on = seen.get(end).is_some_and(|next| {
                next.is_some() && next.map(|(id, _)| id) == seen[start].map(|(id, _)| id)
            });
            if !goes_on {
                if seen[start].is_some() && end - start > best.len() {
                    best = start..end;
                }
                start = end;
            }
        }
        let shown = &seen[best.clone()];
        let track = shown.iter().flatten().map(|(track, _)| *track).next();
        let track = track.context("there is no face")?;
        let to_crop: Vec<Affine> = (0..shown.len())
            .map(|index| align_face(&smoothed(shown, index, track), CROP_SIZE, CROP_SIZE))
            .collect::<Result<_, _>>()?;
        // The face's height in the clip, and its middle, in the first frame.
        let scale = to_crop[0].determinant().sqrt() * FACE / ON_TEMPLATE;
        let [x, y] = to_crop[0].inverse()?.apply([CROP_SIZE as f64 / 2.0; 2]);
        let enlarged = Affine {
            linear: [[scale, 0.0], [0.0, scale]],
            translation: [
                WIDTH as f64 / 2.0 - scale * x,
                HEIGHT as f64 / 2.0 - scale * y,
            ],
        };
        Ok(Self {
            truth: vec![OnceCell::new(); best.len()],
            frames: frames
                .into_iter()
                .skip(best.start)
                .take(best.len())
                .collect(),
            to_crop,
            enlarged,
        })
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Frame `index`, with `cover` on it.
    pub fn frame(&self, index: usize, cover: Option<Rect>) -> Result<Image> {
        let clip = &self.frames[index];
        let (info, buffer) = clip.frame()?;
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)?;
        let pixels = WIDTH * HEIGHT;
        let (mut rgb, mut inside) = (vec![0.0; 3 * pixels], vec![0.0; pixels]);
        let to_clip = self.enlarged.inverse()?;
        let whole = Crop {
            size: (WIDTH, HEIGHT),
            rgb: &mut rgb,
            inside: &mut inside,
        };
        Reader::default().read(&frame, &to_clip, Channels::Rgb, whole);
        let to_crop = to_clip.then(&self.to_crop[index]);
        let mut image = Image {
            width: WIDTH,
            height: HEIGHT,
            pixels: vec![0; 3 * pixels],
        };
        for (i, pixel) in image.pixels.chunks_exact_mut(3).enumerate() {
            let [x, y] = to_crop.apply([(i % WIDTH) as f64, (i / WIDTH) as f64]);
            let is_covered = cover.is_some_and(|rect| {
                let within = |v: f64, low: usize, high: usize| {
                    (low as f64 - 0.5..high as f64 - 0.5).contains(&v)
                };
                within(x, rect.x0, rect.x1) && within(y, rect.y0, rect.y1)
            });
            for (c, value) in pixel.iter_mut().enumerate() {
                *value = match is_covered {
                    true => COLOUR.1[c],
                    false => (255.0 * rgb[c * pixels + i]).round() as u8,
                };
            }
        }
        Ok(image)
    }

    /// The crop of `image`, which shows frame `index`.
    pub fn crop(&self, index: usize, image: &Image) -> Result<score::Crop> {
        let (info, buffer) = image.frame()?;
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)?;
        let to_frame = self.to_frame(index)?;
        Ok(score::Crop::read(&frame, &to_frame))
    }

    /// The crop of frame `index` without a cover.
    pub fn truth(&self, index: usize) -> Result<&score::Crop> {
        if let Some(crop) = self.truth[index].get() {
            return Ok(crop);
        }
        let crop = self.crop(index, &self.frame(index, None)?)?;
        Ok(self.truth[index].get_or_init(|| crop))
    }

    /// Writes frame `index` without a cover as a picture.
    pub fn save_frame(&self, index: usize, file: &Path) -> Result<()> {
        let image = self.frame(index, None)?;
        let picture = RgbImage::from_raw(WIDTH as u32, HEIGHT as u32, image.pixels);
        let picture = picture.context("three values a pixel")?;
        picture
            .save(file)
            .with_context(|| file.display().to_string())
    }

    /// From the pixels of the scored crop of frame `index` to the frame's.
    fn to_frame(&self, index: usize) -> Result<Affine> {
        let enlarge = Affine::stretch((score::SIDE, score::SIDE), (CROP_SIZE, CROP_SIZE));
        Ok(enlarge
            .then(&self.to_crop[index].inverse()?)
            .then(&self.enlarged))
    }

    /// Writes the faces of what was `shown` by each way, a way a row, under those covered and
    /// uncovered.
    pub fn save(
        &self,
        file: &Path,
        covered: &Covered,
        shown: &[Vec<(usize, Image)>],
    ) -> Result<()> {
        let Some(first) = shown.first() else {
            return Ok(());
        };
        let mut rows = vec![Vec::new(), Vec::new()];
        for (index, _) in first {
            rows[0].push(self.truth(*index)?.clone());
            rows[1].push(self.crop(*index, &self.frame(*index, covered(*index))?)?);
        }
        for way in shown {
            let crops = way.iter().map(|(index, image)| self.crop(*index, image));
            rows.push(crops.collect::<Result<_>>()?);
        }
        score::sheet(&rows)
            .save(file)
            .with_context(|| file.display().to_string())
    }
}
