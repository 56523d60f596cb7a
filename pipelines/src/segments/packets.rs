//! Coded packets of a segment in a file of their own, with exact times, and out of several such files
//! as one stream.
//!
//! Containers round times. Here a line of JSON stands before each packet, and one before all.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gst::glib::bool_error;
use gst::prelude::*;
use gst_app::{AppSink, AppSinkCallbacks, AppSrc, AppSrcCallbacks};
use serde::{Deserialize, Serialize};

use crate::sequence::Fault;
use crate::{Error, Result};

/// What all packets of a file have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    caps: String,
    /// What the stream says of itself, and of the whole recording where it is marked so.
    tags: Vec<(String, bool)>,
}

/// What stands before the bytes of a packet. Times are those that play, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Packet {
    pts: Option<i64>,
    dts: Option<i64>,
    duration: Option<u64>,
    flags: u32,
    size: u64,
}

/// Flags that say what a packet is, not where its memory came from.
const FLAGS: gst::BufferFlags = gst::BufferFlags::DELTA_UNIT
    .union(gst::BufferFlags::HEADER)
    .union(gst::BufferFlags::DISCONT)
    .union(gst::BufferFlags::DROPPABLE)
    .union(gst::BufferFlags::MARKER);

/// Writes packets.
#[derive(Debug, Default)]
pub struct Writer {
    count: u64,
}

impl Writer {
    /// Lets all packets that come to `sink` be written to `path`, for a muxer that takes `caps`; `fault`
    /// is told why not. The number of packets can be asked for afterwards.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn take(path: &Path, sink: &AppSink, fault: &Fault) -> Result<Arc<Mutex<Self>>> {
        let file = File::create(path).map_err(|e| Error::writing(path, e))?;
        let mut file = BufWriter::new(file);
        let this: Arc<Mutex<Self>> = Arc::default();
        let (counted, fault, path) = (Arc::clone(&this), fault.clone(), path.to_owned());
        sink.set_callbacks(
            AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    let mut this = counted.lock().unwrap_or_else(PoisonError::into_inner);
                    let is_first = this.count == 0;
                    this.count += 1;
                    write(&mut file, sink, &sample, is_first).map_err(|e| {
                        fault.end(sink, Error::writing(&path, e));
                        gst::FlowError::Error
                    })?;
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        Ok(this)
    }

    /// Packets written.
    pub fn count(&self) -> u64 {
        self.count
    }
}

fn write(
    file: &mut BufWriter<File>,
    sink: &AppSink,
    sample: &gst::Sample,
    is_first: bool,
) -> std::io::Result<()> {
    let strange = || std::io::Error::other("a packet has no format or no content");
    if is_first {
        let pad = sink.static_pad("sink").ok_or_else(strange)?;
        let tags = (0..).map_while(|n| pad.sticky_event::<gst::event::Tag>(n));
        let text = |event: gst::event::Tag<gst::Event>| {
            let tags = event.tag_owned();
            let is_global = tags.scope() == gst::TagScope::Global;
            Some((tags.to_value().serialize().ok()?.into(), is_global))
        };
        let head = Head {
            caps: sample.caps().ok_or_else(strange)?.to_string(),
            tags: tags.filter_map(text).collect(),
        };
        line(file, &head)?;
    }
    let (Some(buffer), Some(segment)) = (sample.buffer(), sample.segment()) else {
        return Err(strange());
    };
    let segment = segment
        .downcast_ref::<gst::ClockTime>()
        .ok_or_else(strange)?;
    let plays = |time: Option<gst::ClockTime>| {
        // Encoders that give packets before the time 0 move the start of their segment.
        let start = signed(segment.start()?);
        Some(signed(time?) - start + signed(segment.time()?))
    };
    let bytes = buffer.map_readable().map_err(|_| strange())?;
    line(
        file,
        &Packet {
            pts: plays(buffer.pts()),
            dts: plays(buffer.dts()),
            duration: buffer.duration().map(gst::ClockTime::nseconds),
            flags: (buffer.flags() & FLAGS).bits(),
            size: bytes.len() as u64,
        },
    )?;
    file.write_all(&bytes)?;
    // A file that is whole only when the program ends is not whole when the pipeline does.
    file.flush()
}

fn line(file: &mut BufWriter<File>, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")
}

fn signed(time: gst::ClockTime) -> i64 {
    i64::try_from(time.nseconds()).unwrap_or(i64::MAX)
}

/// Reads the packets of several files, one after the other.
#[derive(Debug)]
pub struct Joined {
    files: Vec<PathBuf>,
    head: Head,
    /// How much later all is given, so that no time is below zero.
    shift: i64,
}

impl Joined {
    /// Of `files`.
    ///
    /// # Errors
    /// If one cannot be read, or they do not go together.
    pub fn open(files: Vec<PathBuf>) -> Result<Self> {
        let mut common: Option<Head> = None;
        let mut shift = 0;
        for path in &files {
            let mut file = Reader::open(path)?;
            let head = common.get_or_insert_with(|| file.head.clone());
            if head.caps != file.head.caps {
                return Err(Error::input(path, "its packets are not as those before it"));
            }
            // The first packets have the earliest times.
            if let Some((packet, _)) = file.next()? {
                shift = shift.max(-packet.dts.or(packet.pts).unwrap_or(0));
            }
        }
        let none = || Error::Usage("there is nothing to join".to_owned());
        Ok(Self {
            files,
            head: common.ok_or_else(none)?,
            shift,
        })
    }

    /// Lets `source` give all packets; `fault` is told why not.
    ///
    /// # Errors
    /// If their format cannot be understood.
    pub fn feed(self, source: &AppSrc, fault: &Fault) -> Result<()> {
        let strange = |e: gst::glib::BoolError| Error::Pipeline(e.to_string());
        let caps: gst::Caps = self.head.caps.parse().map_err(strange)?;
        source.set_caps(Some(&caps));
        let tags = self.head.tags.iter().map(|(text, is_global)| {
            let tags = gst::glib::Value::deserialize(text, gst::TagList::static_type())?;
            let mut tags: gst::TagList = tags.get().map_err(|e| bool_error!("{e}"))?;
            if *is_global {
                tags.make_mut().set_scope(gst::TagScope::Global);
            }
            Ok(tags)
        });
        let tags: Vec<_> = tags
            .collect::<std::result::Result<_, _>>()
            .map_err(strange)?;
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        let shift = self.shift;
        segment.set_start(gst::ClockTime::from_nseconds(shift.unsigned_abs()));
        let mut waiting = self.files.into_iter();
        let mut open: Option<Reader> = None;
        let mut next = move || -> Result<Option<gst::Buffer>> {
            loop {
                if open.is_none() {
                    match waiting.next() {
                        Some(path) => open = Some(Reader::open(&path)?),
                        None => return Ok(None),
                    }
                }
                match open.as_mut().map(Reader::next).transpose()?.flatten() {
                    Some((packet, bytes)) => return Ok(Some(packet.buffer(bytes, shift))),
                    None => open = None,
                }
            }
        };
        let mut is_first = true;
        let fault = fault.clone();
        source.set_callbacks(
            AppSrcCallbacks::builder()
                .need_data(move |source, _| match next() {
                    // A source that is stopped takes nothing, and nobody misses it.
                    Ok(Some(buffer)) if std::mem::take(&mut is_first) => {
                        let sample = gst::Sample::builder().buffer(&buffer);
                        let sample = sample.segment(&segment).caps(&caps).build();
                        let _ = source.push_sample(&sample);
                    }
                    Ok(Some(buffer)) => {
                        let _ = source.push_buffer(buffer);
                    }
                    Ok(None) => {
                        let _ = source.end_of_stream();
                    }
                    Err(error) => fault.end(source, error),
                })
                .build(),
        );
        source.set_property("handle-segment-change", true);
        // After the stream has begun, and before its first packet.
        if let Some(pad) = source.static_pad("src") {
            pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
                for tags in &tags {
                    pad.push_event(gst::event::Tag::new(tags.clone()));
                }
                gst::PadProbeReturn::Remove
            });
        }
        Ok(())
    }
}

/// Reads a file of packets.
#[derive(Debug)]
struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    head: Head,
}

impl Reader {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::input(path, e))?;
        let mut file = BufReader::new(file);
        let head = read_line(path, &mut file)?;
        let head = head.ok_or_else(|| Error::input(path, "nothing is in it"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            head,
        })
    }

    /// The next packet and its bytes.
    fn next(&mut self) -> Result<Option<(Packet, Vec<u8>)>> {
        let Some(packet) = read_line::<Packet>(&self.path, &mut self.file)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let read = self.file.by_ref().take(packet.size).read_to_end(&mut bytes);
        read.map_err(|e| Error::input(&self.path, e))?;
        match bytes.len() as u64 == packet.size {
            true => Ok(Some((packet, bytes))),
            false => Err(Error::input(&self.path, "its end is missing")),
        }
    }
}

fn read_line<T: for<'a> Deserialize<'a>>(
    path: &Path,
    file: &mut BufReader<File>,
) -> Result<Option<T>> {
    let mut line = Vec::new();
    let failed = |e: &dyn std::fmt::Display| Error::input(path, e);
    file.read_until(b'\n', &mut line).map_err(|e| failed(&e))?;
    match line.is_empty() {
        true => Ok(None),
        false => serde_json::from_slice(&line)
            .map(Some)
            .map_err(|e| failed(&e)),
    }
}

impl Packet {
    fn buffer(self, bytes: Vec<u8>, shift: i64) -> gst::Buffer {
        let time = |time: i64| {
            Some(gst::ClockTime::from_nseconds(
                u64::try_from(time + shift).ok()?,
            ))
        };
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(self.pts.and_then(time));
            buffer.set_dts(self.dts.and_then(time));
            buffer.set_duration(self.duration.map(gst::ClockTime::from_nseconds));
            buffer.set_flags(gst::BufferFlags::from_bits_truncate(self.flags));
        }
        buffer
    }
}
