//! Ending a wait that has lost its use.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::group::Group;

/// Keeps the completers that it is given to from waiting for others of their group, while it is
/// set: where a stream is flushed or stops, nobody has time to wait. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_set: AtomicBool,
    /// Those in which one of the completers may be waiting.
    groups: Mutex<Vec<Weak<Group>>>,
}

impl Interrupt {
    /// Ends every wait that goes on, and allows no other until it is [cleared](Self::clear).
    pub fn set(&self) {
        self.0.is_set.store(true, Ordering::SeqCst);
        let groups = self.0.groups.lock().unwrap_or_else(PoisonError::into_inner);
        for group in groups.iter().filter_map(Weak::upgrade) {
            group.wake();
        }
    }

    /// Allows waits again.
    pub fn clear(&self) {
        self.0.is_set.store(false, Ordering::SeqCst);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::SeqCst)
    }

    pub(super) fn reaches(&self, group: &Arc<Group>) {
        let mut groups = self.0.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.retain(|group| group.strong_count() > 0);
        groups.push(Arc::downgrade(group));
    }
}

impl PartialEq for Interrupt {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Interrupt {}
