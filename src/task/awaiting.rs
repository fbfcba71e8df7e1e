//! Awaiting a task: by its future, or by a reference to that.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Error;
use crate::task::context::is_in_task;
use crate::task::{EntryRef, Handle, Outcome, TaskFuture, WaitInside, WatchId, Watcher};

/// The future of `(&future).await`: gives a clone of the value.
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct Awaiting<'a, T> {
    pub(super) future: &'a TaskFuture<T>,
    pub(super) polled: Option<Box<Polled>>,
}

impl<T: Clone> Future for Awaiting<'_, T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match poll_awaited(&this.future.handle, &mut this.polled, cx) {
            Poll::Ready(Ok(())) => Poll::Ready(this.future.to_value()),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> Drop for Awaiting<'_, T> {
    fn drop(&mut self) {
        unwatch(self.future.entry(), &mut self.polled);
    }
}

/// Of a future that is awaited.
#[derive(Debug, Default)]
pub(super) struct Polled {
    /// Where its waker is registered.
    watch: Option<WatchId>,
    /// There while a task awaits it.
    inside: Option<Box<WaitInside>>,
}

/// Of one that is awaited no longer.
pub(super) fn unwatch(entry: EntryRef<'_>, polled: &mut Option<Box<Polled>>) {
    if let Some(polled) = polled.take()
        && let Some(id) = polled.watch
    {
        entry.unwatch_value(id);
    }
}

/// As [`poll_value`], for what is awaited by itself: a task that does so says that it waits.
pub(super) fn poll_awaited<T>(
    handle: &Handle<T>,
    polled: &mut Option<Box<Polled>>,
    cx: &mut Context<'_>,
) -> Poll<Outcome> {
    let is_first = polled.is_none();
    let mut watch = polled.as_ref().and_then(|polled| polled.watch);
    let outcome = poll_value(handle.entry(), &mut watch, cx);
    if outcome.is_ready() {
        *polled = None;
        return outcome;
    }
    let polled = polled.get_or_insert_default();
    polled.watch = watch;
    if is_first && is_in_task() {
        match WaitInside::begin(&handle.entry().scheduler(), || vec![handle.shared_entry()]) {
            Ok(begun) => polled.inside = begun,
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
    outcome
}

/// Looks whether a task has ended; if not, has `cx` woken when it does.
pub(crate) fn poll_outcome(entry: EntryRef<'_>, watch: &mut Option<WatchId>, cx: &mut Context<'_>) -> Poll<Outcome> {
    let watched = match *watch {
        Some(id) => entry.rewatch(id, cx.waker()),
        None => entry.watch(Watcher::Waker(cx.waker().clone())),
    };
    poll_watched(watched, watch)
}

/// Looks whether the value of a task is here, or will never be; if neither, has `cx` woken when it is so.
pub(crate) fn poll_value(entry: EntryRef<'_>, watch: &mut Option<WatchId>, cx: &mut Context<'_>) -> Poll<Outcome> {
    let watched = match *watch {
        Some(id) => entry.rewatch_value(id, cx.waker()),
        None => entry.watch_value(Watcher::Waker(cx.waker().clone())),
    };
    poll_watched(watched, watch)
}

fn poll_watched(watched: Result<WatchId, Outcome>, watch: &mut Option<WatchId>) -> Poll<Outcome> {
    match watched {
        Ok(id) => {
            *watch = Some(id);
            Poll::Pending
        }
        Err(outcome) => {
            *watch = None;
            Poll::Ready(outcome)
        }
    }
}
