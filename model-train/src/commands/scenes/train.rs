//! `mde-train scenes train`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::Pictures;
use crate::commands::objective::file_name;
use crate::commands::run::RunArgs;
use crate::data::Split;
use crate::network::parameters::Precision;
use crate::network::perceptual;
use crate::scenes::batches::{BatchPlan, PICTURE, stream};
use crate::scenes::trainee::{SceneLesson, SceneSubject, fresh};
use crate::training::mixture::Mixture;
use crate::training::options::RunOptions;
use crate::training::schedule::{Budget, Schedule};
use crate::training::single::Single;

/// Trains the generator, for 40000 updates where no length is given; interrupt it at any time and
/// go on with --resume.
#[derive(Args, Debug)]
pub struct Train {
    #[command(flatten)]
    pictures: Pictures,
    #[command(flatten)]
    run: RunArgs,
    /// Samples a batch.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Learning rate at the start; it falls to zero.
    #[arg(long, default_value_t = 1e-3)]
    rate: f64,
    /// Tasks, as those of `mde-train train`.
    #[arg(long, default_value = "Col-1=60,Col-2=15,strokes=15,block=5,REC:0.3=5")]
    tasks: Mixture,
    /// Weight of the perceptual loss, with --perceptual-network.
    #[arg(long, default_value_t = 0.02)]
    perceptual: f64,
    /// Weights of the network whose features the perceptual loss compares, a safetensors file.
    #[arg(long, value_name = "FILE")]
    perceptual_network: Option<PathBuf>,
    /// Arithmetic; by default bf16 where the device has instructions for it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
}

/// Name of the checkpoint in the run's folder.
const CHECKPOINT: &str = "scenes.safetensors";
/// Updates where no length is given.
const UPDATES: u64 = 40_000;
const SCHEDULE: Schedule = Schedule {
    power: 1.0,
    warm_up: 100,
};

impl Train {
    /// Trains to the end of the budget.
    pub fn run(&self) -> Result<()> {
        let device = self.run.device()?;
        let precision = self
            .precision
            .unwrap_or_else(|| Precision::fastest_on(device));
        let path = self.run.out.join(CHECKPOINT);
        let start = self.run.start(&path, self.options(), || {
            Ok(SceneSubject {
                scenes: self.tasks.to_string(),
            })
        })?;
        let mut net = fresh(device, precision);
        let mut made = start.record.made;
        if let Some(checkpoint) = start.earlier {
            checkpoint.restore(&path, &mut net, made.updates)?;
        }
        let perceptual = match &self.perceptual_network {
            Some(file) => Some((
                perceptual::open(file, device, precision.kind())?,
                self.perceptual,
            )),
            None => None,
        };
        let dataset = self.pictures.open(Split::Train, PICTURE)?;
        println!(
            "{} parameters, {precision}; {} pictures",
            net.store.count(),
            dataset.len()
        );
        let plan = BatchPlan {
            size: self.batch,
            seed: self.run.seed,
            tasks: self.tasks.clone(),
        };
        let batches = stream(dataset, plan, made.updates)?;
        let mut trainee = Single {
            lesson: SceneLesson { perceptual },
            net,
            rate: self.rate,
            record: start.record,
            path,
        };
        let run = self.run.run(Budget::Updates(UPDATES), SCHEDULE);
        run.to_end(&mut trainee, &batches, &mut made)?;
        println!("{} after {} updates", trainee.path.display(), made.updates);
        Ok(())
    }

    fn options(&self) -> RunOptions {
        RunOptions::default()
            .with("batch", self.batch)
            .with("rate", self.rate)
            .with("tasks", &self.tasks)
            .with("perceptual", self.perceptual)
            .with_maybe("perceptual-network", file_name(&self.perceptual_network))
    }
}
