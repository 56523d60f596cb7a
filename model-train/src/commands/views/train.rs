//! `mde-train views train`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::TASKS;
use crate::commands::DeviceArg;
use crate::data::Split;
use crate::network::config::ViewGeneratorConfig;
use crate::network::parameters::Precision;
use crate::network::perceptual;
use crate::report::LossLog;
use crate::training::mixture::Mixture;
use crate::training::schedule::{Annealing, Budget};
use crate::views::batches::{BatchConfig, stream};
use crate::views::faces::FaceData;
use crate::views::loss::Weights;
use crate::views::trainee::{Checkpoint, Plan, Progress, Rates, Trainee, columns, finite};

/// Trains the generator; interrupt it at any time and go on with --resume.
#[derive(Args, Debug)]
pub struct Train {
    #[command(flatten)]
    faces: FaceData,
    /// Folder of the checkpoint and the loss log.
    #[arg(long)]
    out: PathBuf,
    /// Go on from the checkpoint in --out.
    #[arg(long)]
    resume: bool,
    /// Length of the run in updates.
    #[arg(long, default_value_t = 200_000, conflicts_with = "minutes")]
    updates: u64,
    /// Length of the run in minutes of training time.
    #[arg(long)]
    minutes: Option<f64>,
    /// Pictures a batch.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Learning rate at the start; it falls to zero.
    #[arg(long, default_value_t = 4e-4)]
    rate: f64,
    /// Learning rate of the discriminator at the start.
    #[arg(long, default_value_t = 4e-4)]
    discriminator_rate: f64,
    /// Exponent of the polynomial annealing.
    #[arg(long, default_value_t = 0.9)]
    power: f64,
    /// Tasks, as those of `mde-train train`.
    #[arg(long, default_value = TASKS)]
    tasks: Mixture,
    #[command(flatten)]
    weights: Weights,
    /// The update from which on there is an adversarial loss.
    #[arg(long, default_value_t = 6000)]
    adversarial_from: u64,
    /// Factor of the R1 penalty.
    #[arg(long, default_value_t = 1.0)]
    r1: f64,
    /// Updates from one R1 penalty to the next.
    #[arg(long, default_value_t = 16)]
    r1_every: u64,
    /// Share of the old values that an update leaves in the average of the weights.
    #[arg(long, default_value_t = 0.999)]
    ema: f64,
    /// Weights of the network whose features the perceptual loss compares, a safetensors file.
    #[arg(long)]
    perceptual_network: Option<PathBuf>,
    /// Arithmetic; by default bf16 where the device has instructions for it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Seed of weights, order and samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Minutes between checkpoints.
    #[arg(long, default_value_t = 8.0)]
    checkpoint_minutes: f64,
}

/// Name of the checkpoint in the run's folder.
const CHECKPOINT: &str = "views.safetensors";
/// Updates between rows of the loss log.
const LOG_EVERY: u64 = 50;
/// Updates over which learning rates rise.
const WARM_UP: f64 = 300.0;

impl Train {
    /// Trains to the end of the budget.
    pub fn run(&self) -> Result<()> {
        let device = self.device.device()?;
        tch::manual_seed(self.seed as i64);
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        println!("computes in {precision}");
        let path = self.out.join(CHECKPOINT);
        let sizes = ViewGeneratorConfig::embedded();
        let mut trainee = Trainee::new(device, precision, &sizes);
        let mut progress = self.start(&path, &mut trainee, &sizes)?;
        let plan = Plan {
            weights: self.weights,
            adversarial_from: self.adversarial_from,
            r1: self.r1,
            r1_every: self.r1_every,
            decay: self.ema,
            perceptual: match &self.perceptual_network {
                Some(file) => Some(perceptual::open(file, device, precision.kind())?),
                None => None,
            },
        };
        let faces = Arc::new(self.faces.open(Split::Train)?);
        let (stills, of_clips) = faces.len();
        println!("{stills} stills, {of_clips} pictures of clips");
        let columns = [&columns()[..], &["rate"]].concat();
        let mut log = LossLog::open(&self.out, &columns, progress.updates)?;
        let config = BatchConfig {
            batch: self.batch,
            size: sizes.size as usize,
            seed: self.seed,
            mixture: self.tasks.clone(),
        };
        let batches = stream(faces, config, progress.updates)?;
        let budget = match self.minutes {
            Some(minutes) => Budget::Time(Duration::from_secs_f64(60.0 * minutes)),
            None => Budget::Updates(self.updates),
        };
        let bar = ProgressBar::new(1000).with_style(ProgressStyle::with_template(
            "{elapsed_precise} {bar:30} {percent}% {msg}",
        )?);
        let mut saved = Instant::now();
        loop {
            let elapsed = Duration::from_secs_f64(progress.seconds);
            let done = budget.progress(progress.updates, elapsed);
            if done >= 1.0 {
                break;
            }
            let started = Instant::now();
            let batch = batches.recv().context("the batch thread ended")?;
            let warm = ((progress.updates + 1) as f64 / WARM_UP).min(1.0);
            let rate = |rate| {
                let power = self.power;
                warm * Annealing { rate, power }.at(done)
            };
            let rates = Rates {
                generator: rate(self.rate),
                discriminator: rate(self.discriminator_rate),
            };
            let losses = trainee.update(&batch.to_device(device), &plan, rates, progress.updates);
            progress.updates += 1;
            progress.pictures += self.batch as u64;
            progress.seconds += started.elapsed().as_secs_f64();
            if progress.updates.is_multiple_of(LOG_EVERY) {
                let total = finite(&losses[0], progress.updates)?;
                let mut row: Vec<f32> = losses
                    .iter()
                    .map(|loss| loss.double_value(&[]) as f32)
                    .collect();
                row.push(rates.generator as f32);
                log.record(progress.updates, &row)?;
                bar.set_position((1000.0 * done) as u64);
                bar.set_message(format!(
                    "update {} loss {total:.4} {:.3} s/update",
                    progress.updates,
                    progress.seconds / progress.updates as f64
                ));
            }
            if saved.elapsed().as_secs_f64() > 60.0 * self.checkpoint_minutes {
                trainee.save(&path, &progress)?;
                saved = Instant::now();
            }
        }
        trainee.save(&path, &progress)?;
        bar.finish();
        println!("{} after {} updates", path.display(), progress.updates);
        Ok(())
    }

    /// A fresh run, or the one in the folder.
    fn start(
        &self,
        path: &std::path::Path,
        trainee: &mut Trainee,
        sizes: &ViewGeneratorConfig,
    ) -> Result<Progress> {
        if self.resume {
            let checkpoint = Checkpoint::open(path)?;
            trainee.restore(&checkpoint, path)?;
            return Ok(checkpoint.progress);
        }
        ensure!(
            !path.exists(),
            "'{}' is there already: go on with --resume, or choose another --out",
            path.display()
        );
        Ok(Progress {
            view_generator: sizes.clone(),
            updates: 0,
            pictures: 0,
            seconds: 0.0,
        })
    }
}
