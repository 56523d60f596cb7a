//! `mde-train experiment`: the paper's experiments.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::DeviceArg;
use crate::experiments::{
    Experiment, ExperimentContext, Length, LossChoice, Set, Settings, TRANSFER_UPDATES, Tools,
};
use crate::network::config::{GeneratorConfig, Preset};
use crate::network::parameters::Precision;
use crate::network::perceptual;

/// Reproduces an experiment of the paper: trains its networks, evaluates them, and writes
/// report.json, report.html and pictures to a sub-folder of --out; interrupt it at any time and go
/// on with --resume.
#[derive(Args, Debug)]
pub struct RunExperiment {
    /// The experiment.
    #[arg(value_enum)]
    name: Experiment,
    /// CelebA: as published, or its tar crops.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the results, one sub-folder an experiment.
    #[arg(long)]
    out: PathBuf,
    /// Continue with the results in --out.
    #[arg(long)]
    resume: bool,
    /// Minutes of training, divided so that each network of the experiment makes the same number of
    /// updates. The evaluation takes more time.
    #[arg(long, value_name = "MINUTES", required_unless_present = "updates")]
    #[arg(value_parser = minutes)]
    budget: Option<f64>,
    /// Updates of each network, instead of --budget.
    #[arg(long, conflicts_with = "budget", value_parser = clap::value_parser!(u64).range(1..))]
    updates: Option<u64>,
    /// Oxford-102, for completion.
    #[arg(long)]
    flowers: Option<PathBuf>,
    /// MNIST, for completion.
    #[arg(long)]
    digits: Option<PathBuf>,
    /// Size of the generators.
    #[arg(long, value_enum, default_value = "small")]
    preset: Preset,
    /// Train with the pixels' losses alone where the experiment does not compare losses, several
    /// times as fast.
    #[arg(long)]
    pixel_losses: bool,
    /// Network of the perceptual loss, as for `mde-train train`.
    #[arg(long, value_name = "FILE")]
    perceptual_network: Option<PathBuf>,
    /// Network of the inception score: face.safetensors of `mde-train features`. Tasks and losses
    /// need it.
    #[arg(long, value_name = "FILE")]
    face_network: Option<PathBuf>,
    /// A Python with the package opencv-python-headless, whose inpainting occlusions sets beside.
    #[arg(long, value_name = "PYTHON")]
    opencv: Option<PathBuf>,
    /// Pictures evaluated, from the first on.
    #[arg(long, default_value_t = 500, value_parser = count)]
    count: usize,
    /// Updates of the longest training of transfer, which also makes a fiftieth, a fifteenth and a
    /// fifth of it; the paper's by default.
    #[arg(long, default_value_t = TRANSFER_UPDATES, value_parser = clap::value_parser!(u64).range(1..))]
    transfer_updates: u64,
    /// Pictures a batch.
    #[arg(long, default_value_t = 24, value_parser = count)]
    batch: usize,
    /// Learning rate of the generators at the start; the paper's 2e-4 is for its 300,000 updates.
    #[arg(long, default_value_t = 1e-3)]
    rate: f64,
    /// Learning rate of the discriminators at the start.
    #[arg(long, default_value_t = 1e-4)]
    discriminator_rate: f64,
    /// Seed of weights, order, flips and masks.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Arithmetic; by default bf16 where the device has instructions for it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
}

/// What --budget takes.
fn minutes(text: &str) -> Result<f64, String> {
    super::objective::number(text, "a positive number of minutes", |v| {
        v > 0.0 && v.is_finite()
    })
}

/// A number from 1 on.
fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|&n| n > 0);
    count.ok_or_else(|| "expected a number from 1 on".to_owned())
}

impl RunExperiment {
    /// Runs the experiment.
    pub fn run(&self) -> Result<()> {
        let context = self.context()?;
        self.name.run(&context)
    }

    fn context(&self) -> Result<ExperimentContext> {
        let device = self.device.device()?;
        let length = match (self.updates, self.budget) {
            (Some(updates), _) => Length::Updates(updates),
            (None, Some(minutes)) => Length::Minutes(minutes),
            (None, None) => unreachable!("the command line has one of them"),
        };
        let losses = if self.pixel_losses {
            LossChoice::PIXEL
        } else {
            LossChoice::all(self.perceptual_network.is_some())
        };
        if self.name == Experiment::Losses {
            ensure!(
                self.perceptual_network.is_some() && !self.pixel_losses,
                "losses compares all losses: give --perceptual-network FILE, and no --pixel-losses"
            );
        }
        let settings = Settings {
            data: self.data_sets()?,
            length,
            generator: GeneratorConfig {
                // As in the paper.
                mask_input: false,
                ..self.preset.config()
            },
            losses,
            batch: self.batch,
            rate: self.rate,
            discriminator_rate: self.discriminator_rate,
            count: self.count,
            transfer_updates: self.transfer_updates,
            seed: self.seed,
        };
        let face = (self.face_network.as_ref()).map(|path| perceptual::open_face(path, device));
        let tools = Tools {
            device,
            precision: self.precision.unwrap_or(Precision::fastest_on(device)),
            perceptual: self.perceptual_network.clone(),
            face: face.transpose()?,
            opencv: self.opencv.clone(),
            cache: self.cache.clone(),
        };
        ExperimentContext::open(self.name.name(), &self.out, settings, tools, self.resume)
    }

    fn data_sets(&self) -> Result<BTreeMap<Set, PathBuf>> {
        let given = [
            (Set::Faces, Some(&self.data)),
            (Set::Flowers, self.flowers.as_ref()),
            (Set::Digits, self.digits.as_ref()),
        ];
        let given = given
            .into_iter()
            .filter_map(|(set, path)| Some((set, path?)));
        given
            .map(|(set, path)| {
                let absolute = std::path::absolute(path)
                    .with_context(|| format!("cannot take '{}'", path.display()))?;
                Ok((set, absolute))
            })
            .collect()
    }
}
