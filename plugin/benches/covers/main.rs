//! How near `occlusion=auto` comes to the mask of the true cover, how steady what it finds is, and
//! what it takes for a cover where there is none.
//!
//! `make covers`, or `cargo bench --bench covers -- [frames] [folder]`: how many frames of each
//! clip are taken (60), and where to leave the completed frames as pictures (nowhere). `MDE_DATA`
//! names the folder with `clips/`, `MDE_CLIPS` another folder of videos, of people that neither
//! net was trained on. `MDE_COVER_NET` names the net that is measured, where it is not the
//! embedded one; `MDE_PROPERTIES` sets further properties of the element, as
//! `prototypes=false,temporal-smoothing=0.8`.
//!
//! On each clip a drawn cover lies from the first frame on, or comes after a third of the frames.
//! The element completes it once with `occlusion=auto` and once with the true cover as the frames'
//! alpha; PSNR is taken in the true hole on the face crop against the uncovered clip, every third
//! frame. `found` is the share of the cover's pixels on the face that the net's cover with its rim
//! holds, `beside` what it holds else, as a share of the face. `still` and `moved` are the
//! intersection over union of what is found on neighbouring frames, on the template: of the first
//! frame with a camera's noise, and of the clip. The net has no view of the face there. `changed`
//! is the share of the face that `occlusion=auto` changes on the uncovered clip.

#[path = "../clips/mod.rs"]
mod clips;
mod cover;
mod found;
#[path = "../measure/mod.rs"]
mod measure;
mod scene;
#[path = "../clips/smoothed.rs"]
mod smoothed;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use gstmdecomplete::covers::CoverNet;
use gstmdecomplete::locate::Locator;

use cover::Cover;
use found::{Finds, Found};
use measure::Verdict;
use scene::{Scene, Way};

/// Frames of each clip.
const FRAMES: usize = 60;
/// Fewest frames of a clip that are worth it.
const LEAST: usize = 12;
/// The embedded net.
const NET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/covers.onnx");

/// Sums of a cover over clips.
#[derive(Clone, Copy, Default)]
struct Sums {
    clips: f64,
    auto: f64,
    mask: f64,
    found: Found,
}

fn main() -> Result<ExitCode> {
    measure::init();
    let files = clips::named()?;
    if files.is_empty() {
        println!("nothing measured: neither MDE_DATA nor MDE_CLIPS names a folder of videos");
        return Ok(ExitCode::SUCCESS);
    }
    let (numbers, folders): (Vec<_>, Vec<_>) =
        measure::arguments().partition(|argument| argument.parse::<usize>().is_ok());
    let frames = numbers.first().and_then(|frames| frames.parse().ok());
    let frames = frames.unwrap_or(FRAMES);
    let pictures = folders.first().map(|folder| measure::pictures_in(folder));
    let pictures = pictures.transpose()?;
    let net = measure::folder_named("MDE_COVER_NET").unwrap_or_else(|| PathBuf::from(NET));
    let auto = Way::Auto(net.display().to_string());
    let mut finds = Finds::new(CoverNet::open(&net)?)?;
    let mut locator = Locator::open()?;
    let mut sums = [Sums::default(); Cover::ALL.len()];
    let (mut changed, mut clean) = (0.0f64, 0);
    for file in files {
        let context = || file.display().to_string();
        let frames = clips::frames(&file, Some(frames)).with_context(context)?;
        let scene = Scene::new(frames, &mut locator).with_context(context)?;
        if scene.len() < LEAST {
            println!("{}: too short", file.display());
            continue;
        }
        println!("{}, {} frames", file.display(), scene.len());
        let share = scene.changed(&auto)?;
        println!("nothing before the face: {share:.3} % changed\n{HEADER}");
        changed = changed.max(share);
        clean += 1;
        for (cover, sums) in Cover::ALL.into_iter().zip(&mut sums) {
            let found = finds.of(&scene, cover)?;
            for first in [0, scene.len() / 3] {
                let psnr = |way: &Way, name: &str| {
                    let (psnr, strip) = scene.psnr(cover, first, way)?;
                    if let Some(folder) = &pictures {
                        let clip = file.file_stem().unwrap_or_default().display();
                        strip.save(folder.join(format!("{clip}-{cover}-{first}-{name}.png")))?;
                    }
                    anyhow::Ok(psnr)
                };
                let (auto, mask) = (psnr(&auto, "auto")?, psnr(&Way::Mask, "mask")?);
                println!("| {cover} | {first} | {auto:.2} | {mask:.2} | {found} |");
                sums.auto += auto / 2.0;
                sums.mask += mask / 2.0;
            }
            sums.found.add(&found);
            sums.clips += 1.0;
        }
    }
    anyhow::ensure!(clean > 0, "no clip is long enough");
    Ok(judge(&sums, changed, finds.milliseconds()))
}

/// The head of each table.
const HEADER: &str = "| cover | from frame | auto, dB | mask, dB | found | beside | still | moved |\n\
    | --- | --- | --- | --- | --- | --- | --- | --- |";

/// Prints the means over all clips and judges them.
fn judge(sums: &[Sums], changed: f64, milliseconds: f64) -> ExitCode {
    println!("mean over all clips\n{HEADER}");
    let mut all = Sums::default();
    for (cover, sums) in Cover::ALL.into_iter().zip(sums) {
        let n = sums.clips;
        let found = sums.found.over(n);
        let (auto, mask) = (sums.auto / n, sums.mask / n);
        println!("| {cover} | both | {auto:.2} | {mask:.2} | {found} |");
        all.auto += auto;
        all.mask += mask;
        all.found.add(&found);
        all.clips += 1.0;
    }
    let found = all.found.over(all.clips);
    let mut verdict = Verdict::default();
    let loss = (all.mask - all.auto) / all.clips;
    verdict.at_most("dB that auto loses against the mask", loss, 0.5);
    verdict.at_least("IoU between still frames", found.still, 0.95);
    verdict.at_least("IoU between moving frames", found.moved, 0.95);
    verdict.at_most(
        "% of a face changed where nothing is before it",
        changed,
        0.3,
    );
    verdict.at_most("ms for a look at a face", milliseconds, 2.0);
    verdict.exit_code()
}
