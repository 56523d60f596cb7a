//! Completions that hold still while the face does.
//!
//! The generator sees each frame for itself, so its completions flicker, and a crop shakes with
//! the points it is laid on. Here each completion is blended with what was painted on the same face
//! before. The known part of the crop tells how: what was painted moves with it (`motion`), and
//! less of it stays where the known part changes otherwise (`change`). Another scene on the crop
//! begins anew.
//!
//! Knows nothing of frames: crops are those of [`Batch`].

mod cells;
mod change;
mod memory;
mod motion;
mod seen;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::completer::Batch;
use crate::locate::Region;
use memory::{Memory, Owner, Scratch};

/// The time in which the share kept is the strength: a frame of the usual camera.
const STEP: Duration = Duration::from_nanos(1_000_000_000 / 30);
/// A face that comes back after this time is a new one.
const LONGEST_AWAY: Duration = Duration::from_millis(500);
/// The least overlap (intersection over union) of the boxes in two frames of a region without an
/// identifier.
const LEAST_OVERLAP: f64 = 0.3;

/// What was painted on each face. Made once and reused: it allocates only for more faces than it
/// ever held.
#[derive(Debug)]
pub struct Steady {
    size: (usize, usize),
    memories: Vec<Memory>,
    scratch: Scratch,
}

impl Steady {
    /// For crops of `size` = (width, height) pixels.
    pub fn new(size: (usize, usize)) -> Self {
        Self {
            size,
            memories: Vec::new(),
            scratch: Scratch::new(size),
        }
    }

    /// Takes each face for a new one.
    pub fn forget(&mut self) {
        for memory in &mut self.memories {
            memory.owner = None;
        }
    }

    /// Blends completions in `batch` with earlier ones: crop `crops[i]` is that of `regions[i]` at
    /// the time `now`. `strength` in `[0, 1]` is the share of what was painted before that stays
    /// after a thirtieth of a second if the face is still; 0 leaves all completions as they are.
    ///
    /// # Panics
    /// If the crops have another size.
    pub fn smooth(
        &mut self,
        batch: &mut Batch,
        regions: &[Region],
        crops: &[Option<usize>],
        now: Duration,
        strength: f32,
    ) {
        assert_eq!(batch.size(), self.size, "crops of one size");
        if strength <= 0.0 {
            self.forget();
            return;
        }
        for memory in &mut self.memories {
            if now.saturating_sub(memory.seen_at) > LONGEST_AWAY {
                memory.owner = None;
            }
        }
        for (region, crop) in regions.iter().zip(crops) {
            let Some(completion) = crop.and_then(|crop| batch.completed_crop_mut(crop)) else {
                continue;
            };
            let index = self.find(region, now);
            let memory = &mut self.memories[index];
            let elapsed = now.saturating_sub(memory.seen_at);
            let steps = elapsed.as_secs_f32() / STEP.as_secs_f32();
            memory.blend(completion, strength.min(1.0).powf(steps), &mut self.scratch);
            memory.owner = Some(Owner::of(region));
            memory.seen_at = now;
        }
    }

    /// The memory of `region`'s face, unless another region has it `now`, or one without an owner.
    fn find(&mut self, region: &Region, now: Duration) -> usize {
        let likeness = |memory: &Memory| match &memory.owner {
            Some(owner) if memory.seen_at < now => owner.likeness(region),
            _ => 0.0,
        };
        let own = (self.memories.iter().map(likeness).enumerate())
            .filter(|(_, likeness)| *likeness >= LEAST_OVERLAP)
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(index, _)| index);
        let free = || self.memories.iter().position(|m| m.owner.is_none());
        own.or_else(free).unwrap_or_else(|| {
            self.memories.push(Memory::new(self.size));
            self.memories.len() - 1
        })
    }
}
