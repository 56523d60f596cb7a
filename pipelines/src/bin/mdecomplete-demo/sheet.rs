//! The contact sheet: some frames of a clip, below each the same frame of the completed clip.

use std::path::Path;

use anyhow::Context;
use gst::prelude::*;
use image::{RgbImage, imageops};

use mdecomplete_pipelines::interrupt::Interrupt;
use mdecomplete_pipelines::pipeline;

const COLUMNS: usize = 5;
/// Size of one picture on the sheet in pixels.
const PICTURE: (u32, u32) = (320, 240);
const GAP: u32 = 4;

/// Writes the sheet of two clips to the PNG file `sheet`.
pub fn make(before: &Path, after: &Path, sheet: &Path) -> anyhow::Result<()> {
    let rows = [pictures(before)?, pictures(after)?];
    let place = |n: usize, size: u32| i64::from(GAP) + n as i64 * i64::from(size + GAP);
    let mut canvas = RgbImage::from_pixel(
        GAP + COLUMNS as u32 * (PICTURE.0 + GAP),
        GAP + rows.len() as u32 * (PICTURE.1 + GAP),
        image::Rgb([255; 3]),
    );
    for (row, pictures) in rows.iter().enumerate() {
        for (column, picture) in pictures.iter().enumerate() {
            let (x, y) = (place(column, PICTURE.0), place(row, PICTURE.1));
            imageops::replace(&mut canvas, picture, x, y);
        }
    }
    canvas
        .save(sheet)
        .with_context(|| format!("cannot write {}", sheet.display()))
}

/// [`COLUMNS`] frames of a clip, evenly spread over it.
fn pictures(clip: &Path) -> anyhow::Result<Vec<RgbImage>> {
    let mut frames = frames(clip).with_context(|| format!("cannot read {}", clip.display()))?;
    anyhow::ensure!(
        frames.len() >= COLUMNS,
        "{} has {} frames, {COLUMNS} are wanted",
        clip.display(),
        frames.len()
    );
    let spread = frames.len();
    let wanted = (0..COLUMNS).map(|n| (2 * n + 1) * spread / (2 * COLUMNS));
    Ok(wanted.map(|n| std::mem::take(&mut frames[n])).collect())
}

/// All frames of a clip at the sheet's size.
fn frames(clip: &Path) -> anyhow::Result<Vec<RgbImage>> {
    let pipeline = pipeline::parse(&format!(
        "filesrc name=clip ! decodebin ! videoconvert ! videoscale \
           ! video/x-raw,format=RGB,width={},height={},pixel-aspect-ratio=1/1 \
           ! appsink name=frames sync=false",
        PICTURE.0, PICTURE.1
    ))?;
    pipeline::set_location(&pipeline, "clip", clip)?;
    let sink = pipeline::element(&pipeline, "frames")?
        .downcast::<gst_app::AppSink>()
        .map_err(|_| anyhow::anyhow!("'frames' is no appsink"))?;
    let (sender, receiver) = std::sync::mpsc::channel();
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let bytes = sample
                    .buffer()
                    .and_then(|buffer| buffer.map_readable().ok());
                let bytes = bytes.ok_or(gst::FlowError::Error)?;
                // A row of 320 RGB pixels is a multiple of four bytes: there is no padding.
                let frame = RgbImage::from_raw(PICTURE.0, PICTURE.1, bytes.to_vec());
                let frame = frame.ok_or(gst::FlowError::Error)?;
                sender.send(frame).map_err(|_| gst::FlowError::Eos)?;
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    pipeline::run(&pipeline, &Interrupt::default(), &mut ())?;
    // The sender goes with the callbacks, so that the receiver comes to an end.
    drop((sink, pipeline));
    Ok(receiver.iter().collect())
}
