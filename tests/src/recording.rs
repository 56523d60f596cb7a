//! What is in a recording, read by GStreamer's demuxers: streams, packets, tags; and its frames.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use gst::prelude::*;
use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

/// A recording that is not read after so long never will be.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(120);

/// A packet, or a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When it plays, in nanoseconds from the recording's start.
    pub time: Option<u64>,
    /// Of its bytes.
    pub hash: u64,
}

/// A stream of a recording.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its format.
    pub caps: gst::Caps,
    /// Its tags, those of the recording with them.
    pub tags: gst::TagList,
    /// All that comes, in order.
    pub packets: Vec<Packet>,
}

impl Stream {
    /// The name of its format, such as `audio/x-opus`.
    pub fn format(&self) -> &str {
        self.caps.structure(0).map_or("", |s| s.name().as_str())
    }

    /// A field of its format.
    pub fn field<'a, T: gst::glib::value::FromValue<'a>>(&'a self, name: &str) -> Option<T> {
        self.caps.structure(0)?.get_optional(name).ok().flatten()
    }

    /// The times of its packets in the order in which they play.
    pub fn times(&self) -> Vec<u64> {
        let mut times: Vec<_> = self
            .packets
            .iter()
            .filter_map(|packet| packet.time)
            .collect();
        times.sort_unstable();
        times
    }

    /// The bytes of its packets, as hashes.
    pub fn bytes(&self) -> Vec<u64> {
        self.packets.iter().map(|packet| packet.hash).collect()
    }
}

/// The streams of the recording `file`, in their order.
///
/// # Errors
/// If it cannot be read.
pub fn streams(file: &Path) -> Result<Vec<Stream>> {
    read(file, "parsebin")
}

/// The first stream of the recording `file` whose format begins with `kind`, such as `audio`.
///
/// # Errors
/// If there is none.
pub fn stream(file: &Path, kind: &str) -> Result<Stream> {
    let mut streams = streams(file)?.into_iter();
    let found = streams.find(|stream| stream.format().starts_with(kind));
    found.with_context(|| format!("no {kind} in {}", file.display()))
}

/// The frames of the recording `file`.
///
/// # Errors
/// If it cannot be decoded.
pub fn frames(file: &Path) -> Result<Stream> {
    let decoded = read(file, "decodebin")?.into_iter();
    let mut pictures = decoded.filter(|stream| stream.format() == "video/x-raw");
    pictures.next().context("no frames")
}

fn read(file: &Path, reader: &str) -> Result<Vec<Stream>> {
    gst::init()?;
    let pipeline = gst::Pipeline::new();
    let source = gst::ElementFactory::make("filesrc")
        .property("location", file)
        .build()?;
    let reader = gst::ElementFactory::make(reader).build()?;
    pipeline.add_many([&source, &reader])?;
    source.link(&reader)?;
    let found: Arc<Mutex<Vec<Stream>>> = Arc::default();
    let joining = Arc::clone(&found);
    let inside = pipeline.downgrade();
    reader.connect_pad_added(move |reader, pad| {
        if let Err(error) = join(&inside, pad, &joining) {
            gst::element_error!(reader, gst::StreamError::Failed, ["{error}"]);
        }
    });
    let bus = pipeline.bus().context("a bus")?;
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
    pipeline.set_state(gst::State::Playing)?;
    let message = bus.timed_pop_filtered(PATIENCE, &wanted);
    pipeline.set_state(gst::State::Null)?;
    match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) => {}
        Some(gst::MessageView::Error(error)) => bail!("{}: {error:?}", file.display()),
        _ => bail!("{} has no end", file.display()),
    }
    let streams = found.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(streams.clone())
}

fn join(
    pipeline: &gst::glib::WeakRef<gst::Pipeline>,
    pad: &gst::Pad,
    found: &Arc<Mutex<Vec<Stream>>>,
) -> Result<()> {
    let pipeline = pipeline.upgrade().context("a pipeline")?;
    let sink = gst::parse::bin_from_description(
        "queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! fakesink sync=false",
        true,
    )?;
    pipeline.add(&sink)?;
    let entry = sink.static_pad("sink").context("a pad")?;
    let number = {
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push(Stream {
            caps: gst::Caps::new_empty(),
            tags: gst::TagList::new(),
            packets: Vec::new(),
        });
        found.len() - 1
    };
    let found = Arc::clone(found);
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    entry.add_probe(kinds, move |pad, info| {
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = &mut found[number];
        if let Some(buffer) = info.buffer() {
            if !is_flac_header(pad, buffer) {
                stream.packets.push(packet(pad, buffer));
            }
        } else if let Some(event) = info.event() {
            match event.view() {
                gst::EventView::Caps(caps) => stream.caps = caps.caps_owned(),
                gst::EventView::Tag(tags) => {
                    stream.tags = stream.tags.merge(tags.tag(), gst::TagMergeMode::Replace);
                }
                _ => {}
            }
        }
        gst::PadProbeReturn::Ok
    });
    sink.sync_state_with_parent()?;
    pad.link(&entry)?;
    Ok(())
}

/// Whether `buffer` is a header of FLAC and no frame: parsers make these of what the container says
/// beside the packets.
fn is_flac_header(pad: &gst::Pad, buffer: &gst::Buffer) -> bool {
    let caps = pad.current_caps();
    let is_flac = caps.is_some_and(|caps| {
        caps.structure(0)
            .is_some_and(|s| s.name() == "audio/x-flac")
    });
    is_flac && (buffer.map_readable()).is_ok_and(|bytes| bytes.first() != Some(&0xff))
}

fn packet(pad: &gst::Pad, buffer: &gst::Buffer) -> Packet {
    let segment = pad
        .sticky_event::<gst::event::Segment>(0)
        .and_then(|event| event.segment().downcast_ref::<gst::ClockTime>().cloned());
    let time = segment.and_then(|segment| segment.to_running_time(buffer.pts()?));
    let mut hasher = DefaultHasher::new();
    let is_raw = |caps: &gst::Caps| caps.structure(0).is_some_and(|s| s.name() == "video/x-raw");
    let caps = pad.current_caps().filter(is_raw);
    let info = caps.and_then(|caps| VideoInfo::from_caps(&caps).ok());
    if let Some(info) = info {
        hash_pixels(buffer, &info, &mut hasher);
    } else if let Ok(bytes) = buffer.map_readable() {
        bytes.hash(&mut hasher);
    }
    Packet {
        time: time.map(gst::ClockTime::nseconds),
        hash: hasher.finish(),
    }
}

/// Hashes the pixels of a frame: what lies between the rows is another decoder's affair.
fn hash_pixels(buffer: &gst::Buffer, info: &VideoInfo, hasher: &mut impl Hasher) {
    let Ok(frame) = VideoFrameRef::from_buffer_ref_readable(buffer, info) else {
        return;
    };
    let format = frame.format_info();
    for component in 0..format.n_components() as usize {
        let plane = format.plane()[component];
        let number = component as u8;
        let pixel = format.pixel_stride()[component] as usize;
        let bytes = format.scale_width(number, frame.width()) as usize * pixel;
        let rows = format.scale_height(number, frame.height()) as usize;
        let stride = frame.plane_stride()[plane as usize] as usize;
        let data = frame.plane_data(plane).unwrap_or_default();
        for row in data.chunks(stride).take(rows) {
            row[..bytes.min(row.len())].hash(hasher);
        }
    }
}

/// Packets in the first sound track of the MP4 file `file`, played or not, and where it says which
/// are: the bytes of its edit list, if it has one.
///
/// # Errors
/// If the file cannot be read.
pub fn sound_of_mp4(file: &Path) -> Result<(u32, Option<Vec<u8>>)> {
    let bytes = std::fs::read(file)?;
    let tracks: Vec<_> = (0..bytes.len().saturating_sub(4))
        .filter(|&at| bytes[at..].starts_with(b"trak"))
        .collect();
    for (n, &start) in tracks.iter().enumerate() {
        let end = tracks.get(n + 1).copied().unwrap_or(bytes.len());
        let track = &bytes[start..end];
        let find = |name: &[u8]| track.windows(4).position(|four| four == name);
        if find(b"soun").is_some() {
            let sizes = find(b"stsz").context("no sizes")?;
            let count = track.get(sizes + 12..sizes + 16).context("no count")?;
            let list = find(b"elst").map(|at| track[at + 4..].to_vec());
            return Ok((u32::from_be_bytes(count.try_into()?), list));
        }
    }
    bail!("no sound in {}", file.display())
}
