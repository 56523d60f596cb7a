//! Where in a frame the pictures to complete are: the frame as a whole, what upstream marked, or
//! faces.
//!
//! Faces are found by a detector in some frames ([`Detector`], run by `search`), and followed from
//! each frame to the next by a small net that looks where they were ([`PointNet`], `track`). The
//! [`Locator`] is all of that.
//!
//! Coordinates are those of [`mde_core::alignment`]: `(x, y)` in pixels, whole numbers at pixel
//! centres.

mod centerface;
mod clock;
mod detector;
mod locator;
mod model_file;
mod point_net;
mod roi;
mod search;
mod track;

use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, AlignmentError, FacePoints, TEMPLATE, align_face};

pub use centerface::Face;
pub use clock::Clock;
pub use detector::{Detector, DetectorError, Picture};
pub use locator::{LocateError, Locator, Options};
pub use model_file::VARIABLE as DETECTOR_VARIABLE;
pub use point_net::{Look, PointNet};
pub use roi::{COMPLETED_TYPE, POINT_FIELDS, POINTS_PARAM, RoiError, is_marked, marked};
pub use track::{Rules, Track, bounds_of, eye_distance};

/// An upright box with edges in pixel coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Left edge.
    pub x0: f64,
    /// Upper edge.
    pub y0: f64,
    /// Right edge.
    pub x1: f64,
    /// Lower edge.
    pub y1: f64,
}

impl Bounds {
    /// Where detectors of CenterFace's kind (boxes from hairline to chin) put the box of a face
    /// that lies on the 96x96 crop's template: the mean over 400 aligned CelebA validation faces,
    /// 61 x 82 pixels around (48, 48).
    pub const TEMPLATE: Self = Self {
        x0: 17.5,
        y0: 7.0,
        x1: 78.5,
        y1: 89.0,
    };

    /// The box with the edges of a `width` x `height` picture's pixels.
    pub fn of_picture(width: usize, height: usize) -> Self {
        Self {
            x0: -0.5,
            y0: -0.5,
            x1: width as f64 - 0.5,
            y1: height as f64 - 0.5,
        }
    }

    fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    fn height(&self) -> f64 {
        self.y1 - self.y0
    }

    /// In square pixels; 0 where the corners are the wrong way round.
    pub fn area(&self) -> f64 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// Intersection over union with `other`; 0 where both are empty.
    pub fn overlap(&self, other: &Self) -> f64 {
        let width = (self.x1.min(other.x1) - self.x0.max(other.x0)).max(0.0);
        let height = (self.y1.min(other.y1) - self.y0.max(other.y0)).max(0.0);
        let both = width * height;
        let either = self.area() + other.area() - both;
        if either > 0.0 { both / either } else { 0.0 }
    }

    fn centre(&self) -> [f64; 2] {
        [(self.x0 + self.x1) / 2.0, (self.y0 + self.y1) / 2.0]
    }
}

/// A picture to complete within a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// From crop to frame pixels.
    pub to_frame: Affine,
    /// From frame to crop pixels.
    pub to_crop: Affine,
    /// The box it was made of, in frame pixels.
    pub bounds: Bounds,
    /// The five points it was made of, in frame pixels.
    pub points: Option<FacePoints>,
    /// The same number in every frame for the same face; 0 where faces are not told apart.
    pub id: i32,
}

impl Region {
    /// The whole of a `frame` = (width, height), taken for a `crop` sized picture.
    ///
    /// # Errors
    /// [`AlignmentError::Singular`] where a side is 0.
    pub fn full_frame(frame: (usize, usize), crop: (usize, usize)) -> Result<Self, AlignmentError> {
        let to_crop = Affine::stretch(frame, crop);
        Ok(Self {
            to_frame: to_crop.inverse()?,
            to_crop,
            bounds: Bounds::of_picture(frame.0, frame.1),
            points: None,
            id: 0,
        })
    }

    /// The face whose five points are `points`, aligned to the template.
    ///
    /// # Errors
    /// [`AlignmentError`] where the points determine no alignment.
    pub fn of_points(
        points: &FacePoints,
        bounds: Bounds,
        crop: (usize, usize),
    ) -> Result<Self, AlignmentError> {
        let to_crop = align_face(points, crop.0, crop.1)?;
        Ok(Self {
            to_frame: to_crop.inverse()?,
            to_crop,
            bounds,
            points: Some(*points),
            id: 0,
        })
    }

    /// The face that `track` follows, aligned to the template.
    ///
    /// # Errors
    /// [`AlignmentError`] where the points determine no alignment.
    pub fn of_track(track: &Track, crop: (usize, usize)) -> Result<Self, AlignmentError> {
        let id = track.id;
        Self::of_points(&track.points, track.bounds, crop).map(|region| Self { id, ..region })
    }

    /// The upright face in the box `bounds`: the box's centre and area are put onto those of
    /// [`Bounds::TEMPLATE`], with one scale for both directions.
    ///
    /// # Errors
    /// [`AlignmentError::Singular`] where the box is empty.
    pub fn of_box(bounds: Bounds, crop: (usize, usize)) -> Result<Self, AlignmentError> {
        let template = Bounds::TEMPLATE;
        let scale = (template.area() / bounds.area()).sqrt();
        let ([x, y], [template_x, template_y]) = (bounds.centre(), template.centre());
        let to_template = Affine {
            linear: [[scale, 0.0], [0.0, scale]],
            translation: [template_x - scale * x, template_y - scale * y],
        };
        let to_crop = to_template.then(&Affine::stretch((CROP_SIZE, CROP_SIZE), crop));
        Ok(Self {
            to_frame: to_crop.inverse()?,
            to_crop,
            bounds,
            points: None,
            id: 0,
        })
    }

    /// The five points in frame pixels: those it was made of, or where its `crop` = (width, height)
    /// sized picture has the template's.
    pub fn face_points(&self, crop: (usize, usize)) -> FacePoints {
        self.points.unwrap_or_else(|| {
            let to_frame = Affine::stretch((CROP_SIZE, CROP_SIZE), crop).then(&self.to_frame);
            TEMPLATE.map(|point| to_frame.apply(point))
        })
    }

    /// Whether the box around its `crop` = (width, height) sized picture has a part in a `frame` =
    /// (width, height).
    pub fn is_within(&self, frame: (usize, usize), crop: (usize, usize)) -> bool {
        let (frame, crop) = (
            Bounds::of_picture(frame.0, frame.1),
            Bounds::of_picture(crop.0, crop.1),
        );
        let corners = [
            [crop.x0, crop.y0],
            [crop.x1, crop.y0],
            [crop.x0, crop.y1],
            [crop.x1, crop.y1],
        ]
        .map(|corner| self.to_frame.apply(corner));
        let meets = |axis: usize, low: f64, high: f64| {
            corners.iter().any(|corner| corner[axis] > low)
                && corners.iter().any(|corner| corner[axis] < high)
        };
        meets(0, frame.x0, frame.x1) && meets(1, frame.y0, frame.y1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(a: [f64; 2], b: [f64; 2]) {
        assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 1e-9, "{a:?} and {b:?}");
    }

    #[test]
    fn a_full_frame_maps_edge_on_edge() {
        let region = Region::full_frame((192, 48), (96, 96)).expect("a region");
        assert_close(region.to_frame.apply([-0.5, -0.5]), [-0.5, -0.5]);
        assert_close(region.to_frame.apply([95.5, 95.5]), [191.5, 47.5]);
    }

    #[test]
    fn points_land_on_the_template() {
        let moved = TEMPLATE.map(|[x, y]| [300.0 - 2.0 * y, 100.0 + 2.0 * x]);
        let bounds = Bounds::of_picture(640, 480);
        let region = Region::of_points(&moved, bounds, (96, 96)).expect("a region");
        for (point, wanted) in moved.iter().zip(TEMPLATE) {
            assert_close(region.to_crop.apply(*point), wanted);
        }
    }

    #[test]
    fn a_box_lands_on_the_template_box() {
        let bounds = Bounds {
            x0: 135.0,
            y0: 214.0,
            x1: 257.0,
            y1: 378.0,
        };
        let region = Region::of_box(bounds, (192, 192)).expect("a region");
        let crop = |p: [f64; 2]| region.to_crop.apply(p).map(|v| (v + 0.5) / 2.0 - 0.5);
        assert_close(crop([135.0, 214.0]), [17.5, 7.0]);
        assert_close(crop([257.0, 378.0]), [78.5, 89.0]);
    }

    #[test]
    fn every_region_has_points() {
        let points = TEMPLATE.map(|[x, y]| [x + 300.0, y + 100.0]);
        let bounds = Bounds::of_picture(640, 480);
        let region = Region::of_points(&points, bounds, (96, 96)).expect("a region");
        assert_eq!(region.face_points((96, 96)), points);
        let region = Region::full_frame((192, 192), (48, 48)).expect("a region");
        let eye = region.face_points((48, 48))[0];
        assert_close(eye, [69.5, 77.5]);
    }

    #[test]
    fn regions_outside_the_frame_are_told() {
        let frame = (640, 480);
        let within = |x: f64| {
            let points = TEMPLATE.map(|[px, py]| [px + x, py + 100.0]);
            let bounds = Bounds::of_picture(640, 480);
            let region = Region::of_points(&points, bounds, (96, 96)).expect("a region");
            region.is_within(frame, (96, 96))
        };
        assert!(within(0.0) && within(-90.0) && within(639.0));
        assert!(!within(-97.0) && !within(641.0));
    }

    #[test]
    fn an_empty_box_is_refused() {
        let empty = Bounds {
            x0: 5.0,
            y0: 5.0,
            x1: 5.0,
            y1: 9.0,
        };
        assert!(matches!(
            Region::of_box(empty, (96, 96)),
            Err(AlignmentError::Singular(_))
        ));
    }
}
