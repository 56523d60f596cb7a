//! Networks and their parameters.

pub mod config;
pub mod discriminator;
pub mod face;
pub mod generator;
pub mod layers;
pub mod levels;
pub mod parameters;
pub mod perceptual;
pub mod refiner;
mod spectral;
pub mod trunk;
pub mod view_generator;
