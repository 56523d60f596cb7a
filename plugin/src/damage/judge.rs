//! Which channel is damaged, and how: from one frame to the next.

use super::confidence;
use super::edges::{Place, best_shift, climb, top};
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
const CHROMA_ALIVE: f32 = 0.016;
/// Deviation below which a channel is flat.
const FLAT: f32 = 0.02;
/// The same of luma.
const LUMA_FLAT: f32 = 0.012;
/// The same of chroma.
const CHROMA_FLAT: f32 = 0.006;
/// The share of a flat channel's deviation that the others may explain.
const EXPLAINED: f32 = 0.6;
/// The same where it has next to none beside theirs: what coding leaves in it follows them.
const EXPLAINED_IN_LITTLE: f32 = 0.8;
/// The same where it is dark, and little of it is told by others of another colour.
const EXPLAINED_IN_DIM: f32 = 0.5;
/// Next to none: its share of theirs.
const LITTLE: f32 = 0.1;
/// Mean of a channel that may be dark by itself.
const DIM: f32 = 0.06;
/// The share of its power that a black channel has below black, after coding.
const BELOW: f32 = 0.2;
/// The share of the others' contrast, beside their means, that a coloured light leaves a channel.
const SHADED: f32 = 0.4;
/// Contrast of a channel whose edges are to be looked for.
const CONTRAST: f32 = 0.025;
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
const NOISY: f32 = 0.04;
/// The same of a plane, of which coding takes more.
const PLANE_NOISY: f32 = 0.03;
/// The share of the contrast of noise that is between neighbours.
const WHITE: f32 = 0.6;
/// The share of that which red, green and blue may have besides. They have as much as luma has of
/// the noise, but there the picture has more contrast.
const WHITE_BESIDE: f32 = 0.7;
/// The noise that the others may have besides.
const QUIET: f32 = 0.5;
/// The share of luma's contrast that is between neighbours, and the noise of chroma, where luma is
/// noise.
const LUMA_WHITE: f32 = 0.8;
const LUMA_QUIET: f32 = 0.35;
/// Agreement with the others that noise does not reach.
const UNLIKE: f32 = 0.3;
/// The same of red, green and blue, which have their luma in common.
const RGB_UNLIKE: f32 = 0.65;
/// Agreement of a displaced channel with the others where it belongs.
const FOUND: f32 = 0.44;
/// By how much it agrees better there.
const GAIN: f32 = 0.02;
/// Agreement with the others from which on a channel may lie beside its place, but not far.
const NEAR: f32 = 0.9;
/// How far it lies from there at least, in pixels of the patches. What is coded keeps a share of
/// each channel where luma is, which draws the top of the agreement there.
const FAR: f32 = 0.36;
/// The same while it is known to be displaced.
const STILL_FAR: f32 = 0.3;
/// The share of its displacement by which the others may lie beside each other.
const BESIDE: f32 = 0.5;
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
        // The edges of planes lie beside each other even where they are right.
        let is_sound = self.held.iter().all(Option::is_none) && !had_faults.contains(&true);
        if self.space == Space::Rgb
            && is_sound
            && let Some((channel, shift)) = displaced(now)
        {
            let fault = Fault::Shifted(shift);
            self.held[channel] = Some(Held { fault, doubts: 0 });
        }
        self.held.map(|held| held.map(|held| held.fault))
    }

    /// How sure it is what is wrong with each channel of `now`, the frame that was judged last, from 0
    /// to 1; 0 where nothing is.
    pub fn confidences(&self, now: &Look) -> [f32; 3] {
        [0, 1, 2].map(|channel| {
            let Some(Held { fault, doubts }) = self.held[channel] else {
                return 0.0;
            };
            let seen = match fault {
                Fault::Dead | Fault::Stuck | Fault::Flat => {
                    confidence(self.flat(channel), now.tones[channel].deviation)
                }
                Fault::Noise => confidence(now.grains[channel].noise, self.noisy()),
                Fault::Shifted(shift) => {
                    let agreement = |shift| now.agreement(channel, shift);
                    confidence(climb(shift, agreement).1, FOUND)
                }
            };
            // It is the less sure the longer nothing has been told of it.
            seen * (1.0 - doubts as f32 / (PATIENCE + 1) as f32)
        })
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
                let agreement = |shift| now.agreement(channel, shift);
                let (place, there) = better(climb(shift, agreement), climb([0, 0], agreement));
                if there < FOUND / 2.0 {
                    return Verdict::Unclear;
                }
                let off = length(top(place, agreement));
                let is_same = place.iter().zip(shift).all(|(a, b)| (a - b).abs() <= 1);
                match off > STILL_FAR && is_same {
                    true => Verdict::Still(fault),
                    false => Verdict::Gone,
                }
            }
        }
    }

    fn find(&self, channel: usize, now: &Look, before: Option<&Look>) -> Option<Fault> {
        // Noise is flat where it is averaged.
        if self.is_noise(channel, now, 1.0) {
            return Some(Fault::Noise);
        }
        let is_fault = self.is_flat(channel, now, 1.0)
            && (self.cannot_be_flat(channel, now)
                || before.is_some_and(|before| self.has_just_failed(channel, now, before)));
        is_fault.then(|| self.flat_kind(channel, now))
    }

    fn flat(&self, channel: usize) -> f32 {
        match (self.space, channel) {
            (Space::Yuv, 0) => LUMA_FLAT,
            (Space::Yuv, _) => CHROMA_FLAT,
            (Space::Rgb, _) => FLAT,
        }
    }

    fn noisy(&self) -> f32 {
        match self.space {
            Space::Rgb => NOISY,
            Space::Yuv => PLANE_NOISY,
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
        let beside = others(channel).map(|c| now.tones[c].deviation);
        let is_dim = self.space == Space::Rgb && tone.mean < DIM;
        let limit = match tone.deviation < LITTLE * beside[0].min(beside[1]) {
            _ if is_dim => EXPLAINED_IN_DIM,
            true => EXPLAINED_IN_LITTLE,
            false => EXPLAINED,
        };
        let mut is_picture = tone.explained > limit * ease * tone.deviation;
        if is_dim {
            // What little a coloured light leaves of a channel lies above black, with the contrast
            // that the others have; what coding makes of black lies on both sides.
            let contrasts = others(channel).map(|c| now.tones[c].contrast());
            let least = contrasts[0].min(contrasts[1]) * SHADED;
            is_picture &=
                tone.deviation > DARK && tone.below < BELOW / ease && tone.contrast() > least;
        }
        tone.deviation < flat && (!is_picture || tone.deviation < DARK)
    }

    fn flat_kind(&self, channel: usize, now: &Look) -> Fault {
        let tone = &now.tones[channel];
        match () {
            () if tone.deviation.max(now.grains[channel].contrast) >= STUCK => Fault::Flat,
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
        let agreement = now.agreement(channel, [0, 0]);
        let [white, quiet] = match (self.space, channel) {
            (Space::Rgb, _) => {
                return own.noise > self.noisy() * ease
                    && own.whiteness() > WHITE * ease
                    && now.whiteness_beside(channel) * ease < WHITE_BESIDE
                    && agreement < RGB_UNLIKE;
            }
            // Luma may have texture where chroma has none.
            (Space::Yuv, 0) => [LUMA_WHITE, LUMA_QUIET],
            (Space::Yuv, _) => [WHITE, QUIET],
        };
        let is_white = own.noise > self.noisy() * ease && own.whiteness() > white * ease;
        is_white && now.spill(channel) * ease < quiet && agreement < UNLIKE
    }
}

/// The one of red, green and blue that lies beside the two others, and by how much, if there is one.
fn displaced(now: &Look) -> Option<(usize, [i32; 2])> {
    // What has next to no edges tells nothing of where it lies.
    if now.grains.iter().any(|grain| grain.contrast < CONTRAST) {
        return None;
    }
    let mut offsets = [0, 1, 2].map(|channel| (channel, offset(channel, now)));
    offsets.sort_by(|a, b| length(b.1).total_cmp(&length(a.1)));
    let mut far = offsets.into_iter().filter(|(_, off)| length(*off) > FAR);
    let (channel, off) = far.find(|&(channel, off)| is_alone(channel, off, now))?;
    // What lies beside its place does so by a pixel at least.
    let scale = 1.0 / length(off).min(1.0);
    Some((channel, off.map(|v| (v * scale).round() as i32)))
}

/// Whether `channel`, and it alone, lies `off` pixels of the patches beside its place.
fn is_alone(channel: usize, off: [f32; 2], now: &Look) -> bool {
    // The others agree where they are; else this channel may be the one that is in its place.
    let beside = |shift| now.agreement_beside(channel, shift);
    let (place, agreement) = climb([0, 0], beside);
    if agreement < FOUND || length(top(place, beside)) > BESIDE * length(off) {
        return false;
    }
    // A pattern may agree with itself elsewhere, but not everywhere at the same distance.
    let start = off.map(|v| v.round() as i32);
    [0, 1].into_iter().all(|half| {
        let agreement = |shift| now.agreement_in_half(half, channel, shift);
        let there = top(climb(start, agreement).0, agreement);
        let apart = [there[0] - off[0], there[1] - off[1]];
        length(apart) < BESIDE * length(off).max(1.0)
    })
}

/// How far `channel` lies from where it agrees best with the others, in pixels of the patches.
fn offset(channel: usize, now: &Look) -> [f32; 2] {
    let agreement = |shift| now.agreement(channel, shift);
    let here = agreement([0, 0]);
    let near = climb([0, 0], agreement);
    let (place, there) = match near.1 > NEAR {
        true => near,
        false => better(near, best_shift(agreement)),
    };
    let is_better = place == [0, 0] || there > here + GAIN;
    match there > FOUND && is_better {
        true => top(place, agreement),
        false => [0.0; 2],
    }
}

/// The place where the agreement is greater.
fn better(a: Place, b: Place) -> Place {
    match a.1 < b.1 {
        true => b,
        false => a,
    }
}

/// The greater of how far something lies to the side and up or down.
fn length([x, y]: [f32; 2]) -> f32 {
    x.abs().max(y.abs())
}
