use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// Knows whether a runtime has been shut down, by whomever: a tokio timer that is polled after that panics.
///
/// tokio has no question for it. But it drops every task before it stops its timers, so that a task which does
/// nothing is a witness.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    /// Started by the first timer: a runtime that only spawns and connects needs none.
    witness: OnceLock<Arc<Witness>>,
}

impl Liveness {
    pub(crate) fn witness(&self, handle: &Handle) -> Arc<Witness> {
        self.witness.get_or_init(|| Arc::new(Witness::start(handle))).clone()
    }
}

#[derive(Debug)]
pub(crate) struct Witness {
    alive: Arc<RwLock<bool>>,
    task: AbortHandle,
}

impl Witness {
    fn start(handle: &Handle) -> Self {
        let alive = Arc::new(RwLock::new(true));
        let testimony = Testimony(alive.clone());
        let task = handle.spawn(async move {
            let _testimony = testimony;
            std::future::pending::<()>().await;
        });
        Self { alive, task: task.abort_handle() }
    }

    /// Runs `timer` if the runtime is alive, and keeps it alive meanwhile.
    pub(crate) fn while_alive<T>(&self, timer: impl FnOnce() -> T) -> Option<T> {
        let alive = self.alive.read().unwrap_or_else(PoisonError::into_inner);
        alive.then(timer)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the witness leaves behind when it is dropped.
#[derive(Debug)]
struct Testimony(Arc<RwLock<bool>>);

impl Drop for Testimony {
    fn drop(&mut self) {
        // Waits for the polls that have seen it alive: the timers stop only after this.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = false;
    }
}
