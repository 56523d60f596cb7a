//! Covers that come over a face that the stream has shown before: what is missing is copied from
//! then.

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoFrame, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{COMPLETED_TYPE, POINT_FIELDS, POINTS_PARAM};

use mde_core::CROP_SIZE;
use mde_core::alignment::TEMPLATE;

use crate::models::{Model, with_runtime};
use crate::picture::{PORTRAIT_POINTS, converted, portrait};
use crate::skip::skip;
use crate::support::{bytes, harness, info, model_file, timed};

/// Of the clip.
const SIDE: usize = 576;
/// How many times the portrait is enlarged, and which pixel of it comes first.
const SCALE: usize = 3;
const ORIGIN: [f64; 2] = [136.0, 16.0];
/// Frames before the cover comes.
const WHOLE: u64 = 26;
const COVER: [u8; 3] = [0, 255, 0];
const COVER_COLOR: i32 = 0x00_ff_00;

/// A clip of the portrait's face, 444 pixels a crop, that moves a pixel or two from frame to frame.
pub(crate) struct Clip {
    pub(crate) info: VideoInfo,
    /// The whole portrait, enlarged.
    picture: Vec<u8>,
    width: usize,
}

/// A frame as it was taken, and as it comes.
pub(crate) struct Shot {
    pub(crate) taken: Vec<u8>,
    pub(crate) buffer: gst::Buffer,
    /// The cover: left, top, right, bottom.
    cover: [usize; 4],
}

impl Clip {
    pub(crate) fn new() -> Option<Self> {
        let (small, pixels) = portrait()?;
        let (width, height) = (small.width() * SCALE as u32, small.height() * SCALE as u32);
        let large = info(VideoFormat::Rgb, width, height);
        Some(Self {
            info: info(VideoFormat::Rgb, SIDE as u32, SIDE as u32),
            picture: bytes(&converted(&pixels, &small, &large)),
            width: width as usize,
        })
    }

    /// Frame `number`, mirrored or not, with the eyes covered or not.
    pub(crate) fn shot(&self, number: u64, is_mirrored: bool, is_covered: bool) -> Shot {
        let shift = [(number * 7 % 31) as f64, (number * 5 % 23) as f64];
        let origin = [0, 1].map(|axis| (ORIGIN[axis] * SCALE as f64 - shift[axis]) as usize);
        let mut taken = Vec::with_capacity(3 * SIDE * SIDE);
        for y in 0..SIDE {
            for x in 0..SIDE {
                let x = if is_mirrored { SIDE - 1 - x } else { x };
                let at = 3 * ((origin[1] + y) * self.width + origin[0] + x);
                taken.extend(&self.picture[at..at + 3]);
            }
        }
        let mut points = PORTRAIT_POINTS.map(|point| {
            [0, 1].map(|axis| (point[axis] + 0.5) * SCALE as f64 - 0.5 - origin[axis] as f64)
        });
        if is_mirrored {
            points =
                [1, 0, 2, 4, 3].map(|i: usize| [SIDE as f64 - 1.0 - points[i][0], points[i][1]]);
        }
        let [left, right] = [points[0], points[1]];
        let cover = [
            left[0] - 60.0,
            left[1] - 40.0,
            right[0] + 60.0,
            right[1] + 40.0,
        ];
        let cover = cover.map(|v| v as usize);
        let mut shown = taken.clone();
        if is_covered {
            for y in cover[1]..cover[3] {
                for pixel in
                    shown[3 * (y * SIDE + cover[0])..3 * (y * SIDE + cover[2])].chunks_mut(3)
                {
                    pixel.copy_from_slice(&COVER);
                }
            }
        }
        let mut buffer = timed(gst::Buffer::from_mut_slice(shown), number);
        mark(buffer.make_mut(), &points, 0);
        Shot {
            taken,
            buffer,
            cover,
        }
    }
}

/// Marks a face with `points` that has the number `id`.
fn mark(buffer: &mut gst::BufferRef, points: &[[f64; 2]; 5], id: i32) {
    let mut structure = gst::Structure::new_empty(POINTS_PARAM);
    for ([x_field, y_field], [x, y]) in POINT_FIELDS.into_iter().zip(points) {
        structure.set(x_field, *x);
        structure.set(y_field, *y);
    }
    let [x, y] = points[2].map(|v| v as u32);
    let mut meta = VideoRegionOfInterestMeta::add(buffer, "face", (x - 140, y - 200, 280, 380));
    meta.set_id(id);
    meta.add_param(structure);
}

/// An element that copies what is missing from the view it is shown, and is grey elsewhere.
pub(crate) fn element(properties: &[(&str, &str)]) -> gst::Element {
    let model = Model::copies_view(96, 96, [0.0; 2]);
    element_with("copies_view.onnx", &model, properties)
}

/// An element with `model`, which lies in the file `name`.
fn element_with(name: &str, model: &Model, properties: &[(&str, &str)]) -> gst::Element {
    let file = model_file(name, &model.to_bytes());
    let builder = gst::ElementFactory::make("mdecomplete")
        .property_from_str("region", "roi-list")
        .property_from_str("execution-provider", "cpu")
        .property("damage-color", COVER_COLOR)
        .property("mask-feather", 0f32)
        .property("border-match", 0f32)
        .property("temporal-smoothing", 0f32)
        .property("grain", 0f32)
        .property("model-file", file.to_str());
    let builder = properties.iter().fold(builder, |builder, (name, value)| {
        builder.property_from_str(name, value)
    });
    builder.build().expect("the element")
}

/// Peak signal to noise ratio in dB within the cover, a little away from its border.
pub(crate) fn psnr(found: &[u8], shot: &Shot) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for_each_covered(shot, |at| {
        sum += (f64::from(found[at]) - f64::from(shot.taken[at])).powi(2);
        count += 1.0;
    });
    10.0 * (255.0f64.powi(2) * count / sum).log10()
}

/// Mean difference of the green of neighbours within the cover.
fn sharpness(pixels: &[u8], shot: &Shot) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for_each_covered(shot, |at| {
        if at % 3 == 1 {
            sum += f64::from(pixels[at].abs_diff(pixels[at + 3]));
            count += 1.0;
        }
    });
    sum / count
}

fn for_each_covered(shot: &Shot, mut each: impl FnMut(usize)) {
    let [x0, y0, x1, y1] = shot.cover;
    for y in y0 + 6..y1 - 6 {
        for at in 3 * (y * SIDE + x0 + 6)..3 * (y * SIDE + x1 - 6) {
            each(at);
        }
    }
}

fn push(harness: &mut Harness, shot: &Shot) -> gst::Buffer {
    harness.push_and_pull(shot.buffer.clone()).expect("a frame")
}

/// Shows the element the face without its cover.
fn show(harness: &mut Harness, clip: &Clip, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let shot = clip.shot(number, false, false);
        let out = push(harness, &shot);
        assert!(bytes(&out) == shot.taken, "a whole face stays as it is");
    }
}

#[test]
fn what_a_cover_hides_is_what_the_stream_has_shown() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        let mut remembering = harness(&element(&[]), &clip.info);
        let mut forgetful = harness(&element(&[("memory", "0")]), &clip.info);
        show(&mut remembering, &clip, 0..WHOLE);
        show(&mut forgetful, &clip, 0..WHOLE);
        for number in WHOLE..WHOLE + 10 {
            let shot = clip.shot(number, false, true);
            let with = bytes(&push(&mut remembering, &shot));
            let without = bytes(&push(&mut forgetful, &shot));
            let (with_db, without_db) = (psnr(&with, &shot), psnr(&without, &shot));
            assert!(
                with_db > 30.0 && without_db < 18.0,
                "{with_db} {without_db}"
            );
            let ratio = sharpness(&with, &shot) / sharpness(&shot.taken, &shot);
            assert!((0.75..1.1).contains(&ratio), "{number}: {ratio}");
        }
    });
}

#[test]
fn known_pixels_stay_as_they_are_in_every_format() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        for format in [
            VideoFormat::I420,
            VideoFormat::Nv12,
            VideoFormat::Rgb,
            VideoFormat::I42010le,
        ] {
            let info = info(format, SIDE as u32, SIDE as u32);
            let mut harness = harness(
                &element(&[("occlusion", "eyes"), ("damage-color", "-1")]),
                &info,
            );
            let frame = |number: u64| {
                let shot = clip.shot(number, false, false);
                let mut buffer = timed(converted(&shot.taken, &clip.info, &info), number);
                let mut copy = |from: &gst::BufferRef| {
                    let flags = gst::BufferCopyFlags::META;
                    from.copy_into(buffer.make_mut(), flags, ..).expect("metas");
                };
                copy(&shot.buffer);
                (shot, buffer)
            };
            // A view from outside of what is missing: shown while nothing was.
            harness
                .element()
                .expect("the element")
                .set_property_from_str("occlusion", "mouth");
            for number in 0..3 {
                harness.push_and_pull(frame(number).1).expect("a frame");
            }
            harness
                .element()
                .expect("the element")
                .set_property_from_str("occlusion", "eyes");
            let (shot, before) = frame(3);
            let after = harness.push_and_pull(before.clone()).expect("a frame");
            let [x0, y0, x1, y1] = shot.cover;
            let around = mde_core::occlusion::Rect::new(x0 - 60, y0 - 60, x1 + 60, y1 + 60);
            let found = crate::support::difference(&before, &after, &info, around);
            assert_eq!(found.outside_changed, 0, "{format}: {found:?}");
            assert!(found.inside_changed > 1000, "{format}: {found:?}");
            let frame = VideoFrame::from_buffer_readable(after, &info);
            assert!(frame.is_ok());
        }
    });
}

#[test]
fn a_flush_and_another_stream_forget() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        type Break = fn(&mut Harness, &VideoInfo);
        let breaks: [Break; 2] = [
            |harness, info| {
                harness.push_event(gst::event::FlushStart::new());
                harness.push_event(gst::event::FlushStop::new(true));
                let segment = gst::FormattedSegment::<gst::ClockTime>::new();
                harness.push_event(gst::event::StreamStart::new("again"));
                harness.push_event(gst::event::Caps::new(&info.to_caps().expect("caps")));
                harness.push_event(gst::event::Segment::new(&segment));
            },
            |harness, _| {
                harness.push_event(gst::event::StreamStart::new("another"));
            },
        ];
        for change in breaks {
            let mut harness = harness(&element(&[]), &clip.info);
            show(&mut harness, &clip, 0..WHOLE);
            let shot = clip.shot(WHOLE, false, true);
            assert!(psnr(&bytes(&push(&mut harness, &shot)), &shot) > 30.0);
            change(&mut harness, &clip.info);
            let shot = clip.shot(WHOLE + 1, false, true);
            let found = psnr(&bytes(&push(&mut harness, &shot)), &shot);
            assert!(found < 18.0, "{found}");
        }
    });
}

#[test]
fn another_face_s_view_is_never_used() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        let mut harness = harness(&element(&[]), &clip.info);
        let numbered = |mut shot: Shot, id: i32| {
            let buffer = shot.buffer.make_mut();
            if let Some(mut meta) = buffer.meta_mut::<VideoRegionOfInterestMeta>() {
                meta.set_id(id);
            }
            shot
        };
        for number in 0..WHOLE {
            push(&mut harness, &numbered(clip.shot(number, false, false), 1));
        }
        // A face with another number, however alike, has its own memory.
        let shot = numbered(clip.shot(WHOLE, false, true), 2);
        assert!(psnr(&bytes(&push(&mut harness, &shot)), &shot) < 18.0);
        // The first one is still known when it comes back.
        let shot = numbered(clip.shot(WHOLE + 1, false, true), 1);
        assert!(psnr(&bytes(&push(&mut harness, &shot)), &shot) > 30.0);
        // Where its number stands for a face that looks otherwise, its views do not serve.
        let shot = numbered(clip.shot(WHOLE + 2, true, true), 1);
        let found = psnr(&bytes(&push(&mut harness, &shot)), &shot);
        assert!(found < 18.0, "{found}");
    });
}

#[test]
fn views_grow_old() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        let mut harness = harness(&element(&[("memory", "400")]), &clip.info);
        show(&mut harness, &clip, 0..WHOLE);
        let at = |harness: &mut Harness, number: u64| {
            let shot = clip.shot(number, false, true);
            psnr(&bytes(&push(harness, &shot)), &shot)
        };
        assert!(at(&mut harness, WHOLE) > 30.0);
        // 40 ms a frame.
        assert!(at(&mut harness, WHOLE + 12) < 18.0);
    });
}

#[test]
fn what_is_copied_from_the_face_s_other_half_is_as_sharp_as_that() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        let mut shot = clip.shot(0, false, false);
        // The frame is the crop, and alike left and right.
        for row in shot.taken.chunks_exact_mut(3 * SIDE) {
            for x in 0..SIDE / 2 {
                let from = 3 * (SIDE - 1 - x);
                row.copy_within(from..from + 3, 3 * x);
            }
        }
        shot.cover = [320, 120, 500, 320];
        let mut shown = shot.taken.clone();
        let [x0, y0, x1, y1] = shot.cover;
        for y in y0..y1 {
            for pixel in shown[3 * (y * SIDE + x0)..3 * (y * SIDE + x1)].chunks_exact_mut(3) {
                pixel.copy_from_slice(&COVER);
            }
        }
        shot.buffer = timed(gst::Buffer::from_mut_slice(shown), 0);
        let scale = SIDE as f64 / CROP_SIZE as f64;
        let points = TEMPLATE.map(|point| point.map(|v| (v + 0.5) * scale - 0.5));
        mark(shot.buffer.make_mut(), &points, 0);

        let model = Model::copies_mirror(CROP_SIZE, CROP_SIZE);
        let element = element_with("copies_mirror.onnx", &model, &[]);
        let out = push(&mut harness(&element, &clip.info), &shot);
        let [.., mirror, painted] = told(&out);
        assert!(mirror > 0.99 && painted < 0.01, "{mirror} {painted}");
        let out = bytes(&out);
        let ratio = sharpness(&out, &shot) / sharpness(&shot.taken, &shot);
        assert!((0.85..1.1).contains(&ratio), "{ratio}");
        assert!(psnr(&out, &shot) > 32.0, "{}", psnr(&out, &shot));
    });
}

/// What the first mark on `buffer` says of the hole: from memory, reference, mirror, painted.
fn told(buffer: &gst::Buffer) -> [f64; 4] {
    let mut metas = buffer.iter_meta::<VideoRegionOfInterestMeta>();
    let meta = metas.find(|meta| meta.roi_type() == COMPLETED_TYPE);
    let meta = meta.expect("a mark");
    let completion = meta.param("completion").expect("how it was completed");
    ["from-memory", "from-reference", "from-mirror", "painted"]
        .map(|name| completion.get(name).expect("a share"))
}

#[test]
fn it_is_told_where_the_pixels_come_from() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        let element = element(&[]);
        let mut harness = harness(&element, &clip.info);
        let shot = clip.shot(0, false, true);
        assert_eq!(told(&push(&mut harness, &shot)), [0.0, 0.0, 0.0, 1.0]);
        show(&mut harness, &clip, 1..WHOLE);
        let shot = clip.shot(WHOLE, false, true);
        let out = push(&mut harness, &shot);
        let [memory, reference, mirror, painted] = told(&out);
        assert!(memory > 0.99 && painted < 0.01, "{memory} {painted}");
        assert_eq!([reference, mirror], [0.0; 2]);
        let stats = element.property::<gst::Structure>("stats");
        let share = |name: &str| stats.get::<f64>(name).expect("a share");
        assert!((share("from-memory") - 0.5).abs() < 0.01, "{stats}");
        assert!((share("painted") - 0.5).abs() < 0.01, "{stats}");
        assert!(share("agreement") > 0.9, "{stats}");
    });
}

/// The element with `reference` for its picture of the person; nothing where faces cannot be found
/// in pictures.
fn with_reference(reference: &std::path::Path, info: &VideoInfo) -> Option<(gst::Bus, Harness)> {
    if let Err(e) = gstmdecomplete::locate::Detector::open() {
        skip(e);
        return None;
    }
    let element = element(&[("reference-file", &reference.display().to_string())]);
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    Some((bus, harness(&element, info)))
}

/// Whether the application was told that a reference fits no face.
fn is_unplaced(bus: &gst::Bus) -> bool {
    bus.iter_filtered(&[gst::MessageType::Element])
        .filter_map(|message| Some(message.structure()?.name().to_string()))
        .any(|name| name == "mdecomplete/reference-fits-no-face")
}

#[test]
fn a_cover_that_never_leaves_is_filled_from_a_picture_of_the_person() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let picture = picture.join("../.deps/pictures/astronaut.png");
        let Some((bus, mut harness)) = with_reference(&picture, &clip.info) else {
            return;
        };
        for number in 0..40 {
            let shot = clip.shot(number, false, true);
            let out = push(&mut harness, &shot);
            let [_, reference, _, _] = told(&out);
            assert!(reference > 0.9, "{number}: {reference}");
            // Points that are found differ from those that were read off by eye, so the pixels are
            // not in their very places.
            let ratio = sharpness(&bytes(&out), &shot) / sharpness(&shot.taken, &shot);
            assert!((0.6..1.3).contains(&ratio), "{number}: {ratio}");
        }
        assert!(!is_unplaced(&bus));
    });
}

#[test]
fn it_is_told_that_a_reference_fits_no_face() {
    let Some(clip) = Clip::new() else { return };
    with_runtime(|| {
        let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let picture = picture.join("../.deps/pictures/astronaut.png");
        let Some((bus, mut harness)) = with_reference(&picture, &clip.info) else {
            return;
        };
        for number in 0..40 {
            // Upright bars where the face was.
            let mut shot = clip.shot(number, false, true);
            let (cover, buffer) = (shot.cover, shot.buffer.make_mut());
            let mut data = buffer.map_writable().expect("memory");
            for (i, pixel) in data.chunks_mut(3).enumerate() {
                let (x, y) = (i % SIDE, i / SIDE);
                let [x0, y0, x1, y1] = cover;
                if !((x0..x1).contains(&x) && (y0..y1).contains(&y)) {
                    pixel.fill(if x / 40 % 2 == 0 { 250 } else { 5 });
                }
            }
            drop(data);
            push(&mut harness, &shot);
        }
        assert!(is_unplaced(&bus));
    });
}

#[test]
fn references_that_cannot_be_used_are_named() {
    crate::support::init();
    let folder = tempfile::tempdir().expect("a folder");
    let faceless = folder.path().join("wall.png");
    image::RgbImage::from_pixel(64, 64, image::Rgb([90; 3]))
        .save(&faceless)
        .expect("a picture");
    with_runtime(|| {
        for (name, fault) in [
            (
                folder.path().join("nobody.jpg"),
                "nobody.jpg cannot be read",
            ),
            (faceless.clone(), "wall.png"),
        ] {
            let element = element(&[("reference-file", &name.display().to_string())]);
            let bus = gst::Bus::new();
            element.set_bus(Some(&bus));
            assert!(element.set_state(gst::State::Paused).is_err());
            let errors = bus.iter_filtered(&[gst::MessageType::Error]);
            let error = errors.filter_map(|message| match message.view() {
                gst::MessageView::Error(error) => Some(error.error().to_string()),
                _ => None,
            });
            let error = error.collect::<Vec<_>>().join(" ");
            let is_told = error.contains(fault) || error.contains("cannot be found");
            assert!(is_told, "{error}");
            let _ = element.set_state(gst::State::Null);
        }
    });
}
