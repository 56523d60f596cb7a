//! Options of what is minimised.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use tch::Device;

use crate::network::config::{DiscriminatorConfig, DiscriminatorKind, DiscriminatorNorm};
use crate::network::parameters::Precision;
use crate::network::perceptual;
use crate::training::loss::{
    Adversarial, Distance, FeatureDistance, Form, Objective, Perceptual, PixelLoss,
};
use crate::training::options::RunOptions;

/// Equation 9 on the command line.
#[derive(Args, Debug)]
pub struct ObjectiveArgs {
    /// L1 or L2 pixel losses.
    #[arg(long, value_enum, default_value = "l2")]
    loss: Distance,
    /// Weight of the completion loss (missing values).
    #[arg(long, default_value = "1", value_parser = weight)]
    #[arg(default_value_if("recipe", "paper", "0"))]
    completion: f64,
    /// Weight of the reconstruction loss (known values).
    #[arg(long, default_value = "1", value_parser = weight)]
    reconstruction: f64,
    /// Weight of the adversarial loss; without a value the paper's, 1e-2.
    #[arg(long, value_name = "W", num_args = 0..=1, value_parser = weight)]
    #[arg(default_value = "0", default_missing_value = "1e-2")]
    #[arg(default_value_if("recipe", "paper", "1e-2"))]
    adversarial: f64,
    /// Weight of the hide-and-seek loss; without a value the paper's, 1e-2. It only applies to
    /// pictures of the tasks RE and REC.
    #[arg(long, value_name = "W", num_args = 0..=1, value_parser = weight)]
    #[arg(default_value = "0", default_missing_value = "1e-2")]
    #[arg(default_value_if("recipe", "paper", "1e-2"))]
    hide_and_seek: f64,
    /// Weight of the perceptual loss; without a value the paper's, 2e-5. That fits networks whose
    /// inputs go up to 255, such as SqueezeNet here. The features of torchvision's VGG-16 are about
    /// 58 times smaller; a weight of 0.07 makes up for that.
    #[arg(long, value_name = "W", num_args = 0..=1, value_parser = weight)]
    #[arg(default_value = "0", default_missing_value = "2e-5")]
    #[arg(default_value_if("recipe", "paper", "2e-5"))]
    perceptual: f64,
    /// Network of the perceptual loss: a safetensors file with SqueezeNet v1.1 (of
    /// `mde-train convert-squeezenet`) or torchvision's VGG-16.
    #[arg(long, value_name = "FILE")]
    perceptual_network: Option<PathBuf>,
    /// How features are compared: squared, equation 5 over the whole output; or unit, features
    /// scaled to unit length, over the output with the known pixels put back, for which 0.3 is a
    /// usual weight.
    #[arg(long, value_enum, default_value = "squared")]
    perceptual_distance: FeatureDistance,
    /// What the discriminator judges: the whole output, the paper's; or patches of the output with
    /// the known pixels put back, given the mask, which cannot play hide and seek.
    #[arg(long, value_enum, default_value = "whole")]
    discriminator: DiscriminatorKind,
    /// How its verdicts turn into losses: log, equations 1 and 2; or hinge.
    #[arg(long, value_enum, default_value = "log")]
    adversarial_form: Form,
    /// Do not give the coordinates to the discriminator.
    #[arg(long)]
    no_coordinates: bool,
    /// Normalisation of the discriminator; the paper's is batch.
    #[arg(long, value_enum, default_value = "batch")]
    discriminator_norm: DiscriminatorNorm,
    /// How far the discriminator's target for real pictures is below 1, in [0, 0.5).
    #[arg(long, default_value = "0", value_parser = smoothing)]
    label_smoothing: f64,
    /// Factor of the R1 penalty on the discriminator's gradient by real pictures; 10 is usual.
    /// Not with batch normalisation.
    #[arg(long, value_name = "GAMMA", default_value = "0", value_parser = weight)]
    r1: f64,
}

impl ObjectiveArgs {
    /// The objective, its perceptual network opened for computing in `precision` on `device`.
    ///
    /// # Errors
    /// Where options do not go together, and where the network cannot be opened.
    pub fn objective(&self, device: Device, precision: Precision) -> Result<Objective> {
        let perceptual = if self.perceptual > 0.0 {
            let path = self.perceptual_network.as_ref().context(
                "the perceptual loss needs a network: give --perceptual-network FILE, or \
                 --perceptual 0 to go without",
            )?;
            Some(Perceptual {
                weight: self.perceptual,
                distance: self.perceptual_distance,
                network: perceptual::open(path, device, precision.kind())?,
            })
        } else {
            ensure!(
                self.perceptual_network.is_none(),
                "--perceptual-network without --perceptual: the loss has no weight"
            );
            None
        };
        ensure!(
            self.hide_and_seek == 0.0 || self.discriminator == DiscriminatorKind::Whole,
            "--hide-and-seek needs --discriminator whole: patches see no boxes"
        );
        Ok(Objective {
            pixel: PixelLoss {
                distance: self.loss,
                completion: self.completion,
                reconstruction: self.reconstruction,
            },
            perceptual,
            adversarial: self.is_adversarial().then_some(Adversarial {
                weight: self.adversarial,
                hide_and_seek: self.hide_and_seek,
                label_smoothing: self.label_smoothing,
                r1: self.r1,
                form: self.adversarial_form,
            }),
        })
    }

    fn is_adversarial(&self) -> bool {
        self.adversarial > 0.0 || self.hide_and_seek > 0.0
    }

    /// The losses, their weights, and what else is in effect beside them.
    pub fn options(&self) -> RunOptions {
        let mut options = RunOptions::default()
            .with("loss", name_of(self.loss))
            .with("completion", self.completion)
            .with("reconstruction", self.reconstruction)
            .with("adversarial", self.adversarial)
            .with("hide-and-seek", self.hide_and_seek)
            .with("perceptual", self.perceptual);
        if self.perceptual > 0.0 {
            options = options
                .with_maybe("perceptual-network", file_name(&self.perceptual_network))
                .with("perceptual-distance", name_of(self.perceptual_distance));
        }
        if self.is_adversarial() {
            options = options
                .with("discriminator", name_of(self.discriminator))
                .with("adversarial-form", name_of(self.adversarial_form))
                .with("no-coordinates", self.no_coordinates)
                .with("discriminator-norm", name_of(self.discriminator_norm))
                .with("label-smoothing", self.label_smoothing)
                .with("r1", self.r1);
        }
        options
    }

    /// A new discriminator for a generator of `width` channels.
    pub fn discriminator(&self, width: i64) -> DiscriminatorConfig {
        DiscriminatorConfig {
            kind: self.discriminator,
            coordinates: !self.no_coordinates,
            norm: self.discriminator_norm,
            ..DiscriminatorConfig::paper(width)
        }
    }
}

/// The name of `value` on the command line.
pub fn name_of(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |v| v.get_name().to_owned())
}

/// The name of a file, wherever it lies.
pub fn file_name(path: &Option<PathBuf>) -> Option<String> {
    let name = path.as_ref()?.file_name()?;
    Some(name.to_string_lossy().into_owned())
}

/// A finite number from 0 on.
fn weight(text: &str) -> Result<f64, String> {
    number(text, "a number from 0 on", |v| v >= 0.0 && v.is_finite())
}

/// Label smoothing.
fn smoothing(text: &str) -> Result<f64, String> {
    number(text, "a number in [0, 0.5)", |v| (0.0..0.5).contains(&v))
}

/// A number that `fits`, or else what was `expected`.
pub fn number(text: &str, expected: &str, fits: impl Fn(f64) -> bool) -> Result<f64, String> {
    let value = text.parse().ok().filter(|&v| fits(v));
    value.ok_or_else(|| format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::training::loss::published;

    #[derive(Parser)]
    struct Line {
        #[arg(long)]
        recipe: Option<String>,
        #[command(flatten)]
        objective: ObjectiveArgs,
    }

    fn parse(arguments: &[&str]) -> ObjectiveArgs {
        let line = Line::try_parse_from([&["train"], arguments].concat());
        let Line { recipe, objective } = line.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(recipe.is_some(), arguments.contains(&"--recipe"));
        objective
    }

    /// Weights of completion, adversarial, hide-and-seek and perceptual loss.
    fn weights(arguments: &[&str]) -> [f64; 4] {
        let o = parse(arguments);
        [o.completion, o.adversarial, o.hide_and_seek, o.perceptual]
    }

    #[test]
    fn published_weights_are_taken_where_none_are_given() {
        use published::{ADVERSARIAL, HIDE_AND_SEEK, PERCEPTUAL};
        assert_eq!(weights(&[]), [1.0, 0.0, 0.0, 0.0]);
        let paper = [0.0, ADVERSARIAL, HIDE_AND_SEEK, PERCEPTUAL];
        assert_eq!(weights(&["--recipe", "paper"]), paper);
        let named = ["--adversarial", "--hide-and-seek", "--perceptual"];
        assert_eq!(weights(&named)[1..], paper[1..]);
        let changed = [
            "--recipe",
            "paper",
            "--adversarial",
            "0.5",
            "--completion",
            "2",
        ];
        assert_eq!(weights(&changed), [2.0, 0.5, HIDE_AND_SEEK, PERCEPTUAL]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let error = |arguments: &[&str]| {
            let objective = parse(arguments).objective(Device::Cpu, Precision::F32);
            objective.err().expect("it was taken").to_string()
        };
        assert!(error(&["--recipe", "paper"]).contains("--perceptual-network"));
        assert!(error(&["--perceptual-network", "x"]).contains("--perceptual"));
        let patches = ["--discriminator", "patch", "--hide-and-seek"];
        assert!(error(&patches).contains("--discriminator whole"));
        let refused =
            |arguments: &[&str]| Line::try_parse_from([&["train"], arguments].concat()).is_err();
        assert!(refused(&["--adversarial=-1"]));
        assert!(refused(&["--hide-and-seek", "nan"]));
        assert!(refused(&["--label-smoothing", "0.5"]));
    }
}
