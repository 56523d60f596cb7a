//! Where a face sits on the aligned crop: the five-point template, the least-squares similarity
//! that maps a face onto it, and the inverse.
//!
//! Coordinates are `(x, y)` in pixels, x to the right, y down. The centre of the pixel in column
//! `i` and row `j` is `(i, j)`.

use crate::CROP_SIZE;

/// A point `(x, y)` in pixels.
pub type Point = [f64; 2];

/// Five facial points: left eye, right eye, nose, left mouth corner, right mouth corner. Left is
/// the picture's left.
pub type FacePoints = [Point; 5];

/// Which of the [`FacePoints`] each of them is on the picture mirrored left to right.
pub const MIRRORED: [usize; 5] = [1, 0, 2, 4, 3];

/// The mean CelebA face on the 96x96 crop.
pub const TEMPLATE: FacePoints = [
    [34.5, 38.5],
    [61.5, 38.5],
    [47.4, 55.2],
    [35.7, 68.3],
    [60.0, 68.3],
];

/// Coordinates beyond this many pixels are a detector's nonsense, and their squares could overflow.
const FARTHEST: f64 = 1e9;

/// The points or the transform do not determine an alignment.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AlignmentError {
    /// A coordinate is NaN or beyond a thousand million pixels.
    #[error("a point lies nowhere in a picture: {0:?}")]
    OutOfRange(Point),
    /// All points (nearly) coincide.
    #[error("the points coincide, so scale and rotation are undefined")]
    Coincident,
    /// The transform collapses the plane.
    #[error("the transform has determinant {0}, so it has no inverse")]
    Singular(f64),
}

/// An affine map of the plane: `x' = a x + b y + tx`, `y' = c x + d y + ty`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// `[[a, b], [c, d]]`.
    pub linear: [[f64; 2]; 2],
    /// `[tx, ty]`.
    pub translation: [f64; 2],
}

impl Affine {
    /// The map that leaves every point where it is.
    pub const IDENTITY: Self = Self {
        linear: [[1.0, 0.0], [0.0, 1.0]],
        translation: [0.0, 0.0],
    };

    /// The similarity (rotation, uniform scale, translation) that maps `from` onto `to` with the
    /// least sum of squared distances, `min |s R p + t - q|^2` (Umeyama 1991, without reflection).
    ///
    /// # Errors
    /// [`AlignmentError::OutOfRange`] and [`AlignmentError::Coincident`].
    pub fn similarity<const N: usize>(
        from: &[Point; N],
        to: &[Point; N],
    ) -> Result<Self, AlignmentError> {
        if let Some(&p) = from
            .iter()
            .chain(to)
            .find(|p| !p.iter().all(|v| v.abs() <= FARTHEST))
        {
            return Err(AlignmentError::OutOfRange(p));
        }
        let (mean_from, mean_to) = (centroid(from), centroid(to));
        let (mut dot, mut cross, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let [px, py] = [p[0] - mean_from[0], p[1] - mean_from[1]];
            let [qx, qy] = [q[0] - mean_to[0], q[1] - mean_to[1]];
            dot += px * qx + py * qy;
            cross += px * qy - py * qx;
            spread += px * px + py * py;
        }
        if spread < 1e-9 || dot.hypot(cross) < 1e-9 {
            return Err(AlignmentError::Coincident);
        }
        let (a, c) = (dot / spread, cross / spread);
        Ok(Self {
            linear: [[a, -c], [c, a]],
            translation: [
                mean_to[0] - a * mean_from[0] + c * mean_from[1],
                mean_to[1] - c * mean_from[0] - a * mean_from[1],
            ],
        })
    }

    /// Turns by `angle` radians (clockwise as one sees it) and scales by `scale` about `centre`,
    /// then shifts.
    pub fn about(centre: Point, angle: f64, scale: f64, shift: Point) -> Self {
        let (a, c) = (scale * angle.cos(), scale * angle.sin());
        let ([x, y], [dx, dy]) = (centre, shift);
        Self {
            linear: [[a, -c], [c, a]],
            translation: [x + dx - (a * x - c * y), y + dy - (c * x + a * y)],
        }
    }

    /// The map of a `from` = (width, height) picture onto a `to` sized one, edge on edge.
    pub fn stretch(from: (usize, usize), to: (usize, usize)) -> Self {
        let (sx, sy) = (to.0 as f64 / from.0 as f64, to.1 as f64 / from.1 as f64);
        Self {
            linear: [[sx, 0.0], [0.0, sy]],
            translation: [0.5 * sx - 0.5, 0.5 * sy - 0.5],
        }
    }

    /// Where `p` goes.
    pub fn apply(&self, p: Point) -> Point {
        let [[a, b], [c, d]] = self.linear;
        [
            a * p[0] + b * p[1] + self.translation[0],
            c * p[0] + d * p[1] + self.translation[1],
        ]
    }

    /// Determinant of the linear part: the factor by which areas grow.
    pub fn determinant(&self) -> f64 {
        let [[a, b], [c, d]] = self.linear;
        a * d - b * c
    }

    /// The map back.
    ///
    /// # Errors
    /// [`AlignmentError::Singular`] where areas shrink to nothing or a coefficient is not finite.
    pub fn inverse(&self) -> Result<Self, AlignmentError> {
        let det = self.determinant();
        if det.abs() < 1e-12 {
            return Err(AlignmentError::Singular(det));
        }
        let [[a, b], [c, d]] = self.linear;
        let linear = [[d / det, -b / det], [-c / det, a / det]];
        let [tx, ty] = self.translation;
        let back = Self {
            linear,
            translation: [
                -linear[0][0] * tx - linear[0][1] * ty,
                -linear[1][0] * tx - linear[1][1] * ty,
            ],
        };
        let finite = (back.linear.iter().flatten().chain(&back.translation)).all(|v| v.is_finite());
        finite.then_some(back).ok_or(AlignmentError::Singular(det))
    }

    /// `self` first, then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let [[a, b], [c, d]] = self.linear;
        let [[e, f], [g, h]] = next.linear;
        Self {
            linear: [
                [e * a + f * c, e * b + f * d],
                [g * a + h * c, g * b + h * d],
            ],
            translation: next.apply(self.translation),
        }
    }
}

/// The map from picture coordinates to a `width` x `height` crop on which `points` fall onto the
/// (scaled) [`TEMPLATE`].
///
/// # Errors
/// As [`Affine::similarity`].
pub fn align_face(
    points: &FacePoints,
    width: usize,
    height: usize,
) -> Result<Affine, AlignmentError> {
    let to_template = Affine::similarity(points, &TEMPLATE)?;
    Ok(to_template.then(&Affine::stretch((CROP_SIZE, CROP_SIZE), (width, height))))
}

fn centroid(points: &[Point]) -> Point {
    let sum = points
        .iter()
        .fold([0.0, 0.0], |s, p| [s[0] + p[0], s[1] + p[1]]);
    sum.map(|v| v / points.len() as f64)
}
