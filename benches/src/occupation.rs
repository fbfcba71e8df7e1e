//! Keeping every thread of a subject busy, so that what is submitted meanwhile stays queued; and many that sleep.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, Thread};

use tokio::sync::Notify;

use crate::work::THREADS;

/// Every thread of the subject runs a task that waits. They go on when it is dropped.
pub(crate) struct Occupation {
    end: Arc<Barrier>,
}

impl Occupation {
    /// Gives `spawn` the tasks that wait, and returns once all of them run.
    pub(crate) fn begin(mut spawn: impl FnMut(Box<dyn FnOnce() + Send>)) -> Self {
        let (begin, end) = (Arc::new(Barrier::new(THREADS + 1)), Arc::new(Barrier::new(THREADS + 1)));
        for _ in 0..THREADS {
            let (begin, end) = (Arc::clone(&begin), Arc::clone(&end));
            spawn(Box::new(move || {
                begin.wait();
                end.wait();
            }));
        }
        begin.wait();
        Self { end }
    }
}

impl Drop for Occupation {
    fn drop(&mut self) {
        self.end.wait();
    }
}

/// Where asynchronous tasks sleep until all are woken.
pub(crate) struct Dormitory {
    beds: usize,
    asleep: AtomicUsize,
    awake: AtomicUsize,
    morning: Notify,
    /// The thread that waits for all to be asleep, and then for all to be awake.
    warden: Thread,
}

impl Dormitory {
    pub(crate) fn new(beds: usize) -> Arc<Self> {
        let (asleep, awake, morning) = (AtomicUsize::new(0), AtomicUsize::new(0), Notify::new());
        Arc::new(Self { beds, asleep, awake, morning, warden: thread::current() })
    }

    /// What each of the tasks does.
    pub(crate) async fn sleep(self: Arc<Self>) {
        // It hears of the morning from here on, also before it is polled.
        let morning = self.morning.notified();
        self.count(&self.asleep);
        morning.await;
        self.count(&self.awake);
    }

    pub(crate) fn wait_until_all_sleep(&self) {
        self.wait(&self.asleep);
    }

    pub(crate) fn wake_all(&self) {
        self.morning.notify_waiters();
        self.wait(&self.awake);
    }

    fn count(&self, counter: &AtomicUsize) {
        if counter.fetch_add(1, Ordering::AcqRel) + 1 == self.beds {
            self.warden.unpark();
        }
    }

    fn wait(&self, counter: &AtomicUsize) {
        while counter.load(Ordering::Acquire) < self.beds {
            thread::park();
        }
    }
}
