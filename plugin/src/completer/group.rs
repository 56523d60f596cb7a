//! Completers that run their crops together: one inference for the crops of several streams.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::Batch;
use super::engine::Engine;
use super::model_io::ModelIo;
use crate::runtime::{MAX_CROPS, Model};

/// With whom a completer shares its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Completers of the same name share, as far as they have the same model on the same provider.
    pub group: String,
    /// How long a run waits for the crops of the others.
    pub timeout: Duration,
}

/// A completer's place in its group, until it is dropped.
#[derive(Debug)]
pub struct Membership {
    group: Arc<Group>,
    timeout: Duration,
}

/// Those that share runs.
#[derive(Debug)]
struct Group {
    name: String,
    /// What the members run, and how.
    model: Weak<Model>,
    io: ModelIo,
    size: (usize, usize),
    rounds: Mutex<Rounds>,
    changed: Condvar,
}

/// The runs of a group that collect crops, go on, or wait to be fetched.
#[derive(Debug, Default)]
struct Rounds {
    members: usize,
    /// Used again and again.
    all: Vec<Round>,
    /// The one that collects crops.
    open: Option<usize>,
}

#[derive(Debug)]
struct Round {
    /// Nothing while the run goes on.
    batch: Option<Batch>,
    /// Members whose crops are in it and who have not fetched their completions.
    waiting: usize,
    outcome: Option<Result<(), String>>,
}

/// A member's crops in a round.
#[derive(Clone, Copy, Debug)]
struct Share {
    round: usize,
    first: usize,
}

impl Membership {
    /// Joins the group, or founds it.
    pub fn new(sharing: &Sharing, engine: &Engine) -> Self {
        static GROUPS: Mutex<Vec<Weak<Group>>> = Mutex::new(Vec::new());

        let mut groups = lock(&GROUPS);
        groups.retain(|group| group.strong_count() > 0);
        let is_own = |group: &Arc<Group>| {
            group.name == sharing.group
                && std::ptr::eq(group.model.as_ptr(), Arc::as_ptr(engine.model()))
                && group.io == *engine.io()
        };
        let found = groups.iter().filter_map(Weak::upgrade).find(is_own);
        let group = found.unwrap_or_else(|| {
            let group = Arc::new(Group {
                name: sharing.group.clone(),
                model: Arc::downgrade(engine.model()),
                io: engine.io().clone(),
                size: engine.size(),
                rounds: Mutex::default(),
                changed: Condvar::new(),
            });
            groups.push(Arc::downgrade(&group));
            group
        });
        lock(&group.rounds).members += 1;
        Self {
            group,
            timeout: sharing.timeout,
        }
    }

    /// Completes `batch` together with what the other members bring within the time: the first one
    /// to come waits for them and runs all crops on its `engine`.
    ///
    /// # Errors
    /// ONNX Runtime's words; the batch then holds no completions.
    pub fn complete(&self, engine: &mut Engine, batch: &mut Batch) -> Result<(), String> {
        batch.forget_completions();
        if batch.is_empty() {
            return Ok(());
        }
        let mut rounds = lock(&self.group.rounds);
        let share = rounds.join(batch, self.group.size);
        if share.first == 0 {
            rounds = self.lead(share.round, rounds, engine);
        } else {
            self.group.changed.notify_all();
            let is_running = |rounds: &mut Rounds| rounds.all[share.round].outcome.is_none();
            rounds = self
                .group
                .changed
                .wait_while(rounds, is_running)
                .unwrap_or_else(PoisonError::into_inner);
        }
        rounds.fetch(share, batch)
    }

    /// Waits for the others, then runs the round. The lock is not held through the run, so the next
    /// round already collects crops.
    fn lead<'a>(
        &'a self,
        round: usize,
        mut rounds: MutexGuard<'a, Rounds>,
        engine: &mut Engine,
    ) -> MutexGuard<'a, Rounds> {
        let deadline = Instant::now() + self.timeout;
        while rounds.open == Some(round) && rounds.all[round].waiting < rounds.members {
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            let woken = self.group.changed.wait_timeout(rounds, rest);
            rounds = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut batch = rounds.start(round);
        drop(rounds);
        let outcome = match &mut batch {
            Some(batch) => engine.run(batch),
            None => Err("another member runs this round".into()),
        };
        let mut rounds = lock(&self.group.rounds);
        rounds.all[round].batch = batch;
        rounds.all[round].outcome = Some(outcome);
        self.group.changed.notify_all();
        rounds
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        lock(&self.group.rounds).members -= 1;
        // Who waits for this member need not any longer.
        self.group.changed.notify_all();
    }
}

impl Rounds {
    /// Puts the crops of `batch` into the round that collects, or into a new one.
    fn join(&mut self, batch: &Batch, size: (usize, usize)) -> Share {
        let index = self.open.unwrap_or_else(|| self.vacant(size));
        let round = &mut self.all[index];
        let crops = round.batch.get_or_insert_with(|| Batch::new(size));
        let first = crops.len();
        crops.resize(first + batch.len());
        for crop in 0..batch.len() {
            let (image, mask) = crops.crop_mut(first + crop);
            image.copy_from_slice(batch.image(crop));
            mask.copy_from_slice(batch.mask(crop));
        }
        round.waiting += 1;
        // What is full leaves without waiting.
        self.open = (crops.len() < MAX_CROPS).then_some(index);
        Share {
            round: index,
            first,
        }
    }

    /// A round that nobody uses.
    fn vacant(&mut self, size: (usize, usize)) -> usize {
        let vacant = self.all.iter().position(|round| round.waiting == 0);
        vacant.unwrap_or_else(|| {
            self.all.push(Round {
                batch: Some(Batch::new(size)),
                waiting: 0,
                outcome: None,
            });
            self.all.len() - 1
        })
    }

    /// Closes the round and takes its crops to be run.
    fn start(&mut self, round: usize) -> Option<Batch> {
        if self.open == Some(round) {
            self.open = None;
        }
        self.all[round].batch.take()
    }

    /// Copies the completions of a member's crops; the last member to do so frees the round.
    fn fetch(&mut self, share: Share, batch: &mut Batch) -> Result<(), String> {
        let round = &mut self.all[share.round];
        let outcome = round.outcome.clone().unwrap_or(Ok(()));
        if let (Ok(()), Some(crops)) = (&outcome, &round.batch) {
            batch.copy_completions(crops, share.first);
        }
        round.waiting -= 1;
        if round.waiting == 0 {
            round.outcome = None;
            if let Some(crops) = &mut round.batch {
                crops.resize(0);
            }
        }
        outcome
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
