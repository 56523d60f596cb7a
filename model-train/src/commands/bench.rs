//! `mde-train bench`: seconds per update.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use tch::{Device, Kind, Tensor};

use super::DeviceArg;
use crate::network::config::{DiscriminatorConfig, Preset};
use crate::network::parameters::Precision;
use crate::network::perceptual;
use crate::tensors::channels_last;
use crate::training::batches::Batch;
use crate::training::loss::{
    Adversarial, Boxes, Distance, FeatureDistance, Objective, Perceptual, PixelLoss, published,
};
use crate::training::optimizer::AdamConfig;
use crate::training::step::{GeneratorTraining, Rates};

/// Measures training updates on random pictures, masks and boxes.
#[derive(Args, Debug)]
pub struct Bench {
    /// Size of the generator.
    #[arg(long, value_enum, default_value = "half")]
    preset: Preset,
    /// Pictures a batch.
    #[arg(long, default_value_t = 24)]
    batch: i64,
    /// Leave out the adversarial and the hide-and-seek loss, so that only the generator is updated.
    #[arg(long)]
    no_adv: bool,
    /// SqueezeNet or VGG-16, to measure updates with the perceptual loss.
    #[arg(long, value_name = "FILE")]
    perceptual_network: Option<PathBuf>,
    /// Number format to compute in; by default bf16 if the device has it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Updates to measure; two come before them that are not measured.
    #[arg(long, default_value_t = 7)]
    updates: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Bench {
    /// Runs the measurement and prints the median.
    ///
    /// # Errors
    /// Where there is no such device, and where the perceptual network cannot be opened.
    pub fn run(&self) -> Result<()> {
        let device = self.device.device()?;
        let config = self.preset.config();
        let adam = AdamConfig::default();
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        let mut training = GeneratorTraining::new(device, precision, &config, adam);
        if !self.no_adv {
            let discriminator = DiscriminatorConfig::paper(config.width);
            training.oppose(&discriminator, adam);
        }
        let objective = self.objective(device, precision)?;
        let rates = Rates {
            generator: 2e-4,
            discriminator: 2e-5,
        };
        let mut update = || {
            let started = Instant::now();
            let batch = random_batch(self.batch, config.size, device);
            let losses = training.update(&batch, &objective, rates);
            // Reading a value waits for a device that computes behind our back.
            let _ = losses.total.double_value(&[]);
            started.elapsed().as_secs_f64()
        };
        for _ in 0..2 {
            update();
        }
        let mut times: Vec<f64> = (0..self.updates.max(1)).map(|_| update()).collect();
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let millions = training.generator.store.count() as f64 / 1e6;
        let opponent = training.adversary.as_ref().map_or(0, |a| a.store.count()) as f64 / 1e6;
        if self.json {
            let report = serde_json::json!({
                "precision": precision,
                "parameters_millions": millions,
                "discriminator_millions": opponent,
                "seconds_per_update": median,
                "min": times[0],
                "max": times[times.len() - 1],
            });
            println!("{report}");
        } else {
            println!(
                "parameters {millions:.1} M, discriminator {opponent:.1} M, {precision}, \
                 median {median:.3} s/update"
            );
        }
        Ok(())
    }

    /// Equation 9 with the published weights, as far as it is measured, and completion.
    fn objective(&self, device: Device, precision: Precision) -> Result<Objective> {
        let perceptual = match &self.perceptual_network {
            Some(path) => Some(Perceptual {
                weight: published::PERCEPTUAL,
                distance: FeatureDistance::Squared,
                network: perceptual::open(path, device, precision.kind())?,
            }),
            None => None,
        };
        Ok(Objective {
            pixel: PixelLoss {
                distance: Distance::L2,
                completion: 1.0,
                reconstruction: 1.0,
            },
            perceptual,
            adversarial: (!self.no_adv).then(Adversarial::default),
        })
    }
}

/// Random pictures of side `size` with a tenth of their values known.
fn random_batch(pictures: i64, size: i64, device: Device) -> Batch {
    let options = (Kind::Float, device);
    let random = || channels_last(&Tensor::rand([pictures, 3, size, size], options));
    Batch {
        pictures: random(),
        masks: random().lt(0.1).to_kind(Kind::Float),
        boxes: Boxes {
            known: Tensor::rand([pictures, 3, 4], options),
            decoy: Tensor::rand([pictures, 3, 4], options),
            present: Tensor::ones([pictures], options),
        },
    }
}
