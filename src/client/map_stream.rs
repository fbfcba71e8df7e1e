//! A map over a stream of items, with a bound on what is in flight.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::Error;
use crate::client::buffered::{Buffered, BufferedUnordered};
use crate::client::{Client, Held};
use crate::runtime::Runtime;
use crate::task::{Each, IntoArgs, Options, Scheduler, TaskFn, TaskFuture};

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
        Buffered::new(Calls::new(self, "buffered", limit))
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
        BufferedUnordered::new(Calls::new(self, "buffered_unordered", limit))
    }
}

impl<F, S, Args> fmt::Debug for MapStream<F, S, Args> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The calls that have not been submitted.
pub(super) struct Calls<F, S, Args> {
    map: MapStream<F, S, Args>,
    /// How many tasks may be in flight.
    pub(super) limit: usize,
    /// What comes instead of results.
    pub(super) refusal: Option<Error>,
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
    pub(super) fn poll_end<T>(&self) -> Poll<Option<T>> {
        // Items that have not ended are pending and will wake whoever asks.
        if self.map.items.is_none() { Poll::Ready(None) } else { Poll::Pending }
    }

    pub(super) fn scheduler(&self) -> Arc<dyn Scheduler> {
        Arc::clone(&self.map.client.state) as Arc<dyn Scheduler>
    }

    pub(super) fn describe(&self, name: &str, in_flight: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
    pub(super) fn poll_submit(&mut self, cx: &mut Context<'_>) -> Poll<Option<TaskFuture<F::Output>>> {
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
        let future = client.submit_from(location, "map_stream", (function, arguments), options.clone(), None);
        Poll::Ready(Some(future))
    }

    pub(super) fn size_hint(&self, in_flight: usize) -> (usize, Option<usize>) {
        let in_flight = in_flight + usize::from(self.refusal.is_some());
        let (least, most) = self.map.items.as_ref().map_or((0, Some(0)), |items| items.size_hint());
        (least.saturating_add(in_flight), most.and_then(|most| most.checked_add(in_flight)))
    }
}
