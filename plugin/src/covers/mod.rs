//! What is before a face: the covers that a network sees on its aligned crop.
//!
//! A [`CoverFinder`] keeps for each face what it was like when the net looked last, with what that
//! said. It asks the net (a [`CoverNet`]) again where the crop has changed (`glance`), and at the
//! latest after some frames. Answers are smoothed in time (`answers`). Of those for the kinds that
//! are [asked](Asked) for an `outline` is made: the [`Cover`], which [`crate::missing`] takes for
//! one more source of what is missing. Where the net is not sure (`doubt`) nothing is remembered as the
//! face.
//!
//! Knows nothing of how faces are told apart: they are named by who uses it.

mod answers;
mod asked;
mod cover;
mod doubt;
mod finder;
mod glance;
mod net;
mod outline;

pub use asked::{Asked, Kinds};
pub use cover::{Cover, Finding};
pub use finder::{Asking, CoverFinder, Known};
pub use net::CoverNet;
