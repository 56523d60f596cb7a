//! What the benchmarks on videos share: the videos, their frames, and how faces are followed.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::measure::folder_named;
use anyhow::{Context, Result};
use gst::prelude::*;
use gst_video::prelude::*;
use gst_video::{VideoFormat, VideoFrameRef, VideoInfo, VideoOrientationMethod};
use gstmdecomplete::locate::{DisplaySpace, LocateOptions, Locator, Track, TrackRules};

/// Frames a second.
pub const RATE: i32 = 30;

/// How faces are followed: as the element does by default, but waiting for the detector and without
/// smoothing.
pub const OPTIONS: LocateOptions = LocateOptions {
    min_face_size: 0.12,
    detection_interval: 15,
    waits: true,
    rules: TrackRules {
        hold: Duration::from_millis(400),
        smoothing: 0.0,
    },
};

/// The faces that `locator` sees in `frame`, which has the number `index` in its stream.
pub fn faces<'a>(
    locator: &'a mut Locator,
    frame: &VideoFrameRef<&gst::BufferRef>,
    index: usize,
) -> Result<&'a [Track]> {
    let now = Duration::from_secs(index as u64) / RATE as u32;
    let display = DisplaySpace::of(frame.info(), VideoOrientationMethod::Identity);
    Ok(locator.locate(frame, &display, now, &OPTIONS)?)
}

/// An RGB picture.
#[derive(Clone)]
pub struct Image {
    pub width: usize,
    pub height: usize,
    /// `[height, width, 3]`.
    pub pixels: Vec<u8>,
}

impl Image {
    /// The frame in `buffer`.
    pub fn of(buffer: &gst::BufferRef, info: &VideoInfo) -> Result<Self> {
        let data = buffer.map_readable()?;
        let (width, height) = (info.width() as usize, info.height() as usize);
        let rows = data.chunks(info.stride()[0] as usize).take(height);
        Ok(Self {
            width,
            height,
            pixels: rows.flat_map(|row| &row[..3 * width]).copied().collect(),
        })
    }

    /// As a frame.
    pub fn frame(&self) -> Result<(VideoInfo, gst::Buffer)> {
        let info = VideoInfo::builder(VideoFormat::Rgb, self.width as u32, self.height as u32)
            .fps(gst::Fraction::new(RATE, 1))
            .build()?;
        let stride = info.stride()[0] as usize;
        let mut bytes = vec![0; info.size()];
        let rows = self.pixels.chunks_exact(3 * self.width);
        for (to, from) in bytes.chunks_mut(stride).zip(rows) {
            to[..from.len()].copy_from_slice(from);
        }
        Ok((info, gst::Buffer::from_mut_slice(bytes)))
    }
}

/// The videos in `folder`, by name.
pub fn all(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|e| e == "mp4"));
    files.sort();
    Ok(files)
}

/// The videos that are named by `MDE_DATA`, a folder with `clips/`, and `MDE_CLIPS`, a folder of them.
pub fn named() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if let Some(data) = folder_named("MDE_DATA") {
        files.extend(all(&data.join("clips"))?);
    }
    if let Some(folder) = folder_named("MDE_CLIPS") {
        files.extend(all(&folder)?);
    }
    Ok(files)
}

/// The pictures in `folder`, at any depth, by name.
pub fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    Ok(files)
}

/// Adds the pictures in `folder`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let extension = path.extension().map(|e| e.to_ascii_lowercase());
        match extension.as_deref().and_then(|e| e.to_str()) {
            _ if path.is_dir() => collect(&path, files)?,
            Some("jpg" | "jpeg" | "png") => files.push(path),
            _ => (),
        }
    }
    Ok(())
}

/// The first `most` frames of `file`, or all.
pub fn frames(file: &Path, most: Option<usize>) -> Result<Vec<Image>> {
    let pipeline = gst::parse::launch(
        "filesrc name=file ! decodebin ! videoconvert ! video/x-raw,format=RGB \
         ! appsink name=sink sync=false",
    )?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .ok()
        .context("a pipeline")?;
    let file_source = pipeline.by_name("file").context("a source")?;
    file_source.set_property("location", file);
    let sink = pipeline.by_name("sink").context("a sink")?;
    let sink = sink
        .downcast::<gst_app::AppSink>()
        .ok()
        .context("an appsink")?;
    pipeline.set_state(gst::State::Playing)?;
    let mut frames = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        let info = VideoInfo::from_caps(sample.caps().context("caps")?)?;
        frames.push(Image::of(sample.buffer().context("a buffer")?, &info)?);
        if Some(frames.len()) == most {
            break;
        }
    }
    pipeline.set_state(gst::State::Null)?;
    anyhow::ensure!(!frames.is_empty(), "it cannot be decoded");
    Ok(frames)
}
