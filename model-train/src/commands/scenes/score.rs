//! `mde-train scenes score`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::Pictures;
use crate::commands::DeviceArg;
use crate::data::Split;
use crate::scenes::network::SIDE;
use crate::scenes::network::SceneGenerator;
use crate::scenes::scores::{HEAD, of_channels};
use crate::scenes::trainee::SceneCheckpoint;

/// Scores a checkpoint on validation pictures of 128 pixels: each channel lost in turn, in dB,
/// beside lines through the intact ones that are fitted to the lost one itself. `mde-train eval`
/// scores it on other tasks.
#[derive(Args, Debug)]
pub struct Score {
    /// Checkpoint of `mde-train scenes train`.
    #[arg(long)]
    checkpoint: PathBuf,
    #[command(flatten)]
    pictures: Pictures,
    /// Pictures, from the first on.
    #[arg(long, default_value_t = 200)]
    count: usize,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
}

impl Score {
    /// Scores and prints.
    pub fn run(&self) -> Result<()> {
        let checkpoint = SceneCheckpoint::open(&self.checkpoint)?;
        let (_store, net) =
            checkpoint.network(&self.checkpoint, self.device.device()?, SceneGenerator::new)?;
        let dataset = self.pictures.open(Split::Val, SIDE)?;
        println!("{HEAD}");
        for row in of_channels(&net, &dataset, self.count) {
            println!("{row}");
        }
        Ok(())
    }
}
