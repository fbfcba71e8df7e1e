//! Waiting without values.

use std::borrow::Borrow;

use crate::client::countdown::Until;
use crate::client::{Client, Operation};
use crate::runtime::Runtime;
use crate::task::{Awaited, TaskFuture};

/// What [`Client::wait`] gives: the futures, sorted by whether they have ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Waited<T> {
    /// Those that have ended, in whichever way, in the order in which they were given.
    pub done: Vec<TaskFuture<T>>,
    /// Those that have not.
    pub not_done: Vec<TaskFuture<T>>,
}

impl<R: Runtime> Client<R> {
    /// Waits until all futures have ended, in whichever way: a failed or cancelled task is no error here.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignFuture`](crate::Error::ForeignFuture).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Status, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let many = client.map(|x: i64| x + 1, 0..3);
    /// let waited = client.wait(&many).wait()?;
    /// assert_eq!(waited.done.len(), 3);
    /// assert!(many.iter().all(|future| future.status() == Status::Finished));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn wait<T, I>(&self, futures: I) -> Operation<Waited<T>>
    where
        T: Send + Sync + 'static,
        I: IntoIterator,
        I::Item: Borrow<TaskFuture<T>>,
    {
        self.waiting("wait", futures, Until::AllEnded)
    }

    /// Waits until one of the futures has ended, in whichever way. Of no futures none ends: then it is done at once.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignFuture`](crate::Error::ForeignFuture).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, asynchronous, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let never = client.submit(asynchronous(|| std::future::pending::<i64>()), ());
    /// let quick = client.submit(|| 1, ());
    /// let waited = client.wait_any([&never, &quick]).wait()?;
    /// assert_eq!((waited.done.len(), waited.not_done.len()), (1, 1));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn wait_any<T, I>(&self, futures: I) -> Operation<Waited<T>>
    where
        T: Send + Sync + 'static,
        I: IntoIterator,
        I::Item: Borrow<TaskFuture<T>>,
    {
        self.waiting("wait_any", futures, Until::AnyEnded)
    }

    /// Waits until one of the futures has failed or was cancelled, or until all have finished.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignFuture`](crate::Error::ForeignFuture).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Status, asynchronous, fallible, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let never = client.submit(asynchronous(|| std::future::pending::<i64>()), ());
    /// let fails = client.submit(fallible(|| Err::<i64, _>("no")), ());
    /// let waited = client.wait_first_error([&never, &fails]).wait()?;
    /// assert_eq!(waited.done[0].status(), Status::Error);
    /// assert_eq!(waited.not_done[0].key(), never.key());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn wait_first_error<T, I>(&self, futures: I) -> Operation<Waited<T>>
    where
        T: Send + Sync + 'static,
        I: IntoIterator,
        I::Item: Borrow<TaskFuture<T>>,
    {
        self.waiting("wait_first_error", futures, Until::FirstError)
    }

    fn waiting<T, I>(&self, name: &'static str, futures: I, until: Until) -> Operation<Waited<T>>
    where
        T: Send + Sync + 'static,
        I: IntoIterator,
        I::Item: Borrow<TaskFuture<T>>,
    {
        let futures: Vec<TaskFuture<T>> = futures.into_iter().map(|future| future.borrow().clone()).collect();
        self.gathering(name, futures, (Awaited::End, until), |futures| {
            let (done, not_done) = futures.into_iter().partition(TaskFuture::is_done);
            Ok(Waited { done, not_done })
        })
    }
}
