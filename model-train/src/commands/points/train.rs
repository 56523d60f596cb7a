//! `mde-train points train`.

use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::DataArgs;
use crate::commands::run::RunArgs;
use crate::data::Split;
use crate::points::batches::stream;
use crate::points::trainee::{PointLesson, PointSubject, fresh};
use crate::training::options::RunOptions;
use crate::training::schedule::{Budget, Schedule};
use crate::training::single::Single;

/// Trains the net, for 20000 updates where no length is given; interrupt it at any time and go on
/// with --resume.
#[derive(Args, Debug)]
pub struct Train {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    run: RunArgs,
    /// Samples a batch.
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Learning rate at the start; it falls to zero.
    #[arg(long, default_value_t = 1.5e-3)]
    rate: f64,
}

/// Name of the checkpoint in the run's folder.
const CHECKPOINT: &str = "points.safetensors";
/// Updates where no length is given.
const UPDATES: u64 = 20_000;
const SCHEDULE: Schedule = Schedule {
    power: 1.0,
    warm_up: 0,
};

impl Train {
    /// Trains to the end of the budget.
    pub fn run(&self) -> Result<()> {
        let device = self.run.device()?;
        let path = self.run.out.join(CHECKPOINT);
        let options = RunOptions::default()
            .with("batch", self.batch)
            .with("rate", self.rate);
        let start = self.run.start(&path, options, || Ok(PointSubject {}))?;
        let mut net = fresh(device);
        let mut made = start.record.made;
        if let Some(checkpoint) = start.earlier {
            checkpoint.restore(&path, &mut net, made.updates)?;
        }
        let faces = Arc::new(self.data.faces(Split::Train)?);
        println!("{} faces", faces.len());
        let batches = stream(faces, self.batch, self.run.seed, made.updates)?;
        let mut trainee = Single {
            lesson: PointLesson,
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
}
