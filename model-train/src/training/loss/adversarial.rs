//! Equations 1 and 2 over log-odds: the paper's `D` is their sigmoid.

use tch::{Kind, Tensor};

/// Equation 1: what the discriminator minimises, given its log-odds `real` of pictures and `fake`
/// of generated ones, each `[N]`. `smoothing` in `[0, 0.5)` is taken off the target 1 of real
/// pictures (one-sided label smoothing, Salimans et al. 2016); 0 is the paper's.
pub fn discriminator_loss(real: &Tensor, fake: &Tensor, smoothing: f64) -> Tensor {
    let mut of_real = real.log_sigmoid();
    if smoothing > 0.0 {
        of_real = of_real * (1.0 - smoothing) + (-real).log_sigmoid() * smoothing;
    }
    // log(1 - D) is the log-sigmoid of the negative log-odds.
    -(of_real.mean(Kind::Float) + (-fake).log_sigmoid().mean(Kind::Float))
}

/// Equation 2, the non-saturating form: what the generator minimises, given the log-odds `fake`
/// `[N]` of generated pictures.
pub fn generator_loss(fake: &Tensor) -> Tensor {
    -fake.log_sigmoid().mean(Kind::Float)
}

/// The R1 penalty (Mescheder et al. 2018) without its factor `gamma / 2`: the mean squared length
/// of the gradient of the log-odds `real` `[N]` by the pictures `[N, 3, H, W]` they were computed
/// from, which must require gradients. Can itself be differentiated.
pub fn gradient_penalty(real: &Tensor, pictures: &Tensor) -> Tensor {
    let gradient = Tensor::run_backward(&[real.sum(Kind::Float)], &[pictures], true, true);
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
        close(&discriminator_loss(&real, &fake, 0.0), -(of_real + of_fake));
        let smooth = (0.9 * ln_three_quarters + 0.1 * ln_quarter + ln_half) / 2.0;
        close(&discriminator_loss(&real, &fake, 0.1), -(smooth + of_fake));
        close(&generator_loss(&fake), -(ln_quarter + ln_half) / 2.0);
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
