//! Options of trainings against an opponent.

use clap::Args;

use super::objective::name_of;
use crate::network::config::{DiscriminatorConfig, DiscriminatorKind, DiscriminatorNorm};
use crate::training::opposed::Plan;
use crate::training::options::RunOptions;
use crate::training::step::Rates;

/// The opponent, and how it is trained.
#[derive(Args, Clone, Copy, Debug)]
pub struct OpponentArgs {
    /// Weight of the adversarial loss: how long its gradient by the completed picture is beside that
    /// of the other losses.
    #[arg(long, default_value_t = 0.5)]
    adversarial: f64,
    /// Weight of the difference in the features of the discriminator.
    #[arg(long, default_value_t = 0.3)]
    matching: f64,
    /// The update from which on there is an adversarial loss.
    #[arg(long, default_value_t = 6000)]
    adversarial_from: u64,
    /// Learning rate of the discriminator at the start.
    #[arg(long, default_value_t = 4e-4)]
    discriminator_rate: f64,
    /// Channels of the discriminator at full resolution.
    #[arg(long, default_value_t = 24)]
    discriminator_width: i64,
    /// Normalisation of the discriminator's convolutions.
    #[arg(long, value_enum, default_value = "spectral")]
    discriminator_norm: DiscriminatorNorm,
    /// Factor of the R1 penalty.
    #[arg(long, default_value_t = 0.3)]
    r1: f64,
    /// Updates from one R1 penalty to the next.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    r1_every: u64,
    /// Share of the old values that an update leaves in the average of the weights.
    #[arg(long, default_value_t = 0.999)]
    ema: f64,
    /// Standard deviation of the noise in all that the discriminator is shown, so that it does not go by
    /// grain, which no network completes and the element lays on what is completed.
    #[arg(long, default_value_t = 0.0)]
    noise: f64,
}

impl OpponentArgs {
    /// Its network: one that judges patches.
    pub fn config(&self) -> DiscriminatorConfig {
        DiscriminatorConfig {
            kind: DiscriminatorKind::Patch,
            width: self.discriminator_width,
            coordinates: true,
            norm: self.discriminator_norm,
        }
    }

    /// How a network is opposed whose learning rate at the start is `rate`.
    pub fn plan(&self, rate: f64) -> Plan {
        Plan {
            rates: Rates {
                generator: rate,
                discriminator: self.discriminator_rate,
            },
            adversarial: self.adversarial,
            matching: self.matching,
            from: self.adversarial_from,
            r1: self.r1,
            r1_every: self.r1_every,
            decay: self.ema,
            noise: self.noise,
        }
    }

    /// The options by their names on the command line.
    pub fn options(&self) -> RunOptions {
        RunOptions::default()
            .with("adversarial", self.adversarial)
            .with("matching", self.matching)
            .with("adversarial-from", self.adversarial_from)
            .with("discriminator-rate", self.discriminator_rate)
            .with("discriminator-width", self.discriminator_width)
            .with("discriminator-norm", name_of(self.discriminator_norm))
            .with("r1", self.r1)
            .with("r1-every", self.r1_every)
            .with("ema", self.ema)
            .with("noise", self.noise)
    }
}
