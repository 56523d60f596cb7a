//! Streams of frames through the element.

use anyhow::{Context, Result};
use gst_check::Harness;
use gst_video::VideoInfo;

use super::clips::{Image, RATE};
use super::measure;

/// Frames of one size on their way through an element.
pub struct Stream {
    harness: Harness,
    info: VideoInfo,
    frames: u64,
}

impl Stream {
    /// Of frames like `image`, with the value `damaged` of `damaged-channels`.
    pub fn new(image: &Image, damaged: &str) -> Result<Self> {
        // No region is marked, so that nobody looks for faces.
        let properties = [("damaged-channels", damaged), ("region", "roi-list")];
        let element = measure::element("mdecomplete", &properties);
        let (info, _) = image.frame()?;
        Ok(Self {
            harness: measure::harness(&element, &info),
            info,
            frames: 0,
        })
    }

    /// What becomes of the next frame.
    pub fn restore(&mut self, image: &Image) -> Result<Image> {
        let (_, mut buffer) = image.frame()?;
        let pts = gst::ClockTime::SECOND * self.frames / RATE as u64;
        buffer
            .get_mut()
            .context("a buffer of its own")?
            .set_pts(pts);
        self.frames += 1;
        let made = self.harness.push_and_pull(buffer);
        let made = made.map_err(|error| anyhow::anyhow!("the element fails: {error}"))?;
        Image::of(&made, &self.info)
    }
}

/// `image` without `channel`.
pub fn without(image: &Image, channel: usize) -> Image {
    let mut image = image.clone();
    for pixel in image.pixels.chunks_exact_mut(3) {
        pixel[channel] = 0;
    }
    image
}
