//! Which channel is damaged, and how: from one frame to the next.

use super::edges::{best_of, best_shift};
use super::look::{Look, others};

/// What is wrong with a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// It has its lowest value everywhere.
    Dead,
    /// It has one value everywhere.
    Stuck,
    /// It has nearly one value everywhere, and what differs is not the picture.
    Flat,
    /// It is noise.
    Noise,
    /// It is displaced by so many pixels of the patches, to the right and down.
    Shifted([i32; 2]),
}

impl Fault {
    /// The same where a pixel of the patches is `scale` pixels of the frame.
    pub fn scaled(self, scale: i32) -> Self {
        match self {
            Self::Shifted(shift) => Self::Shifted(shift.map(|v| v * scale)),
            _ => self,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Stuck => "stuck",
            Self::Flat => "flat",
            Self::Noise => "noise",
            Self::Shifted(_) => "shifted",
        }
    }
}

/// What three channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Red, green and blue.
    Rgb,
    /// Luma and two planes of chroma.
    Yuv,
}

/// Deviation of a channel that shows a picture.
const ALIVE: f32 = 0.06;
/// The same of chroma.
const CHROMA_ALIVE: f32 = 0.02;
/// Deviation below which a channel is flat.
const FLAT: f32 = 0.02;
/// The same of luma.
const LUMA_FLAT: f32 = 0.012;
/// The same of chroma.
const CHROMA_FLAT: f32 = 0.004;
/// The share of a flat channel's deviation that the others may explain.
const EXPLAINED: f32 = 0.6;
/// Mean of a channel that may be dark by itself.
const DIM: f32 = 0.06;
/// The share of its power that a black channel has below black, after coding.
const BELOW: f32 = 0.2;
/// Contrast of a channel whose edges are to be looked for.
const CONTRAST: f32 = 0.03;
/// Deviation of a channel that has one value, as coded.
const STUCK: f32 = 0.004;
/// Mean of a channel at its lowest value.
const DEAD: f32 = 0.04;
/// Deviation of a channel that has one value, as it is averaged.
const DARK: f32 = 0.002;
/// Bits of a channel's histogram from which on it shows a picture, not a title.
const RICH: f32 = 2.5;
/// Mean change of a channel from frame to frame beside one that fails.
const STEADY: f32 = 0.03;
/// Noise of a channel that is noise.
const NOISY: f32 = 0.05;
/// The share of the contrast of noise that is between neighbours.
const WHITE: f32 = 0.6;
/// The noise that the others may have besides.
const QUIET: f32 = 0.5;
/// The share of luma's contrast that is between neighbours, and the noise of chroma, where luma is
/// noise.
const LUMA_WHITE: f32 = 0.8;
const LUMA_QUIET: f32 = 0.35;
/// Agreement with the others that noise does not reach.
const UNLIKE: f32 = 0.3;
/// Agreement of a displaced channel with the others where it belongs.
const FOUND: f32 = 0.5;
/// By how much it agrees better there.
const GAIN: f32 = 0.1;
/// Frames for which a fault is kept while nothing can be told.
const PATIENCE: u32 = 25;

/// A fault, and for how many frames nothing was to be told of it.
#[derive(Clone, Copy, Debug)]
struct Held {
    fault: Fault,
    doubts: u32,
}

/// What a frame says of a channel that has a fault.
enum Verdict {
    Still(Fault),
    Unclear,
    Gone,
}

/// Judges three channels from frame to frame.
#[derive(Clone, Debug)]
pub struct Judge {
    space: Space,
    held: [Option<Held>; 3],
}

impl Judge {
    /// For channels that are `space`.
    pub fn new(space: Space) -> Self {
        Self {
            space,
            held: [None; 3],
        }
    }

    /// What is wrong with each channel of the frame `now`, which comes after `before` and is
    /// measured at the same places.
    pub fn judge(&mut self, now: &Look, before: Option<&Look>) -> [Option<Fault>; 3] {
        // What has just got well again is not looked at twice.
        let had_faults = self.held.map(|held| held.is_some());
        for channel in 0..3 {
            self.held[channel] = match self.held[channel] {
                Some(held) => self.keep(held, channel, now),
                None => None,
            };
        }
        let found = [0, 1, 2].map(|channel| match had_faults[channel] {
            true => None,
            false => self.find(channel, now, before),
        });
        for (held, fault) in self.held.iter_mut().zip(found) {
            if let Some(fault) = fault {
                *held = Some(Held { fault, doubts: 0 });
            }
        }
        self.held.map(|held| held.map(|held| held.fault))
    }

    fn keep(&self, held: Held, channel: usize, now: &Look) -> Option<Held> {
        match self.review(held.fault, channel, now) {
            Verdict::Still(fault) => Some(Held { fault, doubts: 0 }),
            Verdict::Unclear if held.doubts < PATIENCE => Some(Held {
                doubts: held.doubts + 1,
                ..held
            }),
            _ => None,
        }
    }

    fn review(&self, fault: Fault, channel: usize, now: &Look) -> Verdict {
        match fault {
            Fault::Dead | Fault::Stuck | Fault::Flat => {
                if !self.is_flat(channel, now, 1.5) {
                    return match self.find(channel, now, None) {
                        Some(fault) => Verdict::Still(fault),
                        None => Verdict::Gone,
                    };
                }
                let mut beside = others(channel).into_iter();
                match beside.any(|c| now.tones[c].deviation > self.flat(c)) {
                    true => Verdict::Still(self.flat_kind(channel, now)),
                    false => Verdict::Unclear,
                }
            }
            Fault::Noise => match self.is_noise(channel, now, 0.8) {
                true => Verdict::Still(fault),
                false => Verdict::Gone,
            },
            Fault::Shifted(shift) => {
                let (there, here) = (
                    now.agreement(channel, shift),
                    now.agreement(channel, [0, 0]),
                );
                match () {
                    () if there > here + GAIN / 3.0 && there > FOUND / 2.0 => Verdict::Still(fault),
                    () if here > there => Verdict::Gone,
                    () => Verdict::Unclear,
                }
            }
        }
    }

    fn find(&self, channel: usize, now: &Look, before: Option<&Look>) -> Option<Fault> {
        if self.is_flat(channel, now, 1.0) {
            let is_fault = self.cannot_be_flat(channel, now)
                || before.is_some_and(|before| self.has_just_failed(channel, now, before));
            return is_fault.then(|| self.flat_kind(channel, now));
        }
        if self.is_noise(channel, now, 1.0) {
            return Some(Fault::Noise);
        }
        match self.space {
            Space::Rgb => self.shift(channel, now),
            // The edges of planes lie beside each other even where they are right.
            Space::Yuv => None,
        }
    }

    fn flat(&self, channel: usize) -> f32 {
        match (self.space, channel) {
            (Space::Yuv, 0) => LUMA_FLAT,
            (Space::Yuv, _) => CHROMA_FLAT,
            (Space::Rgb, _) => FLAT,
        }
    }

    fn alive(&self, channel: usize) -> f32 {
        match (self.space, channel) {
            (Space::Yuv, 1 | 2) => CHROMA_ALIVE,
            _ => ALIVE,
        }
    }

    fn is_flat(&self, channel: usize, now: &Look, ease: f32) -> bool {
        let tone = &now.tones[channel];
        let flat = self.flat(channel) * ease;
        let is_picture = match tone.mean < DIM {
            // What little a coloured light leaves of a channel lies above black; what coding makes
            // of black lies on both sides.
            true => tone.deviation > DARK && tone.below < BELOW / ease,
            false => tone.explained > EXPLAINED * ease * tone.deviation,
        };
        tone.deviation < flat && (!is_picture || tone.deviation < DARK)
    }

    fn flat_kind(&self, channel: usize, now: &Look) -> Fault {
        let tone = &now.tones[channel];
        match () {
            () if tone.deviation >= STUCK => Fault::Flat,
            () if tone.mean < DEAD => Fault::Dead,
            () => Fault::Stuck,
        }
    }

    /// Whether no picture has a flat channel beside others like these.
    fn cannot_be_flat(&self, channel: usize, now: &Look) -> bool {
        let beside = others(channel);
        match (self.space, channel) {
            (Space::Rgb, _) => beside.iter().all(|&c| {
                let tone = &now.tones[c];
                tone.deviation >= self.alive(c) && tone.bits >= RICH
            }),
            (Space::Yuv, 0) => beside
                .iter()
                .any(|&c| now.tones[c].deviation >= self.alive(c)),
            (Space::Yuv, _) => {
                let chroma = 3 - channel;
                let [luma, other] = [0, chroma].map(|c| now.tones[c].deviation);
                let is_extreme = (now.tones[channel].mean - 0.5).abs() > 0.3;
                luma >= ALIVE && (other >= CHROMA_ALIVE || is_extreme)
            }
        }
    }

    /// Whether the channel showed a picture in the frame before and the others still do.
    fn has_just_failed(&self, channel: usize, now: &Look, before: &Look) -> bool {
        let was = before.tones[channel].deviation;
        let had_picture =
            was > 2.5 * self.flat(channel) && was > 4.0 * now.tones[channel].deviation;
        had_picture
            && others(channel).into_iter().any(|c| {
                now.continues(before, c)
                    && now.change(before, c) < STEADY
                    && now.tones[c].deviation > 2.5 * self.flat(c)
            })
    }

    fn is_noise(&self, channel: usize, now: &Look, ease: f32) -> bool {
        let own = &now.grains[channel];
        // Luma may have texture where chroma has none.
        let [white, quiet] = match (self.space, channel) {
            (Space::Yuv, 0) => [LUMA_WHITE, LUMA_QUIET],
            _ => [WHITE, QUIET],
        };
        let is_white = own.noise > NOISY * ease && own.noise > white * ease * own.contrast;
        is_white && now.spill(channel) * ease < quiet && now.agreement(channel, [0, 0]) < UNLIKE
    }

    fn shift(&self, channel: usize, now: &Look) -> Option<Fault> {
        let here = now.agreement(channel, [0, 0]);
        let is_faint = now.grains[channel].contrast < CONTRAST;
        if is_faint || here > 1.0 - GAIN || self.held.iter().any(Option::is_some) {
            return None;
        }
        let (shift, there) = best_shift(|shift| now.agreement(channel, shift));
        if there < FOUND || there < here + GAIN || shift == [0, 0] {
            return None;
        }
        // The others agree where they are; else this channel may be the one that is in its place.
        let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| [2 * dx, 2 * dy]));
        let (beside, _) = best_of(around, |shift| now.agreement_beside(channel, shift));
        (beside == [0, 0]).then_some(Fault::Shifted(shift))
    }
}
