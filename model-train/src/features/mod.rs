//! Training of our own face network on the persons and attributes of CelebA.

mod checkpoint;
mod faces;
mod scores;
mod training;

pub use faces::Faces;
pub use scores::Scores;
pub use training::{Recipe, Trainee};
