use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anydask_runtime::adapter::YieldFirst;
use anydask_runtime::{Instant, Timer};

use crate::Smol;

impl Timer for Smol {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        Instant::from_std(std::time::Instant::now())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep { timer: YieldFirst::new(smol::Timer::after(duration)) }
    }
}

/// Completes at a point in time; see [`Timer::sleep`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Sleep {
    timer: YieldFirst<smol::Timer>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.timer).poll(cx)
    }
}
