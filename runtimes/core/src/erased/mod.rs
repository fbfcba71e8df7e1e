//! The erased runtime: one more implementation of the traits, over a mirror of them that objects can be made of.

mod lent;
mod mirror;
mod spawner;
mod transport;

use std::any::Any;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use self::lent::Lent;
use self::mirror::Mirror;
pub use self::spawner::AnyTask;
pub use self::transport::{AnyListener, AnyStream};
use crate::{BlockOn, Instant, NestedBlockOn, Runtime, Shutdown, ShutdownReport, Timer};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Any runtime, as one type.
///
/// It behaves as the runtime in it. What it costs is an allocation or two for each task, sleep and stream: about a
/// tenth of a microsecond.
///
/// # Examples
///
/// ```
/// use anydask_runtime::{AnyRuntime, BlockOn, Runtime, Shutdown};
///
/// fn erase(runtime: impl Runtime + BlockOn + Shutdown) -> AnyRuntime {
///     AnyRuntime::new(runtime)
/// }
/// ```
#[derive(Clone)]
pub struct AnyRuntime {
    runtime: Arc<dyn Mirror>,
}

impl AnyRuntime {
    /// Erases the type of `runtime`.
    pub fn new<R: Runtime + BlockOn + Shutdown>(runtime: R) -> Self {
        // Two layers of it would pay twice and tell nothing more.
        match (&runtime as &dyn Any).downcast_ref::<Self>() {
            Some(erased) => erased.clone(),
            None => Self { runtime: Arc::new(runtime) },
        }
    }

    /// Erases the type of a runtime of which no more is known. [`block_on`](BlockOn::block_on) then parks the calling
    /// thread without the runtime's help, so that what *asks the thread* for a runtime finds none in there;
    /// and [`shutdown`](Shutdown::shutdown) leaves the end to its owner.
    pub fn lent<R: Runtime>(runtime: R) -> Self {
        Self::new(Lent(runtime))
    }
}

impl Timer for AnyRuntime {
    type Sleep = AnySleep;

    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn sleep(&self, duration: Duration) -> AnySleep {
        AnySleep { sleep: self.runtime.sleep(duration) }
    }

    fn sleep_until(&self, deadline: Instant) -> AnySleep {
        AnySleep { sleep: self.runtime.sleep_until(deadline) }
    }
}

/// Completes at a point in time; see [`Timer::sleep`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct AnySleep {
    sleep: BoxFuture<'static, ()>,
}

impl Future for AnySleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}

impl Runtime for AnyRuntime {
    fn name(&self) -> &'static str {
        self.runtime.name()
    }

    fn in_async_context(&self) -> bool {
        self.runtime.in_async_context()
    }

    fn erased(&self) -> AnyRuntime {
        self.clone()
    }
}

impl BlockOn for AnyRuntime {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, NestedBlockOn> {
        let mut output = None;
        self.runtime.block_on(pin!(async { output = Some(future.await) }))?;
        // A runtime cannot know that it was handed a future of `()`: to return one, it has run the future.
        output.ok_or(NestedBlockOn::new(Runtime::name(self)))
    }
}

impl Shutdown for AnyRuntime {
    async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        self.runtime.shutdown(grace).await
    }
}

impl fmt::Debug for AnyRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyRuntime").field(&self.runtime).finish()
    }
}

impl fmt::Debug for AnySleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnySleep").finish_non_exhaustive()
    }
}
