//! The seam between a completion and what is known around it, in the crop: no format of frames is
//! known here.
//!
//! A generator's colours and brightness differ a little from the picture's. What it makes of known
//! pixels tells by how much: a [`Border`] carries the difference along a hole's border into the
//! hole, spread by a [`Membrane`], so that the completion goes on where the picture ends (membrane
//! interpolation, the gradient-domain blend of Pérez, Gangnet and Blake 2003). Before, the pixels
//! that a cover runs into are taken out of what is known ([`distrust_border`]).

mod border;
mod cover;
mod membrane;
pub mod temporal;

pub use border::Border;
pub use cover::{Crop, distrust_border};
pub use membrane::{Cell, Membrane};
