//! One body, every runtime: what the tests of the client share.
//!
//! A test is an `async fn` over a [`Setting`]; [`on_every_runtime!`] makes one `#[test]` of it for each runtime and
//! for blocking code. In a blocking setting the body runs on a plain thread, and whatever it waits for, it waits for
//! with `.wait()`.

#![allow(dead_code, unreachable_pub, unused_imports, unused_macros)]

mod counted;
mod event;
mod process;

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use anydask::runtime::{BlockOn, Runtime, Shutdown};
use anydask::{Builder, Client, Engine, Error, Operation, TaskFuture};

pub use self::counted::{Counted, Counts};
pub use self::event::{Event, SetOnDrop};
pub use self::process::in_own_process;

/// Longest time that a test may take. A hang is a failure.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What the bodies ask of a runtime: everything.
pub trait AnyOf: Runtime + BlockOn + Shutdown {}

impl<R: Runtime + BlockOn + Shutdown> AnyOf for R {}

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

    /// An engine of `threads` threads, for several clients.
    pub async fn engine(&self, threads: usize) -> Engine<R> {
        self.get(self.builder().threads(threads).engine()).await.expect("an engine opens")
    }

    /// Waits for an operation: awaits it, or blocks.
    pub async fn get<T>(&self, operation: Operation<T>) -> Result<T, Error> {
        if self.is_blocking { operation.wait() } else { operation.await }
    }

    /// Waits for the value of a future, which is kept.
    pub async fn value<T: Clone + Send + Sync + 'static>(&self, future: &TaskFuture<T>) -> Result<T, Error> {
        if self.is_blocking { future.wait() } else { future.await }
    }

    /// Waits for the value of a future, which is given away.
    pub async fn take<T: Clone + Send + Sync + 'static>(&self, future: TaskFuture<T>) -> Result<T, Error> {
        if self.is_blocking { future.wait() } else { future.await }
    }

    /// Waits for the failure of a future.
    pub async fn error<T: Send + Sync + 'static>(&self, future: &TaskFuture<T>) -> Error {
        match self.get(future.shared()).await {
            Ok(_) => panic!("`{}` did not fail", future.key()),
            Err(error) => error,
        }
    }

    /// Waits for an event.
    pub async fn passed(&self, event: &Event) {
        if self.is_blocking { event.wait() } else { event.passed().await }
    }

    /// Waits until something holds of which no event tells.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < DEADLINE / 2, "waited in vain until {what}");
            if self.is_blocking {
                thread::sleep(Duration::from_millis(1));
            } else {
                self.runtime.sleep(Duration::from_millis(1)).await;
            }
        }
    }

    /// Occupies one thread of the engine until the event is set. Returns when it does.
    pub async fn occupy(&self, client: &Client<R>) -> (TaskFuture<()>, Event) {
        let (running, release) = (Event::new(), Event::new());
        let body = {
            let (running, release) = (running.clone(), release.clone());
            move || {
                running.set();
                release.wait();
            }
        };
        let occupant = client.submit(body, ());
        self.passed(&running).await;
        (occupant, release)
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
            Poll::Pending => panic!("a blocking body awaited something; it waits with `on.get` and the like only"),
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

/// Polls a future on this thread, over and over, without a runtime and without waiting to be woken.
pub fn spin_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let start = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        assert!(start.elapsed() < DEADLINE / 2, "a future stays pending");
        std::hint::spin_loop();
    }
}

/// Makes, of each named body, one `#[test]` for every runtime and for blocking code.
macro_rules! on_every_runtime {
    ($($body:ident;)*) => {
        crate::support::awaited_on_every_runtime! { $($body;)* }
        #[cfg(feature = "tokio")]
        mod blocking_tokio {$(
            #[test]
            fn $body() {
                let runtime = anydask::runtime::Tokio::multi_thread(1).unwrap();
                crate::support::run_blocking(stringify!($body), runtime, super::$body);
            }
        )*}
        #[cfg(feature = "smol")]
        mod blocking_smol {$(
            #[test]
            fn $body() {
                crate::support::run_blocking(stringify!($body), anydask::runtime::Smol::new(), super::$body);
            }
        )*}
    };
}
pub(crate) use on_every_runtime;

/// Makes, of each named body, one `#[test]` for every runtime: for what only exists where one awaits.
macro_rules! awaited_on_every_runtime {
    ($($body:ident;)*) => {
        #[cfg(feature = "tokio")]
        crate::support::awaited! { tokio_multi_thread, anydask::runtime::Tokio::multi_thread(2).unwrap(), $($body;)* }
        #[cfg(feature = "tokio")]
        crate::support::awaited! { tokio_current_thread, anydask::runtime::Tokio::current_thread().unwrap(), $($body;)* }
        #[cfg(feature = "async-std")]
        crate::support::awaited! { async_std, anydask::runtime::AsyncStd::new(), $($body;)* }
        #[cfg(feature = "smol")]
        crate::support::awaited! { smol, anydask::runtime::Smol::new(), $($body;)* }
        #[cfg(feature = "tokio")]
        crate::support::awaited! {
            erased_tokio,
            anydask::runtime::AnyRuntime::new(anydask::runtime::Tokio::multi_thread(2).unwrap()), $($body;)*
        }
        #[cfg(feature = "smol")]
        crate::support::awaited! {
            erased_smol, anydask::runtime::AnyRuntime::new(anydask::runtime::Smol::new()), $($body;)*
        }
    };
}
pub(crate) use awaited_on_every_runtime;

/// The tests of one runtime.
macro_rules! awaited {
    ($setting:ident, $runtime:expr, $($body:ident;)*) => {
        mod $setting {$(
            #[test]
            fn $body() {
                crate::support::run(stringify!($body), $runtime, super::$body);
            }
        )*}
    };
}
pub(crate) use awaited;
