//! `mde-train points train`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tch::Tensor;

use super::DataArgs;
use crate::commands::DeviceArg;
use crate::data::Split;
use crate::points::batches::stream;
use crate::points::checkpoint::{Checkpoint, Progress, Trainee};
use crate::report::LossLog;
use crate::training::schedule::{Annealing, Budget};

/// Trains the net; interrupt it at any time and go on with --resume.
#[derive(Args, Debug)]
pub struct Train {
    #[command(flatten)]
    data: DataArgs,
    /// Folder of the checkpoint and the loss log.
    #[arg(long)]
    out: PathBuf,
    /// Go on from the checkpoint in --out.
    #[arg(long)]
    resume: bool,
    /// Length of the run in updates.
    #[arg(long, default_value_t = 20_000, conflicts_with = "minutes")]
    updates: u64,
    /// Length of the run in minutes of training time.
    #[arg(long)]
    minutes: Option<f64>,
    /// Samples a batch.
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Learning rate at the start; it falls to zero.
    #[arg(long, default_value_t = 1.5e-3)]
    rate: f64,
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
const CHECKPOINT: &str = "points.safetensors";
/// Updates between rows of the loss log.
const LOG_EVERY: u64 = 50;

impl Train {
    /// Trains to the end of the budget.
    pub fn run(&self) -> Result<()> {
        let device = self.device.device()?;
        tch::manual_seed(self.seed as i64);
        let path = self.out.join(CHECKPOINT);
        let mut trainee = Trainee::new(device);
        let mut progress = self.start(&path, &mut trainee)?;
        let faces = Arc::new(self.data.faces(Split::Train)?);
        println!("{} faces", faces.len());
        let columns = ["total", "points", "visibility", "score", "rate"];
        let mut log = LossLog::open(&self.out, &columns, progress.point_net_updates)?;
        let batches = stream(faces, self.batch, self.seed, progress.point_net_updates)?;
        let budget = match self.minutes {
            Some(minutes) => Budget::Time(Duration::from_secs_f64(60.0 * minutes)),
            None => Budget::Updates(self.updates),
        };
        let annealing = Annealing {
            rate: self.rate,
            power: 1.0,
        };
        let bar = ProgressBar::new(1000).with_style(ProgressStyle::with_template(
            "{elapsed_precise} {bar:30} {percent}% {msg}",
        )?);
        let mut saved = Instant::now();
        loop {
            let elapsed = Duration::from_secs_f64(progress.seconds);
            let done = budget.progress(progress.point_net_updates, elapsed);
            if done >= 1.0 {
                break;
            }
            let started = Instant::now();
            let batch = batches.recv().context("the batch thread ended")?;
            let rate = annealing.at(done);
            let losses = trainee.update(&batch.to_device(device), rate);
            progress.point_net_updates += 1;
            progress.seconds += started.elapsed().as_secs_f64();
            if progress.point_net_updates.is_multiple_of(LOG_EVERY) {
                let value = |t: &Tensor| t.double_value(&[]) as f32;
                let total = value(&losses.total);
                ensure!(
                    total.is_finite(),
                    "the loss is {total} at update {}: lower --rate; the checkpoint is from before",
                    progress.point_net_updates
                );
                let parts = [&losses.points, &losses.visibility, &losses.score].map(value);
                let row = [&[total], &parts[..], &[rate as f32]].concat();
                log.record(progress.point_net_updates, &row)?;
                bar.set_position((1000.0 * done) as u64);
                bar.set_message(format!(
                    "update {} loss {total:.4} {:.3} s/update",
                    progress.point_net_updates,
                    progress.seconds / progress.point_net_updates as f64
                ));
            }
            if saved.elapsed().as_secs_f64() > 60.0 * self.checkpoint_minutes {
                trainee.save(&path, &progress)?;
                saved = Instant::now();
            }
        }
        trainee.save(&path, &progress)?;
        bar.finish();
        println!(
            "{} after {} updates",
            path.display(),
            progress.point_net_updates
        );
        Ok(())
    }

    /// A fresh run, or the one in the folder.
    fn start(&self, path: &std::path::Path, trainee: &mut Trainee) -> Result<Progress> {
        if self.resume {
            let checkpoint = Checkpoint::open(path)?;
            checkpoint.restore(path, trainee)?;
            return Ok(checkpoint.progress);
        }
        ensure!(
            !path.exists(),
            "'{}' is there already: go on with --resume, or choose another --out",
            path.display()
        );
        Ok(Progress {
            point_net_updates: 0,
            seconds: 0.0,
            batch: self.batch,
            seed: self.seed,
        })
    }
}
