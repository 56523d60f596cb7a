//! `mde-train train`: trains a generator.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::Args;

use super::objective::{ObjectiveArgs, name_of, number};
use super::run::{RunArgs, Start};
use crate::data::{CropRule, Dataset, DatasetOptions, Split};
use crate::evaluation::{Model, all_tasks, write_grid};
use crate::network::config::{DiscriminatorNorm, GeneratorConfig, Preset};
use crate::network::parameters::Precision;
use crate::training::average::Average;
use crate::training::batches::{BatchConfig, stream};
use crate::training::checkpoint::{self, Opponent, Subject};
use crate::training::loss::Objective;
use crate::training::mixture::Mixture;
use crate::training::optimizer::AdamConfig;
use crate::training::options::RunOptions;
use crate::training::pretrained::Pretrained;
use crate::training::schedule::{Budget, Schedule};
use crate::training::state::Record;
use crate::training::step::{GeneratorTrainee, GeneratorTraining, Rates};

/// Trains a generator, for 300000 updates where no length is given; interrupt it at any time and
/// go on with --resume.
#[derive(Args, Debug)]
pub struct Train {
    /// A folder with sub-folders train and val, a folder of pictures or tar shards, or one tar.
    #[arg(long)]
    data: PathBuf,
    #[command(flatten)]
    run: RunArgs,
    /// Start with the weights of a checkpoint or of a model of `mde-train export`. The generator
    /// then has the sizes and inputs of that one.
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["resume", "preset", "no_mask_input", "mirror_input"])]
    init_from: Option<PathBuf>,
    /// Defaults for the options that you do not give.
    #[arg(long, value_enum, default_value = "plain")]
    recipe: DefaultsOf,
    /// Size of the generator, by default half, or paper in the paper's recipe.
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Do not give the mask to the network, as in the paper's recipe.
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
    /// Which part of a picture is kept.
    #[arg(long, value_enum, default_value = "celeba")]
    crop: CropRule,
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
}

/// Updates where no length is given.
const UPDATES: u64 = 300_000;

/// A named set of defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum DefaultsOf {
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
        let device = self.run.device()?;
        let path = self.run.out.join(CHECKPOINT);
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        println!("computes in {precision}");
        let objective = self.objective.objective(device, precision)?;
        let pretrained = self
            .init_from
            .as_deref()
            .map(Pretrained::open)
            .transpose()?;
        let mut start = self.run.start(&path, self.options(), || {
            Ok(self.subject(pretrained.as_ref()))
        })?;
        self.check_sizes(&start.record.subject.generator, &path)?;
        let mut training = self.training(device, precision, &path, &objective, &mut start)?;
        if let Some(pretrained) = &pretrained {
            pretrained.restore(&training.generator.store)?;
        }
        let Start { record, earlier } = start;
        if let Some(checkpoint) = earlier {
            checkpoint.restore_all(&path, &mut training)?;
        }
        let size = record.subject.generator.size as usize;
        let dataset = Arc::new(self.dataset(Split::Train, size)?);
        let validation = self.dataset(Split::Val, size)?;
        println!(
            "{} pictures, {} broken ones left out",
            dataset.len(),
            dataset.broken().len()
        );
        let config = BatchConfig {
            batch: self.batch,
            seed: self.run.seed,
            mixture: self.tasks.clone(),
            flips: true,
        };
        let mut made = record.made;
        let batches = stream(dataset, config, made.updates)?;
        let mut trainee = GeneratorTrainee {
            training: &mut training,
            objective: &objective,
            rates: Rates {
                generator: self.rate,
                discriminator: self.discriminator_rate,
            },
            adopt: pretrained.is_some_and(|p| !p.has_statistics),
            save: &|training, made| {
                let record = Record {
                    made,
                    ..record.clone()
                };
                self.save(&path, &record, training, &validation)
            },
        };
        let schedule = Schedule {
            power: self.power,
            warm_up: 0,
        };
        let run = self.run.run(Budget::Updates(UPDATES), schedule);
        run.to_end(&mut trainee, &batches, &mut made)?;
        println!("{} after {} updates", path.display(), made.updates);
        Ok(())
    }

    /// What the weights hang on, beside the seed.
    fn options(&self) -> RunOptions {
        RunOptions::default()
            .with("batch", self.batch)
            .with("tasks", &self.tasks)
            .with("crop", name_of(self.crop))
            .with("rate", self.rate)
            .with("discriminator-rate", self.discriminator_rate)
            .with("power", self.power)
            .with("momentum", self.momentum)
            .with("second-momentum", self.second_momentum)
            .with_maybe("clip", self.clip)
            .with_maybe("ema", self.ema)
            .and(self.objective.options())
    }

    fn dataset(&self, split: Split, size: usize) -> Result<Dataset> {
        let (root, cache) = (self.data.clone(), self.cache.clone());
        Ok(Dataset::open(&DatasetOptions {
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
        record: &Record<Subject>,
        training: &GeneratorTraining,
        validation: &Dataset,
    ) -> Result<()> {
        checkpoint::save(path, record, training)?;
        let name = format!("grid-{:07}.png", record.made.updates);
        let model = match &training.average {
            Some(average) => Model {
                store: &average.store,
                generator: &average.generator,
            },
            None => Model {
                store: &training.generator.store,
                generator: &training.generator.network,
            },
        };
        write_grid(&self.run.out.join(name), &model, validation, &all_tasks())
    }

    /// The networks of a run with freshly drawn weights; an opponent or an average that comes in
    /// now is recorded.
    fn training(
        &self,
        device: tch::Device,
        precision: Precision,
        path: &Path,
        objective: &Objective,
        start: &mut Start<Subject>,
    ) -> Result<GeneratorTraining> {
        let updates = start.record.made.updates;
        let subject = &mut start.record.subject;
        let adam = AdamConfig {
            beta1: self.momentum,
            beta2: self.second_momentum,
            clip: self.clip,
            ..AdamConfig::default()
        };
        let mut training = GeneratorTraining::new(device, precision, &subject.generator, adam);
        if let Some(adversarial) = &objective.adversarial {
            let width = subject.generator.width;
            let opponent = subject.discriminator.get_or_insert_with(|| Opponent {
                config: self.objective.discriminator(width),
                since: updates,
            });
            ensure!(
                opponent.config == self.objective.discriminator(width),
                "the run in '{}' has another discriminator, {:?}: --discriminator, \
                 --no-coordinates and --discriminator-norm cannot change",
                path.display(),
                opponent.config
            );
            ensure!(
                adversarial.r1 == 0.0 || opponent.config.norm != DiscriminatorNorm::Batch,
                "--r1 needs a discriminator with --discriminator-norm spectral or none: under \
                 batch normalisation a picture's verdict hangs on the others', and its gradient \
                 is not what R1 bounds"
            );
            training.oppose(&opponent.config, adam);
        }
        ensure!(
            subject.discriminator.is_some() == training.adversary.is_some(),
            "the run in '{}' has a discriminator: resume it with --adversarial or \
             --hide-and-seek as before",
            path.display()
        );
        if let Some(decay) = self.ema {
            subject.average_since.get_or_insert(updates);
            let average = Average::new(&training.generator.store, &subject.generator, decay);
            training.average = Some(average);
        }
        ensure!(
            subject.average_since.is_some() == training.average.is_some(),
            "the run in '{}' keeps an average: resume it with --ema as before",
            path.display()
        );
        Ok(training)
    }

    /// What a fresh run is of.
    fn subject(&self, pretrained: Option<&Pretrained>) -> Subject {
        Subject {
            generator: pretrained.map_or_else(|| self.sizes(), |p| p.config.clone()),
            discriminator: None,
            average_since: None,
        }
    }

    /// Sizes of a fresh generator.
    fn sizes(&self) -> GeneratorConfig {
        let preset = self.preset.unwrap_or(match self.recipe {
            DefaultsOf::Plain => Preset::Half,
            DefaultsOf::Paper => Preset::Paper,
        });
        GeneratorConfig {
            mask_input: !self.no_mask_input,
            mirror_input: self.mirror_input,
            ..preset.config()
        }
    }

    /// Whether the run at `path` has the sizes and inputs that are asked for, where they are.
    fn check_sizes(&self, found: &GeneratorConfig, path: &Path) -> Result<()> {
        let sizes = |c: &GeneratorConfig| (c.size, c.width, c.bottleneck);
        ensure!(
            self.preset
                .is_none_or(|p| sizes(&p.config()) == sizes(found)),
            "the run in '{}' has a generator of {} pixels, {} channels and a bottleneck of {}, \
             not those of --preset: leave it out",
            path.display(),
            found.size,
            found.width,
            found.bottleneck
        );
        ensure!(
            !self.mirror_input || found.mirror_input,
            "the run in '{}' has a generator without --mirror-input: leave it out",
            path.display()
        );
        Ok(())
    }
}
