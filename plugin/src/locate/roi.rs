//! Regions that an upstream element marked with `GstVideoRegionOfInterestMeta`.
//!
//! A meta may carry a parameter structure [`POINTS_PARAM`] with the five points of a face, as
//! doubles in frame pixels ([`POINT_FIELDS`]); left and right are those of the picture as it is
//! displayed. Such a face is aligned by its points. Without it the meta's rectangle is taken for a
//! face detector's box around an upright face ([`Bounds::TEMPLATE`]). The type of the region does not
//! matter: whoever asks for the regions of upstream means all of them. Only those of the types that begin with [`OWN`] are no input: they
//! tell what another element of this kind found and completed.

use gst::glib;
use gst_video::VideoRegionOfInterestMeta;
use mde_core::alignment::{AlignmentError, FacePoints};

use super::{Bounds, DisplaySpace, Region};
#[cfg(feature = "analytics")]
use crate::analytics;

/// What the types of all regions begin with that the element itself marks.
const OWN: &str = "mdecomplete/";

/// The type of regions that were or would be completed.
pub const COMPLETED_TYPE: &str = "mdecomplete/face";

/// The type of regions that are drop-outs.
pub const DROP_OUT_TYPE: &str = "mdecomplete/drop-out";

/// The type of regions that were damaged in a film.
pub const FILM_TYPE: &str = "mdecomplete/film-damage";

/// The type of a region that is the whole frame, some of whose channels are damaged.
pub const CHANNELS_TYPE: &str = "mdecomplete/channels";

/// Name of the parameter structure with the five points.
pub const POINTS_PARAM: &str = "face-points";

/// Its fields for x and y of each point, in the order of [`FacePoints`].
pub const POINT_FIELDS: [[&str; 2]; 5] = [
    ["left-eye-x", "left-eye-y"],
    ["right-eye-x", "right-eye-y"],
    ["nose-x", "nose-y"],
    ["left-mouth-x", "left-mouth-y"],
    ["right-mouth-x", "right-mouth-y"],
];

/// A region of interest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RoiError {
    /// A field of the five points is absent or no double.
    #[error("'{POINTS_PARAM}' of the region of interest {id}: {reason}")]
    Field {
        /// Identifier of the region.
        id: i32,
        /// Which field and why.
        reason: String,
    },
    /// Its points or its rectangle determine no alignment.
    #[error("region of interest {id}: {reason}")]
    Alignment {
        /// Identifier of the region.
        id: i32,
        /// Why.
        reason: AlignmentError,
    },
}

/// Whether there are regions on `buffer`.
pub fn is_marked(buffer: &gst::BufferRef) -> bool {
    let is_marked = metas(buffer).next().is_some();
    #[cfg(feature = "analytics")]
    let is_marked = is_marked || !analytics::faces(buffer).is_empty();
    is_marked
}

/// The regions marked on `buffer`, which is displayed as `display` tells, mapped to `crop` =
/// (width, height), in the metas' order.
pub fn marked(
    buffer: &gst::BufferRef,
    display: &DisplaySpace,
    crop: (usize, usize),
) -> impl Iterator<Item = Result<Region, RoiError>> {
    let regions = metas(buffer).map(move |meta| region(&meta, display, crop));
    #[cfg(feature = "analytics")]
    let regions = regions.chain(detected(buffer, display, crop));
    regions
}

/// The faces that an object detector marked on `buffer`, where no region is marked otherwise: no face
/// is to be completed twice.
#[cfg(feature = "analytics")]
fn detected(
    buffer: &gst::BufferRef,
    display: &DisplaySpace,
    crop: (usize, usize),
) -> impl Iterator<Item = Result<Region, RoiError>> {
    let faces = match metas(buffer).next() {
        Some(_) => Vec::new(),
        None => analytics::faces(buffer),
    };
    let faces = faces.into_iter();
    faces.map(move |face| numbered(0, Region::of_box(bounds(face, display), crop), display))
}

fn metas(
    buffer: &gst::BufferRef,
) -> impl Iterator<Item = gst::MetaRef<'_, VideoRegionOfInterestMeta>> {
    buffer
        .iter_meta()
        .filter(|meta: &gst::MetaRef<VideoRegionOfInterestMeta>| !meta.roi_type().starts_with(OWN))
}

fn region(
    meta: &VideoRegionOfInterestMeta,
    display: &DisplaySpace,
    crop: (usize, usize),
) -> Result<Region, RoiError> {
    let id = meta.id();
    let (x, y, width, height) = meta.rect();
    let bounds = bounds([x, y, width, height].map(f64::from), display);
    let region = match meta.param(POINTS_PARAM) {
        Some(param) => {
            let points = points(param).map_err(|e| RoiError::Field {
                id,
                reason: e.to_string(),
            })?;
            let points = points.map(|point| display.from_frame.apply(point));
            Region::of_points(&points, bounds, crop)
        }
        None => Region::of_box(bounds, crop),
    };
    numbered(id, region, display)
}

/// The box with the left and upper edge, the width and the height `[x, y, width, height]` in pixels of
/// the frame, as it is displayed.
fn bounds([x, y, width, height]: [f64; 4], display: &DisplaySpace) -> Bounds {
    let in_frame = Bounds {
        x0: x - 0.5,
        y0: y - 0.5,
        x1: x + width - 0.5,
        y1: y + height - 0.5,
    };
    in_frame.mapped(&display.from_frame)
}

/// `region`, which is found as it is displayed, in the frame, with its number.
fn numbered(
    id: i32,
    region: Result<Region, AlignmentError>,
    display: &DisplaySpace,
) -> Result<Region, RoiError> {
    match region {
        Ok(region) => Ok(Region {
            id,
            ..region.in_frame(display)
        }),
        Err(reason) => Err(RoiError::Alignment { id, reason }),
    }
}

fn points(param: &gst::StructureRef) -> Result<FacePoints, GetError> {
    let mut points = FacePoints::default();
    for (point, fields) in points.iter_mut().zip(POINT_FIELDS) {
        for (value, field) in point.iter_mut().zip(fields) {
            *value = param.get(field)?;
        }
    }
    Ok(points)
}

type GetError = gst::structure::GetError<
    <<f64 as glib::value::FromValue<'static>>::Checker as glib::value::ValueTypeChecker>::Error,
>;

#[cfg(test)]
mod tests {
    use super::*;
    use gst_video::{VideoFormat, VideoInfo, VideoOrientationMethod};
    use mde_core::alignment::TEMPLATE;

    fn marked_with(
        par: (i32, i32),
        params: impl FnOnce(&mut VideoRegionOfInterestMeta),
    ) -> Vec<Result<Region, RoiError>> {
        gst::init().expect("GStreamer");
        let mut buffer = gst::Buffer::new();
        let mut meta = VideoRegionOfInterestMeta::add(buffer.make_mut(), "face", (18, 7, 61, 82));
        params(&mut meta);
        let info = VideoInfo::builder(VideoFormat::Rgb, 320, 240)
            .par(gst::Fraction::new(par.0, par.1))
            .build()
            .expect("a format");
        let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
        marked(&buffer, &display, (96, 96)).collect()
    }

    #[test]
    fn a_rectangle_is_a_face_box() {
        let regions = marked_with((1, 1), |_| ());
        let [Ok(region)] = regions.as_slice() else {
            panic!("{regions:?}");
        };
        assert_eq!(region.points, None);
        let centre = region.to_crop.apply([48.0, 47.5]);
        assert!(
            (centre[0] - 48.0).hypot(centre[1] - 48.0) < 1e-9,
            "{centre:?}"
        );
    }

    #[test]
    fn points_come_before_the_rectangle() {
        let regions = marked_with((1, 1), |meta| {
            let mut param = gst::Structure::new_empty(POINTS_PARAM);
            for ([x_field, y_field], [x, y]) in POINT_FIELDS.into_iter().zip(TEMPLATE) {
                param.set(x_field, x + 200.0);
                param.set(y_field, y);
            }
            meta.add_param(param);
        });
        let [Ok(region)] = regions.as_slice() else {
            panic!("{regions:?}");
        };
        let origin = region.to_frame.apply([0.0, 0.0]);
        assert!((origin[0] - 200.0).hypot(origin[1]) < 1e-9, "{origin:?}");
    }

    #[test]
    fn a_face_in_wide_pixels_is_no_wider_on_the_crop() {
        let regions = marked_with((2, 1), |meta| {
            let mut param = gst::Structure::new_empty(POINTS_PARAM);
            for ([x_field, y_field], [x, y]) in POINT_FIELDS.into_iter().zip(TEMPLATE) {
                param.set(x_field, (x + 0.5) / 2.0 - 0.5);
                param.set(y_field, y);
            }
            meta.add_param(param);
        });
        let [Ok(region)] = regions.as_slice() else {
            panic!("{regions:?}");
        };
        let corner = region.to_frame.apply([95.5, 95.5]);
        assert!(
            (corner[0] - 47.5).hypot(corner[1] - 95.5) < 1e-9,
            "{corner:?}"
        );
    }

    #[test]
    fn a_missing_field_is_named() {
        let regions = marked_with((1, 1), |meta| {
            let param = gst::Structure::builder(POINTS_PARAM).field("left-eye-x", 1.0);
            meta.add_param(param.build());
        });
        let [Err(error)] = regions.as_slice() else {
            panic!("{regions:?}");
        };
        assert!(error.to_string().contains("left-eye-y"), "{error}");
    }
}
