//! `mde-train points export`.

use anyhow::Result;
use clap::Args;
use mde_core::points::to_metadata;

use crate::commands::model::ModelArgs;
use crate::points::network::PointNet;
use crate::points::trainee::PointCheckpoint;

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
        let checkpoint = PointCheckpoint::open(&self.model.checkpoint)?;
        let (_store, net) =
            checkpoint.network(&self.model.checkpoint, tch::Device::Cpu, PointNet::new)?;
        let record = &checkpoint.record;
        let batch = record.options.get("batch").unwrap_or("?");
        let training = format!("{} updates of {batch}", record.made.updates);
        let metadata = to_metadata(training, self.model.license.clone());
        self.model.write(|| net.trace(), metadata)
    }
}
