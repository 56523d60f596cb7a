//! `mde-train views export`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use mde_core::contract::{Alignment, Contract, ValueRange, Version};

use crate::commands::Terms;
use crate::onnx;
use crate::views::trainee::{ViewCheckpoint, generator};

/// Writes the generator of a checkpoint as ONNX: averaged weights in 16 bits, free batch size, and
/// the metadata that the element reads.
#[derive(Args, Debug)]
pub struct Export {
    /// Checkpoint of `mde-train views train`.
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
        let checkpoint = ViewCheckpoint::open(&self.checkpoint)?;
        let (_store, network) = generator(&checkpoint, &self.checkpoint, tch::Device::Cpu)?;
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
            license: self.terms.license.clone(),
            version: Version::Two,
        };
        let model = tch::no_grad(|| network.trace()).into_model(contract.to_metadata());
        let bytes = onnx::write(&model, &self.out)?;
        println!("{}: {:.2} MB", self.out.display(), bytes as f64 / 1e6);
        Ok(())
    }
}
