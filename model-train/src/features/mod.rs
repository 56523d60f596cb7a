//! Training of our own face network on the persons and attributes of CelebA.

mod faces;
mod scores;
pub mod trainee;

pub use faces::Faces;
pub use scores::Scores;
