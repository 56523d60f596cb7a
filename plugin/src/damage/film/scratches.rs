//! Vertical scratches: thin lines that stay at their column whatever the picture does.
//!
//! A line that stays where the picture behind it moves, that wanders where the picture stays, or that is
//! there all of a sudden and stays, is a scratch: a pole or the frame of a window moves with the picture,
//! and was there before. Before a wall too plain to tell what it does, one that wanders as a whole while the
//! rest of the picture is still is a scratch. Where all is still, one is that goes straight from the upper
//! border to the lower one, as few things do.

use super::beside::{Beside, Sight};
use super::lines::{Line, Lines, Part};
use super::plane::Plane;
use crate::damage::confidence;

/// Most lines that are followed.
const MOST: usize = 48;
/// By how much a line may be elsewhere in the next frame, in pixels.
const WANDERS: i32 = 3;
/// By how much one that stays may be, in pixels.
const STAYS: i32 = 1;
/// Frames for which one that is not seen is still awaited.
const AWAITED: u8 = 3;
/// By how much the picture must move behind a line, in pixels, to prove anything.
const MOVED: i32 = 2;
/// Most that counts of it in one frame.
const MOST_MOVED: i32 = 4;
/// How much it must have moved in all.
const PROOF: i32 = 10;
/// More counts no more.
const MOST_PROOF: i32 = 3 * PROOF;
/// What counts against a line that did not stay.
const STRAYED: i32 = PROOF / 2;
/// The share of a line's parts beside which there must be something that can be seen to move.
const TOLD: f32 = 0.3;
/// The share of what tells something about a line that must speak for a scratch.
const AGREED: f32 = 0.8;
/// Frames after which another one is what lines wander from.
const ANCHORED: u8 = 24;
/// The share of the bands in which a line must be seen of which it counts that it wanders.
const LONG: f32 = 0.3;
/// The share of the bands in which a line is seen that goes from border to border, the bands there in
/// which it may not be, and what it counts in a frame.
const WHOLE: f32 = 0.7;
const ENDS: usize = 1;
const IS_WHOLE: i32 = 2;
/// By how much its ends are aside of each other at most, in pixels, or as a share of the height.
const STRAIGHT: usize = 4;
const SLANT: f32 = 0.02;
/// The share of the blocks of a picture that stay where they are if it is still.
const STILL: f32 = 0.8;
/// The share of the width at either side in which such a line may be the picture's border.
const BORDER: f32 = 0.03;

/// A scratch that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Scratch {
    pub line: Line,
    /// How sure it is that it is one, from 0.5 to 1.
    pub confidence: f32,
}

/// Where a line is.
#[derive(Clone, Debug)]
struct Place {
    middle: i32,
    /// Of its clear part in each band.
    columns: Vec<Option<usize>>,
}

impl Place {
    fn of(line: &Line) -> Self {
        let clear = |part: &Option<Part>| part.filter(|part| part.is_clear).map(|part| part.middle);
        Self {
            middle: line.middle(),
            columns: line.parts.iter().map(clear).collect(),
        }
    }

    /// Whether nearly all that is seen of both is `along` to the right of where it is in `other`.
    fn is_beside(&self, other: &Self, along: i32) -> bool {
        let both = self.columns.iter().zip(&other.columns);
        let told = both.filter_map(|(own, other)| {
            let off = (*own)? as i32 - (*other)? as i32 - along;
            Some(off.abs() <= STAYS)
        });
        let seen = self.columns.iter().flatten().count();
        agree(told.map(Some), LONG * seen as f32)
    }
}

/// A line that is followed through the frames.
#[derive(Clone, Debug)]
struct Track {
    place: Place,
    /// Where it was in the frame that lines wander from, if it was in that.
    anchored: Option<Place>,
    is_bright: bool,
    /// How much the picture has moved behind it, in pixels.
    proof: i32,
    /// Frames for which it was not seen.
    missed: u8,
}

/// Finds scratches in the frames of a stream, one after the other. Made once and reused.
#[derive(Debug, Default)]
pub struct Scratches {
    lines: Lines,
    tracks: Vec<Track>,
    /// The frame that lines wander from, how many have come since, and whether the picture was still.
    anchor: Plane,
    age: u8,
    is_still: bool,
}

impl Scratches {
    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.tracks.clear();
    }

    /// Finds scratches in `now`, the next frame. The frame before is in `sight` if it shows the same
    /// scene. What has more than `most` pixels is none.
    pub fn find(&mut self, now: &Plane, sight: Option<Sight<'_>>, most: usize) -> Vec<Scratch> {
        let mut lines = self.lines.find(now);
        lines.retain(|line| line.area() <= most);
        for track in &mut self.tracks {
            track.missed = track.missed.saturating_add(1);
        }
        self.is_still &= sight.is_some_and(|sight| sight.motion.stays() >= STILL);
        let followed = lines.into_iter().filter_map(|line| {
            let confidence = self.follow(&line, now, sight)?;
            Some(Scratch { line, confidence })
        });
        let found = followed.collect();
        self.tracks.retain(|track| track.missed <= AWAITED);
        self.age += 1;
        if self.age >= ANCHORED || self.anchor.size != now.size {
            self.age = 0;
            self.anchor.clone_from(now);
            self.is_still = true;
            for track in &mut self.tracks {
                track.anchored = (track.missed == 0).then(|| track.place.clone());
            }
        }
        found
    }

    /// Follows `line` of `now`; tells how sure it is that it is a scratch, if it is one.
    fn follow(&mut self, line: &Line, now: &Plane, sight: Option<Sight<'_>>) -> Option<f32> {
        let place = Place::of(line);
        let middle = place.middle;
        let near = self.tracks.iter_mut().filter(|track| {
            track.is_bright == line.is_bright
                && track.missed > 0
                && (track.place.middle - middle).abs() <= WANDERS
        });
        let Some(track) = near.min_by_key(|track| (track.place.middle - middle).abs()) else {
            if self.tracks.len() < MOST {
                let is_new = sight.is_some_and(|sight| appears(line, now, sight));
                self.tracks.push(Track {
                    place,
                    anchored: None,
                    is_bright: line.is_bright,
                    // One stray is forgiven.
                    proof: if is_new { PROOF + STRAYED } else { 0 },
                    missed: 0,
                });
            }
            return None;
        };
        let stays = (track.place.middle - middle).abs() <= STAYS;
        // After a frame in which it was not seen the way from there is not known.
        if let Some(sight) = sight.filter(|_| track.missed == 1) {
            let moved = match stays {
                true => {
                    let wandered = track.anchored.as_ref().map_or(0, |anchored| {
                        let anchor = Anchor {
                            place: anchored,
                            plane: &self.anchor,
                            is_still: self.is_still,
                        };
                        wandering(line, &place, now, anchor)
                    });
                    moved_behind(line, now, sight)
                        .max(wandered)
                        .max(i32::from(is_whole(line, now.size)) * IS_WHOLE)
                }
                false => -STRAYED,
            };
            track.proof = (track.proof + moved).clamp(0, MOST_PROOF);
        }
        track.place = place;
        track.missed = 0;
        let is_sure = track.proof >= PROOF && (stays || track.proof >= 2 * PROOF);
        is_sure.then(|| confidence(track.proof as f32, PROOF as f32))
    }
}

/// How much the picture has moved behind `line` since the frame before, as far as that counts.
fn moved_behind(line: &Line, now: &Plane, sight: Sight<'_>) -> i32 {
    let mut ways = Vec::new();
    let mut count = 0;
    for (band, part) in line.clear() {
        count += 1;
        let beside = Beside { now, band, part };
        ways.extend(beside.gone(sight).into_iter().flatten());
    }
    if (ways.len() as f32) < TOLD * 2.0 * count as f32 {
        return 0;
    }
    let middle = ways.len() / 2;
    let way = ways.select_nth_unstable(middle).1.abs();
    match way >= MOVED {
        true => way.min(MOST_MOVED),
        false => 0,
    }
}

/// Where a line was in an earlier frame.
#[derive(Clone, Copy)]
struct Anchor<'a> {
    place: &'a Place,
    plane: &'a Plane,
    /// Whether the picture has been still since then.
    is_still: bool,
}

/// How much `line`, which is at `place`, has wandered since the `anchor` before a picture that is as still as
/// that shows it, as far as that counts. Where what is beside the line is so plain that it tells nothing, all of
/// the picture must have been still, and the line have gone as one.
fn wandering(line: &Line, place: &Place, now: &Plane, anchor: Anchor<'_>) -> i32 {
    let count = line.clear().count();
    let along = anchor.place.middle - place.middle;
    if along.abs() < MOVED || (count as f32) < LONG * line.parts.len() as f32 {
        return 0;
    }
    let sides = || {
        line.clear().flat_map(|(band, part)| {
            let beside = Beside { now, band, part };
            beside.stayed(anchor.plane, along)
        })
    };
    let are_plain = sides().flatten().count() as f32 <= TOLD * count as f32;
    let has_wandered = agree(sides(), TOLD * 2.0 * count as f32)
        || are_plain && anchor.is_still && place.is_beside(anchor.place, -along);
    match has_wandered {
        true => along.abs().min(MOST_MOVED),
        false => 0,
    }
}

/// Whether the frame before shows the place of `line` without it.
fn appears(line: &Line, now: &Plane, sight: Sight<'_>) -> bool {
    let count = line.clear().count();
    let parts = line.clear().map(|(band, part)| {
        let beside = Beside { now, band, part };
        beside.is_bare(sight, line.is_bright)
    });
    agree(parts, AGREED / 2.0 * count as f32)
}

/// Whether at least so many `told` tell something, and most of them yes.
fn agree(told: impl Iterator<Item = Option<bool>>, least: f32) -> bool {
    let (mut yes, mut count) = (0, 0);
    for is_so in told.flatten() {
        count += 1;
        yes += usize::from(is_so);
    }
    count as f32 >= least && yes as f32 >= AGREED * count as f32
}

/// Whether `line` goes straight from the upper border to the lower one of a frame of this size, and is not
/// the border of the picture.
fn is_whole(line: &Line, (width, height): (usize, usize)) -> bool {
    let bands = line.parts.len();
    let (mut count, mut ends, mut middles) = (0, (bands, 0), (width, 0));
    for (band, part) in line.parts.iter().enumerate() {
        if let Some(part) = part {
            count += 1;
            ends = (ends.0.min(band), band);
            middles = (middles.0.min(part.middle), middles.1.max(part.middle));
        }
    }
    let border = (BORDER * width as f32) as usize;
    count as f32 >= WHOLE * bands as f32
        && ends.0 <= ENDS
        && ends.1 + ENDS + 1 >= bands
        && middles.1 - middles.0 <= STRAIGHT.max((SLANT * height as f32) as usize)
        && middles.0 >= border
        && middles.1 + border < width
}
