//! Three planes of a small picture.

/// The three channels of a picture, row by row, in `[0, 1]` unless they overshoot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planes {
    /// Pixels in a row, and rows.
    pub size: (usize, usize),
    /// As many values each as there are pixels.
    pub values: [Vec<f32>; 3],
}

impl Planes {
    /// Makes this the means of squares of `side` pixels of `fine`; what lies beside whole ones is
    /// left out.
    pub fn average(&mut self, fine: &Self, side: usize) {
        let (columns, rows) = (fine.size.0 / side, fine.size.1 / side);
        self.size = (columns, rows);
        for (means, plane) in self.values.iter_mut().zip(&fine.values) {
            means.clear();
            for i in 0..columns * rows {
                let first = i / columns * side * fine.size.0 + i % columns * side;
                let lines = (0..side).map(|y| &plane[first + y * fine.size.0..][..side]);
                means.push(lines.flatten().sum::<f32>() / (side * side) as f32);
            }
        }
    }
}
