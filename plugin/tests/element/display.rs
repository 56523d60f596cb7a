//! Faces are completed as they are displayed: in square pixels, the right way up.

use std::path::Path;
use std::sync::{Arc, Mutex};

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{POINT_FIELDS, POINTS_PARAM};
use image::imageops::{self, FilterType};
use mde_core::alignment::FacePoints;

use crate::models::with_runtime;
use crate::picture::portrait;
use crate::skip::skip;
use crate::support::{bytes, harness, init, mean_fill, timed};

/// Of GStreamer's documentation of the tag.
const ORIENTATIONS: [&str; 8] = [
    "rotate-0",
    "rotate-90",
    "rotate-180",
    "rotate-270",
    "flip-rotate-0",
    "flip-rotate-90",
    "flip-rotate-180",
    "flip-rotate-270",
];

/// Width and height of the part of the portrait with the face: no square, so that sides cannot be
/// mixed up unseen.
const SIZE: (u32, u32) = (448, 336);

/// A picture as a stream has it.
#[derive(Clone)]
struct Picture {
    info: VideoInfo,
    pixels: Vec<u8>,
}

impl Picture {
    fn new(picture: image::RgbImage, par: (i32, i32)) -> Self {
        init();
        let info = VideoInfo::builder(VideoFormat::Rgb, picture.width(), picture.height())
            .fps(gst::Fraction::new(25, 1))
            .par(gst::Fraction::new(par.0, par.1))
            .build()
            .expect("a format");
        assert_eq!(info.size(), picture.as_raw().len(), "rows without padding");
        Self {
            info,
            pixels: picture.into_raw(),
        }
    }

    fn buffer(&self) -> gst::Buffer {
        timed(gst::Buffer::from_slice(self.pixels.clone()), 0)
    }

    /// The edges, left, upper, right and lower, of what differs between both, in pixels.
    fn change(&self, other: &Self) -> [f64; 4] {
        let width = self.info.width() as usize;
        assert_eq!(width, other.info.width() as usize);
        let both = self.pixels.chunks(3).zip(other.pixels.chunks(3));
        let changed = both.enumerate().filter(|(_, (a, b))| a != b);
        let mut edges = [f64::INFINITY, f64::INFINITY, -1.0, -1.0];
        for (index, _) in changed {
            let (x, y) = ((index % width) as f64, (index / width) as f64);
            edges[0] = edges[0].min(x);
            edges[1] = edges[1].min(y);
            edges[2] = edges[2].max(x + 1.0);
            edges[3] = edges[3].max(y + 1.0);
        }
        edges
    }

    /// As the element leaves it, tagged with `orientation`.
    fn completed(&self, occlusion: &str, orientation: Option<&str>) -> Self {
        self.completed_by(&mean_fill(occlusion), orientation)
    }

    fn completed_by(&self, element: &gst::Element, orientation: Option<&str>) -> Self {
        element.set_property_from_str("region", "faces");
        self.through(harness(element, &self.info), orientation)
    }

    /// As players show it that heed the tag `orientation`.
    fn shown(&self, orientation: &str) -> Self {
        let mut harness = Harness::new_parse("videoflip video-direction=auto");
        harness.set_src_caps(self.info.to_caps().expect("caps"));
        harness.play();
        self.through(harness, Some(orientation))
    }

    fn through(&self, mut harness: Harness, orientation: Option<&str>) -> Self {
        if let Some(orientation) = orientation {
            let mut tags = gst::TagList::new();
            tags.make_mut()
                .add::<gst::tags::ImageOrientation>(&orientation, gst::TagMergeMode::Replace);
            assert!(harness.push_event(gst::event::Tag::new(tags)));
        }
        let out = harness.push_and_pull(self.buffer()).expect("a frame");
        let caps = harness.sinkpad().and_then(|pad| pad.current_caps());
        Self {
            info: VideoInfo::from_caps(&caps.expect("caps")).expect("a format"),
            pixels: bytes(&out),
        }
    }
}

/// The part of the portrait with the face.
fn face() -> Option<image::RgbImage> {
    let (info, pixels) = portrait()?;
    let whole = image::RgbImage::from_raw(info.width(), info.height(), pixels)?;
    Some(imageops::crop_imm(&whole, 0, 0, SIZE.0, SIZE.1).to_image())
}

fn assert_near(a: [f64; 4], b: [f64; 4], most: f64, what: &str) {
    let off = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    assert!(off.fold(0.0, f64::max) <= most, "{what}: {a:?} and {b:?}");
}

#[test]
fn pixels_of_any_shape_are_completed_where_they_are_shown() {
    with_runtime(|| {
        let Some(face) = face() else { return };
        let square = Picture::new(face.clone(), (1, 1));
        let wanted = square.change(&square.completed("eyes", None));
        for (par, [sx, sy]) in [((2, 1), [2, 1]), ((1, 2), [1, 2]), ((16, 15), [1, 1])] {
            let (width, height) = (SIZE.0 / sx, SIZE.1 / sy);
            let squeezed = imageops::resize(&face, width, height, FilterType::Triangle);
            let squeezed = Picture::new(squeezed, par);
            let [x0, y0, x1, y1] = squeezed.change(&squeezed.completed("eyes", None));
            let [sx, sy] = [sx, sy].map(f64::from);
            assert_near(
                [x0 * sx, y0 * sy, x1 * sx, y1 * sy],
                wanted,
                4.0,
                &format!("{par:?}"),
            );
        }
    });
}

#[test]
fn a_tagged_picture_is_completed_as_it_is_shown() {
    with_runtime(|| {
        let Some(face) = face() else { return };
        let upright = Picture::new(face, (1, 1));
        for occlusion in ["left-eye", "right-half"] {
            let wanted = upright.change(&upright.completed(occlusion, None));
            for orientation in ORIENTATIONS {
                let back = match orientation {
                    "rotate-90" => "rotate-270",
                    "rotate-270" => "rotate-90",
                    other => other,
                };
                let stored = upright.shown(back);
                assert!(stored.shown(orientation).pixels == upright.pixels);
                let completed = stored.completed(occlusion, Some(orientation));
                let painted = upright.change(&completed.shown(orientation));
                let what = format!("{occlusion} of {orientation}");
                assert_near(painted, wanted, 3.0, &what);
            }
        }
    });
}

#[test]
fn a_mask_file_is_laid_on_what_is_shown() {
    with_runtime(|| {
        let Some(face) = face() else { return };
        let upright = Picture::new(face, (1, 1));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mask.png");
        let mask = image::GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| {
            image::Luma([255 * u8::from((190..230).contains(&x) && (95..112).contains(&y))])
        });
        mask.save(&file).expect("a mask");
        let completed = |picture: &Picture, orientation| {
            let element = mean_fill("");
            element.set_property("mask-file", file.to_str());
            picture.completed_by(&element, orientation)
        };
        let wanted = upright.change(&completed(&upright, None));
        for (back, orientation) in [
            ("rotate-270", "rotate-90"),
            ("rotate-90", "rotate-270"),
            ("rotate-180", "rotate-180"),
            ("flip-rotate-0", "flip-rotate-0"),
        ] {
            let stored = upright.shown(back);
            let painted = completed(&stored, Some(orientation)).shown(orientation);
            assert_near(upright.change(&painted), wanted, 1.0, orientation);
        }
    });
}

#[test]
fn a_lying_picture_without_a_tag_is_completed_too() {
    with_runtime(|| {
        let Some(face) = face() else { return };
        let upright = Picture::new(face, (1, 1));
        let wanted = upright.change(&upright.completed("eyes", None));
        for (back, orientation) in [
            ("rotate-270", "rotate-90"),
            ("rotate-90", "rotate-270"),
            ("rotate-180", "rotate-180"),
            ("rotate-90", "rotate-270"),
        ] {
            let completed = upright.shown(back).completed("eyes", None);
            let painted = upright.change(&completed.shown(orientation));
            assert_near(painted, wanted, 6.0, orientation);
        }
    });
}

#[test]
fn a_tag_in_mid_stream_and_a_new_stream_are_heeded() {
    with_runtime(|| {
        let Some(face) = face() else { return };
        let upright = Picture::new(face, (1, 1));
        let wanted = upright.change(&upright.completed("left-eye", None));
        let element = mean_fill("left-eye");
        element.set_property_from_str("region", "faces");
        let mut harness = harness(&element, &upright.info);
        let painted = |harness: &mut Harness| {
            let out = harness.push_and_pull(upright.buffer()).expect("a frame");
            upright.change(&Picture {
                pixels: bytes(&out),
                ..upright.clone()
            })
        };
        assert_near(painted(&mut harness), wanted, 0.0, "without a tag");
        let mut tags = gst::TagList::new();
        tags.make_mut()
            .add::<gst::tags::ImageOrientation>(&"flip-rotate-0", gst::TagMergeMode::Replace);
        harness.push_event(gst::event::Tag::new(tags));
        let mirrored = painted(&mut harness);
        assert!(mirrored[0] > wanted[0] + 20.0, "{mirrored:?} {wanted:?}");
        harness.push_event(gst::event::StreamStart::new("another"));
        harness.push_event(gst::event::Caps::new(
            &upright.info.to_caps().expect("caps"),
        ));
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        harness.push_event(gst::event::Segment::new(&segment));
        assert_near(painted(&mut harness), wanted, 0.0, "another stream");
    });
}

/// The points of the faces in each frame of `file` of tests/cases/ after `filter`, as the element
/// marks them; nothing where the file cannot be decoded here.
fn points(file: &str, filter: &str) -> Option<Vec<FacePoints>> {
    init();
    for element in ["qtdemux", "h264parse", "avdec_h264"] {
        if gst::ElementFactory::find(element).is_none() {
            skip(format!("GStreamer has no {element} here, run `make setup`"));
            return None;
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/cases")
        .join(file);
    let element = mean_fill("");
    element.set_property_from_str("region", "faces");
    element.set_property("strength", 0f32);
    let decoder = "filesrc name=file ! qtdemux ! h264parse ! avdec_h264";
    let pipeline = gst::parse::launch(&format!("{decoder} ! {filter} name=last"));
    let pipeline = pipeline.expect("a description");
    let pipeline = pipeline.downcast::<gst::Pipeline>().expect("a pipeline");
    let [reader, decoder] = ["file", "last"].map(|name| pipeline.by_name(name).expect(name));
    reader.set_property("location", file.to_str());
    let sink = gst::ElementFactory::make("fakesink").build();
    let sink = sink.expect("a sink");
    pipeline.add_many([&element, &sink]).expect("elements");
    gst::Element::link_many([&decoder, &element, &sink]).expect("links");
    let points = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&points);
    let pad = element.static_pad("src").expect("a pad");
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, probe| {
        if let Some(buffer) = probe.buffer() {
            seen.lock().expect("a sound list").extend(marked(buffer));
        }
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).expect("playing");
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let bus = pipeline.bus().expect("a bus");
    let end = bus.timed_pop_filtered(gst::ClockTime::from_seconds(300), &ends);
    pipeline.set_state(gst::State::Null).expect("stopping");
    let is_whole = end.as_ref().map(|end| end.type_()) == Some(gst::MessageType::Eos);
    assert!(is_whole, "{end:?}");
    let points = points.lock().expect("a sound list").clone();
    Some(points)
}

/// The points of the faces marked on `buffer`.
fn marked(buffer: &gst::BufferRef) -> Vec<FacePoints> {
    let metas = buffer.iter_meta::<VideoRegionOfInterestMeta>();
    let points = metas.map(|meta| {
        let points = meta.param(POINTS_PARAM).expect("points");
        POINT_FIELDS.map(|fields| fields.map(|field| points.get(field).expect("a coordinate")))
    });
    points.collect()
}

/// The faces of `file` are where they are once `filter` has made of each frame what is shown, which
/// `to_shown` leads to.
fn assert_faces_are_as_shown(file: &str, filter: &str, to_shown: impl Fn([f64; 2]) -> [f64; 2]) {
    with_runtime(|| {
        let (Some(found), Some(shown)) = (points(file, "identity"), points(file, filter)) else {
            return;
        };
        assert_eq!((found.len(), shown.len()), (30, 30), "a face in each frame");
        for (found, shown) in found.into_iter().zip(shown) {
            let off = found.into_iter().zip(shown).map(|(found, [x, y])| {
                let [to_x, to_y] = to_shown(found);
                (to_x - x).hypot(to_y - y)
            });
            // The eyes are 60 pixels apart and more.
            let most = off.fold(0.0, f64::max);
            assert!(most < 4.0, "{most}: {found:?} and {shown:?}");
        }
    });
}

#[test]
fn faces_of_an_anamorphic_video_are_found_as_it_is_shown() {
    let filter = "videoscale ! capsfilter caps=video/x-raw,width=640,pixel-aspect-ratio=1/1";
    assert_faces_are_as_shown("ana2.mp4", filter, |[x, y]| [2.0 * x + 0.5, y]);
}

#[test]
fn faces_of_a_telephone_s_video_are_found_as_it_is_shown() {
    let filter = "videoflip video-direction=auto";
    assert_faces_are_as_shown("phone.mp4", filter, |[x, y]| [639.0 - y, x]);
}
