//! Gradients against central differences, through the networks at `tiny`.

use std::cell::RefCell;

use rand::RngExt;
use rand_pcg::Pcg64;
use tch::{Device, Kind, Tensor};

use super::*;
use crate::network::config::{DiscriminatorConfig, DiscriminatorKind, DiscriminatorNorm, Preset};
use crate::network::layers::Pass;
use crate::network::parameters::{Precision, Store};
use crate::network::perceptual::LAYERS;
use crate::tensors::channels_last;
use crate::training::batches::{BatchConfig, Masks};
use crate::training::optimizer::AdamConfig;
use crate::training::step::{GeneratorTraining, Rates};
use DiscriminatorKind::{Patch, Whole};

/// How far a step along the gradient changes a loss.
const CHANGE: f64 = 1e-3;

/// Checks the gradient of `loss` by `inputs` (leaves, f32) along itself and along a random
/// direction.
fn check(what: &str, inputs: &[&Tensor], loss: impl Fn() -> Tensor) {
    let gradient = Tensor::run_backward(&[loss()], inputs, false, false);
    let length = |tensors: &[Tensor]| {
        let squares: Tensor = tensors.iter().map(|t| t.square().sum(Kind::Double)).sum();
        squares.double_value(&[]).sqrt()
    };
    let size = length(&gradient);
    assert!(size > 1e-6, "{what}: the gradient vanishes");
    // Far enough for the change to stand out of the noise of f32, near enough to be straight.
    let step = CHANGE / size;
    let random: Vec<Tensor> = inputs.iter().map(|t| normal(&t.size())).collect();
    // Near enough to the gradient for its share not to drown in the noise of f32.
    let noise = length(&random);
    let oblique: Vec<Tensor> = (gradient.iter().zip(&random))
        .map(|(g, r)| g / size + r / noise * 2.0)
        .collect();
    for direction in [&gradient, &oblique] {
        let unit = length(direction);
        let moved = |by: f64| {
            tch::no_grad(|| {
                let shift = |sign: f64| {
                    for (t, d) in inputs.iter().zip(direction) {
                        let _ = t.detach().g_add_(&(d * (sign * by / unit)));
                    }
                };
                shift(1.0);
                let value = loss().double_value(&[]);
                shift(-1.0);
                value
            })
        };
        let measured = (moved(step) - moved(-step)) / (2.0 * step);
        let products: Tensor = (gradient.iter().zip(direction))
            .map(|(g, d)| (g * d).sum(Kind::Double))
            .sum();
        let expected = products.double_value(&[]) / unit;
        assert!(
            (measured - expected).abs() < 0.02 * size,
            "{what}: measured {measured}, computed {expected}, of {size}"
        );
    }
}

thread_local! {
    /// Torch's own generator is shared by all tests, which run at the same time: what one draws
    /// hangs on the others. Whether a step crosses the kink of a ReLU hangs on what is drawn.
    static RANDOM: RefCell<Pcg64> = RefCell::new(Pcg64::new(1, 0));
}

/// Values of U(0, 1), the same in each run of a test.
fn uniform(size: &[i64]) -> Tensor {
    let count = size.iter().product::<i64>();
    let values: Vec<f32> = RANDOM.with_borrow_mut(|rng| (0..count).map(|_| rng.random()).collect());
    Tensor::from_slice(&values).view(size)
}

/// Values of the standard normal distribution (Box and Muller 1958), likewise.
fn normal(size: &[i64]) -> Tensor {
    let length = (uniform(size).neg().log1p() * -2.0).sqrt();
    length * (uniform(size) * std::f64::consts::TAU).cos()
}

/// Draws the weights of a network anew, each as [`he_uniform`](crate::network::layers) does but
/// for biases and normalisations, which stay.
fn draw_weights(store: &Store) {
    tch::no_grad(|| {
        for p in store.parameters.iter().filter(|p| p.master.dim() > 1) {
            let size = p.master.size();
            let fan_in = p.master.numel() as i64 / size[0];
            let bound = (6.0 / fan_in as f64).sqrt();
            p.master
                .detach()
                .copy_(&((uniform(&size) * 2.0 - 1.0) * bound));
        }
    });
}

fn leaf(size: &[i64]) -> Tensor {
    uniform(size).set_requires_grad(true)
}

/// Random convolutions, each followed by a ReLU, at a resolution halved each time.
struct RandomFeatures(Vec<Tensor>);

impl RandomFeatures {
    fn new() -> Self {
        let weight = |l: usize| normal(&[8, if l == 0 { 3 } else { 8 }, 3, 3]) * 0.2;
        Self((0..LAYERS).map(weight).collect())
    }
}

impl FeatureNetwork for RandomFeatures {
    fn features(&self, pictures: &Tensor) -> Vec<Tensor> {
        let mut x = pictures.shallow_clone();
        let layer = |weight: &Tensor| {
            x = x
                .conv2d(weight, None::<&Tensor>, [2, 2], [1, 1], [1, 1], 1)
                .relu();
            x.shallow_clone()
        };
        self.0.iter().map(layer).collect()
    }
}

/// Pictures, REC masks and their boxes.
fn batch() -> Batch {
    let config = BatchConfig {
        batch: 8,
        seed: 1,
        mixture: "REC:0.3".parse().expect("a task"),
        flips: false,
    };
    let (mut drawn, mut rng) = (Masks::default(), Pcg64::new(1, 0));
    for _ in 0..config.batch {
        drawn.draw(&config, 32, 0, &mut rng);
    }
    let (masks, boxes) = drawn.into_tensors(32);
    Batch {
        pictures: channels_last(&uniform(&[8, 3, 32, 32])),
        masks,
        boxes,
    }
}

/// A tiny generator and its opponent.
fn trainee(kind: DiscriminatorKind, norm: DiscriminatorNorm) -> GeneratorTraining {
    let sizes = Preset::Tiny.config();
    let adam = AdamConfig::default();
    let mut trainee = GeneratorTraining::new(Device::Cpu, Precision::F32, &sizes, adam);
    let discriminator = DiscriminatorConfig {
        kind,
        norm,
        ..DiscriminatorConfig::paper(sizes.width)
    };
    trainee.oppose(&discriminator, adam);
    draw_weights(&trainee.generator.store);
    draw_weights(&trainee.adversary.as_ref().expect("it is opposed").store);
    trainee
}

fn working(store: &Store) -> Vec<&Tensor> {
    store.parameters.iter().map(|p| &p.working).collect()
}

#[test]
fn of_each_loss_by_its_input() {
    let original = uniform(&[2, 3, 32, 32]);
    let mask = uniform(&[2, 3, 32, 32]).lt(0.5).to_kind(Kind::Float);
    let generated = leaf(&[2, 3, 32, 32]);
    for distance in [Distance::L1, Distance::L2] {
        let pixel = PixelLoss {
            distance,
            completion: 2.0,
            reconstruction: 1.0,
        };
        check("pixels", &[&generated], || {
            pixel.of(&generated, &original, &mask).total
        });
    }
    let network = RandomFeatures::new();
    for distance in [FeatureDistance::Squared, FeatureDistance::Unit] {
        check("equation 5", &[&generated], || {
            distance.between(&network, &generated, &original)
        });
    }
    let (real, fake) = (leaf(&[6]), leaf(&[6]));
    let weights = uniform(&[6]);
    for form in [Form::Log, Form::Hinge] {
        for smoothing in [0.0, 0.2] {
            check("equation 1", &[&real, &fake], || {
                form.of_discriminator(&real, &fake, &weights, smoothing)
            });
        }
        check("equation 2", &[&fake], || {
            form.of_generator(&fake, &weights)
        });
    }
    let seen = leaf(&[8, 3, 4]);
    let boxes = batch().boxes;
    check("equation 7", &[&seen], || boxes.seek_loss(Some(&seen)));
    check("equation 8", &[&seen], || boxes.hide_loss(Some(&seen)));
}

#[test]
fn of_equation_9_by_the_generator() {
    let trainee = trainee(Whole, DiscriminatorNorm::Batch);
    let adversary = trainee.adversary.as_ref().expect("it is opposed");
    let batch = batch();
    let pixel = |weight| PixelLoss {
        distance: Distance::L2,
        completion: weight,
        reconstruction: weight,
    };
    let perceptual = |weight| Perceptual {
        weight,
        distance: FeatureDistance::Squared,
        network: Box::new(RandomFeatures::new()),
    };
    let adversarial = |weight, hide_and_seek| Adversarial {
        weight,
        hide_and_seek,
        ..Adversarial::default()
    };
    // Each part alone, then all.
    let objectives = [
        ("adversarial", 0.0, None, Some(adversarial(1.0, 0.0))),
        ("hide and seek", 0.0, None, Some(adversarial(0.0, 1.0))),
        ("perceptual", 0.0, Some(perceptual(150.0)), None),
        (
            "total",
            1.0,
            Some(perceptual(10.0)),
            Some(adversarial(0.3, 0.3)),
        ),
    ];
    for (what, of_pixels, perceptual, adversarial) in objectives {
        let objective = Objective {
            pixel: pixel(of_pixels),
            perceptual,
            adversarial,
        };
        check(what, &working(&trainee.generator.store), || {
            let generated = trainee.complete(&batch, Pass::Train);
            let verdict = adversary.judge(&generated, &batch);
            objective
                .of_generator(&generated, &batch, Some(&verdict))
                .total
        });
    }
}

#[test]
fn of_equations_1_and_7_by_the_discriminator() {
    let none = DiscriminatorNorm::None;
    for (kind, norm) in [
        (Whole, DiscriminatorNorm::Batch),
        (Whole, none),
        (Patch, none),
    ] {
        let trainee = trainee(kind, norm);
        let adversary = trainee.adversary.as_ref().expect("it is opposed");
        let batch = batch();
        let generated = trainee.complete(&batch, Pass::Train).detach();
        let loss = Adversarial {
            weight: 1.0,
            hide_and_seek: 1.0,
            ..Adversarial::default()
        };
        check(&format!("{norm:?}"), &working(&adversary.store), || {
            let judge = |x| adversary.judge(x, &batch);
            let (real, fake) = (judge(&batch.pictures), judge(&generated));
            (loss.of_discriminator(&batch.pictures, &real, &fake, &batch.boxes)).total
        });
    }
}

/// By a smooth network: the penalty of one with leaky ReLUs jumps wherever a unit switches, which
/// differences see and gradients do not.
#[test]
fn of_the_gradient_penalty() {
    let weight = leaf(&[8, 3, 3, 3]);
    let pictures = uniform(&[4, 3, 8, 8]) * 0.1;
    check("R1", &[&weight], || {
        // The penalty takes a gradient of its own.
        tch::with_grad(|| {
            let pictures = pictures.detach().set_requires_grad(true);
            let x = pictures.conv2d(&weight, None::<&Tensor>, [1, 1], [1, 1], [1, 1], 1);
            let odds = x.tanh().square().flatten(1, -1);
            gradient_penalty(&odds.sum_dim_intlist(1, false, None), &pictures) * 1e-4
        })
    });
}

#[test]
fn a_discriminator_learns_and_its_weights_alone_move_in_its_step() {
    let spectral = DiscriminatorNorm::Spectral;
    for (kind, norm) in [
        (Whole, DiscriminatorNorm::Batch),
        (Whole, spectral),
        (Patch, spectral),
    ] {
        let mut trainee = trainee(kind, norm);
        let objective = Objective {
            pixel: PixelLoss {
                distance: Distance::L2,
                completion: 1.0,
                reconstruction: 1.0,
            },
            perceptual: None,
            adversarial: Some(Adversarial {
                r1: if norm == DiscriminatorNorm::Spectral {
                    1.0
                } else {
                    0.0
                },
                ..Adversarial::default()
            }),
        };
        let rates = Rates {
            generator: 0.0,
            discriminator: 1e-3,
        };
        let batch = batch();
        let before = trainee.generator.store.parameters[0].master.copy();
        let mut told = Vec::new();
        for _ in 0..10 {
            let losses = trainee.update(&batch, &objective, rates);
            let names: Vec<_> = losses.parts.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, objective.names());
            let (_, tell) = &losses.parts[4];
            told.push(tell.double_value(&[]));
        }
        assert!(told[9] < told[0], "{norm:?}: {told:?}");
        assert!(trainee.generator.store.parameters[0].master == before);
    }
}
