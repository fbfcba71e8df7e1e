//! The table of chosen keys, beside the engine: only tasks that have one come here.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::Error;
use crate::engine::local::about::About;
use crate::engine::local::node::Node;
use crate::task::{Identity, Key, TaskFuture, TypedEntry};

/// The tasks that hold a chosen key.
#[derive(Default)]
pub(crate) struct Keys {
    table: Mutex<HashMap<Key, Keyed>>,
}

struct Keyed {
    id: u64,
    identity: Identity,
    node: Weak<dyn Node>,
    /// A `Weak<dyn TypedEntry<T>>` of the task's own type.
    entry: Box<dyn Any + Send>,
}

impl Keys {
    /// The future of the task that holds `key`, if that is the same work; else has `submit` make one and remembers it.
    ///
    /// # Errors
    ///
    /// [`Error::KeyConflict`] if the key stands for other work.
    pub(crate) fn join_or<T: 'static>(
        &self,
        key: &Key,
        identity: Identity,
        make: impl FnOnce() -> (Arc<dyn Node>, Arc<dyn TypedEntry<T>>),
    ) -> Result<Joined<T>, Error> {
        let mut table = self.lock();
        if let Some(keyed) = table.get(key)
            && let Some(node) = keyed.node.upgrade()
            && node.core().retain_if_held()
        {
            let entry = keyed.entry.downcast_ref::<Weak<dyn TypedEntry<T>>>().and_then(Weak::upgrade);
            let entry = entry.map(TaskFuture::new);
            return match entry {
                Some(future) if keyed.identity.is_same(&identity) => Ok(Joined::Existing(future)),
                other => {
                    // The handle may be the last by now, and burying its task takes this lock.
                    drop(table);
                    if other.is_none() && node.core().release() {
                        node.bury();
                    }
                    Err(Error::KeyConflict { key: key.clone() })
                }
            };
        }
        let (node, entry) = make();
        let keyed = Keyed {
            id: node.about().id,
            identity,
            node: Arc::downgrade(&node),
            entry: Box::new(Arc::downgrade(&entry)),
        };
        table.insert(key.clone(), keyed);
        Ok(Joined::New(entry))
    }

    /// Frees the key of a task that nobody holds any more, unless another has it by now.
    pub(crate) fn forget(&self, about: &About) {
        let mut table = self.lock();
        let key = about.key();
        if table.get(&key).is_some_and(|keyed| keyed.id == about.id) {
            table.remove(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Keyed>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`Keys::join_or`] found.
pub(crate) enum Joined<T> {
    /// The key was held by the same work.
    Existing(TaskFuture<T>),
    /// The key was free; this task holds it now.
    New(Arc<dyn TypedEntry<T>>),
}
