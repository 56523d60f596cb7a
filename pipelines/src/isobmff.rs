//! Boxes of the ISO base media file format (ISO/IEC 14496-12): MP4 and QuickTime files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// A header longer than this is damage.
const LONGEST_MOVIE: u64 = 1 << 30;

/// The four letters that tell what a box is.
pub type Name = [u8; 4];

/// Where the box `moov` lies in a file, with its header.
///
/// # Errors
/// If the file cannot be read. A file without the box gives `None`.
pub fn find_movie(file: &mut File) -> std::io::Result<Option<Range<u64>>> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut at = 0;
    while at + 8 <= end {
        file.seek(SeekFrom::Start(at))?;
        let mut header = [0; 16];
        let read = usize::try_from(end - at).unwrap_or(16).min(16);
        file.read_exact(&mut header[..read])?;
        let name: Name = [header[4], header[5], header[6], header[7]];
        let size = match u32_at(&header, 0).unwrap_or(0) {
            0 => end - at,
            1 => u64_at(&header, 8).unwrap_or(0),
            size => size.into(),
        };
        if size < 8 || size > end - at {
            return Ok(None);
        }
        if &name == b"moov" {
            return Ok((size <= LONGEST_MOVIE).then_some(at..at + size));
        }
        at += size;
    }
    Ok(None)
}

/// The content of the box that fills `range` of a file, its header with it.
///
/// # Errors
/// If the file cannot be read.
pub fn read(file: &mut File, range: &Range<u64>) -> std::io::Result<Vec<u8>> {
    let length = usize::try_from(range.end - range.start).unwrap_or(0);
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The boxes in `range` of `bytes`, in order: their names and where they lie, headers included.
/// Ends at the first that is damaged.
pub fn boxes(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = (Name, Range<usize>)> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..range.end)?;
        let size = usize::try_from(u32_at(rest, 0)?).ok()?;
        let name = rest.get(4..8)?.try_into().ok()?;
        if size < HEADER || size > rest.len() {
            return None;
        }
        let found = at..at + size;
        at += size;
        Some((name, found))
    })
}

/// Bytes before the content of a box.
pub const HEADER: usize = 8;

/// The first box called by the last of `path`, in one called by the last but one, and so on, in the
/// content of the box at `range`.
pub fn find(bytes: &[u8], range: &Range<usize>, path: &[&Name]) -> Option<Range<usize>> {
    let Some((first, rest)) = path.split_first() else {
        return Some(range.clone());
    };
    let inside = range.start + HEADER..range.end;
    let (_, found) = boxes(bytes, inside).find(|(name, _)| name == *first)?;
    find(bytes, &found, rest)
}

/// The big-endian number at `at`.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    four.try_into().ok().map(u32::from_be_bytes)
}

/// The big-endian number at `at`.
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..at.checked_add(8)?)?;
    eight.try_into().ok().map(u64::from_be_bytes)
}

/// A box of `content`.
pub fn make(name: &Name, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(HEADER + content.len()).unwrap_or(u32::MAX);
    let mut made = size.to_be_bytes().to_vec();
    made.extend_from_slice(name);
    made.extend_from_slice(content);
    made
}
