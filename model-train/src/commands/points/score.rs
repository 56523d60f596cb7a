//! `mde-train points score`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::DataArgs;
use crate::commands::DeviceArg;
use crate::data::Split;
use crate::points::network::PointNet;
use crate::points::scores::score;
use crate::points::trainee::PointCheckpoint;

/// Scores a checkpoint on validation pictures: errors in % of the distance between the eyes, after
/// one look at crops that are off by up to 25 degrees, a third in size, and a third of that
/// distance.
#[derive(Args, Debug)]
pub struct Score {
    /// Checkpoint of `mde-train points train`.
    #[arg(long)]
    checkpoint: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Pictures scored, from the first on.
    #[arg(long, default_value_t = 1000)]
    count: usize,
    /// Seed of placements and covers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
}

impl Score {
    /// Scores and prints.
    pub fn run(&self) -> Result<()> {
        let checkpoint = PointCheckpoint::open(&self.checkpoint)?;
        let (_store, net) =
            checkpoint.network(&self.checkpoint, self.device.device()?, PointNet::new)?;
        let faces = self.data.faces(Split::Val)?;
        println!("| covered    | median | mean | mean of each point | found, % |");
        println!("| --- | --- | --- | --- | --- |");
        for row in score(&net, &faces, self.count, self.seed) {
            println!("{row}");
        }
        Ok(())
    }
}
