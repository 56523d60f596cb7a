//! `mde-train views train`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::Args;

use super::TASKS;
use crate::commands::objective::file_name;
use crate::commands::opponent::OpponentArgs;
use crate::commands::run::RunArgs;
use crate::data::Split;
use crate::network::config::ViewPreset;
use crate::network::parameters::Precision;
use crate::network::perceptual;
use crate::network::view_generator::ViewGenerator;
use crate::training::mixture::Mixture;
use crate::training::opposed::{Opposed, Training};
use crate::training::options::RunOptions;
use crate::training::schedule::{Budget, Schedule};
use crate::views::batches::{ViewBatchConfig, stream};
use crate::views::faces::FaceData;
use crate::views::loss::Weights;
use crate::views::trainee::{ViewLesson, ViewSubject};

/// Trains the generator, for 200000 updates where no length is given; interrupt it at any time and
/// go on with --resume.
#[derive(Args, Debug)]
pub struct Train {
    #[command(flatten)]
    faces: FaceData,
    #[command(flatten)]
    run: RunArgs,
    /// Size of the generator.
    #[arg(long, value_enum, default_value = "embedded")]
    preset: ViewPreset,
    /// Pictures a batch.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Learning rate at the start; it falls to zero.
    #[arg(long, default_value_t = 4e-4)]
    rate: f64,
    /// Exponent of the polynomial annealing.
    #[arg(long, default_value_t = 0.9)]
    power: f64,
    /// Tasks, as those of `mde-train train`.
    #[arg(long, default_value = TASKS)]
    tasks: Mixture,
    /// Share of pictures without a view, from 0 to 1.
    #[arg(long, default_value_t = 0.4)]
    without_view: f64,
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    opponent: OpponentArgs,
    /// Weights of the network whose features the perceptual loss compares, a safetensors file.
    #[arg(long)]
    perceptual_network: Option<PathBuf>,
    /// A model of `mde-train views export` (`*.onnx`) whose weights the run begins with, or the
    /// checkpoint of another run, of which the opponent is taken over as well.
    #[arg(long)]
    init_from: Option<PathBuf>,
    /// Arithmetic; by default bf16 where the device has instructions for it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
}

/// Name of the checkpoint in the run's folder.
const CHECKPOINT: &str = "views.safetensors";
/// Updates where no length is given.
const UPDATES: u64 = 200_000;
/// Updates over which learning rates rise.
const WARM_UP: u64 = 300;

impl Train {
    /// Trains to the end of the budget.
    pub fn run(&self) -> Result<()> {
        let device = self.run.device()?;
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        println!("computes in {precision}");
        let path = self.run.out.join(CHECKPOINT);
        let sizes = self.preset.config();
        let start = self.run.start(&path, self.options(), || {
            Ok(ViewSubject {
                view_generator: sizes.clone(),
                pictures: 0,
            })
        })?;
        let found = &start.record.subject.view_generator;
        ensure!(
            *found == sizes,
            "the run in '{}' has a generator of another --preset, {found:?}",
            path.display()
        );
        let mut training = Training::new(device, precision, &self.opponent.config(), |store| {
            ViewGenerator::new(store, &sizes)
        });
        let init_from = self.init_from.as_deref();
        training.begin(
            start.earlier.as_ref(),
            &path,
            init_from,
            ViewGenerator::imported,
        )?;
        let lesson = ViewLesson {
            weights: self.weights,
            perceptual: match &self.perceptual_network {
                Some(file) => Some(perceptual::open(file, device, precision.kind())?),
                None => None,
            },
        };
        let faces = Arc::new(self.faces.open(Split::Train)?);
        let (stills, of_clips) = faces.len();
        println!("{stills} stills, {of_clips} pictures of clips");
        let config = ViewBatchConfig {
            batch: self.batch,
            size: sizes.size as usize,
            seed: self.run.seed,
            mixture: self.tasks.clone(),
            without_view: self.without_view,
        };
        let mut made = start.record.made;
        let batches = stream(faces, config, made.updates)?;
        let schedule = Schedule {
            power: self.power,
            warm_up: WARM_UP,
        };
        let mut trainee = Opposed {
            lesson,
            training,
            plan: self.opponent.plan(self.rate),
            record: start.record,
            path,
        };
        let run = self.run.run(Budget::Updates(UPDATES), schedule);
        run.to_end(&mut trainee, &batches, &mut made)?;
        println!("{} after {} updates", trainee.path.display(), made.updates);
        Ok(())
    }

    /// What the weights hang on, beside sizes and seed.
    fn options(&self) -> RunOptions {
        RunOptions::default()
            .with("batch", self.batch)
            .with("tasks", &self.tasks)
            .with("without-view", self.without_view)
            .with("rate", self.rate)
            .with("power", self.power)
            .with_maybe("perceptual-network", file_name(&self.perceptual_network))
            .with_maybe("init-from", file_name(&self.init_from))
            .and(self.weights.options())
            .and(self.opponent.options())
    }
}
