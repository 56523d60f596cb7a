//! `mde-train views`: the generator that copies from views of the same face.

mod export;
mod samples;
mod score;
mod train;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Trains, scores and exports the generator that copies from views of the same face.
#[derive(Args, Debug)]
pub struct Views {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::Train>),
    Samples(samples::Samples),
    Score(score::Score),
    Export(export::Export),
}

impl Views {
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

/// Tasks of holes in faces: named occlusions moved about, blocks and strokes, and colour channels.
const TASKS: &str = "eyes~7=22,mouth~7=20,right-half~7=9,left-half~7=9,right-eye~7=7,left-eye~7=7,\
                     block=10,strokes=8,Col-1=4,Col-2=2,REC:0.3=2";
