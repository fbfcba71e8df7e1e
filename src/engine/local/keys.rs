//! The table of chosen keys, beside the engine: only tasks that have one come here.
//!
//! A key is one task in the whole engine, and each client that submits it has a view of its own (`future_state.rs`).

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::Error;
use crate::engine::local::clients::ClientState;
use crate::engine::local::future_state::FutureState;
use crate::engine::local::node::Node;
use crate::task::{Entry, Identity, Key, TypedEntry};

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
    /// One for each client that wants the task.
    views: Vec<View>,
}

struct View {
    client_id: usize,
    entry: Weak<dyn Entry>,
    /// A `Weak<FutureState<T>>` of the task's own type.
    typed: Box<dyn Any + Send>,
}

impl Keys {
    /// The view that `client` has of the task that holds `key`, with one handle, if that is the same work; else that
    /// of the one that `make` makes, with the handle that it comes with. A task that was cancelled holds its key no more.
    ///
    /// # Errors
    ///
    /// [`Error::KeyConflict`] if the key stands for other work.
    pub(crate) fn join_or<T: Send + Sync + 'static>(
        &self,
        client: &Arc<ClientState>,
        key: &Key,
        identity: Identity,
        make: impl FnOnce() -> (Arc<dyn Node>, Arc<dyn TypedEntry<T>>),
    ) -> Result<Arc<FutureState<T>>, Error> {
        // Dropped after the lock: they may be the last references, and what they drop is the user's.
        let (held, view);
        let mut table = self.lock();
        if let Some(keyed) = table.get_mut(key) {
            held = keyed.node.upgrade();
            let is_there = |node: &Arc<dyn Node>| node.core().outcome().is_none_or(|outcome| !is_void(&outcome));
            if held.as_ref().is_some_and(is_there) && held.as_ref().is_some_and(|node| node.core().has_handles()) {
                let entry = keyed.entry.downcast_ref::<Weak<dyn TypedEntry<T>>>().and_then(Weak::upgrade);
                let Some(entry) = entry.filter(|_| keyed.identity.is_same(&identity)) else {
                    return Err(Error::KeyConflict { key: key.clone() });
                };
                view = keyed.view_of::<T>(client.id());
                if let Some(view) = &view
                    && view.join()
                {
                    return Ok(Arc::clone(view));
                }
                if entry.retain_if_held() {
                    return Ok(keyed.add_view(client, entry));
                }
            }
        }
        let (node, entry) = make();
        let mut keyed = Keyed {
            id: node.id(),
            identity,
            node: Arc::downgrade(&node),
            entry: Box::new(Arc::downgrade(&entry)),
            views: Vec::new(),
        };
        let state = keyed.add_view(client, entry);
        table.insert(key.clone(), keyed);
        Ok(state)
    }

    /// Frees the key of a task that nobody holds any more, unless another has it by now.
    pub(crate) fn forget(&self, node: &dyn Node) {
        let key = node.key();
        let mut table = self.lock();
        if table.get(&key).is_some_and(|keyed| keyed.id == node.id()) {
            table.remove(&key);
        }
    }

    /// Forgets a view that nobody holds any more.
    pub(crate) fn forget_view(&self, key: &Key, view: *const ()) {
        if let Some(keyed) = self.lock().get_mut(key) {
            keyed.views.retain(|other| !std::ptr::addr_eq(other.entry.as_ptr(), view));
        }
    }

    /// Whether a client other than this one has a view of the task that has not ended.
    pub(crate) fn is_wanted_by_others(&self, node: &dyn Node, client_id: usize) -> bool {
        if !node.about().is_keyed() {
            return false;
        }
        let others: Vec<_> = match self.lock().get(&node.key()) {
            Some(keyed) if keyed.id == node.id() => {
                let others = keyed.views.iter().filter(|view| view.client_id != client_id);
                others.filter_map(|view| view.entry.upgrade()).collect()
            }
            _ => return false,
        };
        others.iter().any(|view| view.outcome().is_none())
    }

    /// The views of one client.
    pub(crate) fn views_of(&self, client_id: usize) -> Vec<Arc<dyn Entry>> {
        self.views(|view| view.client_id == client_id)
    }

    /// The views of all clients.
    pub(crate) fn all_views(&self) -> Vec<Arc<dyn Entry>> {
        self.views(|_| true)
    }

    fn views(&self, wanted: impl Fn(&View) -> bool) -> Vec<Arc<dyn Entry>> {
        let table = self.lock();
        let views = table.values().flat_map(|keyed| &keyed.views);
        views.filter(|view| wanted(view)).filter_map(|view| view.entry.upgrade()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Keyed>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keyed {
    fn view_of<T: Send + Sync + 'static>(&self, client_id: usize) -> Option<Arc<FutureState<T>>> {
        let view = self.views.iter().rfind(|view| view.client_id == client_id)?;
        view.typed.downcast_ref::<Weak<FutureState<T>>>()?.upgrade()
    }

    /// Adds the view of a client, which takes over a handle of `entry`.
    fn add_view<T: Send + Sync + 'static>(
        &mut self,
        client: &Arc<ClientState>,
        entry: Arc<dyn TypedEntry<T>>,
    ) -> Arc<FutureState<T>> {
        let state = FutureState::new(Arc::clone(client), entry);
        self.views.push(View {
            client_id: client.id(),
            entry: Arc::downgrade(&state) as Weak<dyn Entry>,
            typed: Box::new(Arc::downgrade(&state)),
        });
        state
    }
}

/// Whether a task that ended like this is as if it had never been submitted.
pub(crate) fn is_void(outcome: &Result<(), Error>) -> bool {
    matches!(outcome, Err(Error::Cancelled { .. } | Error::RuntimeGone { .. }))
}
