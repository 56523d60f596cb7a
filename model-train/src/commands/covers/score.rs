//! `mde-train covers score`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::DataArgs;
use crate::commands::DeviceArg;
use crate::covers::faces::clean;
use crate::covers::labelled::Answered;
use crate::covers::labels::{self, Labelled};
use crate::covers::scores::{Scored, alarms_on, alarms_on_stills, score};
use crate::covers::trainee;
use crate::data::Split;

/// Scores a checkpoint on validation faces and covers: the intersection over union of what is found
/// and what was laid on, a kind at a time, and what is found on faces with nothing before them. With --labels, on real covers instead.
#[derive(Args, Debug)]
pub struct Score {
    /// Checkpoint of `mde-train covers train`, or a model of `mde-train covers export` (`*.onnx`).
    #[arg(long)]
    checkpoint: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Folders of what `face-crops` cuts out of videos of faces with nothing before them.
    #[arg(long)]
    clean: Vec<PathBuf>,
    /// Outlines of what is before the faces on some validation pictures: model-train/labels tells of
    /// the format. Only these are scored.
    #[arg(long, conflicts_with_all = ["clean", "count", "stills"])]
    labels: Option<PathBuf>,
    /// Samples a kind.
    #[arg(long, default_value_t = 400)]
    count: usize,
    /// Stills with nothing before the face.
    #[arg(long, default_value_t = 2000)]
    stills: usize,
    /// Probability from which on a pixel counts as found.
    #[arg(long, default_value_t = 0.5)]
    threshold: f64,
    /// Seed of faces, placements and covers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
}

impl Score {
    /// Scores and prints.
    pub fn run(&self) -> Result<()> {
        let (_store, net) = trainee::open(&self.checkpoint, self.device.device()?)?;
        let scored = Scored {
            net: &net,
            threshold: self.threshold,
        };
        if let Some(labels) = &self.labels {
            let pictures = labels::read(labels)?;
            let faces = self.data.faces.open(Split::Val)?;
            let answered = Answered::new(&net, &pictures, &faces)?;
            self.print_labelled(&answered, &pictures);
            return Ok(());
        }
        let material = self.data.open(Split::Val)?;
        println!("| cover | IoU of its kind | IoU of all kinds | the same on the face |");
        println!("| --- | --- | --- | --- |");
        for row in score(scored, &material, self.count, self.seed) {
            println!("{row}");
        }
        println!();
        println!(
            "| nothing before the face | faces | found by default, % | of any kind, % | faces with over 1 % |"
        );
        println!("| --- | --- | --- | --- | --- |");
        println!(
            "| stills | {}",
            alarms_on_stills(scored, &material, self.stills)
        );
        for folder in &self.clean {
            let pictures = clean(folder, self.data.faces.cache.as_deref())?;
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            println!("| {name} | {}", alarms_on(scored, &pictures));
        }
        Ok(())
    }

    fn print_labelled(&self, answered: &Answered, pictures: &[Labelled]) {
        let given = answered.at(self.threshold);
        let (best, at_best) = answered.best();
        for (threshold, scores) in [(self.threshold, &given), (best, &at_best)] {
            println!("| from {threshold} on | pictures | IoU |");
            println!("| --- | --- | --- |");
            println!("{scores}");
        }
        println!("| picture | shows | IoU on the face, or share found |");
        println!("| --- | --- | --- |");
        print!("{}", given.each_of(pictures));
    }
}
