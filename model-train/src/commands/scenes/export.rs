//! `mde-train scenes export`.

use anyhow::{Result, ensure};
use clap::Args;
use mde_core::contract::{Alignment, Contract, ValueRange, Version};

use crate::commands::model::ModelArgs;
use crate::scenes::network::STEP;
use crate::scenes::network::SceneGenerator;
use crate::scenes::trainee::SceneCheckpoint;

/// Writes the generator of a checkpoint as ONNX: batch normalisation folded, 16-bit weights, free
/// batch size, and the metadata that the element reads.
#[derive(Args, Debug)]
pub struct Export {
    /// Width in pixels that frames are shrunk to, a multiple of 16.
    #[arg(long, default_value_t = 192)]
    width: usize,
    /// Height in pixels, likewise.
    #[arg(long, default_value_t = 112)]
    height: usize,
    #[command(flatten)]
    model: ModelArgs,
}

impl Export {
    /// Writes the model.
    pub fn run(&self) -> Result<()> {
        let size = (self.width, self.height);
        let are_multiples = [size.0, size.1].map(|side| side > 0 && side.is_multiple_of(STEP));
        ensure!(
            are_multiples == [true; 2],
            "--width {} --height {}: both must be multiples of {STEP}",
            self.width,
            self.height
        );
        let checkpoint = SceneCheckpoint::open(&self.model.checkpoint)?;
        let (_store, net) = checkpoint.network(
            &self.model.checkpoint,
            tch::Device::Cpu,
            SceneGenerator::new,
        )?;
        let record = &checkpoint.record;
        let contract = Contract {
            version: Version::One,
            width: self.width,
            height: self.height,
            alignment: Alignment::None,
            range: ValueRange::Unit,
            training: format!(
                "scenes, {} updates of {}, tasks {}",
                record.made.updates,
                record.options.get("batch").unwrap_or("?"),
                record.subject.scenes
            ),
            license: self.model.license.clone(),
        };
        self.model.write(|| net.trace(size), contract.to_metadata())
    }
}
