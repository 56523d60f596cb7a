//! When and where a face is covered.

use mde_core::CROP_SIZE;
use mde_core::occlusion::{Occlusion, Rect};

use super::clips;

/// Frames before a cover comes, and those that each stay of the hand lasts.
pub const UNCOVERED: usize = 2 * clips::RATE as usize;
const STAY: usize = clips::RATE as usize;
/// Least frames from a covered frame to the one that a reference is taken from.
const AWAY: usize = 3 * clips::RATE as usize;
/// How far the hand moves to either side, in pixels of the template, and in how many frames it
/// comes back.
const SWAY: f64 = 10.0;
const PERIOD: f64 = 20.0;

/// How a part of a face is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// From the third second on.
    Arriving,
    /// From the first frame on; the reference is the last frame, which is not covered and three
    /// seconds away.
    Static,
    /// Every other second from the third on, by a cover that sways from side to side.
    Hand,
}

impl Situation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Arriving, Self::Static, Self::Hand];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arriving => "arriving",
            Self::Static => "static",
            Self::Hand => "hand",
        }
    }

    /// What is covered of frame `index` of `count`, in pixels of the template.
    pub fn cover(self, part: Occlusion, index: usize, count: usize) -> Option<Rect> {
        let rect = part.rect();
        match self {
            Self::Arriving => (index >= UNCOVERED).then_some(rect),
            Self::Static => (index + AWAY < count).then_some(rect),
            Self::Hand => {
                let since = index.checked_sub(UNCOVERED)?;
                let phase = since as f64 / PERIOD * std::f64::consts::TAU;
                let aside = (SWAY * phase.sin()).round() as isize;
                let moved = |x: usize| x.saturating_add_signed(aside).min(CROP_SIZE);
                (since / STAY).is_multiple_of(2).then(|| Rect {
                    x0: moved(rect.x0),
                    x1: moved(rect.x1),
                    ..rect
                })
            }
        }
    }

    /// The uncovered frame that a copy is taken from, of `count`.
    pub const fn source(self, count: usize) -> usize {
        match self {
            Self::Arriving | Self::Hand => UNCOVERED - 1,
            Self::Static => count - 1,
        }
    }
}
