//! Where a recording is cut.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use serde::{Deserialize, Serialize};

use crate::interrupt::Interrupt;
use crate::probe::Media;
use crate::{Error, Result, pipeline};

/// So long before a segment it begins to be looked at, so that faces are known there as if nothing had
/// been cut, in nanoseconds.
const WARM_UP: u64 = 5_000_000_000;

/// A part of a recording. Times are those of its picture, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The key frame from which on it is looked at.
    pub warm: u64,
    /// Its first frame, a key frame.
    pub begin: u64,
    /// The first frame after it; it goes to the recording's end where there is none.
    pub end: Option<u64>,
    /// Frames in it.
    pub frames: u64,
}

impl Segment {
    /// How long it plays, in seconds; 0 for the last, whose end is not known.
    pub fn seconds(&self) -> f64 {
        self.end.map_or(0.0, |end| (end - self.begin) as f64 / 1e9)
    }
}

/// Containers whose times are those that play, and in which any key frame can be gone to.
const SOUND: [&str; 4] = [
    "video/quicktime",
    "video/x-matroska",
    "video/webm",
    "video/x-msvideo",
];

/// A packet of the picture.
#[derive(Clone, Copy, Debug)]
struct Packet {
    time: u64,
    is_key: bool,
}

/// The segments of the recording `input`, in which `media` is, each at least as long as `length`; none if it is not so much
/// longer that cutting it is worth while, or cannot be cut safely.
///
/// # Errors
/// If it cannot be read; [`Error::Interrupted`].
pub fn cuts(
    input: &Path,
    media: &Media,
    length: Duration,
    interrupt: &Interrupt,
) -> Result<Vec<Segment>> {
    let is_long = media
        .duration
        .is_some_and(|whole| whole >= length + length / 2);
    if length.is_zero() || !is_long || !SOUND.contains(&media.container.as_str()) {
        return Ok(Vec::new());
    }
    let length = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    let packets = packets(input, &media.video.id, interrupt)?;
    Ok(packets.map_or_else(Vec::new, |packets| cut(&packets, length)))
}

/// All packets of the stream `picture` of the file `input`; nothing if one has no time, or if times are
/// not those that play.
fn packets(input: &Path, picture: &str, interrupt: &Interrupt) -> Result<Option<Vec<Packet>>> {
    let pipeline = pipeline::parse("filesrc name=read ! parsebin name=streams")?;
    pipeline::set_location(&pipeline, "read", input)?;
    let streams = pipeline::element(&pipeline, "streams")?;
    let found: Arc<Mutex<Option<Vec<Packet>>>> = Arc::new(Mutex::new(Some(Vec::new())));
    let (inside, kept, picture) = (pipeline.downgrade(), Arc::clone(&found), picture.to_owned());
    streams.connect_pad_added(move |streams, pad| {
        // What is linked to nothing is thrown away.
        if pad.stream_id().is_some_and(|id| id == picture)
            && let Some(pipeline) = inside.upgrade()
            && let Err(error) = count(&pipeline, pad, &kept)
        {
            gst::element_error!(streams, gst::StreamError::Failed, ["{error}"]);
        }
    });
    drop(pipeline::run(&pipeline, interrupt, &mut Still::default())?);
    let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(found)
}

/// It is not known how far reading is, but it ends.
#[derive(Default)]
struct Still(u64);

impl pipeline::Watch for Still {
    fn tick(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

fn count(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    kept: &Arc<Mutex<Option<Vec<Packet>>>>,
) -> Result<()> {
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .build()?;
    pipeline.add(&sink)?;
    let entry = sink.static_pad("sink");
    let entry = entry.ok_or_else(|| Error::Pipeline("a sink has no pad".to_owned()))?;
    let kept = Arc::clone(kept);
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    entry.add_probe(kinds, move |_, info| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(buffer) = info.buffer() {
            match (buffer.pts(), kept.as_mut()) {
                (Some(time), Some(packets)) => packets.push(Packet {
                    time: time.nseconds(),
                    is_key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
                }),
                _ => *kept = None,
            }
        } else if let Some(gst::EventView::Segment(event)) = info.event().map(|event| event.view())
            && !is_plain(event.segment())
        {
            *kept = None;
        }
        gst::PadProbeReturn::Ok
    });
    pad.link(&entry)
        .map_err(|e| Error::Pipeline(format!("the picture cannot be read: {e}")))?;
    sink.sync_state_with_parent()?;
    Ok(())
}

/// Whether times in `segment` are those that play.
fn is_plain(segment: &gst::Segment) -> bool {
    let zero = Some(gst::ClockTime::ZERO);
    segment
        .downcast_ref::<gst::ClockTime>()
        .is_some_and(|segment| {
            segment.start() == zero && segment.time() == zero && segment.base() == zero
        })
}

/// Cuts `packets` at key frames into segments of at least `length` nanoseconds.
fn cut(packets: &[Packet], length: u64) -> Vec<Segment> {
    let mut times: Vec<_> = packets.iter().map(|packet| packet.time).collect();
    times.sort_unstable();
    let mut keys: Vec<_> = packets
        .iter()
        .filter(|packet| packet.is_key)
        .map(|packet| packet.time)
        .collect();
    keys.sort_unstable();
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return Vec::new();
    };
    let mut begins = vec![*first];
    let mut next = first + length;
    for key in &keys {
        // The last one is not shorter than half of the others.
        if *key >= next && *key + length / 2 <= *last {
            begins.push(*key);
            next = key + length;
        }
    }
    if begins.len() == 1 || keys.first() != Some(first) {
        return Vec::new();
    }
    let before = |time: u64| times.partition_point(|other| *other < time) as u64;
    let segment = |n: usize| {
        let (begin, end) = (begins[n], begins.get(n + 1).copied());
        let warm = keys.partition_point(|key| *key <= begin.saturating_sub(WARM_UP));
        Segment {
            warm: keys[warm.saturating_sub(1)],
            begin,
            end,
            frames: end.map_or(times.len() as u64, before) - before(begin),
        }
    };
    (0..begins.len()).map(segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Of a frame a second, in coded order: each fourth is a key frame, after which two come that play
    /// before it.
    fn packets(count: u64) -> Vec<Packet> {
        let mut packets = Vec::new();
        for n in (0..count).step_by(4) {
            packets.push(Packet {
                time: n * SECOND,
                is_key: true,
            });
            for before in [2, 1].into_iter().filter(|before| n >= *before) {
                packets.push(Packet {
                    time: (n - before) * SECOND,
                    is_key: false,
                });
            }
            packets.push(Packet {
                time: (n + 1) * SECOND,
                is_key: false,
            });
        }
        packets
    }

    #[test]
    fn segments_are_whole_and_as_long_as_they_are_to_be() {
        let packets = packets(100);
        let segments = cut(&packets, 18 * SECOND);
        let frames: u64 = segments.iter().map(|segment| segment.frames).sum();
        assert_eq!(frames, packets.len() as u64);
        let begins: Vec<_> = segments
            .iter()
            .map(|segment| segment.begin / SECOND)
            .collect();
        assert_eq!(begins, [0, 20, 40, 60, 80]);
        let warm: Vec<_> = segments
            .iter()
            .map(|segment| segment.warm / SECOND)
            .collect();
        assert_eq!(warm, [0, 12, 32, 52, 72]);
        for pair in segments.windows(2) {
            assert_eq!(pair[0].end, Some(pair[1].begin));
        }
        assert_eq!(segments.last().and_then(|last| last.end), None);
    }

    #[test]
    fn what_has_no_second_key_frame_is_not_cut() {
        let mut all = packets(100);
        assert!(cut(&all, 90 * SECOND).is_empty());
        for packet in all.iter_mut().skip(1) {
            packet.is_key = false;
        }
        assert!(cut(&all, 18 * SECOND).is_empty());
        assert!(cut(&[], SECOND).is_empty());
    }
}
