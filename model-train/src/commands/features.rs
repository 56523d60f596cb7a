//! `mde-train features`: trains the face network.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::run::RunArgs;
use crate::data::{CropRule, Dataset, DatasetOptions, Layout, Split};
use crate::features::trainee::{FaceSubject, FaceTrainee, fresh, stream};
use crate::features::{Faces, Scores};
use crate::files::write_aside;
use crate::network::face::FaceConfig;
use crate::network::parameters::Precision;
use crate::network::perceptual;
use crate::training::options::RunOptions;
use crate::training::schedule::{Budget, Schedule};

/// Trains a VGG-like classifier of CelebA's persons and attributes: face.safetensors in --out,
/// which `mde-train experiment` takes for the inception score and `mde-train train` for the
/// perceptual loss. The training lasts for 25 minutes where no length is given.
#[derive(Args, Debug)]
pub struct Features {
    /// CelebA as published, or its tar crops, with the lists of attributes and identities.
    #[arg(long)]
    data: PathBuf,
    #[command(flatten)]
    run: RunArgs,
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
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
}

/// Length where none is given.
const LENGTH: Duration = Duration::from_secs(25 * 60);
const SCHEDULE: Schedule = Schedule {
    power: 0.9,
    warm_up: 0,
};

/// What --size takes.
fn side(text: &str) -> Result<i64, String> {
    let side = text.parse().ok().filter(|v| *v >= 32 && v % 32 == 0);
    side.ok_or_else(|| "expected a multiple of 32".to_owned())
}

impl Features {
    /// Trains, writes the network and scores it.
    pub fn run(&self) -> Result<()> {
        let device = self.run.device()?;
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        let checkpoint = self.run.out.join("checkpoint.safetensors");
        let train = Arc::new(self.faces(Split::Train)?);
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
        let options = RunOptions::default()
            .with("batch", self.batch)
            .with("rate", self.rate);
        let subject = || {
            Ok(FaceSubject {
                face_network: config,
            })
        };
        let start = self.run.start(&checkpoint, options, subject)?;
        ensure!(
            start.record.subject.face_network == config,
            "the run in '{}' has a network of {:?}, and asked for is {config:?}: resume it with \
             --size, --width and data as before",
            checkpoint.display(),
            start.record.subject.face_network
        );
        let mut network = fresh(device, precision, &config);
        let mut made = start.record.made;
        if let Some(earlier) = start.earlier {
            earlier.restore(&checkpoint, &mut network, made.updates)?;
        }
        let batches = stream(
            train.clone(),
            indices,
            self.batch,
            self.run.seed,
            made.updates,
        )?;
        let mut trainee = FaceTrainee {
            network,
            rate: self.rate,
            record: start.record,
            path: checkpoint,
        };
        let run = self.run.run(Budget::Time(LENGTH), SCHEDULE);
        run.to_end(&mut trainee, &batches, &mut made)?;
        let path = self.run.out.join("face.safetensors");
        trainee.export(&path)?;
        println!("{} after {} updates", path.display(), made.updates);
        let face = perceptual::open_face(&path, tch::Device::Cpu)?;
        let scores = Scores::of(&face, &train, &held, &other)?;
        let report = serde_json::json!({
            "updates": made.updates,
            "minutes": made.seconds / 60.0,
            "network": face.config,
            "scores": scores,
        });
        let path = self.run.out.join("features.json");
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
        let dataset = Dataset::open(&DatasetOptions {
            root: self.data.clone(),
            split,
            size: self.size as usize,
            crop: CropRule::CelebA,
            cache: self.cache.clone(),
        })?;
        Faces::new(dataset, &self.data)
    }
}
