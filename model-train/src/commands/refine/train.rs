//! `mde-train refine train`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::Args;
use mde_core::refining::{SCALE, STEP};

use super::{FaceArgs, SIDE, TASKS};
use crate::commands::objective::file_name;
use crate::commands::opponent::OpponentArgs;
use crate::commands::run::RunArgs;
use crate::data::Split;
use crate::network::parameters::Precision;
use crate::network::perceptual;
use crate::network::refiner::Refiner;
use crate::refine::batches::{Config, stream};
use crate::refine::loss::Weights;
use crate::refine::trainee::{RefineLesson, RefineSubject};
use crate::training::mixture::Mixture;
use crate::training::opposed::{Opposed, Training};
use crate::training::options::RunOptions;
use crate::training::schedule::{Budget, Schedule};
use crate::views::trainee::pretrained;

/// Trains the refiner, for 20000 updates where no length is given; interrupt it at any time and go on
/// with --resume.
#[derive(Args, Debug)]
pub struct Train {
    #[command(flatten)]
    faces: FaceArgs,
    #[command(flatten)]
    run: RunArgs,
    /// Pictures a batch.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Side in pixels of the windows around holes that it is trained on, a multiple of 32 up to 256.
    #[arg(long, default_value_t = 128)]
    window: usize,
    /// Share of pictures whose holes hold the truth, blurred, and not what the generator painted, from 0
    /// to 1.
    #[arg(long, default_value_t = 0.6)]
    blurred: f64,
    /// Learning rate at the start; it falls to zero.
    #[arg(long, default_value_t = 4e-4)]
    rate: f64,
    /// Exponent of the polynomial annealing.
    #[arg(long, default_value_t = 0.9)]
    power: f64,
    /// Tasks, as those of `mde-train train`.
    #[arg(long, default_value = TASKS)]
    tasks: Mixture,
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    opponent: OpponentArgs,
    /// Weights of the network whose features the perceptual loss compares, a safetensors file.
    #[arg(long)]
    perceptual_network: Option<PathBuf>,
    /// A model of `mde-train refine export` (`*.onnx`) whose weights the run begins with, or the
    /// checkpoint of another run, of which the opponent is taken over as well.
    #[arg(long)]
    init_from: Option<PathBuf>,
    /// Arithmetic; by default bf16 where the device has instructions for it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
}

/// Name of the checkpoint in the run's folder.
const CHECKPOINT: &str = "refine.safetensors";
/// Updates where no length is given.
const UPDATES: u64 = 20_000;
/// Updates over which learning rates rise.
const WARM_UP: u64 = 100;
/// What sides of windows are multiples of: what the opponent takes.
const WINDOW_STEP: usize = 32;

impl Train {
    /// Trains to the end of the budget.
    pub fn run(&self) -> Result<()> {
        const { assert!(WINDOW_STEP.is_multiple_of(STEP)) };
        ensure!(
            self.window > 0
                && self.window.is_multiple_of(WINDOW_STEP)
                && self.window <= SIDE * SCALE,
            "--window {}: expected a multiple of {WINDOW_STEP} up to {}",
            self.window,
            SIDE * SCALE
        );
        let device = self.run.device()?;
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        println!("computes in {precision}");
        let path = self.run.out.join(CHECKPOINT);
        let start = self.run.start(&path, self.options(), || {
            Ok(RefineSubject {
                refines: self.faces.generator.display().to_string(),
                pictures: 0,
            })
        })?;
        let mut training = Training::new(device, precision, &self.opponent.config(), Refiner::new);
        let init_from = self.init_from.as_deref();
        training.begin(start.earlier.as_ref(), &path, init_from, Refiner::imported)?;
        let (_store, generator) = pretrained(&self.faces.generator, device)?;
        let lesson = RefineLesson {
            generator,
            window: self.window as i64,
            weights: self.weights,
            perceptual: match &self.perceptual_network {
                Some(file) => Some(perceptual::open(file, device, precision.kind())?),
                None => None,
            },
        };
        let faces = Arc::new(self.faces.open(Split::Train)?);
        let (of_faces, pictures) = faces.len();
        println!("{pictures} pictures of {of_faces} faces");
        let config = Config {
            batch: self.batch,
            size: SIDE,
            window: self.window,
            seed: self.run.seed,
            mixture: self.tasks.clone(),
            blurred: self.blurred,
        };
        let mut made = start.record.made;
        let batches = stream(faces, config, made.updates)?;
        let mut trainee = Opposed {
            lesson,
            training,
            plan: self.opponent.plan(self.rate),
            record: start.record,
            path,
        };
        let schedule = Schedule {
            power: self.power,
            warm_up: WARM_UP,
        };
        let run = self.run.run(Budget::Updates(UPDATES), schedule);
        run.to_end(&mut trainee, &batches, &mut made)?;
        println!("{} after {} updates", trainee.path.display(), made.updates);
        Ok(())
    }

    /// What the weights hang on, beside the seed.
    fn options(&self) -> RunOptions {
        RunOptions::default()
            .with("batch", self.batch)
            .with("window", self.window)
            .with("tasks", &self.tasks)
            .with("blurred", self.blurred)
            .with("rate", self.rate)
            .with("power", self.power)
            .with_maybe("perceptual-network", file_name(&self.perceptual_network))
            .with_maybe("init-from", file_name(&self.init_from))
            .and(self.weights.options())
            .and(self.opponent.options())
    }
}
