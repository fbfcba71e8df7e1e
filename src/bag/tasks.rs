//! What is done to each item by a function that [`submit`](crate::Client::submit) takes, so that it can run on a cluster.

use crate::Bag;
#[cfg(feature = "dask")]
use crate::Error;
use crate::graph::delayed;
#[cfg(feature = "dask")]
use crate::task::portable::vectors::{VectorCall, export_vectors, known};
#[cfg(feature = "dask")]
use crate::task::portable::{Export, Parts};
use crate::task::{Call, EachItem, TaskFn};

impl<T: Clone + Send + Sync + 'static> Bag<T> {
    /// Calls a function with each item that is one of those that [`submit`](crate::Client::submit) takes: also a registered
    /// task, which can run on a Dask cluster as well, and an [`asynchronous`](crate::asynchronous) one. If it is
    /// [`fallible`](crate::fallible), the first failure of a partition is that of its task.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol, task};
    ///
    /// #[task]
    /// fn square(x: i64) -> i64 {
    ///     x * x
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(&bag(0..4).map_task(square)).wait()?, [0, 1, 4, 9]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn map_task<F>(&self, function: F) -> Bag<F::Output>
    where
        F: TaskFn<(T,), Output: Clone> + Clone + Sync,
    {
        self.map_partitions(EachItem(function))
    }

    /// Keeps the items of which a function says yes, which is one as [`map_task`](Self::map_task) takes. It takes a clone of
    /// the item.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol, task};
    ///
    /// #[task]
    /// fn is_even(x: i64) -> bool {
    ///     x % 2 == 0
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(&bag(0..5).filter_task(is_even)).wait()?, [0, 2, 4]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn filter_task<F>(&self, predicate: F) -> Self
    where
        F: TaskFn<(T,), Output = bool> + Clone + Sync,
    {
        let kept = self.partitions().iter().map(|partition| {
            let flags = delayed(EachItem(predicate.clone()), partition);
            delayed(Select, (partition, flags))
        });
        Self::from_partitions(kept).read_by(self.read())
    }

    /// Calls a function with each item, and takes all items of the vector that it gives. It is one as
    /// [`map_task`](Self::map_task) takes.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol, task};
    ///
    /// #[task]
    /// fn words(line: String) -> Vec<String> {
    ///     line.split_whitespace().map(str::to_owned).collect()
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let lines = bag(["to be", "", "or not"].map(str::to_owned));
    /// assert_eq!(client.compute(&lines.flat_map_task(words)).wait()?, ["to", "be", "or", "not"]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn flat_map_task<U, F>(&self, function: F) -> Bag<U>
    where
        F: TaskFn<(T,), Output = Vec<U>> + Clone + Sync,
        U: Clone + Send + Sync + 'static,
    {
        self.map_task(function).map_partitions(Flatten)
    }
}

/// The items whose flag says yes.
#[derive(Clone, Copy)]
struct Select;

impl<T: Send + Sync + 'static> TaskFn<(Vec<T>, Vec<bool>)> for Select {
    type Output = Vec<T>;

    fn call(&self, (items, flags): (Vec<T>, Vec<bool>)) -> Call<Vec<T>> {
        Call::Returned(Ok(items.into_iter().zip(flags).filter(|(_, flag)| *flag).map(|(item, _)| item).collect()))
    }

    fn name() -> &'static str {
        "filter"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<T>>, Error> {
        let (codec, of) = known::<T>(<Self as TaskFn<(Vec<T>, Vec<bool>)>>::name())?;
        Ok(export_vectors(VectorCall::Select { of: of.into() }, parts, Some(of), codec.input_decoder()))
    }
}

/// All items of these vectors.
#[derive(Clone, Copy)]
struct Flatten;

impl<T: Send + Sync + 'static> TaskFn<(Vec<Vec<T>>,)> for Flatten {
    type Output = Vec<T>;

    fn call(&self, (vectors,): (Vec<Vec<T>>,)) -> Call<Vec<T>> {
        Call::Returned(Ok(vectors.into_iter().flatten().collect()))
    }

    fn name() -> &'static str {
        "flatten"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<T>>, Error> {
        let name = <Self as TaskFn<(Vec<Vec<T>>,)>>::name();
        let ((codec, of), (_, vectors)) = (known::<T>(name)?, known::<Vec<T>>(name)?);
        Ok(export_vectors(VectorCall::Flatten { of: vectors.into() }, parts, Some(of), codec.input_decoder()))
    }
}
