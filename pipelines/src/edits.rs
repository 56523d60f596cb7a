//! Edit lists of MP4 and QuickTime files (ISO/IEC 14496-12, 8.6.6).
//!
//! An edit list says which part of a track is played, and when. GStreamer's demuxer leaves out what
//! is not played, so that the packets of sound that a decoder needs beforehand, and those that an
//! editor has hidden, are lost. Where a sound track is to come through whole, its list is hidden from
//! the demuxer, and put into the file that was written, or counted in as a shift.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use gst::prelude::*;

use crate::isobmff::{self, HEADER, u32_at, u64_at};
use crate::{Error, Result};

/// What an MP4 or QuickTime file says of its tracks.
#[derive(Clone, Debug, Default)]
pub struct Movie {
    tracks: Vec<Track>,
}

/// A track of such a file.
#[derive(Clone, Debug)]
pub struct Track {
    id: u32,
    /// Ticks a second of the track's own times.
    pub scale: u32,
    edits: Option<EditList>,
    /// Where in the file the name of the box with the list stands.
    name_at: u64,
}

/// Which part of a track is played, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditList {
    entries: Vec<Edit>,
    /// Ticks a second of the entries' durations.
    movie_scale: u32,
    /// Ticks a second of the times in the media.
    media_scale: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edit {
    duration: u64,
    /// Where in the media it begins; nothing is played where there is none.
    media_time: Option<u64>,
    /// As it stands: 16 bits before the point, 16 after it.
    rate: u32,
}

impl Movie {
    /// Of the file `path`; without tracks if that is a file of another kind.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let Some(range) = isobmff::find_movie(&mut file)? else {
            return Ok(Self::default());
        };
        let movie = isobmff::read(&mut file, &range)?;
        let whole = 0..movie.len();
        let scale = scale_of(&movie, isobmff::find(&movie, &whole, &[b"mvhd"]));
        let tracks = isobmff::boxes(&movie, HEADER..movie.len())
            .filter(|(name, _)| name == b"trak")
            .filter_map(|(_, trak)| Track::parse(&movie, &trak, scale?, range.start))
            .collect();
        Ok(Self { tracks })
    }

    /// The track that the demuxer gives as the stream `id`, which ends in the track's number.
    pub fn track(&self, id: &str) -> Option<&Track> {
        let (_, number) = id.rsplit_once('/')?;
        let number: u32 = number.parse().ok()?;
        self.tracks.iter().find(|track| track.id == number)
    }
}

impl Track {
    fn parse(movie: &[u8], trak: &Range<usize>, movie_scale: u32, start: u64) -> Option<Self> {
        let tkhd = isobmff::find(movie, trak, &[b"tkhd"])?;
        let content = tkhd.start + HEADER;
        let is_long = *movie.get(content)? == 1;
        let id = u32_at(movie, content + if is_long { 20 } else { 12 })?;
        let scale = scale_of(movie, isobmff::find(movie, trak, &[b"mdia", b"mdhd"]))?;
        let edts = isobmff::find(movie, trak, &[b"edts"]);
        let elst = isobmff::find(movie, trak, &[b"edts", b"elst"]);
        let entries = elst.and_then(|elst| entries(&movie[elst.start + HEADER..elst.end]));
        Some(Self {
            id,
            scale,
            edits: entries.map(|entries| EditList {
                entries,
                movie_scale,
                media_scale: scale,
            }),
            name_at: edts.map_or(0, |edts| start + edts.start as u64 + 4),
        })
    }

    /// Its edit list, if it has one.
    pub fn edits(&self) -> Option<&EditList> {
        self.edits.as_ref()
    }

    /// Keeps its edit list from whoever reads the file through `source`, a `filesrc`.
    ///
    /// # Errors
    /// If that has no pad.
    pub fn hide(&self, source: &gst::Element) -> Result<()> {
        let pad = source.static_pad("src");
        let pad = pad.ok_or_else(|| Error::Pipeline("the file has no pad".to_owned()))?;
        let name_at = self.name_at;
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::PUSH | gst::PadProbeType::PULL;
        pad.add_probe(kinds, move |_, info| {
            if let Some(buffer) = info.buffer_mut() {
                blank(buffer, name_at);
            }
            gst::PadProbeReturn::Ok
        });
        Ok(())
    }
}

/// Makes a box without meaning of the one whose name stands at `name_at` in the file, as far as it is
/// in `buffer`.
fn blank(buffer: &mut gst::Buffer, name_at: u64) {
    const MEANINGLESS: &[u8; 4] = b"free";
    let start = buffer.offset();
    let end = start.saturating_add(buffer.size() as u64);
    if start == gst::BUFFER_OFFSET_NONE || end <= name_at || name_at + 4 <= start {
        return;
    }
    if let Ok(mut bytes) = buffer.make_mut().map_writable() {
        for (at, letter) in (name_at..).zip(MEANINGLESS) {
            let place = at.checked_sub(start).and_then(|at| usize::try_from(at).ok());
            if let Some(byte) = place.and_then(|at| bytes.get_mut(at)) {
                *byte = *letter;
            }
        }
    }
}

/// Ticks a second, as the header box `mvhd` or `mdhd` at `place` tells.
fn scale_of(movie: &[u8], place: Option<Range<usize>>) -> Option<u32> {
    let content = place?.start + HEADER;
    let at = match movie.get(content)? {
        1 => content + 20,
        _ => content + 12,
    };
    u32_at(movie, at).filter(|scale| *scale > 0)
}

/// The entries in the content of a box `elst`.
fn entries(content: &[u8]) -> Option<Vec<Edit>> {
    let is_long = *content.first()? == 1;
    let count = u32_at(content, 4)? as usize;
    let size = if is_long { 20 } else { 12 };
    let entries = content.get(8..)?.chunks_exact(size).take(count);
    let entries: Option<Vec<_>> = entries
        .map(|entry| {
            let (duration, media_time) = match is_long {
                true => (u64_at(entry, 0)?, u64_at(entry, 8)?.cast_signed()),
                false => (
                    u32_at(entry, 0)?.into(),
                    u32_at(entry, 4)?.cast_signed().into(),
                ),
            };
            Some(Edit {
                duration,
                media_time: u64::try_from(media_time).ok(),
                rate: u32_at(entry, size - 4)?,
            })
        })
        .collect();
    entries.filter(|entries| !entries.is_empty())
}

impl EditList {
    /// How much later than in the media the track plays, in nanoseconds, where that is all that the
    /// list says beside where it ends.
    pub fn shift(&self) -> Option<i64> {
        let (last, before) = self.entries.split_last()?;
        let begin = last.media_time?;
        if before.iter().any(|edit| edit.media_time.is_some()) || last.rate != NORMAL_RATE {
            return None;
        }
        let wait = before.iter().map(|edit| edit.duration).sum();
        let nanoseconds = |ticks, scale| i64::try_from(rescale(ticks, scale, 1_000_000_000)).ok();
        Some(nanoseconds(wait, self.movie_scale)? - nanoseconds(begin, self.media_scale)?)
    }

    /// As the content of a box `elst`, for other ticks a second.
    fn content(&self, movie_scale: u32, media_scale: u32) -> Vec<u8> {
        // Version 1 has 64 bits for each time.
        let mut content = vec![1, 0, 0, 0];
        content.extend((self.entries.len() as u32).to_be_bytes());
        for edit in &self.entries {
            let duration = rescale(edit.duration, self.movie_scale, movie_scale.into());
            let media_time = edit
                .media_time
                .map_or(-1, |time| rescale(time, self.media_scale, media_scale.into()) as i64);
            content.extend(duration.to_be_bytes());
            content.extend(media_time.to_be_bytes());
            content.extend(edit.rate.to_be_bytes());
        }
        content
    }

    fn duration(&self, movie_scale: u32) -> u64 {
        let whole = self.entries.iter().map(|edit| edit.duration).sum();
        rescale(whole, self.movie_scale, movie_scale.into())
    }
}

/// The rate 1 of an edit.
const NORMAL_RATE: u32 = 1 << 16;

/// `ticks` of `from` a second in ticks of `to` a second, to the nearest.
fn rescale(ticks: u64, from: u32, to: u64) -> u64 {
    let from = u128::from(from);
    let scaled = (u128::from(ticks) * u128::from(to) + from / 2) / from;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// Gives the sound tracks of the finished file `path` the edit lists `lists`, in their order; a track
/// for which there is none keeps what it has.
///
/// # Errors
/// [`Error::Output`] if the file cannot be read or written, or is not as GStreamer writes it.
pub fn write(path: &Path, lists: &[Option<EditList>]) -> Result<()> {
    if lists.iter().all(Option::is_none) {
        return Ok(());
    }
    let failed = |e: std::io::Error| Error::output(path, e);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let end = file.metadata().map_err(failed)?.len();
    let place = isobmff::find_movie(&mut file).map_err(failed)?;
    // What stands behind would move, and the places of packets with it.
    let place = place.filter(|place| place.end == end);
    let place = place.ok_or_else(|| Error::output(path, "its header is not where it is wanted"))?;
    let movie = isobmff::read(&mut file, &place).map_err(failed)?;
    let edited = with_edits(&movie, lists)
        .ok_or_else(|| Error::output(path, "its header is not as it is wanted"))?;
    file.seek(SeekFrom::Start(place.start))
        .and_then(|_| file.write_all(&edited))
        .and_then(|()| file.set_len(place.start + edited.len() as u64))
        .map_err(failed)
}

/// The box `moov` with the edit lists of its sound tracks replaced.
fn with_edits(movie: &[u8], lists: &[Option<EditList>]) -> Option<Vec<u8>> {
    let whole = 0..movie.len();
    let mvhd = isobmff::find(movie, &whole, &[b"mvhd"])?;
    let scale = scale_of(movie, Some(mvhd.clone()))?;
    let mut lists = lists.iter();
    let mut content = Vec::with_capacity(movie.len());
    let mut longest = 0;
    for (name, place) in isobmff::boxes(movie, HEADER..movie.len()) {
        let list = match &name == b"trak" && is_sound(movie, &place) {
            true => lists.next().and_then(Option::as_ref),
            false => None,
        };
        match list {
            Some(list) => {
                longest = longest.max(list.duration(scale));
                content.extend(track_with(movie, &place, list, scale)?);
            }
            None => content.extend_from_slice(&movie[place]),
        }
    }
    // The movie lasts as long as its longest track. Boxes before `mvhd` keep their size.
    set_duration(&mut content, mvhd.start - HEADER, 12, |now| now.max(longest))?;
    Some(isobmff::make(b"moov", &content))
}

fn is_sound(movie: &[u8], trak: &Range<usize>) -> bool {
    let handler = isobmff::find(movie, trak, &[b"mdia", b"hdlr"]);
    handler.is_some_and(|hdlr| {
        let kind = hdlr.start + HEADER + 8;
        movie.get(kind..kind + 4) == Some(b"soun".as_slice())
    })
}

/// The box `trak` with `list` as its edit list.
fn track_with(
    movie: &[u8],
    trak: &Range<usize>,
    list: &EditList,
    movie_scale: u32,
) -> Option<Vec<u8>> {
    let media_scale = scale_of(movie, isobmff::find(movie, trak, &[b"mdia", b"mdhd"]))?;
    let elst = isobmff::make(b"elst", &list.content(movie_scale, media_scale));
    let edts = isobmff::make(b"edts", &elst);
    let mut content = Vec::new();
    for (name, place) in isobmff::boxes(movie, trak.start + HEADER..trak.end) {
        let is_header = &name == b"tkhd";
        if &name != b"edts" {
            content.extend_from_slice(&movie[place]);
        }
        if is_header {
            let duration = list.duration(movie_scale);
            set_duration(&mut content, 0, 16, |_| duration)?;
            content.extend_from_slice(&edts);
        }
    }
    Some(isobmff::make(b"trak", &content))
}

/// Changes the duration in the header box at `at` of `bytes`. `before` is where it stands in the
/// content, if times have 32 bits, less the four bytes of version and flags.
fn set_duration(
    bytes: &mut [u8],
    at: usize,
    before: usize,
    change: impl FnOnce(u64) -> u64,
) -> Option<()> {
    let content = at + HEADER;
    if *bytes.get(content)? == 1 {
        // Creation and modification have 64 bits too.
        let place = content + 4 + before + 8;
        let now = change(u64_at(bytes, place)?);
        bytes.get_mut(place..place + 8)?.copy_from_slice(&now.to_be_bytes());
    } else {
        let place = content + 4 + before;
        let now = change(u32_at(bytes, place)?.into());
        let now = u32::try_from(now).unwrap_or(u32::MAX);
        bytes.get_mut(place..place + 4)?.copy_from_slice(&now.to_be_bytes());
    }
    Some(())
}
