//! Completers that run their crops together: one inference for the crops of several streams.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::Batch;
use super::engine::Engine;
use super::interrupt::Interrupt;
use super::model_io::ModelIo;
use super::rounds::{Outcome, Rounds};
use crate::runtime::Model;

/// With whom a completer shares its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Completers of the same name share, as far as they have the same model on the same provider.
    pub group: String,
    /// How long a run waits for the crops of the others: of those that may come meanwhile, and
    /// that have come since they were last waited for in vain.
    pub timeout: Duration,
    /// Ends a wait before its time.
    pub interrupt: Interrupt,
}

/// A completer's place in its group, until it is dropped.
#[derive(Debug)]
pub struct Membership {
    id: usize,
    group: Arc<Group>,
    timeout: Duration,
}

/// Those that share runs.
#[derive(Debug)]
pub struct Group {
    name: String,
    /// What the members run, and how.
    model: Weak<Model>,
    io: ModelIo,
    rounds: Mutex<Rounds>,
    changed: Condvar,
}

impl Group {
    /// Has all who wait look whether they still have to.
    pub fn wake(&self) {
        // Whoever is about to wait has either seen what changed, or waits by now.
        let _rounds = self.rounds();
        self.changed.notify_all();
    }

    fn rounds(&self) -> MutexGuard<'_, Rounds> {
        lock(&self.rounds)
    }
}

impl Membership {
    /// Joins the group, or founds it.
    pub fn new(sharing: &Sharing, engine: &Engine) -> Self {
        static GROUPS: Mutex<Vec<Weak<Group>>> = Mutex::new(Vec::new());
        static IDS: AtomicUsize = AtomicUsize::new(0);

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
                rounds: Mutex::default(),
                changed: Condvar::new(),
            });
            groups.push(Arc::downgrade(&group));
            group
        });
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        group.rounds().add_member(id, sharing.interrupt.clone());
        sharing.interrupt.reaches(&group);
        Self {
            id,
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
        let mut rounds = self.group.rounds();
        let share = rounds.join(self.id, batch);
        if share.leads() {
            drop(self.collect(share.round, rounds));
            self.run(share.round, engine);
            rounds = self.group.rounds();
        } else {
            self.group.changed.notify_all();
            let is_running = |rounds: &mut Rounds| rounds.is_running(share.round);
            let woken = self.group.changed.wait_while(rounds, is_running);
            rounds = woken.unwrap_or_else(PoisonError::into_inner);
        }
        let outcome = rounds.fetch(self.id, share, batch);
        drop(rounds);
        match outcome {
            Outcome::Done => Ok(()),
            Outcome::Failed(reason) => Err(reason),
            Outcome::Abandoned => engine.run(batch),
        }
    }

    /// Waits for the others' crops.
    fn collect<'a>(
        &'a self,
        round: usize,
        mut rounds: MutexGuard<'a, Rounds>,
    ) -> MutexGuard<'a, Rounds> {
        let deadline = Instant::now() + self.timeout;
        while rounds.collects(round) {
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                rounds.await_no_other(round);
                break;
            }
            let woken = self.group.changed.wait_timeout(rounds, rest);
            rounds = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        rounds
    }

    /// Runs the round. The lock is not held meanwhile, so the next round already collects crops.
    fn run(&self, round: usize, engine: &mut Engine) {
        let abandoned = Abandoned {
            membership: self,
            round,
        };
        let mut batch = self.group.rounds().start(round);
        let outcome = match engine.run(&mut batch) {
            Ok(()) => Outcome::Done,
            Err(reason) => Outcome::Failed(reason),
        };
        std::mem::forget(abandoned);
        self.group.rounds().finish(round, batch, outcome);
        self.group.changed.notify_all();
    }
}

/// Dropped where a run panics: the others of the round must not wait for its end.
struct Abandoned<'a> {
    membership: &'a Membership,
    round: usize,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        let group = &self.membership.group;
        let mut rounds = group.rounds();
        rounds.abandon(self.round);
        rounds.leave(self.membership.id, self.round);
        group.changed.notify_all();
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.group.rounds().remove_member(self.id);
        // Who waits for this member need not any longer.
        self.group.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::completer::Hints;
    use crate::runtime::{self, LibraryError, Provider, RuntimeError, RuntimeOptions};
    use crate::skip::skip;

    const MODEL: &[u8] = include_bytes!("../../models/face.onnx");

    /// The embedded generator; nothing where there is no ONNX Runtime.
    fn engine() -> Option<Engine> {
        let options = RuntimeOptions {
            provider: Provider::Cpu,
            ..Default::default()
        };
        match runtime::open(MODEL, &options) {
            Err(RuntimeError::Library(e @ LibraryError::NotFound { .. })) => {
                skip(e);
                None
            }
            model => Some(Engine::new(model.expect("a model"), &Hints::default()).expect("io")),
        }
    }

    #[test]
    fn who_waits_for_a_run_that_panics_runs_alone() {
        let (Some(mut leader), Some(mut follower)) = (engine(), engine()) else {
            return;
        };
        let sharing = Sharing {
            group: "panics".into(),
            timeout: Duration::from_secs(600),
            interrupt: Interrupt::default(),
        };
        let members = [&leader, &follower].map(|engine| Membership::new(&sharing, engine));
        let [one, other] = &members;
        leader.panic_at_run();
        let size = follower.size();
        let batch = || {
            let mut batch = Batch::new(size);
            batch.resize(1);
            batch
        };
        thread::scope(|scope| {
            let (sender, done) = mpsc::channel();
            scope.spawn(move || {
                let run = || one.complete(&mut leader, &mut batch());
                assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
            });
            // The one that panics comes first, and so runs the round.
            while lock(&other.group.rounds).is_closed() {
                thread::yield_now();
            }
            scope.spawn(move || {
                let mut batch = batch();
                let outcome = other.complete(&mut follower, &mut batch);
                let _ = sender.send((outcome, batch.completed(0).is_some()));
            });
            let outcome = done.recv_timeout(Duration::from_secs(60));
            assert_eq!(outcome, Ok((Ok(()), true)));
        });
    }
}
