//! A clip of one face, covers on it, and what the element makes of it.

use anyhow::{Context, Result};
use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use gstmdecomplete::locate::Locator;
use image::{RgbaImage, imageops};
use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, FacePoints, align_face};

use super::clips::{self, Image};
use super::cover::Cover;
use super::measure;
use super::smoothed::smoothed;

/// From one frame that is scored to the next.
const STEP: usize = 3;
/// The middle and half the axes of the oval that is the face, in pixels of the template.
const FACE: [[f64; 2]; 2] = [[47.6, 54.0], [33.0, 42.0]];
/// Pixels of the template at its border that are not scored.
const BORDER: f64 = 3.0;
/// A change in bytes that is one.
const CHANGE: u8 = 2;

/// How the element is told what is covered.
pub enum Way {
    /// It finds that with the net in a file.
    Auto(String),
    /// By the frames' alpha.
    Mask,
}

/// The first frames of a clip, in which one face is followed.
pub struct Scene {
    frames: Vec<Image>,
    to_template: Vec<Affine>,
}

/// Whether a place on the template is on the face.
pub fn is_face(at: [f64; 2]) -> bool {
    let [middle, axes] = FACE;
    ((at[0] - middle[0]) / axes[0]).hypot((at[1] - middle[1]) / axes[1]) < 1.0
}

impl Scene {
    /// The first of `frames`, as long as the face of the first one is followed.
    pub fn new(mut frames: Vec<Image>, locator: &mut Locator) -> Result<Self> {
        locator.forget();
        let mut seen: Vec<Option<(i32, FacePoints)>> = Vec::with_capacity(frames.len());
        for (index, image) in frames.iter().enumerate() {
            let (info, buffer) = image.frame()?;
            let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)?;
            let first = clips::faces(locator, &frame, index)?.first();
            let first = first.map(|track| (track.id, track.points));
            let id = |seen: &Option<(i32, FacePoints)>| seen.map(|(id, _)| id);
            if first.is_none() || seen.first().is_some_and(|seen| id(seen) != id(&first)) {
                break;
            }
            seen.push(first);
        }
        let (track, _) = (seen.first().copied().flatten()).context("no face in the first frame")?;
        frames.truncate(seen.len());
        let to_template = (0..seen.len())
            .map(|index| align_face(&smoothed(&seen, index, track), CROP_SIZE, CROP_SIZE))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            frames,
            to_template,
        })
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// From the pixels of frame `index` to the template's.
    pub fn to_template(&self, index: usize) -> &Affine {
        &self.to_template[index]
    }

    /// Frame `index` with `cover` on it.
    pub fn covered(&self, index: usize, cover: Cover) -> Image {
        let mut image = self.frames[index].clone();
        let width = image.width;
        for (i, pixel) in image.pixels.chunks_exact_mut(3).enumerate() {
            if let Some(colour) = cover.at(self.place(index, i, width)) {
                pixel.copy_from_slice(&colour);
            }
        }
        image
    }

    /// Where pixel `i` of frame `index` lies on the template.
    fn place(&self, index: usize, i: usize, width: usize) -> [f64; 2] {
        self.to_template[index].apply([(i % width) as f64, (i / width) as f64])
    }

    /// PSNR in the true hole of what the element makes of the clip, with `cover` on it from frame
    /// `first` on, in dB, the mean over frames; and these frames, side by side.
    pub fn psnr(&self, cover: Cover, first: usize, way: &Way) -> Result<(f64, RgbaImage)> {
        let laid = |index: usize| (index >= first).then_some(cover);
        let (mut sum, mut count) = (0.0, 0.0);
        let [width, height] = [self.frames[0].width, self.frames[0].height].map(|v| v as u32);
        let scored = (first..self.len()).filter(|index| index % STEP == 0);
        let mut strip = RgbaImage::new(width * scored.count() as u32, height);
        self.complete(way, laid, |index, shown| {
            if index < first || index % STEP != 0 {
                return;
            }
            let truth = &self.frames[index];
            let (mut squares, mut values) = (0.0, 0.0);
            let pairs = truth.pixels.chunks_exact(3).zip(shown.chunks_exact(4));
            for (i, (truth, shown)) in pairs.enumerate() {
                let at = self.place(index, i, self.frames[0].width);
                // No net sees what lies beyond the crop, and what it finds fades out at its border.
                let within = BORDER..CROP_SIZE as f64 - BORDER;
                let on_crop = at.iter().all(|v| within.contains(v));
                if on_crop && cover.at(at).is_some() {
                    for (a, b) in truth.iter().zip(shown) {
                        squares += (f64::from(*a) - f64::from(*b)).powi(2);
                        values += 1.0;
                    }
                }
            }
            let picture = RgbaImage::from_raw(width, height, shown.to_vec());
            let picture = picture.expect("four bytes a pixel");
            imageops::replace(&mut strip, &picture, i64::from(width) * count as i64, 0);
            sum += 10.0 * (255.0f64.powi(2) * values / squares.max(1e-3)).log10();
            count += 1.0;
        })?;
        Ok((sum / f64::max(count, 1.0), strip))
    }

    /// The share of the face that the element changes though nothing is before it, in %, the mean
    /// over frames.
    pub fn changed(&self, way: &Way) -> Result<f64> {
        let (mut changed, mut all) = (0.0, 0.0);
        self.complete(
            way,
            |_| None,
            |index, shown| {
                let pairs = (self.frames[index].pixels.chunks_exact(3)).zip(shown.chunks_exact(4));
                for (i, (before, after)) in pairs.enumerate() {
                    if is_face(self.place(index, i, self.frames[0].width)) {
                        let mut values = before.iter().zip(after);
                        all += 1.0;
                        changed +=
                            f64::from(u8::from(values.any(|(a, b)| a.abs_diff(*b) > CHANGE)));
                    }
                }
            },
        )?;
        Ok(100.0 * changed / f64::max(all, 1.0))
    }

    /// Has the element complete the clip with covers as `laid` says, and shows `look` the RGBA of each
    /// frame.
    fn complete(
        &self,
        way: &Way,
        laid: impl Fn(usize) -> Option<Cover>,
        mut look: impl FnMut(usize, &[u8]),
    ) -> Result<()> {
        let [width, height] = [self.frames[0].width, self.frames[0].height];
        let info = VideoInfo::builder(VideoFormat::Rgba, width as u32, height as u32)
            .fps(gst::Fraction::new(clips::RATE, 1))
            .build()?;
        let told = match way {
            Way::Auto(net) => vec![("occlusion", "auto"), ("cover-model", net.as_str())],
            Way::Mask => vec![("mask-from-alpha", "true")],
        };
        let further = measure::further_properties();
        let further = further
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let mut properties = [&told[..], &[("detection-mode", "sync")]].concat();
        properties.extend(further);
        let element = measure::element("mdecomplete", &properties);
        let mut harness = measure::harness(&element, &info);
        for index in 0..self.len() {
            let cover = laid(index);
            let image = match cover {
                Some(cover) => self.covered(index, cover),
                None => self.frames[index].clone(),
            };
            let mut bytes = Vec::with_capacity(4 * width * height);
            for (i, pixel) in image.pixels.chunks_exact(3).enumerate() {
                let is_covered =
                    || cover.is_some_and(|c| c.at(self.place(index, i, width)).is_some());
                let is_missing = matches!(way, Way::Mask) && is_covered();
                bytes.extend_from_slice(pixel);
                bytes.push(if is_missing { 0 } else { 255 });
            }
            let mut buffer = gst::Buffer::from_mut_slice(bytes);
            let writable = buffer.get_mut().context("a buffer of its own")?;
            writable.set_pts(gst::ClockTime::SECOND * index as u64 / clips::RATE as u64);
            let completed = harness.push_and_pull(buffer)?;
            let data = completed.map_readable()?;
            look(index, &data);
        }
        Ok(())
    }
}
