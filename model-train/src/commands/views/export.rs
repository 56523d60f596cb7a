//! `mde-train views export`.

use anyhow::Result;
use clap::Args;
use mde_core::contract::{Alignment, Contract, ValueRange, Version};

use crate::commands::model::ModelArgs;
use crate::views::trainee::{ViewCheckpoint, generator};

/// Writes the generator of a checkpoint as ONNX: averaged weights in 16 bits, free batch size, and
/// the metadata that the element reads.
#[derive(Args, Debug)]
pub struct Export {
    #[command(flatten)]
    model: ModelArgs,
}

impl Export {
    /// Writes the model.
    pub fn run(&self) -> Result<()> {
        let checkpoint = ViewCheckpoint::open(&self.model.checkpoint)?;
        let (_store, network) = generator(&checkpoint, &self.model.checkpoint, tch::Device::Cpu)?;
        let record = &checkpoint.record;
        let side = record.subject.view_generator.size as usize;
        let contract = Contract {
            width: side,
            height: side,
            alignment: Alignment::FaceTemplate,
            range: ValueRange::Unit,
            training: format!(
                "views, {} updates, {} pictures",
                record.made.updates, record.subject.pictures
            ),
            license: self.model.license.clone(),
            version: Version::Two,
        };
        self.model.write(|| network.trace(), contract.to_metadata())
    }
}
