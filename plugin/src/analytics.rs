//! GStreamer's analytics metas, which other elements than this one know.
//!
//! Faces that an object detector upstream has found are regions like those of
//! `GstVideoRegionOfInterestMeta` ([`crate::locate::marked`]), and what is completed is told to those
//! downstream: each region as a detected object, and what was found before its face as a segmentation
//! that the object contains.

use gst::glib;
use gst::glib::translate::IntoGlibPtr;
use gst_analytics::prelude::*;
use gst_analytics::{AnalyticsODMtd, AnalyticsRelationMeta, RelTypes, ffi};
use gst_video::{VideoFormat, VideoFrameFlags, VideoInfo, VideoMeta};
use mde_core::occlusion::Rect;

use crate::locate::COMPLETED_TYPE;

/// The type of the objects that are taken for faces.
const FACE: &str = "face";

/// Numbers of a segmentation's regions: that of what is no cover, and that of the cover. They are its
/// mask's values as well.
const REGIONS: [u32; 2] = [0, 1];

/// The boxes of the faces that were detected in the frame in `buffer`, left, upper, width and height
/// in pixels, in the order in which they were added.
pub fn faces(buffer: &gst::BufferRef) -> Vec<[f64; 4]> {
    let Some(meta) = buffer.meta::<AnalyticsRelationMeta>() else {
        return Vec::new();
    };
    let face = glib::Quark::from_str(FACE);
    let objects = meta.iter::<AnalyticsODMtd>();
    let faces = objects.filter(|object| object.obj_type() == Some(face));
    let boxes = faces.filter_map(|object| object.location().ok());
    boxes
        .map(|at| [at.x, at.y, at.w, at.h].map(f64::from))
        .collect()
}

/// A cover of a face.
pub struct Mask<F> {
    /// A part of the frame that holds all of it.
    pub area: Rect,
    /// Whether it hides the frame's pixel `(x, y)`.
    pub hides: F,
}

/// Tells on `buffer` of a region that is or would be completed, `(x, y, width, height)` in pixels of
/// the frame, and of what is before its face.
///
/// # Errors
/// GStreamer does not take it.
pub fn publish<F: Fn(usize, usize) -> bool>(
    buffer: &mut gst::BufferRef,
    region: (u32, u32, u32, u32),
    cover: Option<Mask<F>>,
) -> Result<(), glib::BoolError> {
    // There is one on a buffer, for all who have something to tell.
    if buffer.meta::<AnalyticsRelationMeta>().is_none() {
        AnalyticsRelationMeta::add(buffer);
    }
    let mut meta = buffer
        .meta_mut::<AnalyticsRelationMeta>()
        .ok_or_else(|| glib::bool_error!("no analytics on the buffer"))?;
    let (x, y, width, height) = region;
    let [x, y, width, height] = [x, y, width, height].map(|v| v as i32);
    let object = (meta.add_od_mtd(
        glib::Quark::from_str(COMPLETED_TYPE),
        x,
        y,
        width,
        height,
        1.0,
    ))?
    .id();
    if let Some(cover) = cover {
        let segmentation = add_segmentation(&mut meta, &cover)?;
        meta.set_relation(RelTypes::CONTAIN, object, segmentation)?;
    }
    Ok(())
}

/// Adds the segmentation of `cover` from the rest of its area; gives its number.
fn add_segmentation<F: Fn(usize, usize) -> bool>(
    meta: &mut AnalyticsRelationMeta,
    cover: &Mask<F>,
) -> Result<u32, glib::BoolError> {
    let Rect { x0, y0, .. } = cover.area;
    let (width, height) = (cover.area.width() as u32, cover.area.height() as u32);
    let mask = mask(cover, width, height)?;
    let mut regions = REGIONS;
    let mut segmentation = std::mem::MaybeUninit::uninit();
    // SAFETY: the meta is borrowed, and its buffer is writable with it; the call takes the mask over,
    // which has a video meta, and copies as many numbers of regions as there are; where it succeeds,
    // the segmentation is filled in.
    unsafe {
        let is_added = ffi::gst_analytics_relation_meta_add_segmentation_mtd(
            meta.as_mut_ptr(),
            mask.into_glib_ptr(),
            ffi::GST_SEGMENTATION_TYPE_SEMANTIC,
            regions.len(),
            regions.as_mut_ptr(),
            x0 as i32,
            y0 as i32,
            width,
            height,
            segmentation.as_mut_ptr(),
        );
        match is_added {
            glib::ffi::GFALSE => Err(glib::bool_error!("the segmentation is not taken")),
            _ => Ok(segmentation.assume_init().id),
        }
    }
}

/// The mask of `cover`, a picture of `width` x `height` with one of [`REGIONS`] as each value.
fn mask<F: Fn(usize, usize) -> bool>(
    cover: &Mask<F>,
    width: u32,
    height: u32,
) -> Result<gst::Buffer, glib::BoolError> {
    let info = VideoInfo::builder(VideoFormat::Gray8, width, height).build()?;
    let stride = info.stride()[0] as usize;
    let mut values = vec![0; info.size()];
    for (y, row) in (cover.area.y0..cover.area.y1).zip(values.chunks_exact_mut(stride)) {
        for (x, value) in (cover.area.x0..cover.area.x1).zip(row) {
            *value = u8::from((cover.hides)(x, y));
        }
    }
    let mut buffer = gst::Buffer::from_mut_slice(values);
    let flags = VideoFrameFlags::empty();
    VideoMeta::add(buffer.make_mut(), flags, VideoFormat::Gray8, width, height)?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst::glib::translate::from_glib_full;
    use gst_video::{VideoOrientationMethod, VideoRegionOfInterestMeta};

    use crate::locate::{DisplaySpace, is_marked, marked};

    fn detected(kinds: &[&str]) -> gst::Buffer {
        gst::init().expect("GStreamer");
        let mut buffer = gst::Buffer::new();
        let mut meta = AnalyticsRelationMeta::add(buffer.make_mut());
        for (at, kind) in (0..).zip(kinds) {
            meta.add_od_mtd(glib::Quark::from_str(*kind), 18 + 90 * at, 7, 61, 82, 0.9)
                .expect("an object");
        }
        buffer
    }

    fn regions(buffer: &gst::Buffer) -> usize {
        let info = VideoInfo::builder(VideoFormat::Rgb, 320, 240)
            .build()
            .expect("a format");
        let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
        let regions = marked(buffer, &display, (96, 96));
        regions.filter(Result::is_ok).count()
    }

    #[test]
    fn faces_that_were_detected_are_regions_and_nothing_else_is() {
        let buffer = detected(&["face", "bicycle", "face", COMPLETED_TYPE]);
        assert!(is_marked(&buffer));
        assert_eq!(regions(&buffer), 2);
        assert!(!is_marked(&detected(&["bicycle"])));
        // One face is not to be completed twice.
        let mut both = detected(&["face"]);
        VideoRegionOfInterestMeta::add(both.make_mut(), "face", (18, 7, 61, 82));
        assert_eq!(regions(&both), 1);
    }

    #[test]
    fn a_region_is_told_of_with_its_cover() {
        let mut buffer = detected(&["face"]);
        let cover = Mask {
            area: Rect::new(30, 20, 33, 22),
            hides: |x: usize, y: usize| (x, y) == (31, 21),
        };
        publish(buffer.make_mut(), (18, 7, 61, 82), Some(cover)).expect("a meta");
        let meta = buffer.meta::<AnalyticsRelationMeta>().expect("analytics");
        assert_eq!(meta.len(), 3, "with what was there");
        let ours = meta.mtd::<AnalyticsODMtd>(1).expect("an object");
        assert_eq!(ours.obj_type(), Some(glib::Quark::from_str(COMPLETED_TYPE)));
        assert_eq!(meta.relation(1, 2), RelTypes::CONTAIN);
        assert_eq!(faces(&buffer).len(), 1, "ours are no input");

        let mut segmentation = std::mem::MaybeUninit::uninit();
        let (mut at, mut size) = ([0; 2], [0; 2]);
        // SAFETY: the meta lives, and what is asked for is there.
        let mask: gst::Buffer = unsafe {
            let is_there = ffi::gst_analytics_relation_meta_get_segmentation_mtd(
                meta.as_mut_ptr(),
                2,
                segmentation.as_mut_ptr(),
            );
            assert_ne!(is_there, glib::ffi::GFALSE);
            let [x, y] = &mut at;
            let [width, height] = &mut size;
            from_glib_full(ffi::gst_analytics_segmentation_mtd_get_mask(
                segmentation.as_ptr(),
                x,
                y,
                width,
                height,
            ))
        };
        assert_eq!((at, size), ([30, 20], [3, 2]));
        let mask = mask.map_readable().expect("a picture");
        let stride = mask.len() / 2;
        let hidden = mask.iter().position(|value| *value == 1);
        assert_eq!((hidden, mask.iter().sum()), (Some(stride + 1), 1u8));
    }
}
