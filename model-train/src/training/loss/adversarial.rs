//! Equations 1 and 2 over log-odds: the paper's `D` is their sigmoid.

use tch::{Kind, Tensor};

/// How verdicts turn into losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Log-likelihoods, equations 1 and 2; the generator's is the non-saturating form.
    #[default]
    Log,
    /// The hinge loss (Lim and Ye 2017): verdicts beyond 1 to either side count no more.
    Hinge,
}

impl Form {
    /// Equation 1: what the discriminator minimises, given its log-odds `real` of pictures and
    /// `fake` of generated ones, and the `weights` of the single verdicts. `smoothing` in
    /// `[0, 0.5)` is taken off the target 1 of real pictures (one-sided label smoothing, Salimans
    /// et al. 2016); 0 is the paper's.
    pub fn of_discriminator(
        self,
        real: &Tensor,
        fake: &Tensor,
        weights: &Tensor,
        smoothing: f64,
    ) -> Tensor {
        let smooth = |x: &Tensor| {
            let taken = self.taken_for(x, true);
            if smoothing > 0.0 {
                taken * (1.0 - smoothing) + self.taken_for(x, false) * smoothing
            } else {
                taken
            }
        };
        ((smooth(real) + self.taken_for(fake, false)) * weights).sum(Kind::Float)
    }

    /// Equation 2: what the generator minimises, given the log-odds `fake` of generated pictures
    /// and the `weights` of the single verdicts.
    pub fn of_generator(self, fake: &Tensor, weights: &Tensor) -> Tensor {
        let each = match self {
            Self::Log => self.taken_for(fake, true),
            Self::Hinge => -fake,
        };
        (each * weights).sum(Kind::Float)
    }

    /// The loss of each verdict `logit` where the truth is `real`.
    fn taken_for(self, logit: &Tensor, real: bool) -> Tensor {
        let odds_of_truth = if real { logit.shallow_clone() } else { -logit };
        match self {
            // log(1 - D) is the log-sigmoid of the negative log-odds.
            Self::Log => -odds_of_truth.log_sigmoid(),
            Self::Hinge => (-odds_of_truth + 1.0).relu(),
        }
    }
}

/// Verdicts on pictures and on the same pictures completed, compared pair by pair (Jolicoeur-Martineau
/// 2018): what both of a pair have in common falls out. Judged alone, each against 0, it hides the
/// little that completion changes, and a discriminator learns nothing for thousands of updates.
pub struct Pairs<'a> {
    /// Log-odds of the pictures.
    pub real: &'a Tensor,
    /// Log-odds of the completed ones, of the same shape.
    pub fake: &'a Tensor,
    /// How much each pair counts, in sum 1.
    pub weights: &'a Tensor,
}

/// Weight of the square of a pair's mean, which nothing else holds near 0 (Karras et al. 2018).
const DRIFT: f64 = 1e-3;

impl Pairs<'_> {
    /// What the discriminator minimises: that the picture is not told from the completed one, and
    /// a little for both being far from 0.
    pub fn of_discriminator(&self) -> Tensor {
        let tell = -(self.real - self.fake).log_sigmoid();
        let drift = ((self.real + self.fake) / 2.0).square() * DRIFT;
        ((tell + drift) * self.weights).sum(Kind::Float)
    }

    /// What the generator minimises: that the completed picture is told from the true one.
    pub fn of_generator(&self) -> Tensor {
        (-(self.fake - self.real).log_sigmoid() * self.weights).sum(Kind::Float)
    }
}

/// The R1 penalty (Mescheder et al. 2018) without its factor `gamma / 2`: the mean squared length
/// of the gradient of the log-odds `real` `[N]` (of patches: of their mean) by the pictures
/// `[N, 3, H, W]` they were computed from, which must require gradients. Can itself be differentiated.
pub fn gradient_penalty(real: &Tensor, pictures: &Tensor) -> Tensor {
    let whole = real
        .view([real.size()[0], -1])
        .mean_dim(1, false, Kind::Float)
        .sum(Kind::Float);
    let gradient = Tensor::run_backward(&[whole], &[pictures], true, true);
    let squares = gradient[0].square().flatten(1, -1);
    squares
        .sum_dim_intlist(1, false, Kind::Float)
        .mean(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: &Tensor, expected: f64) {
        let got = got.double_value(&[]);
        assert!((got - expected).abs() < 1e-6, "{got} is not {expected}");
    }

    #[test]
    fn losses_are_those_worked_by_hand() {
        // Log-odds ln 3 are D = 3/4, -ln 3 are D = 1/4, 0 is D = 1/2.
        let ln3 = 3.0f32.ln();
        let real = Tensor::from_slice(&[ln3, 0.0]);
        let fake = Tensor::from_slice(&[-ln3, 0.0]);
        let (ln_quarter, ln_half) = (0.25f64.ln(), 0.5f64.ln());
        let ln_three_quarters = 0.75f64.ln();
        let of_real = (ln_three_quarters + ln_half) / 2.0;
        let of_fake = (ln_three_quarters + ln_half) / 2.0;
        let weights = Tensor::from_slice(&[0.5f32, 0.5]);
        let log = |smoothing| Form::Log.of_discriminator(&real, &fake, &weights, smoothing);
        close(&log(0.0), -(of_real + of_fake));
        let smooth = (0.9 * ln_three_quarters + 0.1 * ln_quarter + ln_half) / 2.0;
        close(&log(0.1), -(smooth + of_fake));
        let fool = Form::Log.of_generator(&fake, &weights);
        close(&fool, -(ln_quarter + ln_half) / 2.0);
    }

    #[test]
    fn losses_of_pairs_are_those_worked_by_hand() {
        let ln3 = 3.0f32.ln();
        let pairs = Pairs {
            real: &Tensor::from_slice(&[ln3 + 2.0, -1.0]),
            fake: &Tensor::from_slice(&[2.0, ln3 - 1.0]),
            weights: &Tensor::from_slice(&[0.25f32, 0.75]),
        };
        // Log-odds of the pairs: ln 3 and -ln 3.
        let (told, missed) = (-(0.75f64.ln()), -(0.25f64.ln()));
        let means = [f64::from(ln3) / 2.0 + 2.0, f64::from(ln3) / 2.0 - 1.0];
        let drift = DRIFT * (0.25 * means[0].powi(2) + 0.75 * means[1].powi(2));
        close(
            &pairs.of_discriminator(),
            0.25 * told + 0.75 * missed + drift,
        );
        close(&pairs.of_generator(), 0.25 * missed + 0.75 * told);
    }

    #[test]
    fn hinge_losses_are_those_worked_by_hand() {
        let real = Tensor::from_slice(&[2.0f32, -0.5]);
        let fake = Tensor::from_slice(&[0.25f32, -3.0]);
        let weights = Tensor::from_slice(&[0.25f32, 0.75]);
        // Real: 0 and 1.5; fake: 1.25 and 0.
        let tell = Form::Hinge.of_discriminator(&real, &fake, &weights, 0.0);
        close(&tell, 0.25 * 1.25 + 0.75 * 1.5);
        close(&Form::Hinge.of_generator(&fake, &weights), -0.0625 + 2.25);
    }

    #[test]
    fn the_penalty_is_the_squared_gradient() {
        // The log-odds 3 a + b^2 have the gradient (3, 2 b): 9 + 4 b^2.
        let pictures = Tensor::from_slice(&[0.0f32, 1.0, 5.0, 2.0])
            .view([2, 1, 1, 2])
            .set_requires_grad(true);
        let (a, b) = (pictures.select(3, 0), pictures.select(3, 1));
        let odds = (a * 3.0 + b.square()).flatten(0, -1);
        let penalty = gradient_penalty(&odds, &pictures);
        close(&penalty, (13.0 + 25.0) / 2.0);
        let gradient = Tensor::run_backward(&[penalty], &[&pictures], false, false);
        // d (4 b^2 / 2) / d b = 4 b.
        let gradient = Vec::<f32>::try_from(gradient[0].flatten(0, -1)).unwrap();
        assert_eq!(gradient, [0.0, 4.0, 0.0, 8.0]);
    }
}
