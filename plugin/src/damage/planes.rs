//! Three planes of a small picture.

/// The three channels of a picture, row by row, in `[0, 1]` unless they overshoot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planes {
    /// Pixels in a row, and rows.
    pub size: (usize, usize),
    /// As many values each as there are pixels.
    pub values: [Vec<f32>; 3],
}
