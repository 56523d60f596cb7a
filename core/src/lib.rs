//! What the trainer and the element must agree on: which pixels are missing, how a face is
//! aligned, how a completion is scored, and what a model file says of itself.
//!
//! Plain Rust: no GStreamer, no ONNX Runtime, no libtorch.
//!
//! Pictures are `[3, H, W]` arrays of `f32` in `[0, 1]`, RGB. A mask is 1 where a pixel is
//! **known** (the paper's `M`) and 0 where it is to be completed.

pub mod alignment;
pub mod contract;
pub mod covers;
pub mod least_squares;
pub mod mask;
pub mod occlusion;
pub mod points;
pub mod prototypes;
pub mod quality;
pub mod refining;
pub mod registration;

/// Side of the aligned face crop in pixels; the occlusion boxes and the face template are given on it.
pub const CROP_SIZE: usize = 96;
