//! What the element opens, replaces and closes, and its part of each frame between.

pub mod masks;
pub mod model;
pub mod opening;
pub mod orientation;
mod stream;
