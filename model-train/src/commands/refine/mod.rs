//! `mde-train refine`: the network that paints anew, at twice the resolution, what a generator painted.

mod export;
mod score;
mod train;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::data::Split;
use crate::refine::batches::Faces;

/// Trains, scores and exports the network that refines what a generator painted.
#[derive(Args, Debug)]
pub struct Refine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::Train>),
    Score(score::Score),
    Export(export::Export),
}

impl Refine {
    /// Does what the subcommand says.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Train(command) => command.run(),
            Command::Score(command) => command.run(),
            Command::Export(command) => command.run(),
        }
    }
}

/// Where faces lie, and what they are completed by.
#[derive(Args, Debug)]
struct FaceArgs {
    /// A folder with sub-folders train and val of what `face-crops --side 288` cuts out of videos and
    /// pictures.
    #[arg(long)]
    faces: PathBuf,
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// The generator: a model of `mde-train views export` (`*.onnx`) or a checkpoint.
    #[arg(long)]
    generator: PathBuf,
}

impl FaceArgs {
    fn open(&self, split: Split) -> Result<Faces> {
        Faces::open(&self.faces, split, self.cache.clone())
    }
}

/// Side of the generator's crops in pixels.
const SIDE: usize = 128;
/// Tasks of holes in faces: named occlusions moved about, blocks and strokes.
const TASKS: &str = "eyes~7=26,mouth~7=26,right-half~7=7,left-half~7=7,right-eye~7=11,left-eye~7=11,\
                     block=8,strokes=4";
