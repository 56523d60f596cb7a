//! `mde-train covers`: the net that finds what is before a face.

mod export;
mod samples;
mod score;
mod train;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::covers::batches::Material;
use crate::covers::cutouts::Library;
use crate::covers::faces::FaceData;
use crate::data::Split;

/// Trains, scores and exports the net that finds what is before a face.
#[derive(Args, Debug)]
pub struct Covers {
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

impl Covers {
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

/// Faces, and covers to lay on them.
#[derive(Args, Debug)]
struct DataArgs {
    #[command(flatten)]
    faces: FaceData,
    /// A folder with sub-folders train and val, each with pictures in sub-folders hands (before a
    /// plain wall), objects, masks, scarves, sunglasses, glasses (these with alpha) and textures.
    #[arg(long)]
    covers: PathBuf,
}

impl DataArgs {
    fn open(&self, split: Split) -> Result<Material> {
        Ok(Material {
            faces: self.faces.open(split)?,
            library: Library::open(&self.covers, split)?,
        })
    }
}
