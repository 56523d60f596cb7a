//! The point net: a small regressor of a face's five points that covered parts do not confuse.
//!
//! It learns from pictures whose points were estimated while nothing was covered. A sample is such
//! a picture as a tracker's crop would show it: a little off its place, covered, badly lit, with
//! the clean picture's points as the answer ([`sample`]).

pub mod batches;
mod cover;
pub mod glasses;
pub mod landmarks;
pub mod light;
pub mod loss;
pub mod network;
pub mod sample;
pub mod scores;
#[cfg(test)]
mod tests;
pub mod trainee;
