use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::DEADLINE;

/// Something that happens once, which threads and futures can wait for, of whichever runtime.
#[derive(Clone, Debug, Default)]
pub struct Event {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_set: bool,
    wakers: Vec<Waker>,
}

impl Event {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn set(&self) {
        let wakers = {
            let mut state = self.lock();
            state.is_set = true;
            std::mem::take(&mut state.wakers)
        };
        self.inner.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    pub fn is_set(&self) -> bool {
        self.lock().is_set
    }

    /// Blocks until it is set.
    pub fn wait(&self) {
        let state = self.lock();
        let waited = self.inner.changed.wait_timeout_while(state, DEADLINE, |state| !state.is_set);
        let is_set = waited.unwrap_or_else(PoisonError::into_inner).0.is_set;
        assert!(is_set, "an event was waited for in vain");
    }

    /// Completes once it is set.
    pub fn passed(&self) -> Passed {
        Passed { event: self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Event::passed`].
#[derive(Debug)]
pub struct Passed {
    event: Event,
}

impl Future for Passed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.event.lock();
        if state.is_set {
            return Poll::Ready(());
        }
        state.wakers.push(cx.waker().clone());
        Poll::Pending
    }
}

/// Sets an event when it is dropped.
#[derive(Debug)]
pub struct SetOnDrop(pub Event);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Event {
    /// Something that sets this when it is dropped.
    pub fn on_drop(&self) -> SetOnDrop {
        SetOnDrop(self.clone())
    }
}
