//! `mde-train points`: the net that finds a face's five points.

mod export;
mod samples;
mod score;
mod train;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::data::{CropRule, Dataset, DatasetOptions, Split};
use crate::points::landmarks;
use crate::points::sample::{PICTURE, PointFaces};

/// Trains, scores and exports the net that finds the five points of a face.
#[derive(Args, Debug)]
pub struct Points {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(train::Train),
    Samples(samples::Samples),
    Score(score::Score),
    Export(export::Export),
}

impl Points {
    /// Does what the subcommand says.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Train(command) => command.run(),
            Command::Samples(command) => command.run(),
            Command::Score(command) => command.run(),
            Command::Export(command) => command.run(),
        }
    }
}

/// Aligned CelebA pictures and their points.
#[derive(Args, Debug)]
struct DataArgs {
    /// A folder with sub-folders train and val of aligned CelebA pictures, as published or their
    /// 144x144 part, or tar shards of such.
    #[arg(long)]
    data: PathBuf,
    /// The pictures' five points, a text file in CelebA's format (178x218 coordinates).
    #[arg(long)]
    landmarks: PathBuf,
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
}

impl DataArgs {
    fn faces(&self, split: Split) -> Result<PointFaces> {
        let landmarks = landmarks::read(&self.landmarks)?;
        let pictures = Dataset::open(&DatasetOptions {
            root: self.data.clone(),
            split,
            size: PICTURE,
            crop: CropRule::CelebAWide,
            cache: self.cache.clone(),
        })?;
        PointFaces::new(pictures, &landmarks)
    }
}
