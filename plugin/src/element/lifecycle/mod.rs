//! What the element opens, replaces and closes, and its part of each frame between.

pub mod damage;
pub mod film;
pub mod masks;
pub mod model;
mod opening;
pub mod orientation;
mod scene;
mod start;
mod stream;

pub use opening::model_name;
pub use stream::Waiting;
