use std::fmt;
use std::sync::Arc;

use crate::bag::concat::Given;
use crate::bag::read::Read;
use crate::graph::{Collection, Delayed, Graph, delayed};
use crate::task::TaskFn;

/// Into how many partitions [`bag`] cuts its items at most: enough for the threads of most machines to share the work evenly,
/// few enough that the tasks cost nothing beside it.
const PARTITIONS_DEFAULT: usize = 64;

/// A sequence in partitions: Dask's `Bag`. What is called on it is lazy, and runs on the partitions at once when it is
/// [computed](crate::Client::compute).
///
/// Unlike Dask's, it has an order: that of the items that it was made of, as far as an operation says nothing else. `Clone`
/// gives another handle on the same partitions.
///
/// Computing it gives a `Vec` of all items; [persisting](crate::Client::persist) it keeps the partitions. Operations that
/// follow each other on a partition are one task, and move items from one to the next.
///
/// Closures that are given are shared by the partitions. A panic in one becomes the error of what depends on its partition.
///
/// # On a Dask cluster
///
/// A closure stays where it is, so what takes one fails there with [`Error::NotPortable`](crate::Error::NotPortable), and what
/// takes [`#[task]`](macro@crate::task)s does the same here and there, also in order:
///
/// | with closures, embedded only | with registered tasks, everywhere |
/// |---|---|
/// | [`map`](Self::map), [`try_map`](Self::try_map) | [`map_task`](Self::map_task), [`map_partitions`](Self::map_partitions) |
/// | [`filter`](Self::filter) | [`filter_task`](Self::filter_task) |
/// | [`flat_map`](Self::flat_map) | [`flat_map_task`](Self::flat_map_task) |
/// | [`fold`](Self::fold), [`reduce`](Self::reduce) | [`fold_task`](Self::fold_task) |
/// | [`group_by`](Self::group_by) | [`group_by_task`](Self::group_by_task) |
/// | [`join`](Self::join) | [`join_task`](Self::join_task) |
///
/// What takes no function runs everywhere. Workers know the type of items by the registered tasks that take or give it, by itself
/// or in a `Vec`; where one must know it and does not, the error says so.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, bag, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let squares = bag(0..10_u64).map(|x| x * x).filter(|x| x % 2 == 0);
/// assert_eq!(client.compute(&squares).wait()?, [0, 4, 16, 36, 64]);
/// assert_eq!(client.compute(squares.fold(0, |sum, x| sum + x, |a, b| a + b)).wait()?, 120);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[must_use = "a bag does nothing until it is computed"]
pub struct Bag<T> {
    partitions: Arc<[Delayed<Vec<T>>]>,
    read: Read<T>,
}

/// A bag of these items, in up to 64 partitions of equal length; see [`Bag::new`].
///
/// # Examples
///
/// ```
/// assert_eq!(anydask::bag(0..10).partition_count(), 10);
/// ```
pub fn bag<I>(items: I) -> Bag<I::Item>
where
    I: IntoIterator,
    I::Item: Clone + Send + Sync + 'static,
{
    Bag::new(items, PARTITIONS_DEFAULT)
}

impl<T: Clone + Send + Sync + 'static> Bag<T> {
    /// A bag of these items, in so many partitions of about equal length; in fewer if there are fewer items, and in one if
    /// there are none or 0 is asked for.
    ///
    /// The items are read now, and held by the bag. What is large is better made by the partitions: see
    /// [`from_partitions`](Self::from_partitions), [`from_lines`](Bag::from_lines).
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::Bag;
    ///
    /// assert_eq!(Bag::new(["a", "b", "c"], 2).partition_count(), 2);
    /// assert_eq!(Bag::new(0..2, 8).partition_count(), 2);
    /// ```
    pub fn new(items: impl IntoIterator<Item = T>, partitions: usize) -> Self {
        let items: Vec<T> = items.into_iter().collect();
        let (count, partitions) = (items.len(), partitions.clamp(1, items.len().max(1)));
        let mut items = items.into_iter();
        // The first `count % partitions` have one more.
        let nitems = |place| count / partitions + usize::from(place < count % partitions);
        let partition = |place| delayed(Given, Arc::new(items.by_ref().take(nitems(place)).collect::<Vec<T>>()));
        Self::from_partitions((0..partitions).map(partition))
    }

    /// A bag whose partitions are these lazy calls. Without any it is empty.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Bag, Client, delayed, runtime::Smol};
    ///
    /// let parts = (0..3_u64).map(|i| delayed(|i: u64| vec![i; 2], i));
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(&Bag::from_partitions(parts)).wait()?, [0, 0, 1, 1, 2, 2]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn from_partitions(partitions: impl IntoIterator<Item = Delayed<Vec<T>>>) -> Self {
        Self { partitions: partitions.into_iter().collect(), read: Read::unknown() }
    }

    /// The same of partitions that a client can read in this way.
    pub(super) fn read_by(self, read: Read<T>) -> Self {
        Self { read, ..self }
    }

    pub(super) fn read(&self) -> Read<T> {
        self.read
    }

    /// The partitions.
    pub fn partitions(&self) -> &[Delayed<Vec<T>>] {
        &self.partitions
    }

    /// How many partitions there are.
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// Calls a function with each partition. It is one that [`submit`](crate::Client::submit) takes: also a registered task,
    /// a [`fallible`](crate::fallible) or an [`asynchronous`](crate::asynchronous) one. Given an `Arc`, it shares partitions
    /// that others need, too.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Bag, Client, runtime::Smol, task};
    ///
    /// #[task]
    /// fn sorted(mut items: Vec<i64>) -> Vec<i64> {
    ///     items.sort_unstable();
    ///     items
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let bag = Bag::new([3, 1, 2, 9, 8, 7], 2).map_partitions(sorted);
    /// assert_eq!(client.compute(&bag).wait()?, [1, 2, 3, 7, 8, 9]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn map_partitions<F, U>(&self, function: F) -> Bag<U>
    where
        F: TaskFn<(Vec<T>,), Output = Vec<U>> + Clone + Sync,
        U: Clone + Send + Sync + 'static,
    {
        Bag::from_partitions(self.partitions.iter().map(|partition| delayed(function.clone(), partition)))
    }

    /// The items of this bag, and then those of the other.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(&bag(0..2).chain(&bag(5..7))).wait()?, [0, 1, 5, 6]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn chain(&self, other: &Self) -> Self {
        let partitions = self.partitions.iter().chain(&*other.partitions).cloned();
        Self::from_partitions(partitions).read_by(self.read.or(other.read))
    }

    /// The graph of the partitions as it is before it is optimised.
    pub fn graph(&self) -> Graph {
        Graph::of(&*self.partitions)
    }
}

impl<T: Clone + Send + Sync + 'static> Collection for Bag<T> {
    type Output = Vec<T>;
    type Parts = Vec<Delayed<Vec<T>>>;

    fn parts(&self) -> Self::Parts {
        self.partitions.to_vec()
    }

    fn finalize(&self) -> Delayed<Vec<T>> {
        self.to_vec()
    }

    fn rebuild(&self, parts: Self::Parts) -> Self {
        Self::from_partitions(parts).read_by(self.read)
    }
}

impl<T> Clone for Bag<T> {
    fn clone(&self) -> Self {
        Self { partitions: Arc::clone(&self.partitions), read: self.read }
    }
}

impl<T> fmt::Debug for Bag<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bag").field("partitions", &self.partitions.len()).finish_non_exhaustive()
    }
}
