//! `mde-train train`: trains a generator.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::DeviceArg;
use crate::data::{CropRule, Dataset, Options, Split};
use crate::evaluation::{Model, all_tasks, write_grid};
use crate::network::config::Preset;
use crate::network::generator::Generator;
use crate::network::parameters::{Precision, Store};
use crate::report::LossLog;
use crate::training::batches::{BatchConfig, stream};
use crate::training::checkpoint::{self, Checkpoint, Progress};
use crate::training::loss::{Distance, PixelLoss};
use crate::training::mixture::Mixture;
use crate::training::optimizer::{Adam, AdamConfig};
use crate::training::schedule::{Annealing, Budget};
use crate::training::step::Trainee;

/// Trains a generator; interrupt it at any time and go on with --resume.
#[derive(Args, Debug)]
pub struct Train {
    /// A folder with sub-folders train and val, a folder of pictures or tar shards, or one tar.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the checkpoint, the loss log and the picture grids.
    #[arg(long)]
    out: PathBuf,
    /// Go on from the checkpoint in --out.
    #[arg(long)]
    resume: bool,
    /// Size of the generator.
    #[arg(long, value_enum, default_value = "half")]
    preset: Preset,
    /// Do not give the mask to the network.
    #[arg(long)]
    no_mask_input: bool,
    /// Give the mirrored picture and mask to the network as well.
    #[arg(long)]
    mirror_input: bool,
    /// Tasks: 'faces', or TASK=WEIGHT,... with I:S, RI:S, RE:S, REC:S, Col-1, Col-2, block,
    /// strokes, or an occlusion with ~JITTER pixels.
    #[arg(long, default_value = "faces")]
    tasks: Mixture,
    /// Length of the run in updates.
    #[arg(long, default_value_t = 300_000, conflicts_with = "minutes")]
    updates: u64,
    /// Length of the run in minutes of training time.
    #[arg(long)]
    minutes: Option<f64>,
    /// Pictures a batch.
    #[arg(long, default_value_t = 24)]
    batch: usize,
    /// Learning rate at the start.
    #[arg(long, default_value_t = 2e-4)]
    rate: f64,
    /// Exponent of the polynomial annealing.
    #[arg(long, default_value_t = 0.9)]
    power: f64,
    /// Adam's decay of the first moment.
    #[arg(long, default_value_t = 0.5)]
    momentum: f64,
    /// L1 or L2 pixel losses.
    #[arg(long, value_enum, default_value = "l2")]
    loss: Distance,
    /// Weight of the completion loss (missing values).
    #[arg(long, default_value_t = 1.0)]
    completion: f64,
    /// Weight of the reconstruction loss (known values).
    #[arg(long, default_value_t = 1.0)]
    reconstruction: f64,
    /// Arithmetic; by default bf16 where the device has instructions for it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Seed of weights, order, flips and masks.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which part of a picture is kept.
    #[arg(long, value_enum, default_value = "celeba")]
    crop: CropRule,
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Minutes between checkpoints.
    #[arg(long, default_value_t = 8.0)]
    checkpoint_minutes: f64,
}

/// Name of the checkpoint in the run's folder.
const CHECKPOINT: &str = "checkpoint.safetensors";
/// Updates between rows of the loss log.
const LOG_EVERY: u64 = 20;

impl Train {
    /// Trains to the end of the budget.
    pub fn run(&self) -> Result<()> {
        let device = self.device.device()?;
        tch::manual_seed(self.seed as i64);
        let path = self.out.join(CHECKPOINT);
        let (mut trainee, mut progress) = self.start(device, &path)?;
        fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot create the folder '{}'", self.out.display()))?;
        let size = progress.generator.size as usize;
        let dataset = Arc::new(self.dataset(Split::Train, size)?);
        let validation = self.dataset(Split::Val, size)?;
        println!(
            "{} pictures, {} broken ones left out",
            dataset.len(),
            dataset.broken().len()
        );
        let mut log = LossLog::open(
            &self.out,
            &["total", "completion", "reconstruction", "rate"],
            progress.updates,
        )?;
        let batches = stream(
            dataset,
            BatchConfig {
                batch: self.batch,
                seed: self.seed,
                mixture: self.tasks.clone(),
                flips: true,
            },
            progress.updates,
        )?;
        let budget = match self.minutes {
            Some(minutes) => Budget::Time(Duration::from_secs_f64(60.0 * minutes)),
            None => Budget::Updates(self.updates),
        };
        let annealing = Annealing {
            rate: self.rate,
            power: self.power,
        };
        let loss = PixelLoss {
            distance: self.loss,
            completion: self.completion,
            reconstruction: self.reconstruction,
        };
        let bar = ProgressBar::new(1000).with_style(ProgressStyle::with_template(
            "{elapsed_precise} {bar:30} {percent}% {msg}",
        )?);
        let mut saved = Instant::now();
        loop {
            let done = budget.progress(progress.updates, Duration::from_secs_f64(progress.seconds));
            if done >= 1.0 {
                break;
            }
            let started = Instant::now();
            let batch = batches
                .recv()
                .context("the batch thread ended")?
                .to_device(device);
            let rate = annealing.at(done);
            let losses = trainee.update(&batch, &loss, rate);
            progress.updates += 1;
            progress.seconds += started.elapsed().as_secs_f64();
            if progress.updates.is_multiple_of(LOG_EVERY) {
                let value = |t: &tch::Tensor| t.double_value(&[]) as f32;
                let total = value(&losses.total);
                ensure!(
                    total.is_finite(),
                    "the loss is {total} at update {}: lower --rate; the checkpoint is from before",
                    progress.updates
                );
                let row = [
                    total,
                    value(&losses.completion),
                    value(&losses.reconstruction),
                    rate as f32,
                ];
                log.record(progress.updates, &row)?;
                bar.set_position((1000.0 * done) as u64);
                bar.set_message(format!(
                    "update {} (epoch {}) loss {total:.4} {:.3} s/update",
                    progress.updates,
                    batch.epoch,
                    progress.seconds / progress.updates as f64
                ));
            }
            if saved.elapsed().as_secs_f64() > 60.0 * self.checkpoint_minutes {
                self.save(&path, &progress, &trainee, &validation)?;
                saved = Instant::now();
            }
        }
        self.save(&path, &progress, &trainee, &validation)?;
        bar.finish();
        println!("{} after {} updates", path.display(), progress.updates);
        Ok(())
    }

    fn dataset(&self, split: Split, size: usize) -> Result<Dataset> {
        let (root, cache) = (self.data.clone(), self.cache.clone());
        Ok(Dataset::open(&Options {
            root,
            split,
            size,
            crop: self.crop,
            cache,
        })?)
    }

    /// Writes the checkpoint, and a grid of validation pictures beside it.
    fn save(
        &self,
        path: &Path,
        progress: &Progress,
        trainee: &Trainee,
        validation: &Dataset,
    ) -> Result<()> {
        checkpoint::save(path, progress, &trainee.store, &trainee.adam)?;
        let grid = self.out.join(format!("grid-{:07}.png", progress.updates));
        let model = Model {
            store: &trainee.store,
            generator: &trainee.generator,
        };
        write_grid(&grid, &model, validation, &all_tasks())
    }

    /// A fresh run, or the one in the folder.
    fn start(&self, device: tch::Device, path: &Path) -> Result<(Trainee, Progress)> {
        let earlier = if self.resume {
            Some(Checkpoint::open(path)?)
        } else {
            None
        };
        ensure!(
            self.resume || !path.exists(),
            "'{}' is there already: go on with --resume, or choose another --out",
            path.display()
        );
        let fresh = || {
            let mut generator = self.preset.config();
            generator.mask_input = !self.no_mask_input;
            generator.mirror_input = self.mirror_input;
            Progress {
                generator,
                updates: 0,
                seconds: 0.0,
                batch: self.batch,
                seed: self.seed,
                tasks: self.tasks.to_string(),
            }
        };
        let progress = earlier.as_ref().map_or_else(fresh, |c| c.progress.clone());
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        println!("computes in {precision}");
        let mut store = Store::new(device, precision);
        let generator = Generator::new(&mut store, &progress.generator);
        let mut adam = Adam::new(
            &store,
            AdamConfig {
                beta1: self.momentum,
                ..AdamConfig::default()
            },
        );
        if let Some(checkpoint) = earlier {
            checkpoint.load_weights(path, &store)?;
            checkpoint.load_moments(path, &store, &mut adam)?;
        }
        Ok((
            Trainee {
                store,
                generator,
                adam,
            },
            progress,
        ))
    }
}
