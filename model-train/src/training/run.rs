//! A run from where it stands to the end of its budget.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;

use super::batches::{BatchConfig, stream};
use super::checkpoint::Progress;
use super::loss::{Losses, Objective};
use super::schedule::{Annealing, Budget};
use super::step::{Rates, Trainee};
use crate::data::Dataset;
use crate::network::layers::Pass;
use crate::report::LossLog;

/// Updates between rows of the loss log.
const LOG_EVERY: u64 = 20;

/// What a run does, whatever it trains.
pub struct Run<'a> {
    /// Folder of the loss log.
    pub out: &'a Path,
    /// What is minimised.
    pub objective: &'a Objective,
    /// What batches are drawn from and how.
    pub batches: BatchConfig,
    /// How long it lasts.
    pub budget: Budget,
    /// Learning rate of the generator.
    pub generator_rate: Annealing,
    /// Learning rate of the discriminator.
    pub discriminator_rate: Annealing,
    /// Whether the weights come without statistics, and are to take those of the first batch.
    pub adopt: bool,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
    /// Shows the way, of length [`BAR`].
    pub bar: ProgressBar,
}

/// Length of a run's progress bar.
pub const BAR: u64 = 1000;

impl Run<'_> {
    /// Trains on `dataset` to the end of the budget; `save` is called every so often and at the
    /// end.
    ///
    /// # Errors
    /// Where the loss is no longer a number, the log cannot be written, and what `save` yields.
    pub fn to_end(
        &self,
        dataset: Arc<Dataset>,
        trainee: &mut Trainee,
        progress: &mut Progress,
        save: impl Fn(&Trainee, &Progress) -> Result<()>,
    ) -> Result<()> {
        let names = self.objective.names();
        let columns = [&["total"], &names[..], &["rate"]].concat();
        let mut log = LossLog::open(self.out, &columns, progress.updates)?;
        let device = trainee.store.device;
        let batches = stream(dataset, self.batches.clone(), progress.updates)?;
        let mut adopt = self.adopt;
        let mut saved = Instant::now();
        loop {
            let elapsed = Duration::from_secs_f64(progress.seconds);
            let done = self.budget.progress(progress.updates, elapsed);
            if done >= 1.0 {
                break;
            }
            let started = Instant::now();
            let batch = batches.recv().context("the batch thread ended")?;
            let batch = batch.to_device(device);
            if std::mem::take(&mut adopt) {
                let _ = tch::no_grad(|| trainee.complete(&batch, Pass::Adopt));
            }
            let rates = Rates {
                generator: self.generator_rate.at(done),
                discriminator: self.discriminator_rate.at(done),
            };
            let losses = trainee.update(&batch, self.objective, rates);
            progress.updates += 1;
            progress.seconds += started.elapsed().as_secs_f64();
            if progress.updates.is_multiple_of(LOG_EVERY) {
                let total = record(&mut log, &losses, progress.updates, rates.generator)?;
                self.bar.set_position((BAR as f64 * done) as u64);
                self.bar.set_message(format!(
                    "update {} (epoch {}) loss {total:.4} {:.3} s/update",
                    progress.updates,
                    batch.epoch,
                    progress.seconds / progress.updates as f64
                ));
            }
            if saved.elapsed() > self.checkpoint_every {
                save(trainee, progress)?;
                saved = Instant::now();
            }
        }
        save(trainee, progress)
    }
}

/// Logs the losses of an update and returns the generator's total.
fn record(log: &mut LossLog, losses: &Losses, update: u64, rate: f64) -> Result<f32> {
    let value = |t: &tch::Tensor| t.double_value(&[]) as f32;
    let total = value(&losses.total);
    ensure!(
        total.is_finite(),
        "the loss is {total} at update {update}: lower --rate; the checkpoint is from before"
    );
    let mut row = vec![total];
    row.extend(losses.parts.iter().map(|(_, loss)| value(loss)));
    row.push(rate as f32);
    log.record(update, &row)?;
    Ok(total)
}
