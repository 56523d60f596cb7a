//! What is counted of frames that were damaged and mended.

use std::collections::BTreeMap;

use anyhow::Result;

use super::clips::Image;
use super::lay::Laid;
use super::peers::{self, Peers};
use super::{Mended, RIM, SEEN, vapoursynth};
use mde_core::occlusion::Rect;

/// Squared errors.
#[derive(Clone, Copy, Default)]
pub struct Errors {
    sum: f64,
    count: usize,
}

impl Errors {
    /// Adds those of `other` in pixel `at`, in green.
    fn add(&mut self, sound: &Image, other: &Image, at: usize) {
        let difference = sound.pixels[3 * at + 1].abs_diff(other.pixels[3 * at + 1]);
        self.sum += f64::from(difference).powi(2);
        self.count += 1;
    }

    fn join(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    /// In dB; nothing where nothing was added.
    pub fn psnr(&self) -> Option<f64> {
        let mean = self.sum.max(1e-9) / self.count as f64;
        (self.count > 0).then(|| 10.0 * (255.0f64.powi(2) / mean).log10())
    }
}

/// Of damage that was laid on, and of sound frames.
#[derive(Default)]
pub struct Score {
    damaged: usize,
    found: usize,
    called: usize,
    rightly_called: usize,
    clean: usize,
    clean_called: usize,
    /// Of each kind, pieces in frames, and those of which at least half is found.
    pub pieces: BTreeMap<String, [usize; 2]>,
    /// In found damage: of what is mended, and of what the peers fill in that are told where it is.
    pub mended: Errors,
    pub filled: [Errors; peers::NAMES.len()],
    /// In all damage: as it is, of what is mended, and of what filters make of it that find it for
    /// themselves; and pixels beside it that each of these changes.
    pub all: [Errors; 2 + vapoursynth::NAMES.len()],
    touched: [usize; 2 + vapoursynth::NAMES.len()],
    beside: usize,
}

/// Shares of a score.
pub struct Shares {
    pub recall: f64,
    pub precision: f64,
    /// In percent.
    pub clean_called: f64,
}

impl Score {
    /// Adds sound frames that were looked at.
    pub fn add_clean(&mut self, done: &[Mended]) {
        for mended in done {
            self.clean += mended.weights.len();
            self.clean_called += mended.weights.iter().filter(|w| **w > 0.0).count();
        }
    }

    /// Adds `sound` frames which `damaged` are made of and that are mended in `done`.
    pub fn add(
        &mut self,
        sound: &[Image],
        damaged: &[(Image, Laid)],
        done: &[Mended],
        peers: &mut Peers,
    ) -> Result<()> {
        let images: Vec<Image> = damaged.iter().map(|(image, _)| image.clone()).collect();
        let filtered = vapoursynth::filtered(&images)?;
        for (number, sound) in sound.iter().enumerate() {
            let (image, pieces) = &damaged[number];
            let filtered = filtered
                .as_ref()
                .map(|clips| clips.each_ref().map(|clip| &clip[number]));
            self.add_frame(sound, image, pieces, &done[number], filtered, peers)?;
        }
        Ok(())
    }

    fn add_frame(
        &mut self,
        sound: &Image,
        image: &Image,
        pieces: &Laid,
        mended: &Mended,
        filtered: Option<[&Image; 2]>,
        peers: &mut Peers,
    ) -> Result<()> {
        let differ =
            |a: &Image, b: &Image, at: usize| a.pixels[3 * at + 1].abs_diff(b.pixels[3 * at + 1]);
        let count = mended.weights.len();
        let mut is_laid = vec![false; count];
        for at in pieces.iter().flat_map(|(_, pixels)| pixels) {
            is_laid[*at] = true;
        }
        let is_damaged: Vec<bool> = (0..count)
            .map(|at| differ(sound, image, at) > SEEN)
            .collect();
        let is_near = grown(&is_laid, sound.width);
        let boxes: Vec<Rect> = pieces
            .iter()
            .map(|(_, pixels)| box_of(pixels, image))
            .collect();
        let filled = match pieces.is_empty() {
            true => Default::default(),
            false => peers.fill(image, &is_near, &boxes)?,
        };
        let alone = [
            Some(image),
            Some(&mended.image),
            filtered.map(|f| f[0]),
            filtered.map(|f| f[1]),
        ];
        for (at, weight) in mended.weights.iter().enumerate() {
            let is_called = *weight >= 0.5;
            self.damaged += usize::from(is_damaged[at]);
            self.called += usize::from(is_called);
            self.rightly_called += usize::from(is_called && is_near[at]);
            self.beside += usize::from(!is_near[at]);
            for (index, other) in alone.iter().enumerate() {
                let Some(other) = other else { continue };
                if is_damaged[at] {
                    self.all[index].add(sound, other, at);
                } else if !is_near[at] && differ(sound, other, at) > 2 {
                    self.touched[index] += 1;
                }
            }
            if is_called && is_damaged[at] {
                self.found += 1;
                self.mended.add(sound, &mended.image, at);
                for (errors, filled) in self.filled.iter_mut().zip(&filled) {
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
        Ok(())
    }

    /// Adds `other`.
    pub fn join(&mut self, other: &Self) {
        self.damaged += other.damaged;
        self.found += other.found;
        self.called += other.called;
        self.rightly_called += other.rightly_called;
        self.clean += other.clean;
        self.clean_called += other.clean_called;
        self.beside += other.beside;
        for (kind, [all, found]) in &other.pieces {
            let sums = self.pieces.entry(kind.clone()).or_default();
            sums[0] += all;
            sums[1] += found;
        }
        self.mended.join(other.mended);
        for (errors, other) in self.filled.iter_mut().zip(other.filled) {
            errors.join(other);
        }
        for (errors, other) in self.all.iter_mut().zip(other.all) {
            errors.join(other);
        }
        for (sum, other) in self.touched.iter_mut().zip(other.touched) {
            *sum += other;
        }
    }

    pub fn shares(&self) -> Shares {
        let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
        Shares {
            recall: share(self.found, self.damaged),
            precision: share(self.rightly_called, self.called),
            clean_called: 100.0 * share(self.clean_called, self.clean),
        }
    }

    /// The pixels beside damage that each of [`Self::all`] changes, in percent.
    pub fn touched(&self) -> impl Iterator<Item = f64> {
        let all = self.beside.max(1) as f64;
        self.touched
            .iter()
            .map(move |count| 100.0 * *count as f64 / all)
    }
}

/// What is within the rim of what is `laid`.
fn grown(laid: &[bool], width: usize) -> Vec<bool> {
    let mut grown = vec![false; laid.len()];
    let height = laid.len() / width;
    for (at, _) in laid.iter().enumerate().filter(|(_, is)| **is) {
        let (x, y) = (at % width, at / width);
        for v in y.saturating_sub(RIM)..(y + RIM + 1).min(height) {
            grown[v * width..][x.saturating_sub(RIM)..(x + RIM + 1).min(width)].fill(true);
        }
    }
    grown
}

/// What `pixels` of `image` lie in, with the rim.
fn box_of(pixels: &[usize], image: &Image) -> Rect {
    let mut area = Rect::new(image.width, image.height, 0, 0);
    for at in pixels {
        let (x, y) = (at % image.width, at / image.width);
        area.x0 = area.x0.min(x.saturating_sub(RIM));
        area.y0 = area.y0.min(y.saturating_sub(RIM));
        area.x1 = area.x1.max((x + RIM + 1).min(image.width));
        area.y1 = area.y1.max((y + RIM + 1).min(image.height));
    }
    area
}
