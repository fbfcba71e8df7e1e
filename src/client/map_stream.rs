//! A map over a stream of items, with a bound on what is in flight.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::Error;
use crate::client::as_completed::AsCompleted;
use crate::client::next::{Completing, Next};
use crate::client::submit::Each;
use crate::client::{Client, Held};
use crate::runtime::Runtime;
use crate::task::{IntoArgs, Options, Scheduler, TaskFn, TaskFuture, WatchId, poll_outcome};

impl<R: Runtime> Client<R> {
    /// A call for each item of a stream, as [`map`](Self::map) submits them, but lazily and with a bound on how many are
    /// in flight: choose it with [`buffered`](MapStream::buffered) or
    /// [`buffered_unordered`](MapStream::buffered_unordered).
    ///
    /// An item is what [`submit`](Self::submit) takes as arguments. The tasks have the defaults of the client; others are
    /// given with [`with`](Self::with). The stream of results keeps the client open. The results are moved out of the tasks;
    /// they are `Clone` as those of any awaited future, and an `Arc` is.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    /// use futures_lite::{StreamExt, stream};
    ///
    /// smol::block_on(async {
    ///     let client = Client::<Smol>::local().await?;
    ///     // It never ends, and no more than four tasks are there at once.
    ///     let numbers = stream::iter(1_u64..);
    ///     let squares = client.map_stream(|x: u64| x * x, numbers).buffered(4);
    ///     let first: Vec<u64> = squares.take(3).try_collect().await?;
    ///     assert_eq!(first, [1, 4, 9]);
    ///     client.close().await
    /// })?;
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    #[track_caller]
    pub fn map_stream<F, S, Args>(&self, function: F, items: S) -> MapStream<F, S, Args>
    where
        F: TaskFn<Args, Output: Clone> + Sync,
        S: Stream,
        S::Item: IntoArgs<Args>,
        Args: 'static,
    {
        MapStream {
            client: self.state.clone(),
            options: self.options(),
            location: Location::caller(),
            function: Arc::new(function),
            items: Some(Box::pin(items)),
            args: PhantomData,
        }
    }
}

/// A call for each item of a stream, before it is said how many may be in flight; made by [`Client::map_stream`].
#[must_use = "nothing is submitted until `buffered` or `buffered_unordered` is called and the results are asked for"]
pub struct MapStream<F, S, Args> {
    client: Held,
    options: Option<Options>,
    /// Where `map_stream` was called.
    location: &'static Location<'static>,
    function: Arc<F>,
    /// None once it has ended. Boxed, so that the results can be asked for without pinning them.
    items: Option<Pin<Box<S>>>,
    args: PhantomData<fn(Args)>,
}

impl<F, S, Args> MapStream<F, S, Args>
where
    F: TaskFn<Args> + Sync,
    S: Stream,
    S::Item: IntoArgs<Args>,
    Args: 'static,
{
    /// The results in the order of the items. At most `limit` tasks have been submitted whose results have not come out.
    ///
    /// A task that takes long keeps those behind it in flight, and with `limit` of them nothing more is submitted.
    ///
    /// # Errors
    ///
    /// The only item is [`Error::NoRoom`] if `limit` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, fallible, runtime::Smol};
    /// use futures_lite::stream;
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let parse = fallible(|text: &str| text.parse::<i64>());
    /// let mut parsed = client.map_stream(parse, stream::iter(["1", "two", "3"])).buffered(2);
    /// let mut values = Vec::new();
    /// while let Some(result) = parsed.next().wait()? {
    ///     values.push(result.ok());
    /// }
    /// assert_eq!(values, [Some(1), None, Some(3)]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn buffered(self, limit: usize) -> Buffered<F, S, Args> {
        Buffered { calls: Calls::new(self, "buffered", limit), in_flight: VecDeque::new(), watch: None }
    }

    /// The results in the order in which the tasks end. At most `limit` tasks have been submitted whose results have not
    /// come out.
    ///
    /// # Errors
    ///
    /// The only item is [`Error::NoRoom`] if `limit` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    /// use futures_lite::stream;
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let mut squares = client.map_stream(|x: u64| x * x, stream::iter(0..4)).buffered_unordered(2);
    /// let mut sum = 0;
    /// while let Some(square) = squares.next().wait()? {
    ///     sum += square?;
    /// }
    /// assert_eq!(sum, 14);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn buffered_unordered(self, limit: usize) -> BufferedUnordered<F, S, Args> {
        BufferedUnordered { calls: Calls::new(self, "buffered_unordered", limit), in_flight: AsCompleted::new() }
    }
}

/// The results of a map over a stream, in the order of the items; made by [`MapStream::buffered`].
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
        if poll_outcome(first.entry(), &mut self.watch, cx).is_pending() {
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
            first.entry().unwatch(id);
        }
    }
}

impl<F: TaskFn<Args>, S, Args> fmt::Debug for Buffered<F, S, Args> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.describe("Buffered", self.in_flight.len(), f)
    }
}

/// The results of a map over a stream, in the order in which the tasks end; made by [`MapStream::buffered_unordered`].
///
/// As [`Buffered`], but for the order.
#[must_use = "nothing is submitted until the results are asked for"]
pub struct BufferedUnordered<F: TaskFn<Args>, S, Args> {
    calls: Calls<F, S, Args>,
    in_flight: AsCompleted<F::Output>,
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

    fn help(&mut self) {
        self.in_flight.help();
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

impl<F, S, Args> fmt::Debug for MapStream<F, S, Args> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The calls that have not been submitted.
struct Calls<F, S, Args> {
    map: MapStream<F, S, Args>,
    /// How many tasks may be in flight.
    limit: usize,
    /// What comes instead of results.
    refusal: Option<Error>,
}

impl<F, S, Args> Calls<F, S, Args> {
    fn new(mut map: MapStream<F, S, Args>, operation: &'static str, limit: usize) -> Self {
        let refusal = (limit == 0).then_some(Error::NoRoom { operation });
        if refusal.is_some() {
            map.items = None;
        }
        Self { map, limit, refusal }
    }

    /// What the results give once nothing is in flight.
    fn poll_end<T>(&self) -> Poll<Option<T>> {
        // Items that have not ended are pending and will wake whoever asks.
        if self.map.items.is_none() { Poll::Ready(None) } else { Poll::Pending }
    }

    fn scheduler(&self) -> Arc<dyn Scheduler> {
        Arc::clone(&self.map.client.0) as Arc<dyn Scheduler>
    }

    fn describe(&self, name: &str, in_flight: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name).field("limit", &self.limit).field("in_flight", &in_flight).finish_non_exhaustive()
    }
}

impl<F, S, Args> Calls<F, S, Args>
where
    F: TaskFn<Args> + Sync,
    S: Stream,
    S::Item: IntoArgs<Args>,
    Args: 'static,
{
    /// Submits the call for the next item; none when there are no more items.
    fn poll_submit(&mut self, cx: &mut Context<'_>) -> Poll<Option<TaskFuture<F::Output>>> {
        // Put back unless it has ended: a stream that panics may not be polled again.
        let Some(mut items) = self.map.items.take() else { return Poll::Ready(None) };
        let item = match items.as_mut().poll_next(cx) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(item)) => Some(item),
            Poll::Pending => None,
        };
        self.map.items = Some(items);
        let Some(item) = item else { return Poll::Pending };
        let MapStream { client, options, location, function, .. } = &self.map;
        let (function, arguments) = (Each::new(function), item.into_args());
        let future = client.0.submit_from(location, "map_stream", function, arguments, options.clone(), None);
        Poll::Ready(Some(future))
    }

    fn size_hint(&self, in_flight: usize) -> (usize, Option<usize>) {
        let in_flight = in_flight + usize::from(self.refusal.is_some());
        let (least, most) = self.map.items.as_ref().map_or((0, Some(0)), |items| items.size_hint());
        (least.saturating_add(in_flight), most.and_then(|most| most.checked_add(in_flight)))
    }
}
