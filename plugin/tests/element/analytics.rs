//! GStreamer's analytics metas, in and out.

use gst::glib;
use gst_analytics::prelude::*;
use gst_analytics::{AnalyticsODMtd, AnalyticsRelationMeta};
use gst_video::VideoFormat;
use gstmdecomplete::locate::COMPLETED_TYPE;
use mde_core::occlusion::{Occlusion, Rect};

use crate::models::with_runtime;
use crate::support::{count, difference, harness, info, marked_fill, noise};

#[test]
fn a_face_that_was_detected_upstream_is_completed_and_told_of_downstream() {
    with_runtime(|| {
        let element = marked_fill("mouth");
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut frame = noise(&info, 0);
        let mut meta = AnalyticsRelationMeta::add(frame.make_mut());
        for (kind, x) in [("face", 120), ("cup", 10)] {
            meta.add_od_mtd(glib::Quark::from_str(kind), x, 70, 61, 82, 0.9)
                .expect("an object");
        }

        let copy = frame.copy_deep().expect("a copy");
        let out = harness.push_and_pull(copy).expect("a frame");
        assert_eq!(count(&element, "completed"), 1);
        let box_of_face = Rect::new(100, 50, 200, 170);
        let found = difference(&frame, &out, &info, box_of_face);
        assert_eq!(found.outside_changed, 0);
        assert!(found.inside_changed > 0, "{found:?}");

        let meta = out.meta::<AnalyticsRelationMeta>().expect("analytics");
        let objects: Vec<_> = meta.iter::<AnalyticsODMtd>().collect();
        let of_kind = |kind: &str| {
            let kind = Some(glib::Quark::from_str(kind));
            objects
                .iter()
                .filter(move |object| object.obj_type() == kind)
        };
        assert_eq!(of_kind("face").count(), 1, "what was told stays");
        assert_eq!(of_kind("cup").count(), 1, "what was told stays");
        let completed: Vec<_> = of_kind(COMPLETED_TYPE).collect();
        assert_eq!(completed.len(), 1);
        // The region holds the mouth of the face that was detected.
        let at = completed[0].location().expect("a box");
        let mouth = Occlusion::Mouth.rect();
        let middle = [mouth.x0 + mouth.x1, mouth.y0 + mouth.y1].map(|v| v as i32 / 2);
        assert!(at.w > middle[0] && at.h > middle[1], "{at:?}");
        let inside = |from: i32, size: i32, v: i32| (from..from + size).contains(&v);
        assert!(inside(at.x, at.w, 150) && inside(at.y, at.h, 130), "{at:?}");
    });
}
