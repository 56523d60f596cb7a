//! What the scene looked like before a channel was lost: it tells by how much the generator is wrong
//! there.
//!
//! The generator restores an earlier, intact frame as well, as if it had lost the same channel. What
//! that one really had beside what was made of it holds for pixels of the present frame that lie near
//! and whose intact channels are alike, as in a joint bilateral filter (Petschnigg et al. 2004,
//! "Digital Photography with Flash and No-Flash Image Pairs", equation 3).

use std::ops::Range;
use std::time::Duration;

use mde_core::mask::CHANNELS;

/// Time from one look at an intact frame to the next.
const EVERY: Duration = Duration::from_millis(200);
/// An intact frame is of use for as long.
const LONGEST: Duration = Duration::from_secs(60);
/// How far a pixel's like may have moved, in pixels of the generator's picture, and from which to
/// which it is looked for.
const REACH: isize = 8;
const STEP: usize = 2;
/// Those at this distance count for 0.6 of one at the same place.
const NEAR: f32 = 3.0;
/// Values in `[0, 1]` that differ by three times this much have nothing in common.
const ALIKE: f32 = 0.05;
/// How many like pixels are needed for half of what they say.
const FEW: f32 = 0.02;

/// An intact frame.
#[derive(Clone, Debug, Default)]
struct Look {
    seen_at: Duration,
    /// `[3, H, W]` in `[0, 1]`, as it was read.
    image: Vec<f32>,
}

/// What is known of the scene.
#[derive(Debug)]
pub struct Memory {
    size: (usize, usize),
    /// The newest look, and the one before it. Damage may be noticed a few frames late, so that the
    /// newest may show some already.
    newest: Option<Look>,
    older: Option<Look>,
    /// What the generator lacks in the older one, `[3, H, W]`; nothing where that is not known.
    lack: Vec<f32>,
    has_lack: bool,
    sums: Sums,
}

/// What the like pixels of each pixel say together. Kept so that nothing is allocated.
#[derive(Debug, Default)]
struct Sums {
    /// `[H, W]`.
    weights: Vec<f32>,
    /// Times what is lacking, of each channel `[H, W]`.
    lacks: [Vec<f32>; CHANNELS],
    /// How far the pixels of a row are from their likes.
    apart: Vec<f32>,
}

impl Memory {
    /// Of pictures of `size` = (width, height).
    pub fn new(size: (usize, usize)) -> Self {
        Self {
            size,
            newest: None,
            older: None,
            lack: Vec::new(),
            has_lack: false,
            sums: Sums::default(),
        }
    }

    /// Takes the next frame for the first of another scene.
    pub fn forget(&mut self) {
        (self.newest, self.older) = (None, None);
        self.has_lack = false;
    }

    /// Room for an intact frame at the time `now`, `[3, H, W]`, if it is time for a look at one.
    pub fn next_look(&mut self, now: Duration) -> Option<&mut [f32]> {
        let newest = self.newest.as_ref();
        if newest.is_some_and(|newest| now.saturating_sub(newest.seen_at) < EVERY) {
            return None;
        }
        let mut free = self.older.take().unwrap_or_default();
        self.older = self.newest.take();
        self.has_lack = false;
        free.seen_at = now;
        free.image.resize(CHANNELS * self.size.0 * self.size.1, 0.0);
        Some(&mut self.newest.insert(free).image)
    }

    /// The frame that is to be restored for a trial before one at the time `now` is corrected, if that
    /// was not done already.
    pub fn untried(&self, now: Duration) -> Option<&[f32]> {
        let is_of_use = |look: &&Look| now.saturating_sub(look.seen_at) <= LONGEST;
        let look = self.older.as_ref().filter(is_of_use)?;
        (!self.has_lack).then_some(&look.image)
    }

    /// Takes what the generator made of [`Self::untried`].
    pub fn learn(&mut self, completed: &[f32]) {
        if let Some(look) = &self.older {
            self.lack.clear();
            let lacks = look
                .image
                .iter()
                .zip(completed)
                .map(|(truth, made)| truth - made);
            self.lack.extend(lacks);
            self.has_lack = true;
        }
    }

    /// Forgets how it was tried, for another channel is lost.
    pub fn forget_trial(&mut self) {
        self.has_lack = false;
    }

    /// Adds what the generator lacks to what it `completed` of the channels `lost` of `image`; all
    /// `[3, H, W]`. Tells whether that is known.
    pub fn correct(
        &mut self,
        image: &[f32],
        lost: [bool; CHANNELS],
        completed: &mut [f32],
    ) -> bool {
        let Some(look) = self.older.as_ref().filter(|_| self.has_lack) else {
            return false;
        };
        let intact: Vec<usize> = (0..CHANNELS).filter(|&channel| !lost[channel]).collect();
        if intact.is_empty() {
            return false;
        }
        let (width, pixels) = (self.size.0, self.size.0 * self.size.1);
        let lost = (0..CHANNELS).filter(|&channel| lost[channel]);
        let sums = &mut self.sums;
        sums.weights.clear();
        sums.weights.resize(pixels, FEW);
        for channel in lost.clone() {
            sums.lacks[channel].clear();
            sums.lacks[channel].resize(pixels, 0.0);
        }
        for (near, [ys, xs], [dy, dx]) in offsets(self.size) {
            for y in ys {
                let own = y * width + xs.start..y * width + xs.end;
                let moved = |at: usize| at.wrapping_add_signed(dy * width as isize + dx);
                let like = moved(own.start)..moved(own.end);
                sums.apart.clear();
                sums.apart.resize(own.len(), 0.0);
                for plane in intact.iter().map(|channel| channel * pixels) {
                    let here = &image[plane..][own.clone()];
                    let there = &look.image[plane..][like.clone()];
                    for (apart, (a, b)) in sums.apart.iter_mut().zip(here.iter().zip(there)) {
                        *apart += (a - b) * (a - b);
                    }
                }
                let weights = &mut sums.weights[own.clone()];
                for (weight, apart) in weights.iter_mut().zip(&mut sums.apart) {
                    *apart = near * alike(*apart);
                    *weight += *apart;
                }
                for channel in lost.clone() {
                    let there = &self.lack[channel * pixels..][like.clone()];
                    let lacks = &mut sums.lacks[channel][own.clone()];
                    for (sum, (weight, lack)) in lacks.iter_mut().zip(sums.apart.iter().zip(there))
                    {
                        *sum += weight * lack;
                    }
                }
            }
        }
        for channel in lost {
            let values = completed[channel * pixels..][..pixels].iter_mut();
            let said = sums.lacks[channel].iter().zip(&sums.weights);
            for (value, (lack, weight)) in values.zip(said) {
                *value += lack / weight;
            }
        }
        true
    }
}

/// How alike pixels are whose squared distance is `apart`, from 0 to 1: a bump that is cheaper than
/// a Gaussian and ends.
fn alike(apart: f32) -> f32 {
    let near = (1.0 - apart / (9.0 * ALIKE * ALIKE)).max(0.0);
    near * near * near * near
}

/// Where the likes of pixels may be in a picture of `size` = (width, height): how much they count, the
/// rows and columns of the pixels that have one there, and how far down and right it is.
fn offsets(
    (width, height): (usize, usize),
) -> impl Iterator<Item = (f32, [Range<usize>; 2], [isize; 2])> {
    let steps = || (-REACH..=REACH).step_by(STEP);
    let within = |side: usize, offset: isize| {
        let first = usize::try_from(-offset).unwrap_or(0).min(side);
        let end = side.saturating_add_signed((-offset).min(0));
        first..end.max(first)
    };
    let all = steps().flat_map(move |dy| steps().map(move |dx| [dy, dx]));
    all.map(move |[dy, dx]| {
        let square = (dy * dy + dx * dx) as f32;
        let near = (-square / (2.0 * NEAR * NEAR)).exp();
        (near, [within(height, dy), within(width, dx)], [dy, dx])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (24, 16);
    const LOST: [bool; 3] = [true, false, false];

    /// Red follows from where green is: what no generator can know.
    fn frame(shift: usize) -> Vec<f32> {
        let pixels = SIZE.0 * SIZE.1;
        let green = |i: usize| {
            if (((i % SIZE.0) + shift) / 8).is_multiple_of(2) {
                0.2
            } else {
                0.7
            }
        };
        let red = (0..pixels).map(|i| 0.9 - green(i));
        let rest = (0..2 * pixels).map(|i| green(i % pixels));
        red.chain(rest).collect()
    }

    fn worst(completed: &[f32], truth: &[f32]) -> f32 {
        let pixels = SIZE.0 * SIZE.1;
        let off = completed[..pixels]
            .iter()
            .zip(truth)
            .map(|(a, b)| (a - b).abs());
        off.fold(0.0, f32::max)
    }

    fn memory_of(frame: &[f32]) -> Memory {
        let mut memory = Memory::new(SIZE);
        for tenths in [0, 2] {
            let now = Duration::from_millis(100 * tenths);
            memory.next_look(now).unwrap().copy_from_slice(frame);
        }
        memory
    }

    #[test]
    fn what_was_seen_before_corrects_what_moved_since() {
        let mut memory = memory_of(&frame(0));
        let now = Duration::from_secs(1);
        assert!(memory.untried(now).is_some());
        // The generator takes everything for grey.
        let grey = vec![0.5; 3 * SIZE.0 * SIZE.1];
        memory.learn(&grey);
        assert!(memory.untried(now).is_none());
        let (truth, mut completed) = (frame(2), grey.clone());
        memory.correct(&truth, LOST, &mut completed);
        assert!(worst(&grey, &truth) > 0.15);
        assert!(worst(&completed, &truth) < 0.08);
        assert_eq!(
            completed[SIZE.0 * SIZE.1..],
            grey[SIZE.0 * SIZE.1..],
            "what is intact stays"
        );
    }

    #[test]
    fn what_looks_like_nothing_seen_before_is_left_to_the_generator() {
        let mut memory = memory_of(&frame(0));
        let grey = vec![0.5; 3 * SIZE.0 * SIZE.1];
        memory.learn(&grey);
        let other: Vec<f32> = frame(0).iter().map(|value| value + 0.25).collect();
        let mut completed = grey.clone();
        memory.correct(&other, LOST, &mut completed);
        assert_eq!(completed, grey);
    }

    #[test]
    fn the_newest_look_is_not_trusted_yet() {
        let mut memory = Memory::new(SIZE);
        assert!(memory.next_look(Duration::ZERO).is_some());
        assert!(
            memory.next_look(Duration::from_millis(100)).is_none(),
            "too early"
        );
        assert!(memory.untried(Duration::from_secs(1)).is_none());
        assert!(memory.next_look(Duration::from_millis(200)).is_some());
        assert!(memory.untried(Duration::from_secs(1)).is_some());
        assert!(
            memory.untried(Duration::from_secs(90)).is_none(),
            "long ago"
        );
    }
}
