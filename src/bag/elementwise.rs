//! What is done to each item by itself.

use std::fmt;
use std::sync::Arc;

use crate::Bag;
use crate::task::{Call, Failure, TaskFn};

impl<T: Clone + Send + Sync + 'static> Bag<T> {
    /// Calls a function with each item.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(&bag(["a", "bcd"]).map(|text| text.len())).wait()?, [1, 3]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn map<U, F>(&self, function: F) -> Bag<U>
    where
        U: Clone + Send + Sync + 'static,
        F: Fn(T) -> U + Send + Sync + 'static,
    {
        self.each(Map, function)
    }

    /// Calls a function with each item that may fail. The first failure of a partition is that of its task.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let numbers = bag(["1", "two"]).try_map(|text| text.parse::<i64>());
    /// let error = client.compute(&numbers).wait().unwrap_err();
    /// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn try_map<U, E, F>(&self, function: F) -> Bag<U>
    where
        U: Clone + Send + Sync + 'static,
        E: Into<Failure> + 'static,
        F: Fn(T) -> Result<U, E> + Send + Sync + 'static,
    {
        self.each(TryMap, function)
    }

    /// Keeps the items of which a function says yes.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(&bag(0..6).filter(|x| x % 3 == 0)).wait()?, [0, 3]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn filter<F>(&self, predicate: F) -> Self
    where
        F: Fn(&T) -> bool + Send + Sync + 'static,
    {
        self.each(Filter, predicate)
    }

    /// Calls a function with each item, and takes all items of what it gives.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(&bag(0..4).flat_map(|x| 0..x)).wait()?, [0, 0, 1, 0, 1, 2]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn flat_map<U, F>(&self, function: F) -> Bag<U::Item>
    where
        U: IntoIterator<Item: Clone + Send + Sync + 'static> + 'static,
        F: Fn(T) -> U + Send + Sync + 'static,
    {
        self.each(FlatMap, function)
    }

    fn each<F, Kind, U>(&self, _: Kind, function: F) -> Bag<U>
    where
        OfPartition<F, Kind>: TaskFn<(Vec<T>,), Output = Vec<U>> + Sync,
        U: Clone + Send + Sync + 'static,
    {
        self.map_partitions(OfPartition { function: Arc::new(function), kind: std::marker::PhantomData })
    }
}

/// A function of items, as one of partitions. Its type tells both, and gives tasks their names.
struct OfPartition<F, Kind> {
    function: Arc<F>,
    kind: std::marker::PhantomData<fn(Kind)>,
}

impl<F, Kind> Clone for OfPartition<F, Kind> {
    fn clone(&self) -> Self {
        Self { function: Arc::clone(&self.function), kind: self.kind }
    }
}

impl<F, Kind> fmt::Debug for OfPartition<F, Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfPartition")
    }
}

struct Map;

impl<T, U, F> TaskFn<(Vec<T>,)> for OfPartition<F, Map>
where
    U: Send + Sync + 'static,
    F: Fn(T) -> U + Send + Sync + 'static,
{
    type Output = Vec<U>;

    fn call(&self, (items,): (Vec<T>,)) -> Call<Vec<U>> {
        Call::Returned(Ok(items.into_iter().map(&*self.function).collect()))
    }

    fn name() -> &'static str {
        "map"
    }
}

struct TryMap;

impl<T, U, E, F> TaskFn<(Vec<T>,)> for OfPartition<F, TryMap>
where
    U: Send + Sync + 'static,
    E: Into<Failure>,
    F: Fn(T) -> Result<U, E> + Send + Sync + 'static,
{
    type Output = Vec<U>;

    fn call(&self, (items,): (Vec<T>,)) -> Call<Vec<U>> {
        Call::Returned(items.into_iter().map(&*self.function).collect::<Result<_, E>>().map_err(Into::into))
    }

    fn name() -> &'static str {
        "try_map"
    }
}

struct Filter;

impl<T, F> TaskFn<(Vec<T>,)> for OfPartition<F, Filter>
where
    T: Send + Sync + 'static,
    F: Fn(&T) -> bool + Send + Sync + 'static,
{
    type Output = Vec<T>;

    fn call(&self, (mut items,): (Vec<T>,)) -> Call<Vec<T>> {
        items.retain(&*self.function);
        Call::Returned(Ok(items))
    }

    fn name() -> &'static str {
        "filter"
    }
}

struct FlatMap;

impl<T, U, F> TaskFn<(Vec<T>,)> for OfPartition<F, FlatMap>
where
    U: IntoIterator<Item: Send + Sync + 'static>,
    F: Fn(T) -> U + Send + Sync + 'static,
{
    type Output = Vec<U::Item>;

    fn call(&self, (items,): (Vec<T>,)) -> Call<Vec<U::Item>> {
        Call::Returned(Ok(items.into_iter().flat_map(&*self.function).collect()))
    }

    fn name() -> &'static str {
        "flat_map"
    }
}
