//! The scene generator: completes any picture, a frame as a whole, above all one that lacks a
//! colour channel.

pub mod batches;
mod loss;
pub mod network;
pub mod scores;
#[cfg(test)]
mod tests;
pub mod trainee;
