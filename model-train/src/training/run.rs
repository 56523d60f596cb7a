//! A run from where it stands to the end of its budget, whatever it trains.

use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::loss::Losses;
use super::schedule::{Budget, Schedule};
use crate::report::LossLog;

/// Updates between rows of the loss log.
const LOG_EVERY: u64 = 20;
/// Length of the progress bar.
const BAR: u64 = 1000;

/// How much of a run is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Updates.
    #[serde(alias = "point_net_updates")]
    pub updates: u64,
    /// Training time of these in seconds.
    pub seconds: f64,
}

/// An update that is to be made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Updates made before it.
    pub updates: u64,
    /// Factor of the learning rates, in `[0, 1]`.
    pub rate: f64,
}

/// What a run trains.
pub trait Trainee {
    /// What an update is made on.
    type Batch;

    /// Names of the parts of what [`Self::update`] returns, in their order.
    fn losses(&self) -> Vec<&'static str>;

    /// The learning rate at the start, as it is logged.
    fn rate(&self) -> f64;

    /// Makes one update on `batch`, wherever that is; the losses before it.
    fn update(&mut self, batch: &Self::Batch, at: Moment) -> Losses;

    /// Writes the checkpoint.
    ///
    /// # Errors
    /// Where it cannot be written; an earlier one is kept.
    fn save(&self, made: Made) -> Result<()>;
}

/// How long a run lasts, how its rates fall, and what it leaves behind on the way.
pub struct Run<'a> {
    /// Folder of the loss log.
    pub out: &'a Path,
    /// How long it lasts.
    pub budget: Budget,
    /// How the learning rates rise and fall.
    pub schedule: Schedule,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
}

impl Run<'_> {
    /// Trains on `batches`, from the one of update `made.updates` on, to the end of the budget; a
    /// checkpoint is written every so often and at the end.
    ///
    /// # Errors
    /// Where the loss is no longer a number, or the log or the checkpoint cannot be written.
    pub fn to_end<T: Trainee>(
        &self,
        trainee: &mut T,
        batches: &Receiver<T::Batch>,
        made: &mut Made,
    ) -> Result<()> {
        let columns = [&["total"], &trainee.losses()[..], &["rate"]].concat();
        let mut log = LossLog::open(self.out, &columns, made.updates)?;
        let bar = ProgressBar::new(BAR).with_style(ProgressStyle::with_template(
            "{elapsed_precise} {bar:30} {percent}% {msg}",
        )?);
        let mut saved = Instant::now();
        loop {
            let elapsed = Duration::from_secs_f64(made.seconds);
            let done = self.budget.progress(made.updates, elapsed);
            if done >= 1.0 {
                break;
            }
            let started = Instant::now();
            let batch = batches.recv().context("the batch thread ended")?;
            let at = Moment {
                updates: made.updates,
                rate: self.schedule.at(made.updates, done),
            };
            let losses = trainee.update(&batch, at);
            made.updates += 1;
            made.seconds += started.elapsed().as_secs_f64();
            if made.updates.is_multiple_of(LOG_EVERY) {
                let total = record(&mut log, &losses, made.updates, trainee.rate() * at.rate)?;
                bar.set_position((BAR as f64 * done) as u64);
                bar.set_message(format!(
                    "update {} loss {total:.4} {:.3} s/update",
                    made.updates,
                    made.seconds / made.updates as f64
                ));
            }
            if saved.elapsed() > self.checkpoint_every {
                trainee.save(*made)?;
                saved = Instant::now();
            }
        }
        bar.finish_and_clear();
        trainee.save(*made)
    }
}

/// Logs the losses of an update and returns the total.
fn record(log: &mut LossLog, losses: &Losses, update: u64, rate: f64) -> Result<f32> {
    let value = |t: &Tensor| t.double_value(&[]) as f32;
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::fs;
    use std::sync::mpsc::sync_channel;

    use super::*;

    /// Takes its batches for its losses.
    #[derive(Default)]
    struct Echo {
        moments: Vec<Moment>,
        saved: RefCell<Vec<u64>>,
    }

    impl Trainee for Echo {
        type Batch = f32;

        fn losses(&self) -> Vec<&'static str> {
            vec!["half"]
        }

        fn rate(&self) -> f64 {
            0.5
        }

        fn update(&mut self, batch: &f32, at: Moment) -> Losses {
            self.moments.push(at);
            Losses {
                total: Tensor::from(*batch),
                parts: vec![("half", Tensor::from(batch / 2.0))],
            }
        }

        fn save(&self, made: Made) -> Result<()> {
            self.saved.borrow_mut().push(made.updates);
            Ok(())
        }
    }

    fn run(batches: Vec<f32>, made: &mut Made, folder: &Path) -> (Echo, Result<()>) {
        let (send, receive) = sync_channel(batches.len());
        let total = made.updates + batches.len() as u64;
        for batch in batches {
            send.send(batch).unwrap();
        }
        let run = Run {
            out: folder,
            budget: Budget::Updates(total),
            schedule: Schedule {
                power: 0.0,
                warm_up: 10,
            },
            checkpoint_every: Duration::from_secs(3600),
        };
        let mut echo = Echo::default();
        let end = run.to_end(&mut echo, &receive, made);
        (echo, end)
    }

    #[test]
    fn a_run_goes_on_from_where_it_stood_and_logs_every_so_often() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut made = Made::default();
        let (first, end) = run(vec![1.0; 30], &mut made, folder.path());
        end.unwrap();
        assert_eq!((made.updates, first.saved.take()), (30, vec![30]));
        let rates: Vec<f64> = first.moments.iter().map(|at| at.rate).collect();
        assert!((rates[0] - 0.1).abs() < 1e-12 && rates[9..].iter().all(|&r| r == 1.0));
        let (second, end) = run(vec![3.0; 20], &mut made, folder.path());
        end.unwrap();
        assert_eq!(second.moments[0].updates, 30);
        let log = fs::read_to_string(folder.path().join("losses.csv")).unwrap();
        let expected = "update,total,half,rate\n20,1.0,0.5,0.5\n40,3.0,1.5,0.5\n";
        assert_eq!(log, expected);
    }

    #[test]
    fn a_loss_that_is_no_number_ends_the_run_before_it_is_saved() {
        let folder = tempfile::TempDir::new().unwrap();
        let (echo, end) = run(vec![f32::NAN; 40], &mut Made::default(), folder.path());
        let error = end.unwrap_err().to_string();
        assert!(
            error.contains("update 20") && error.contains("--rate"),
            "{error}"
        );
        assert!(echo.saved.take().is_empty());
    }
}
