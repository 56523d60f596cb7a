//! The generator's opponents.

mod block;
mod patch;
mod whole;

use tch::{Kind, Tensor};

use super::config::{DiscriminatorConfig, DiscriminatorKind};
use super::layers::Pass;
use super::parameters::Store;
use crate::tensors::{channels_last, composited};
use patch::Patch;
use whole::Whole;

/// What a discriminator says of `N` pictures.
pub struct Verdict {
    /// Log-odds of being real (the paper's `D` is their sigmoid), f32: `[N]` of whole pictures,
    /// `[N, P]` of their patches.
    pub logit: Tensor,
    /// How much each of them counts, f32, of the same shape and summing to 1: a picture as much
    /// as another, its patches by whether they are near the hole.
    pub weights: Tensor,
    /// The boxes it sees, `[N, 3, 4]` f32 in `[0, 1]`: for each colour channel `x0, y0, x1, y1`
    /// as shares of width and height. Patches have none.
    pub boxes: Option<Tensor>,
    /// What each of its convolutions makes of the pictures, `[N, C, h, w]`, finest first.
    pub features: Vec<Tensor>,
}

/// A discriminator.
pub enum Discriminator {
    /// The paper's.
    Whole(Whole),
    /// One that judges patches.
    Patch(Patch),
}

impl Discriminator {
    /// A discriminator with freshly drawn weights (by torch's global generator) in `store`, all
    /// named `discriminator.*`.
    pub fn new(store: &mut Store, config: &DiscriminatorConfig) -> Self {
        match config.kind {
            DiscriminatorKind::Whole => Self::Whole(Whole::new(store, config)),
            DiscriminatorKind::Patch => Self::Patch(Patch::new(store, config)),
        }
    }

    /// What it is to judge of the generator's whole output `generated` for `original` under
    /// `mask`, all `[N, 3, H, W]`: the paper's judges that itself, the one of patches what a user
    /// sees, with the known pixels put back.
    pub fn shown(&self, generated: &Tensor, original: &Tensor, mask: &Tensor) -> Tensor {
        match self {
            Self::Whole(_) => generated.shallow_clone(),
            Self::Patch(_) => composited(generated, original, mask),
        }
    }

    /// Judges `pictures` `[N, 3, H, W]` f32 in `[0, 1]`, sides multiples of 32, known under `mask`
    /// likewise.
    pub fn forward(&self, pictures: &Tensor, mask: &Tensor, pass: Pass) -> Verdict {
        match self {
            Self::Whole(network) => network.forward(pictures, pass),
            Self::Patch(network) => network.forward(pictures, mask, pass),
        }
    }
}

/// Two channels with the x and y coordinates, from -1 to 1 (Liu et al. 2018): `[N, 2, H, W]` for
/// `like` `[N, 3, H, W]`.
fn coordinates(like: &Tensor) -> Tensor {
    let (n, _, h, w) = like.size4().expect("pictures are [N, 3, H, W]");
    let line = |steps| Tensor::linspace(-1, 1, steps, (Kind::Float, like.device()));
    let x = line(w).view([1, 1, 1, w]).expand([n, 1, h, w], false);
    let y = line(h).view([1, 1, h, 1]).expand([n, 1, h, w], false);
    channels_last(&Tensor::cat(&[x, y], 1).to_kind(like.kind()))
}

#[cfg(test)]
mod tests {
    use super::block::leaky_relu;
    use super::*;
    use crate::network::config::{DiscriminatorNorm, Preset};
    use crate::network::generator::Generator;
    use crate::network::parameters::Precision;
    use crate::training::learner::Learner;
    use crate::training::loss::Pairs;
    use crate::training::optimizer::AdamConfig;
    use tch::Device;

    fn config(coordinates: bool, norm: DiscriminatorNorm) -> DiscriminatorConfig {
        DiscriminatorConfig {
            kind: DiscriminatorKind::Whole,
            width: 8,
            coordinates,
            norm,
        }
    }

    #[test]
    fn outputs_have_their_shapes_and_ranges() {
        tch::manual_seed(1);
        for precision in [Precision::F32, Precision::Bf16] {
            for norm in [
                DiscriminatorNorm::Batch,
                DiscriminatorNorm::Spectral,
                DiscriminatorNorm::None,
            ] {
                for coordinates in [false, true] {
                    let mut store = Store::new(Device::Cpu, precision);
                    let d = Discriminator::new(&mut store, &config(coordinates, norm));
                    let pictures = Tensor::rand([4, 3, 32, 32], (Kind::Float, Device::Cpu));
                    let verdict = d.forward(
                        &channels_last(&pictures),
                        &pictures.ones_like(),
                        Pass::Train,
                    );
                    assert_eq!(verdict.logit.size(), [4]);
                    let boxes = verdict.boxes.expect("it looks for boxes");
                    assert_eq!(boxes.size(), [4, 3, 4]);
                    assert_eq!(boxes.kind(), Kind::Float);
                    assert!(verdict.logit.isfinite().all().int64_value(&[]) == 1);
                    let (low, high) = (boxes.min(), boxes.max());
                    assert!(low.double_value(&[]) > 0.0 && high.double_value(&[]) < 1.0);
                }
            }
        }
    }

    #[test]
    fn it_has_fewer_parameters_than_the_encoder() {
        for preset in [Preset::Paper, Preset::Half, Preset::Tiny] {
            let sizes = preset.config();
            let mut store = Store::new(Device::Cpu, Precision::F32);
            Generator::new(&mut store, &sizes);
            let of_encoder =
                |name: &str| name.starts_with("encoder.") || name.starts_with("bottleneck.0.");
            let encoder: usize = (store.parameters.iter())
                .filter(|p| of_encoder(&p.name))
                .map(|p| p.master.numel())
                .sum();
            let mut store = Store::new(Device::Cpu, Precision::F32);
            let config = DiscriminatorConfig {
                width: sizes.width,
                ..config(true, DiscriminatorNorm::Batch)
            };
            Discriminator::new(&mut store, &config);
            assert!(
                store.count() < encoder,
                "{} against {encoder}",
                store.count()
            );
        }
    }

    #[test]
    fn the_leaky_relu_is_that_of_its_definition() {
        let x = Tensor::from_slice(&[-2.0f32, 0.5]).set_requires_grad(true);
        let y = leaky_relu(&x);
        assert_eq!(Vec::<f32>::try_from(&y).unwrap(), [-0.4, 0.5]);
        let slope = Tensor::run_backward(&[y.sum(Kind::Float)], &[&x], false, false);
        assert_eq!(Vec::<f32>::try_from(&slope[0]).unwrap(), [0.2, 1.0]);
    }

    #[test]
    fn coordinates_run_along_their_axes() {
        let c = coordinates(&Tensor::zeros([2, 3, 32, 64], (Kind::Float, Device::Cpu)));
        assert_eq!(c.size(), [2, 2, 32, 64]);
        for (at, expected) in [
            ([0, 0, 5, 0], -1.0),
            ([1, 0, 5, 63], 1.0),
            ([0, 1, 0, 7], -1.0),
            ([1, 1, 31, 7], 1.0),
        ] {
            assert_eq!(c.double_value(&at), expected);
        }
    }

    #[test]
    fn patches_learn_to_tell_a_blur_from_detail() {
        tch::manual_seed(1);
        let config = DiscriminatorConfig {
            kind: DiscriminatorKind::Patch,
            ..config(true, DiscriminatorNorm::Spectral)
        };
        let adam = AdamConfig::default();
        let mut learner = Learner::new(Device::Cpu, Precision::F32, adam, |store| {
            Discriminator::new(store, &config)
        });
        let mask = Tensor::ones([4, 3, 64, 64], (Kind::Float, Device::Cpu));
        let _ = mask.narrow(2, 20, 24).narrow(3, 10, 40).fill_(0.0);
        let random = |side| {
            let values = Tensor::rand([4, 3, side, side], (Kind::Float, Device::Cpu));
            values.upsample_bilinear2d([64i64, 64], false, None, None)
        };
        let mut update = || {
            let coarse = random(8) * 0.8;
            let pictures = channels_last(&(&coarse + random(32) * 0.2));
            let blurred = composited(&(coarse + 0.1), &pictures, &mask);
            let [real, fake] = [&pictures, &blurred]
                .map(|shown| learner.network.forward(shown, &mask, Pass::Train));
            let pairs = Pairs {
                real: &real.logit,
                fake: &fake.logit,
                weights: &fake.weights,
            };
            let loss = pairs.of_discriminator();
            learner.descend(&loss, 1e-3);
            loss.double_value(&[])
        };
        let losses: Vec<f64> = (0..60).map(|_| update()).collect();
        // It is ln 2 where nothing is told from anything.
        let last = losses[50..].iter().sum::<f64>() / 10.0;
        assert!(last < 0.3, "{losses:?}");
    }
}
