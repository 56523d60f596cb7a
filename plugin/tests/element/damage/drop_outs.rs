//! Drop-outs that the element finds by itself.

use gst_video::VideoFrameRef;

use super::*;
use crate::support::{bytes, count, messages_named, timed};

pub(super) const SIZE: (usize, usize) = (320, 240);
/// Where the drop-outs of a damaged frame are.
const DROP_OUTS: [Rect; 2] = [Rect::new(60, 100, 260, 102), Rect::new(0, 170, 320, 173)];

/// Where blocks are lost.
const LOST: Rect = Rect::new(96, 112, 320, 128);

/// Frame `number` of boxes of light that move `speed` pixels a frame to the left.
pub(super) fn frame(
    format: VideoFormat,
    number: u64,
    speed: usize,
    is_damaged: bool,
) -> (VideoInfo, gst::Buffer) {
    let info = info(format, SIZE.0 as u32, SIZE.1 as u32);
    let mut buffer = gst::Buffer::from_mut_slice(vec![128; info.size()]);
    let buffer_ref = buffer.get_mut().expect("nobody else has it");
    let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer_ref, &info).expect("a frame");
    let components = if info.is_rgb() { 3 } else { 1 };
    for component in 0..components {
        let stride = frame.comp_stride(component) as usize;
        let step = frame.comp_pstride(component) as usize;
        let data = frame.comp_data_mut(component).expect("a component");
        for y in 0..SIZE.1 {
            for x in 0..SIZE.0 {
                let moved = x + number as usize * speed;
                let (column, row) = (moved / 23, y / 17);
                let light = 40 + (column * 37 + row * 61 + column * row * 17) % 120;
                let is_lost = is_damaged && DROP_OUTS.iter().any(|area| area.contains(x, y));
                data[y * stride + x * step] = match is_lost {
                    true => 255,
                    false => light as u8,
                };
            }
        }
    }
    drop(frame);
    (info, timed(buffer, number))
}

/// An element that finds damage of the kinds `damage` in frames without faces.
fn finder(damage: &str) -> gst::Element {
    let element = mean_fill("");
    element.set_property_from_str("region", "roi-list");
    element.set_property_from_str("damage", damage);
    element
}

/// As [`frame`], but with waves of light that do not move, and a row of blocks that is lost if it is
/// damaged.
fn waves(number: u64, is_damaged: bool) -> (VideoInfo, gst::Buffer) {
    let info = info(VideoFormat::I420, SIZE.0 as u32, SIZE.1 as u32);
    let pixels = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
    let light = pixels.map(|(x, y)| match is_damaged && LOST.contains(x, y) {
        true => 126,
        false => (60 + (x * 7 + y * 5) % 90) as u8,
    });
    let mut samples: Vec<u8> = light.collect();
    samples.resize(info.size(), 128);
    (info, timed(gst::Buffer::from_mut_slice(samples), number))
}

#[test]
fn lost_blocks_are_filled_until_they_are_there_again() {
    with_runtime(|| {
        for (kinds, is_filled) in [("auto", true), ("blocks", true), ("lines", false)] {
            let element = finder(kinds);
            let bus = bus_of(&element);
            let (info, _) = waves(0, false);
            let mut harness = harness(&element, &info);
            for number in 0..16 {
                let (_, whole) = waves(number, false);
                let (_, damaged) = waves(number, (4..12).contains(&number));
                let (_, after) = next(&mut harness, damaged);
                let [wanted, found] = [&whole, &after].map(|buffer| samples(buffer, &info, 0));
                let differs = (wanted.iter().zip(&found)).filter(|(a, b)| a.abs_diff(**b) > 8);
                let is_whole = differs.count() * 20 < LOST.area();
                let is_sound = !(4..12).contains(&number);
                assert_eq!(is_whole, is_filled || is_sound, "frame {number}, {kinds}");
            }
            let counted = count(&element, "drop-outs");
            assert_eq!(counted, if is_filled { 8 } else { 0 }, "{kinds}");
            let wanted = if is_filled { &[1, 0][..] } else { &[] };
            assert_eq!(told(&bus, "block"), wanted, "{kinds}");
        }
    });
}

#[test]
fn a_drop_out_is_filled_with_what_was_there_before() {
    with_runtime(|| {
        for format in [VideoFormat::I420, VideoFormat::Rgb, VideoFormat::I42010le] {
            for speed in [0, 3] {
                if format == VideoFormat::I42010le && speed > 0 {
                    continue;
                }
                fills_from_before(format, speed);
            }
        }
    });
}

/// How many drop-outs each message tells of, all of which are of one `kind`.
fn told(bus: &gst::Bus, kind: &str) -> Vec<usize> {
    let messages = messages_named(bus, "mdecomplete/damage");
    let counts = messages.iter().map(|message| {
        let list: gst::Array = message.get("drop-outs").expect("a list");
        for found in list.iter() {
            let found: gst::Structure = found.get().expect("a structure");
            assert_eq!(found.get::<&str>("kind"), Ok(kind));
            let confidence: f64 = found.get("confidence").expect("a share");
            assert!((0.5..=1.0).contains(&confidence), "{found}");
        }
        list.len()
    });
    counts.collect()
}

fn fills_from_before(format: VideoFormat, speed: usize) {
    let element = finder("lines");
    let bus = bus_of(&element);
    let (info, _) = frame(format, 0, speed, false);
    let mut harness = harness(&element, &info);
    for number in 0..6 {
        let (_, whole) = frame(format, number, speed, false);
        let (_, damaged) = frame(format, number, speed, number == 3);
        let (before, after) = next(&mut harness, damaged);
        if number != 3 {
            assert_same(&before, &after);
            continue;
        }
        let [wanted, found] = [&whole, &after].map(|buffer| samples(buffer, &info, 0));
        let differs = wanted
            .iter()
            .zip(&found)
            .filter(|(a, b)| a.abs_diff(**b) > 8)
            .count();
        let lost: usize = DROP_OUTS.iter().map(Rect::area).sum();
        assert!(
            differs * 20 < lost,
            "{differs} of {lost} pixels, {format} at {speed}"
        );
    }
    assert_eq!(count(&element, "drop-outs"), 2);
    assert_eq!(told(&bus, "line"), [2, 0], "once a change");
}

#[test]
fn frames_that_are_held_back_are_filled_alike() {
    with_runtime(|| {
        let [at_once, later] = [0u32, 200].map(|lookahead| {
            let element = finder("lines");
            element.set_property("lookahead", lookahead);
            let bus = bus_of(&element);
            let (info, _) = frame(VideoFormat::I420, 0, 3, false);
            let mut harness = harness(&element, &info);
            for number in 0..12 {
                let (_, frame) = frame(VideoFormat::I420, number, 3, [4, 8].contains(&number));
                harness.push(frame).expect("a frame taken");
            }
            harness.push_event(gst::event::Eos::new());
            let frames: Vec<_> = std::iter::from_fn(|| harness.try_pull()).collect();
            assert_eq!(frames.len(), 12, "{lookahead} ms");
            assert_eq!(count(&element, "drop-outs"), 4, "{lookahead} ms");
            let told = messages_named(&bus, "mdecomplete/damage").len();
            assert_eq!(told, 4, "once a change, {lookahead} ms");
            frames
        });
        for (at_once, later) in at_once.iter().zip(&later) {
            assert_same(at_once, later);
        }
        let (_, damaged) = frame(VideoFormat::I420, 8, 3, true);
        assert!(bytes(&damaged) != bytes(&later[8]), "it is filled");
    });
}

#[test]
fn what_stays_is_picture_and_so_is_what_is_large() {
    with_runtime(|| {
        for (max_size, found) in [(0.1f32, 2), (0.01, 1), (0.0, 0)] {
            let element = finder("lines");
            element.set_property("damage-max-size", max_size);
            let (info, _) = frame(VideoFormat::I420, 0, 0, false);
            let mut harness = harness(&element, &info);
            for number in 0..12 {
                // A title that comes in the third frame.
                let (_, frame) = frame(VideoFormat::I420, number, 0, number >= 2);
                let (before, after) = next(&mut harness, frame);
                if number > 4 {
                    assert_same(&before, &after);
                }
            }
            let counted = count(&element, "drop-outs");
            assert!(
                (found..=2 * found).contains(&counted),
                "{counted} at {max_size}"
            );
        }
    });
}

#[test]
fn what_comes_back_from_behind_a_thing_is_picture() {
    /// Where the thing is while it is there.
    const THING: Rect = Rect::new(40, 96, 300, 160);
    with_runtime(|| {
        for speed in [0, 2] {
            let element = finder("lines");
            let (info, _) = waves(0, false);
            let mut harness = harness(&element, &info);
            for number in 0..16 {
                let moved = number as usize * speed;
                let pixels = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
                let light = pixels.map(|(x, y)| {
                    let is_hidden = (4..10).contains(&number) && THING.contains(x, y);
                    // Thin things, as long as drop-outs are.
                    let is_slat = y % 13 < 3 && ((x + moved) / 60).is_multiple_of(2);
                    match (is_hidden, is_slat) {
                        (true, _) => 170,
                        (false, true) => 190,
                        (false, false) => (40 + (x + moved) * 3 % 50) as u8,
                    }
                });
                let mut samples: Vec<u8> = light.collect();
                samples.resize(info.size(), 128);
                let frame = timed(gst::Buffer::from_mut_slice(samples), number);
                let (before, after) = next(&mut harness, frame);
                assert!(bytes(&before) == bytes(&after), "frame {number} at {speed}");
            }
            assert_eq!(count(&element, "drop-outs"), 0, "at {speed}");
        }
    });
}
