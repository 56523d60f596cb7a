//! How well drop-outs are found, and how often what is sound is taken for one.
//!
//! `make dropouts`, or `cargo bench --bench dropouts -- [frames]`: how many frames of each clip are
//! taken (all). `MDE_DATA` names the folder with `clips/`, `MDE_CLIPS` another folder of videos.
//!
//! Lines are drawn over each second frame of a clip as a tape's drop-outs are: white, dark or noise,
//! up to a hundredth of the frame high. A pixel counts as damaged where its brightness differs from
//! the sound one by more than 16 of 255. The frames between, and each clip as it is, are sound.

#[path = "../clips/mod.rs"]
#[allow(dead_code, reason = "faces are not followed here")]
mod clips;
#[path = "../measure/mod.rs"]
mod measure;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use gst_video::VideoFrameRef;
use gstmdecomplete::damage::{DropOuts, Wanted};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use clips::Image;
use measure::Verdict;

/// Difference of a value from which on it is damaged.
const SEEN: u8 = 16;
const WANTED: Wanted = Wanted {
    lines: true,
    max_size: 0.1,
};

/// Pixels.
#[derive(Default)]
struct Score {
    damaged: usize,
    found: usize,
    sound: usize,
    called: usize,
}

impl Score {
    fn shares(&self) -> [f64; 2] {
        let share = |part: usize, all: usize| 100.0 * part as f64 / all.max(1) as f64;
        [
            share(self.found, self.damaged),
            share(self.called, self.sound),
        ]
    }

    fn add(&mut self, other: &Self) {
        self.damaged += other.damaged;
        self.found += other.found;
        self.sound += other.sound;
        self.called += other.called;
    }
}

fn main() -> Result<ExitCode> {
    measure::init();
    let folder_of = |name: &str| {
        let folder = std::env::var_os(name).filter(|v| !v.is_empty());
        folder.map(PathBuf::from)
    };
    let mut files = Vec::new();
    if let Some(data) = folder_of("MDE_DATA") {
        files.extend(clips::all(&data.join("clips"))?);
    }
    if let Some(folder) = folder_of("MDE_CLIPS") {
        files.extend(clips::all(&folder)?);
    }
    if files.is_empty() {
        println!("nothing measured: neither MDE_DATA nor MDE_CLIPS names a folder of videos");
        return Ok(ExitCode::SUCCESS);
    }
    let most = measure::arguments().find_map(|argument| argument.parse().ok());

    let mut random = StdRng::seed_from_u64(1);
    let mut whole = Score::default();
    println!("| clip | damaged pixels | found | sound pixels | called damaged |");
    println!("| --- | --- | --- | --- | --- |");
    for file in &files {
        let frames = clips::frames(file, most).with_context(|| file.display().to_string())?;
        let mut score = Score::default();
        for draws in [true, false] {
            add(&frames, draws.then_some(&mut random), &mut score)?;
        }
        let [found, called] = score.shares();
        let name = file.file_name().unwrap_or_default().display();
        println!(
            "| {name} | {} | {found:.2} % | {} | {called:.4} % |",
            score.damaged, score.sound
        );
        whole.add(&score);
    }
    let [found, called] = whole.shares();
    let mut verdict = Verdict::default();
    verdict.at_least("% of damaged pixels found", found, 90.0);
    verdict.at_most("% of sound pixels called damaged", called, 0.05);
    judge_cost(&mut verdict)?;
    Ok(verdict.exit_code())
}

/// Looks at `frames`, with drop-outs on each second one if there is a `random` for them.
fn add(frames: &[Image], mut random: Option<&mut StdRng>, score: &mut Score) -> Result<()> {
    let mut finder = DropOuts::default();
    for (number, sound) in frames.iter().enumerate() {
        let mut image = sound.clone();
        if let Some(random) = &mut random
            && number % 2 == 1
        {
            draw(&mut image, random);
        }
        let (info, buffer) = image.frame()?;
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)?;
        let mut is_found = vec![false; sound.width * sound.height];
        for rect in finder.look(&frame, &WANTED) {
            for y in rect.y0..rect.y1 {
                is_found[y * sound.width..][rect.x0..rect.x1].fill(true);
            }
        }
        let pixels = sound
            .pixels
            .chunks_exact(3)
            .zip(image.pixels.chunks_exact(3));
        for ((sound, now), is_found) in pixels.zip(is_found) {
            // All channels of a drop-out are lost alike.
            let change = sound[1].abs_diff(now[1]);
            match change {
                0 => {
                    score.sound += 1;
                    score.called += usize::from(is_found);
                }
                change if change > SEEN => {
                    score.damaged += 1;
                    score.found += usize::from(is_found);
                }
                _ => (),
            }
        }
    }
    Ok(())
}

/// Draws drop-outs over `image`.
fn draw(image: &mut Image, random: &mut StdRng) {
    let (width, height) = (image.width, image.height);
    for _ in 0..random.random_range(1..6) {
        let rows = random.random_range(1..=(height / 100).max(2));
        let length = random.random_range(width / 12..width);
        let (x0, y0) = (
            random.random_range(0..=width - length),
            random.random_range(0..height - rows),
        );
        let colour = match random.random_range(0..4) {
            0 => Some(255),
            1 => Some(random.random_range(0..30)),
            _ => None,
        };
        for y in y0..y0 + rows {
            for x in x0..x0 + length {
                let value = colour.unwrap_or_else(|| random.random());
                image.pixels[3 * (y * width + x)..][..3].fill(value);
            }
        }
    }
}

/// What looking at a frame of 1920x1080 costs.
fn judge_cost(verdict: &mut Verdict) -> Result<()> {
    let info = measure::info(gst_video::VideoFormat::I420, 1920, 1080);
    let buffers = [1u8, 2].map(|number| {
        let byte = |i: usize| ((i * 7 + i / 1920 * 13) % 97) as u8 + number;
        gst::Buffer::from_mut_slice((0..info.size()).map(byte).collect::<Vec<u8>>())
    });
    let mut finder = DropOuts::default();
    let mut turns = buffers.iter().cycle();
    let rate = measure::rate(Duration::from_secs(3), || {
        let buffer = turns.next().expect("no end");
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).expect("a frame");
        finder.look(&frame, &WANTED);
    });
    verdict.at_most("ms a frame of 1920x1080", 1e3 / rate, 5.0);
    Ok(())
}
