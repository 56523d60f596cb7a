//! What became of a frame.

use std::time::{Duration, Instant};

/// Steps that a frame goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Finding the regions.
    Locate,
    /// Finding what is before faces.
    Covers,
    /// Reading their crops and masks.
    Preprocess,
    /// Running the generator.
    Inference,
    /// Fitting and writing the completions, drawing the overlay, adding the metas.
    Postprocess,
}

impl Step {
    /// All steps in their order.
    pub const ALL: [Self; 5] = [
        Self::Locate,
        Self::Covers,
        Self::Preprocess,
        Self::Inference,
        Self::Postprocess,
    ];

    /// Its name in the statistics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Locate => "locate",
            Self::Covers => "covers",
            Self::Preprocess => "preprocess",
            Self::Inference => "inference",
            Self::Postprocess => "postprocess",
        }
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Regions that were looked at.
    pub faces: usize,
    /// Those before which a cover is found.
    pub covered: usize,
    /// Those that the net which finds covers looked at.
    pub looked: usize,
    /// Whether other faces are covered than before, or by something else.
    pub has_cover_news: bool,
    /// Drop-outs that are found.
    pub drop_outs: usize,
    /// Whether they are found elsewhere than in the last frame.
    pub has_drop_out_news: bool,
    /// Regions with a completion of their own.
    pub completed: usize,
    /// Regions on which an earlier completion was laid.
    pub reused: usize,
    /// Regions left as they were because they cannot be completed.
    pub invalid: usize,
    /// Those of them whose completion is no picture: a NaN or an infinity is in it.
    pub without_numbers: usize,
    /// Regions left as they were because there are more than are wanted.
    pub surplus: usize,
    /// Whether damage was filled plainly, for no region has it.
    pub has_filled: bool,
    /// Sums of what the holes of completed regions are filled with.
    pub shares: Shares,
    /// Regions that are summed there: those of which the generator tells it.
    pub shared: usize,
    /// Regions whose view is summed there.
    pub viewed: usize,
    /// Whether a reference picture fits no face, where there is one with something missing.
    pub is_unplaced: bool,
    /// How long each of [`Step::ALL`] took, if it was taken.
    pub times: [Option<Duration>; Step::ALL.len()],
}

/// What a hole is filled with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    /// The share copied from what the stream has shown before, in `[0, 1]`, as are all.
    pub memory: f32,
    /// The share copied from what the stream shows later.
    pub later: f32,
    /// The share copied from a reference picture.
    pub reference: f32,
    /// The share copied from the other half of the face.
    pub mirror: f32,
    /// The share painted.
    pub painted: f32,
    /// How well the view agrees with what is seen of the face: 1 where they are the same; nothing
    /// without a view.
    pub agreement: Option<f32>,
}

impl Report {
    /// Counts a region with a completion, that of an earlier frame or its own, and notes what its
    /// hole is filled with, as far as that is known.
    pub fn add_completed(&mut self, is_recalled: bool, shares: Option<&Shares>) {
        match is_recalled {
            true => self.reused += 1,
            false => self.completed += 1,
        }
        if let Some(shares) = shares {
            self.add_shares(shares);
        }
    }

    fn add_shares(&mut self, shares: &Shares) {
        let sum = &mut self.shares;
        sum.memory += shares.memory;
        sum.later += shares.later;
        sum.reference += shares.reference;
        sum.mirror += shares.mirror;
        sum.painted += shares.painted;
        self.shared += 1;
        if let Some(agreement) = shares.agreement {
            *sum.agreement.get_or_insert(0.0) += agreement;
            self.viewed += 1;
        }
    }

    /// Notes how long `step` took.
    pub fn set_time(&mut self, step: Step, time: Duration) {
        self.times[step as usize] = Some(time);
    }

    /// How long all steps took.
    pub fn total(&self) -> Duration {
        self.times.iter().flatten().sum()
    }
}

/// Times between laps.
pub(super) struct Lap(Instant);

impl Lap {
    /// The first one begins.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long the lap took that ends; the next one begins.
    pub fn next(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}
