//! Options that all trainings share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use serde::de::DeserializeOwned;
use tch::Device;

use super::DeviceArg;
use super::objective::number;
use crate::training::options::RunOptions;
use crate::training::run::{Made, Run};
use crate::training::schedule::{Budget, Schedule};
use crate::training::state::{Record, State};

/// Where a run is kept, how long it lasts and where it is computed.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Folder of what the run leaves: its checkpoint, the loss log.
    #[arg(long)]
    pub out: PathBuf,
    /// Go on from the checkpoint in --out.
    #[arg(long)]
    resume: bool,
    /// With --resume: go on although options differ from those the run was made with, and record
    /// the new ones.
    #[arg(long, requires = "resume")]
    change: bool,
    /// Length of the run in updates.
    #[arg(long, conflicts_with = "minutes")]
    updates: Option<u64>,
    /// Length of the run in minutes of training time.
    #[arg(long, value_parser = minutes)]
    minutes: Option<f64>,
    /// Minutes between checkpoints.
    #[arg(long, default_value = "8", value_parser = minutes)]
    checkpoint_minutes: f64,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Seed of weights and of all that is drawn.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What a run begins with.
pub struct Start<S> {
    /// What it is, how far it has come, and what it is made with from now on.
    pub record: Record<S>,
    /// The checkpoint it goes on from.
    pub earlier: Option<State<S>>,
}

/// What --minutes and --checkpoint-minutes take.
fn minutes(text: &str) -> Result<f64, String> {
    number(text, "a number from 0 on", |v| (0.0..1e9).contains(&v))
}

fn duration(minutes: f64) -> Duration {
    Duration::from_secs_f64(60.0 * minutes)
}

impl RunArgs {
    /// The device; weights are drawn from the seed from here on.
    ///
    /// # Errors
    /// Where there is no such device.
    pub fn device(&self) -> Result<Device> {
        tch::manual_seed(self.seed as i64);
        self.device.device()
    }

    /// A run that lasts for `default` where no length is given.
    pub fn run(&self, default: Budget, schedule: Schedule) -> Run<'_> {
        let budget = match (self.updates, self.minutes) {
            (Some(updates), _) => Budget::Updates(updates),
            (None, Some(minutes)) => Budget::Time(duration(minutes)),
            (None, None) => default,
        };
        Run {
            out: &self.out,
            budget,
            schedule,
            checkpoint_every: duration(self.checkpoint_minutes),
        }
    }

    /// The run at `path`, where it is to be resumed with `options`, or one of a `fresh` subject.
    ///
    /// # Errors
    /// Where a run is there that is not to be resumed, none is there to be resumed, or it was made
    /// with other options.
    pub fn start<S: Clone + DeserializeOwned>(
        &self,
        path: &Path,
        options: RunOptions,
        fresh: impl FnOnce() -> Result<S>,
    ) -> Result<Start<S>> {
        let options = options.with("seed", self.seed);
        if self.resume {
            let earlier = State::<S>::open(path)?;
            let recorded = &earlier.record.options;
            for word in recorded.go_on(&options, path, self.change)? {
                println!("{word}");
            }
            let record = Record {
                options,
                ..earlier.record.clone()
            };
            return Ok(Start {
                record,
                earlier: Some(earlier),
            });
        }
        ensure!(
            !path.exists(),
            "'{}' is there already: go on with --resume, or choose another --out",
            path.display()
        );
        Ok(Start {
            record: Record {
                subject: fresh()?,
                made: Made::default(),
                options,
            },
            earlier: None,
        })
    }
}
