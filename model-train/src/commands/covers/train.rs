//! `mde-train covers train`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use mde_core::covers::Kind;

use super::DataArgs;
use crate::commands::objective::file_name;
use crate::commands::run::RunArgs;
use crate::covers::batches::stream;
use crate::covers::trainee::{CoverLesson, CoverSubject, exported, fresh, pretrained};
use crate::data::Split;
use crate::network::parameters::Precision;
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
    /// Begin with a trunk of these weights of SqueezeNet, which `convert-squeezenet` writes, not
    /// with freshly drawn ones.
    #[arg(long)]
    trunk: Option<PathBuf>,
    /// Begin with the weights of this model of `mde-train covers export` (`*.onnx`).
    #[arg(long, conflicts_with = "trunk")]
    init_from: Option<PathBuf>,
    /// Samples a batch.
    #[arg(long, default_value_t = 20)]
    batch: usize,
    /// Learning rate at the start; it falls to zero.
    #[arg(long, default_value_t = 6e-4)]
    rate: f64,
    /// Arithmetic; bf16 where the device computes in it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
}

/// Name of the checkpoint in the run's folder.
const CHECKPOINT: &str = "covers.safetensors";
/// Updates where no length is given.
const UPDATES: u64 = 20_000;
const SCHEDULE: Schedule = Schedule {
    power: 1.0,
    warm_up: 100,
};

impl Train {
    /// Trains to the end of the budget.
    pub fn run(&self) -> Result<()> {
        let device = self.run.device()?;
        let path = self.run.out.join(CHECKPOINT);
        let options = RunOptions::default()
            .with("batch", self.batch)
            .with("rate", self.rate)
            .with_maybe("init-from", file_name(&self.init_from));
        let start = self.run.start(&path, options, || {
            Ok(CoverSubject {
                covers: Kind::ALL.map(Kind::name).join(","),
            })
        })?;
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        let mut lesson = CoverLesson::default();
        let mut net = match (&start.earlier, &self.trunk, &self.init_from) {
            (None, Some(path), _) => pretrained(device, precision, path)?,
            (None, None, Some(path)) => {
                lesson.adopts = true.into();
                exported(device, precision, path)?
            }
            _ => fresh(device, precision),
        };
        let mut made = start.record.made;
        if let Some(checkpoint) = start.earlier {
            checkpoint.restore(&path, &mut net, made.updates)?;
        }
        let material = Arc::new(self.data.open(Split::Train)?);
        let [stills, of_clips, parsed, outlined] = material.faces.len();
        println!(
            "{} parameters, {precision}; {stills} stills, {outlined} of them outlined, {of_clips} \
             pictures of clips, {parsed} parsed faces",
            net.store.count()
        );
        let batches = stream(material, self.batch, self.run.seed, made.updates)?;
        let mut trainee = Single {
            lesson,
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
