//! What GStreamer's muxer gets wrong in Matroska and WebM files (RFC 9559): texts of tags, which it
//! writes as they stand in pipelines, in quotes and with backslashes; the date, which is that of the run
//! where the recording has none; and how bright the display was on which a picture was made, of which it
//! writes a fifth.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use gst::glib;
use gst::prelude::*;
use gst_video::VideoMasteringDisplayInfo;

use crate::{Error, Result};

// Element IDs, with their length marks.
const EBML: u32 = 0x1A45_DFA3;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const DATE: u32 = 0x4461;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK: u32 = 0xAE;
const VIDEO: u32 = 0xE0;
const COLOUR: u32 = 0x55B0;
const MASTERING: u32 = 0x55D0;
const LUMINANCE_MAX: u32 = 0x55D9;
const LUMINANCE_MIN: u32 = 0x55DA;
const TAGS: u32 = 0x1254_C367;
const TAG: u32 = 0x7373;
const SIMPLE_TAG: u32 = 0x67C8;
const TAG_STRING: u32 = 0x4487;
const VOID: u8 = 0xEC;

/// A header or tags longer than this are damage.
const LONGEST: u64 = 1 << 28;

/// Mends the finished file `path`: texts of tags stand as they are, there is a date only if `is_dated`,
/// and the picture was made on `display`, if that is known. Nothing else is moved or changed.
///
/// # Errors
/// [`Error::Output`] if the file cannot be read or written.
pub fn mend(path: &Path, is_dated: bool, display: Option<VideoMasteringDisplayInfo>) -> Result<()> {
    let failed = |e: std::io::Error| Error::writing(path, e);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    for (id, place) in parts(&mut file).map_err(failed)? {
        if place.end - place.start > LONGEST {
            continue;
        }
        let mut content = vec![0; (place.end - place.start) as usize];
        let at_start = |file: &mut File| file.seek(SeekFrom::Start(place.start));
        at_start(&mut file)
            .and_then(|_| file.read_exact(&mut content))
            .map_err(failed)?;
        match (id, display) {
            (INFO, _) if !is_dated => void_date(&mut content),
            (TRACKS, Some(display)) => set_luminance(&mut content, display),
            (TAGS, _) => unquote(&mut content),
            _ => continue,
        }
        at_start(&mut file)
            .and_then(|_| file.write_all(&content))
            .map_err(failed)?;
    }
    Ok(())
}

/// The header, the tracks and the tags of a file: their contents' places.
fn parts(file: &mut File) -> std::io::Result<Vec<(u32, Range<u64>)>> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut at = 0;
    let mut found = Vec::new();
    while at < end {
        file.seek(SeekFrom::Start(at))?;
        // An ID has at most 4 bytes, a size 8.
        let mut head = Vec::with_capacity(12);
        file.take(12).read_to_end(&mut head)?;
        let Some((id, head, size)) = element(&head) else {
            break;
        };
        let start = at + head as u64;
        let place = start..start.saturating_add(size).min(end);
        match id {
            EBML => at = place.end,
            SEGMENT => (at, end) = (place.start, place.end),
            _ => {
                at = place.end;
                if [INFO, TRACKS, TAGS].contains(&id) {
                    found.push((id, place));
                }
            }
        }
    }
    Ok(found)
}

/// The element at the start of `bytes`: its ID, how long that and the size are, and the size.
fn element(bytes: &[u8]) -> Option<(u32, usize, u64)> {
    let id = bytes.first()?.leading_zeros() as usize + 1;
    let size = bytes.get(id)?.leading_zeros() as usize + 1;
    if id > 4 || size > 8 {
        return None;
    }
    let number = |bytes: &[u8]| {
        let bytes = bytes.iter().map(|byte| u64::from(*byte));
        bytes.fold(0, |number, byte| number << 8 | byte)
    };
    let name = number(bytes.get(..id)?);
    let length = number(bytes.get(id..id + size)?) & !(u64::MAX << (7 * size));
    Some((u32::try_from(name).ok()?, id + size, length))
}

/// The elements in `bytes`: their IDs, where they begin, and where their contents lie.
fn elements(bytes: &[u8]) -> Vec<(u32, usize, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((id, head, size)) = bytes.get(at..).and_then(element) {
        let start = at + head;
        let end = usize::try_from(size)
            .ok()
            .and_then(|size| start.checked_add(size));
        let Some(end) = end.filter(|end| *end <= bytes.len()) else {
            break;
        };
        found.push((id, at, start..end));
        at = end;
    }
    found
}

/// Makes the date in the content of the header an element that says nothing.
fn void_date(info: &mut [u8]) {
    for (id, start, place) in elements(info) {
        // An ID of 2 bytes and a size of 1 become an ID of 1 and a size that counts one byte more.
        if id == DATE && place.start - start == 3 {
            let size = 0x80 | (place.len() as u8 + 1);
            info[start..place.end].fill(0);
            info[start] = VOID;
            info[start + 1] = size;
        }
    }
}

/// Lets the content of the tracks say how bright `display` is, where it says anything of that.
fn set_luminance(tracks: &mut [u8], display: VideoMasteringDisplayInfo) {
    /// Of these parts of a candela a square metre GStreamer counts, Matroska whole ones.
    const PARTS: f64 = 10_000.0;
    let values = [
        (LUMINANCE_MAX, display.max_display_mastering_luminance()),
        (LUMINANCE_MIN, display.min_display_mastering_luminance()),
    ];
    for (_, _, track) in of(elements(tracks), TRACK) {
        let mastering = inside(&mut tracks[track], &[VIDEO, COLOUR, MASTERING]);
        let Some(mastering) = mastering else { continue };
        for (wanted, value) in values {
            for (_, _, place) in of(elements(mastering), wanted) {
                let bytes = (f64::from(value) / PARTS).to_be_bytes();
                if place.len() == bytes.len() {
                    mastering[place].copy_from_slice(&bytes);
                }
            }
        }
    }
}

/// The content of the first element that lies in elements with the IDs `path`, from the outermost on.
fn inside<'a>(bytes: &'a mut [u8], path: &[u32]) -> Option<&'a mut [u8]> {
    let Some((id, path)) = path.split_first() else {
        return Some(bytes);
    };
    let (_, _, place) = of(elements(bytes), *id).next()?;
    inside(&mut bytes[place], path)
}

/// Takes quotes and backslashes out of all texts in the content of the tags. What they become is
/// shorter; zeros behind a text are no part of it.
fn unquote(tags: &mut [u8]) {
    for (_, _, tag) in of(elements(tags), TAG) {
        let tag = &mut tags[tag];
        for (_, _, simple) in of(elements(tag), SIMPLE_TAG) {
            let simple = &mut tag[simple];
            for (_, _, place) in of(elements(simple), TAG_STRING) {
                let text = &mut simple[place];
                if let Some(plain) = unquoted(text).filter(|plain| plain.len() <= text.len()) {
                    text.fill(0);
                    text[..plain.len()].copy_from_slice(plain.as_bytes());
                }
            }
        }
    }
}

fn of(
    elements: Vec<(u32, usize, Range<usize>)>,
    wanted: u32,
) -> impl Iterator<Item = (u32, usize, Range<usize>)> {
    elements.into_iter().filter(move |(id, ..)| *id == wanted)
}

/// What `text` says, if it is in quotes.
fn unquoted(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.trim_end_matches('\0');
    let is_quoted = text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
    let value = glib::Value::deserialize(text, glib::Type::STRING).ok();
    value.filter(|_| is_quoted)?.get().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(id: &[u8], content: &[u8]) -> Vec<u8> {
        let mut made = id.to_vec();
        made.push(0x80 | content.len() as u8);
        made.extend(content);
        made
    }

    #[test]
    fn texts_lose_their_quotes_and_nothing_moves() {
        // A deserializer is GStreamer's.
        gst::init().expect("GStreamer");
        let title = b"\"Tr\\303\\250s\\ \\\"bon\\\"\"\0";
        let plain = b"Nobody\0";
        let tag = |text: &[u8]| made(&[0x67, 0xC8], &made(&[0x44, 0x87], text));
        let mut tags = made(&[0x73, 0x73], &[tag(title), tag(plain)].concat());
        let before = tags.clone();
        unquote(&mut tags);
        assert_eq!(tags.len(), before.len());
        let text = String::from_utf8_lossy(&tags);
        assert!(text.contains("Très \"bon\"\0"), "{text}");
        assert!(text.contains("Nobody\0"), "{text}");
        assert_eq!(
            elements(&tags)[0].2,
            elements(&before)[0].2,
            "the elements are where they were"
        );
    }

    #[test]
    fn a_date_becomes_nothing() {
        let mut info = [made(&[0x44, 0x61], &[7; 8]), made(&[0x4D, 0x80], b"app")].concat();
        void_date(&mut info);
        let found = elements(&info);
        let ids: Vec<_> = found.iter().map(|(id, ..)| *id).collect();
        assert_eq!(ids, [u32::from(VOID), 0x4D80]);
    }

    #[test]
    fn damage_ends_the_search() {
        assert!(elements(&[0x44, 0x61, 0x88, 1]).is_empty());
        assert!(elements(&[0, 0, 0]).is_empty());
        assert_eq!(element(&[]), None);
    }
}
