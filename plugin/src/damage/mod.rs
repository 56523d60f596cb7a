//! Finds what is damaged in frames by itself.
//!
//! A [`Watch`] looks at whole frames, one after the other, and tells which of their channels cannot
//! be picture. It measures a small picture of the frame (`tone`) and some patches of it at their
//! full sharpness (`grain`, `edges`). `judge` compares the channels with each other and with the
//! frame before. Frames in YUV are judged twice: as the planes they are and as the red, green and
//! blue that they stand for, since a channel may have been lost before or after the conversion.
//!
//! [`DropOuts`] finds pixels that cannot be picture, [`Film`] what has befallen a film.
//!
//! All of it but these three works on plain numbers.

mod drop_outs;
mod edges;
mod film;
mod grain;
mod judge;
mod look;
mod planes;
mod tone;
mod watch;

pub use drop_outs::{DropOut, DropOuts, Kind, Wanted};
pub use film::{Film, FilmFind, FilmKind, FilmWanted};
pub use judge::{Fault, Space};
pub use watch::{Confidences, Faults, Watch};

/// How sure it is that something is damage whose `measure` is `bound` at least, from 0 to 1: one half
/// where it is just that, and the more the further it lies beyond.
fn confidence(measure: f32, bound: f32) -> f32 {
    1.0 - 0.5 * bound / measure.max(bound)
}

#[cfg(test)]
mod tests;
