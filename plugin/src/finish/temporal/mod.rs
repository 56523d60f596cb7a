//! Completions that hold still while the face does.
//!
//! The generator sees each frame for itself, so its completions flicker, and a crop shakes with
//! the points it is laid on. Here each completion is blended with what was painted on the same face
//! before. The known part of the crop tells how: what was painted moves with it (`motion`), and
//! less of it stays where the known part changes otherwise (`change`). What is copied is as still as what
//! it is copied from, but for its light, which the generator fits anew in each frame (`light`). Another
//! scene on the crop begins anew.
//!
//! Knows nothing of frames, and takes the caller's word for which face is which.

mod cells;
mod change;
mod light;
mod memory;
mod motion;
mod seen;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::completed_crop::CompletedCrop;
use memory::{Memory, Scratch};

/// The time in which the share kept is the strength: a frame of the usual camera.
const STEP: Duration = Duration::from_nanos(1_000_000_000 / 30);
/// What was painted longer ago than this is not blended in any more.
const LONGEST_AWAY: Duration = Duration::from_millis(500);

/// What was painted on each face, told apart by keys of the type `K`. Made once and reused: it
/// allocates only for more faces than it ever held.
#[derive(Debug)]
pub struct TemporalBlend<K> {
    size: (usize, usize),
    slots: Vec<Slot<K>>,
    scratch: Scratch,
}

/// Room for what was painted on one face.
#[derive(Debug)]
struct Slot<K> {
    /// Nothing where it is free for any face.
    owner: Option<K>,
    /// When the face had its last completion.
    painted_at: Duration,
    memory: Memory,
}

impl<K: Copy + PartialEq> TemporalBlend<K> {
    /// For crops of `size` = (width, height) pixels.
    pub fn new(size: (usize, usize)) -> Self {
        Self {
            size,
            slots: Vec::new(),
            scratch: Scratch::new(size),
        }
    }

    /// Takes each face for a new one.
    pub fn forget(&mut self) {
        for slot in &mut self.slots {
            slot.owner = None;
        }
    }

    /// Blends the completion of `crop`, at the time `now`, with earlier ones of the same `face`.
    /// `strength` in `[0, 1]` is the share of what was painted before that stays after a thirtieth
    /// of a second if the face is still; 0 leaves all completions as they are.
    ///
    /// # Panics
    /// If the crop has another size.
    pub fn blend(&mut self, face: K, crop: &mut CompletedCrop<'_>, now: Duration, strength: f32) {
        assert_eq!(crop.size, self.size, "crops of one size");
        if strength <= 0.0 {
            self.forget();
            return;
        }
        for slot in &mut self.slots {
            if now.saturating_sub(slot.painted_at) > LONGEST_AWAY {
                slot.owner = None;
            }
        }
        let index = self.find(face);
        let slot = &mut self.slots[index];
        let keep = slot.owner.map(|_| {
            let steps = (now.saturating_sub(slot.painted_at)).as_secs_f32() / STEP.as_secs_f32();
            strength.min(1.0).powf(steps)
        });
        slot.memory.blend(crop, keep, &mut self.scratch);
        slot.owner = Some(face);
        slot.painted_at = now;
    }

    /// The room of `face`, or some without an owner.
    fn find(&mut self, face: K) -> usize {
        let place = |owner: Option<K>| self.slots.iter().position(|slot| slot.owner == owner);
        let found = place(Some(face)).or_else(|| place(None));
        found.unwrap_or_else(|| {
            self.slots.push(Slot {
                owner: None,
                painted_at: Duration::ZERO,
                memory: Memory::new(self.size),
            });
            self.slots.len() - 1
        })
    }
}
