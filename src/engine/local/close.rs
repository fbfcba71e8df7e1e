//! The end of an engine: no more submissions, every future resolved, every thread joined.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Error;
use crate::engine::local::failing::fail;
use crate::engine::local::node::Node;
use crate::engine::local::{Engine, worker};

/// Whether an engine takes submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum EngineStatus {
    Running,
    Closing,
    Closed,
}

/// How far an engine is towards its end, and who waits for it.
pub(crate) struct Lifecycle {
    status: AtomicU8,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    wakers: Vec<Waker>,
    reason: &'static str,
}

impl Default for Lifecycle {
    fn default() -> Self {
        let waiting = Waiting { wakers: Vec::new(), reason: "" };
        Self { status: AtomicU8::new(EngineStatus::Running as u8), waiting: Mutex::new(waiting) }
    }
}

impl Lifecycle {
    pub(crate) fn is_closing(&self) -> bool {
        self.status.load(Ordering::SeqCst) != EngineStatus::Running as u8
    }

    /// A thread, or the future of an asynchronous task, has gone. Who closes looks again.
    pub(crate) fn handle_exit(&self) {
        if self.is_closing() {
            let wakers = std::mem::take(&mut self.lock().wakers);
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    pub(crate) fn status(&self) -> EngineStatus {
        match self.lifecycle.status.load(Ordering::SeqCst) {
            0 => EngineStatus::Running,
            1 => EngineStatus::Closing,
            _ => EngineStatus::Closed,
        }
    }

    /// Takes no more submissions, tells all threads to end, and resolves every future that is not resolved.
    /// Idempotent; never blocks.
    pub(crate) fn begin_close(self: &Arc<Self>, reason: &'static str) {
        {
            // The reason first: whoever sees that the engine closes may need it.
            let mut waiting = self.lifecycle.lock();
            let (running, closing) = (EngineStatus::Running as u8, EngineStatus::Closing as u8);
            if self.lifecycle.status.compare_exchange(running, closing, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                waiting.reason = reason;
            }
        }
        let engine = Arc::downgrade(self);
        self.pool.close(move || {
            if let Some(engine) = engine.upgrade() {
                engine.lifecycle.handle_exit();
            }
        });
        self.cancel_all();
    }

    /// Cancels every task that is queued or runs. Those that wait for them fail with them.
    pub(super) fn cancel_all(&self) {
        let reason = self.lifecycle.lock().reason;
        let cancel = |node: Arc<dyn Node>| {
            let error = Error::Cancelled { key: node.about().key(), reason: reason.into() };
            fail(node, &error);
        };
        // Those that wait for resources first, so that nobody goes on with what the others give back.
        self.resources.drain().into_iter().for_each(cancel);
        self.pool.drain().for_each(cancel);
        self.backing_off.nodes().into_iter().for_each(cancel);
        self.pool.running().into_iter().for_each(cancel);
        self.asynchronous.nodes().into_iter().for_each(cancel);
    }

    /// Threads and asynchronous tasks that have not ended.
    pub(crate) fn unfinished(&self) -> usize {
        self.pool.live_threads() + self.asynchronous.count()
    }

    /// Waits until every body has ended, and joins the threads. A task that closes its own client waits for nothing:
    /// it would wait for itself.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        if worker::is_worker_of(&self.pool) {
            return Poll::Ready(());
        }
        {
            let mut waiting = self.lifecycle.lock();
            // Looked at under the lock: an exit after this finds the waker.
            if self.unfinished() > 0 {
                if !waiting.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                    waiting.wakers.push(cx.waker().clone());
                }
                return Poll::Pending;
            }
        }
        self.pool.join();
        self.lifecycle.status.store(EngineStatus::Closed as u8, Ordering::SeqCst);
        Poll::Ready(())
    }
}
