//! What wakes a loop at the time that the state has asked for.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::engine::dask::client::Event;
use crate::engine::dask::client::connection::Connection;
use crate::runtime::{Instant, Runtime};

/// Sleeps until the time of the one timer. That time stays in the driver's work until it has come: a loop that ends takes only
/// its sleep along, and the next one sleeps again.
pub(super) struct Alarm<R: Runtime>(Option<(Instant, Pin<Box<R::Sleep>>)>);

impl<R: Runtime> Alarm<R> {
    pub(super) fn new() -> Self {
        Self(None)
    }

    /// From now on, the time is `at`.
    pub(super) fn set(&mut self, runtime: &R, at: Option<Instant>) {
        if at != self.0.as_ref().map(|(at, _)| *at) {
            self.0 = at.map(|at| (at, Box::pin(runtime.sleep_until(at))));
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some((_, sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// Its time has come.
    pub(super) fn ring(&mut self, connection: &Connection) {
        self.0 = None;
        // Before the state hears of it, which then says the next time.
        connection.work.take(|work| work.timer = None);
        connection.handle(Event::Timer);
    }
}
