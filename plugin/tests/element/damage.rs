//! What is missing, said by channels, mask pictures, alpha and colour; how it is blended in; and
//! all of that changing while frames flow.

use std::path::PathBuf;

use gst_check::Harness;
use gst_controller::prelude::*;
use gst_controller::{DirectControlBinding, InterpolationControlSource, InterpolationMode};
use gst_video::prelude::*;
use gst_video::{VideoFormat, VideoFrame, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::frame::SUPPORTED_FORMATS;
use gstmdecomplete::locate::{POINT_FIELDS, POINTS_PARAM};
use image::{GrayImage, Luma};
use mde_core::alignment::TEMPLATE;
use mde_core::contract::{INPUT_IMAGE, OUTPUT};
use mde_core::occlusion::{Occlusion, Rect};

use crate::models::{Model, Values, with_runtime};
use crate::support::{
    assert_only_changed_in, assert_same, difference, harness, info, mean_fill, model_file, noise,
};

/// Where the masks are white, on a frame of 96x96 pixels.
const SPOT: Rect = Rect::new(20, 40, 60, 70);

/// A mask picture of `side` x `side` pixels, white in that part of it that `rect` is of a 96x96
/// frame.
fn mask_file(side: u32, rect: Rect) -> PathBuf {
    let at = |v: u32| (v * 96 / side) as usize;
    let picture = GrayImage::from_fn(side, side, |x, y| {
        Luma([255 * u8::from(rect.contains(at(x), at(y)))])
    });
    let file = model_file("mask.png", &[]);
    picture.save(&file).expect("a picture");
    file
}

fn set_mask(element: &gst::Element, file: &std::path::Path) {
    element.set_property("mask-file", file.to_str());
}

/// An element without an occlusion, whose generator gives each channel the crop's green.
fn green_fill() -> gst::Element {
    let element = mean_fill("");
    let weights = [
        0.0, 1.0, 0.0, //
        0.0, 1.0, 0.0, //
        0.0, 1.0, 0.0,
    ];
    let model = Model::generator(96, 96)
        .constant("weights", &[3, 3, 1, 1], Values::Float(&weights))
        .node("Conv", &[INPUT_IMAGE, "weights"], OUTPUT);
    let file = model_file("green.onnx", &model.to_bytes());
    element.set_property("model-file", file.to_str());
    element
}

/// A frame as it goes in, and as it comes out.
fn next(harness: &mut Harness, frame: gst::Buffer) -> (gst::Buffer, gst::Buffer) {
    let copy = frame.copy_deep().expect("a copy");
    let out = harness.push_and_pull(copy).expect("a frame");
    (frame, out)
}

/// The samples of `component` in an 8-bit frame.
fn samples(buffer: &gst::Buffer, info: &VideoInfo, component: u32) -> Vec<u8> {
    let frame = VideoFrame::from_buffer_readable(buffer.clone(), info).expect("a frame");
    let data = frame.comp_data(component).expect("a component");
    let (stride, step) = (
        frame.comp_stride(component) as usize,
        frame.comp_pstride(component) as usize,
    );
    (0..frame.comp_height(component) as usize)
        .flat_map(|y| (0..frame.comp_width(component) as usize).map(move |x| (x, y)))
        .map(|(x, y)| data[y * stride + x * step])
        .collect()
}

/// Dim noise, with the pixels of `rect` set to the values of the components that are listed.
fn marked(info: &VideoInfo, rect: Rect, values: &[(u32, u8)]) -> gst::Buffer {
    let mut dim = noise(info, 3);
    for byte in dim.make_mut().map_writable().expect("memory").iter_mut() {
        *byte >>= 2;
    }
    let mut frame = VideoFrame::from_buffer_writable(dim, info).expect("a frame");
    let format = info.format_info();
    for &(component, value) in values {
        let index = component as usize;
        let (stride, step) = (
            frame.comp_stride(component) as usize,
            frame.comp_pstride(component) as usize,
        );
        let (shift_x, shift_y) = (format.w_sub()[index], format.h_sub()[index]);
        let data = frame.comp_data_mut(component).expect("a component");
        for y in rect.y0 >> shift_y..rect.y1 >> shift_y {
            for x in rect.x0 >> shift_x..rect.x1 >> shift_x {
                data[y * stride + x * step] = value;
            }
        }
    }
    frame.into_buffer()
}

fn bus_of(element: &gst::Element) -> gst::Bus {
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    bus
}

/// The properties in the messages on `bus` that a mask covers nothing.
fn told_to_cover_nothing(bus: &gst::Bus) -> Vec<String> {
    bus.iter_filtered(&[gst::MessageType::Element])
        .filter_map(|message| {
            let structure = message.structure()?;
            let is_it = structure.name() == "mdecomplete/covers-nothing";
            is_it.then(|| structure.get("property").expect("a property"))
        })
        .collect()
}

#[test]
fn the_white_of_a_mask_file_is_completed_in_every_format() {
    with_runtime(|| {
        for &format in SUPPORTED_FORMATS {
            for side in [48, 96, 192] {
                let element = mean_fill("");
                set_mask(&element, &mask_file(side, SPOT));
                let info = info(format, 96, 96);
                let mut harness = harness(&element, &info);
                for number in 0..2 {
                    let (before, after) = next(&mut harness, noise(&info, number));
                    assert_only_changed_in(&before, &after, &info, SPOT);
                }
            }
        }
    });
}

#[test]
fn a_mask_is_the_frame_s_and_a_region_completes_its_part() {
    with_runtime(|| {
        let element = mean_fill("");
        element.set_property_from_str("region", "roi-list");
        // The left half of a frame of 320 x 240.
        set_mask(&element, &mask_file(96, Rect::new(0, 0, 48, 96)));
        let info = info(VideoFormat::Rgb, 320, 240);
        let mut harness = harness(&element, &info);
        let mut frame = noise(&info, 0);
        let mut points = gst::Structure::new_empty(POINTS_PARAM);
        for ([x_field, y_field], [x, y]) in POINT_FIELDS.into_iter().zip(TEMPLATE) {
            points.set(x_field, x + 120.0);
            points.set(y_field, y + 70.0);
        }
        VideoRegionOfInterestMeta::add(frame.make_mut(), "face", (140, 80, 61, 82))
            .add_param(points);
        let (before, after) = next(&mut harness, frame);
        // The crop is the 96 x 96 pixels from (120, 70), the mask ends at 160.
        assert_only_changed_in(&before, &after, &info, Rect::new(120, 70, 160, 166));
    });
}

#[test]
fn the_mask_file_may_change_while_playing() {
    with_runtime(|| {
        let element = mean_fill("");
        let bus = bus_of(&element);
        set_mask(&element, &mask_file(96, SPOT));
        let info = info(VideoFormat::I420, 96, 96);
        let mut harness = harness(&element, &info);
        let (before, after) = next(&mut harness, noise(&info, 0));
        assert_only_changed_in(&before, &after, &info, SPOT);

        let other = Rect::new(60, 2, 90, 32);
        set_mask(&element, &mask_file(96, other));
        let (before, after) = next(&mut harness, noise(&info, 1));
        assert_only_changed_in(&before, &after, &info, other);

        let garbage = model_file("garbage.png", b"no picture");
        let set = element.property::<Option<String>>("mask-file");
        for file in [garbage.to_str().expect("UTF-8"), "/nonexistent/mask.png"] {
            element.set_property("mask-file", file);
            let warning = bus
                .pop_filtered(&[gst::MessageType::Warning])
                .expect("a warning");
            let gst::MessageView::Warning(warning) = warning.view() else {
                unreachable!("filtered");
            };
            let text = warning.error().to_string();
            assert!(text.contains(file) && text.contains("mask-file"), "{text}");
            assert!(
                file != garbage.to_str().expect("UTF-8") || text.contains("png, bmp"),
                "{text}"
            );
            assert_eq!(element.property::<Option<String>>("mask-file"), set);
            let (before, after) = next(&mut harness, noise(&info, 2));
            assert_only_changed_in(&before, &after, &info, other);
        }

        element.set_property("mask-file", None::<&str>);
        let (before, after) = next(&mut harness, noise(&info, 3));
        assert_same(&before, &after);
    });
}

#[test]
fn an_unreadable_mask_file_is_an_error_at_the_start() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property("mask-file", "/nonexistent/mask.png");
        let bus = bus_of(&element);
        assert!(element.set_state(gst::State::Paused).is_err());
        let message = bus
            .pop_filtered(&[gst::MessageType::Error])
            .expect("an error");
        let gst::MessageView::Error(error) = message.view() else {
            unreachable!("filtered");
        };
        let text = error.error().to_string();
        assert!(text.contains("/nonexistent/mask.png"), "{text}");
        element.set_state(gst::State::Null).expect("stopping");
    });
}

#[test]
fn a_mask_that_covers_nothing_lets_the_very_buffers_pass_and_says_so_once() {
    with_runtime(|| {
        let element = mean_fill("");
        let bus = bus_of(&element);
        let black = mask_file(96, Rect::new(0, 0, 0, 0));
        set_mask(&element, &black);
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        for number in 0..3 {
            let frame = noise(&info, number);
            let _held = frame.clone();
            let address = frame.as_ptr();
            let out = harness.push_and_pull(frame).expect("a frame");
            assert_eq!(out.as_ptr(), address);
        }
        assert_eq!(told_to_cover_nothing(&bus), ["mask-file"]);

        set_mask(&element, &mask_file(96, SPOT));
        let (before, after) = next(&mut harness, noise(&info, 3));
        assert_only_changed_in(&before, &after, &info, SPOT);
        assert_eq!(told_to_cover_nothing(&bus), [""; 0]);

        element.set_property("mask-file", None::<&str>);
        element.set_property("mask-from-alpha", true);
        for number in 4..6 {
            let (before, after) = next(&mut harness, noise(&info, number));
            assert_same(&before, &after);
        }
        assert_eq!(told_to_cover_nothing(&bus), ["mask-from-alpha"]);
    });
}

#[test]
fn transparent_pixels_are_completed_and_become_opaque() {
    with_runtime(|| {
        for format in [
            VideoFormat::Rgba,
            VideoFormat::Argb,
            VideoFormat::Ayuv,
            VideoFormat::Vuya,
            VideoFormat::A420,
        ] {
            let element = mean_fill("");
            element.set_property("mask-from-alpha", true);
            let info = info(format, 96, 96);
            let mut harness = harness(&element, &info);
            let all = Rect::new(0, 0, 96, 96);
            let sound = marked(&info, all, &[(3, 1)]);
            let (before, after) = next(&mut harness, sound);
            assert_same(&before, &after);

            let mut damaged = VideoFrame::from_buffer_writable(before, &info).expect("a frame");
            let (stride, step) = (
                damaged.comp_stride(3) as usize,
                damaged.comp_pstride(3) as usize,
            );
            let alpha = damaged.comp_data_mut(3).expect("alpha");
            for y in SPOT.y0..SPOT.y1 {
                for x in SPOT.x0..SPOT.x1 {
                    alpha[y * stride + x * step] = 0;
                }
            }
            let (before, after) = next(&mut harness, damaged.into_buffer());
            let alpha = samples(&after, &info, 3);
            for (at, alpha) in alpha.iter().enumerate() {
                let wanted = if SPOT.contains(at % 96, at / 96) {
                    255
                } else {
                    1
                };
                assert_eq!(*alpha, wanted, "{format} {at}");
            }
            let found = difference(&before, &after, &info, SPOT);
            assert_eq!(found.outside_changed, SPOT.area(), "{format}: alpha alone");
            assert!(
                found.inside_changed * 10 > found.inside * 9,
                "{format}: {found:?}"
            );
        }
    });
}

#[test]
fn pixels_of_the_damage_color_are_completed() {
    with_runtime(|| {
        let magenta: &[(u32, u8)] = &[(0, 250), (1, 4), (2, 251)];
        // Magenta in BT.601, limited range.
        let in_yuv: &[(u32, u8)] = &[(0, 106), (1, 202), (2, 222)];
        for (format, values) in [
            (VideoFormat::Rgb, magenta),
            (VideoFormat::Bgrx, magenta),
            (VideoFormat::I420, in_yuv),
            (VideoFormat::Nv12, in_yuv),
            (VideoFormat::Yuy2, in_yuv),
        ] {
            let element = mean_fill("");
            element.set_property("damage-color", 0xff00ff);
            element.set_property("damage-tolerance", 5u32);
            element.set_property("mask-feather", 3f32);
            let info = info(format, 96, 96);
            let mut harness = harness(&element, &info);
            let frame = marked(&info, SPOT, values);
            let (before, after) = next(&mut harness, frame.clone());
            // Lost pixels are replaced whole, whatever the feather.
            assert_only_changed_in(&before, &after, &info, SPOT);

            element.set_property("damage-tolerance", 3u32);
            let (before, after) = next(&mut harness, frame.clone());
            if !info.is_yuv() {
                assert_same(&before, &after);
            }
            element.set_property("damage-color", -1);
            let (before, after) = next(&mut harness, frame);
            assert_same(&before, &after);
        }
    });
}

#[test]
fn sources_unite_with_the_occlusion() {
    with_runtime(|| {
        let element = mean_fill("mouth");
        set_mask(&element, &mask_file(96, Rect::new(10, 8, 40, 20)));
        element.set_property("damage-color", 0x0a141e);
        element.set_property("damage-tolerance", 0u32);
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let line = Rect::new(0, 34, 96, 37);
        let (before, after) = next(
            &mut harness,
            marked(&info, line, &[(0, 10), (1, 20), (2, 30)]),
        );
        let holes = [Occlusion::Mouth.rect(), Rect::new(10, 8, 40, 20), line];
        let (before, after) = (samples(&before, &info, 1), samples(&after, &info, 1));
        let mut changed = 0;
        for (at, (before, after)) in before.iter().zip(&after).enumerate() {
            let is_hole = holes.iter().any(|hole| hole.contains(at % 96, at / 96));
            assert!(is_hole || before == after, "({}, {})", at % 96, at / 96);
            changed += usize::from(before != after);
        }
        let area: usize = holes.iter().map(Rect::area).sum();
        assert!(changed * 10 > area * 9, "{changed} of {area}");
    });
}

#[test]
fn a_damaged_channel_is_completed_and_the_others_stay() {
    with_runtime(|| {
        for (format, channel) in [(VideoFormat::Rgb, 0), (VideoFormat::Bgra, 2)] {
            let element = green_fill();
            let name = ["red", "green", "blue"][channel as usize];
            element.set_property_from_str("damaged-channels", name);
            let info = info(format, 96, 96);
            let mut harness = harness(&element, &info);
            let (before, after) = next(&mut harness, noise(&info, 0));
            for other in (0..info.n_components()).filter(|&c| c != channel) {
                let same = samples(&before, &info, other) == samples(&after, &info, other);
                assert!(same, "{format}: component {other} changed");
            }
            let completed = samples(&after, &info, channel);
            for (found, green) in completed.iter().zip(samples(&before, &info, 1)) {
                assert!(found.abs_diff(green) < 8, "{format}: {found} for {green}");
            }
        }
    });
}

#[test]
fn with_an_occlusion_each_channel_has_its_own_hole() {
    with_runtime(|| {
        let element = mean_fill("eyes");
        element.set_property_from_str("damaged-channels", "blue");
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let (before, after) = next(&mut harness, noise(&info, 0));
        for channel in 0..3 {
            let hole = match channel {
                2 => Rect::new(0, 0, 96, 96),
                _ => Occlusion::Eyes.rect(),
            };
            let (before, after) = (
                samples(&before, &info, channel),
                samples(&after, &info, channel),
            );
            let changed = (0..before.len()).filter(|&at| before[at] != after[at]);
            let within = changed.clone().filter(|at| hole.contains(at % 96, at / 96));
            assert_eq!(changed.clone().count(), within.count(), "{channel}");
            assert!(changed.count() * 10 > hole.area() * 9, "{channel}");
        }
    });
}

#[test]
fn without_chroma_luma_stands_for_green_and_stays() {
    with_runtime(|| {
        let element = green_fill();
        element.set_property_from_str("damaged-channels", "chroma");
        let yuv = info(VideoFormat::I420, 96, 96);
        let mut harness_yuv = harness(&element, &yuv);
        let (before, after) = next(&mut harness_yuv, noise(&yuv, 0));
        assert!(
            samples(&before, &yuv, 0) == samples(&after, &yuv, 0),
            "luma changed"
        );
        // Red and blue like the luma that stands for green: a grey picture.
        for component in [1, 2] {
            for found in samples(&after, &yuv, component) {
                assert!(found.abs_diff(128) < 6, "{found}");
            }
        }

        let element = green_fill();
        element.set_property_from_str("damaged-channels", "chroma");
        let rgb = info(VideoFormat::Rgb, 96, 96);
        let mut harness_rgb = harness(&element, &rgb);
        let (before, after) = next(&mut harness_rgb, noise(&rgb, 0));
        let [red, green, blue] = [0, 1, 2].map(|c| samples(&before, &rgb, c));
        for component in 0..3 {
            for (at, found) in samples(&after, &rgb, component).into_iter().enumerate() {
                let part = |samples: &[u8], weight: f32| f32::from(samples[at]) * weight;
                let luma = part(&red, 0.299) + part(&green, 0.587) + part(&blue, 0.114);
                assert!((f32::from(found) - luma).abs() < 8.0, "{found} for {luma}");
            }
        }
    });
}

#[test]
fn strength_is_the_share_of_the_completion() {
    with_runtime(|| {
        let element = mean_fill("left-half");
        let info = info(VideoFormat::Gray8, 96, 96);
        let mut harness = harness(&element, &info);
        let mut at = |strength: f32| {
            element.set_property("strength", strength);
            let (before, after) = next(&mut harness, noise(&info, 0));
            (samples(&before, &info, 0), samples(&after, &info, 0))
        };
        let (before, whole) = at(1.0);
        let (_, half) = at(0.5);
        let (_, none) = at(0.0);
        assert!(before == none, "strength 0 changes something");
        for ((before, whole), half) in before.iter().zip(&whole).zip(half) {
            let mean = (f32::from(*before) + f32::from(*whole)) / 2.0;
            assert!(
                (f32::from(half) - mean).abs() <= 1.0,
                "{before} {half} {whole}"
            );
        }
    });
}

#[test]
fn numbers_follow_a_control_source() {
    with_runtime(|| {
        let element = mean_fill("");
        element.set_property("damage-color", 0x808080);
        let control = |property: &str, values: [(u64, f64); 2]| {
            let source = InterpolationControlSource::new();
            source.set_mode(InterpolationMode::Linear);
            for (frame, value) in values {
                let time = frame * gst::ClockTime::from_mseconds(40);
                assert!(source.set(time, value), "{property} at {time}");
            }
            let binding = DirectControlBinding::new_absolute(&element, property, &source);
            element.add_control_binding(&binding).expect("controllable");
        };
        control("strength", [(0, 0.0), (10, 1.0)]);
        control("mask-feather", [(0, 8.0), (10, 0.0)]);
        control("damage-tolerance", [(0, 0.0), (10, 100.0)]);
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let mut changed = Vec::new();
        for number in 0..11 {
            let (before, after) = next(&mut harness, noise(&info, number));
            changed
                .push(difference(&before, &after, &info, Rect::new(0, 0, 96, 96)).inside_changed);
            let at = |property| element.property::<f32>(property);
            let share = number as f32 / 10.0;
            assert!((at("strength") - share).abs() < 1e-3);
            assert!((at("mask-feather") - 8.0 * (1.0 - share)).abs() < 1e-2);
            assert_eq!(
                element.property::<u32>("damage-tolerance"),
                10 * number as u32
            );
        }
        // Ever more of the noise is near enough to the colour.
        assert_eq!(changed[0], 0);
        assert!(
            changed.windows(2).skip(3).all(|pair| pair[0] < pair[1]),
            "{changed:?}"
        );
    });
}

#[test]
fn what_is_missing_may_change_while_playing() {
    with_runtime(|| {
        let element = mean_fill("");
        let info = info(VideoFormat::Rgb, 96, 96);
        let mut harness = harness(&element, &info);
        let mut changed = |number: u64| -> Vec<bool> {
            let (before, after) = next(&mut harness, noise(&info, number));
            let is_changed = |c: u32| samples(&before, &info, c) != samples(&after, &info, c);
            (0..3).map(is_changed).collect()
        };
        assert_eq!(changed(0), [false; 3]);
        element.set_property_from_str("damaged-channels", "red");
        assert_eq!(changed(1), [true, false, false]);
        element.set_property_from_str("damaged-channels", "red+blue");
        assert_eq!(changed(2), [true, false, true]);
        element.set_property_from_str("occlusion", "mouth");
        assert_eq!(changed(3), [true; 3]);
        element.set_property_from_str("damaged-channels", "");
        element.set_property_from_str("occlusion", "");
        assert_eq!(changed(4), [false; 3]);
    });
}
