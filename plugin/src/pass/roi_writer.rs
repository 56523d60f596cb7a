//! What the element leaves on a buffer: a region of interest for each completed region, or for each
//! region there is.

use gst_video::VideoRegionOfInterestMeta;
use mde_core::occlusion::Occlusion;

use super::report::Shares;
use crate::locate::{COMPLETED_TYPE, POINT_FIELDS, POINTS_PARAM, Region};
use crate::missing::Asked;

/// Name of the parameter structure that tells how the region was completed.
const COMPLETION_PARAM: &str = "completion";

/// Makes the metas of completions of one kind.
#[derive(Debug)]
pub struct RoiWriter {
    asked: Asked,
    crop: (usize, usize),
    /// [`COMPLETION_PARAM`] without what differs between regions.
    completion: gst::Structure,
}

impl RoiWriter {
    /// For completions of what is `asked` for on crops of `crop` = (width, height) pixels.
    pub fn new(asked: Asked, crop: (usize, usize)) -> Self {
        let names: Vec<_> = asked.named().map(Occlusion::name).collect();
        Self {
            asked,
            crop,
            completion: gst::Structure::builder(COMPLETION_PARAM)
                .field("occlusion", names.join("+"))
                .build(),
        }
    }

    /// The same for completions of what is `asked` for from now on.
    pub fn follow(&mut self, asked: Asked, crop: (usize, usize)) {
        if self.asked != asked || self.crop != crop {
            *self = Self::new(asked, crop);
        }
    }

    /// Marks the completed `region` of a frame of `size` = (width, height) pixels on its buffer.
    /// `is_reused` is whether its completion is that of an earlier frame, `shares` what its hole is
    /// filled with, as far as that is known.
    pub fn add_completed(
        &self,
        buffer: &mut gst::BufferRef,
        region: &Region,
        size: (u32, u32),
        is_reused: bool,
        shares: Option<&Shares>,
    ) {
        let mut completion = self.completion.clone();
        completion.set("reused", is_reused);
        // A generator that tells nothing of it has painted all.
        let painted = Shares {
            painted: 1.0,
            ..Shares::default()
        };
        let shares = shares.unwrap_or(&painted);
        for (name, share) in [
            ("from-memory", shares.memory),
            ("from-reference", shares.reference),
            ("from-mirror", shares.mirror),
            ("painted", shares.painted),
        ] {
            completion.set(name, f64::from(share));
        }
        if let Some(agreement) = shares.agreement {
            completion.set("agreement", f64::from(agreement));
        }
        self.add(buffer, region, size).add_param(completion);
    }

    /// Marks `region` of a frame of `size` = (width, height) pixels on its buffer, and nothing
    /// about a completion.
    pub fn add<'a>(
        &self,
        buffer: &'a mut gst::BufferRef,
        region: &Region,
        (width, height): (u32, u32),
    ) -> gst::MetaRefMut<'a, VideoRegionOfInterestMeta, gst::meta::Standalone> {
        // The bounds are edges; the casts cut what is beyond the frame.
        let pixel = |edge: f64, side: u32| ((edge + 0.5).round() as u32).min(side);
        let bounds = &region.bounds;
        let (x, y) = (pixel(bounds.x0, width), pixel(bounds.y0, height));
        let right = pixel(bounds.x1, width).saturating_sub(x);
        let down = pixel(bounds.y1, height).saturating_sub(y);
        let mut points = gst::Structure::new_empty(POINTS_PARAM);
        for ([x_field, y_field], [x, y]) in
            POINT_FIELDS.into_iter().zip(region.face_points(self.crop))
        {
            points.set(x_field, x);
            points.set(y_field, y);
        }
        let mut meta = VideoRegionOfInterestMeta::add(buffer, COMPLETED_TYPE, (x, y, right, down));
        meta.set_id(region.id);
        meta.add_param(points);
        meta
    }
}
