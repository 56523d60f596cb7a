//! The frames of a video.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gst::prelude::*;
use gst_video::VideoInfo;

use super::Image;

/// The videos in `folder`, by name.
pub fn all(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|e| e == "mp4"));
    files.sort();
    Ok(files)
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
        frames.push(image(&sample)?);
        if Some(frames.len()) == most {
            break;
        }
    }
    pipeline.set_state(gst::State::Null)?;
    anyhow::ensure!(!frames.is_empty(), "it cannot be decoded");
    Ok(frames)
}

fn image(sample: &gst::Sample) -> Result<Image> {
    let info = VideoInfo::from_caps(sample.caps().context("caps")?)?;
    let buffer = sample.buffer().context("a buffer")?.map_readable()?;
    let (width, height) = (info.width() as usize, info.height() as usize);
    let rows = buffer.chunks(info.stride()[0] as usize).take(height);
    Ok(Image {
        width,
        height,
        pixels: rows.flat_map(|row| &row[..3 * width]).copied().collect(),
    })
}
