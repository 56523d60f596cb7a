//! What is minimised: equation 9 and its parts.

mod adversarial;
#[cfg(test)]
mod gradient_tests;
mod hide_and_seek;
mod perceptual;
mod pixel;

use tch::Tensor;

pub use adversarial::{Form, Pairs, gradient_penalty};
pub use hide_and_seek::Boxes;
pub use perceptual::FeatureDistance;
pub use pixel::{Distance, PixelLoss};

use super::batches::Batch;
use crate::network::discriminator::Verdict;
use crate::network::perceptual::FeatureNetwork;
use crate::tensors::composited;

/// The paper's weights in equation 9.
pub mod published {
    /// Of the perceptual loss, `lambda_rec_vgg`.
    pub const PERCEPTUAL: f64 = 2e-5;
    /// Of the adversarial loss, `lambda_adv`.
    pub const ADVERSARIAL: f64 = 1e-2;
    /// Of the hide-and-seek loss, `lambda_HnS`.
    pub const HIDE_AND_SEEK: f64 = 1e-2;
}

/// The losses of equation 9 with their weights.
pub struct Objective {
    /// Equations 3 and 4.
    pub pixel: PixelLoss,
    /// Equation 5.
    pub perceptual: Option<Perceptual>,
    /// Equations 1, 2, 7 and 8.
    pub adversarial: Option<Adversarial>,
}

/// The perceptual loss of an objective.
pub struct Perceptual {
    /// Weight in equation 9, `lambda_rec_vgg`.
    pub weight: f64,
    /// How features are compared.
    pub distance: FeatureDistance,
    /// Whose features are compared.
    pub network: Box<dyn FeatureNetwork>,
}

/// The adversarial and the hide-and-seek loss of an objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adversarial {
    /// Weight of equations 1 and 2 in equation 9, `lambda_adv`.
    pub weight: f64,
    /// Weight of equations 7 and 8 in equation 9, `lambda_HnS`.
    pub hide_and_seek: f64,
    /// Taken off the discriminator's target for real pictures; the paper's is 0.
    pub label_smoothing: f64,
    /// Factor `gamma` of the R1 penalty `gamma / 2 |grad D|^2`, part of equation 1; the paper has
    /// none, 0.
    pub r1: f64,
    /// How verdicts turn into losses; the paper's is [`Form::Log`].
    pub form: Form,
}

impl Default for Adversarial {
    /// The paper's.
    fn default() -> Self {
        Self {
            weight: published::ADVERSARIAL,
            hide_and_seek: published::HIDE_AND_SEEK,
            label_smoothing: 0.0,
            r1: 0.0,
            form: Form::Log,
        }
    }
}

/// Losses of one update as scalar tensors.
pub struct Losses {
    /// What the generator minimises: its part of equation 9.
    pub total: Tensor,
    /// All losses by name, unweighted, in the order of [`Objective::names`].
    pub parts: Vec<(&'static str, Tensor)>,
}

/// Names of the losses, as they stand in a log.
mod name {
    pub const COMPLETION: &str = "completion";
    pub const RECONSTRUCTION: &str = "reconstruction";
    pub const PERCEPTUAL: &str = "perceptual";
    pub const ADVERSARIAL: &str = "adversarial";
    pub const HIDE: &str = "hide";
    pub const DISCRIMINATOR: &str = "discriminator";
    pub const SEEK: &str = "seek";
}

impl Objective {
    /// Names of the losses of an update: equations 3 and 4, then, where they are part of the
    /// objective, 5, 2, 8, 1 and 7.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = vec![name::COMPLETION, name::RECONSTRUCTION];
        if self.perceptual.is_some() {
            names.push(name::PERCEPTUAL);
        }
        if self.adversarial.is_some() {
            names.extend([name::ADVERSARIAL, name::HIDE]);
            names.extend([name::DISCRIMINATOR, name::SEEK]);
        }
        names
    }

    /// The generator's part of equation 9 for its whole output `generated` `[N, 3, S, S]` f32;
    /// `verdict` is what the discriminator says of it, and is left out where the objective is not
    /// adversarial.
    pub fn of_generator(
        &self,
        generated: &Tensor,
        batch: &Batch,
        verdict: Option<&Verdict>,
    ) -> Losses {
        let pixel = self.pixel.of(generated, &batch.pictures, &batch.masks);
        let mut losses = Losses {
            total: pixel.total,
            parts: vec![
                (name::COMPLETION, pixel.completion),
                (name::RECONSTRUCTION, pixel.reconstruction),
            ],
        };
        if let Some(perceptual) = &self.perceptual {
            let loss = perceptual.of(generated, batch);
            losses.add(name::PERCEPTUAL, loss, perceptual.weight);
        }
        if let (Some(adversarial), Some(verdict)) = (&self.adversarial, verdict) {
            let fool = adversarial
                .form
                .of_generator(&verdict.logit, &verdict.weights);
            losses.add(name::ADVERSARIAL, fool, adversarial.weight);
            let hide = batch.boxes.hide_loss(verdict.boxes.as_ref());
            losses.add(name::HIDE, hide, adversarial.hide_and_seek);
        }
        losses
    }
}

impl Perceptual {
    /// The loss of the generator's whole output `generated`: the paper's of that itself, the one
    /// of unit features of the picture with the known pixels put back.
    fn of(&self, generated: &Tensor, batch: &Batch) -> Tensor {
        let network = self.network.as_ref();
        let original = &batch.pictures;
        match self.distance {
            FeatureDistance::Squared => self.distance.between(network, generated, original),
            FeatureDistance::Unit => {
                let put_back = composited(generated, original, &batch.masks);
                self.distance.between(network, &put_back, original)
            }
        }
    }
}

impl Adversarial {
    /// The discriminator's part of equation 9: `real` is what it says of `pictures`, which require
    /// gradients where [`Self::r1`] is not 0, `fake` what it says of pictures generated for a
    /// batch with `boxes`.
    pub fn of_discriminator(
        &self,
        pictures: &Tensor,
        real: &Verdict,
        fake: &Verdict,
        boxes: &Boxes,
    ) -> Losses {
        let tell = self.form.of_discriminator(
            &real.logit,
            &fake.logit,
            &fake.weights,
            self.label_smoothing,
        );
        let mut losses = Losses {
            total: Tensor::zeros_like(&tell),
            parts: Vec::new(),
        };
        if self.r1 > 0.0 {
            let penalty = gradient_penalty(&real.logit, pictures);
            losses.total = penalty * (self.weight * self.r1 / 2.0);
        }
        losses.add(name::DISCRIMINATOR, tell, self.weight);
        losses.add(
            name::SEEK,
            boxes.seek_loss(fake.boxes.as_ref()),
            self.hide_and_seek,
        );
        losses
    }
}

impl Losses {
    fn add(&mut self, name: &'static str, loss: Tensor, weight: f64) {
        self.total = &self.total + &loss * weight;
        self.parts.push((name, loss));
    }
}
