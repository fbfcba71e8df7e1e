use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Error;
use crate::task::awaiting::{Polled, poll_awaited, unwatch};
use crate::task::input::{retried, taken};
use crate::task::{
    AnyFuture, Awaiting, Entry, EntryRef, Handle, Input, Key, Status, Transition, TypedEntry, TypedItems,
};

/// The result of a task that was submitted: a reference count on it, and a future of its value.
///
/// `Clone` adds a reference. Dropping the last one releases the value, and cancels the task if it has not
/// finished and nothing else needs it; [`detach`](Self::detach) lets it go on. Tasks that take this future as an
/// argument hold a reference of their own from the moment that `submit` returns.
///
/// `(&future).await` gives a clone of the value and can be repeated. `future.await` consumes the handle: when it was the
/// last, the value is moved out instead of cloned. [`shared`](Self::shared) gives an `Arc` of a value of any
/// type. Any runtime may await, also another than the client's.
///
/// # Cancel safety
///
/// Dropping an awaiter cancels nothing, except that an awaited *handle* is dropped with it.
///
/// # Errors
///
/// What the task, or a task that it depends on, failed with; see [`Error`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, TaskFuture, runtime::Smol};
///
/// smol::block_on(async {
///     let client = Client::<Smol>::local().await?;
///     let a: TaskFuture<i64> = client.submit(|x: i64| x + 1, 10);
///     let b = client.submit(|x: i64, y: i64| x * y, (&a, 2));
///     assert_eq!((&a).await?, 11);
///     assert_eq!(b.await?, 22);
///     client.close().await
/// })?;
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[must_use = "dropping the last handle of a task cancels it; `detach` lets it go on"]
pub struct TaskFuture<T> {
    pub(super) handle: Handle<T>,
    /// There once it has been polled in vain: few futures are, and many are kept.
    polled: Option<Box<Polled>>,
}

impl<T> TaskFuture<T> {
    /// Takes over one count of `entry`.
    pub(crate) fn new(entry: Arc<dyn TypedEntry<T>>) -> Self {
        Self { handle: Handle::Task { entry, is_spent: false }, polled: None }
    }

    /// Takes over one count of an item.
    pub(crate) fn of_item(items: Arc<dyn TypedItems<T>>, index: u32) -> Self {
        Self { handle: Handle::Item { items, index, is_spent: false }, polled: None }
    }

    /// The name of the task.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// fn inc(x: i64) -> i64 {
    ///     x + 1
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert!(client.submit(inc, 1).key().starts_with("inc-"));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn key(&self) -> Key {
        self.entry().key()
    }

    /// How far the task has come. Never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Status, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let future = client.submit(|| 1, ());
    /// future.wait()?;
    /// assert_eq!(future.status(), Status::Finished);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn status(&self) -> Status {
        Status::of(self.entry().outcome().as_ref().map(|outcome| outcome.as_ref().map(|_| ())))
    }

    /// Whether the task has ended, in whichever way. Never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let future = client.submit(|| 1, ());
    /// future.wait()?;
    /// assert!(future.is_done());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn is_done(&self) -> bool {
        self.entry().outcome().is_some()
    }

    /// Fire and forget: the task runs to its end although nobody holds its future. Its value is dropped then.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let (send, receive) = std::sync::mpsc::channel();
    /// client.submit(move || send.send(1).is_ok(), ()).detach();
    /// assert_eq!(receive.recv(), Ok(1));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn detach(mut self) {
        self.unwatch();
        self.handle.detach();
    }

    /// The last transitions of the task, oldest first, with the reason of each: Dask's `Future.story`.
    ///
    /// Sixteen are kept. They tell no times, since a look at the clock would cost as much as the rest of a task; the
    /// `tracing` events of the target `anydask` have them.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, TaskState, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let future = client.submit(|x: i64| x + 1, 1);
    /// future.wait()?;
    /// let states: Vec<_> = future.story().iter().map(|transition| transition.to).collect();
    /// assert_eq!(states, [TaskState::Waiting, TaskState::Ready, TaskState::Running, TaskState::Memory]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn story(&self) -> Vec<Transition> {
        self.shared_entry().story()
    }

    /// The same handle, as an argument.
    pub(crate) fn into_input(mut self) -> Input<T> {
        self.unwatch();
        self.handle.take_input()
    }

    /// A handle of its own, as an argument.
    pub(crate) fn input(&self) -> Input<T> {
        self.handle.clone().take_input()
    }

    pub(crate) fn entry(&self) -> EntryRef<'_> {
        self.handle.entry()
    }

    pub(crate) fn shared_entry(&self) -> Arc<dyn Entry> {
        self.handle.shared_entry()
    }

    /// A clone of the value of a task that has finished.
    pub(crate) fn to_value(&self) -> Result<T, Error>
    where
        T: Clone,
    {
        self.to_shared().map(Arc::unwrap_or_clone)
    }

    /// The shared value of a task that has finished.
    pub(crate) fn to_shared(&self) -> Result<Arc<T>, Error> {
        self.finished()?;
        self.handle.shared_value().ok_or_else(|| self.taken())
    }

    /// The value of a task that has finished: moved if this is the last handle.
    pub(crate) fn into_value(mut self) -> Result<T, Error>
    where
        T: Clone,
    {
        self.take_value()
    }

    /// How many of `others` begin with the items of the same map that follow this one.
    pub(crate) fn followers(&self, others: &[Self]) -> usize {
        let Handle::Item { items, index: first, .. } = &self.handle else { return 0 };
        let follows = |(other, place): &(&Self, u32)| match &other.handle {
            Handle::Item { items: same, index, .. } => index == place && Arc::ptr_eq(items, same),
            Handle::Task { .. } => false,
        };
        others.iter().zip(*first + 1..).take_while(follows).count()
    }

    /// The values of many. Items that follow each other have theirs moved out together.
    pub(crate) fn into_values(futures: Vec<Self>) -> Result<Vec<T>, Error>
    where
        T: Clone,
    {
        let mut futures = futures;
        let mut values = Vec::with_capacity(futures.len());
        while values.len() < futures.len() {
            let rest = &mut futures[values.len()..];
            let len = 1 + rest[0].followers(&rest[1..]);
            let Some((items, mut run)) = rest[0].handle.items(len as u32) else {
                values.push(rest[0].take_value()?);
                continue;
            };
            let mut rest = rest.iter_mut();
            while !run.is_empty() {
                let taken = items.take_values(run.clone(), &mut values);
                run.start += taken;
                rest.by_ref().take(taken as usize).for_each(|future| future.handle.spend());
                // One that takes more than moving.
                if !run.is_empty()
                    && let Some(future) = rest.next()
                {
                    run.start += 1;
                    values.push(future.take_value()?);
                }
            }
        }
        Ok(values)
    }

    /// As [`into_value`](Self::into_value), for any type.
    pub(crate) fn into_shared(mut self) -> Result<Arc<T>, Error> {
        self.finished()?;
        if self.handle.spend_if_last() {
            return self.handle.take_value().map(|value| value.into_shared()).ok_or_else(|| self.taken());
        }
        self.to_shared()
    }

    fn take_value(&mut self) -> Result<T, Error>
    where
        T: Clone,
    {
        self.finished()?;
        if self.handle.spend_if_last() {
            return self.handle.take_value().map(|value| value.into_value()).ok_or_else(|| self.taken());
        }
        self.to_value()
    }

    fn finished(&self) -> Result<(), Error> {
        self.entry().outcome().unwrap_or_else(|| Err(retried(self.key())))
    }

    fn taken(&self) -> Error {
        taken(self.entry())
    }

    /// As if it had never been polled.
    fn unwatch(&mut self) {
        unwatch(self.handle.entry(), &mut self.polled);
    }
}

impl<T> AnyFuture for TaskFuture<T> {
    fn entry(&self) -> EntryRef<'_> {
        TaskFuture::entry(self)
    }

    fn shared_entry(&self) -> Arc<dyn Entry> {
        TaskFuture::shared_entry(self)
    }
}

impl<T: Clone> Future for TaskFuture<T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match poll_awaited(&this.handle, &mut this.polled, cx) {
            Poll::Ready(Ok(())) => Poll::Ready(this.take_value()),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> Drop for TaskFuture<T> {
    fn drop(&mut self) {
        self.unwatch();
    }
}

impl<T> Clone for TaskFuture<T> {
    fn clone(&self) -> Self {
        // A handle whose value has been moved out makes handles that say so.
        Self { handle: self.handle.clone(), polled: None }
    }
}

impl<T> fmt::Debug for TaskFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskFuture").field("key", &self.key()).field("status", &self.status()).finish()
    }
}

impl<'a, T: Clone> IntoFuture for &'a TaskFuture<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Awaiting<'a, T>;

    fn into_future(self) -> Awaiting<'a, T> {
        Awaiting { future: self, polled: None }
    }
}
