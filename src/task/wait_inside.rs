//! A task that waits inside for others says so, since they may wait for it.

use std::sync::Arc;

use crate::Error;
use crate::task::context::{current_tasks, is_in_task};
use crate::task::{Entry, Scheduler};

/// Says for as long as it lives that a task waits for others.
#[derive(Debug)]
pub(crate) struct WaitInside {
    scheduler: Arc<dyn Scheduler>,
    /// The task, and those that wait below it on its thread.
    waiters: Box<[u64]>,
    number: u64,
}

impl WaitInside {
    /// The caller is about to wait for all of `on`, without a limit in time. `None` if the caller is no task.
    ///
    /// # Errors
    ///
    /// [`Error::Deadlock`] if one of them waits for the caller.
    pub(crate) fn begin(
        scheduler: &Arc<dyn Scheduler>,
        on: impl FnOnce() -> Vec<Arc<dyn Entry>>,
    ) -> Result<Option<Box<Self>>, Error> {
        if !is_in_task() {
            return Ok(None);
        }
        let on = on();
        if on.is_empty() {
            return Ok(None);
        }
        let waiters = current_tasks();
        let number = scheduler.begin_wait(&waiters, on)?;
        let waiters = waiters.iter().map(|waiter| waiter.id()).collect();
        Ok(number.map(|number| Box::new(Self { scheduler: Arc::clone(scheduler), waiters, number })))
    }
}

impl Drop for WaitInside {
    fn drop(&mut self) {
        self.scheduler.end_wait(&self.waiters, self.number);
    }
}
