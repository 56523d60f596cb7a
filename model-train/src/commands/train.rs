//! `mde-train train`: trains a generator.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::DeviceArg;
use super::objective::{ObjectiveArgs, number};
use crate::data::{CropRule, Dataset, Options, Split};
use crate::evaluation::{Model, all_tasks, write_grid};
use crate::network::config::{DiscriminatorNorm, GeneratorConfig, Preset};
use crate::network::parameters::Precision;
use crate::training::average::Average;
use crate::training::batches::BatchConfig;
use crate::training::checkpoint::{self, Checkpoint, DiscriminatorProgress, Progress};
use crate::training::loss::Objective;
use crate::training::mixture::Mixture;
use crate::training::optimizer::AdamConfig;
use crate::training::pretrained::Pretrained;
use crate::training::run::{BAR, Run};
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
    /// Begin with the weights of a checkpoint or of a model of `mde-train export`, whose sizes and
    /// inputs the generator then has.
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["resume", "preset", "no_mask_input", "mirror_input"])]
    init_from: Option<PathBuf>,
    /// Where options that are not given take their values from.
    #[arg(long, value_enum, default_value = "plain")]
    recipe: Recipe,
    /// Size of the generator, by default half, or paper in the paper's recipe.
    #[arg(long, value_enum, default_value = "half")]
    #[arg(default_value_if("recipe", "paper", "paper"))]
    preset: Preset,
    /// Do not give the mask to the network; so it is in the paper's recipe.
    #[arg(long, default_value_if("recipe", "paper", "true"))]
    no_mask_input: bool,
    /// Give the mirrored picture and mask to the network as well.
    #[arg(long)]
    mirror_input: bool,
    /// Tasks: 'faces', or TASK=WEIGHT,... with I:S, RI:S, RE:S, REC:S, Col-1, Col-2, block,
    /// strokes, or an occlusion with ~JITTER pixels. REC:0.1 in the paper's recipe.
    #[arg(
        long,
        default_value = "faces",
        default_value_if("recipe", "paper", "REC:0.1")
    )]
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
    /// Learning rate of the discriminator at the start.
    #[arg(long, default_value_t = 2e-5)]
    discriminator_rate: f64,
    /// Exponent of the polynomial annealing.
    #[arg(long, default_value_t = 0.9)]
    power: f64,
    /// Adam's decay of the first moment.
    #[arg(long, default_value_t = 0.5)]
    momentum: f64,
    /// Adam's decay of the second moment.
    #[arg(long, default_value_t = 0.999)]
    second_momentum: f64,
    /// Largest Euclidean length of a network's gradient; longer ones are scaled down to it.
    #[arg(long, value_name = "LENGTH", value_parser = clip_length)]
    clip: Option<f64>,
    /// Keep an average of the generator's weights that is left with DECAY of its old values at
    /// each update; eval and export take it.
    #[arg(long, value_name = "DECAY", value_parser = decay)]
    ema: Option<f64>,
    #[command(flatten)]
    objective: ObjectiveArgs,
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

/// What a run begins with.
struct Start {
    trainee: Trainee,
    progress: Progress,
    /// Whether the weights come without statistics, and are to take those of the first batch.
    adopt: bool,
}

/// A named set of defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Recipe {
    /// Pixel losses alone, on the mask as well, tasks 'faces', preset half.
    Plain,
    /// The paper's: equation 9 with its weights on REC:0.1, no mask as input, preset paper. Needs
    /// --perceptual-network.
    Paper,
}

/// What --clip takes.
fn clip_length(text: &str) -> Result<f64, String> {
    number(text, "a positive number", |v| v > 0.0 && v.is_finite())
}

/// What --ema takes.
fn decay(text: &str) -> Result<f64, String> {
    number(text, "a number in [0, 1)", |v| (0.0..1.0).contains(&v))
}

/// Name of the checkpoint in the run's folder.
const CHECKPOINT: &str = "checkpoint.safetensors";

impl Train {
    /// Trains to the end of the budget.
    pub fn run(&self) -> Result<()> {
        let device = self.device.device()?;
        tch::manual_seed(self.seed as i64);
        let path = self.out.join(CHECKPOINT);
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        println!("computes in {precision}");
        let objective = self.objective.objective(device, precision)?;
        let Start {
            mut trainee,
            mut progress,
            adopt,
        } = self.start(device, precision, &path, &objective)?;
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
        let annealing = |rate| Annealing {
            rate,
            power: self.power,
        };
        let run = Run {
            out: &self.out,
            objective: &objective,
            batches: BatchConfig {
                batch: self.batch,
                seed: self.seed,
                mixture: self.tasks.clone(),
                flips: true,
            },
            budget: match self.minutes {
                Some(minutes) => Budget::Time(Duration::from_secs_f64(60.0 * minutes)),
                None => Budget::Updates(self.updates),
            },
            generator_rate: annealing(self.rate),
            discriminator_rate: annealing(self.discriminator_rate),
            adopt,
            checkpoint_every: Duration::from_secs_f64(60.0 * self.checkpoint_minutes),
            bar: ProgressBar::new(BAR).with_style(ProgressStyle::with_template(
                "{elapsed_precise} {bar:30} {percent}% {msg}",
            )?),
        };
        run.to_end(dataset, &mut trainee, &mut progress, |trainee, progress| {
            self.save(&path, progress, trainee, &validation)
        })?;
        run.bar.finish();
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
        checkpoint::save(path, progress, trainee)?;
        let grid = self.out.join(format!("grid-{:07}.png", progress.updates));
        let model = match &trainee.average {
            Some(average) => Model {
                store: &average.store,
                generator: &average.generator,
            },
            None => Model {
                store: &trainee.store,
                generator: &trainee.generator,
            },
        };
        write_grid(&grid, &model, validation, &all_tasks())
    }

    /// A fresh run, or the one in the folder.
    fn start(
        &self,
        device: tch::Device,
        precision: Precision,
        path: &Path,
        objective: &Objective,
    ) -> Result<Start> {
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
        let pretrained = self
            .init_from
            .as_deref()
            .map(Pretrained::open)
            .transpose()?;
        let mut progress = earlier.as_ref().map_or_else(
            || self.fresh(pretrained.as_ref()),
            |checkpoint| checkpoint.progress.clone(),
        );
        let adam = AdamConfig {
            beta1: self.momentum,
            beta2: self.second_momentum,
            clip: self.clip,
            ..AdamConfig::default()
        };
        let mut trainee = Trainee::new(device, precision, &progress.generator, adam);
        if let Some(adversarial) = &objective.adversarial {
            let (updates, width) = (progress.updates, progress.generator.width);
            let discriminator = progress.discriminator.get_or_insert_with(|| {
                let config = self.objective.discriminator(width);
                DiscriminatorProgress {
                    config,
                    since: updates,
                }
            });
            ensure!(
                adversarial.r1 == 0.0 || discriminator.config.norm != DiscriminatorNorm::Batch,
                "--r1 needs a discriminator with --discriminator-norm spectral or none: under \
                 batch normalisation a picture's verdict hangs on the others', and its gradient \
                 is not what R1 bounds"
            );
            trainee.oppose(&discriminator.config, adam);
        }
        ensure!(
            progress.discriminator.is_some() == trainee.adversary.is_some(),
            "the run in '{}' has a discriminator: resume it with --adversarial or \
             --hide-and-seek as before",
            path.display()
        );
        if let Some(decay) = self.ema {
            progress.average_since.get_or_insert(progress.updates);
            trainee.average = Some(Average::new(&trainee.store, &progress.generator, decay));
        }
        ensure!(
            progress.average_since.is_some() == trainee.average.is_some(),
            "the run in '{}' keeps an average: resume it with --ema as before",
            path.display()
        );
        if let Some(pretrained) = &pretrained {
            pretrained.restore(&trainee.store)?;
        }
        if let Some(checkpoint) = earlier {
            checkpoint.restore(path, &mut trainee)?;
        }
        let adopt = pretrained.is_some_and(|p| !p.has_statistics);
        Ok(Start {
            trainee,
            progress,
            adopt,
        })
    }

    /// A run that has made no update.
    fn fresh(&self, pretrained: Option<&Pretrained>) -> Progress {
        let of_options = || GeneratorConfig {
            mask_input: !self.no_mask_input,
            mirror_input: self.mirror_input,
            ..self.preset.config()
        };
        let generator = pretrained.map_or_else(of_options, |p| p.config.clone());
        Progress {
            generator,
            updates: 0,
            seconds: 0.0,
            batch: self.batch,
            seed: self.seed,
            tasks: self.tasks.to_string(),
            discriminator: None,
            average_since: None,
        }
    }
}
