//! The seam between a completion and the frame at 1920x1080: with what the element does about it
//! (`border-match`, `grain`) and without, and what that costs.
//!
//! `make seams`, or `cargo bench --bench seams -- [frames] [folder]`: how many frames of each clip
//! are taken (60), and where to put pictures (nowhere). `MDE_DATA` names the folder with `clips/`,
//! videos of one face each; without it only the cost is measured.
//!
//! Clips are enlarged to 1920x1080 with their aspect kept, a part of the face is covered with grey
//! and completed where upstream marks the points seen on the uncovered frame; every sixth frame is
//! scored against the uncovered one. The bands are 6 pixels of the crop and 6 of the frame wide,
//! along the inside of the hole's border. `step` tells by how many steps of 8 bits the difference
//! of neighbours across the border is wrong; `texture` is the finest texture of luma inside the
//! hole and around it, as the standard deviation of white noise that has it.
//!
//! Ends with an error where, with a cover that ends inside the hole, a band is not better than
//! without, where grain is not within 25 % of that around the hole, and above 0.5 ms a face. A cover
//! that ends where the hole does hides what is known beside it: the bands are told, not judged.

#[path = "../clips/mod.rs"]
mod clips;
mod cost;
#[path = "../measure/mod.rs"]
mod measure;
mod scene;
mod score;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use gst::prelude::*;
use gstmdecomplete::locate::Locator;
use mde_core::occlusion::{Occlusion, Rect};

use clips::Image;
use measure::{Properties, Verdict};
use scene::{HEIGHT, Scene, WIDTH};
use score::Score;

/// Frames of each clip.
const FRAMES: usize = 60;

/// Standard deviation of the grain put on a clip that has none, in steps of 8 bits.
const GRAIN: f32 = 4.0;

/// How the element is told to treat the seam.
const WAYS: [(&str, &Properties); 3] = [
    ("neither", &[("border-match", "0"), ("grain", "0")]),
    ("border-match", &[("grain", "0")]),
    ("both", &[]),
];

/// How far inside the hole the cover ends in crop pixels: where the hole does, and such that the
/// frame shows where it is blended in.
const INSETS: [usize; 2] = [0, 2];

fn main() -> Result<ExitCode> {
    measure::init();
    let mut verdict = Verdict::default();
    cost::judge(&mut verdict);
    let Some(data) = std::env::var_os("MDE_DATA").filter(|value| !value.is_empty()) else {
        println!("no clip measured: MDE_DATA does not name the folder of the data");
        return Ok(verdict.exit_code());
    };
    let mut frames = FRAMES;
    let mut pictures = None;
    for argument in measure::arguments() {
        match argument.parse() {
            Ok(number) => frames = number,
            Err(_) => pictures = Some(measure::pictures_in(&argument)?),
        }
    }
    let mut locator = Locator::open()?;
    for file in clips::all(&Path::new(&data).join("clips"))? {
        let context = || file.display().to_string();
        let frames = clips::frames(&file, Some(frames)).with_context(context)?;
        let scenes = scene::scenes(&frames, &mut locator).with_context(context)?;
        let grainy: Vec<Scene> = scenes.iter().map(|s| s.with_grain(GRAIN)).collect();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        for (grain, scenes) in [("", scenes), (" with grain", grainy)] {
            let clip = Clip {
                name: format!("{name}{grain}"),
                has_grain: !grain.is_empty(),
                scenes,
            };
            for part in [Occlusion::Eyes, Occlusion::Mouth] {
                clip.measure(part, pictures.as_deref(), &mut verdict)?;
            }
        }
    }
    Ok(verdict.exit_code())
}

struct Clip {
    name: String,
    has_grain: bool,
    scenes: Vec<Scene>,
}

impl Clip {
    fn measure(
        &self,
        part: Occlusion,
        pictures: Option<&Path>,
        verdict: &mut Verdict,
    ) -> Result<()> {
        let hole = part.rect();
        for inset in INSETS {
            let what = format!("{}, {}, cover {inset} px inside", self.name, part.name());
            println!("{what}, {} frames", self.scenes.len());
            println!(
                "| with | band of 6 crop px | band of 6 frame px | hole | step | texture inside, around |"
            );
            println!("| --- | --- | --- | --- | --- | --- |");
            let cover = Rect {
                x0: hole.x0 + inset,
                y0: hole.y0 + inset,
                x1: hole.x1 - inset,
                y1: hole.y1 - inset,
            };
            let mut strip = Vec::new();
            let mut scores = Vec::new();
            for (name, properties) in WAYS {
                let element = element(part, properties);
                let (score, first) = self.completed(&element, cover, hole)?;
                let [crop, frame, whole] = score.psnr();
                let [inside, around] = score.textures();
                println!(
                    "| {name} | {crop:.2} dB | {frame:.2} dB | {whole:.2} dB | {:.2} | {inside:.2}, {around:.2} |",
                    score.step(),
                );
                strip.push(first);
                scores.push(score);
            }
            self.judge(&what, inset > 0, &scores, verdict);
            if let Some(folder) = pictures {
                let scene = &self.scenes[0];
                strip.insert(0, scene.covered(cover));
                strip.push(scene.image.clone());
                save(&folder.join(format!("{what}.png")), scene, &strip)?;
            }
        }
        Ok(())
    }

    /// The score of what `element` makes of the frames with `cover`, and the first frame of it.
    fn completed(&self, element: &gst::Element, cover: Rect, hole: Rect) -> Result<(Score, Image)> {
        let (info, _) = self.scenes[0].image.frame()?;
        let mut harness = measure::harness(element, &info);
        let mut score = Score::default();
        let mut first = None;
        for (index, scene) in self.scenes.iter().enumerate() {
            let (_, mut buffer) = scene.covered(cover).frame()?;
            let buffer_mut = buffer.make_mut();
            buffer_mut.set_pts(gst::ClockTime::from_mseconds(200) * index as u64);
            measure::mark(buffer_mut, &scene.points);
            let out = harness.push_and_pull(buffer)?;
            let out = Image::of(&out, &info)?;
            score.add(scene, &out, hole);
            first.get_or_insert(out);
        }
        Ok((score, first.context("no frame")?))
    }

    fn judge(&self, what: &str, shows_border: bool, scores: &[Score], verdict: &mut Verdict) {
        let [before, border, both] = scores else {
            return;
        };
        let [before, after] = [before, border].map(Score::psnr);
        for (i, band) in ["crop", "frame"].into_iter().enumerate() {
            if shows_border {
                let what = format!("{what}: dB of 6 {band} px gained");
                verdict.require(&what, after[i] - before[i], "above 0", after[i] > before[i]);
            }
        }
        if self.has_grain {
            let [inside, around] = both.textures();
            let ratio = inside / around;
            let is_close = (0.75..=1.25).contains(&ratio);
            verdict.require(&format!("{what}: grain"), ratio, "0.75 to 1.25", is_close);
        }
    }
}

fn element(part: Occlusion, properties: &Properties) -> gst::Element {
    let element = measure::element(
        "mdecomplete",
        &[("region", "roi-list"), ("occlusion", part.name())],
    );
    for (name, value) in properties {
        element.set_property_from_str(name, value);
    }
    element
}

/// Puts the faces of `images` side by side.
fn save(file: &Path, scene: &Scene, images: &[Image]) -> Result<()> {
    let to_frame = scene.to_crop.inverse()?;
    let [left, top] = to_frame.apply([8.0, 12.0]).map(|v| v.max(0.0) as usize);
    let [right, bottom] = to_frame.apply([88.0, 88.0]).map(|v| v.max(0.0) as usize);
    let (right, bottom) = (right.min(WIDTH), bottom.min(HEIGHT));
    let width = right - left;
    let mut strip = image::RgbImage::new((width * images.len()) as u32, (bottom - top) as u32);
    for (x, y, pixel) in strip.enumerate_pixels_mut() {
        let (index, x) = (x as usize / width, x as usize % width);
        let at = 3 * ((top + y as usize) * WIDTH + left + x);
        pixel.0.copy_from_slice(&images[index].pixels[at..at + 3]);
    }
    strip.save(file).with_context(|| file.display().to_string())
}
