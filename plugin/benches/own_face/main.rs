//! How near completions come to the person's own face, and how sharp they are, at the frame's size.
//!
//! `make own-face`, or `cargo bench --bench own-face -- [frames] [cover...] [part...] [folder]`: how
//! many frames of each clip are taken (150), which of the covers arriving, static and hand are laid on
//! (all), on which part of the face (eyes, mouth, left-eye and right-half, in turns), and where to put
//! pictures (nowhere). `MDE_DATA` names the folder with
//! `clips/`, `MDE_CLIPS` another folder of videos, of people that no generator was trained on.
//! `MDE_MODEL` names the generator that is measured, where it is not the embedded one, and
//! `MDE_BASELINE` one to compare it with.
//!
//! `MDE_PROPERTIES` sets further properties of the element that is measured, as
//! `temporal-smoothing=0,grain=0`. `MDE_LPIPS` names the network of `mde-train export-lpips`, where
//! LPIPS is to be measured.
//!
//! Clips are enlarged until the face, from hairline to chin, is 400 pixels high, in frames of
//! 1920x1080. A cover in one colour, which `damage-color` names, lies on a part of the face: from
//! the third second on, or from the first frame on, or it sways and goes and comes each second. For
//! the cover of the first frame on `reference-file` is the clip's last frame. Scores are taken in
//! the hole on crops of 256 pixels laid on the template by the points of the uncovered frames: PSNR,
//! LPIPS, the variance of the Laplacian and the difference from frame to frame as shares of the
//! uncovered clip's. `pasted` is the crop of the last uncovered frame (of the reference), laid on by
//! the points alone and shifted to the mean colour around the hole.

#[path = "../clips/mod.rs"]
mod clips;
mod lpips;
#[path = "../measure/mod.rs"]
mod measure;
mod scene;
mod score;
mod situation;
#[path = "../clips/smoothed.rs"]
mod smoothed;

use std::process::ExitCode;

use anyhow::{Context, Result};
use gst::prelude::*;
use gstmdecomplete::locate::Locator;
use mde_core::occlusion::Occlusion;

use clips::Image;
use lpips::Lpips;
use measure::Verdict;
use scene::{COLOUR, Scenes};
use score::{Covered, Crop, Score, Scores, pasted};
use situation::Situation;

/// Frames of each clip.
const FRAMES: usize = 150;
/// Fewest frames: some are covered where the reference is three seconds away.
const LEAST: usize = 4 * clips::RATE as usize;
/// Parts of the face that are covered, unless others are named.
const PARTS: [Occlusion; 4] = [
    Occlusion::Eyes,
    Occlusion::Mouth,
    Occlusion::LeftEye,
    Occlusion::RightHalf,
];

fn main() -> Result<ExitCode> {
    measure::init();
    let files = clips::named()?;
    if files.is_empty() {
        println!("nothing measured: neither MDE_DATA nor MDE_CLIPS names a folder of videos");
        return Ok(ExitCode::SUCCESS);
    }
    let (mut frames, mut pictures) = (FRAMES, None);
    let (mut situations, mut parts) = (Vec::new(), Vec::new());
    for argument in measure::arguments() {
        if let Ok(number) = argument.parse() {
            frames = number;
        } else if let Some(situation) = Situation::named(&argument) {
            situations.push(situation);
        } else if let Ok(part) = argument.parse() {
            parts.push(part);
        } else {
            pictures = Some(measure::pictures_in(&argument)?);
        }
    }
    if situations.is_empty() {
        situations.extend(Situation::ALL);
    }
    if parts.is_empty() {
        parts.extend(PARTS);
    }
    let lpips = Lpips::open()?;
    let model_of = |name: &str| std::env::var(name).ok().filter(|file| !file.is_empty());
    let (model, baseline) = (model_of("MDE_MODEL"), model_of("MDE_BASELINE"));
    let model_file = |file: &Option<String>| -> Vec<(String, String)> {
        (file
            .iter()
            .map(|file| ("model-file".to_owned(), file.clone())))
        .collect()
    };
    let mut measured = model_file(&model);
    measured.extend(measure::further_properties());
    let without_view = [&measured[..], &[("memory".to_owned(), "0".to_owned())]].concat();
    let mut ways: Vec<Way> = vec![("view", measured), ("no view", without_view)];
    if baseline.is_some() {
        ways.push(("baseline", model_file(&baseline)));
    }
    let columns = ways.len() + 1;
    let mut locator = Locator::open()?;
    let mut totals = vec![Scores::default(); situations.len() * parts.len() * columns];
    let folder = tempfile::TempDir::new()?;
    let reference = folder.path().join("reference.png");
    for file in files {
        let context = || file.display().to_string();
        let frames = clips::frames(&file, Some(frames)).with_context(context)?;
        let scenes = Scenes::new(frames, &mut locator).with_context(context)?;
        if scenes.len() < LEAST {
            println!("{}: too short", file.display());
            continue;
        }
        println!("{}, {} frames", file.display(), scenes.len());
        println!("{HEADER}");
        scenes.save_frame(scenes.len() - 1, &reference)?;
        let cells = (situations.iter()).flat_map(|s| parts.iter().map(|part| (*s, *part)));
        for ((situation, part), totals) in cells.zip(totals.chunks_mut(columns)) {
            let covered = |index| situation.cover(part, index, scenes.len());
            let name = format!("{} | {}", situation.name(), part.name());
            let mut ways = ways.clone();
            if situation == Situation::Static {
                let file = reference.display().to_string();
                ways[0].1.push(("reference-file".to_owned(), file));
            }
            let completed = complete(&scenes, &covered, &ways)?;
            for (((way, _), made), total) in ways.iter().zip(&completed).zip(totals.iter_mut()) {
                let score = Score::of(&scenes, &covered, &made.crops, lpips.as_ref())?;
                println!("| {name} | {way} | {score} |");
                total.add(&score);
            }
            let crops = pasted(&scenes, &covered, situation.source(scenes.len()))?;
            let score = Score::of(&scenes, &covered, &crops, lpips.as_ref())?;
            println!("| {name} | pasted | {score} |");
            totals[ways.len()].add(&score);
            if let Some(folder) = &pictures {
                let clip = file.file_stem().unwrap_or_default().to_string_lossy();
                let name = format!("{clip}-{}-{}.png", situation.name(), part.name());
                let shown: Vec<_> = completed.into_iter().map(|made| made.shown).collect();
                scenes.save(&folder.join(name), &covered, &shown)?;
            }
        }
    }
    judge(&situations, &parts, &ways, &totals)
}

/// The head of each table.
const HEADER: &str = "| cover | covered | with | PSNR | LPIPS | sharpness | flicker |\n\
    | --- | --- | --- | --- | --- | --- | --- |";

/// A name, and properties of the element.
type Way = (&'static str, Vec<(String, String)>);

/// What a way makes of a clip.
#[derive(Default)]
struct Completed {
    /// The crops of all frames.
    crops: Vec<Crop>,
    /// Every twentieth covered frame.
    shown: Vec<(usize, Image)>,
}

/// What each of the `ways` makes of the clip where `covered` says what is covered.
fn complete(scenes: &Scenes, covered: &Covered, ways: &[Way]) -> Result<Vec<Completed>> {
    let (info, _) = scenes.frame(0, None)?.frame()?;
    let playing = |(_, properties): &Way| {
        let element = measure::element("mdecomplete", &[]);
        for (name, value) in properties {
            element.set_property_from_str(name, value);
        }
        element.set_property_from_str("damage-color", COLOUR.0);
        element.set_property_from_str("detection-mode", "sync");
        (measure::harness(&element, &info), Completed::default())
    };
    let mut playing: Vec<_> = ways.iter().map(playing).collect();
    for index in 0..scenes.len() {
        let cover = covered(index);
        let frame = scenes.frame(index, cover)?;
        let time = gst::ClockTime::SECOND * index as u64 / clips::RATE as u64;
        for (harness, made) in &mut playing {
            let (_, mut buffer) = frame.frame()?;
            let writable = buffer.get_mut().context("a buffer of its own")?;
            writable.set_pts(time);
            let completed = harness.push_and_pull(buffer)?;
            let image = Image::of(&completed, &info)?;
            made.crops.push(scenes.crop(index, &image)?);
            if cover.is_some() && index % 20 == 5 {
                made.shown.push((index, image));
            }
        }
    }
    Ok(playing.into_iter().map(|(_, made)| made).collect())
}

/// Prints the means over all clips and judges them.
fn judge(
    situations: &[Situation],
    parts: &[Occlusion],
    ways: &[Way],
    totals: &[Scores],
) -> Result<ExitCode> {
    let mut verdict = Verdict::default();
    println!("mean over all clips\n{HEADER}");
    let columns = ways.len() + 1;
    for (situation, totals) in situations.iter().zip(totals.chunks(parts.len() * columns)) {
        for (part, totals) in parts.iter().zip(totals.chunks(columns)) {
            let name = format!("{} | {}", situation.name(), part.name());
            let names = ways.iter().map(|(name, _)| *name).chain(["pasted"]);
            for (way, total) in names.zip(totals) {
                println!("| {name} | {way} | {} |", total.mean());
            }
        }
        // The mean over the parts, as what is to be reached is given.
        let mean = |column: usize| {
            let mut sum = Scores::default();
            totals
                .chunks(columns)
                .for_each(|part| sum.add(&part[column].mean()));
            sum.mean()
        };
        let (view, no_view, pasted) = (mean(0), mean(1), mean(ways.len()));
        let baseline = ways
            .iter()
            .position(|(name, _)| *name == "baseline")
            .map(mean);
        let what = |figure: &str| format!("{}: {figure}", situation.name());
        verdict.at_least(&what("dB above pasting"), view.psnr - pasted.psnr, 1.5);
        let is_sharp = (0.7..=1.2).contains(&view.sharpness);
        verdict.require(&what("sharpness"), view.sharpness, "0.7 to 1.2", is_sharp);
        verdict.at_most(&what("flicker"), view.flicker, 1.15);
        let sharp = no_view.sharpness;
        verdict.at_least(&what("sharpness without a view"), sharp, 0.6);
        if let Some(baseline) = baseline {
            verdict.at_least(
                &what("dB above the baseline"),
                view.psnr - baseline.psnr,
                4.0,
            );
            if !baseline.lpips.is_nan() {
                let share = view.lpips / baseline.lpips;
                verdict.at_most(&what("LPIPS beside the baseline's"), share, 0.5);
                let share = no_view.lpips / baseline.lpips;
                verdict.at_most(&what("LPIPS without a view"), share, 0.75);
            }
        }
    }
    Ok(verdict.exit_code())
}
