//! What brings items together that belong together, wherever they are.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::Bag;
use crate::graph::{Delayed, Hints, delayed_with};

/// The items of a partition, by the partition that they go to.
type Buckets<T> = Vec<Vec<T>>;

/// Those of all partitions.
type Sent<T> = Vec<Arc<Buckets<T>>>;

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
        self.map(move |item| (key(&item), item)).shuffled("group_by", |pairs| grouped(pairs))
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
        let left = self.map(move |item| (key(&item), item)).split("join-split", count);
        let right = other.map(move |item| (other_key(&item), item)).split("join-split", count);
        let hints = || Hints::new().name("join");
        Bag::from_partitions((0..count).map(|place| delayed_with(hints(), joined::<K, T, U>, (&left, &right, place))))
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
        self.frequencies_as("distinct").map(|(item, _)| item)
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
        self.frequencies_as("frequencies")
    }

    fn frequencies_as(&self, name: &'static str) -> Bag<(T, usize)>
    where
        T: Hash + Eq,
    {
        // Counted where they are first, so that less is sent around.
        let counted = self.map_partitions(count_items::<T>);
        counted.shuffled(name, |pairs| counted_all(pairs))
    }
}

impl<K, V> Bag<(K, V)>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Brings pairs of equal keys into one partition, in their order, and makes items of each.
    fn shuffled<U>(&self, name: &'static str, make: fn(&mut dyn Iterator<Item = (K, V)>) -> Vec<U>) -> Bag<U>
    where
        U: Clone + Send + Sync + 'static,
    {
        let buckets = self.split(format!("{name}-split"), self.partition_count());
        let call = move |buckets: Sent<(K, V)>, place: usize| make(&mut of_bucket(&buckets, place));
        let partition = |place| delayed_with(Hints::new().name(name), call, (&buckets, place));
        Bag::from_partitions((0..self.partition_count()).map(partition))
    }

    /// Sorts each partition into buckets by the hashes of the keys.
    fn split(&self, name: impl Into<Arc<str>>, count: usize) -> Vec<Delayed<Buckets<(K, V)>>> {
        let split = move |pairs: Vec<(K, V)>| {
            let mut buckets = vec![Vec::new(); count];
            pairs.into_iter().for_each(|pair| buckets[bucket_of(&pair.0, count)].push(pair));
            buckets
        };
        let hints = Hints::new().name(name);
        self.partitions().iter().map(|partition| delayed_with(hints.clone(), split, partition)).collect()
    }
}

/// Not of a `RandomState`: the same keys come to the same place in each run.
fn bucket_of(key: &impl Hash, count: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    (hasher.finish() % count.max(1) as u64) as usize
}

/// What has come to one place, partition by partition.
fn of_bucket<T: Clone>(partitions: &[Arc<Buckets<T>>], place: usize) -> impl Iterator<Item = T> {
    partitions.iter().flat_map(move |buckets| buckets[place].iter().cloned())
}

/// The values of each key, the keys in the order in which they first come.
fn grouped<K: Hash + Eq + Clone, V>(pairs: &mut dyn Iterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let (mut groups, mut places) = (Vec::new(), HashMap::new());
    for (key, value) in pairs {
        let place = *places.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(value);
    }
    groups
}

/// The pairs of equal keys at one place, in the order of the left side.
fn joined<K, T, U>(left: Sent<(K, T)>, right: Sent<(K, U)>, place: usize) -> Vec<(T, U)>
where
    K: Hash + Eq + Clone,
    T: Clone,
    U: Clone,
{
    let mut by_key: HashMap<K, Vec<U>> = HashMap::new();
    of_bucket(&right, place).for_each(|(key, item)| by_key.entry(key).or_default().push(item));
    let mut pairs = Vec::new();
    for (key, item) in of_bucket(&left, place) {
        let others = by_key.get(&key).map(Vec::as_slice).unwrap_or_default();
        pairs.extend(others.iter().map(|other| (item.clone(), other.clone())));
    }
    pairs
}

/// The sums of the counts of equal items, in the order in which they first come.
fn counted<T: Hash + Eq + Clone>(pairs: impl Iterator<Item = (T, usize)>) -> Vec<(T, usize)> {
    let (mut counts, mut places) = (Vec::<(T, usize)>::new(), HashMap::<T, usize>::new());
    for (item, count) in pairs {
        match places.get(&item) {
            Some(place) => counts[*place].1 += count,
            None => {
                places.insert(item.clone(), counts.len());
                counts.push((item, count));
            }
        }
    }
    counts
}

/// How often each item of a partition is there.
fn count_items<T: Hash + Eq + Clone>(items: Vec<T>) -> Vec<(T, usize)> {
    counted(items.into_iter().map(|item| (item, 1)))
}

fn counted_all<T: Hash + Eq + Clone>(pairs: &mut dyn Iterator<Item = (T, usize)>) -> Vec<(T, usize)> {
    counted(pairs)
}
