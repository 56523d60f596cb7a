//! The pictures to complete within a frame.

use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, AlignmentError, FacePoints, TEMPLATE, align_face};

use super::{Bounds, DisplaySpace, Track};

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
    /// The whole of a `frame` = (width, height), which is displayed as `display` tells, taken for a
    /// `crop` sized picture.
    ///
    /// # Errors
    /// [`AlignmentError::Singular`] where a side is 0.
    pub fn full_frame(
        frame: (usize, usize),
        display: &DisplaySpace,
        crop: (usize, usize),
    ) -> Result<Self, AlignmentError> {
        let ([width, height], (crop_width, crop_height)) = (display.size, crop);
        let [sx, sy] = [crop_width as f64 / width, crop_height as f64 / height];
        let of_display = Affine {
            linear: [[sx, 0.0], [0.0, sy]],
            translation: [0.5 * sx - 0.5, 0.5 * sy - 0.5],
        };
        let to_crop = display.from_frame.then(&of_display);
        Ok(Self {
            to_frame: to_crop.inverse()?,
            to_crop,
            bounds: Bounds::of_picture(frame.0, frame.1),
            points: None,
            id: 0,
        })
    }

    /// The same, in the frame's pixels, of a region in those of `display`.
    pub fn in_frame(&self, display: &DisplaySpace) -> Self {
        Self {
            to_frame: self.to_frame.then(&display.to_frame),
            to_crop: display.from_frame.then(&self.to_crop),
            bounds: self.bounds.mapped(&display.to_frame),
            points: (self.points).map(|points| points.map(|p| display.to_frame.apply(p))),
            id: self.id,
        }
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

    /// The face that `track` follows, aligned to the template, as it is displayed.
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
        let corners = crop.corners().map(|corner| self.to_frame.apply(corner));
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
    use gst_video::{VideoFormat, VideoInfo, VideoOrientationMethod};

    fn plain(width: u32, height: u32) -> DisplaySpace {
        display(width, height, (1, 1), VideoOrientationMethod::Identity)
    }

    fn display(
        width: u32,
        height: u32,
        par: (i32, i32),
        orientation: VideoOrientationMethod,
    ) -> DisplaySpace {
        gst::init().expect("GStreamer");
        let info = VideoInfo::builder(VideoFormat::Rgb, width, height)
            .par(gst::Fraction::new(par.0, par.1))
            .build()
            .expect("a format");
        DisplaySpace::of(&info, orientation)
    }

    fn assert_close(a: [f64; 2], b: [f64; 2]) {
        assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 1e-9, "{a:?} and {b:?}");
    }

    #[test]
    fn a_full_frame_maps_edge_on_edge() {
        let region = Region::full_frame((192, 48), &plain(192, 48), (96, 96)).expect("a region");
        assert_close(region.to_frame.apply([-0.5, -0.5]), [-0.5, -0.5]);
        assert_close(region.to_frame.apply([95.5, 95.5]), [191.5, 47.5]);
    }

    #[test]
    fn a_lying_frame_is_taken_as_it_is_displayed() {
        let lying = display(192, 48, (1, 2), VideoOrientationMethod::_90r);
        let region = Region::full_frame((192, 48), &lying, (96, 96)).expect("a region");
        // The upper left corner of the picture is the lower left of the frame.
        assert_close(region.to_frame.apply([-0.5, -0.5]), [-0.5, 47.5]);
        assert_close(region.to_frame.apply([95.5, -0.5]), [-0.5, -0.5]);
        assert_close(region.to_frame.apply([95.5, 95.5]), [191.5, -0.5]);
    }

    #[test]
    fn a_face_is_aligned_as_it_is_displayed() {
        // Twice as large, in a frame of wide pixels that lies on its side and is mirrored.
        let points = TEMPLATE.map(|[x, y]| [2.0 * x + 10.0, 2.0 * y + 20.0]);
        let bounds = Bounds::TEMPLATE;
        let shown = Region::of_points(&points, bounds, (96, 96)).expect("a region");
        let display = display(200, 600, (2, 1), VideoOrientationMethod::UlLr);
        let region = shown.in_frame(&display);
        let [x, y] = points[0];
        let in_frame = [(y + 0.5) / 2.0 - 0.5, x];
        assert_close(region.points.expect("points")[0], in_frame);
        assert_close(region.to_crop.apply(in_frame), TEMPLATE[0]);
        assert_close(region.to_frame.apply(TEMPLATE[0]), in_frame);
        let Bounds { x0, y1, .. } = region.bounds;
        assert_close([x0, y1], [(bounds.y0 + 0.5) / 2.0 - 0.5, bounds.x1]);
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
        let region = Region::full_frame((192, 192), &plain(192, 192), (48, 48)).expect("a region");
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
