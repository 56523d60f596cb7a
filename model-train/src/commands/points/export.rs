//! `mde-train points export`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use mde_core::points::to_metadata;

use crate::commands::Terms;
use crate::onnx;
use crate::points::network::PointNet;
use crate::points::trainee::PointCheckpoint;

/// Writes the net of a checkpoint as ONNX: batch normalisation folded, 16-bit weights, free batch
/// size, and the metadata that the element reads.
#[derive(Args, Debug)]
pub struct Export {
    /// Checkpoint of `mde-train points train`.
    #[arg(long)]
    checkpoint: PathBuf,
    /// The ONNX file to write.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    terms: Terms,
}

impl Export {
    /// Writes the model.
    pub fn run(&self) -> Result<()> {
        let checkpoint = PointCheckpoint::open(&self.checkpoint)?;
        let (_store, net) =
            checkpoint.network(&self.checkpoint, tch::Device::Cpu, PointNet::new)?;
        let record = &checkpoint.record;
        let batch = record.options.get("batch").unwrap_or("?");
        let training = format!("{} updates of {batch}", record.made.updates);
        let metadata = to_metadata(training, self.terms.license.clone());
        let model = tch::no_grad(|| net.trace()).into_model(metadata);
        let bytes = onnx::write(&model, &self.out)?;
        println!("{}: {:.2} MB", self.out.display(), bytes as f64 / 1e6);
        Ok(())
    }
}
