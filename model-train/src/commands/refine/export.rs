//! `mde-train refine export`.

use anyhow::Result;
use clap::Args;
use mde_core::contract::ValueRange;
use mde_core::refining::{Contract, SCALE};

use crate::commands::model::ModelArgs;
use crate::network::refiner::Refiner;
use crate::refine::trainee::RefineCheckpoint;
use crate::training::opposed::averaged;

/// Writes the refiner of a checkpoint as ONNX: averaged weights in 16 bits, free batch size and sides,
/// and the metadata that the element reads.
#[derive(Args, Debug)]
pub struct Export {
    #[command(flatten)]
    model: ModelArgs,
}

impl Export {
    /// Writes the model.
    pub fn run(&self) -> Result<()> {
        let checkpoint = RefineCheckpoint::open(&self.model.checkpoint)?;
        let path = &self.model.checkpoint;
        let (_store, network) = averaged(&checkpoint, path, tch::Device::Cpu, Refiner::new)?;
        let record = &checkpoint.record;
        let contract = Contract {
            scale: SCALE,
            range: ValueRange::Unit,
            training: format!(
                "{} updates, {} pictures",
                record.made.updates, record.subject.pictures
            ),
            license: self.model.license.clone(),
        };
        self.model.write(|| network.trace(), contract.to_metadata())
    }
}
