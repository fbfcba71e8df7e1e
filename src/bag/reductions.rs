//! What many items come to.

use std::sync::Arc;

use crate::Bag;
use crate::bag::concat::ToVec;
use crate::graph::{Delayed, Hints, delayed, delayed_with};

/// How many partial results are combined by one task: Dask's `split_every`. With 8, a thousand partitions are four levels, and
/// a task of the tree has enough to do to be worth it.
const SPLIT_EVERY: usize = 8;

impl<T: Clone + Send + Sync + 'static> Bag<T> {
    /// Folds the items of each partition, beginning with `initial`, and then combines what comes of the partitions, in a
    /// tree and in their order. An empty bag gives `initial`.
    ///
    /// As with every parallel fold, `initial` must change nothing when it is combined, since each partition begins
    /// with it; and `combine` must not care how it is put in brackets.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let longest = bag(["a", "three", "be"]).fold(0, |longest, word| longest.max(word.len()), usize::max);
    /// assert_eq!(client.compute(longest).wait()?, 5);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn fold<A, F, C>(&self, initial: A, fold: F, combine: C) -> Delayed<A>
    where
        A: Clone + Send + Sync + 'static,
        F: Fn(A, T) -> A + Send + Sync + 'static,
        C: Fn(A, A) -> A + Send + Sync + 'static,
    {
        let (fold, empty) = (Arc::new(fold), initial.clone());
        let fold = move |items: Vec<T>, initial: A| items.into_iter().fold(initial, &*fold);
        let partials = self
            .partitions()
            .iter()
            .map(|partition| delayed_with(Hints::new().name("fold"), fold.clone(), (partition, initial.clone())));
        tree("fold-combine", partials.collect(), empty, combine)
    }

    /// Reduces all items to one by a function of two, in a tree and in their order; `None` of an empty bag. The function must
    /// not care how it is put in brackets.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(bag([3, 9, 4]).reduce(i64::max)).wait()?, Some(9));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn reduce<F>(&self, function: F) -> Delayed<Option<T>>
    where
        F: Fn(T, T) -> T + Send + Sync + 'static,
    {
        let function = Arc::new(function);
        let of_partition = {
            let function = Arc::clone(&function);
            move |items: Vec<T>| items.into_iter().reduce(&*function)
        };
        let partials = self
            .partitions()
            .iter()
            .map(|partition| delayed_with(Hints::new().name("reduce"), of_partition.clone(), partition));
        let combine = move |a: Option<T>, b: Option<T>| match (a, b) {
            (Some(a), Some(b)) => Some(function(a, b)),
            (a, b) => a.or(b),
        };
        tree("reduce-combine", partials.collect(), None, combine)
    }

    /// How many items there are.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(bag(0..100).filter(|x| x % 7 == 0).count()).wait()?, 15);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn count(&self) -> Delayed<usize> {
        let of_partition = |items: Arc<Vec<T>>| items.len();
        let counts = self
            .partitions()
            .iter()
            .map(|partition| delayed_with(Hints::new().name("count").nbytes(8), of_partition, partition));
        tree("count-combine", counts.collect(), 0, |a, b| a + b)
    }

    /// The first `count` items; fewer if there are fewer.
    ///
    /// How many a partition has is known when it has run, so all of them run.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.compute(bag(0..100).filter(|x| x % 7 == 0).take(3)).wait()?, [0, 7, 14]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn take(&self, count: usize) -> Delayed<Vec<T>> {
        let of_partition = move |items: Arc<Vec<T>>| items.iter().take(count).cloned().collect::<Vec<T>>();
        let firsts =
            self.partitions().iter().map(|partition| delayed_with(Hints::new().name("take"), of_partition, partition));
        let combine = move |mut a: Vec<T>, b: Vec<T>| {
            let missing = count - a.len().min(count);
            a.extend(b.into_iter().take(missing));
            a
        };
        tree("take-combine", firsts.collect(), Vec::new(), combine)
    }

    /// All items as one lazy vector: what computing the bag gives.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, delayed, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let median = delayed(|mut all: Vec<i64>| all.select_nth_unstable(1).1.to_owned(), bag([5, 1, 3]).to_vec());
    /// assert_eq!(client.compute(median).wait()?, 3);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn to_vec(&self) -> Delayed<Vec<T>> {
        delayed(ToVec, self.partitions())
    }
}

/// Combines partial results in their order, some at a time.
fn tree<A, C>(name: &'static str, mut level: Vec<Delayed<A>>, empty: A, combine: C) -> Delayed<A>
where
    A: Clone + Send + Sync + 'static,
    C: Fn(A, A) -> A + Send + Sync + 'static,
{
    let combine = Arc::new(combine);
    let combine = move |some: Vec<A>, empty: A| some.into_iter().reduce(&*combine).unwrap_or(empty);
    let hints = || Hints::new().name(name);
    while level.len() > SPLIT_EVERY {
        let some = |some: &[Delayed<A>]| delayed_with(hints(), combine.clone(), (some, empty.clone()));
        level = level.chunks(SPLIT_EVERY).map(some).collect();
    }
    match &level[..] {
        [one] => one.clone(),
        _ => delayed_with(hints(), combine, (level, empty)),
    }
}
