//! Covers that the element finds by itself, with a net that takes pure colours for such.

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::COMPLETED_TYPE;
use mde_core::occlusion::Rect;

use crate::models::{Model, with_runtime};
use crate::picture::portrait;
use crate::support::{
    add_face, assert_same, bus_texts, bytes, count, difference, harness, info, mean_fill,
    messages_named, model_file, timed, warnings,
};

const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];

/// Where the cover lies on a frame of 96x96 pixels.
const SPOT: Rect = Rect::new(30, 40, 66, 60);

/// How far from a cover pixels may change that belong to its rim.
const RIM: usize = 8;

fn net(side: usize) -> PathBuf {
    model_file("covers.onnx", &Model::sees_colours(side).to_bytes())
}

/// An element that finds covers with the net in `net`, in the whole frame.
fn element_with(net: &Path) -> gst::Element {
    let element = mean_fill("auto");
    element.set_property("cover-model", net.to_str());
    element
}

fn element() -> gst::Element {
    element_with(&net(96))
}

fn bus_of(element: &gst::Element) -> gst::Bus {
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    bus
}

/// Frame `number`, of greys that no net takes for a cover, with `parts` in colours.
fn frame(info: &VideoInfo, number: u64, parts: &[(Rect, [u8; 3])]) -> gst::Buffer {
    let stride = info.stride()[0] as usize;
    let mut bytes: Vec<u8> = (0..info.size())
        .map(|i| 60 + (i % stride / 3 * 7 % 50) as u8 + (i / stride * 5 % 40) as u8)
        .collect();
    for (rect, colour) in parts {
        for y in rect.y0..rect.y1 {
            for x in rect.x0..rect.x1 {
                bytes[y * stride + 3 * x..][..3].copy_from_slice(colour);
            }
        }
    }
    timed(gst::Buffer::from_mut_slice(bytes), number)
}

/// A frame as it went in, and as it came out.
fn next(harness: &mut Harness, frame: gst::Buffer) -> (gst::Buffer, gst::Buffer) {
    let copy = frame.copy_deep().expect("a copy");
    let out = harness.push_and_pull(copy).expect("a frame");
    (frame, out)
}

fn widened(rect: Rect, by: usize) -> Rect {
    Rect::new(rect.x0 - by, rect.y0 - by, rect.x1 + by, rect.y1 + by)
}

/// Asserts that all of the cover `rect` was painted over, and nothing but it and its rim.
fn assert_uncovered(before: &gst::Buffer, after: &gst::Buffer, info: &VideoInfo, rect: Rect) {
    let inside = difference(before, after, info, rect);
    assert_eq!(inside.inside_changed, inside.inside, "of {rect:?}");
    let outside = difference(before, after, info, widened(rect, RIM));
    assert_eq!(outside.outside_changed, 0, "beside {rect:?}");
}

/// What each message says of covers: the face's number, the kinds, and where it is.
fn told(bus: &gst::Bus) -> Vec<Vec<(i32, String, [u32; 4])>> {
    let messages = messages_named(bus, "mdecomplete/damage");
    let covers = messages.iter().map(|message| {
        let list: gst::Array = message.get("covers").expect("a list");
        let covers = list.iter().map(|cover| {
            let cover: gst::Structure = cover.get().expect("a structure");
            for share in ["share", "confidence"] {
                let share: f64 = cover.get(share).expect("a share");
                assert!(share > 0.0 && share <= 1.0, "{cover}");
            }
            let side = |name: &str| cover.get::<u32>(name).expect("a side");
            (
                cover.get("face").expect("a number"),
                cover.get("kinds").expect("a text"),
                ["x", "y", "width", "height"].map(side),
            )
        });
        covers.collect()
    });
    covers.collect()
}

fn marks(buffer: &gst::Buffer) -> Vec<gst::MetaRef<'_, VideoRegionOfInterestMeta>> {
    let metas = buffer.iter_meta::<VideoRegionOfInterestMeta>();
    metas
        .filter(|meta| meta.roi_type() == COMPLETED_TYPE)
        .collect()
}

#[test]
fn a_face_is_completed_where_it_is_covered_and_as_long() {
    with_runtime(|| {
        // A net for crops as the generator has them, and one for others.
        for side in [96, 64] {
            let element = element_with(&net(side));
            let bus = bus_of(&element);
            let info = info(VideoFormat::Rgb, 96, 96);
            let mut harness = harness(&element, &info);
            for number in 0..9 {
                let is_covered = (3..6).contains(&number);
                let parts = [(SPOT, GREEN)];
                let parts = if is_covered { &parts[..] } else { &[] };
                let (before, after) = next(&mut harness, frame(&info, number, parts));
                match is_covered {
                    true => assert_uncovered(&before, &after, &info, SPOT),
                    false => assert_same(&before, &after),
                }
                let marks = marks(&after);
                assert_eq!(marks.len(), usize::from(is_covered), "{number}");
                for mark in marks {
                    assert!(mark.param("completion").is_some());
                    let cover = mark.param("cover").expect("a cover");
                    assert_eq!(cover.get("kinds"), Ok("objects"));
                    let share: f64 = cover.get("share").expect("a share");
                    let wanted = SPOT.area() as f64 / (std::f64::consts::FRAC_PI_4 * 61.0 * 82.0);
                    assert!((share - wanted).abs() < 0.04, "{share} {wanted}");
                    let confidence: f64 = cover.get("confidence").expect("a probability");
                    assert!(confidence > 0.9, "{confidence}");
                }
            }
            let object = vec![(0, "objects".to_owned(), [0, 0, 96, 96])];
            assert_eq!(told(&bus), [object, vec![]], "once a change");
            assert_eq!(count(&element, "covered"), 3);
            assert_eq!(count(&element, "completed"), 3);
        }
    });
}

#[test]
fn kinds_that_are_not_asked_for_stay() {
    with_runtime(|| {
        let element = element();
        element.set_property_from_str("cover-kinds", "objects+hair");
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let second = Rect::new(30, 66, 66, 80);
        let parts = [(SPOT, BLUE), (second, GREEN)];
        let (before, after) = next(&mut harness, frame(&info, 0, &parts));
        assert_uncovered(&before, &after, &info, second);
        // The net need not look again.
        element.set_property_from_str("cover-kinds", "masks");
        let (before, after) = next(&mut harness, frame(&info, 1, &parts));
        assert_uncovered(&before, &after, &info, SPOT);
        element.set_property_from_str("occlusion", "");
        let (before, after) = next(&mut harness, frame(&info, 2, &parts));
        assert_same(&before, &after);
    });
}

#[test]
fn covers_add_to_what_else_is_missing() {
    with_runtime(|| {
        let element = element();
        element.set_property_from_str("occlusion", "mouth+auto");
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let eyes = Rect::new(22, 28, 74, 44);
        let (before, after) = next(&mut harness, frame(&info, 0, &[(eyes, GREEN)]));
        let mouth = Rect::new(26, 58, 70, 82);
        for rect in [eyes, mouth] {
            let found = difference(&before, &after, &info, rect);
            assert!(found.inside_changed * 20 > found.inside * 19, "{found:?}");
        }
        let both = difference(&before, &after, &info, Rect::new(14, 20, 82, 82));
        assert_eq!(both.outside_changed, 0);
    });
}

#[test]
fn what_a_colour_says_is_missing_is_not_shown_to_the_net() {
    with_runtime(|| {
        // A net for crops as the generator has them, and one for others.
        for side in [96, 64] {
            for (colour, covered) in [(-1, 3), (0x00_ff_00i32, 0)] {
                let element = element_with(&net(side));
                element.set_property("damage-color", colour);
                let info = info(VideoFormat::Rgb, 96, 96);
                let mut harness = harness(&element, &info);
                for number in 0..3 {
                    let (before, after) =
                        next(&mut harness, frame(&info, number, &[(SPOT, GREEN)]));
                    let inside = difference(&before, &after, &info, SPOT);
                    assert_eq!(inside.inside_changed, inside.inside, "{side} {colour}");
                }
                assert_eq!(count(&element, "covered"), covered, "{side} {colour}");
            }
        }
    });
}

#[test]
fn specks_and_what_is_not_before_the_face_stay() {
    with_runtime(|| {
        let element = element();
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        for (number, rect) in [Rect::new(40, 50, 44, 54), Rect::new(0, 0, 14, 20)]
            .into_iter()
            .enumerate()
        {
            let (before, after) = next(&mut harness, frame(&info, number as u64, &[(rect, GREEN)]));
            assert_same(&before, &after);
        }
        assert_eq!(count(&element, "covered"), 0);
    });
}

#[test]
fn a_dry_run_tells_and_marks_and_changes_nothing() {
    with_runtime(|| {
        let element = element();
        element.set_property("dry-run", true);
        let bus = bus_of(&element);
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let (before, after) = next(&mut harness, frame(&info, 0, &[(SPOT, GREEN)]));
        assert_same(&before, &after);
        let found = marks(&after);
        let [mark] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(mark.param("completion").is_none());
        assert!(mark.param("cover").is_some());
        assert_eq!(told(&bus).len(), 1);
        assert_eq!(count(&element, "completed"), 0);
        assert_eq!(count(&element, "inference-us-max"), 0);
        let (before, after) = next(&mut harness, frame(&info, 1, &[]));
        assert_same(&before, &after);
        assert!(marks(&after).is_empty());
        assert_eq!(told(&bus), [vec![]]);
        // The overlay is asked for.
        element.set_property_from_str("overlay", "mask");
        let (before, after) = next(&mut harness, frame(&info, 2, &[(SPOT, GREEN)]));
        assert_uncovered(&before, &after, &info, SPOT);
        assert_eq!(count(&element, "completed"), 0);
    });
}

/// Which of the colours of `overlay=mask` the pixel `(x, y)` of `after` was tinted with.
fn tint(
    before: &gst::Buffer,
    after: &gst::Buffer,
    info: &VideoInfo,
    at: [usize; 2],
) -> &'static str {
    let tints = [
        ("occlusion", [1.0, 0.2, 0.7]),
        ("channels", [0.55, 0.35, 1.0]),
        ("mask-file", [1.0, 0.85, 0.1]),
        ("colour", [0.1, 0.75, 1.0]),
        ("cover", [1.0, 0.5, 0.05]),
    ];
    let pixel = |buffer: &gst::Buffer| {
        let at = at[1] * info.stride()[0] as usize + 3 * at[0];
        [0, 1, 2].map(|c| f64::from(bytes(buffer)[at + c]) / 255.0)
    };
    let (before, after) = (pixel(before), pixel(after));
    if before == after {
        return "nothing";
    }
    let off = |tint: &[f64; 3]| -> f64 {
        let off = (0..3).map(|c| (before[c] + tint[c]) / 2.0 - after[c]);
        off.map(f64::abs).sum()
    };
    let nearest = tints
        .iter()
        .min_by(|(_, a), (_, b)| off(a).total_cmp(&off(b)));
    let (name, colour) = nearest.expect("a tint");
    assert!(off(colour) < 0.03, "{at:?}: {before:?} {after:?}");
    name
}

#[test]
fn the_overlay_shows_who_found_what() {
    with_runtime(|| {
        let element = element();
        element.set_property_from_str("occlusion", "mouth+auto");
        element.set_property("dry-run", true);
        element.set_property_from_str("overlay", "mask");
        element.set_property("damage-color", 0x00_00_ffi32);
        let white = Rect::new(4, 86, 30, 94);
        let mask = image::GrayImage::from_fn(96, 96, |x, y| {
            image::Luma([255 * u8::from(white.contains(x as usize, y as usize))])
        });
        let file = model_file("mask.png", &[]);
        mask.save(&file).expect("a picture");
        element.set_property("mask-file", file.to_str());
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let parts = [
            (Rect::new(22, 20, 74, 34), GREEN),
            (Rect::new(30, 40, 66, 46), BLUE),
        ];
        let (before, after) = next(&mut harness, frame(&info, 0, &parts));
        for (at, wanted) in [
            ([40, 26], "cover"),
            ([40, 43], "colour"),
            ([40, 70], "occlusion"),
            ([10, 90], "mask-file"),
            ([88, 50], "nothing"),
        ] {
            assert_eq!(tint(&before, &after, &info, at), wanted, "{at:?}");
        }
        element.set_property_from_str("damaged-channels", "red");
        let (before, after) = next(&mut harness, frame(&info, 1, &parts));
        assert_eq!(tint(&before, &after, &info, [88, 50]), "channels");
    });
}

#[test]
fn of_several_faces_those_are_completed_that_are_covered() {
    with_runtime(|| {
        let element = element();
        element.set_property_from_str("region", "roi-list");
        let bus = bus_of(&element);
        let info = info(VideoFormat::Rgb, 320, 120);
        let mut harness = harness(&element, &info);
        // Side by side, so that the crops overlap.
        let places = [(8, 3), (80, 4), (210, 0)];
        let spot = |index: usize| {
            let (dx, dy) = (places[index].0 as usize, places[index].1 as usize);
            Rect::new(SPOT.x0 + dx, SPOT.y0 + dy, SPOT.x1 + dx, SPOT.y1 + dy)
        };
        let mut show = |number: u64, covered: &[usize]| {
            let parts: Vec<_> = covered.iter().map(|i| (spot(*i), GREEN)).collect();
            let mut buffer = frame(&info, number, &parts);
            for (index, (dx, dy)) in places.into_iter().enumerate() {
                add_face(buffer.make_mut(), dx, dy).set_id(index as i32 + 1);
            }
            next(&mut harness, buffer)
        };
        let (before, after) = show(0, &[1]);
        assert_uncovered(&before, &after, &info, spot(1));
        assert_eq!(marks(&after)[0].id(), 2);
        let (before, after) = show(1, &[0, 2]);
        for at in [0, 2] {
            let inside = difference(&before, &after, &info, spot(at));
            assert_eq!(inside.inside_changed, inside.inside);
        }
        let second = difference(&before, &after, &info, spot(1));
        assert_eq!(second.inside_changed, 0);
        let boxes = [[26, 10, 61, 82], [98, 11, 61, 82], [228, 7, 61, 82]];
        let objects = |faces: &[usize]| -> Vec<_> {
            let objects = faces.iter();
            let object = |i: &usize| (*i as i32 + 1, "objects".to_owned(), boxes[*i]);
            objects.map(object).collect()
        };
        assert_eq!(told(&bus), [objects(&[1]), objects(&[0, 2])]);
        assert_eq!(count(&element, "covered"), 3);
    });
}

/// What the net is not sure of is no cover.
const DOUBTFUL: Rect = Rect::new(36, 66, 60, 82);
const DULL: [u8; 3] = [50, 165, 50];

/// How much of `cover` comes from what the element remembers, if it comes after five frames; `earlier` was
/// before the face in the first one.
fn remembered(cover: Rect, earlier: &[(Rect, [u8; 3])]) -> f64 {
    let element = element();
    let copies = Model::copies_view(96, 96, [0.0; 2]).to_bytes();
    let model = model_file("copies_view.onnx", &copies);
    element.set_property("model-file", model.to_str());
    element.set_property("refine", false);
    let info = info(VideoFormat::Rgb, 96, 96);
    let mut harness = harness(&element, &info);
    for number in 0..5 {
        let mut parts = vec![(DOUBTFUL, DULL)];
        if number == 0 {
            parts.extend_from_slice(earlier);
        }
        let (before, after) = next(&mut harness, frame(&info, number, &parts));
        if number > 0 {
            assert_same(&before, &after);
        }
    }
    let before = [(DOUBTFUL, DULL), (cover, GREEN)];
    let (_, after) = next(&mut harness, frame(&info, 5, &before));
    let marks = marks(&after);
    let told = marks.iter().find_map(|mark| mark.param("completion"));
    let share = told.expect("what was completed").get::<f64>("from-memory");
    share.expect("a share")
}

#[test]
fn of_a_face_that_may_be_covered_the_rest_is_remembered() {
    with_runtime(|| {
        let beside = [(Rect::new(40, 10, 60, 20), GREEN)];
        let share = remembered(SPOT, &beside);
        assert!(share >= 0.9, "{share}");
        let share = remembered(DOUBTFUL, &beside);
        assert!(share <= 0.3, "{share}");
    });
}

#[test]
fn what_is_doubtful_from_the_first_frame_on_is_the_faces_own() {
    with_runtime(|| {
        let share = remembered(DOUBTFUL, &[]);
        assert!(share >= 0.9, "{share}");
    });
}

#[test]
fn the_net_rests_while_nothing_changes() {
    with_runtime(|| {
        let element = element();
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        for number in 0..60 {
            let (before, after) = next(&mut harness, frame(&info, number, &[(SPOT, GREEN)]));
            assert_uncovered(&before, &after, &info, SPOT);
        }
        let looks = count(&element, "cover-looks");
        assert!((2..10).contains(&looks), "{looks}");
        // A cover that moves is followed from frame to frame.
        for step in 1..6 {
            let spot = Rect::new(30 + 3 * step, 40, 66 + 3 * step, 60);
            let number = 60 + step as u64;
            let (before, after) = next(&mut harness, frame(&info, number, &[(spot, GREEN)]));
            assert_uncovered(&before, &after, &info, spot);
        }
    });
}

#[test]
fn other_caps_and_a_flush_in_mid_stream_do_no_harm() {
    with_runtime(|| {
        let element = element();
        let small = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &small);
        let (before, after) = next(&mut harness, frame(&small, 0, &[(SPOT, GREEN)]));
        assert_uncovered(&before, &after, &small, SPOT);
        let large = info(VideoFormat::Rgb, 192, 192);
        harness.set_src_caps(large.to_caps().expect("caps"));
        let spot = Rect::new(60, 80, 132, 120);
        for number in 1..3 {
            let (before, after) = next(&mut harness, frame(&large, number, &[(spot, GREEN)]));
            let inside = difference(&before, &after, &large, spot);
            assert_eq!(inside.inside_changed, inside.inside);
        }
        assert!(harness.push_event(gst::event::FlushStart::new()));
        assert!(harness.push_event(gst::event::FlushStop::new(true)));
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        assert!(harness.push_event(gst::event::Segment::new(&segment)));
        let (before, after) = next(&mut harness, frame(&large, 0, &[]));
        assert_same(&before, &after);
        let (before, after) = next(&mut harness, frame(&large, 1, &[(spot, GREEN)]));
        let inside = difference(&before, &after, &large, spot);
        assert_eq!(inside.inside_changed, inside.inside);
    });
}

#[test]
fn a_file_that_is_no_cover_net_is_told_with_what_to_do() {
    with_runtime(|| {
        let sound = Model::sees_colours(96).to_bytes();
        let files = [
            (PathBuf::from("nowhere.onnx"), "cannot be read"),
            (
                model_file("cut.onnx", &sound[..sound.len() / 2]),
                "cannot load",
            ),
            (model_file("text.onnx", b"no model"), "cannot load"),
            (
                model_file("generator.onnx", &Model::mean_fill(96, 96).to_bytes()),
                "mdecomplete.covers",
            ),
            (
                model_file(
                    "wide.onnx",
                    &Model::sees_colours(96)
                        .with_input("view_mask", 3)
                        .to_bytes(),
                ),
                "view_mask",
            ),
        ];
        for (file, reason) in files {
            let element = element_with(&file);
            let bus = bus_of(&element);
            assert!(element.set_state(gst::State::Paused).is_err());
            let texts = bus_texts(&bus);
            let is_told = |text: &String| {
                [reason, "cover-model", "mde-train covers export"]
                    .iter()
                    .all(|part| text.contains(part))
            };
            assert!(texts.iter().any(is_told), "{reason}: {texts:?}");
            element.set_state(gst::State::Null).expect("stopping");
        }
    });
}

#[test]
fn a_net_that_cannot_be_had_leaves_a_running_element_as_it_is() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property("cover-model", model_file("bad.onnx", b"no model").to_str());
        let bus = bus_of(&element);
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        element.set_property_from_str("occlusion", "auto");
        let texts = warnings(&bus);
        assert!(
            texts
                .iter()
                .any(|text| text.starts_with("occlusion stays as it is")),
            "{texts:?}"
        );
        let (before, after) = next(&mut harness, frame(&info, 0, &[]));
        let eyes = difference(&before, &after, &info, Rect::new(20, 28, 76, 50));
        assert!(eyes.inside_changed > 0);

        // One that can be had is opened while frames flow.
        element.set_property("cover-model", net(96).to_str());
        element.set_property_from_str("occlusion", "auto");
        let (before, after) = next(&mut harness, frame(&info, 1, &[(SPOT, GREEN)]));
        assert_uncovered(&before, &after, &info, SPOT);
    });
}

#[test]
fn formats_of_all_kinds_are_looked_at() {
    with_runtime(|| {
        for format in [
            VideoFormat::I420,
            VideoFormat::Nv12,
            VideoFormat::Bgrx,
            VideoFormat::Y42b,
        ] {
            let element = element();
            let rgb = info(VideoFormat::Rgb, 96, 96);
            let other = info(format, 96, 96);
            let mut harness = harness(&element, &other);
            let mut show = |number: u64, parts: &[(Rect, [u8; 3])]| {
                let pixels = bytes(&frame(&rgb, number, parts));
                let buffer = crate::picture::converted(&pixels, &rgb, &other);
                next(&mut harness, timed(buffer, number))
            };
            let (before, after) = show(0, &[]);
            assert_same(&before, &after);
            let (before, after) = show(1, &[(SPOT, GREEN)]);
            let outside = difference(&before, &after, &other, widened(SPOT, RIM));
            assert_eq!(outside.outside_changed, 0, "{format}");
            let inside = difference(&before, &after, &other, SPOT);
            assert!(
                inside.inside_changed * 10 > inside.inside * 9,
                "{format}: {inside:?}"
            );
        }
    });
}

/// Paints a green bar over `rect` of an RGB frame.
fn paint_bar(pixels: &mut [u8], info: &VideoInfo, rect: Rect) {
    let stride = info.stride()[0] as usize;
    for y in rect.y0..rect.y1 {
        for pixel in pixels[y * stride + 3 * rect.x0..][..3 * rect.width()].chunks_mut(3) {
            pixel.copy_from_slice(&[30, 110, 60]);
        }
    }
}

#[test]
fn the_embedded_net_finds_a_bar_before_a_portrait() {
    with_runtime(|| {
        let Some((info, mut pixels)) = portrait() else {
            return;
        };
        let element = mean_fill("auto");
        element.set_property_from_str("region", "faces");
        let bus = bus_of(&element);
        let mut harness = harness(&element, &info);
        let bar = Rect::new(196, 116, 256, 134);
        paint_bar(&mut pixels, &info, bar);
        // The box of the face, with what lies above and below it.
        let face = Rect::new(130, 20, 320, 210);
        for number in 0..3 {
            let frame = timed(gst::Buffer::from_slice(pixels.clone()), number);
            let (before, after) = next(&mut harness, frame);
            let inside = difference(&before, &after, &info, bar);
            assert!(
                inside.inside_changed * 20 > inside.inside * 19,
                "{inside:?}"
            );
            assert_eq!(difference(&before, &after, &info, face).outside_changed, 0);
        }
        let told = told(&bus);
        let [covers] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!(covers.len(), 1);
        assert_eq!(covers[0].1, "objects");
    });
}

#[test]
fn the_embedded_net_leaves_a_portrait_alone() {
    with_runtime(|| {
        let Some((info, pixels)) = portrait() else {
            return;
        };
        let element = mean_fill("auto");
        element.set_property_from_str("region", "faces");
        let bus = bus_of(&element);
        let mut harness = harness(&element, &info);
        for number in 0..12 {
            let frame = timed(gst::Buffer::from_slice(pixels.clone()), number);
            let (before, after) = next(&mut harness, frame);
            assert_eq!(before, after, "frame {number}");
        }
        assert!(told(&bus).is_empty());
    });
}

#[test]
fn a_bar_is_found_as_long_as_it_stays() {
    with_runtime(|| {
        let Some((info, clean)) = portrait() else {
            return;
        };
        let element = mean_fill("auto");
        element.set_property_from_str("region", "faces");
        // The embedded generator, which is shown views, so that looks are remembered.
        element.set_property("model-file", None::<String>);
        let mut harness = harness(&element, &info);
        let bar = Rect::new(196, 116, 256, 134);
        let mut covered = clean.clone();
        paint_bar(&mut covered, &info, bar);
        // Long enough for looks at the covered face to be remembered.
        for number in 0..90 {
            let pixels = if number < 15 { &clean } else { &covered };
            let frame = timed(gst::Buffer::from_slice(pixels.clone()), number);
            let (before, after) = next(&mut harness, frame);
            let inside = difference(&before, &after, &info, bar);
            let is_completed = inside.inside_changed * 20 > inside.inside * 19;
            assert_eq!(is_completed, number >= 15, "frame {number}: {inside:?}");
        }
    });
}
