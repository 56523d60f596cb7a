//! `mde-train views samples`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use image::RgbImage;
use tch::Tensor;

use super::TASKS;
use crate::data::Split;
use crate::network::discriminator::composited;
use crate::report::sheet;
use crate::training::mixture::Mixture;
use crate::views::batches::{BatchConfig, make};
use crate::views::faces::FaceData;
use crate::views::trainee::{Checkpoint, generator};

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
        let checkpoint = Checkpoint::open(&self.checkpoint)?;
        let (_store, network) = generator(&checkpoint, &self.checkpoint, tch::Device::Cpu)?;
        let faces = self.faces.open(Split::Val)?;
        let config = BatchConfig {
            batch: self.count,
            size: checkpoint.progress.view_generator.size as usize,
            seed: self.seed,
            mixture: self.tasks.clone(),
        };
        let batch = make(&faces, &config, 0);
        let outputs = tch::no_grad(|| network.forward(&batch.inputs));
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
            .map(|n| columns.iter().map(|c| picture(&c.get(n))).collect())
            .collect();
        sheet::write(&self.out, &rows)?;
        println!("{}", self.out.display());
        Ok(())
    }
}

/// `[3, H, W]` in `[0, 1]` as a picture.
fn picture(values: &Tensor) -> RgbImage {
    let (height, width) = (values.size()[1], values.size()[2]);
    let bytes = (values.permute([1, 2, 0]) * 255.0)
        .round()
        .clamp(0.0, 255.0);
    let bytes = bytes.to_kind(tch::Kind::Uint8).contiguous();
    let mut pixels = vec![0; bytes.numel()];
    bytes.copy_data_u8(&mut pixels, bytes.numel());
    RgbImage::from_raw(width as u32, height as u32, pixels).expect("three bytes a pixel")
}
