//! What has befallen a film, found and mended by the element.

use gst_video::VideoFrameRef;
use gstmdecomplete::locate::FILM_TYPE;

use super::*;
use crate::support::{bytes, count, messages_named, timed};

const SIZE: (usize, usize) = (192, 160);
const FRAMES: u64 = 8;
/// Formats whose samples lie otherwise.
const FORMATS: [VideoFormat; 5] = [
    VideoFormat::I420,
    VideoFormat::Gray8,
    VideoFormat::Bgrx,
    VideoFormat::Uyvy,
    VideoFormat::I42010le,
];
/// A fleck of dirt: its first pixel and its side.
type Fleck = ((usize, usize), usize);

/// The element, which looks for damage of the kinds `damage` in frames without faces.
pub(super) fn mender(damage: &str) -> gst::Element {
    let element = mean_fill("");
    element.set_property_from_str("region", "roi-list");
    element.set_property_from_str("damage", damage);
    element
}

/// Frame `number` of a `scene` that moves by two pixels a frame, with white `flecks`.
fn frame(
    format: VideoFormat,
    number: u64,
    scene: u64,
    flecks: &[Fleck],
) -> (VideoInfo, gst::Buffer) {
    let info = info(format, SIZE.0 as u32, SIZE.1 as u32);
    let mut buffer = gst::Buffer::from_mut_slice(vec![128; info.size()]);
    let buffer_ref = buffer.get_mut().expect("nobody else has it");
    let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer_ref, &info).expect("a frame");
    let is_wide = info.comp_depth(0) > 8;
    for component in 0..if info.is_rgb() { 3 } else { 1 } {
        let stride = frame.comp_stride(component) as usize;
        let step = frame.comp_pstride(component) as usize;
        let data = frame.comp_data_mut(component).expect("a component");
        for y in 0..SIZE.1 {
            for x in 0..SIZE.0 {
                let (u, v) = ((x + 2 * number as usize) as f32, y as f32);
                let tone = scene as f32 * 1.7;
                let wave =
                    (u / 6.0 + tone).sin() + (v / (5.0 + tone)).cos() + ((u + v) / 17.0).sin();
                let is_fleck = flecks.iter().any(|((left, top), side)| {
                    (*left..left + side).contains(&x) && (*top..top + side).contains(&y)
                });
                let value = match is_fleck {
                    true => 235,
                    false => (110.0 + 30.0 * wave) as u8,
                };
                let at = y * stride + x * step;
                match is_wide {
                    true => data[at..at + 2].copy_from_slice(&(u16::from(value) * 4).to_le_bytes()),
                    false => data[at] = value,
                }
            }
        }
    }
    drop(frame);
    (info, timed(buffer, number))
}

/// Frames that `element` makes of `frames`, of which it holds back one until the end. It runs as long
/// as the harness is there.
fn through(
    element: &gst::Element,
    frames: &[(VideoInfo, gst::Buffer)],
) -> (Vec<gst::Buffer>, Harness) {
    let mut harness = harness(element, &frames[0].0);
    let mut done = Vec::new();
    for (number, (_, buffer)) in frames.iter().enumerate() {
        harness.push(buffer.clone()).expect("a frame taken");
        done.extend(std::iter::from_fn(|| harness.try_pull()));
        assert_eq!(done.len(), number, "one frame is held back");
    }
    harness.push_event(gst::event::Eos::new());
    done.extend(std::iter::from_fn(|| harness.try_pull()));
    assert_eq!(done.len(), frames.len());
    for ((_, before), after) in frames.iter().zip(&done) {
        assert_eq!(before.pts(), after.pts());
    }
    (done, harness)
}

/// Flecks of frame `number`.
fn flecks(number: u64) -> Vec<Fleck> {
    match number {
        2 => vec![((40, 50), 5), ((120, 100), 9)],
        3 => vec![((80, 30), 3)],
        5 => vec![((42, 52), 6)],
        _ => vec![],
    }
}

#[test]
fn dirt_goes_and_nothing_else_changes() {
    with_runtime(|| {
        for format in FORMATS {
            let element = mender("dirt");
            let bus = gst::Bus::new();
            element.set_bus(Some(&bus));
            let clip: Vec<_> = (0..FRAMES)
                .map(|n| frame(format, n, 0, &flecks(n)))
                .collect();
            let (done, _running) = through(&element, &clip);
            for (number, after) in (0..).zip(&done) {
                let (info, sound) = frame(format, number, 0, &[]);
                let (before, sound) = (bytes(&clip[number as usize].1), bytes(&sound));
                let after = bytes(after);
                let flecks = flecks(number);
                if flecks.is_empty() {
                    assert!(after == before, "{format:?}: frame {number} has no dirt");
                    continue;
                }
                let depth = info.comp_depth(0);
                let loss: u64 = difference_of(&after, &sound, depth);
                let was: u64 = difference_of(&before, &sound, depth);
                assert!(
                    loss * 20 < was,
                    "{format:?}: frame {number}: {loss} of {was} is left"
                );
                let changed = after.iter().zip(&before).filter(|(a, b)| a != b).count();
                let damaged = sound.iter().zip(&before).filter(|(a, b)| a != b).count();
                assert!(
                    changed < 4 * damaged,
                    "{format:?}: {changed} changed of {damaged}"
                );
            }
            assert_eq!(count(&element, "dirt"), 4, "{format:?}");
            for (number, after) in (0..).zip(&done) {
                let metas = after.iter_meta::<VideoRegionOfInterestMeta>();
                let told = metas
                    .filter(|meta| meta.roi_type() == FILM_TYPE)
                    .filter_map(|meta| {
                        let told = meta.param("film-damage")?;
                        let corner = (told.get::<u32>("x").ok()?, told.get::<u32>("y").ok()?);
                        Some((
                            told.get::<String>("kind").ok()?,
                            corner == (meta.rect().0, meta.rect().1),
                        ))
                    });
                let told: Vec<_> = told.collect();
                let wanted = vec![("dirt".to_string(), true); flecks(number).len()];
                assert_eq!(told, wanted, "{format:?}: frame {number}");
            }
            let news = messages_named(&bus, "mdecomplete/damage");
            let counts = news
                .iter()
                .map(|told| told.get::<gst::Array>("film").map(|film| film.len()));
            assert_eq!(
                counts.collect::<Result<Vec<_>, _>>(),
                Ok(vec![2, 1, 0, 1, 0]),
                "{format:?}"
            );
        }
    });
}

/// The sum of the differences of samples of `depth` bits.
fn difference_of(a: &[u8], b: &[u8], depth: u32) -> u64 {
    let word = |bytes: &[u8]| match depth {
        8 => u64::from(bytes[0]),
        _ => u64::from(u16::from_le_bytes([bytes[0], bytes[1]])),
    };
    let size = if depth > 8 { 2 } else { 1 };
    let pairs = a.chunks_exact(size).zip(b.chunks_exact(size));
    pairs.map(|(a, b)| word(a).abs_diff(word(b))).sum()
}

#[test]
fn what_is_sound_stays_as_it_is() {
    with_runtime(|| {
        let element = mender("dirt");
        // Another scene begins with the fifth frame, and its first one has a thing of its own.
        let clip: Vec<_> = (0..FRAMES)
            .map(|number| {
                let thing = ((60 + 9 * number as usize, 60), 8);
                frame(VideoFormat::I420, number, number / 4, &[thing])
            })
            .collect();
        let (done, _running) = through(&element, &clip);
        for ((_, before), after) in clip.iter().zip(&done) {
            assert!(bytes(before) == bytes(after), "{:?}", before.pts());
        }
        assert_eq!(count(&element, "dirt"), 0);
    });
}

#[test]
fn dirt_is_left_to_a_dry_run_and_to_its_size() {
    with_runtime(|| {
        for (property, value, found) in [("dry-run", "true", 4), ("damage-max-size", "0.0001", 0)] {
            let element = mender("dirt");
            element.set_property_from_str(property, value);
            let clip: Vec<_> = (0..FRAMES)
                .map(|n| frame(VideoFormat::I420, n, 0, &flecks(n)))
                .collect();
            let (done, _running) = through(&element, &clip);
            for ((_, before), after) in clip.iter().zip(&done) {
                assert!(
                    bytes(before) == bytes(after),
                    "{property}: {:?}",
                    before.pts()
                );
            }
            assert_eq!(count(&element, "dirt"), found, "{property}");
        }
    });
}

#[test]
fn the_frame_that_is_held_back_is_told_of_and_dropped_by_a_flush() {
    with_runtime(|| {
        let element = mender("");
        let (info, _) = frame(VideoFormat::I420, 0, 0, &[]);
        let mut harness = harness(&element, &info);
        let least = |element: &gst::Element| {
            let mut query = gst::query::Latency::new();
            assert!(element.static_pad("src").expect("a pad").query(&mut query));
            query.result().1
        };
        harness
            .push(frame(VideoFormat::I420, 0, 0, &[]).1)
            .expect("a frame taken");
        assert!(harness.try_pull().is_some(), "nothing is held back");
        let before = least(&element);
        element.set_property_from_str("damage", "dirt");
        let lasts = gst::ClockTime::SECOND * info.fps().denom() as u64 / info.fps().numer() as u64;
        assert_eq!(least(&element), before + lasts);
        harness
            .push(frame(VideoFormat::I420, 1, 0, &[]).1)
            .expect("a frame taken");
        assert!(harness.try_pull().is_none());
        harness.push_event(gst::event::FlushStart::new());
        harness.push_event(gst::event::FlushStop::new(false));
        harness.push_event(gst::event::Eos::new());
        assert!(harness.try_pull().is_none(), "it is of before the flush");
    });
}

#[test]
fn one_that_is_held_back_goes_on_when_no_film_is_mended_any_more() {
    with_runtime(|| {
        let element = mender("dirt");
        let (info, _) = frame(VideoFormat::I420, 0, 0, &[]);
        let mut harness = harness(&element, &info);
        harness
            .push(frame(VideoFormat::I420, 0, 0, &[]).1)
            .expect("a frame taken");
        element.set_property_from_str("damage", "");
        harness
            .push(frame(VideoFormat::I420, 1, 0, &[]).1)
            .expect("a frame taken");
        let times = std::iter::from_fn(|| harness.try_pull()).map(|frame| frame.pts());
        let wanted = [0, 1].map(|number| frame(VideoFormat::I420, number, 0, &[]).1.pts());
        assert_eq!(times.collect::<Vec<_>>(), wanted);
    });
}

#[test]
fn tags_between_frames_hide_nothing_and_come_in_their_turn() {
    use gst::prelude::*;
    use std::sync::{Arc, Mutex};

    // As parsers send them, whenever they know more of the bit rate.
    let tag = |number: u64| {
        let mut tags = gst::TagList::new();
        let list = tags.get_mut().expect("nobody else has it");
        list.add::<gst::tags::Bitrate>(&(number as u32 + 1), gst::TagMergeMode::Replace);
        gst::event::Tag::new(tags)
    };
    with_runtime(|| {
        for (damage, lookahead) in [("dirt", 0u32), ("", 100), ("dirt", 100)] {
            let element = mender(damage);
            element.set_property("lookahead", lookahead);
            let came = Arc::new(Mutex::new(Vec::new()));
            let coming = Arc::clone(&came);
            let pad = element.static_pad("src").expect("a pad");
            let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
            pad.add_probe(mask, move |_, probe| {
                let what = match &probe.data {
                    Some(gst::PadProbeData::Buffer(buffer)) => buffer
                        .pts()
                        .map(|time| format!("frame {}", time.mseconds() / 40)),
                    Some(gst::PadProbeData::Event(event)) => match event.view() {
                        gst::EventView::Tag(tag) => (tag.tag().get::<gst::tags::Bitrate>())
                            .map(|rate| format!("tag {}", rate.get() - 1)),
                        _ => None,
                    },
                    _ => None,
                };
                coming.lock().expect("no panic").extend(what);
                gst::PadProbeReturn::Ok
            });
            let (info, _) = frame(VideoFormat::I420, 0, 0, &[]);
            let mut harness = harness(&element, &info);
            for number in 0..FRAMES {
                let (_, buffer) = frame(VideoFormat::I420, number, 0, &flecks(number));
                harness.push(buffer).expect("a frame taken");
                harness.push_event(tag(number));
            }
            harness.push_event(gst::event::Eos::new());
            let wanted: Vec<_> = (0..FRAMES)
                .flat_map(|number| [format!("frame {number}"), format!("tag {number}")])
                .collect();
            assert_eq!(
                *came.lock().expect("no panic"),
                wanted,
                "{damage} {lookahead}"
            );
            let flecks: usize = (0..FRAMES).map(|number| flecks(number).len()).sum();
            let found = if damage.is_empty() { 0 } else { flecks };
            assert_eq!(
                count(&element, "dirt") as usize,
                found,
                "{damage} {lookahead}"
            );
        }
    });
}
