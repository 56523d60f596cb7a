//! Faces at 1920x1080, and where the parts of their holes are.

use anyhow::{Context, Result};
use gst_video::{
    VideoConverter, VideoConverterConfig, VideoFormat, VideoFrame, VideoFrameRef, VideoInfo,
};
use gstmdecomplete::locate::Locator;
use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, FacePoints, align_face};
use mde_core::occlusion::Rect;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::clips::{self, Image};

pub const WIDTH: usize = 1920;
pub const HEIGHT: usize = 1080;

/// Of one frame to the next that is looked at.
const STEP: usize = 6;

/// A frame with a face.
pub struct Scene {
    pub image: Image,
    pub points: FacePoints,
    /// From frame to crop pixels.
    pub to_crop: Affine,
}

/// Every sixth of `frames`, enlarged to 1920x1080 with black at the sides, where a face is seen.
pub fn scenes(frames: &[Image], locator: &mut Locator) -> Result<Vec<Scene>> {
    locator.forget();
    let mut scenes = Vec::new();
    for (index, image) in frames.iter().enumerate() {
        let (info, buffer) = image.frame()?;
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)
            .ok()
            .context("a frame cannot be mapped")?;
        let tracks = clips::faces(locator, &frame, index)?;
        if let (Some(track), 0) = (tracks.first(), index % STEP) {
            scenes.push(Scene::new(image, &track.points)?);
        }
    }
    anyhow::ensure!(!scenes.is_empty(), "there is no face");
    Ok(scenes)
}

impl Scene {
    fn new(image: &Image, points: &FacePoints) -> Result<Self> {
        let scale = (WIDTH as f64 / image.width as f64).min(HEIGHT as f64 / image.height as f64);
        let [width, height] = [image.width, image.height].map(|side| (side as f64 * scale) as i32);
        let (x, y) = ((WIDTH as i32 - width) / 2, (HEIGHT as i32 - height) / 2);
        let mut config = VideoConverterConfig::new();
        config.set_dest_x(x);
        config.set_dest_y(y);
        config.set_dest_width(Some(width));
        config.set_dest_height(Some(height));
        config.set_fill_border(true);
        let (from, buffer) = image.frame()?;
        let to = VideoInfo::builder(VideoFormat::Rgb, WIDTH as u32, HEIGHT as u32)
            .fps(from.fps())
            .build()?;
        let input = VideoFrame::from_buffer_readable(buffer, &from)
            .ok()
            .context("a frame")?;
        let output = gst::Buffer::from_mut_slice(vec![0u8; to.size()]);
        let mut output = VideoFrame::from_buffer_writable(output, &to)
            .ok()
            .context("a frame")?;
        VideoConverter::new(&from, &to, Some(config))?.frame(&input, &mut output);
        let place = |v: f64, offset: i32| (v + 0.5) * scale - 0.5 + f64::from(offset);
        let points = points.map(|[px, py]| [place(px, x), place(py, y)]);
        Ok(Self {
            image: Image::of(&output.into_buffer(), &to)?,
            to_crop: align_face(&points, CROP_SIZE, CROP_SIZE)?,
            points,
        })
    }

    /// The same with grain of `sigma` steps of luma, white but for the finest details.
    pub fn with_grain(&self, sigma: f32) -> Self {
        let rng = &mut StdRng::seed_from_u64(3);
        let noise: Vec<f32> = (0..WIDTH * HEIGHT)
            .map(|_| sigma * (0..12).map(|_| rng.random_range(-0.5..0.5f32)).sum::<f32>())
            .collect();
        let mut image = self.image.clone();
        for (pixel, noise) in image.pixels.chunks_exact_mut(3).zip(noise) {
            for value in pixel {
                *value = (f32::from(*value) + noise).round() as u8;
            }
        }
        Self { image, ..*self }
    }

    /// The same with `part` of the crop grey.
    pub fn covered(&self, part: Rect) -> Image {
        let mut image = self.image.clone();
        for (i, pixel) in image.pixels.chunks_exact_mut(3).enumerate() {
            if self.depth(part, i % WIDTH, i / WIDTH) > 0.0 {
                pixel.fill(128);
            }
        }
        image
    }

    /// How many crop pixels a pixel of the frame lies inside `part` of the crop: below 0 outside.
    pub fn depth(&self, part: Rect, x: usize, y: usize) -> f64 {
        let at = self.to_crop.apply([x as f64, y as f64]).map(|v| v + 0.5);
        let from = |v: f64, low: usize, high: usize| (v - low as f64).min(high as f64 - v);
        from(at[0], part.x0, part.x1).min(from(at[1], part.y0, part.y1))
    }

    /// Crop pixels a frame pixel.
    pub fn scale(&self) -> f64 {
        self.to_crop.determinant().abs().sqrt()
    }
}
