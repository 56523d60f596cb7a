//! How well dirt and scratches of a film are found and mended, and how often what is sound is taken for
//! them.
//!
//! `make film`, or `cargo bench --bench film -- [frames]`: how many frames of each clip are taken (40).
//! `MDE_DATA` names the folder with `clips/`, `MDE_CLIPS` another folder of videos, `MDE_FILM` a folder
//! of folders of pictures whose alpha is damage; without it hairs and blots are drawn. `MDE_CV` names a
//! Python with OpenCV, whose Telea and Navier-Stokes are then measured too, and `MDE_VS` one with
//! VapourSynth, its MVTools and DeScratch; ffmpeg's filters are measured where there is one.
//!
//! Dirt: up to three pieces of damage, a tenth to two fifths as high as the frame, are laid over seven of
//! ten frames, white or black, each frame on its own; the first and the last frame of a clip, which have
//! one neighbour alone, stay clean. Scratches: one to three on each clip, one to five pixels wide, half of
//! them as high as the frame, half of them there from the first frame on; they wander by a pixel in one of
//! five frames.
//!
//! A pixel counts as damaged where its green differs by more than 16 of 255. It is found where half of it
//! or more is replaced. What is replaced and lies within two pixels of damage is none that is wrongly
//! called so: films are mended with a rim. PSNR is that of green. OpenCV, the plain fill and ffmpeg's
//! removelogo and delogo are told where the damage is, with the same rim; ffmpeg's median works on all of
//! the frame.

#[path = "../clips/mod.rs"]
mod clips;
mod lay;
#[path = "../measure/mod.rs"]
mod measure;
mod peers;
mod python;
mod score;
mod scratches;
mod vapoursynth;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use gst_video::{VideoFormat, VideoFrameRef};
use gstmdecomplete::damage::{Film, FilmWanted};
use gstmdecomplete::frame::PixelWeights;
use rand::SeedableRng;
use rand::rngs::StdRng;

use clips::Image;
use lay::Pieces;
use measure::{Verdict, folder_named};
use peers::Peers;
use score::{Score, Shares};

/// Difference of a value from which on it is damaged.
const SEEN: u8 = 16;
/// Pixels around damage that may be replaced as well.
const RIM: usize = 2;
const WANTED: FilmWanted = FilmWanted {
    dirt: true,
    scratches: true,
    max_size: 0.05,
};
/// Frames of each clip, unless others are asked for.
const FRAMES: usize = 40;

/// A frame after it was mended, and how much of each pixel was replaced.
struct Mended {
    image: Image,
    weights: Vec<f32>,
}

/// Mends `frames`, which come one after the other.
fn mended(frames: &[Image]) -> Result<Vec<Mended>> {
    let mut film = Film::default();
    let mut done = Vec::new();
    let buffers: Vec<_> = frames.iter().map(Image::frame).collect::<Result<_>>()?;
    for number in 0..=buffers.len() {
        match buffers.get(number) {
            Some((info, buffer)) => {
                film.see(Some(&VideoFrameRef::from_buffer_ref_readable(
                    buffer, info,
                )?));
            }
            None => film.see::<&gst::BufferRef>(None),
        }
        let Some((info, buffer)) = number.checked_sub(1).map(|last| &buffers[last]) else {
            continue;
        };
        film.find(&WANTED);
        let mut weights = vec![0.0; info.width() as usize * info.height() as usize];
        film.each_piece(
            |PixelWeights {
                 area,
                 weights: piece,
             }| {
                let rows = piece.chunks_exact(area.width());
                for (y, row) in (area.y0..area.y1).zip(rows) {
                    weights[y * info.width() as usize + area.x0..][..row.len()]
                        .copy_from_slice(row);
                }
            },
        );
        let mut copy = buffer.copy_deep()?;
        let writable = copy.get_mut().context("a buffer of one's own")?;
        film.mend(
            &mut VideoFrameRef::from_buffer_ref_writable(writable, info)?,
            1.0,
        );
        done.push(Mended {
            image: Image::of(&copy, info)?,
            weights,
        });
    }
    Ok(done)
}

fn main() -> Result<ExitCode> {
    measure::init();
    let files = clips::named()?;
    if files.is_empty() {
        println!("nothing measured: neither MDE_DATA nor MDE_CLIPS names a folder of videos");
        return Ok(ExitCode::SUCCESS);
    }
    let most = measure::arguments().find_map(|argument| argument.parse().ok());
    let mut random = StdRng::seed_from_u64(1);
    let pieces = match folder_named("MDE_FILM") {
        Some(folder) => Pieces::read(&folder)?,
        None => Pieces::drawn(&mut random),
    };
    println!("dirt: {}", pieces.kinds().collect::<Vec<_>>().join(", "));
    let mut peers = Peers::start()?;

    let (mut dirt, mut scratches) = (Score::default(), Score::default());
    println!(
        "| clip | damage | recall | precision | sound pixels touched | PSNR: mended | {} |",
        peers::NAMES.join(" | ")
    );
    println!("|{}", " --- |".repeat(6 + peers::NAMES.len()));
    for file in &files {
        let sound = clips::frames(file, Some(most.unwrap_or(FRAMES)))
            .with_context(|| file.display().to_string())?;
        let clean = mended(&sound)?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let with_dirt = pieces.lay_over(&sound, &mut random);
        let with_scratches = scratches::lay(&sound, &mut random);
        for (kind, damaged, all) in [
            ("dirt", with_dirt, &mut dirt),
            ("scratches", with_scratches, &mut scratches),
        ] {
            let images: Vec<_> = damaged.iter().map(|(image, _)| image.clone()).collect();
            let mut score = Score::default();
            score.add_clean(&clean);
            score.add(&sound, &damaged, &mended(&images)?, &mut peers)?;
            print(&name, kind, &score);
            all.join(&score);
        }
    }
    print("all", "dirt", &dirt);
    print("all", "scratches", &scratches);
    let mut verdict = Verdict::default();
    for (kind, score, least) in [
        ("dirt", &dirt, [0.8, 0.8, 5.0]),
        ("scratches", &scratches, [0.5, 0.9, 0.0]),
    ] {
        print_alone(kind, score);
        judge(kind, score, least, &mut verdict);
    }
    judge_cost(&mut verdict)?;
    Ok(verdict.exit_code())
}

/// Holds `score` to the `least` recall, precision, and dB above the best peer that is told where damage is.
fn judge(kind: &str, score: &Score, least: [f64; 3], verdict: &mut Verdict) {
    let Shares {
        recall,
        precision,
        clean_called,
    } = score.shares();
    verdict.at_least(&format!("recall of {kind}"), recall, least[0]);
    verdict.at_least(&format!("precision of {kind}"), precision, least[1]);
    verdict.at_most("% of sound pixels touched", clean_called, 0.05);
    let best = score.filled.iter().filter_map(|errors| errors.psnr());
    let best = best.fold(0.0, f64::max);
    let gain = score.mended.psnr().unwrap_or(0.0) - best;
    verdict.at_least(&format!("dB above the best peer, {kind}"), gain, least[2]);
}

fn print(name: &str, kind: &str, score: &Score) {
    let Shares {
        recall,
        precision,
        clean_called,
    } = score.shares();
    let errors = std::iter::once(&score.mended).chain(&score.filled);
    let psnr: Vec<_> = errors.map(|errors| decibels(errors.psnr())).collect();
    println!(
        "| {name} | {kind} | {recall:.3} | {precision:.3} | {clean_called:.4} % | {} |",
        psnr.join(" | ")
    );
}

fn decibels(psnr: Option<f64>) -> String {
    psnr.map_or("-".to_string(), |psnr| format!("{psnr:.2}"))
}

/// What is left in all damage of a `kind`, found or not, beside filters that find it for themselves, and
/// the pieces found.
fn print_alone(kind: &str, score: &Score) {
    println!("\n| {kind}, all of it | PSNR | other pixels changed by more than 2 |");
    println!("| --- | --- | --- |");
    let names = ["as it is", "this"].into_iter().chain(vapoursynth::NAMES);
    for ((name, errors), touched) in names.zip(&score.all).zip(score.touched()) {
        if let Some(psnr) = errors.psnr() {
            println!("| {name} | {psnr:.2} | {touched:.3} % |");
        }
    }
    println!();
    for (kind, [count, found]) in &score.pieces {
        println!("{kind}: {found} of {count} found");
    }
}

/// What a frame of 1920x1080 costs, in which a textured picture moves.
fn judge_cost(verdict: &mut Verdict) -> Result<()> {
    let info = measure::info(VideoFormat::I420, 1920, 1080);
    let buffers = [0usize, 3, 6, 9].map(|shift| {
        let mut bytes = vec![128; info.size()];
        for y in 0..1080 {
            for x in 0..1920 {
                let (u, v) = ((x + shift) as f32, (y + shift / 3) as f32);
                let wave = (u / 9.0).sin() * 40.0 + (v / 13.0).cos() * 30.0;
                let dust = if (x * 7 + y * 13 + shift * 1001) % 40_009 < 2 {
                    90.0
                } else {
                    0.0
                };
                bytes[y * info.stride()[0] as usize + x] = (100.0 + wave + dust) as u8;
            }
        }
        gst::Buffer::from_mut_slice(bytes)
    });
    let mut film = Film::default();
    let mut turns = buffers.iter().cycle();
    let rate = measure::rate(Duration::from_secs(5), || {
        let buffer = turns.next().expect("no end");
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).expect("a frame");
        film.see(Some(&frame));
        film.find(&WANTED);
    });
    verdict.at_most("ms a frame of 1920x1080, finding", 1e3 / rate, 40.0);
    Ok(())
}
