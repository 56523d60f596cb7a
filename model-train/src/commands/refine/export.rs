//! `mde-train refine export`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use mde_core::contract::ValueRange;
use mde_core::refining::{Contract, SCALE};

use crate::commands::Terms;
use crate::network::refiner::Refiner;
use crate::onnx;
use crate::refine::trainee::RefineCheckpoint;
use crate::training::opposed::averaged;

/// Writes the refiner of a checkpoint as ONNX: averaged weights in 16 bits, free batch size and sides,
/// and the metadata that the element reads.
#[derive(Args, Debug)]
pub struct Export {
    /// Checkpoint of `mde-train refine train`.
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
        let checkpoint = RefineCheckpoint::open(&self.checkpoint)?;
        let path = &self.checkpoint;
        let (_store, network) = averaged(&checkpoint, path, tch::Device::Cpu, Refiner::new)?;
        let record = &checkpoint.record;
        let contract = Contract {
            scale: SCALE,
            range: ValueRange::Unit,
            training: format!(
                "{} updates, {} pictures",
                record.made.updates, record.subject.pictures
            ),
            license: self.terms.license.clone(),
        };
        let model = tch::no_grad(|| network.trace()).into_model(contract.to_metadata());
        let bytes = onnx::write(&model, &self.out)?;
        println!("{}: {:.2} MB", self.out.display(), bytes as f64 / 1e6);
        Ok(())
    }
}
