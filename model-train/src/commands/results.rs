//! `mde-train results`: experiments' reports as one Markdown file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::experiments::REPORT;
use crate::files::write_aside;
use crate::report::document::Document;
use crate::report::markdown;

/// Gathers the numbers of experiments' reports next to the paper's, in one Markdown file.
#[derive(Args, Debug)]
pub struct Results {
    /// Folders that were --out of `mde-train experiment`.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// The file to write; without one, the text is printed.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What stands above all reports.
const HEAD: &str = "# The paper's experiments, reproduced\n\n\
    Written by `mde-train results` from the reports of `mde-train experiment`, which also hold \
    pictures and plots.\n\n";

impl Results {
    /// Gathers.
    pub fn run(&self) -> Result<()> {
        let mut text = HEAD.to_owned();
        for folder in &self.folders {
            let reports = reports(folder)?;
            ensure!(
                !reports.is_empty(),
                "found no reports in '{}': expected sub-folders with {REPORT}.json, as \
                 `mde-train experiment` writes them",
                folder.display()
            );
            for path in reports {
                let document = read(&path)?;
                text += &markdown::section(&document);
            }
        }
        let text = format!("{}\n", text.trim_end());
        match &self.out {
            Some(path) => write_aside(path, |aside| fs::write(aside, text))
                .with_context(|| format!("cannot write '{}'", path.display())),
            None => {
                print!("{text}");
                Ok(())
            }
        }
    }
}

/// The reports in the sub-folders of `folder`, in the order of their names.
fn reports(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder '{}'", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let report = entry?.path().join(format!("{REPORT}.json"));
        if report.is_file() {
            found.push(report);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<Document> {
    let read = || -> Result<Document> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    read().with_context(|| format!("cannot read the report '{}'", path.display()))
}
