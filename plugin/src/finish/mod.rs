//! What is done to a completion before it is written, in the crop: its border is matched to what is
//! known around it ([`Border`]), then it is held still in time ([`TemporalBlend`]). No format of
//! frames is known here.
//!
//! A generator's colours and brightness differ a little from the picture's. What it makes of known
//! pixels tells by how much: a [`Border`] carries the difference along a hole's border into the
//! hole, spread by a [`Membrane`], so that the completion goes on where the picture ends (membrane
//! interpolation, the gradient-domain blend of Pérez, Gangnet and Blake 2003). A [`Seam`] takes
//! away what is left of a step in colour, for what was painted may be off though what is known was not.
//! [`Behind`] the face, what is around the hole goes on. Before, the pixels that a cover runs into are taken
//! out of what is known ([`distrust_border`]).

mod behind;
mod border;
mod completed_crop;
mod cover;
mod membrane;
mod seam;
mod temporal;

pub use behind::Behind;
pub use border::Border;
pub use completed_crop::CompletedCrop;
pub use cover::{Crop, distrust_border};
pub use membrane::{Cell, Membrane};
pub use seam::Seam;
pub use temporal::TemporalBlend;
