//! `mde-train scenes`: the generator of whole frames.

mod export;
mod score;
mod train;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::data::{CropRule, DataError, Dataset, DatasetOptions, Split};

/// Trains, scores and exports the generator that completes whole frames.
#[derive(Args, Debug)]
pub struct Scenes {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(train::Train),
    Score(score::Score),
    Export(export::Export),
}

impl Scenes {
    /// Does what the subcommand says.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Train(command) => command.run(),
            Command::Score(command) => command.run(),
            Command::Export(command) => command.run(),
        }
    }
}

/// General pictures.
#[derive(Args, Debug)]
struct Pictures {
    /// A folder with sub-folders train and val of pictures, searched recursively.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
}

impl Pictures {
    /// The largest centred squares of those of `split`, `size` pixels a side.
    fn open(&self, split: Split, size: usize) -> Result<Dataset, DataError> {
        Dataset::open(&DatasetOptions {
            root: self.data.clone(),
            split,
            size,
            crop: CropRule::Square,
            cache: self.cache.clone(),
        })
    }
}
