//! What the element tells: messages, statistics, latency, frames that are late.

pub mod latency;
pub mod messages;
pub mod qos;
pub mod refusal;
pub mod stats;
pub mod unplaced;
