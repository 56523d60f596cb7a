//! `mde-train covers export`.

use anyhow::Result;
use clap::Args;
use mde_core::contract::ValueRange;
use mde_core::covers::{Contract, SIDE};

use crate::commands::model::ModelArgs;
use crate::covers::network::CoverNet;
use crate::covers::trainee::CoverCheckpoint;

/// Writes the net of a checkpoint as ONNX: batch normalisation folded, 16-bit weights, free batch
/// size, and the metadata that the element reads.
#[derive(Args, Debug)]
pub struct Export {
    #[command(flatten)]
    model: ModelArgs,
}

impl Export {
    /// Writes the model.
    pub fn run(&self) -> Result<()> {
        let checkpoint = CoverCheckpoint::open(&self.model.checkpoint)?;
        let (_store, net) =
            checkpoint.network(&self.model.checkpoint, tch::Device::Cpu, CoverNet::new)?;
        let record = &checkpoint.record;
        let batch = record.options.get("batch").unwrap_or("?");
        let contract = Contract {
            side: SIDE,
            range: ValueRange::Unit,
            training: format!("{} updates of {batch}", record.made.updates),
            license: self.model.license.clone(),
        };
        self.model.write(|| net.trace(), contract.to_metadata())
    }
}
