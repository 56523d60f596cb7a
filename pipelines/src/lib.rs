//! What the program `mdecomplete` is made of: looking into a recording, choosing how it is written,
//! carrying over what is not picture, running pipelines that can be interrupted, and writing files
//! that are whole or not there.

pub mod aside;
pub mod container;
mod error;
pub mod file;
pub mod interrupt;
mod isobmff;
mod matroska;
mod movie;
pub mod picture;
pub mod pipeline;
pub mod plugin;
pub mod probe;
pub mod progress;
pub mod region;
pub mod restore;
pub mod segments;
pub mod sequence;
pub mod settings;
mod subtitles;
pub mod summary;

pub use error::{Error, Result};
