//! `mde-train views samples`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use image::RgbImage;
use mde_core::contract;

use super::TASKS;
use crate::data::Split;
use crate::files::write_tensors;
use crate::network::view_generator::{Inputs, Outputs};
use crate::report::sheet;
use crate::tensors::{composited, to_picture};
use crate::training::mixture::Mixture;
use crate::views::batches::{ViewBatchConfig, make};
use crate::views::faces::FaceData;
use crate::views::trainee::{ViewCheckpoint, generator};

/// Writes a picture of validation samples, one a row: what the generator is given, the view, what
/// it paints, what it copies from the view, the weights (red: painted, green: view, blue: mirror),
/// the completed picture and the true one.
#[derive(Args, Debug)]
pub struct Samples {
    /// Checkpoint of `mde-train views train`.
    #[arg(long)]
    checkpoint: PathBuf,
    #[command(flatten)]
    faces: FaceData,
    /// The PNG to write.
    #[arg(long)]
    out: PathBuf,
    /// Write what goes in and what comes out of the samples to this safetensors file, by the names
    /// and in the units of the exported model, for comparing other runtimes.
    #[arg(long)]
    dump: Option<PathBuf>,
    /// Samples drawn.
    #[arg(long, default_value_t = 16)]
    count: usize,
    /// Tasks, as those of `mde-train train`.
    #[arg(long, default_value = TASKS)]
    tasks: Mixture,
    /// Seed of the samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Samples {
    /// Draws and writes.
    pub fn run(&self) -> Result<()> {
        let checkpoint = ViewCheckpoint::open(&self.checkpoint)?;
        let (_store, network) = generator(&checkpoint, &self.checkpoint, tch::Device::Cpu)?;
        let faces = self.faces.open(Split::Val)?;
        let config = ViewBatchConfig {
            batch: self.count,
            size: checkpoint.record.subject.view_generator.size as usize,
            seed: self.seed,
            mixture: self.tasks.clone(),
            without_view: 0.3,
        };
        let batch = make(&faces, &config, 0);
        let outputs = tch::no_grad(|| network.forward(&batch.inputs));
        if let Some(path) = &self.dump {
            dump(path, &batch.inputs, &outputs)?;
        }
        let completed = composited(&outputs.completed, &batch.pictures, &batch.inputs.mask);
        let columns = [
            &batch.inputs.image,
            &batch.inputs.view,
            &outputs.painted,
            &outputs.copied[0].picture,
            &outputs.weights,
            &completed,
            &batch.pictures,
        ];
        let rows: Vec<Vec<RgbImage>> = (0..self.count as i64)
            .map(|n| columns.iter().map(|c| to_picture(&c.get(n))).collect())
            .collect();
        sheet::write(&self.out, &rows)?;
        println!("{}", self.out.display());
        Ok(())
    }
}

fn dump(path: &Path, inputs: &Inputs, outputs: &Outputs) -> Result<()> {
    let inputs = [
        (contract::INPUT_IMAGE, &inputs.image),
        (contract::INPUT_MASK, &inputs.mask),
        (contract::INPUT_VIEW, &inputs.view),
        (contract::INPUT_VIEW_MASK, &inputs.view_mask),
    ];
    let mut tensors: Vec<_> = inputs.map(|(name, t)| (name, t.contiguous())).into();
    tensors.extend(outputs.exported().map(|(name, t)| (name, t.contiguous())));
    write_tensors(path, &tensors)
}
