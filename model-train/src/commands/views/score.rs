//! `mde-train views score`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use tch::{Kind, Tensor};

use crate::commands::DeviceArg;
use crate::data::Split;
use crate::network::perceptual;
use crate::network::view_generator::Inputs;
use crate::tensors::composited;
use crate::training::loss::FeatureDistance;
use crate::training::mixture::Mixture;
use crate::views::batches::{ViewBatch, ViewBatchConfig, make};
use crate::views::faces::FaceData;
use crate::views::trainee::{ViewCheckpoint, generator};

/// Scores a checkpoint on validation samples, with their views and without: PSNR in the hole in
/// dB, at the crop's size, of the completion and of the view as it lies; the share that is painted;
/// the perceptual distance.
#[derive(Args, Debug)]
pub struct Score {
    /// Checkpoint of `mde-train views train`.
    #[arg(long)]
    checkpoint: PathBuf,
    #[command(flatten)]
    faces: FaceData,
    /// Samples a task.
    #[arg(long, default_value_t = 256)]
    count: usize,
    /// Weights of the network whose features are compared, a safetensors file.
    #[arg(long)]
    perceptual_network: Option<PathBuf>,
    /// Seed of the samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
}

const TASKS: [&str; 6] = [
    "right-half",
    "left-half",
    "eyes",
    "right-eye",
    "left-eye",
    "mouth",
];
/// Samples computed at once.
const BATCH: usize = 16;

/// Sums over samples.
#[derive(Default)]
struct Sums {
    samples: f64,
    completed: f64,
    alone: f64,
    pasted: f64,
    painted: f64,
    distance: [f64; 2],
}

impl Score {
    /// Scores and prints.
    pub fn run(&self) -> Result<()> {
        ensure!(self.count > 0, "--count 0: there is nothing to score");
        let device = self.device.device()?;
        let checkpoint = ViewCheckpoint::open(&self.checkpoint)?;
        let (_store, network) = generator(&checkpoint, &self.checkpoint, device)?;
        let features = match &self.perceptual_network {
            Some(file) => Some(perceptual::open(file, device, Kind::Float)?),
            None => None,
        };
        let faces = self.faces.open(Split::Val)?;
        println!(
            "| task | view pasted | with view | painted, % | distance | without view | distance |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        for task in TASKS {
            let config = ViewBatchConfig {
                batch: BATCH,
                size: checkpoint.record.subject.view_generator.size as usize,
                seed: self.seed,
                mixture: task.parse::<Mixture>()?,
                without_view: 0.0,
            };
            let mut sums = Sums::default();
            for number in 0..self.count.div_ceil(BATCH) as u64 {
                let batch = make(&faces, &config, number).to_device(device);
                let batch = seen_whole(batch);
                tch::no_grad(|| sums.add(&batch, &network, features.as_deref()));
            }
            let n = sums.samples;
            println!(
                "| {task} | {:.2} | {:.2} | {:.0} | {:.3} | {:.2} | {:.3} |",
                sums.pasted / n,
                sums.completed / n,
                100.0 * sums.painted / n,
                sums.distance[0] / n,
                sums.alone / n,
                sums.distance[1] / n
            );
        }
        Ok(())
    }
}

/// The samples of `batch` whose views are known in all of their parts.
fn seen_whole(batch: ViewBatch) -> ViewBatch {
    let known = batch.inputs.view_mask.amin([1i64, 2, 3].as_slice(), false);
    let rows = known.gt(0.5).nonzero().squeeze_dim(1);
    let take = |t: &Tensor| t.index_select(0, &rows);
    ViewBatch {
        pictures: take(&batch.pictures),
        in_hole: take(&batch.in_hole),
        inputs: Inputs {
            image: take(&batch.inputs.image),
            mask: take(&batch.inputs.mask),
            view: take(&batch.inputs.view),
            view_mask: take(&batch.inputs.view_mask),
        },
    }
}

impl Sums {
    fn add(
        &mut self,
        batch: &ViewBatch,
        network: &crate::network::view_generator::ViewGenerator,
        features: Option<&dyn perceptual::FeatureNetwork>,
    ) {
        let samples = batch.pictures.size()[0];
        if samples == 0 {
            return;
        }
        let inputs = &batch.inputs;
        let with = network.forward(inputs);
        let alone = network.forward(&Inputs {
            image: inputs.image.shallow_clone(),
            mask: inputs.mask.shallow_clone(),
            view: inputs.view.zeros_like(),
            view_mask: inputs.view_mask.zeros_like(),
        });
        let hole: Tensor = 1.0 - &inputs.mask;
        let psnr = |found: &Tensor| {
            let squares = ((found - &batch.pictures).square() * &hole).sum_dim_intlist(
                [1i64, 2, 3].as_slice(),
                false,
                Kind::Float,
            );
            let values = hole.sum_dim_intlist([1i64, 2, 3].as_slice(), false, Kind::Float);
            let decibel = (squares / values).clamp_min(1e-9).log10() * -10.0;
            decibel.sum(Kind::Float).double_value(&[])
        };
        self.samples += samples as f64;
        self.completed += psnr(&with.completed);
        self.alone += psnr(&alone.completed);
        self.pasted += psnr(&inputs.view);
        let painted = (with.weights.narrow(1, 0, 1) * hole.narrow(1, 0, 1)).sum(Kind::Float)
            / hole.narrow(1, 0, 1).sum(Kind::Float);
        self.painted += painted.double_value(&[]) * samples as f64;
        if let Some(features) = features {
            for (sum, found) in self.distance.iter_mut().zip([&with, &alone]) {
                let shown = composited(&found.completed, &batch.pictures, &inputs.mask);
                let off = FeatureDistance::Unit.between(features, &shown, &batch.pictures);
                *sum += off.double_value(&[]) * samples as f64;
            }
        }
    }
}
