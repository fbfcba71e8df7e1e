//! Futures with their results, in the order in which they end.

use std::borrow::Borrow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::Error;
use crate::client::as_completed::AsCompleted;
use crate::client::next::{Completing, Next};
use crate::task::{Awaited, Scheduler, TaskFuture};

impl<T: Clone + Send + Sync + 'static> AsCompleted<T> {
    /// Gives each future together with its result: Dask's `with_results=True`. What failed or was cancelled comes with
    /// its error.
    ///
    /// The value is a clone, since the future keeps it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, as_completed, fallible, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let parse = fallible(|text: &str| text.parse::<i64>());
    /// let mut results = as_completed(client.map(parse, ["1", "two"])).results();
    /// let mut sum = 0;
    /// while let Some((_, result)) = results.next().wait()? {
    ///     match result {
    ///         Ok(value) => sum += value,
    ///         // One more instead.
    ///         Err(_) => results.push(client.submit(parse, "2")),
    ///     }
    /// }
    /// assert_eq!(sum, 3);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn results(self) -> Results<T> {
        Results { completed: self, arriving: AsCompleted::new(Awaited::Value) }
    }
}

/// Futures with their results, in the order in which they end; made by [`AsCompleted::results`].
///
/// It is a [`Stream`] to await and an [`Iterator`] to block on, and takes more futures while it runs.
#[must_use = "results come out when it is awaited or iterated"]
#[derive(Debug)]
pub struct Results<T> {
    completed: AsCompleted<T>,
    /// What has ended and has its value elsewhere.
    arriving: AsCompleted<T>,
}

impl<T: Clone + Send + Sync + 'static> Results<T> {
    /// Puts one more in.
    pub fn push(&mut self, future: impl Borrow<TaskFuture<T>>) {
        self.completed.push(future);
    }

    /// Puts more in.
    pub fn extend<I>(&mut self, futures: I)
    where
        I: IntoIterator,
        I::Item: Borrow<TaskFuture<T>>,
    {
        self.completed.extend(futures);
    }

    /// How many have not come out, ended or not.
    pub fn len(&self) -> usize {
        self.completed.len() + self.arriving.len()
    }

    /// Whether all have come out.
    pub fn is_empty(&self) -> bool {
        self.completed.is_empty() && self.arriving.is_empty()
    }

    /// Lets go of all that have not come out; see [`AsCompleted::clear`].
    pub fn clear(&mut self) {
        self.completed.clear();
        self.arriving.clear();
    }

    /// The next one that ends, with its result; `None` when all have come out. Await it, or call [`wait`](Next::wait);
    /// bound it in time with [`timeout`](Next::timeout).
    #[expect(
        clippy::should_implement_trait,
        reason = "both a stream and an iterator have one; this is the one to await"
    )]
    pub fn next(&mut self) -> Next<&mut Self> {
        Next::new(self)
    }
}

fn with_result<T: Clone + Send + Sync + 'static>(future: TaskFuture<T>) -> (TaskFuture<T>, Result<T, Error>) {
    let result = future.to_value();
    (future, result)
}

impl<T: Clone + Send + Sync + 'static> Completing for Results<T> {
    type Item = (TaskFuture<T>, Result<T, Error>);

    const NAME: &'static str = AsCompleted::<T>::NAME;

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while let Poll::Ready(Some(future)) = self.completed.poll_item(cx) {
            if future.entry().value_outcome().is_some() {
                return Poll::Ready(Some(with_result(future)));
            }
            self.arriving.insert(future);
        }
        match self.arriving.poll_item(cx) {
            Poll::Ready(None) if !self.completed.is_empty() => Poll::Pending,
            arrived => arrived.map(|arrived| arrived.map(with_result)),
        }
    }

    fn scheduler(&self) -> Option<Arc<dyn Scheduler>> {
        self.completed.scheduler().or_else(|| self.arriving.scheduler())
    }
}

impl<T: Clone + Send + Sync + 'static> Stream for Results<T> {
    type Item = (TaskFuture<T>, Result<T, Error>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), None)
    }
}

/// Blocks for each. Where it may not block, inside an asynchronous task, each comes as it is, with the error that says so.
impl<T: Clone + Send + Sync + 'static> Iterator for Results<T> {
    type Item = (TaskFuture<T>, Result<T, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        match Results::next(self).wait() {
            Ok(done) => done,
            Err(error) => {
                let left = self.completed.take_any().or_else(|| self.arriving.take_any());
                left.map(|future| (future, Err(error)))
            }
        }
    }
}
