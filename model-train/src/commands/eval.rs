//! `mde-train eval`: scores of a checkpoint.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use indicatif::ProgressBar;
use mde_core::mask::Task;

use tch::{Device, Kind, Tensor};

use super::DeviceArg;
use crate::data::{CropRule, Dataset, DatasetOptions, Split};
use crate::evaluation::{Completes, Model, Scores, all_tasks};
use crate::files::write_tensors;
use crate::network::parameters::Store;
use crate::network::perceptual;
use crate::scenes::network::SceneGenerator;
use crate::scenes::trainee::SceneCheckpoint;
use crate::training::pretrained::Pretrained;
use crate::views::trainee::pretrained;

/// Scores a checkpoint on each completion task: PSNR (dB) and SSIM, raw and composited, sharpness,
/// and distances in the features of a network.
#[derive(Args, Debug)]
pub struct Eval {
    /// Checkpoint of `mde-train train`, `mde-train views train` or `mde-train scenes train`, or a
    /// model that one of the first two exported. A generator that takes views is shown none.
    #[arg(long)]
    checkpoint: PathBuf,
    /// Side in pixels at which pictures are masked and compared; by default the generator's.
    #[arg(long)]
    size: Option<usize>,
    /// The data, as for `mde-train train`.
    #[arg(long)]
    data: PathBuf,
    /// Which sub-folder of the data.
    #[arg(long, value_enum, default_value = "val")]
    split: Split,
    /// Pictures scored, from the first on.
    #[arg(long, default_value_t = 2000)]
    count: usize,
    /// Seed of the random masks.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Tasks; by default the six occlusions and the paper's I, RI, Col, RE and REC.
    #[arg(long, value_delimiter = ',')]
    tasks: Vec<Task>,
    /// A network for a perceptual and a Frechet distance, as for `mde-train train
    /// --perceptual-network`.
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Write the masked pictures, masks and outputs of the first 8 pictures of each task to this
    /// safetensors file (`image`, `mask`, `completed`, each f32 [N, 3, S, S]), for comparing
    /// other runtimes.
    #[arg(long)]
    dump: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Which part of a picture is kept.
    #[arg(long, value_enum, default_value = "celeba")]
    crop: CropRule,
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
}

impl Eval {
    /// Scores and prints.
    pub fn run(&self) -> Result<()> {
        let device = self.device.device()?;
        let (store, generator, updates) = open(&self.checkpoint, device)?;
        let features = self.features.as_deref();
        let network = features
            .map(|path| perceptual::open(path, device, Kind::Float))
            .transpose()?;
        let dataset = Dataset::open(&DatasetOptions {
            root: self.data.clone(),
            split: self.split,
            size: self.size.unwrap_or(generator.side() as usize),
            crop: self.crop,
            cache: self.cache.clone(),
        })?;
        let model = Model {
            store: &store,
            generator: generator.as_ref(),
        };
        let tasks = if self.tasks.is_empty() {
            all_tasks()
        } else {
            self.tasks.clone()
        };
        if let Some(path) = &self.dump {
            dump(path, &model, &dataset, &tasks, self.seed)?;
        }
        let count = self.count.clamp(1, dataset.len());
        let bar = ProgressBar::new((tasks.len() * count) as u64);
        let mut table: Vec<(String, Scores)> = Vec::new();
        for task in &tasks {
            let tick = |n| bar.inc(n as u64);
            let network = network.as_deref();
            let scores = model.score(&dataset, count, task, self.seed, network, tick)?;
            table.push((task.to_string(), scores));
        }
        bar.finish_and_clear();
        if self.json {
            let rows: serde_json::Map<_, _> = table
                .into_iter()
                .map(|(task, scores)| Ok((task, serde_json::to_value(scores)?)))
                .collect::<Result<_>>()?;
            let report = serde_json::json!({
                "pictures": count,
                "first": dataset.name(0),
                "last": dataset.name(count - 1),
                "updates": updates,
                "tasks": rows,
            });
            println!("{}", serde_json::to_string_pretty(&report)?);
            return Ok(());
        }
        let updates = updates.map(|n| format!(", {n} updates"));
        println!("{count} pictures{}", updates.unwrap_or_default());
        println!(
            "{:<12} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10} {:>9}",
            "task", "PSNR raw", "PSNR", "SSIM raw", "SSIM", "Laplacian", "perceptual", "Frechet"
        );
        for (task, s) in table {
            print!(
                "{task:<12} {:>9.2} {:>9.2} {:>9.3} {:>9.3} {:>9.3}",
                s.psnr_raw, s.psnr_composited, s.ssim_raw, s.ssim_composited, s.laplacian
            );
            match s.in_features {
                Some(f) => println!(" {:>10.4} {:>9.4}", f.perceptual, f.frechet),
                None => println!(" {:>10} {:>9}", "-", "-"),
            }
        }
        Ok(())
    }
}

/// The generator in `path`, its weights, and for how many updates it was trained, where that is told.
fn open(path: &Path, device: Device) -> Result<(Store, Box<dyn Completes>, Option<u64>)> {
    if let Ok((store, generator)) = pretrained(path, device) {
        return Ok((store, Box::new(generator), None));
    }
    if let Ok(checkpoint) = SceneCheckpoint::open(path) {
        let (store, generator) = checkpoint.network(path, device, SceneGenerator::new)?;
        let updates = checkpoint.record.made.updates;
        return Ok((store, Box::new(generator), Some(updates)));
    }
    let trained = Pretrained::open(path)?;
    let (store, generator) = trained.generator(device)?;
    Ok((store, Box::new(generator), trained.updates))
}

/// Pictures a task in a dump.
const DUMPED: usize = 8;

fn dump(
    path: &Path,
    model: &Model<'_>,
    dataset: &Dataset,
    tasks: &[Task],
    seed: u64,
) -> Result<()> {
    let indices: Vec<usize> = (0..DUMPED.min(dataset.len())).collect();
    let (mut image, mut mask, mut completed) = (Vec::new(), Vec::new(), Vec::new());
    for task in tasks {
        for c in model.complete(dataset, &indices, task, seed)? {
            image.extend(c.original.iter().zip(c.mask.as_slice()).map(|(z, m)| z * m));
            mask.extend(c.mask.as_slice());
            completed.extend(c.generated.iter());
        }
    }
    let side = dataset.size() as i64;
    let tensor = |v: &[f32]| Tensor::from_slice(v).view([-1, 3, side, side]);
    let tensors = [
        ("image", tensor(&image)),
        ("mask", tensor(&mask)),
        ("completed", tensor(&completed)),
    ];
    write_tensors(path, &tensors)
}
