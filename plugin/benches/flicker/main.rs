//! How still completions are in moving video.
//!
//! `make flicker`, or `cargo bench --bench flicker -- [occlusion ...] [frames]`: with which parts
//! of the face covered (eyes and mouth), and how many frames of each clip (all). `MDE_DATA` names
//! the folder with `clips/`, videos of one face each.
//!
//! Each clip is covered with grey and completed by the element, with several strengths of its
//! smoothing. The frames that come out and those of the uncovered clip are laid on the template by
//! the same points: those seen on the uncovered frames, averaged over past and future. Flicker is
//! the mean absolute difference of one frame to the next within the part covered, in 255ths; shake
//! that of a frame to the mean of those before and after it, to which steady motion adds little.
//! The ratios are those of the completed to the uncovered clip. PSNR is that of the whole crop
//! against the uncovered clip's, the mean over frames. Ends with an error where the element with
//! its defaults misses what is required of it.

#[path = "../clips/mod.rs"]
mod clips;
mod face;
#[path = "../measure/mod.rs"]
mod measure;
mod score;
#[path = "../clips/smoothed.rs"]
mod smoothed;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use gst::prelude::*;
use gstmdecomplete::frame::Reader;
use gstmdecomplete::locate::Locator;
use mde_core::occlusion::{Occlusion, Rect};

use clips::Image;
use face::Place;
use measure::Verdict;
use score::Score;

/// What is covered is by so many pixels of the crop smaller than the element's hole on each side:
/// covers are to be within the mask, as the README says.
const INSET: usize = 4;
const GREY: u8 = 128;

/// Properties of the element other than its defaults: without any smoothing, with that of the
/// points alone, with that of the completions alone, and with both.
const SETTINGS: [&measure::Properties; 7] = [
    &[("point-smoothing", "0"), ("temporal-smoothing", "0")],
    POINTS_ALONE,
    &[("point-smoothing", "0")],
    &[("temporal-smoothing", "0.8")],
    &[("temporal-smoothing", "0.9")],
    &[],
    &[("temporal-smoothing", "0.99")],
];
const POINTS_ALONE: &measure::Properties = &[("temporal-smoothing", "0")];

/// Most flicker with the defaults, as a ratio.
const MOST_FLICKER: f64 = 1.15;
/// Most that blending may take from the PSNR, in dB.
const MOST_LOSS: f64 = 0.3;

fn main() -> Result<ExitCode> {
    measure::init();
    let Some(data) = std::env::var_os("MDE_DATA").filter(|value| !value.is_empty()) else {
        println!("nothing measured: MDE_DATA does not name the folder of the data");
        return Ok(ExitCode::SUCCESS);
    };
    let (numbers, names): (Vec<_>, Vec<_>) =
        measure::arguments().partition(|a| a.parse::<usize>().is_ok());
    let most = numbers.first().and_then(|number| number.parse().ok());
    let mut occlusions: Vec<Occlusion> =
        (names.iter().map(|name| name.parse())).collect::<Result<_, _>>()?;
    if occlusions.is_empty() {
        occlusions = vec![Occlusion::Eyes, Occlusion::Mouth];
    }
    let mut verdict = Verdict::default();
    let mut locator = Locator::open()?;
    for file in clips::all(&Path::new(&data).join("clips"))? {
        let frames = clips::frames(&file, most).with_context(|| file.display().to_string())?;
        let mut clip = Clip::new(frames, &mut locator)?;
        for &occlusion in &occlusions {
            clip.measure(&file, occlusion, &mut verdict)?;
        }
    }
    Ok(verdict.exit_code())
}

/// An uncovered clip.
struct Clip {
    frames: Vec<Image>,
    places: Vec<Option<Place>>,
    /// `[3, 96, 96]` in `[0, 1]` of each frame with a face.
    crops: Vec<Option<Vec<f32>>>,
    reader: Reader,
}

impl Clip {
    fn new(frames: Vec<Image>, locator: &mut Locator) -> Result<Self> {
        let places = face::places(&frames, locator)?;
        let mut clip = Self {
            frames: Vec::new(),
            places,
            crops: Vec::new(),
            reader: Reader::default(),
        };
        clip.crops = clip.crops_of(&frames)?;
        clip.frames = frames;
        Ok(clip)
    }

    /// The crops of `frames`, which are as many, where the uncovered clip shows its face.
    fn crops_of(&mut self, frames: &[Image]) -> Result<Vec<Option<Vec<f32>>>> {
        let reader = &mut self.reader;
        (frames.iter().zip(&self.places))
            .map(|(image, place)| {
                let place = place.as_ref();
                place
                    .map(|place| face::crop(image, &place.to_crop, reader))
                    .transpose()
            })
            .collect()
    }

    fn measure(&mut self, file: &Path, part: Occlusion, verdict: &mut Verdict) -> Result<()> {
        let covered = self.covered(part);
        let original = Score::of(&self.crops, self, part.rect());
        println!(
            "{}, {} frames, {} covered; of the uncovered clip: flicker {:.2}, shake {:.2}",
            file.display(),
            self.frames.len(),
            part.name(),
            original.flicker,
            original.shake,
        );
        println!("| properties | flicker | ratio | shake | ratio | PSNR |");
        println!("| --- | --- | --- | --- | --- | --- |");
        let mut unblended = f64::NAN;
        for properties in SETTINGS {
            let completed = complete(&covered, part, properties)?;
            let crops = self.crops_of(&completed)?;
            let score = Score::of(&crops, self, part.rect());
            let ratio = score.flicker / original.flicker;
            println!(
                "| {} | {:.2} | {ratio:.2} | {:.2} | {:.2} | {:.2} |",
                describe(properties),
                score.flicker,
                score.shake,
                score.shake / original.shake,
                score.psnr,
            );
            if properties == POINTS_ALONE {
                unblended = score.psnr;
            }
            if properties.is_empty() {
                verdict.at_most("flicker with the defaults", ratio, MOST_FLICKER);
                let loss = unblended - score.psnr;
                verdict.at_most("dB lost by blending", loss, MOST_LOSS);
            }
        }
        Ok(())
    }

    /// The frames with `part` of the face grey.
    fn covered(&self, part: Occlusion) -> Vec<Image> {
        let Rect { x0, y0, x1, y1 } = part.rect();
        let [x0, y0] = [x0, y0].map(|v| (v + INSET) as f64 - 0.5);
        let [x1, y1] = [x1, y1].map(|v| (v - INSET) as f64 - 0.5);
        let cover = |(image, place): (&Image, &Option<Place>)| {
            let mut image = image.clone();
            let Some(place) = place else { return image };
            let width = image.width;
            for (i, pixel) in image.pixels.chunks_exact_mut(3).enumerate() {
                let [x, y] = place
                    .to_crop
                    .apply([(i % width) as f64, (i / width) as f64]);
                if (x0..x1).contains(&x) && (y0..y1).contains(&y) {
                    pixel.fill(GREY);
                }
            }
            image
        };
        self.frames.iter().zip(&self.places).map(cover).collect()
    }
}

fn describe(properties: &measure::Properties) -> String {
    let all: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match all.is_empty() {
        true => "the defaults".to_owned(),
        false => all.join(" "),
    }
}

/// `frames` completed by the element with `properties`, one after the other.
fn complete(
    frames: &[Image],
    part: Occlusion,
    properties: &measure::Properties,
) -> Result<Vec<Image>> {
    let element = measure::element("mdecomplete", properties);
    element.set_property_from_str("occlusion", part.name());
    element.set_property_from_str("detection-mode", "sync");
    let (info, _) = frames.first().context("no frames")?.frame()?;
    let mut harness = measure::harness(&element, &info);
    let completed = frames.iter().enumerate().map(|(number, image)| {
        let (_, mut buffer) = image.frame()?;
        let time = gst::ClockTime::SECOND * number as u64 / clips::RATE as u64;
        buffer
            .get_mut()
            .context("a buffer of its own")?
            .set_pts(time);
        let buffer = harness.push_and_pull(buffer)?;
        Image::of(&buffer, &info)
    });
    completed.collect()
}
