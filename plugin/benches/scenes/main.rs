//! How well lost channels are restored in whole frames.
//!
//! `make scenes`, or `cargo bench --bench scenes -- [pictures] [frames]`: how many pictures of
//! `MDE_SCENES`, a folder with general pictures at any depth, and how many frames of each clip are
//! taken (all). `MDE_DATA` names the folder with `clips/`, `MDE_CLIPS` another folder of videos.
//!
//! Each channel is lost in turn. Beside the element stand the mean of the two other channels and what
//! nobody can know: the line through the two others with the least squares, fitted to the lost channel
//! of each frame, and of each block of 16 x 16 pixels. In clips the channel is lost after a second,
//! as a whole, and `damaged-channels=auto` is to notice; beside it, a stream that has lost it from the
//! start. All figures are PSNR of the lost channel in dB at the frame's size.

#[path = "../clips/mod.rs"]
mod clips;
mod lines;
#[path = "../measure/mod.rs"]
mod measure;
mod restored;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gst_video::VideoFormat;

use clips::{Image, RATE};
use lines::{line, mean_of_others, psnr};
use measure::Verdict;
use restored::{Stream, without};

/// Names of the channels.
const CHANNELS: [&str; 3] = ["red", "green", "blue"];
/// Side of the blocks that have a line each.
const BLOCK: usize = 16;

fn main() -> Result<ExitCode> {
    measure::init();
    let mut numbers = measure::arguments().filter_map(|argument| argument.parse().ok());
    let (pictures, frames) = (numbers.next(), numbers.next());
    let mut verdict = Verdict::default();
    if let Some(folder) = measure::folder_named("MDE_SCENES") {
        judge_pictures(&mut verdict, &folder, pictures)?;
    }
    let files = clips::named()?;
    if !files.is_empty() {
        judge_clips(&mut verdict, &files, frames)?;
    }
    judge_cost(&mut verdict)?;
    Ok(verdict.exit_code())
}

/// Sums of figures, and how many of them there are.
#[derive(Clone, Copy)]
struct Means<const N: usize> {
    sums: [f64; N],
    count: f64,
}

impl<const N: usize> Default for Means<N> {
    fn default() -> Self {
        Self {
            sums: [0.0; N],
            count: 0.0,
        }
    }
}

impl<const N: usize> Means<N> {
    fn add(&mut self, figures: [f64; N]) {
        for (sum, figure) in self.sums.iter_mut().zip(figures) {
            *sum += figure;
        }
        self.count += 1.0;
    }

    fn means(&self) -> [f64; N] {
        self.sums.map(|sum| sum / self.count)
    }
}

/// Pictures, each a stream of its own.
fn judge_pictures(verdict: &mut Verdict, folder: &Path, most: Option<usize>) -> Result<()> {
    let files = clips::pictures(folder)?;
    println!("| picture's channel | mean of the others | a line | a line a block | restored |");
    println!("| --- | --- | --- | --- | --- |");
    let (mut of_line, mut of_blocks) = (f64::INFINITY, f64::INFINITY);
    for (channel, name) in CHANNELS.into_iter().enumerate() {
        let mut means = Means::<4>::default();
        for file in files.iter().take(most.unwrap_or(usize::MAX)) {
            let Ok(picture) = image::open(file) else {
                println!("{}: no picture", file.display());
                continue;
            };
            let picture = picture.to_rgb8();
            let image = Image {
                width: picture.width() as usize,
                height: picture.height() as usize,
                pixels: picture.into_raw(),
            };
            let mut stream = Stream::new(&image, name)?;
            let restored = stream.restore(&without(&image, channel))?;
            let figure = |restored: &[f32]| psnr(restored, &image, channel);
            means.add([
                figure(&mean_of_others(&image, channel)),
                figure(&line(&image, channel, usize::MAX)),
                figure(&line(&image, channel, BLOCK)),
                figure(&lines::channel_of(&restored, channel)),
            ]);
        }
        let [mean, line, blocks, restored] = means.means();
        println!("| {name} | {mean:.2} | {line:.2} | {blocks:.2} | {restored:.2} |");
        of_line = of_line.min(restored - line);
        of_blocks = of_blocks.min(restored - blocks);
    }
    verdict.at_least(
        "dB above a line fitted to the truth, pictures",
        of_line,
        4.0,
    );
    verdict.at_least("dB above lines of blocks, pictures", of_blocks, 4.0);
    Ok(())
}

/// Clips that lose a channel.
fn judge_clips(verdict: &mut Verdict, files: &[PathBuf], most: Option<usize>) -> Result<()> {
    println!(
        "| clip's channel | a line | a line a block | lost from the start | lost after a second | \
         changes of the first | of the second |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let seen = RATE as usize;
    let (mut gain, mut unrest) = (f64::INFINITY, 0f64);
    for (channel, name) in CHANNELS.into_iter().enumerate() {
        let mut means = Means::<6>::default();
        for file in files {
            let frames = clips::frames(file, most).with_context(|| file.display().to_string())?;
            if frames.len() < 2 * seen {
                continue;
            }
            let mut blind = Stream::new(&frames[0], name)?;
            let mut finding = Stream::new(&frames[0], "auto")?;
            for frame in &frames[..seen] {
                finding.restore(frame)?;
            }
            let mut of_clip = Means::<4>::default();
            let (mut changes, mut before) = (Means::<3>::default(), None);
            // The first of the damaged frames are waited for: damage is told after a few.
            for frame in frames[seen..].iter() {
                let lost = without(frame, channel);
                let made = [blind.restore(&lost)?, finding.restore(&lost)?];
                let made = made.map(|image| lines::channel_of(&image, channel));
                let figure = |restored: &[f32]| psnr(restored, frame, channel);
                of_clip.add([
                    figure(&line(frame, channel, usize::MAX)),
                    figure(&line(frame, channel, BLOCK)),
                    figure(&made[0]),
                    figure(&made[1]),
                ]);
                let [a, b] = made;
                let now = [lines::channel_of(frame, channel), a, b];
                if let Some(before) = before.replace(now.clone()) {
                    let before: [Vec<f32>; 3] = before;
                    changes.add([0, 1, 2].map(|i| lines::change(&before[i], &now[i])));
                }
            }
            let [a, b, c, d] = of_clip.means();
            let [truth, blind, finding] = changes.means();
            means.add([a, b, c, d, blind / truth, finding / truth]);
        }
        let [line, blocks, blind, finding, restless, steady] = means.means();
        println!(
            "| {name} | {line:.2} | {blocks:.2} | {blind:.2} | {finding:.2} | {restless:.2} | {steady:.2} |"
        );
        gain = gain.min(finding - line);
        unrest = unrest.max(restless).max(steady);
    }
    verdict.at_least("dB above a line fitted to the truth, clips", gain, 4.0);
    verdict.at_most("changes from frame to frame, of the truth's", unrest, 1.1);
    Ok(())
}

/// What restoring a frame of 1920x1080 costs.
fn judge_cost(verdict: &mut Verdict) -> Result<()> {
    for format in [VideoFormat::I420, VideoFormat::Rgb] {
        let info = measure::info(format, 1920, 1080);
        let properties = [("damaged-channels", "red"), ("region", "roi-list")];
        let element = measure::element("mdecomplete", &properties);
        let mut harness = measure::harness(&element, &info);
        let mut times = Vec::new();
        for index in 0..12u8 {
            let bytes = (0..info.size()).map(|i| (i / 7 + usize::from(index)) as u8);
            let buffer = gst::Buffer::from_mut_slice(bytes.collect::<Vec<u8>>());
            let start = Instant::now();
            harness
                .push_and_pull(buffer)
                .map_err(|e| anyhow::anyhow!("{e}"))?;
            times.push(start.elapsed());
        }
        let median = measure::median(times.iter().map(Duration::as_secs_f64));
        verdict.at_most(
            &format!("ms a frame of 1920x1080 in {format}"),
            1e3 * median,
            33.0,
        );
    }
    Ok(())
}
