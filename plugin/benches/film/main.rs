//! How well dirt of a film is found and mended, and how often what is sound is taken for it.
//!
//! `make film`, or `cargo bench --bench film -- [frames]`: how many frames of each clip are taken (40).
//! `MDE_DATA` names the folder with `clips/`, `MDE_CLIPS` another folder of videos, `MDE_FILM` a folder
//! of folders of pictures whose alpha is damage; without it hairs and blots are drawn. `MDE_CV` names a
//! Python with OpenCV, whose Telea is then measured too.
//!
//! Up to three pieces of damage, a tenth to two fifths as high as the frame, are laid over seven of ten
//! frames, white or black, each frame on its own; the first and the last frame of a clip, which have one
//! neighbour alone, stay clean. A pixel counts as damaged where its green differs by more than 16 of 255. It is found where half
//! of it or more is replaced. What is replaced and lies within two pixels of damage is none that is
//! wrongly called so: films are mended with a rim. Telea is told where the damage is, with the same rim.

#[path = "../clips/mod.rs"]
mod clips;
mod lay;
#[path = "../measure/mod.rs"]
mod measure;
mod telea;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use gst_video::{VideoFormat, VideoFrameRef};
use gstmdecomplete::damage::{Film, FilmWanted};
use gstmdecomplete::frame::{Filler, PixelWeights};
use mde_core::occlusion::Rect;
use rand::SeedableRng;
use rand::rngs::StdRng;

use clips::Image;
use lay::{Laid, Pieces};
use measure::{Verdict, folder_named};
use telea::Telea;

/// Difference of a value from which on it is damaged.
const SEEN: u8 = 16;
/// Pixels around damage that may be replaced as well.
const RIM: usize = 2;
const WANTED: FilmWanted = FilmWanted {
    dirt: true,
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

/// Squared errors.
#[derive(Clone, Copy, Default)]
struct Errors {
    sum: f64,
    count: usize,
}

impl Errors {
    fn add(&mut self, sound: &Image, other: &Image, at: usize) {
        let pairs = sound.pixels[3 * at..][..3]
            .iter()
            .zip(&other.pixels[3 * at..][..3]);
        self.sum += pairs
            .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2))
            .sum::<f64>();
        self.count += 3;
    }

    fn psnr(&self) -> f64 {
        10.0 * (255.0f64.powi(2) * self.count.max(1) as f64 / self.sum.max(1e-9)).log10()
    }
}

#[derive(Default)]
struct Score {
    damaged: usize,
    found: usize,
    called: usize,
    rightly_called: usize,
    clean: usize,
    clean_called: usize,
    /// Of each kind, pieces, and those of which at least half is found.
    pieces: BTreeMap<String, [usize; 2]>,
    /// In found damage: of what is mended, of this crate's plain fill, of OpenCV's.
    errors: [Errors; 3],
}

impl Score {
    fn add_clean(&mut self, done: &[Mended]) {
        for mended in done {
            self.clean += mended.weights.len();
            self.clean_called += mended.weights.iter().filter(|w| **w > 0.0).count();
        }
    }

    fn add(
        &mut self,
        sound: &[Image],
        damaged: &[(Image, Laid)],
        done: &[Mended],
        telea: &mut Option<Telea>,
    ) -> Result<()> {
        for ((sound, (image, pieces)), mended) in sound.iter().zip(damaged).zip(done) {
            let width = sound.width;
            let differs = |at: usize| sound.pixels[3 * at + 1].abs_diff(image.pixels[3 * at + 1]);
            let is_damaged: Vec<bool> = (0..mended.weights.len())
                .map(|at| differs(at) > SEEN)
                .collect();
            let mut is_laid = vec![false; is_damaged.len()];
            for at in pieces.iter().flat_map(|(_, pixels)| pixels) {
                is_laid[*at] = true;
            }
            let is_near = grown(&is_laid, width);
            let filled = plain(image, &is_near)?;
            let filled = [
                Some(filled),
                match telea {
                    Some(telea) if !pieces.is_empty() => Some(telea.fill(image, &is_near)?),
                    _ => None,
                },
            ];
            for (at, weight) in mended.weights.iter().enumerate() {
                let is_called = *weight >= 0.5;
                self.damaged += usize::from(is_damaged[at]);
                self.called += usize::from(is_called);
                self.rightly_called += usize::from(is_called && is_near[at]);
                if is_called && is_damaged[at] {
                    self.found += 1;
                    self.errors[0].add(sound, &mended.image, at);
                    for (errors, filled) in self.errors[1..].iter_mut().zip(&filled) {
                        if let Some(filled) = filled {
                            errors.add(sound, filled, at);
                        }
                    }
                }
            }
            for (kind, pixels) in pieces {
                let damaged = pixels.iter().filter(|at| is_damaged[**at]);
                let found = damaged.clone().filter(|at| mended.weights[**at] >= 0.5);
                let (damaged, found) = (damaged.count(), found.count());
                if damaged > 0 {
                    let [all, seen] = self.pieces.entry(kind.clone()).or_default();
                    *all += 1;
                    *seen += usize::from(2 * found >= damaged);
                }
            }
        }
        Ok(())
    }
}

/// What is within the rim of what is `laid`.
fn grown(laid: &[bool], width: usize) -> Vec<bool> {
    let mut grown = vec![false; laid.len()];
    let height = laid.len() / width;
    for at in laid
        .iter()
        .enumerate()
        .filter(|(_, is)| **is)
        .map(|(at, _)| at)
    {
        let (x, y) = (at % width, at / width);
        for v in y.saturating_sub(RIM)..(y + RIM + 1).min(height) {
            grown[v * width..][x.saturating_sub(RIM)..(x + RIM + 1).min(width)].fill(true);
        }
    }
    grown
}

/// `image` with the element's plain fill where it `is_hole`.
fn plain(image: &Image, is_hole: &[bool]) -> Result<Image> {
    let weights: Vec<f32> = is_hole.iter().map(|is| f32::from(u8::from(*is))).collect();
    let (info, mut buffer) = image.frame()?;
    let pixels = PixelWeights {
        area: Rect::new(0, 0, image.width, image.height),
        weights: &weights,
    };
    let writable = buffer.get_mut().context("a buffer of one's own")?;
    let mut frame = VideoFrameRef::from_buffer_ref_writable(writable, &info)?;
    Filler::default().fill(&mut frame, pixels, 1.0);
    drop(frame);
    Image::of(&buffer, &info)
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
    println!("damage: {}", pieces.kinds().collect::<Vec<_>>().join(", "));
    let mut telea = Telea::start()?;

    let mut all = Score::default();
    println!(
        "| clip | recall | precision | clean pixels touched | PSNR: mended | plain fill | OpenCV |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for file in &files {
        let sound = clips::frames(file, Some(most.unwrap_or(FRAMES)))
            .with_context(|| file.display().to_string())?;
        let mut score = Score::default();
        score.add_clean(&mended(&sound)?);
        let damaged: Vec<_> = sound
            .iter()
            .enumerate()
            .map(|(number, image)| {
                let mut image = image.clone();
                let laid = match (1..sound.len() - 1).contains(&number) {
                    true => pieces.lay(&mut image, &mut random),
                    false => Vec::new(),
                };
                (image, laid)
            })
            .collect();
        let images: Vec<_> = damaged.iter().map(|(image, _)| image.clone()).collect();
        score.add(&sound, &damaged, &mended(&images)?, &mut telea)?;
        let name = file
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned());
        print(&name.unwrap_or_default(), &score);
        all.join(&score);
    }
    print("all", &all);
    for (kind, [count, found]) in &all.pieces {
        println!("{kind}: {found} of {count} pieces found");
    }
    let mut verdict = Verdict::default();
    let Shares {
        recall,
        precision,
        touched,
    } = all.shares();
    verdict.at_least("recall", recall, 0.8);
    verdict.at_least("precision", precision, 0.8);
    verdict.at_most("% of clean pixels touched", touched, 0.05);
    let gain = all.errors[0].psnr()
        - all.errors[1..]
            .iter()
            .filter(|e| e.count > 0)
            .map(Errors::psnr)
            .fold(0.0, f64::max);
    verdict.at_least("dB above Telea", gain, 5.0);
    judge_cost(&mut verdict)?;
    Ok(verdict.exit_code())
}

struct Shares {
    recall: f64,
    precision: f64,
    /// In percent.
    touched: f64,
}

impl Score {
    fn shares(&self) -> Shares {
        let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
        Shares {
            recall: share(self.found, self.damaged),
            precision: share(self.rightly_called, self.called),
            touched: 100.0 * share(self.clean_called, self.clean),
        }
    }

    fn join(&mut self, other: &Self) {
        self.damaged += other.damaged;
        self.found += other.found;
        self.called += other.called;
        self.rightly_called += other.rightly_called;
        self.clean += other.clean;
        self.clean_called += other.clean_called;
        for (kind, [all, found]) in &other.pieces {
            let sums = self.pieces.entry(kind.clone()).or_default();
            sums[0] += all;
            sums[1] += found;
        }
        for (errors, other) in self.errors.iter_mut().zip(other.errors) {
            errors.sum += other.sum;
            errors.count += other.count;
        }
    }
}

fn print(name: &str, score: &Score) {
    let Shares {
        recall,
        precision,
        touched,
    } = score.shares();
    let psnr = score.errors.map(|errors| match errors.count {
        0 => "-".to_string(),
        _ => format!("{:.2}", errors.psnr()),
    });
    println!(
        "| {name} | {recall:.3} | {precision:.3} | {touched:.4} % | {} |",
        psnr.join(" | ")
    );
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
