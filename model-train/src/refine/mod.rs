//! Training of the refiner: faces at twice the generator's resolution, batches of windows of them, what
//! is minimised, and a run on disk.

pub mod batches;
pub mod loss;
pub mod trainee;
