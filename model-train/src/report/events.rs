//! TensorBoard event files: TFRecords of `tensorflow.Event` messages
//! (tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;
use std::{iter, process};

use anyhow::{Context, Result};
use protobuf::CodedOutputStream;

/// Field numbers of `tensorflow.Event`.
mod event {
    pub const WALL_TIME: u32 = 1;
    pub const STEP: u32 = 2;
    pub const FILE_VERSION: u32 = 3;
    pub const SUMMARY: u32 = 5;
    pub const SESSION_LOG: u32 = 7;
}

/// Field numbers of `tensorflow.Summary` and `tensorflow.Summary.Value`.
mod summary {
    pub const VALUE: u32 = 1;
    pub const TAG: u32 = 1;
    pub const SIMPLE_VALUE: u32 = 2;
}

/// `tensorflow.SessionLog.status` and its value `START`.
const SESSION_STATUS: u32 = 1;
const SESSION_START: i32 = 1;

/// Writes scalars into a new event file.
#[derive(Debug)]
pub struct EventWriter {
    file: File,
}

impl EventWriter {
    /// Begins an event file in `folder`, from which TensorBoard drops what earlier files of the
    /// folder hold from step `first` on.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn create(folder: &Path, first: u64) -> Result<Self> {
        let file = create_unique(folder).with_context(|| {
            format!(
                "cannot write a TensorBoard event file in '{}'",
                folder.display()
            )
        })?;
        let mut writer = Self { file };
        writer.event(0, |event| {
            event.write_string(event::FILE_VERSION, "brain.Event:2")
        })?;
        let start = message(|log| log.write_enum(SESSION_STATUS, SESSION_START))?;
        writer.event(first, |event| event.write_bytes(event::SESSION_LOG, &start))?;
        Ok(writer)
    }

    /// Writes `(tag, value)` pairs at `step`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn scalars<'a>(
        &mut self,
        step: u64,
        values: impl IntoIterator<Item = (&'a str, f32)>,
    ) -> Result<()> {
        let mut all = Vec::new();
        for (tag, value) in values {
            let value = message(|m| {
                m.write_string(summary::TAG, tag)?;
                m.write_float(summary::SIMPLE_VALUE, value)
            })?;
            all.extend(message(|m| m.write_bytes(summary::VALUE, &value))?);
        }
        self.event(step, |event| event.write_bytes(event::SUMMARY, &all))
    }

    fn event(
        &mut self,
        step: u64,
        what: impl FnOnce(&mut CodedOutputStream<'_>) -> protobuf::Result<()>,
    ) -> Result<()> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let step = i64::try_from(step).context("an update number does not fit TensorBoard")?;
        let bytes = message(|event| {
            event.write_double(event::WALL_TIME, now.as_secs_f64())?;
            event.write_int64(event::STEP, step)?;
            what(event)
        })?;
        self.file
            .write_all(&record(&bytes))
            .context("cannot write the TensorBoard event file")
    }
}

fn message(
    fields: impl FnOnce(&mut CodedOutputStream<'_>) -> protobuf::Result<()>,
) -> protobuf::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut stream = CodedOutputStream::vec(&mut bytes);
    fields(&mut stream)?;
    stream.flush()?;
    drop(stream);
    Ok(bytes)
}

/// A TFRecord: length, its checksum, the bytes, their checksum.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(bytes.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(bytes);
    record.extend(masked_crc(bytes).to_le_bytes());
    record
}

/// TFRecord's CRC-32C, disguised so that a checksum of data with checksums in it stays sound.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// TensorBoard reads the files of a folder in the order of their names.
fn create_unique(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let process = process::id();
    let mut count = 0;
    iter::repeat_with(|| {
        let name = format!("events.out.tfevents.{seconds:010}.{process}.{count}");
        count += 1;
        File::create_new(folder.join(name))
    })
    .find(|created| !matches!(created, Err(e) if e.kind() == io::ErrorKind::AlreadyExists))
    .unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_format() {
        // CRC-32C of 32 zero bytes is 0x8a9136aa (RFC 3720, B.4).
        let expected = 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked_crc(&[0; 32]), expected);
    }

    #[test]
    fn a_file_begins_with_its_version_and_holds_framed_records() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut writer = EventWriter::create(folder.path(), 7).unwrap();
        writer.scalars(8, [("loss", 0.5), ("rate", 0.1)]).unwrap();
        let path = fs::read_dir(folder.path()).unwrap().next().unwrap();
        let bytes = fs::read(path.unwrap().path()).unwrap();
        let records = records(&bytes);
        assert_eq!(records.len(), 3);
        let holds = |i: usize, what: &[u8]| records[i].windows(what.len()).any(|w| w == what);
        assert!(holds(0, b"brain.Event:2"));
        assert!(holds(2, b"loss") && holds(2, &0.5_f32.to_le_bytes()));
        assert!(holds(2, b"rate") && holds(2, &0.1_f32.to_le_bytes()));
    }

    #[test]
    fn files_begun_in_one_second_do_not_overwrite_each_other() {
        let folder = tempfile::TempDir::new().unwrap();
        for _ in 0..3 {
            EventWriter::create(folder.path(), 0).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
        let mut records = Vec::new();
        while !bytes.is_empty() {
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let (framed, rest) = bytes.split_at(length + 16);
            let data = &framed[12..12 + length];
            assert_eq!(framed, record(data));
            records.push(data);
            bytes = rest;
        }
        records
    }
}
