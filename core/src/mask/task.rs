//! The completion tasks of Fig. 3 as samplers of masks, and their names on command lines.

use std::fmt;
use std::str::FromStr;

use rand::{Rng, RngExt};

use super::{CHANNELS, Mask, Strokes, centred_rect, sample_rect, uniform};
use crate::occlusion::{Occlusion, Rect};

/// A completion task: a way to draw a [`Mask`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Task {
    /// I: the centred rectangle of area ratio `S` is missing.
    Inpainting(f64),
    /// RI: only the centred rectangle of area ratio `S` is known.
    ReverseInpainting(f64),
    /// Col-n: `n` (1 or 2) whole channels, drawn at random, are missing.
    Colorization(usize),
    /// RE: one random rectangle of area ratio `S` is known in all channels.
    RandomExtrapolation(f64),
    /// REC: each channel is known in a random rectangle of its own, of area ratio `S`.
    Rec(f64),
    /// One random rectangle is missing in all channels, its area ratio uniform in 0.02 to 0.5.
    RandomBlock,
    /// Random brush strokes are missing in all channels.
    FreeForm(Strokes),
    /// A named occlusion, moved by up to `jitter` pixels each way.
    Occlusion {
        /// Which.
        occlusion: Occlusion,
        /// Largest shift in pixels.
        jitter: usize,
    },
}

impl Task {
    /// Draws a mask.
    pub fn sample(&self, width: usize, height: usize, rng: &mut (impl Rng + ?Sized)) -> Mask {
        match *self {
            Self::Inpainting(ratio) => {
                let mut mask = Mask::known(width, height);
                mask.drop_rect(centred_rect(ratio, width, height));
                mask
            }
            Self::ReverseInpainting(ratio) => Self::Inpainting(ratio)
                .sample(width, height, rng)
                .complement(),
            Self::Colorization(missing) => colorization(missing, width, height, rng),
            Self::RandomExtrapolation(ratio) => {
                let rect = sample_rect(ratio, width, height, rng);
                let mut mask = Mask::missing(width, height);
                for channel in 0..CHANNELS {
                    mask.set_known(channel, rect);
                }
                mask
            }
            Self::Rec(ratio) => {
                let mut mask = Mask::missing(width, height);
                for channel in 0..CHANNELS {
                    mask.set_known(channel, sample_rect(ratio, width, height, rng));
                }
                mask
            }
            Self::RandomBlock => {
                let ratio = uniform(0.02, 0.5, rng);
                let mut mask = Mask::known(width, height);
                mask.drop_rect(sample_rect(ratio, width, height, rng));
                mask
            }
            Self::FreeForm(strokes) => strokes.sample(width, height, rng),
            Self::Occlusion { occlusion, jitter } => {
                jittered(occlusion, jitter, width, height, rng)
            }
        }
    }

    /// The known rectangles of a mask of this task, one a channel: what the hide-and-seek loss
    /// (section 2.4) has the discriminator look for. `None` but for RE and REC, with which alone
    /// the paper plays, and for a rectangle too small to hold a pixel.
    pub fn boxes(&self, mask: &Mask) -> Option<[Rect; CHANNELS]> {
        match self {
            Self::RandomExtrapolation(_) | Self::Rec(_) => Some([
                mask.known_bounds(0)?,
                mask.known_bounds(1)?,
                mask.known_bounds(2)?,
            ]),
            _ => None,
        }
    }
}

fn colorization(
    missing: usize,
    width: usize,
    height: usize,
    rng: &mut (impl Rng + ?Sized),
) -> Mask {
    let first = rng.random_range(0..CHANNELS);
    let mut mask = Mask::known(width, height);
    // One missing channel is the one drawn; of two, the one drawn is the one that stays.
    for channel in (0..CHANNELS).filter(|&c| (c == first) == (missing == 1)) {
        mask.drop_channel(channel);
    }
    mask
}

fn jittered(
    occlusion: Occlusion,
    jitter: usize,
    width: usize,
    height: usize,
    rng: &mut (impl Rng + ?Sized),
) -> Mask {
    let rect = occlusion.rect().scaled_to(width, height);
    let mut mask = Mask::known(width, height);
    if jitter == 0 {
        mask.drop_rect(rect);
        return mask;
    }
    let reach = i32::try_from(jitter).unwrap_or(i32::MAX);
    let mut draw = || rng.random_range(-reach..=reach) as isize;
    let (dx, dy) = (draw(), draw());
    mask.drop_rect(rect.moved_within(dx, dy, width, height));
    mask
}

/// A task's name could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown task '{0}': expected I:S, RI:S, RE:S, REC:S (S in (0, 1)), Col-1, Col-2, block, \
     strokes, or an occlusion (right-half, left-half, eyes, right-eye, left-eye, mouth), \
     optionally with ~JITTER pixels"
)]
pub struct ParseTaskError(String);

impl FromStr for Task {
    type Err = ParseTaskError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParseTaskError(text.to_owned());
        if let Some((name, ratio)) = text.split_once(':') {
            let ratio: f64 = ratio.parse().map_err(|_| fail())?;
            if !(ratio > 0.0 && ratio < 1.0) {
                return Err(fail());
            }
            return match name {
                "I" => Ok(Self::Inpainting(ratio)),
                "RI" => Ok(Self::ReverseInpainting(ratio)),
                "RE" => Ok(Self::RandomExtrapolation(ratio)),
                "REC" => Ok(Self::Rec(ratio)),
                _ => Err(fail()),
            };
        }
        match text {
            "Col-1" => Ok(Self::Colorization(1)),
            "Col-2" => Ok(Self::Colorization(2)),
            "block" => Ok(Self::RandomBlock),
            "strokes" => Ok(Self::FreeForm(Strokes::default())),
            _ => {
                let (name, jitter) = text.split_once('~').unwrap_or((text, "0"));
                Ok(Self::Occlusion {
                    occlusion: name.parse().map_err(|_| fail())?,
                    jitter: jitter.parse().map_err(|_| fail())?,
                })
            }
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inpainting(s) => write!(f, "I:{s}"),
            Self::ReverseInpainting(s) => write!(f, "RI:{s}"),
            Self::Colorization(n) => write!(f, "Col-{n}"),
            Self::RandomExtrapolation(s) => write!(f, "RE:{s}"),
            Self::Rec(s) => write!(f, "REC:{s}"),
            Self::RandomBlock => write!(f, "block"),
            Self::FreeForm(_) => write!(f, "strokes"),
            Self::Occlusion {
                occlusion,
                jitter: 0,
            } => write!(f, "{occlusion}"),
            Self::Occlusion { occlusion, jitter } => write!(f, "{occlusion}~{jitter}"),
        }
    }
}
