use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anydask_runtime::adapter::YieldFirst;
use anydask_runtime::{Instant, Timer};
use async_std::task;

use crate::AsyncStd;

impl Timer for AsyncStd {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        Instant::from_std(std::time::Instant::now())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let deadline = std::time::Instant::now().checked_add(duration);
        let sleep = async move {
            match deadline {
                // From now on, because async-std counts from the first poll.
                Some(deadline) => task::sleep(deadline.saturating_duration_since(std::time::Instant::now())).await,
                None => pending().await,
            }
        };
        Sleep { sleep: YieldFirst::new(Box::pin(sleep)) }
    }
}

/// Completes at a point in time; see [`Timer::sleep`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Sleep {
    // In a box, because async-std has no name for it.
    sleep: YieldFirst<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.sleep).poll(cx)
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}
