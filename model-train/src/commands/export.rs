//! `mde-train export`: a checkpoint as an ONNX model for the element.

use anyhow::Result;
use clap::Args;
use mde_core::contract::{Alignment, Contract, ValueRange, Version};

use super::model::ModelArgs;
use crate::training::checkpoint::Checkpoint;
use crate::training::pretrained::Pretrained;

/// Writes the generator of a checkpoint as ONNX: batch normalisation folded, 16-bit weights,
/// free batch size, and the metadata that the element reads.
#[derive(Args, Debug)]
pub struct Export {
    /// The pictures are not faces on the five-point template.
    #[arg(long)]
    unaligned: bool,
    #[command(flatten)]
    model: ModelArgs,
}

impl Export {
    /// Writes the model.
    pub fn run(&self) -> Result<()> {
        let checkpoint = Checkpoint::open(&self.model.checkpoint)?;
        let pretrained = Pretrained::of(&checkpoint, &self.model.checkpoint);
        let (_store, generator) = pretrained.generator(tch::Device::Cpu)?;
        let record = &checkpoint.record;
        let sizes = &record.subject.generator;
        let option = |name| record.options.get(name).unwrap_or("?");
        let contract = Contract {
            version: Version::One,
            width: sizes.size as usize,
            height: sizes.size as usize,
            alignment: if self.unaligned {
                Alignment::None
            } else {
                Alignment::FaceTemplate
            },
            range: ValueRange::Unit,
            training: format!(
                "width {}, bottleneck {}, {} updates of {}, tasks {}",
                sizes.width,
                sizes.bottleneck,
                record.made.updates,
                option("batch"),
                option("tasks")
            ),
            license: self.model.license.clone(),
        };
        self.model
            .write(|| generator.trace(), contract.to_metadata())
    }
}
