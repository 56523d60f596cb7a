//! How well damaged channels are found, and how often sound ones are called damaged.
//!
//! `make channels`, or `cargo bench --bench channels -- [frames] [n]`: how many frames of each clip
//! are taken (all), and that every n-th picture is (1). `MDE_DATA` names the folder with `clips/`,
//! `MDE_CLIPS` another folder of videos, `MDE_SCENES` one with general pictures, at any depth.
//!
//! Channels of the clips are killed, stuck at a random value, made flat, exchanged for noise and
//! displaced by 2 to 8 pixels for random spans of 5 to 64 frames; every eighth clip begins with
//! one. That is done in frames of RGB; in RGB that then becomes I420; in the planes of I420, which
//! are not displaced; and, of the last two, in what is then coded by H.264 at crf 30. Rightly
//! found is the channel that is damaged, as what it is, to a pixel (in I420, to two), and no
//! other. Clips and pictures as they are, and lit in colours, are to show no damage; each picture
//! is a stream of its own.

#[path = "../clips/mod.rs"]
mod clips;
mod coding;
mod harm;
#[path = "../measure/mod.rs"]
mod measure;
mod sound;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use gst_video::{VideoConverter, VideoFormat, VideoFrame, VideoFrameRef, VideoInfo};
use gstmdecomplete::damage::{Faults, Watch};

use clips::Image;
use measure::Verdict;

fn main() -> Result<ExitCode> {
    measure::init();
    let files = clips::named()?;
    if files.is_empty() {
        println!("nothing measured: neither MDE_DATA nor MDE_CLIPS names a folder of videos");
        return Ok(ExitCode::SUCCESS);
    }
    let mut numbers = measure::arguments().filter_map(|argument| argument.parse().ok());
    let (most, every) = (numbers.next(), numbers.next().unwrap_or(1));

    let mut harmed = harm::Table::default();
    let mut sound = sound::Count::default();
    for file in &files {
        let frames = clips::frames(file, most).with_context(|| file.display().to_string())?;
        harmed.add(&frames)?;
        sound.add_clip(&frames)?;
    }
    if let Some(folder) = measure::folder_named("MDE_SCENES") {
        sound.add_pictures(&folder, every)?;
    }
    let mut verdict = Verdict::default();
    harmed.judge(&mut verdict);
    sound.judge(&mut verdict);
    judge_cost(&mut verdict, &files[0])?;
    Ok(verdict.exit_code())
}

/// `image` as a frame in `format`, after `harm` was done to it there.
fn frame_of(
    image: &Image,
    format: VideoFormat,
    harm: impl FnOnce(&mut VideoFrame<gst_video::video_frame::Writable>),
) -> Result<(VideoInfo, gst::Buffer)> {
    let (rgb, buffer) = image.frame()?;
    let (info, buffer) = in_format(rgb, buffer, format)?;
    let mut frame = VideoFrame::from_buffer_writable(buffer, &info)
        .ok()
        .context("a frame")?;
    harm(&mut frame);
    Ok((info, frame.into_buffer()))
}

/// What a [`Watch`] says of `image` as a frame in `format`.
fn see(watch: &mut Watch, image: &Image, format: VideoFormat) -> Result<Faults> {
    let (info, buffer) = frame_of(image, format, |_| ())?;
    let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)?;
    Ok(watch.see(&frame))
}

/// The frame in `buffer` in another format.
fn in_format(
    rgb: VideoInfo,
    buffer: gst::Buffer,
    format: VideoFormat,
) -> Result<(VideoInfo, gst::Buffer)> {
    if format == rgb.format() {
        return Ok((rgb, buffer));
    }
    let info = VideoInfo::builder(format, rgb.width(), rgb.height())
        .fps(rgb.fps())
        .build()?;
    let output = gst::Buffer::from_mut_slice(vec![0; info.size()]);
    let input = VideoFrame::from_buffer_readable(buffer, &rgb)
        .ok()
        .context("a frame")?;
    let mut output = VideoFrame::from_buffer_writable(output, &info)
        .ok()
        .context("a frame")?;
    VideoConverter::new(&rgb, &info, None)?.frame(&input, &mut output);
    Ok((info, output.into_buffer()))
}

/// What looking at a frame of 1920x1080 costs.
fn judge_cost(verdict: &mut Verdict, file: &Path) -> Result<()> {
    let frames = clips::frames(file, Some(2))?;
    for format in [VideoFormat::I420, VideoFormat::Rgb] {
        let mut watch = Watch::default();
        let mut buffers = Vec::new();
        for frame in &frames {
            let (rgb, buffer) = enlarged(frame, (1920, 1080)).frame()?;
            buffers.push(in_format(rgb, buffer, format)?);
        }
        let mut turns = (0..).map(|turn| &buffers[turn % buffers.len()]);
        let rate = measure::rate(Duration::from_secs(3), || {
            let (info, buffer) = turns.next().expect("no end");
            let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info).expect("a frame");
            watch.see(&frame);
        });
        verdict.at_most(
            &format!("ms a frame of 1920x1080, {format}"),
            1e3 / rate,
            1.0,
        );
    }
    Ok(())
}

/// `image` at `size` = (width, height), with the nearest pixels.
fn enlarged(image: &Image, (width, height): (usize, usize)) -> Image {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixel = |(x, y): (usize, usize)| {
        let at = (y * image.height / height * image.width + x * image.width / width) * 3;
        [0, 1, 2].map(|c| image.pixels[at + c])
    };
    Image {
        width,
        height,
        pixels: places.flat_map(pixel).collect(),
    }
}
