//! Open models, shared by all who want the same one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ort::session::Session;

use super::inspect::Fingerprint;
use super::{ActiveProvider, Precision, Provider};

/// A model ready to run. Everybody in the process who opens the same one gets this one, so its
/// weights are in memory once, but for those who want [one of their own](super::RuntimeOptions); the last
/// one to drop it closes it.
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
    /// run uses all cores anyway; a model for one thread is better opened for each of its users.
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
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

type Slot = Mutex<Weak<Model>>;

impl OpenModels {
    /// The model of `key`, opened by `open` unless it is. Who wants a model that another thread is
    /// just opening waits for that one.
    pub fn get_or_open<E>(
        &self,
        key: &Key,
        open: impl FnOnce() -> Result<Model, E>,
    ) -> Result<Arc<Model>, E> {
        let slot = self.slot(key);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = slot.upgrade() {
            return Ok(model);
        }
        let model = Arc::new(open()?);
        *slot = Arc::downgrade(&model);
        Ok(model)
    }

    fn slot(&self, key: &Key) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody is using or opening.
        slots.retain(|_, slot| {
            Arc::strong_count(slot) > 1
                || slot
                    .try_lock()
                    .map_or(true, |model| model.strong_count() > 0)
        });
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}
