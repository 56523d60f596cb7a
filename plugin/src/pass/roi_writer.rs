//! What the element leaves on a buffer: a region of interest for each completed region, or for each
//! region there is, and for each drop-out.

use gst_video::VideoRegionOfInterestMeta;
use mde_core::occlusion::{Occlusion, Rect};

use super::face::Face;
use super::report::Shares;
use crate::covers::Finding;
use crate::damage::DropOut;
use crate::findings;
use crate::locate::{COMPLETED_TYPE, DROP_OUT_TYPE, POINT_FIELDS, POINTS_PARAM};
use crate::missing::Asked;

/// Name of the parameter structure that tells how the region was completed.
const COMPLETION_PARAM: &str = "completion";

/// Name of the parameter structure that tells what was found before the face.
const COVER_PARAM: &str = "cover";

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

    /// Marks the completed region of `face` in a frame of `size` = (width, height) pixels on its
    /// buffer. `shares` is what its hole is filled with, as far as that is known.
    pub fn add_completed(
        &self,
        buffer: &mut gst::BufferRef,
        face: &Face,
        size: (u32, u32),
        shares: Option<&Shares>,
    ) {
        let mut completion = self.completion.clone();
        completion.set("reused", face.is_recalled);
        // A generator that tells nothing of it has painted all.
        let painted = Shares {
            painted: 1.0,
            ..Shares::default()
        };
        let shares = shares.unwrap_or(&painted);
        for (name, share) in [
            ("from-memory", shares.memory),
            ("from-later", shares.later),
            ("from-reference", shares.reference),
            ("from-mirror", shares.mirror),
            ("painted", shares.painted),
        ] {
            completion.set(name, f64::from(share));
        }
        if let Some(agreement) = shares.agreement {
            completion.set("agreement", f64::from(agreement));
        }
        self.add(buffer, face, size).add_param(completion);
    }

    /// Marks the region of `face` in a frame of `size` = (width, height) pixels on its buffer, with
    /// what is found before it, and nothing about a completion.
    pub fn add<'a>(
        &self,
        buffer: &'a mut gst::BufferRef,
        face: &Face,
        size: (u32, u32),
    ) -> gst::MetaRefMut<'a, VideoRegionOfInterestMeta, gst::meta::Standalone> {
        let region = &face.region;
        let mut points = gst::Structure::new_empty(POINTS_PARAM);
        for ([x_field, y_field], [x, y]) in
            POINT_FIELDS.into_iter().zip(region.face_points(self.crop))
        {
            points.set(x_field, x);
            points.set(y_field, y);
        }
        let mut meta =
            VideoRegionOfInterestMeta::add(buffer, COMPLETED_TYPE, region.bounds.pixels(size));
        meta.set_id(region.id);
        meta.add_param(points);
        if let Some(finding) = &face.cover {
            meta.add_param(cover(finding));
        }
        meta
    }
}

/// Marks the `drop_outs` of a frame on its buffer.
pub fn mark_drop_outs(buffer: &mut gst::BufferRef, drop_outs: &[DropOut]) {
    for found in drop_outs {
        let Rect { x0, y0, .. } = found.area;
        let (width, height) = (found.area.width(), found.area.height());
        let area = (x0 as u32, y0 as u32, width as u32, height as u32);
        VideoRegionOfInterestMeta::add(buffer, DROP_OUT_TYPE, area)
            .add_param(findings::drop_out(found));
    }
}

/// What is told of a cover.
fn cover(finding: &Finding) -> gst::Structure {
    gst::Structure::builder(COVER_PARAM)
        .field("kinds", finding.kinds.to_string())
        .field("share", f64::from(finding.share))
        .field("confidence", f64::from(finding.confidence))
        .build()
}
