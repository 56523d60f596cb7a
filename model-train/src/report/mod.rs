//! What a training run tells of itself: losses as CSV and TensorBoard events, pictures as PNG.

mod events;
pub mod grid;
mod loss_log;

pub use loss_log::LossLog;
