//! Submitting: plain calls that give typed futures at once.

use std::panic::Location;

use crate::client::Client;
use crate::client::task_builder::{Many, One, TaskBuilder};
use crate::runtime::Runtime;
use crate::task::{IntoArgs, TaskFn, TaskFuture};

impl<R: Runtime> Client<R> {
    /// Submits a call and gives the future of its result at once. Never waits.
    ///
    /// One argument is given bare, several as a tuple, none as `()`. Where a value goes, a future of it can go: the
    /// task then runs when it has finished, and fails with *its* error if it fails; see [`IntoArg`](crate::IntoArg).
    /// The closure and the values move, nothing is serialised.
    ///
    /// A closure must be `Fn`: what it would consume of what it captures, give it as an argument instead.
    ///
    /// Whatever is wrong with the submission is told by the future, at once: [`Error::ClientClosed`](crate::Error::ClientClosed),
    /// [`Error::ForeignFuture`](crate::Error::ForeignFuture).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::sync::Arc;
    /// use anydask::{Client, TaskFuture, runtime::Smol};
    ///
    /// fn add(x: i64, y: i64) -> i64 {
    ///     x + y
    /// }
    /// fn norm(x: Arc<Vec<f64>>) -> f64 {
    ///     x.iter().map(|x| x * x).sum::<f64>().sqrt()
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let a: TaskFuture<i64> = client.submit(|x: i64| x + 1, 10);
    /// let b = client.submit(add, (&a, 5));
    /// let c = client.submit(|all: Vec<i64>| all.iter().sum::<i64>(), vec![a.clone(), b.clone()]);
    /// assert_eq!(c.wait()?, 27);
    ///
    /// let big = client.submit(|| vec![3.0, 4.0], ());
    /// assert_eq!(client.submit(norm, &big).wait()?, 5.0);   // shared, not cloned
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    #[track_caller]
    pub fn submit<F, A, Args>(&self, function: F, args: A) -> TaskFuture<F::Output>
    where
        F: TaskFn<Args>,
        A: IntoArgs<Args>,
        Args: 'static,
    {
        self.state.submit_from(Location::caller(), "submit", (function, args.into_args()), self.options(), None)
    }

    /// Submits one call for each item, with the same function. Never waits.
    ///
    /// An item is what [`submit`](Self::submit) takes as arguments: a value, a future, or a tuple of them. The function is
    /// shared by the tasks, so it is `Sync`.
    ///
    /// An item is submitted when it has been read; but of an iterator that knows its length, such as that of a range or a
    /// vector, as many items are read at once as have been submitted before, up to 256. Plain values of such an iterator,
    /// and a function that is not asynchronous, cost a small part of as many calls of [`submit`](Self::submit).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let inc = |x: i64| x + 1;
    /// let first = client.map(inc, 0..5);
    /// let second = client.map(inc, &first);
    /// let sums = client.map(|x: i64, y: i64| x + y, first.iter().zip(&second));
    /// assert_eq!(client.gather(sums).wait()?, [3, 5, 7, 9, 11]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    #[track_caller]
    pub fn map<F, I, Args>(&self, function: F, items: I) -> Vec<TaskFuture<F::Output>>
    where
        F: TaskFn<Args> + Sync,
        I: IntoIterator,
        I::Item: IntoArgs<Args>,
        Args: 'static,
    {
        self.state.map(Location::caller(), function, items.into_iter(), self.options())
    }

    /// A call with options; submitted by [`TaskBuilder::submit`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let model = client.task(|seed: u64| seed * 2, 21).key("train").submit();
    /// assert_eq!(model.key(), "train");
    /// assert_eq!(model.wait()?, 42);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn task<F, A, Args>(&self, function: F, args: A) -> TaskBuilder<'_, R, F, One<A>, Args>
    where
        F: TaskFn<Args>,
        A: IntoArgs<Args>,
        Args: 'static,
    {
        TaskBuilder::new(self, function, One(args))
    }

    /// A call for each item, as [`map`](Self::map) submits them, with options that all of them have.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let models = client.tasks(|seed: u64| seed * 2, 0..3).key("train").priority(-1).submit();
    /// assert_eq!(models[2].key(), "train-2");
    /// assert_eq!(client.gather(models).wait()?, [0, 2, 4]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn tasks<F, I, Args>(&self, function: F, items: I) -> TaskBuilder<'_, R, F, Many<I>, Args>
    where
        F: TaskFn<Args> + Sync,
        I: IntoIterator,
        I::Item: IntoArgs<Args>,
        Args: 'static,
    {
        TaskBuilder::new(self, function, Many(items))
    }
}
