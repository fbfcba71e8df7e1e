//! The end of an engine, and of one of its clients: no more submissions, every future resolved, every body over.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Error;
use crate::engine::local::clients::ClientState;
use crate::engine::local::failing::fail;
use crate::engine::local::job::Job;
use crate::engine::local::needed::Needed;
use crate::engine::local::node::Node;
use crate::engine::local::release::wake_all;
use crate::engine::local::{Engine, worker};
use crate::task::Entry;

/// Whether an engine, or a client, takes submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum EngineStatus {
    Running,
    Closing,
    Closed,
}

/// How far an engine, or a client, is towards its end, and who waits for it.
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
    pub(crate) fn status(&self) -> EngineStatus {
        match self.status.load(Ordering::SeqCst) {
            0 => EngineStatus::Running,
            1 => EngineStatus::Closing,
            _ => EngineStatus::Closed,
        }
    }

    /// Begins to close, if it has not. The first reason is kept.
    fn begin(&self, reason: &'static str) {
        // The reason first: whoever sees that it closes may need it.
        let mut waiting = self.lock();
        let (running, closing) = (EngineStatus::Running as u8, EngineStatus::Closing as u8);
        if self.status.load(Ordering::SeqCst) == running {
            waiting.reason = reason;
            self.status.store(closing, Ordering::SeqCst);
        }
    }

    /// Why it closes.
    pub(crate) fn reason(&self) -> &'static str {
        self.lock().reason
    }

    /// Waits until `is_over` holds, which can become so at an exit only.
    fn poll(&self, is_over: impl FnOnce() -> bool, cx: &Context<'_>) -> Poll<()> {
        // Neither is under the lock: cloning and dropping a waker may run code of the user's executor.
        let waker = cx.waker().clone();
        let unneeded = {
            let mut waiting = self.lock();
            if waiting.wakers.iter().any(|other| other.will_wake(&waker)) {
                Some(waker)
            } else {
                waiting.wakers.push(waker);
                None
            }
        };
        drop(unneeded);
        // Looked at afterwards: an exit after this finds the waker. And without the lock: what is dropped on the way may
        // be the user's.
        if is_over() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn end(&self) {
        self.status.store(EngineStatus::Closed as u8, Ordering::SeqCst);
    }

    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        self.status.load(Ordering::SeqCst) != EngineStatus::Running as u8
    }

    /// A thread, or a body, has gone. Who closes looks again.
    #[inline]
    pub(crate) fn handle_exit(&self) {
        if self.is_closing() {
            self.wake_all();
        }
    }

    fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.lock().wakers);
        wake_all(wakers);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    pub(crate) fn status(&self) -> EngineStatus {
        self.lifecycle.status()
    }

    /// Takes no more submissions, tells all threads to end, and resolves every future that is not resolved.
    /// Idempotent; never blocks.
    pub(crate) fn begin_close(self: &Arc<Self>, reason: &'static str) {
        self.lifecycle.begin(reason);
        let engine = Arc::downgrade(self);
        self.pool.close(move || {
            if let Some(engine) = engine.upgrade() {
                engine.lifecycle.handle_exit();
            }
        });
        for client in self.clients() {
            client.lifecycle.begin(reason);
        }
        // After saying so: whoever submits meanwhile enters the table first and looks second.
        let reason = self.lifecycle.reason().into();
        self.bulks.single_out(true);
        self.tasks.nodes().into_iter().for_each(|node| cancel(node, &reason));
        // Of a keyed task that has just ended, a view may not have heard yet.
        self.keys.all_views().into_iter().for_each(|view| view.cancel(&reason));
        self.drop_queues();
    }

    /// Drops what is queued when nobody runs it any more: each task keeps its engine alive.
    pub(super) fn drop_queues(&self) {
        drop(self.resources.drain());
        // One that was cancelled on its way here has taken its resources since.
        self.pool.drain().for_each(Job::give_up);
    }

    /// Threads and asynchronous tasks that have not ended.
    pub(crate) fn unfinished(&self) -> usize {
        self.pool.live_threads() + self.asynchronous.count()
    }

    /// Waits until every body has ended, and joins the threads. A task that closes its own engine waits for nothing:
    /// it would wait for itself.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        if worker::is_worker_of(&self.pool) {
            return Poll::Ready(());
        }
        std::task::ready!(self.lifecycle.poll(|| self.unfinished() == 0, cx));
        self.pool.join();
        self.lifecycle.end();
        self.clients().iter().for_each(|client| client.lifecycle.end());
        Poll::Ready(())
    }
}

impl ClientState {
    /// Takes no more submissions, and resolves every future of this client that is not resolved; with its engine, if that
    /// is its own. Idempotent; never blocks.
    pub(crate) fn begin_close(&self, reason: &'static str) {
        if self.owns_engine() {
            return self.engine().begin_close(reason);
        }
        self.lifecycle.begin(reason);
        let reason = self.lifecycle.reason().into();
        let engine = self.engine();
        engine.bulks.single_out(true);
        let nodes = engine.tasks.nodes();
        let own = || nodes.iter().filter(|node| node.about().client().id() == self.id());
        let views = engine.keys().views_of(self.id());
        // What detached tasks need goes on, and what the tasks need that other clients want, too.
        let mut needed = Needed::new(engine, own(), &views);
        let is_needed =
            |node: &&Arc<dyn Node>| node.core().is_detached() || engine.keys().is_wanted_by_others(&***node, self.id());
        own().filter(is_needed).for_each(|node| needed.add(Arc::clone(node) as Arc<dyn Entry>));
        views.iter().filter(|view| view.is_detached()).for_each(|view| needed.add(Arc::clone(view)));
        views.into_iter().filter(|view| !needed.has(Arc::as_ptr(view).cast())).for_each(|view| view.cancel(&reason));
        // A keyed task ends when nobody wants it any more.
        own().filter(|node| node.about().is_keyed()).for_each(|node| needed.add(Arc::clone(node) as Arc<dyn Entry>));
        own().filter(|node| !needed.has(Arc::as_ptr(node).cast())).for_each(|node| cancel(Arc::clone(node), &reason));
    }

    /// Bodies of this client that run although their tasks have ended; with its engine, all bodies and threads.
    pub(crate) fn unfinished(&self) -> usize {
        if self.owns_engine() {
            return self.engine().unfinished();
        }
        // What goes on for the sake of a detached task has not ended.
        let is_left = |node: &&Arc<dyn Node>| node.about().client().id() == self.id() && node.core().is_done();
        self.engine().bodies().iter().filter(is_left).count()
    }

    /// Waits until every body of this client has ended. A task that closes its own client waits for nothing: it would
    /// wait for itself.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.owns_engine() {
            return self.engine().poll_closed(cx);
        }
        if worker::is_worker_of(&self.engine().pool) {
            return Poll::Ready(());
        }
        std::task::ready!(self.lifecycle.poll(|| self.unfinished() == 0, cx));
        self.lifecycle.end();
        Poll::Ready(())
    }
}

/// Cancels a task because its engine or its client closes. Those that wait for it fail with it.
pub(super) fn cancel(node: Arc<dyn Node>, reason: &Arc<str>) {
    if node.core().outcome().is_none() {
        let error = Error::Cancelled { key: node.key(), reason: Arc::clone(reason) };
        fail(node, &error);
    }
}
