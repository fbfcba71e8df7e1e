//! What brings items together that belong together, wherever they are.

use std::hash::Hash;

use crate::Bag;
use crate::bag::elementwise::Elementwise;
use crate::bag::placed::{Buckets, Counts, Distinct, Frequencies, Group, Join, Split, split_pairs};
use crate::bag::read::Read;
use crate::graph::{Delayed, delayed};
use crate::task::{EachItem, Failure, TaskFn};

impl<T: Clone + Send + Sync + 'static> Bag<T> {
    /// Groups the items by a key: one item for each key, with all that have it, in their order. There are as many partitions
    /// as before; in which of them a group is, its key decides, the same in each run of the program.
    ///
    /// All items pass through memory: no group is there before every partition has run. Where items of a group are only
    /// summed up, [`fold`](Self::fold) into a map needs less.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let mut groups = client.compute(&bag(["ant", "bee", "ape"]).group_by(|word| word.chars().next())).wait()?;
    /// groups.sort();
    /// assert_eq!(groups, [(Some('a'), vec!["ant", "ape"]), (Some('b'), vec!["bee"])]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn group_by<K, F>(&self, key: F) -> Bag<(K, Vec<T>)>
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        F: Fn(&T) -> K + Send + Sync + 'static,
    {
        grouped(&self.split::<_, GroupBy, _>(key, self.partition_count()))
    }

    /// As [`group_by`](Self::group_by), by a function as [`submit`](crate::Client::submit) takes it, which is given a clone of each
    /// item: also by a registered task, which can run on a Dask cluster as well.
    ///
    /// There, too, keys are equal if their `Eq` says so: the registered task brings their `Hash` and `Eq` along. The
    /// groups, their order and their partitions are the same as here, as long as `Hash` gives the same in each process.
    ///
    /// A worker that makes groups of a place fetches what each partition was split into, for all places. So every worker
    /// has as much as the whole bag for a while.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol, task};
    ///
    /// #[task]
    /// fn length(word: String) -> usize {
    ///     word.len()
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let words = bag(["ant", "horse", "bee"].map(str::to_owned));
    /// let mut groups = client.compute(&words.group_by_task(length)).wait()?;
    /// groups.sort();
    /// assert_eq!(groups, [(3, vec!["ant".to_owned(), "bee".to_owned()]), (5, vec!["horse".to_owned()])]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn group_by_task<K, F>(&self, key: F) -> Bag<(K, Vec<T>)>
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        F: TaskFn<(T,), Output = K> + Clone + Sync,
    {
        grouped(&self.split_task(key, self.partition_count()))
    }

    /// Joins the items with those of another bag that have the same key, each with each: Dask's `join`, of two bags.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let (people, cities) = (bag([("Ann", 1), ("Bob", 2), ("Cid", 1)]), bag([(1, "Oslo"), (3, "Rome")]));
    /// let joined = people.join(&cities, |person| person.1, |city| city.0);
    /// assert_eq!(client.compute(&joined.map(|(person, city)| (person.0, city.1))).wait()?, [("Ann", "Oslo"), ("Cid", "Oslo")]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn join<U, K, F, G>(&self, other: &Bag<U>, key: F, other_key: G) -> Bag<(T, U)>
    where
        U: Clone + Send + Sync + 'static,
        K: Hash + Eq + Clone + Send + Sync + 'static,
        F: Fn(&T) -> K + Send + Sync + 'static,
        G: Fn(&U) -> K + Send + Sync + 'static,
    {
        let count = self.partition_count().max(other.partition_count());
        joined(&self.split::<_, JoinBy, _>(key, count), &other.split::<_, JoinBy, _>(other_key, count), count)
    }

    /// As [`join`](Self::join), by functions as [`group_by_task`](Self::group_by_task) takes them, of which what is said there
    /// holds.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol, task};
    ///
    /// type Person = (String, u32);
    ///
    /// #[task]
    /// fn lives_in((_, city): Person) -> u32 {
    ///     city
    /// }
    ///
    /// #[task]
    /// fn number_of((number, _): (u32, String)) -> u32 {
    ///     number
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let people = bag([("Ann", 1), ("Bob", 2), ("Cid", 1)].map(|(name, city)| (name.to_owned(), city)));
    /// let cities = bag([(1, "Oslo".to_owned()), (3, "Rome".to_owned())]);
    /// let joined = client.compute(&people.join_task(&cities, lives_in, number_of)).wait()?;
    /// let names: Vec<_> = joined.iter().map(|(person, city)| (&*person.0, &*city.1)).collect();
    /// assert_eq!(names, [("Ann", "Oslo"), ("Cid", "Oslo")]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn join_task<U, K, F, G>(&self, other: &Bag<U>, key: F, other_key: G) -> Bag<(T, U)>
    where
        U: Clone + Send + Sync + 'static,
        K: Hash + Eq + Clone + Send + Sync + 'static,
        F: TaskFn<(T,), Output = K> + Clone + Sync,
        G: TaskFn<(U,), Output = K> + Clone + Sync,
    {
        let count = self.partition_count().max(other.partition_count());
        joined(&self.split_task(key, count), &other.split_task(other_key, count), count)
    }

    /// Each item once, of those that are equal the first. Their order is that of the partitions that they come to, which
    /// their hashes decide.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let mut distinct = client.compute(&bag([1, 2, 1, 3, 2]).distinct()).wait()?;
    /// distinct.sort();
    /// assert_eq!(distinct, [1, 2, 3]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn distinct(&self) -> Self
    where
        T: Hash + Eq,
    {
        let counts = self.counts();
        Self::from_partitions((0..counts.len()).map(|place| delayed(Distinct { place }, &counts)))
    }

    /// How often each item is there. The order is as that of [`distinct`](Self::distinct).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let mut counts = client.compute(&bag("a b a".split(' ')).frequencies()).wait()?;
    /// counts.sort();
    /// assert_eq!(counts, [("a", 2), ("b", 1)]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn frequencies(&self) -> Bag<(T, usize)>
    where
        T: Hash + Eq,
    {
        let counts = self.counts();
        let sums = (0..counts.len()).map(|place| delayed(Frequencies { place }, &counts));
        Bag::from_partitions(sums).read_by(Read::pairs())
    }

    /// The distinct items of each partition, with how often they are there, by their places.
    fn counts(&self) -> Vec<Delayed<Buckets<T, usize>>>
    where
        T: Hash + Eq,
    {
        let places = self.partition_count();
        self.partitions().iter().map(|partition| delayed(Counts { places }, partition)).collect()
    }

    /// The items of each partition by the places of their keys, which a closure tells.
    fn split<K, Kind, F>(&self, key: F, places: usize) -> Vec<Delayed<Buckets<K, T>>>
    where
        K: Hash + Clone + Send + Sync + 'static,
        F: Fn(&T) -> K + Send + Sync + 'static,
        Kind: Elementwise<(F, usize), T, Item = Vec<(K, T)>>,
    {
        self.each::<_, Kind, Vec<(K, T)>>((key, places)).partitions().to_vec()
    }

    /// The same where a task tells them.
    fn split_task<K, F>(&self, key: F, places: usize) -> Vec<Delayed<Buckets<K, T>>>
    where
        K: Hash + Clone + Send + Sync + 'static,
        F: TaskFn<(T,), Output = K> + Clone + Sync,
    {
        let split = |partition| delayed(Split { places }, (partition, delayed(EachItem(key.clone()), partition)));
        self.partitions().iter().map(split).collect()
    }
}

/// The groups of all places.
fn grouped<K, T>(sent: &[Delayed<Buckets<K, T>>]) -> Bag<(K, Vec<T>)>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    Bag::from_partitions((0..sent.len()).map(|place| delayed(Group { place }, sent))).read_by(Read::groups())
}

/// The pairs of all places.
fn joined<K, T, U>(left: &[Delayed<Buckets<K, T>>], right: &[Delayed<Buckets<K, U>>], count: usize) -> Bag<(T, U)>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    U: Clone + Send + Sync + 'static,
{
    Bag::from_partitions((0..count).map(|place| delayed(Join { place }, (left, right)))).read_by(Read::pairs())
}

fn split_by<K: Hash, T>(key: impl Fn(&T) -> K, places: usize, items: Vec<T>) -> Buckets<K, T> {
    split_pairs(items.into_iter().map(|item| (key(&item), item)), places)
}

/// Of a closure and the number of places.
struct GroupBy;

impl<K, T, F> Elementwise<(F, usize), T> for GroupBy
where
    K: Hash + Send + Sync + 'static,
    T: Send + Sync + 'static,
    F: Fn(&T) -> K,
{
    type Item = Vec<(K, T)>;

    const NAME: &'static str = "group_by-split";
    const FIX: &'static str = "give `Bag::group_by_task` a `#[task]` that takes an item and returns its key";

    fn run((key, places): &(F, usize), items: Vec<T>) -> Result<Buckets<K, T>, Failure> {
        Ok(split_by(key, *places, items))
    }
}

/// The same, under another name.
struct JoinBy;

impl<K, T, F> Elementwise<(F, usize), T> for JoinBy
where
    K: Hash + Send + Sync + 'static,
    T: Send + Sync + 'static,
    F: Fn(&T) -> K,
{
    type Item = Vec<(K, T)>;

    const NAME: &'static str = "join-split";
    const FIX: &'static str = "give `Bag::join_task` two `#[task]`s that take an item and return its key";

    fn run((key, places): &(F, usize), items: Vec<T>) -> Result<Buckets<K, T>, Failure> {
        Ok(split_by(key, *places, items))
    }
}
