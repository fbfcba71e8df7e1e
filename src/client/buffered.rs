//! The results of a map over a stream: at most so many tasks are in flight.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::Error;
use crate::client::as_completed::AsCompleted;
use crate::client::map_stream::Calls;
use crate::client::next::{Completing, Next};
use crate::task::{Awaited, IntoArgs, Scheduler, TaskFn, TaskFuture, WatchId, poll_value};

/// The results of a map over a stream, in the order of the items; made by [`MapStream::buffered`](crate::MapStream::buffered).
///
/// It is a [`Stream`] of `Result<T, Error>`: what fails, panics or is cancelled comes as an error in its place, and the
/// stream goes on. The items are asked for when there is room, and not before the results are.
///
/// Dropping it cancels what is in flight.
///
/// # Panics
///
/// Asking for the next one panics when the stream of the items does. That counts as its end: what is in flight comes
/// out when it is asked for again.
#[must_use = "nothing is submitted until the results are asked for"]
pub struct Buffered<F: TaskFn<Args>, S, Args> {
    calls: Calls<F, S, Args>,
    in_flight: VecDeque<TaskFuture<F::Output>>,
    /// Where the first one in flight has the waker.
    watch: Option<WatchId>,
}

impl<F: TaskFn<Args>, S, Args> Buffered<F, S, Args> {
    pub(super) fn new(calls: Calls<F, S, Args>) -> Self {
        Self { calls, in_flight: VecDeque::new(), watch: None }
    }
}

impl<F, S, Args> Buffered<F, S, Args>
where
    F: TaskFn<Args, Output: Clone> + Sync,
    S: Stream,
    S::Item: IntoArgs<Args>,
    Args: 'static,
{
    /// The result of the next item; `None` when there are no more. Await it, or call [`wait`](Next::wait); bound it in
    /// time with [`timeout`](Next::timeout).
    ///
    /// Where it is waited for on a thread, the stream of the items is polled there.
    #[expect(clippy::should_implement_trait, reason = "a stream has one, too; this is the one to await")]
    pub fn next(&mut self) -> Next<&mut Self> {
        Next::new(self)
    }
}

impl<F, S, Args> Completing for Buffered<F, S, Args>
where
    F: TaskFn<Args, Output: Clone> + Sync,
    S: Stream,
    S::Item: IntoArgs<Args>,
    Args: 'static,
{
    type Item = Result<F::Output, Error>;

    const NAME: &'static str = "map_stream";

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(refusal) = self.calls.refusal.take() {
            return Poll::Ready(Some(Err(refusal)));
        }
        while self.in_flight.len() < self.calls.limit
            && let Poll::Ready(Some(future)) = self.calls.poll_submit(cx)
        {
            self.in_flight.push_back(future);
        }
        let Some(first) = self.in_flight.front() else { return self.calls.poll_end() };
        if poll_value(first.entry(), &mut self.watch, cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.in_flight.pop_front().map(TaskFuture::into_value))
    }

    fn scheduler(&self) -> Option<Arc<dyn Scheduler>> {
        Some(self.calls.scheduler())
    }

    fn help(&mut self) {
        if let Some(first) = self.in_flight.front() {
            first.shared_entry().help();
        }
    }
}

impl<F, S, Args> Stream for Buffered<F, S, Args>
where
    F: TaskFn<Args, Output: Clone> + Sync,
    S: Stream,
    S::Item: IntoArgs<Args>,
    Args: 'static,
{
    type Item = Result<F::Output, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.calls.size_hint(self.in_flight.len())
    }
}

impl<F: TaskFn<Args>, S, Args> Drop for Buffered<F, S, Args> {
    fn drop(&mut self) {
        if let (Some(first), Some(id)) = (self.in_flight.front(), self.watch.take()) {
            first.entry().unwatch_value(id);
        }
    }
}

impl<F: TaskFn<Args>, S, Args> fmt::Debug for Buffered<F, S, Args> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.describe("Buffered", self.in_flight.len(), f)
    }
}

/// The results of a map over a stream, in the order in which the tasks end; made by [`MapStream::buffered_unordered`](crate::MapStream::buffered_unordered).
///
/// As [`Buffered`], but for the order.
#[must_use = "nothing is submitted until the results are asked for"]
pub struct BufferedUnordered<F: TaskFn<Args>, S, Args> {
    calls: Calls<F, S, Args>,
    in_flight: AsCompleted<F::Output>,
}

impl<F: TaskFn<Args>, S, Args> BufferedUnordered<F, S, Args> {
    pub(super) fn new(calls: Calls<F, S, Args>) -> Self {
        Self { calls, in_flight: AsCompleted::new(Awaited::Value) }
    }
}

impl<F, S, Args> BufferedUnordered<F, S, Args>
where
    F: TaskFn<Args, Output: Clone> + Sync,
    S: Stream,
    S::Item: IntoArgs<Args>,
    Args: 'static,
{
    /// The next result that is there; `None` when there are no more. Await it, or call [`wait`](Next::wait); bound it in
    /// time with [`timeout`](Next::timeout).
    ///
    /// Where it is waited for on a thread, the stream of the items is polled there.
    #[expect(clippy::should_implement_trait, reason = "a stream has one, too; this is the one to await")]
    pub fn next(&mut self) -> Next<&mut Self> {
        Next::new(self)
    }
}

impl<F, S, Args> Completing for BufferedUnordered<F, S, Args>
where
    F: TaskFn<Args, Output: Clone> + Sync,
    S: Stream,
    S::Item: IntoArgs<Args>,
    Args: 'static,
{
    type Item = Result<F::Output, Error>;

    const NAME: &'static str = "map_stream";

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(refusal) = self.calls.refusal.take() {
            return Poll::Ready(Some(Err(refusal)));
        }
        while self.in_flight.len() < self.calls.limit
            && let Poll::Ready(Some(future)) = self.calls.poll_submit(cx)
        {
            self.in_flight.insert(future);
        }
        match self.in_flight.poll_item(cx) {
            Poll::Ready(None) => self.calls.poll_end(),
            Poll::Ready(Some(future)) => Poll::Ready(Some(future.into_value())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn scheduler(&self) -> Option<Arc<dyn Scheduler>> {
        Some(self.calls.scheduler())
    }
}

impl<F, S, Args> Stream for BufferedUnordered<F, S, Args>
where
    F: TaskFn<Args, Output: Clone> + Sync,
    S: Stream,
    S::Item: IntoArgs<Args>,
    Args: 'static,
{
    type Item = Result<F::Output, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.calls.size_hint(self.in_flight.len())
    }
}

impl<F: TaskFn<Args>, S, Args> fmt::Debug for BufferedUnordered<F, S, Args> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.describe("BufferedUnordered", self.in_flight.len(), f)
    }
}
