//! What is done to each item by itself.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::Bag;
#[cfg(feature = "dask")]
use crate::Error;
#[cfg(feature = "dask")]
use crate::task::portable::{Export, Parts};
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
        self.each::<_, Map, _>(function)
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
        self.each::<_, TryMap, _>(function)
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
        self.each::<_, Filter, _>(predicate)
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
        self.each::<_, FlatMap, _>(function)
    }

    pub(super) fn each<F, Kind, U>(&self, function: F) -> Bag<U>
    where
        OfPartition<F, Kind>: TaskFn<(Vec<T>,), Output = Vec<U>> + Sync,
        U: Clone + Send + Sync + 'static,
    {
        self.map_partitions(OfPartition { function: Arc::new(function), kind: PhantomData })
    }
}

/// A closure of items, as a function of partitions. Its type tells both, and gives tasks their names.
pub(super) struct OfPartition<F, Kind> {
    function: Arc<F>,
    kind: PhantomData<fn(Kind)>,
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

/// What a closure is called for.
pub(super) trait Elementwise<F, T>: 'static {
    type Item: Send + Sync + 'static;

    const NAME: &'static str;

    /// What does the same on a cluster.
    #[cfg_attr(not(feature = "dask"), expect(dead_code))]
    const FIX: &'static str;

    fn run(function: &F, items: Vec<T>) -> Result<Vec<Self::Item>, Failure>;
}

impl<T, F, Kind> TaskFn<(Vec<T>,)> for OfPartition<F, Kind>
where
    F: Send + Sync + 'static,
    Kind: Elementwise<F, T>,
{
    type Output = Vec<Kind::Item>;

    fn call(&self, (items,): (Vec<T>,)) -> Call<Vec<Kind::Item>> {
        Call::Returned(Kind::run(&self.function, items))
    }

    fn name() -> &'static str {
        Kind::NAME
    }

    #[cfg(feature = "dask")]
    fn export(&self, _: Parts<'_>) -> Result<Export<Vec<Kind::Item>>, Error> {
        Err(Error::NotPortable { task: Kind::NAME.into(), fix: Kind::FIX.into() })
    }
}

struct Map;

impl<T, U, F> Elementwise<F, T> for Map
where
    U: Send + Sync + 'static,
    F: Fn(T) -> U,
{
    type Item = U;

    const NAME: &'static str = "map";
    const FIX: &'static str =
        "give `Bag::map_task` a `#[task]` of one item, or `Bag::map_partitions` one of a whole partition";

    fn run(function: &F, items: Vec<T>) -> Result<Vec<U>, Failure> {
        Ok(items.into_iter().map(function).collect())
    }
}

struct TryMap;

impl<T, U, E, F> Elementwise<F, T> for TryMap
where
    U: Send + Sync + 'static,
    E: Into<Failure>,
    F: Fn(T) -> Result<U, E>,
{
    type Item = U;

    const NAME: &'static str = "try_map";
    const FIX: &'static str = "give `Bag::map_task` a `#[task]` of one item that returns a `Result`";

    fn run(function: &F, items: Vec<T>) -> Result<Vec<U>, Failure> {
        items.into_iter().map(function).collect::<Result<_, E>>().map_err(Into::into)
    }
}

struct Filter;

impl<T, F> Elementwise<F, T> for Filter
where
    T: Send + Sync + 'static,
    F: Fn(&T) -> bool,
{
    type Item = T;

    const NAME: &'static str = "filter";
    const FIX: &'static str = "give `Bag::filter_task` a `#[task]` that takes an item and returns a `bool`";

    fn run(function: &F, mut items: Vec<T>) -> Result<Vec<T>, Failure> {
        items.retain(function);
        Ok(items)
    }
}

struct FlatMap;

impl<T, U, F> Elementwise<F, T> for FlatMap
where
    U: IntoIterator<Item: Send + Sync + 'static>,
    F: Fn(T) -> U,
{
    type Item = U::Item;

    const NAME: &'static str = "flat_map";
    const FIX: &'static str = "give `Bag::flat_map_task` a `#[task]` that takes an item and returns a `Vec`";

    fn run(function: &F, items: Vec<T>) -> Result<Vec<U::Item>, Failure> {
        Ok(items.into_iter().flat_map(function).collect())
    }
}
