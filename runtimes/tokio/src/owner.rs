use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use anydask_runtime::ShutdownReport;
use tokio::runtime::Runtime;
use tokio::task::{AbortHandle, JoinHandle};

use crate::runtime::NAME_THREAD;

/// Owns a runtime, and ends it on a thread where that may block: tokio panics when a runtime is dropped inside of a task.
pub(crate) struct Owner {
    state: Mutex<State>,
    end: Arc<End>,
}

enum State {
    MultiThread(Background),
    /// The runtime is on the thread that drives it, which waits for this task.
    CurrentThread(AbortHandle),
    Closing,
}

impl Owner {
    pub(crate) fn multi_thread(runtime: Runtime) -> Self {
        Self { state: Mutex::new(State::MultiThread(Background(Some(runtime)))), end: Arc::default() }
    }

    pub(crate) fn current_thread(runtime: Runtime) -> io::Result<Self> {
        let end = Arc::new(End::default());
        let stop = runtime.spawn(std::future::pending::<()>());
        let stop_handle = stop.abort_handle();
        let ended = end.clone();
        let runtime = Background(Some(runtime));
        thread::Builder::new().name(NAME_THREAD.to_owned()).spawn(move || {
            runtime.drive(stop);
            runtime.drop_and_wait();
            ended.set();
        })?;
        Ok(Self { state: Mutex::new(State::CurrentThread(stop_handle)), end })
    }

    /// Ends the runtime, and waits for that up to `grace`.
    pub(crate) async fn close(&self, grace: Duration) -> ShutdownReport {
        self.start_closing();
        if self.end.is_set() {
            return ShutdownReport::Complete;
        }
        let Ok(ended) = self.end.clone().within(grace) else {
            return ShutdownReport::GraceExceeded;
        };
        match ended.await {
            true => ShutdownReport::Complete,
            false => ShutdownReport::GraceExceeded,
        }
    }

    fn start_closing(&self) {
        match std::mem::replace(&mut *lock(&self.state), State::Closing) {
            State::MultiThread(runtime) => {
                let end = self.end.clone();
                // Without a thread the runtime ends in the background, and nobody learns when.
                let _ = thread::Builder::new().name(NAME_THREAD.to_owned()).spawn(move || {
                    runtime.drop_and_wait();
                    end.set();
                });
            }
            State::CurrentThread(stop) => stop.abort(),
            State::Closing => {}
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let State::CurrentThread(stop) = &*lock(&self.state) {
            stop.abort();
        }
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").finish_non_exhaustive()
    }
}

/// A runtime that ends without waiting when it is dropped, so that it can be dropped anywhere.
struct Background(Option<Runtime>);

impl Background {
    /// Drives the runtime on the calling thread until `stop` is aborted.
    fn drive(&self, stop: JoinHandle<()>) {
        if let Some(runtime) = &self.0 {
            // An error, always: the task never ends by itself.
            let _ = runtime.block_on(stop);
        }
    }

    /// Ends the runtime and waits until each of its threads has ended.
    fn drop_and_wait(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Whether a runtime has ended.
#[derive(Default)]
struct End {
    ended: Mutex<bool>,
    changed: Condvar,
}

impl End {
    fn set(&self) {
        *lock(&self.ended) = true;
        self.changed.notify_all();
    }

    fn is_set(&self) -> bool {
        *lock(&self.ended)
    }

    /// Waits up to `grace` on a thread of its own, since the runtime's timers end with it. Says whether it has ended.
    fn within(self: Arc<Self>, grace: Duration) -> io::Result<impl Future<Output = bool>> {
        let answer = Arc::new(Mutex::new(Answer { ended: None, waker: None }));
        let asked = answer.clone();
        thread::Builder::new().name(NAME_THREAD.to_owned()).spawn(move || {
            let guard = lock(&self.ended);
            let waited = self.changed.wait_timeout_while(guard, grace, |ended| !*ended);
            let ended = *waited.unwrap_or_else(PoisonError::into_inner).0;
            let waker = {
                let mut answer = lock(&asked);
                answer.ended = Some(ended);
                answer.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        })?;
        Ok(poll_fn(move |cx| {
            let mut answer = lock(&answer);
            match answer.ended {
                Some(ended) => Poll::Ready(ended),
                None => {
                    answer.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        }))
    }
}

struct Answer {
    ended: Option<bool>,
    waker: Option<Waker>,
}

/// None of these locks is held while foreign code runs, so that a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
