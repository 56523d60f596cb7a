//! How well drop-outs are found, and how often what is sound is taken for one.
//!
//! `make dropouts`, or `cargo bench --bench dropouts -- [frames]`: how many frames of each clip are
//! taken (all). `MDE_DATA` names the folder with `clips/`, `MDE_CLIPS` another folder of videos.
//!
//! Lines are drawn over each second frame of a clip as a tape's drop-outs are: white, dark or noise,
//! up to a hundredth of the frame high. Rows of blocks are drawn as decoders leave them that do not
//! conceal what they have lost: gray, black, green or magenta from some block on until the stream
//! begins anew. And clips are coded as H.264 and MPEG-2, lose slices or parts of them, and are
//! decoded with libav, which conceals.
//!
//! A pixel counts as damaged where its green differs from the sound one by more than 16 of 255: what is
//! concealed better than that is no damage. It counts as sound where nothing differs. Of slices that
//! are lost the share is given too of those pixels that differ by more than 64.

#[path = "../clips/mod.rs"]
mod clips;
mod draw;
mod losses;
#[path = "../measure/mod.rs"]
mod measure;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use gst_video::VideoFrameRef;
use gstmdecomplete::damage::{DropOuts, Wanted};
use rand::SeedableRng;
use rand::rngs::StdRng;

use clips::Image;
use draw::{Drawer, Kind};
use losses::Codec;
use measure::Verdict;

/// Difference of a value from which on it is damaged.
const SEEN: u8 = 16;
/// And from which on nobody overlooks it.
const GROSS: u8 = 64;
const WANTED: Wanted = Wanted {
    lines: true,
    blocks: true,
    max_size: 0.25,
};

/// Pixels.
#[derive(Clone, Copy, Default)]
struct Score {
    damaged: usize,
    found: usize,
    gross: usize,
    gross_found: usize,
    sound: usize,
    called: usize,
}

/// In percent.
struct Shares {
    found: f64,
    gross_found: f64,
    called: f64,
}

impl Score {
    fn shares(&self) -> Shares {
        let share = |part: usize, all: usize| 100.0 * part as f64 / all.max(1) as f64;
        Shares {
            found: share(self.found, self.damaged),
            gross_found: share(self.gross_found, self.gross),
            called: share(self.called, self.sound),
        }
    }

    /// Looks at `now`, frames of which `sound` are what they should show.
    fn add(&mut self, sound: &[Image], now: impl Iterator<Item = Image>) -> Result<()> {
        let mut finder = DropOuts::default();
        for (sound, now) in sound.iter().zip(now) {
            let (info, buffer) = now.frame()?;
            let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)?;
            let mut is_found = vec![false; sound.width * sound.height];
            for drop_out in finder.look(&frame, &WANTED) {
                let rect = drop_out.area;
                for y in rect.y0..rect.y1 {
                    is_found[y * sound.width..][rect.x0..rect.x1].fill(true);
                }
            }
            let pixels = (sound.pixels.chunks_exact(3)).zip(now.pixels.chunks_exact(3));
            for ((sound, now), is_found) in pixels.zip(is_found) {
                let change = sound[1].abs_diff(now[1]);
                if sound == now {
                    self.sound += 1;
                    self.called += usize::from(is_found);
                }
                if change > SEEN {
                    self.damaged += 1;
                    self.found += usize::from(is_found);
                }
                if change > GROSS {
                    self.gross += 1;
                    self.gross_found += usize::from(is_found);
                }
            }
        }
        Ok(())
    }
}

/// What is measured, and the name of it.
#[derive(Clone, Copy)]
enum Trial {
    Sound,
    Drawn(Kind),
    Lost(Codec),
}

const TRIALS: [(&str, Trial); 6] = [
    ("sound clips", Trial::Sound),
    ("lines of one colour", Trial::Drawn(Kind::Lines)),
    ("lines of noise", Trial::Drawn(Kind::Noise)),
    ("blocks of one colour", Trial::Drawn(Kind::Blocks)),
    ("lost slices of H.264", Trial::Lost(Codec::H264)),
    ("lost slices of MPEG-2", Trial::Lost(Codec::Mpeg2)),
];

fn main() -> Result<ExitCode> {
    measure::init();
    let files = clips::named()?;
    if files.is_empty() {
        println!("nothing measured: neither MDE_DATA nor MDE_CLIPS names a folder of videos");
        return Ok(ExitCode::SUCCESS);
    }
    let most = measure::arguments().find_map(|argument| argument.parse().ok());

    let mut random = StdRng::seed_from_u64(1);
    let mut scores = [Score::default(); TRIALS.len()];
    for file in &files {
        let frames = clips::frames(file, most).with_context(|| file.display().to_string())?;
        for (score, (name, trial)) in scores.iter_mut().zip(TRIALS) {
            try_out(trial, &frames, &mut random, score)
                .with_context(|| format!("{name}, {}", file.display()))?;
        }
    }
    println!(
        "| damage | damaged pixels | found | found of gross ones | sound pixels called damaged |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for (score, (name, _)) in scores.iter().zip(TRIALS) {
        let shares = score.shares();
        println!(
            "| {name} | {} | {:.1} % | {:.1} % | {:.4} % |",
            score.damaged, shares.found, shares.gross_found, shares.called
        );
    }
    let mut verdict = Verdict::default();
    for (score, (name, trial)) in scores.iter().zip(TRIALS) {
        let shares = score.shares();
        if !matches!(trial, Trial::Sound) {
            verdict.at_least(&format!("% found: {name}"), shares.found, 90.0);
        }
        verdict.at_most(&format!("% called damaged: {name}"), shares.called, 0.05);
    }
    judge_cost(&mut verdict)?;
    Ok(verdict.exit_code())
}

fn try_out(trial: Trial, frames: &[Image], random: &mut StdRng, score: &mut Score) -> Result<()> {
    match trial {
        Trial::Sound => score.add(frames, frames.iter().cloned()),
        Trial::Drawn(kind) => {
            let mut drawer = Drawer::new(kind, random);
            let drawn = frames.iter().map(|frame| {
                let mut image = frame.clone();
                drawer.draw(&mut image);
                image
            });
            score.add(frames, drawn)
        }
        Trial::Lost(codec) => {
            let [sound, lossy] = losses::decoded(frames, codec, random)?;
            score.add(&sound, lossy.into_iter())
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
