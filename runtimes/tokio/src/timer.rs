use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anydask_runtime::adapter::YieldFirst;
use anydask_runtime::{Instant, Timer};
use pin_project_lite::pin_project;

use crate::Tokio;
use crate::liveness::Witness;

/// # Panics
///
/// [`sleep`](Timer::sleep) panics, with tokio's message, on a runtime that was built without `enable_time`: tokio does
/// not say so beforehand.
impl Timer for Tokio {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        // Inside the runtime, because its clock may be paused.
        let _guard = self.handle().enter();
        Instant::from_std(tokio::time::Instant::now().into_std())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let _guard = self.handle().enter();
        Sleep { witness: self.witness(), sleep: YieldFirst::new(tokio::time::sleep(duration)) }
    }
}

pin_project! {
    /// Completes at a point in time; see [`Timer::sleep`].
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Sleep {
        witness: Arc<Witness>,
        #[pin]
        sleep: YieldFirst<tokio::time::Sleep>,
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.witness.while_alive(|| this.sleep.poll(cx)).unwrap_or(Poll::Pending)
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}
