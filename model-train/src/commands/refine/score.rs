//! `mde-train refine score`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use image::RgbImage;
use mde_core::refining::{INPUT_IMAGE, INPUT_MASK, OUTPUT};
use tch::{Kind, Tensor};

use super::{FaceArgs, SIDE};
use crate::commands::DeviceArg;
use crate::data::Split;
use crate::files::write_tensors;
use crate::network::perceptual::{self, FeatureNetwork};
use crate::network::refiner::Refiner;
use crate::network::view_generator::ViewGenerator;
use crate::refine::batches::{Config, make};
use crate::refine::trainee::{RefineCheckpoint, painted};
use crate::report::sheet;
use crate::tensors::to_picture;
use crate::training::loss::FeatureDistance;
use crate::training::mixture::Mixture;
use crate::training::opposed::averaged;
use crate::views::trainee::pretrained;

/// Scores a checkpoint on validation faces, at their size, without views: PSNR in the hole in dB, the
/// variance of the Laplacian in it beside the truth's, and the perceptual distance, of what is painted as
/// it is enlarged and of what is refined.
#[derive(Args, Debug)]
pub struct Score {
    /// Checkpoint of `mde-train refine train`.
    #[arg(long)]
    checkpoint: PathBuf,
    #[command(flatten)]
    faces: FaceArgs,
    /// Samples a task.
    #[arg(long, default_value_t = 64)]
    count: usize,
    /// Weights of the network whose features are compared, a safetensors file.
    #[arg(long)]
    perceptual_network: Option<PathBuf>,
    /// Write the first samples of each task to this PNG, one a row: enlarged, refined, true.
    #[arg(long)]
    sheet: Option<PathBuf>,
    /// Write what goes in and what comes out of the first samples to this safetensors file, by the names
    /// of the exported model, for comparing other runtimes.
    #[arg(long)]
    dump: Option<PathBuf>,
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
const BATCH: usize = 8;
/// Rows of the sheet for each task.
const SHOWN: i64 = 4;

/// Sums over samples, of what is enlarged and of what is refined.
#[derive(Default)]
struct Sums {
    samples: f64,
    psnr: [f64; 2],
    sharpness: [f64; 2],
    distance: [f64; 2],
}

impl Score {
    /// Scores and prints.
    pub fn run(&self) -> Result<()> {
        ensure!(self.count > 0, "--count 0: there is nothing to score");
        let device = self.device.device()?;
        let checkpoint = RefineCheckpoint::open(&self.checkpoint)?;
        let (_of_refiner, refiner) = averaged(&checkpoint, &self.checkpoint, device, Refiner::new)?;
        let (_of_generator, generator) = pretrained(&self.faces.generator, device)?;
        let features = match &self.perceptual_network {
            Some(file) => Some(perceptual::open(file, device, Kind::Float)?),
            None => None,
        };
        let faces = self.faces.open(Split::Val)?;
        println!(
            "| task | enlarged | sharpness | distance | refined | sharpness | distance |\n\
             | --- | --- | --- | --- | --- | --- | --- |"
        );
        let mut rows = Vec::new();
        for task in TASKS {
            let config = Config {
                batch: BATCH,
                size: SIDE,
                window: SIDE,
                seed: self.seed,
                mixture: task.parse::<Mixture>()?,
                blurred: 0.0,
            };
            let mut sums = Sums::default();
            for number in 0..self.count.div_ceil(BATCH) as u64 {
                let batch = make(&faces, &config, number).to_device(device);
                let shown = tch::no_grad(|| {
                    let shown = Shown::of(&generator, &refiner, &batch);
                    sums.add(&shown, features.as_deref());
                    shown
                });
                if number == 0 && self.sheet.is_some() {
                    rows.extend((0..SHOWN).map(|n| shown.row(n)));
                }
                if let Some(path) = self.dump.as_ref().filter(|_| number == 0) {
                    write_tensors(path, &shown.tensors())?;
                }
            }
            sums.print(task);
        }
        if let Some(path) = &self.sheet {
            sheet::write(path, &rows)?;
        }
        Ok(())
    }
}

/// What is made of a batch, `[N, 3, 2 S, 2 S]` each.
struct Shown {
    enlarged: Tensor,
    refined: Tensor,
    truth: Tensor,
    hole: Tensor,
}

impl Shown {
    fn of(
        generator: &ViewGenerator,
        refiner: &Refiner,
        batch: &crate::refine::batches::Batch,
    ) -> Self {
        let (enlarged, mask) = painted(generator, batch);
        Self {
            refined: refiner.forward(&enlarged, &mask.narrow(1, 0, 1)),
            hole: 1.0 - mask,
            truth: batch.pictures.shallow_clone(),
            enlarged,
        }
    }

    /// What goes in and what comes out, by the names of the exported model.
    fn tensors(&self) -> [(&'static str, Tensor); 3] {
        let mask: Tensor = 1.0 - self.hole.narrow(1, 0, 1);
        [
            (INPUT_IMAGE, self.enlarged.contiguous()),
            (INPUT_MASK, mask.contiguous()),
            (OUTPUT, self.refined.contiguous()),
        ]
    }

    fn row(&self, n: i64) -> Vec<RgbImage> {
        [&self.enlarged, &self.refined, &self.truth]
            .map(|t| to_picture(&t.get(n)))
            .into()
    }
}

/// For each picture, the mean of `values` `[N, 3, H, W]` in `hole`.
fn mean_in(values: &Tensor, hole: &Tensor) -> Tensor {
    let sum = |t: &Tensor| t.sum_dim_intlist([1i64, 2, 3].as_slice(), false, Kind::Float);
    sum(&(values * hole)) / sum(hole)
}

/// The variance of the Laplacian of each of `pictures` in its `hole`.
fn sharpness(pictures: &Tensor, hole: &Tensor) -> Tensor {
    let kernel = Tensor::from_slice(&[0f32, 1.0, 0.0, 1.0, -4.0, 1.0, 0.0, 1.0, 0.0]);
    let kernel = kernel.view([1, 1, 3, 3]).to_device(pictures.device());
    let grey = pictures.mean_dim([1i64].as_slice(), true, Kind::Float);
    let laplacian = grey.conv2d(&kernel, None::<Tensor>, [1, 1], [1, 1], [1, 1], 1);
    let hole = hole.narrow(1, 0, 1);
    let mean = mean_in(&laplacian, &hole).view([-1, 1, 1, 1]);
    mean_in(&(laplacian - mean).square(), &hole)
}

impl Sums {
    fn add(&mut self, shown: &Shown, features: Option<&dyn FeatureNetwork>) {
        let samples = shown.truth.size()[0] as f64;
        self.samples += samples;
        let total = |t: Tensor| t.sum(Kind::Float).double_value(&[]);
        let of_truth = sharpness(&shown.truth, &shown.hole).clamp_min(1e-9);
        for (at, found) in [&shown.enlarged, &shown.refined].into_iter().enumerate() {
            let squares = mean_in(&(found - &shown.truth).square(), &shown.hole);
            self.psnr[at] += total(squares.clamp_min(1e-9).log10() * -10.0);
            self.sharpness[at] += total(sharpness(found, &shown.hole) / &of_truth);
            if let Some(features) = features {
                let off = FeatureDistance::Unit.between(features, found, &shown.truth);
                self.distance[at] += off.double_value(&[]) * samples;
            }
        }
    }

    fn print(&self, task: &str) {
        let of = |at: usize| {
            [self.psnr[at], self.sharpness[at], self.distance[at]].map(|v| v / self.samples)
        };
        let [[a, b, c], [d, e, f]] = [of(0), of(1)];
        println!("| {task} | {a:.2} | {b:.2} | {c:.4} | {d:.2} | {e:.2} | {f:.4} |");
    }
}
