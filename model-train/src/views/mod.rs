//! Training of the generator with views: pairs of looks at one face, batches of them, what is
//! minimised, and a run on disk.

pub mod batches;
pub mod faces;
pub mod loss;
pub mod placement;
pub mod trainee;
