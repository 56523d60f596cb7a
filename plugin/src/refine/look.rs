//! What a face looks like at a glance.

use mde_core::occlusion::Rect;

use crate::blur::Blur;

/// Cells along a side that faces are compared by.
const CELLS: usize = 24;
/// Radius of the blur whose light a face is judged without, in cells: it falls on one side of a face
/// as turning the head would make it.
const LIGHT: usize = 2;
/// What a cell counts that a generator painted: it knows where eyes are, and little of what they look like.
const PAINTED: f32 = 0.3;
/// Half axes of the face's ellipse, as shares of the side, and its middle.
const FACE: [f32; 2] = [0.36, 0.45];
const MIDDLE: [f32; 2] = [0.5, 0.53];

/// The face on a square crop without its light and its contrast: equal looks agree by 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Values of cells of the face, of each channel as against those around; cell by cell and channel by channel.
    values: Vec<f32>,
}

impl Look {
    /// Of a crop of `side` pixels with the picture `rgb`, `[3, side, side]`.
    ///
    /// # Panics
    /// If `rgb` is smaller.
    pub fn new(side: usize, rgb: &[f32]) -> Self {
        let mut values = Vec::new();
        let along = |cell: usize| cell * side / CELLS..((cell + 1) * side / CELLS).min(side);
        for plane in rgb.chunks_exact(side * side).take(3) {
            let mean = |cell: usize| {
                let (xs, ys) = (along(cell % CELLS), along(cell / CELLS));
                let count = (xs.len() * ys.len()).max(1);
                let rows = ys.map(|y| plane[y * side..][xs.clone()].iter().sum::<f32>());
                rows.sum::<f32>() / count as f32
            };
            let cells: Vec<f32> = (0..CELLS * CELLS).map(mean).collect();
            let mut light = cells.clone();
            Blur::default().blur(&mut light, (CELLS, CELLS), LIGHT);
            let face = (0..CELLS * CELLS).filter(|cell| is_face(*cell));
            values.extend(face.map(|cell| cells[cell] - light[cell]));
        }
        Self { values }
    }

    /// How much it looks like `other`, in `[-1, 1]`: their correlation, to which what is in `painted`, a part
    /// of the crop as [`Part`] has it, counts less.
    pub fn agreement(&self, other: &Self, painted: &Part) -> f32 {
        let cells = painted.weights.len();
        let (mut both, mut own, mut others) = (0.0, 0.0, 0.0);
        for (i, (a, b)) in self.values.iter().zip(&other.values).enumerate() {
            let weight = painted.weights[i % cells];
            both += weight * a * b;
            own += weight * a * a;
            others += weight * b * b;
        }
        both / (own * others).sqrt().max(1e-6)
    }
}

/// How much each cell of a face counts of which a part is painted.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    weights: Vec<f32>,
}

impl Part {
    /// Of a crop of `side` pixels, of which `painted` is painted.
    pub fn new(side: usize, painted: Rect) -> Self {
        let middle = |cell: usize| (2 * cell + 1) * side / (2 * CELLS);
        let weight = |cell: usize| {
            let (x, y) = (middle(cell % CELLS), middle(cell / CELLS));
            let is_painted =
                (painted.x0..painted.x1).contains(&x) && (painted.y0..painted.y1).contains(&y);
            if is_painted { PAINTED } else { 1.0 }
        };
        let face = (0..CELLS * CELLS).filter(|cell| is_face(*cell));
        Self {
            weights: face.map(weight).collect(),
        }
    }
}

/// Whether most of a cell shows the face.
fn is_face(cell: usize) -> bool {
    let along =
        |cell: usize, axis: usize| ((cell as f32 + 0.5) / CELLS as f32 - MIDDLE[axis]) / FACE[axis];
    along(cell % CELLS, 0).powi(2) + along(cell / CELLS, 1).powi(2) <= 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(side: usize, phase: f32) -> Vec<f32> {
        let value = |i: usize| {
            let at = |v: usize| v as f32 / side as f32;
            0.4 + 0.2 * (9.0 * at(i % side) + phase).sin() * (7.0 * at(i / side % side)).cos()
        };
        (0..3 * side * side).map(value).collect()
    }

    #[test]
    fn looks_agree_whatever_light_and_size() {
        let none = Part::new(96, Rect::new(0, 0, 0, 0));
        let look = Look::new(96, &picture(96, 0.0));
        let lit: Vec<f32> = picture(128, 0.0).iter().map(|v| 0.1 + 0.5 * v).collect();
        let same = look.agreement(&Look::new(128, &lit), &none);
        assert!(same > 0.98, "{same}");
        let other = look.agreement(&Look::new(96, &picture(96, 1.5)), &none);
        assert!(other < 0.5, "{other}");
        let flat = Look::new(96, &vec![0.5; 3 * 96 * 96]);
        assert_eq!(look.agreement(&flat, &none), 0.0);
    }

    #[test]
    fn what_is_painted_counts_less() {
        let (known, other) = (picture(96, 0.0), picture(96, 2.0));
        let mut painted = known.clone();
        for (i, value) in painted.iter_mut().enumerate() {
            if i / 96 % 96 < 40 {
                *value = other[i];
            }
        }
        let [known, painted] = [known, painted].map(|rgb| Look::new(96, &rgb));
        let agreement =
            |rows: usize| known.agreement(&painted, &Part::new(96, Rect::new(0, 0, 96, rows)));
        assert!(
            agreement(40) > agreement(0) + 0.1,
            "{} {}",
            agreement(40),
            agreement(0)
        );
    }
}
