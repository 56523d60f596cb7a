//! `mde-train bench`: seconds per update.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use tch::{Kind, Tensor};

use super::DeviceArg;
use crate::network::config::Preset;
use crate::network::generator::Generator;
use crate::network::parameters::{Precision, Store, channels_last};
use crate::training::batches::Batch;
use crate::training::loss::{Distance, PixelLoss};
use crate::training::optimizer::{Adam, AdamConfig};
use crate::training::step::Trainee;

/// Measures training updates on random pictures and masks.
#[derive(Args, Debug)]
pub struct Bench {
    /// Size of the generator.
    #[arg(long, value_enum, default_value = "half")]
    preset: Preset,
    /// Pictures a batch.
    #[arg(long, default_value_t = 24)]
    batch: i64,
    /// Without the adversarial part (the only one so far).
    #[arg(long)]
    no_adv: bool,
    /// Arithmetic; by default bf16 where the device has instructions for it, else f32.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Updates measured, after two that are not.
    #[arg(long, default_value_t = 7)]
    updates: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Bench {
    /// Runs the measurement and prints the median.
    pub fn run(&self) -> Result<()> {
        anyhow::ensure!(
            self.no_adv,
            "the adversarial update is not there yet: give --no-adv to measure the generator's"
        );
        let device = self.device.device()?;
        let config = self.preset.config();
        let precision = self.precision.unwrap_or(Precision::fastest_on(device));
        let mut store = Store::new(device, precision);
        let generator = Generator::new(&mut store, &config);
        let adam = Adam::new(&store, AdamConfig::default());
        let mut trainee = Trainee {
            store,
            generator,
            adam,
        };
        let loss = PixelLoss {
            distance: Distance::L2,
            completion: 1.0,
            reconstruction: 1.0,
        };
        let mut update = || -> Duration {
            let started = Instant::now();
            let size = [self.batch, 3, config.size, config.size];
            let pictures = channels_last(&Tensor::rand(size, (Kind::Float, device)));
            let masks = Tensor::rand(size, (Kind::Float, device))
                .lt(0.1)
                .to_kind(Kind::Float);
            let batch = Batch {
                pictures,
                masks: channels_last(&masks),
                epoch: 0,
            };
            let losses = trainee.update(&batch, &loss, 2e-4);
            // Reading a value waits for a device that computes behind our back.
            let _ = losses.total.double_value(&[]);
            started.elapsed()
        };
        for _ in 0..2 {
            update();
        }
        let mut times: Vec<f64> = (0..self.updates).map(|_| update().as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let millions = trainee.store.count() as f64 / 1e6;
        if self.json {
            let report = serde_json::json!({
                "precision": precision,
                "parameters_millions": millions,
                "seconds_per_update": median,
                "min": times[0],
                "max": times[times.len() - 1],
            });
            println!("{report}");
        } else {
            println!("parameters {millions:.1} M, {precision}, median {median:.3} s/update");
        }
        Ok(())
    }
}
