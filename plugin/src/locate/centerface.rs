//! Reading CenterFace's output maps (Xu et al. 2019, "CenterFace: Joint Face Detection and
//! Alignment Using Face as Point").
//!
//! Each cell of the maps stands for 4x4 pixels of the input. A face is where the heat map peaks;
//! at that cell the other maps give the logarithm of its height and width in cells, the offset
//! (y, x) of its centre, and its five points as (y, x) in parts of the box.

use mde_core::alignment::{Affine, FacePoints};

use super::Bounds;

/// Input pixels a cell.
pub const STRIDE: usize = 4;

/// Least value of the heat map for a face. Faces with covered eyes come out at 0.4 and above,
/// bare ones at 0.7 and above.
const THRESHOLD: f32 = 0.4;

/// Intersection over union from which the weaker of two boxes is the same face.
const SAME_FACE: f64 = 0.3;

/// A face found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Confidence in `[0, 1]`.
    pub score: f32,
    /// From hairline to chin.
    pub bounds: Bounds,
    /// The five points.
    pub points: FacePoints,
}

impl Face {
    /// Whether all its numbers are finite and its box has an area.
    fn is_sound(&self) -> bool {
        let Bounds { x0, y0, x1, y1 } = self.bounds;
        let finite = self.points.iter().flatten().all(|v| v.is_finite());
        finite && [x0, y0, x1, y1].iter().all(|v| v.is_finite()) && x0 < x1 && y0 < y1
    }

    /// The face after the map `to`, which does not mirror.
    fn mapped(self, to: &Affine) -> Self {
        Self {
            score: self.score,
            bounds: self.bounds.mapped(to),
            points: self.points.map(|p| to.apply(p)),
        }
    }
}

/// CenterFace's outputs for one picture, `columns` x `rows` cells.
pub struct Maps<'a> {
    /// Width in cells.
    pub columns: usize,
    /// Height in cells.
    pub rows: usize,
    /// `[1, rows, columns]`, in `[0, 1]`.
    pub heat: &'a [f32],
    /// `[2, rows, columns]`.
    pub scale: &'a [f32],
    /// `[2, rows, columns]`.
    pub offset: &'a [f32],
    /// `[10, rows, columns]`.
    pub points: &'a [f32],
}

impl Maps<'_> {
    /// The faces, best first, mapped by `to_display` from input to display pixels; `faces` is filled
    /// anew.
    pub fn faces(&self, to_display: &Affine, faces: &mut Vec<Face>) {
        let cells = self.heat.iter().enumerate();
        let found = cells
            .filter(|(_, heat)| **heat > THRESHOLD)
            .map(|(cell, _)| self.face(cell))
            .filter(Face::is_sound);
        faces.clear();
        faces.extend(found);
        keep_one_a_face(faces);
        for face in faces {
            *face = face.mapped(to_display);
        }
    }

    fn face(&self, cell: usize) -> Face {
        let at =
            |map: &[f32], channel: usize| f64::from(map[channel * self.rows * self.columns + cell]);
        let stride = STRIDE as f64;
        let (row, column) = ((cell / self.columns) as f64, (cell % self.columns) as f64);
        let height = at(self.scale, 0).exp() * stride;
        let width = at(self.scale, 1).exp() * stride;
        // The middle of a cell, as a pixel coordinate: whole numbers are pixel centres.
        let middle = |index: f64, offset: f64| (index + offset + 0.5) * stride - 0.5;
        let x0 = middle(column, at(self.offset, 1)) - width / 2.0;
        let y0 = middle(row, at(self.offset, 0)) - height / 2.0;
        Face {
            score: self.heat[cell],
            bounds: Bounds {
                x0,
                y0,
                x1: x0 + width,
                y1: y0 + height,
            },
            points: std::array::from_fn(|k| {
                [
                    x0 + at(self.points, 2 * k + 1) * width,
                    y0 + at(self.points, 2 * k) * height,
                ]
            }),
        }
    }
}

/// Sorts by falling score and drops each face that overlaps a better one.
fn keep_one_a_face(faces: &mut Vec<Face>) {
    faces.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept = 0;
    for candidate in 0..faces.len() {
        let face = faces[candidate];
        let is_new = |better: &Face| better.bounds.overlap(&face.bounds) < SAME_FACE;
        if faces[..kept].iter().all(is_new) {
            faces[kept] = face;
            kept += 1;
        }
    }
    faces.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: usize = 8;
    const ROWS: usize = 6;
    const CELLS: usize = COLUMNS * ROWS;

    struct Outputs {
        heat: Vec<f32>,
        scale: Vec<f32>,
        offset: Vec<f32>,
        points: Vec<f32>,
    }

    impl Outputs {
        fn empty() -> Self {
            Self {
                heat: vec![0.0; CELLS],
                scale: vec![0.0; 2 * CELLS],
                offset: vec![0.0; 2 * CELLS],
                points: vec![0.5; 10 * CELLS],
            }
        }

        /// A face of 8 x 16 pixels whose centre is a quarter cell right of the cell's.
        fn with_face(mut self, row: usize, column: usize, score: f32) -> Self {
            let cell = row * COLUMNS + column;
            self.heat[cell] = score;
            self.scale[cell] = 4f32.ln();
            self.scale[CELLS + cell] = 2f32.ln();
            self.offset[CELLS + cell] = 0.25;
            self.points[cell] = 0.25;
            self.points[CELLS + cell] = 0.125;
            self
        }

        fn faces(&self, to_display: &Affine) -> Vec<Face> {
            let mut faces = Vec::new();
            let maps = Maps {
                columns: COLUMNS,
                rows: ROWS,
                heat: &self.heat,
                scale: &self.scale,
                offset: &self.offset,
                points: &self.points,
            };
            maps.faces(to_display, &mut faces);
            faces
        }
    }

    fn assert_close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }

    #[test]
    fn box_and_points_are_decoded() {
        let faces = Outputs::empty()
            .with_face(2, 3, 0.9)
            .faces(&Affine::IDENTITY);
        let [face] = faces.as_slice() else {
            panic!("{faces:?}");
        };
        // Centre at edges (3 + 0.25 + 0.5) * 4 = 15 and (2 + 0.5) * 4 = 10, half a pixel less
        // where pixel centres are whole numbers.
        assert_close(face.bounds.x0, 10.5);
        assert_close(face.bounds.x1, 18.5);
        assert_close(face.bounds.y0, 1.5);
        assert_close(face.bounds.y1, 17.5);
        assert_close(face.points[0][0], 10.5 + 0.125 * 8.0);
        assert_close(face.points[0][1], 1.5 + 0.25 * 16.0);
        assert_close(face.points[4][0], 14.5);
    }

    #[test]
    fn of_overlapping_faces_the_best_stays() {
        let outputs = Outputs::empty()
            .with_face(2, 2, 0.6)
            .with_face(2, 3, 0.9)
            .with_face(3, 6, 0.7)
            .with_face(0, 0, 0.2);
        let scores: Vec<f32> = outputs
            .faces(&Affine::IDENTITY)
            .iter()
            .map(|face| face.score)
            .collect();
        assert_eq!(scores, [0.9, 0.7]);
    }

    #[test]
    fn faces_are_mapped_to_the_display() {
        let double = Affine {
            linear: [[2.0, 0.0], [0.0, 2.0]],
            translation: [0.5, 0.5],
        };
        let faces = Outputs::empty().with_face(2, 3, 0.9).faces(&double);
        assert_close(faces[0].bounds.x0, 21.5);
        assert_close(faces[0].points[4][0], 29.5);
    }

    #[test]
    fn numbers_that_are_none_are_no_faces() {
        let mut outputs = Outputs::empty().with_face(2, 3, 0.9).with_face(4, 6, 0.8);
        outputs.scale[2 * COLUMNS + 3] = f32::INFINITY;
        outputs.points[4 * COLUMNS + 6] = f32::NAN;
        outputs.heat[0] = f32::NAN;
        assert!(outputs.faces(&Affine::IDENTITY).is_empty());
    }
}
