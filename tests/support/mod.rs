//! One body, every runtime: what the tests of the client share.
//!
//! A test is an `async fn` over a [`Setting`]; [`on_every_runtime!`] makes one `#[test]` of it for each runtime and
//! for blocking code. In a blocking setting the body runs on a plain thread, and whatever it waits for, it waits for
//! with `.wait()`.

#![allow(dead_code, unused_imports, unused_macros)]

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use anydask::runtime::{BlockOn, Runtime};
use anydask::{Builder, Client, Error, Operation, TaskFuture};

/// Longest time that a test may take. A hang is a failure.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A runtime, and whether the body waits on it or blocks beside it.
#[derive(Clone, Debug)]
pub struct Setting<R> {
    pub runtime: R,
    pub is_blocking: bool,
}

impl<R: Runtime> Setting<R> {
    /// Chooses how a client starts.
    pub fn builder(&self) -> Builder<R> {
        Client::with_runtime(self.runtime.clone())
    }

    /// A client with an engine of `threads` threads.
    pub async fn client(&self, threads: usize) -> Client<R> {
        self.get(self.builder().threads(threads).local()).await.expect("a client opens")
    }

    /// Waits for an operation: awaits it, or blocks.
    pub async fn get<T>(&self, operation: Operation<T>) -> Result<T, Error> {
        if self.is_blocking { operation.wait() } else { operation.await }
    }

    /// Waits for the value of a future, which is kept.
    pub async fn value<T: Clone + Send + Sync + 'static>(&self, future: &TaskFuture<T>) -> Result<T, Error> {
        if self.is_blocking { future.wait() } else { future.await }
    }
}

/// Runs a body that awaits, as a task's root future inside its runtime.
pub fn run<R, Fut>(name: &'static str, runtime: R, body: impl FnOnce(Setting<R>) -> Fut + Send + 'static)
where
    R: Runtime + BlockOn,
    Fut: Future<Output = ()>,
{
    within_deadline(name, move || {
        let setting = Setting { runtime: runtime.clone(), is_blocking: false };
        runtime.block_on(async { body(setting).await }).expect("a plain thread may block");
    });
}

/// Runs a body that blocks, on a plain thread.
pub fn run_blocking<R, Fut>(name: &'static str, runtime: R, body: impl FnOnce(Setting<R>) -> Fut + Send + 'static)
where
    R: Runtime,
    Fut: Future<Output = ()>,
{
    within_deadline(name, move || {
        let body = pin!(body(Setting { runtime, is_blocking: true }));
        match body.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(()) => {}
            Poll::Pending => panic!("a blocking body awaited something; it waits with `on.get` and `on.value` only"),
        }
    });
}

/// Runs `test` on a thread of its own, and fails when it does not end in time.
pub fn within_deadline(name: &'static str, test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::Builder::new().name(name.to_owned());
    let thread = thread.spawn(move || {
        test();
        let _ = done.send(());
    });
    let thread = thread.expect("a thread for the test");
    match ended.recv_timeout(DEADLINE) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("`{name}` hung: not done within {DEADLINE:?}"),
        // The sender is gone without a word: the test panicked.
        _ => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Makes, of each named body, one `#[test]` for every runtime and for blocking code.
macro_rules! on_every_runtime {
    ($($body:ident;)*) => {
        on_every_runtime!(@awaited tokio_multi_thread, anydask::runtime::Tokio::multi_thread(2).unwrap(), $($body;)*);
        on_every_runtime!(@awaited tokio_current_thread, anydask::runtime::Tokio::current_thread().unwrap(), $($body;)*);
        on_every_runtime!(@awaited async_std, anydask::runtime::AsyncStd::new(), $($body;)*);
        on_every_runtime!(@awaited smol, anydask::runtime::Smol::new(), $($body;)*);
        on_every_runtime!(@awaited erased_tokio,
            anydask::runtime::AnyRuntime::new(anydask::runtime::Tokio::multi_thread(2).unwrap()), $($body;)*);
        on_every_runtime!(@awaited erased_smol,
            anydask::runtime::AnyRuntime::new(anydask::runtime::Smol::new()), $($body;)*);
        on_every_runtime!(@blocking blocking_tokio, anydask::runtime::Tokio::multi_thread(1).unwrap(), $($body;)*);
        on_every_runtime!(@blocking blocking_smol, anydask::runtime::Smol::new(), $($body;)*);
    };
    (@awaited $setting:ident, $runtime:expr, $($body:ident;)*) => {
        mod $setting {$(
            #[test]
            fn $body() {
                crate::support::run(stringify!($body), $runtime, super::$body);
            }
        )*}
    };
    (@blocking $setting:ident, $runtime:expr, $($body:ident;)*) => {
        mod $setting {$(
            #[test]
            fn $body() {
                crate::support::run_blocking(stringify!($body), $runtime, super::$body);
            }
        )*}
    };
}
pub(crate) use on_every_runtime;
