//! A task that waits inside for others says so, since they may wait for it.

use std::sync::Arc;

use crate::Error;
use crate::task::context::current_task;
use crate::task::{Entry, Scheduler};

/// Says for as long as it lives that a task waits for others.
#[derive(Debug)]
pub(crate) struct WaitInside {
    scheduler: Arc<dyn Scheduler>,
    waiter: u64,
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
        let Some(waiter) = current_task() else { return Ok(None) };
        let on = on();
        if on.is_empty() {
            return Ok(None);
        }
        let number = scheduler.begin_wait(&*waiter, on)?;
        Ok(number.map(|number| Box::new(Self { scheduler: Arc::clone(scheduler), waiter: waiter.id(), number })))
    }
}

impl Drop for WaitInside {
    fn drop(&mut self) {
        self.scheduler.end_wait(self.waiter, self.number);
    }
}
