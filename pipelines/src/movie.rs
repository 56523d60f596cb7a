//! What GStreamer's muxer does not write of an MP4 or QuickTime file (ISO/IEC 14496-12): how the
//! picture is turned (8.3.2), edit lists as they were (8.6.6), and when the recording was made
//! (8.2.2).
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
    duration: Duration,
}

/// How long a movie lasts, and where the file says it.
#[derive(Clone, Copy, Debug, Default)]
struct Duration {
    /// In ticks of the movie.
    value: u64,
    at: u64,
    is_long: bool,
}

impl Duration {
    /// What to write where to let it last `value` ticks.
    fn patch(self, value: u64) -> Option<(u64, Vec<u8>)> {
        let bytes = match self.is_long {
            true => value.to_be_bytes().to_vec(),
            false => u32::try_from(value).ok()?.to_be_bytes().to_vec(),
        };
        Some((self.at, bytes))
    }
}

/// A track of such a file.
#[derive(Clone, Debug)]
pub struct Track {
    id: u32,
    /// Ticks a second of the track's own times.
    pub scale: u32,
    /// How the picture is turned and mirrored.
    pub matrix: Matrix,
    edits: Option<EditList>,
    /// Of its media, played or not, in ticks of the movie.
    duration: u64,
    /// Where in the file the name of the box with the list stands.
    edts_name_at: u64,
}

/// The matrix of a track's header, as it stands there.
pub type Matrix = [u8; 36];

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
        let mvhd = isobmff::find(&movie, &(0..movie.len()), &[b"mvhd"]);
        let scale = scale_of(&movie, mvhd.clone());
        let duration = mvhd.and_then(|mvhd| {
            let (at, is_long) = duration_at(&movie, mvhd.start, MVHD)?;
            Some(Duration {
                value: number_at(&movie, at, is_long)?,
                at: range.start + at as u64,
                is_long,
            })
        });
        let tracks = isobmff::boxes(&movie, HEADER..movie.len())
            .filter(|(name, _)| name == b"trak")
            .filter_map(|(_, trak)| Track::parse(&movie, &trak, scale?, range.start))
            .collect();
        Ok(Self {
            tracks,
            duration: duration.unwrap_or_default(),
        })
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
        let matrix = content + matrix_in_header(is_long);
        let matrix = movie.get(matrix..matrix + 36)?.try_into().ok()?;
        let scale = scale_of(movie, isobmff::find(movie, trak, &[b"mdia", b"mdhd"]))?;
        let mdhd = isobmff::find(movie, trak, &[b"mdia", b"mdhd"])?;
        let (duration, is_long) = duration_at(movie, mdhd.start, MVHD)?;
        let duration = number_at(movie, duration, is_long)?;
        let edts = isobmff::find(movie, trak, &[b"edts"]);
        let elst = isobmff::find(movie, trak, &[b"edts", b"elst"]);
        let entries = elst.and_then(|elst| entries(&movie[elst.start + HEADER..elst.end]));
        Some(Self {
            id,
            scale,
            matrix,
            edits: entries.map(|entries| EditList {
                entries,
                movie_scale,
                media_scale: scale,
            }),
            duration: rescale(duration, scale, movie_scale.into()) + 1,
            edts_name_at: edts.map_or(0, |edts| start + edts.start as u64 + 4),
        })
    }

    /// Its edit list, if it has one.
    pub fn edits(&self) -> Option<&EditList> {
        self.edits.as_ref()
    }
}

impl Movie {
    /// Keeps the edit lists of `tracks` from whoever reads the file through `source`, a `filesrc`,
    /// and lets the movie last as long as their media.
    ///
    /// # Errors
    /// If that has no pad.
    pub fn hide(&self, tracks: &[Track], source: &gst::Element) -> Result<()> {
        let pad = source.static_pad("src");
        let pad = pad.ok_or_else(|| Error::Pipeline("the file has no pad".to_owned()))?;
        // A box of that name has no meaning.
        let mut patches: Vec<_> = tracks
            .iter()
            .map(|track| (track.edts_name_at, b"free".to_vec()))
            .collect();
        let longest = tracks.iter().map(|track| track.duration).max().unwrap_or(0);
        if longest > self.duration.value {
            patches.extend(self.duration.patch(longest));
        }
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::PUSH | gst::PadProbeType::PULL;
        pad.add_probe(kinds, move |_, info| {
            if let Some(buffer) = info.buffer_mut() {
                for (at, bytes) in &patches {
                    patch(buffer, *at, bytes);
                }
            }
            gst::PadProbeReturn::Ok
        });
        Ok(())
    }
}

/// Puts `bytes` to the place `at` of the file, as far as that is in `buffer`.
fn patch(buffer: &mut gst::Buffer, at: u64, bytes: &[u8]) {
    const UNKNOWN: u64 = u64::MAX;
    let start = buffer.offset();
    let end = start.saturating_add(buffer.size() as u64);
    if start == UNKNOWN || end <= at || at + bytes.len() as u64 <= start {
        return;
    }
    if let Ok(mut there) = buffer.make_mut().map_writable() {
        for (at, byte) in (at..).zip(bytes) {
            let place = at
                .checked_sub(start)
                .and_then(|at| usize::try_from(at).ok());
            if let Some(changed) = place.and_then(|at| there.get_mut(at)) {
                *changed = *byte;
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

/// Where the matrix stands in the content of a box `tkhd`.
fn matrix_in_header(is_long: bool) -> usize {
    if is_long { 52 } else { 40 }
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
            let media_time = edit.media_time.map_or(-1, |time| {
                rescale(time, self.media_scale, media_scale.into()) as i64
            });
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

/// What to put into a finished file.
#[derive(Clone, Debug)]
pub struct Changes {
    /// When the recording was made, in seconds since 1904; 0 where nobody knows. The muxer writes when
    /// the file was written.
    pub created: u64,
    /// How the picture is turned, if it is.
    pub matrix: Option<Matrix>,
    /// The edit lists of the sound tracks, in their order; a track without one keeps what it has.
    pub edits: Vec<Option<EditList>>,
}

impl Changes {
    /// Puts them into the finished file `path`.
    ///
    /// # Errors
    /// [`Error::Output`] if the file cannot be read or written, or is not as GStreamer writes it.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |e: std::io::Error| Error::writing(path, e);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(failed)?;
        let strange = || Error::output(path, "its header is not as it is wanted");
        let end = file.metadata().map_err(failed)?.len();
        let place = isobmff::find_movie(&mut file).map_err(failed)?;
        let place = place.ok_or_else(strange)?;
        let movie = isobmff::read(&mut file, &place).map_err(failed)?;
        // Behind it there may be tags.
        let behind = isobmff::read(&mut file, &(place.end..end)).map_err(failed)?;
        // Packets would move, but not what is said of their places.
        if isobmff::boxes(&behind, 0..behind.len()).any(|(name, _)| &name == b"mdat") {
            return Err(strange());
        }
        let mut changed = self.made(&movie).ok_or_else(strange)?;
        changed.extend(behind);
        file.seek(SeekFrom::Start(place.start))
            .and_then(|_| file.write_all(&changed))
            .and_then(|()| file.set_len(place.start + changed.len() as u64))
            .map_err(failed)
    }

    /// The box `moov` with the changes.
    fn made(&self, movie: &[u8]) -> Option<Vec<u8>> {
        let whole = 0..movie.len();
        let mvhd = isobmff::find(movie, &whole, &[b"mvhd"])?;
        let scale = scale_of(movie, Some(mvhd.clone()))?;
        let mut lists = self.edits.iter();
        // The completed picture is the first track of its kind.
        let mut matrix = self.matrix.as_ref();
        let mut content = Vec::with_capacity(movie.len());
        for (name, place) in isobmff::boxes(movie, HEADER..movie.len()) {
            let is_track = &name == b"trak";
            let list = match is_track && is_of(movie, &place, b"soun") {
                true => lists.next().and_then(Option::as_ref),
                false => None,
            };
            match list {
                Some(list) => content.extend(track_with(movie, &place, list, scale)?),
                None => content.extend_from_slice(&movie[place.clone()]),
            }
            if is_track
                && is_of(movie, &place, b"vide")
                && let Some(matrix) = matrix.take()
            {
                let start = content.len() - place.len();
                set_matrix(&mut content, start, matrix)?;
            }
        }
        // The movie lasts as long as its longest track: the muxer counted what is not played.
        let tracks = isobmff::boxes(&content, 0..content.len()).filter(|(name, _)| name == b"trak");
        let longest = tracks.filter_map(|(_, trak)| {
            let tkhd = isobmff::find(&content, &trak, &[b"tkhd"])?;
            let (at, is_long) = duration_at(&content, tkhd.start, TKHD)?;
            number_at(&content, at, is_long)
        });
        let longest = longest.max();
        // Boxes before `mvhd` keep their size.
        set_duration(&mut content, mvhd.start - HEADER, MVHD, |now| {
            longest.unwrap_or(now)
        })?;
        set_times(&mut content, mvhd.start - HEADER, self.created)?;
        for (name, trak) in isobmff::boxes(&content.clone(), 0..content.len()) {
            if &name == b"trak" {
                for path in [&[b"tkhd"] as &[_], &[b"mdia", b"mdhd"]] {
                    let header = isobmff::find(&content, &trak, path)?.start;
                    set_times(&mut content, header, self.created)?;
                }
            }
        }
        Some(isobmff::make(b"moov", &content))
    }
}

/// Changes the matrix of the box `trak` at `start` of `bytes`.
fn set_matrix(bytes: &mut [u8], start: usize, matrix: &Matrix) -> Option<()> {
    let trak = start..bytes.len();
    let content = isobmff::find(bytes, &trak, &[b"tkhd"])?.start + HEADER;
    let at = content + matrix_in_header(*bytes.get(content)? == 1);
    bytes
        .get_mut(at..at + matrix.len())?
        .copy_from_slice(matrix);
    Some(())
}

/// Whether the box `trak` is a track of the kind `handler`.
fn is_of(movie: &[u8], trak: &Range<usize>, handler: &isobmff::Name) -> bool {
    let wanted = handler.as_slice();
    let handler = isobmff::find(movie, trak, &[b"mdia", b"hdlr"]);
    handler.is_some_and(|hdlr| {
        let kind = hdlr.start + HEADER + 8;
        movie.get(kind..kind + 4) == Some(wanted)
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
            set_duration(&mut content, 0, TKHD, |_| duration)?;
            content.extend_from_slice(&edts);
        }
    }
    Some(isobmff::make(b"trak", &content))
}

/// Bytes between the times of creation and modification, and the duration, in the header boxes of
/// movies and media.
const MVHD: usize = 4;

/// As [`MVHD`], of tracks.
const TKHD: usize = 8;

/// Where the duration stands in the header box at `start` of `bytes`, and whether it has 64 bits.
fn duration_at(bytes: &[u8], start: usize, between: usize) -> Option<(usize, bool)> {
    let content = start + HEADER;
    let is_long = *bytes.get(content)? == 1;
    // Behind version and flags, and two times as long as the duration.
    let times = if is_long { 16 } else { 8 };
    Some((content + 4 + times + between, is_long))
}

fn number_at(bytes: &[u8], at: usize, is_long: bool) -> Option<u64> {
    match is_long {
        true => u64_at(bytes, at),
        false => u32_at(bytes, at).map(u64::from),
    }
}

/// Changes the times of creation and modification in the header box at `start` of `bytes`.
fn set_times(bytes: &mut [u8], start: usize, created: u64) -> Option<()> {
    let content = start + HEADER;
    let times = match *bytes.get(content)? {
        1 => created.to_be_bytes().repeat(2),
        _ => u32::try_from(created).unwrap_or(0).to_be_bytes().repeat(2),
    };
    let at = content + 4;
    bytes.get_mut(at..at + times.len())?.copy_from_slice(&times);
    Some(())
}

/// Changes the duration in the header box at `start` of `bytes`.
fn set_duration(
    bytes: &mut [u8],
    start: usize,
    between: usize,
    change: impl FnOnce(u64) -> u64,
) -> Option<()> {
    let (at, is_long) = duration_at(bytes, start, between)?;
    let now = change(number_at(bytes, at, is_long)?);
    match is_long {
        true => bytes
            .get_mut(at..at + 8)?
            .copy_from_slice(&now.to_be_bytes()),
        false => {
            let now = u32::try_from(now).unwrap_or(u32::MAX);
            bytes
                .get_mut(at..at + 4)?
                .copy_from_slice(&now.to_be_bytes());
        }
    }
    Some(())
}
