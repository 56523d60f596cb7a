//! `mde-train features`: trains the face network.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::DeviceArg;
use crate::data::{CropRule, Dataset, Layout, Options, Split};
use crate::features::{Faces, Recipe, Scores, Trainee};
use crate::files::write_aside;
use crate::network::face::FaceConfig;
use crate::network::parameters::Precision;
use crate::network::perceptual;
use crate::training::run::BAR;
use crate::training::schedule::{Annealing, Budget};

/// Trains a VGG-like classifier of CelebA's persons and attributes: face.safetensors in --out,
/// which `mde-train experiment` takes for the inception score and `mde-train train` for the
/// perceptual loss.
#[derive(Args, Debug)]
pub struct Features {
    /// CelebA as published, or its tar crops, with the lists of attributes and identities.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the network, its checkpoint and its scores.
    #[arg(long)]
    out: PathBuf,
    /// Go on from the checkpoint in --out.
    #[arg(long)]
    resume: bool,
    /// Length of the training in minutes.
    #[arg(long, default_value_t = 25.0)]
    minutes: f64,
    /// Length of the training in updates.
    #[arg(long, conflicts_with = "minutes")]
    updates: Option<u64>,
    /// Pictures a batch.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Learning rate at the start.
    #[arg(long, default_value_t = 1e-3)]
    rate: f64,
    /// Channels of the first block.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(i64).range(1..))]
    width: i64,
    /// Side of the pictures in pixels, a multiple of 32.
    #[arg(long, default_value_t = 96, value_parser = side)]
    size: i64,
    /// Arithmetic; by default bf16 where the device has instructions for it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Seed of weights, order and flips.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Minutes between checkpoints.
    #[arg(long, default_value_t = 3.0)]
    checkpoint_minutes: f64,
}

/// What --size takes.
fn side(text: &str) -> Result<i64, String> {
    let side = text.parse().ok().filter(|v| *v >= 32 && v % 32 == 0);
    side.ok_or_else(|| "expected a multiple of 32".to_owned())
}

impl Features {
    /// Trains, writes the network and scores it.
    pub fn run(&self) -> Result<()> {
        let device = self.device.device()?;
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        tch::manual_seed(self.seed as i64);
        let checkpoint = self.out.join("checkpoint.safetensors");
        ensure!(
            self.resume || !checkpoint.exists(),
            "'{}' is there already: go on with --resume, or choose another --out",
            checkpoint.display()
        );
        let train = self.faces(Split::Train)?;
        let other = self.faces(Layout::of(&self.data)?.evaluated())?;
        let (indices, held) = train.split()?;
        println!(
            "{} pictures of {} persons, {} held out; computes in {precision}",
            indices.len(),
            train.persons,
            held.len()
        );
        let config = FaceConfig {
            size: self.size,
            width: self.width,
            identities: train.persons as i64,
            attributes: train.attributes.len() as i64,
        };
        let mut trainee = Trainee::new(device, precision, config);
        if self.resume {
            trainee.restore(&checkpoint)?;
        }
        fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot create the folder '{}'", self.out.display()))?;
        let recipe = Recipe {
            batch: self.batch,
            seed: self.seed,
            budget: match self.updates {
                Some(updates) => Budget::Updates(updates),
                None => Budget::Time(Duration::from_secs_f64(60.0 * self.minutes)),
            },
            rate: Annealing {
                rate: self.rate,
                power: 0.9,
            },
            checkpoint_every: Duration::from_secs_f64(60.0 * self.checkpoint_minutes),
            bar: ProgressBar::new(BAR).with_style(ProgressStyle::with_template(
                "{elapsed_precise} {bar:30} {percent}% {msg}",
            )?),
        };
        trainee.train(&train, &indices, &recipe, &checkpoint)?;
        recipe.bar.finish();
        let path = self.out.join("face.safetensors");
        trainee.export(&path)?;
        println!("{} after {} updates", path.display(), trainee.updates);
        let face = perceptual::open_face(&path, tch::Device::Cpu)?;
        let scores = Scores::of(&face, &train, &held, &other)?;
        let report = serde_json::json!({
            "updates": trainee.updates,
            "minutes": trainee.seconds / 60.0,
            "network": face.config,
            "scores": scores,
        });
        let path = self.out.join("features.json");
        write_aside(&path, |aside| -> Result<()> {
            Ok(fs::write(aside, serde_json::to_string_pretty(&report)?)?)
        })
        .with_context(|| format!("cannot write '{}'", path.display()))?;
        println!(
            "persons, held-out pictures: {:.1} % first, {:.1} % among five (guessed {:.2} %)\n\
             attributes, other persons: {:.2} % right (guessed {:.2} %)\n\
             same person or not, other persons: {:.1} % right (guessed 50 %)",
            scores.identity_top1,
            scores.identity_top5,
            scores.identity_chance,
            scores.attributes,
            scores.attributes_chance,
            scores.verification
        );
        Ok(())
    }

    fn faces(&self, split: Split) -> Result<Faces> {
        let dataset = Dataset::open(&Options {
            root: self.data.clone(),
            split,
            size: self.size as usize,
            crop: CropRule::CelebA,
            cache: self.cache.clone(),
        })?;
        Faces::new(dataset, &self.data)
    }
}
