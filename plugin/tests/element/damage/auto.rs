//! Damage that the element finds by itself.

use super::*;
use crate::support::{count, messages_named, timed};

pub(super) const SIZE: (usize, usize) = (192, 144);

/// Boxes of many colours, as frame `number`, with `channel` made of itself by `change`: from all of
/// its values, row by row, and the place of one.
pub(super) fn boxes(
    number: u64,
    channel: usize,
    change: impl Fn(&[u8], usize, usize) -> u8,
) -> (VideoInfo, gst::Buffer) {
    let info = info(VideoFormat::Rgb, SIZE.0 as u32, SIZE.1 as u32);
    let value = |x: usize, y: usize, c: usize| {
        // No grid, which would agree with itself beside its place.
        let (column, row) = ((x + x / 29 * 5) / 13, (y + y / 23 * 4) / 11);
        let light = (column * 37 + row * 61 + column * row * 17) % 170;
        (20 + light + (column * 7 + row * 5) % 9 * c * 3) as u8
    };
    let plane = |c: usize| -> Vec<u8> {
        let pixels = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
        pixels.map(|(x, y)| value(x, y, c)).collect()
    };
    let mut planes = [0, 1, 2].map(plane);
    let own = planes[channel].clone();
    let pixels = planes[channel].iter_mut().enumerate();
    pixels.for_each(|(i, value)| *value = change(&own, i % SIZE.0, i / SIZE.0));
    let bytes: Vec<u8> = (0..SIZE.0 * SIZE.1)
        .flat_map(|i| planes.each_ref().map(|p| p[i]))
        .collect();
    (info, timed(gst::Buffer::from_mut_slice(bytes), number))
}

fn at(plane: &[u8], x: usize, y: usize) -> u8 {
    plane[y * SIZE.0 + x]
}

/// Names of channels and what is wrong with them, of each message.
fn told(bus: &gst::Bus) -> Vec<Vec<(String, String)>> {
    let messages = messages_named(bus, "mdecomplete/damage");
    let channels = messages.iter().map(|message| {
        let list: gst::Array = message.get("channels").expect("a list");
        let channels = list.iter().map(|channel| {
            let channel: gst::Structure = channel.get().expect("a structure");
            let text = |field: &str| channel.get::<String>(field).expect("a text");
            let confidence: f64 = channel.get("confidence").expect("a share");
            assert!((0.0..=1.0).contains(&confidence), "{channel}");
            (text("channel"), text("kind"))
        });
        channels.collect()
    });
    channels.collect()
}

#[test]
fn a_channel_that_dies_is_completed_until_it_is_back() {
    with_runtime(|| {
        let element = green_fill();
        element.set_property_from_str("damaged-channels", "auto");
        let bus = bus_of(&element);
        let (info, _) = boxes(0, 0, at);
        let mut harness = harness(&element, &info);
        for number in 0..9 {
            let is_dead = (3..6).contains(&number);
            let (_, frame) = boxes(number, 0, |plane, x, y| match is_dead {
                true => 0,
                false => at(plane, x, y),
            });
            let (before, after) = next(&mut harness, frame);
            if !is_dead {
                assert_same(&before, &after);
                continue;
            }
            for other in [1, 2] {
                let same = samples(&before, &info, other) == samples(&after, &info, other);
                assert!(same, "component {other} changed");
            }
            let [red, green] = [0, 1].map(|c| samples(&after, &info, c));
            let differences = red
                .iter()
                .zip(&green)
                .map(|(a, b)| f64::from(a.abs_diff(*b)));
            let mean = differences.sum::<f64>() / red.len() as f64;
            assert!(mean < 25.0, "red differs from the completion by {mean}");
        }
        let dead = vec![("red".to_owned(), "dead".to_owned())];
        assert_eq!(told(&bus), [dead, vec![]], "once a change");
    });
}

#[test]
fn a_displaced_channel_is_put_back_and_not_painted() {
    with_runtime(|| {
        let element = green_fill();
        element.set_property_from_str("damaged-channels", "auto");
        let bus = bus_of(&element);
        let (info, whole) = boxes(0, 2, at);
        let wanted = samples(&whole, &info, 2);
        let mut harness = harness(&element, &info);
        for number in 0..4 {
            let (_, frame) = boxes(number, 2, |plane, x, y| {
                at(plane, (x + 5).min(SIZE.0 - 1), y.saturating_sub(3))
            });
            let (before, after) = next(&mut harness, frame);
            for other in [0, 1] {
                let same = samples(&before, &info, other) == samples(&after, &info, other);
                assert!(same, "component {other} changed");
            }
            let found = samples(&after, &info, 2);
            for (i, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
                let (x, y) = (i % SIZE.0, i / SIZE.0);
                if (8..SIZE.0 - 8).contains(&x) && (8..SIZE.1 - 8).contains(&y) {
                    assert_eq!(found, wanted, "at {x}, {y}");
                }
            }
        }
        let shifted = vec![("blue".to_owned(), "shifted".to_owned())];
        assert_eq!(told(&bus), [shifted]);
        assert_eq!(count(&element, "completed"), 0, "nothing is painted");
    });
}

#[test]
fn channels_with_what_is_not_asked_for_stay() {
    with_runtime(|| {
        let element = green_fill();
        element.set_property_from_str("damaged-channels", "auto");
        element.set_property_from_str("channel-kinds", "noise+shifted");
        let bus = bus_of(&element);
        let (info, _) = boxes(0, 0, at);
        let mut harness = harness(&element, &info);
        for number in 0..6 {
            let is_dead = number >= 3;
            let (_, frame) = boxes(number, 0, |plane, x, y| match is_dead {
                true => 0,
                false => at(plane, x, y),
            });
            let (before, after) = next(&mut harness, frame);
            assert_same(&before, &after);
        }
        assert!(told(&bus).is_empty());
        element.set_property_from_str("channel-kinds", "dead");
        next(&mut harness, boxes(6, 0, |_, _, _| 0).1);
        assert_eq!(told(&bus), [vec![("red".to_owned(), "dead".to_owned())]]);
    });
}
