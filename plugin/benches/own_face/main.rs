//! How near completions come to the person's own face, and how sharp they are, at the frame's size.
//!
//! `make own-face`, or `cargo bench --bench own-face -- [frames] [folder]`: how many frames of each
//! clip are taken (150), and where to put pictures (nowhere). `MDE_DATA` names the folder with
//! `clips/`, `MDE_CLIPS` another folder of videos, of people that no generator was trained on.
//! `MDE_MODEL` names the generator that is measured, where it is not the embedded one, and
//! `MDE_BASELINE` one to compare it with.
//!
//! Clips are enlarged until the face, from hairline to chin, is 400 pixels high, in frames of
//! 1920x1080. A cover in one colour, which `damage-color` names, lies on a part of the face from
//! the third second on. Scores are taken in the hole on crops of 256 pixels laid on the template by
//! the points of the uncovered frames: PSNR, the variance of the Laplacian and the difference from
//! frame to frame as shares of the uncovered clip's. `pasted` is the crop of the last uncovered
//! frame, laid on by the points alone and shifted to the mean colour around the hole.

#[path = "../clips/mod.rs"]
mod clips;
#[path = "../measure/mod.rs"]
mod measure;
mod scene;
mod score;
#[path = "../clips/smoothed.rs"]
mod smoothed;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use gst::prelude::*;
use gstmdecomplete::locate::Locator;
use mde_core::occlusion::Occlusion;

use clips::Image;
use measure::Verdict;
use scene::{COLOUR, Scenes};
use score::{Crop, Score, Scores, pasted};

/// Frames of each clip.
const FRAMES: usize = 150;
/// Frames before the cover comes.
const UNCOVERED: usize = 2 * clips::RATE as usize;
/// From one frame that is scored to the next pair.
const STEP: usize = 6;
/// Parts of the face that are covered.
const PARTS: [Occlusion; 4] = [
    Occlusion::Eyes,
    Occlusion::Mouth,
    Occlusion::LeftEye,
    Occlusion::RightHalf,
];

fn main() -> Result<ExitCode> {
    measure::init();
    let folder_of = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
    let mut files = Vec::new();
    if let Some(data) = folder_of("MDE_DATA") {
        files.extend(clips::all(&Path::new(&data).join("clips"))?);
    }
    if let Some(folder) = folder_of("MDE_CLIPS") {
        files.extend(clips::all(Path::new(&folder))?);
    }
    if files.is_empty() {
        println!("nothing measured: neither MDE_DATA nor MDE_CLIPS names a folder of videos");
        return Ok(ExitCode::SUCCESS);
    }
    let (mut frames, mut pictures) = (FRAMES, None);
    for argument in measure::arguments() {
        match argument.parse() {
            Ok(number) => frames = number,
            Err(_) => pictures = Some(PathBuf::from(argument)),
        }
    }
    let model_of = |name: &str| std::env::var(name).ok().filter(|file| !file.is_empty());
    let (model, baseline) = (model_of("MDE_MODEL"), model_of("MDE_BASELINE"));
    let model_file = |file: &Option<String>| -> Vec<(&'static str, String)> {
        (file.iter().map(|file| ("model-file", file.clone()))).collect()
    };
    let mut ways: Vec<Way> = vec![("defaults", model_file(&model))];
    let without_view = [model_file(&model), vec![("memory", "0".to_owned())]].concat();
    ways.push(("no view", without_view));
    if baseline.is_some() {
        ways.push(("baseline", model_file(&baseline)));
    }
    let mut locator = Locator::open()?;
    let mut totals = vec![Scores::default(); PARTS.len() * (ways.len() + 1)];
    for file in files {
        let context = || file.display().to_string();
        let frames = clips::frames(&file, Some(frames)).with_context(context)?;
        let scenes = Scenes::new(frames, &mut locator).with_context(context)?;
        if scenes.len() < UNCOVERED + 2 * STEP {
            println!("{}: too short", file.display());
            continue;
        }
        println!("{}, {} frames", file.display(), scenes.len());
        println!("| covered | with | PSNR | sharpness | flicker |");
        println!("| --- | --- | --- | --- | --- |");
        for (part, totals) in PARTS.into_iter().zip(totals.chunks_mut(ways.len() + 1)) {
            let mut strip = Vec::new();
            for (at, (name, properties)) in ways.iter().enumerate() {
                let (score, shown) = complete(&scenes, part, properties)?;
                println!("| {} | {name} | {score} |", part.name());
                totals[at].add(&score);
                strip.push(shown);
            }
            let score = Score::of(&scenes, part, &pasted(&scenes, part, UNCOVERED), UNCOVERED);
            println!("| {} | pasted | {score} |", part.name());
            totals[ways.len()].add(&score);
            if let Some(folder) = &pictures {
                let name = file.file_stem().unwrap_or_default().to_string_lossy();
                let file = folder.join(format!("{name}-{}.png", part.name()));
                scenes.save(&file, part, &strip)?;
            }
        }
    }
    judge(&ways, &totals)
}

/// A name, and properties of the element.
type Way = (&'static str, Vec<(&'static str, String)>);

/// What the element makes of the clip with `part` covered from a frame on: its score, and every
/// twentieth frame.
fn complete(
    scenes: &Scenes,
    part: Occlusion,
    properties: &[(&str, String)],
) -> Result<(Score, Vec<(usize, Image)>)> {
    let element = measure::element("mdecomplete", &[]);
    for (name, value) in properties {
        element.set_property_from_str(name, value);
    }
    element.set_property_from_str("damage-color", COLOUR.0);
    element.set_property_from_str("detection-mode", "sync");
    let (info, _) = scenes.frame(0, None)?.frame()?;
    let mut harness = measure::harness(&element, &info);
    let (mut crops, mut shown): (Vec<Crop>, Vec<_>) = Default::default();
    for index in 0..scenes.len() {
        let cover = (index >= UNCOVERED).then_some(part);
        let (_, mut buffer) = scenes.frame(index, cover)?.frame()?;
        let time = gst::ClockTime::SECOND * index as u64 / clips::RATE as u64;
        buffer
            .get_mut()
            .context("a buffer of its own")?
            .set_pts(time);
        let completed = harness.push_and_pull(buffer)?;
        let image = Image::of(&completed, &info)?;
        crops.push(scenes.crop(index, &image)?);
        if index >= UNCOVERED && (index - UNCOVERED) % 20 == 5 {
            shown.push((index, image));
        }
    }
    Ok((Score::of(scenes, part, &crops, UNCOVERED), shown))
}

/// Prints the means over all clips and judges them.
fn judge(ways: &[Way], totals: &[Scores]) -> Result<ExitCode> {
    let mut verdict = Verdict::default();
    println!("mean over all clips");
    println!("| covered | with | PSNR | sharpness | flicker |");
    println!("| --- | --- | --- | --- | --- |");
    for (part, totals) in PARTS.into_iter().zip(totals.chunks(ways.len() + 1)) {
        let names = ways.iter().map(|(name, _)| *name).chain(["pasted"]);
        for (name, total) in names.zip(totals) {
            println!("| {} | {name} | {} |", part.name(), total.mean());
        }
        let with_view = totals[0].mean();
        let pasted = totals[ways.len()].mean();
        let what = |figure: &str| format!("{}: {figure}", part.name());
        let gain = with_view.psnr - pasted.psnr;
        verdict.at_least(&what("dB above pasting"), gain, 1.5);
        let sharp = with_view.sharpness;
        let is_sharp = (0.7..=1.2).contains(&sharp);
        verdict.require(&what("sharpness"), sharp, "0.7 to 1.2", is_sharp);
        verdict.at_most(&what("flicker"), with_view.flicker, 1.15);
        if let Some(at) = ways.iter().position(|(name, _)| *name == "baseline") {
            let gain = with_view.psnr - totals[at].mean().psnr;
            verdict.at_least(&what("dB above the baseline"), gain, 4.0);
        }
        verdict.at_least(
            &what("sharpness without a view"),
            totals[1].mean().sharpness,
            0.6,
        );
    }
    Ok(verdict.exit_code())
}
