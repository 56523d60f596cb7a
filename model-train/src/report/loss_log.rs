//! The course of a run: `losses.csv` and TensorBoard events side by side.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use anyhow::{Context, Result, bail};
use csv::{Reader, StringRecord, Writer, WriterBuilder};

use super::events::EventWriter;
use crate::files::write_aside;

const FILE: &str = "losses.csv";

/// A table of one row an update: the column `update` and one a scalar.
#[derive(Debug)]
pub struct LossLog {
    columns: Vec<String>,
    csv: Writer<File>,
    events: EventWriter,
}

impl LossLog {
    /// Opens `losses.csv` and a new TensorBoard event file in `folder`, which is created where it
    /// is absent. `done` is the number of updates behind the run that begins here: rows up to it
    /// are kept, later ones are cut off because they will be written again. 0 starts afresh.
    ///
    /// # Errors
    /// Where a file cannot be read or written, and where rows to be kept have other columns.
    pub fn open(folder: &Path, columns: &[&str], done: u64) -> Result<Self> {
        let path = folder.join(FILE);
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create '{}'", folder.display()))?;
        let open = || -> Result<_> {
            let header: StringRecord = ["update"].iter().chain(columns).copied().collect();
            let kept = kept_rows(&path, &header, done)?;
            write_aside(&path, |aside| write_rows(aside, &header, &kept))?;
            let file = OpenOptions::new().append(true).open(&path)?;
            Ok(WriterBuilder::new().has_headers(false).from_writer(file))
        };
        Ok(Self {
            columns: columns.iter().map(ToString::to_string).collect(),
            csv: open().with_context(|| format!("cannot log to '{}'", path.display()))?,
            events: EventWriter::create(folder, done + 1)?,
        })
    }

    /// Writes one row, at once and for good: `update` counts from 1, `values` go with the columns.
    ///
    /// # Errors
    /// Where a file cannot be written.
    ///
    /// # Panics
    /// If there are not as many values as columns.
    pub fn record(&mut self, update: u64, values: &[f32]) -> Result<()> {
        assert_eq!(values.len(), self.columns.len(), "one value a column");
        self.csv.serialize((update, values))?;
        self.csv.flush().context("cannot write the loss log")?;
        let tags = self.columns.iter().map(String::as_str);
        self.events
            .scalars(update, tags.zip(values.iter().copied()))
    }
}

/// The rows of the log at `path` that belong to the first `done` updates.
fn kept_rows(path: &Path, header: &StringRecord, done: u64) -> Result<Vec<StringRecord>> {
    if done == 0 || !path.exists() {
        return Ok(Vec::new());
    }
    let mut reader = Reader::from_path(path)?;
    let found = reader.headers()?;
    if found != header {
        bail!(
            "its columns are {found:?} where this run writes {header:?}: move it away or resume \
             with the options it was written with"
        );
    }
    let mut kept = Vec::new();
    for row in reader.into_records() {
        // A run that was killed may have left its last row unfinished.
        let Ok(row) = row else { break };
        let update = row.get(0).and_then(|update| update.parse::<u64>().ok());
        if update.is_none_or(|update| update > done) {
            break;
        }
        kept.push(row);
    }
    Ok(kept)
}

fn write_rows(path: &Path, header: &StringRecord, rows: &[StringRecord]) -> Result<()> {
    let mut writer = Writer::from_path(path)?;
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(writer.flush()?)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const COLUMNS: [&str; 2] = ["loss", "rate"];

    fn text(folder: &TempDir) -> String {
        fs::read_to_string(folder.path().join(FILE)).unwrap()
    }

    fn run(folder: &TempDir, done: u64, updates: u64) {
        let mut log = LossLog::open(folder.path(), &COLUMNS, done).unwrap();
        for update in done + 1..=done + updates {
            log.record(update, &[0.5, update as f32]).unwrap();
        }
    }

    #[test]
    fn rows_are_written_at_once() {
        let folder = TempDir::new().unwrap();
        let mut log = LossLog::open(folder.path(), &COLUMNS, 0).unwrap();
        log.record(1, &[0.1, 4e-4]).unwrap();
        assert_eq!(text(&folder), "update,loss,rate\n1,0.1,0.0004\n");
    }

    #[test]
    fn a_resumed_run_gives_the_log_of_one_that_never_stopped() {
        let (straight, resumed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        run(&straight, 0, 9);
        run(&resumed, 0, 6);
        run(&resumed, 4, 5);
        assert_eq!(text(&resumed), text(&straight));
    }

    #[test]
    fn an_unfinished_row_is_cut_off() {
        let folder = TempDir::new().unwrap();
        fs::write(
            folder.path().join(FILE),
            "update,loss,rate\n1,0.5,1.0\n2,0.",
        )
        .unwrap();
        run(&folder, 2, 1);
        assert_eq!(text(&folder), "update,loss,rate\n1,0.5,1.0\n3,0.5,3.0\n");
    }

    #[test]
    fn a_fresh_run_begins_a_new_log() {
        let folder = TempDir::new().unwrap();
        run(&folder, 0, 6);
        run(&folder, 0, 1);
        assert_eq!(text(&folder), "update,loss,rate\n1,0.5,1.0\n");
    }

    #[test]
    fn other_columns_are_an_error_that_names_the_file() {
        let folder = TempDir::new().unwrap();
        run(&folder, 0, 6);
        let error = LossLog::open(folder.path(), &["loss"], 4).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains(FILE) && error.contains("rate"), "{error}");
    }
}
