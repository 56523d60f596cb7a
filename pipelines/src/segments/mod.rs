//! Long recordings in segments, which are completed side by side and joined without loss.

mod cuts;
mod packets;

pub use cuts::{Segment, cuts};
pub use packets::{Joined, Writer};
