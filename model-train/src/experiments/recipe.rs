//! Which networks an experiment trains, and how.

use std::fmt;

use anyhow::{Context, Result};
use mde_core::mask::Task;
use serde::{Deserialize, Serialize};

use super::context::{Set, Tools};
use crate::network::perceptual;
use crate::training::loss::{
    Adversarial, Distance, FeatureDistance, Objective, Perceptual, PixelLoss, published,
};

/// The losses of equation 9 that take part. The completion loss (equation 3) and the
/// reconstruction loss (equation 4) always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossChoice {
    /// Equations 1 and 2.
    pub adversarial: bool,
    /// Equation 5.
    pub perceptual: bool,
    /// Equations 7 and 8.
    pub hide_and_seek: bool,
    /// Whether the discriminator is given coordinates.
    pub coordinates: bool,
}

impl LossChoice {
    /// The pixels' alone.
    pub const PIXEL: Self = Self {
        adversarial: false,
        perceptual: false,
        hide_and_seek: false,
        coordinates: false,
    };

    /// All of them; the perceptual one where there is a network for it.
    pub fn all(perceptual: bool) -> Self {
        Self {
            adversarial: true,
            perceptual,
            hide_and_seek: true,
            coordinates: true,
        }
    }

    /// Names of those that take part.
    fn names(self) -> impl Iterator<Item = &'static str> {
        let parts = [
            (self.adversarial, "adversarial"),
            (self.perceptual, "perceptual"),
            (self.hide_and_seek, "hide-and-seek"),
            (self.coordinates, "coordinates"),
        ];
        let there = parts.into_iter().filter(|(there, _)| *there);
        there.map(|(_, name)| name)
    }

    /// The objective with the published weights.
    ///
    /// # Errors
    /// Where the perceptual loss takes part and its network is not there.
    pub fn objective(self, tools: &Tools) -> Result<Objective> {
        let perceptual = if self.perceptual {
            let path = tools
                .perceptual
                .as_ref()
                .context("the perceptual loss needs a network: give --perceptual-network FILE")?;
            Some(Perceptual {
                weight: published::PERCEPTUAL,
                distance: FeatureDistance::Squared,
                network: perceptual::open(path, tools.device, tools.precision.kind())?,
            })
        } else {
            None
        };
        let adversarial = Adversarial {
            hide_and_seek: if self.hide_and_seek {
                published::HIDE_AND_SEEK
            } else {
                0.0
            },
            ..Adversarial::default()
        };
        Ok(Objective {
            pixel: PixelLoss {
                distance: Distance::L2,
                completion: 1.0,
                reconstruction: 1.0,
            },
            perceptual,
            adversarial: self.adversarial.then_some(adversarial),
        })
    }
}

impl fmt::Display for LossChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("completion and reconstruction")?;
        self.names().try_for_each(|name| write!(f, ", {name}"))
    }
}

/// A network to train.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Its name in the experiment.
    pub name: String,
    /// What it is trained on.
    pub set: Set,
    /// The task it is trained for.
    pub task: Task,
    /// What is minimised.
    pub losses: LossChoice,
    /// Whether it has skip connections.
    pub skips: bool,
}

impl Recipe {
    /// A generator of faces for `task`, named after it.
    pub fn of_task(task: Task, losses: LossChoice) -> Self {
        Self {
            name: task.to_string().replace(':', "-"),
            set: Set::Faces,
            task,
            losses,
            skips: true,
        }
    }

    /// Name of its folder, the same for all experiments that train it for `updates`.
    pub fn folder(&self, updates: u64) -> String {
        let without_skips = (!self.skips).then_some("no-skips");
        let parts = self.losses.names().chain(without_skips);
        let parts: String = parts.map(|name| format!("+{name}")).collect();
        let task = self.task.to_string().replace(':', "-");
        let set = self.set.name().to_lowercase();
        format!("{set}-{task}{parts}-{updates}")
    }

    /// The same under another name.
    pub fn named(self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self
        }
    }

    /// The same of another data set, named after both.
    pub fn of(self, set: Set) -> Self {
        Self {
            name: format!("{}-{}", set.name().to_lowercase(), self.name),
            set,
            ..self
        }
    }
}
