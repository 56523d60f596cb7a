//! Networks and their parameters.

pub mod config;
pub mod generator;
pub mod layers;
pub mod parameters;
