//! Open models, shared by all who want the same one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ort::session::Session;

use super::inspect::Fingerprint;
use super::{ActiveProvider, Precision, Provider};

/// A model ready to run. Everybody in the process who opens the same one gets this one, so its
/// weights are in memory once, as far as [`Sessions`](super::Sessions) says; the last one to drop it
/// closes it.
#[derive(Debug)]
pub struct Model {
    session: Mutex<Session>,
    active: ActiveProvider,
    nodes: (usize, usize),
}

impl Model {
    pub(super) fn new(session: Session, active: ActiveProvider, nodes: (usize, usize)) -> Self {
        Self {
            session: Mutex::new(session),
            active,
            nodes,
        }
    }

    /// The session, for oneself. `ort` asks for exclusive access to run one, because parts of ONNX
    /// Runtime are not safe to be run by two threads at once. Little is lost by taking turns where a
    /// run uses all cores anyway; a model for one thread is better opened once a core.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it runs, as the session tells.
    pub fn active(&self) -> ActiveProvider {
        self.active
    }

    /// How many of the model's nodes the provider runs, of how many; the CPU runs the others.
    pub fn nodes(&self) -> (usize, usize) {
        self.nodes
    }
}

/// What makes two models the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The file's contents.
    pub fingerprint: Fingerprint,
    /// Never [`Provider::Auto`].
    pub provider: Provider,
    /// Never [`Precision::Auto`].
    pub precision: Precision,
    /// As in [`super::RuntimeOptions`].
    pub device: Option<String>,
    /// For one inference on a CPU.
    pub threads: usize,
    /// As in [`super::RuntimeOptions`].
    pub cache_dir: Option<PathBuf>,
}

/// The models open in this process; it keeps none of them open itself.
#[derive(Debug, Default)]
pub struct OpenModels {
    /// Of each model its sessions, one a place.
    slots: Mutex<HashMap<(Key, usize), Arc<Slot>>>,
}

type Slot = Mutex<Weak<Model>>;

impl OpenModels {
    /// The model of `key` in the session with the fewest users of `places` (at least 1), opened by
    /// `open` unless it is. Who wants a model that another thread is just opening waits for that one.
    pub fn get_or_open<E>(
        &self,
        key: &Key,
        places: usize,
        open: impl FnOnce() -> Result<Model, E>,
    ) -> Result<Arc<Model>, E> {
        let slot = self.slot(key, places);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = slot.upgrade() {
            return Ok(model);
        }
        let model = Arc::new(open()?);
        *slot = Arc::downgrade(&model);
        Ok(model)
    }

    fn slot(&self, key: &Key, places: usize) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, slot| users(slot) > 0);
        let of_place = |place: &usize| slots.get(&(key.clone(), *place)).map_or(0, users);
        let place = (0..places).min_by_key(of_place).unwrap_or_default();
        Arc::clone(slots.entry((key.clone(), place)).or_default())
    }
}

/// Those that use the model of `slot` or are just opening it.
fn users(slot: &Arc<Slot>) -> usize {
    let opening = Arc::strong_count(slot) - 1;
    // Whoever holds the lock is one of those.
    opening + slot.try_lock().map_or(0, |model| model.strong_count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{self, LibraryError, RuntimeError, RuntimeOptions, Sessions};
    use crate::skip::skip;

    const POINTS: &[u8] = include_bytes!("../../models/points.onnx");

    /// The models that `users` of one get, one after the other, apart from those of another `name`;
    /// nothing where there is no ONNX Runtime.
    fn opened(
        name: &str,
        users: usize,
        threads: usize,
        sessions: Sessions,
    ) -> Option<Vec<Arc<Model>>> {
        let options = RuntimeOptions {
            provider: Provider::Cpu,
            threads: Some(threads),
            sessions,
            // On the CPU nothing is compiled that would be kept there.
            cache_dir: Some(name.into()),
            ..Default::default()
        };
        let open = || match runtime::open(POINTS, &options) {
            Err(RuntimeError::Library(e @ LibraryError::NotFound { .. })) => {
                skip(e);
                None
            }
            model => Some(model.expect("a model")),
        };
        (0..users).map(|_| open()).collect()
    }

    #[test]
    fn streams_spread_over_as_many_sessions_as_have_a_core_each() {
        let cores = crate::runtime::cpu_features::threads();
        let Some(models) = opened("spread", 2 * cores, 1, Sessions::AsCoresAllow) else {
            return;
        };
        let (first, second) = models.split_at(cores);
        for (i, model) in first.iter().enumerate() {
            assert!(first[..i].iter().all(|other| !Arc::ptr_eq(model, other)));
            let others = second.iter().filter(|other| Arc::ptr_eq(model, other));
            assert_eq!(others.count(), 1, "each takes a second user before a third");
        }
    }

    #[test]
    fn one_session_serves_all_where_a_run_takes_all_cores() {
        let cores = crate::runtime::cpu_features::threads();
        let all = opened("all", 3, cores + 1, Sessions::AsCoresAllow);
        let one = opened("one", 3, 1, Sessions::One);
        for models in [all, one].into_iter().flatten() {
            assert!(models.iter().all(|model| Arc::ptr_eq(model, &models[0])));
        }
        let Some(own) = opened("own", 2, 1, Sessions::Own) else {
            return;
        };
        assert!(!Arc::ptr_eq(&own[0], &own[1]));
    }
}
