//! What many items come to.

use std::slice;
use std::sync::Arc;

#[cfg(feature = "dask")]
use crate::Error;
use crate::bag::concat::ToVec;
use crate::graph::{Delayed, Hints, delayed, delayed_with};
#[cfg(feature = "dask")]
use crate::task::portable::vectors::{VectorCall, export_vectors, known};
#[cfg(feature = "dask")]
use crate::task::portable::{Codec, Export, Parts, TypeOf};
use crate::task::{Call, Folded, TaskFn};
use crate::{Bag, task};

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
        let (fold, combine) = (Arc::new(fold), Arc::new(combine));
        let fold = move |items: Vec<T>, initial: A| items.into_iter().fold(initial, &*fold);
        let fold = OnlyHere { function: fold, name: "fold", fix: FOLD_FIX };
        let partials = self
            .partitions()
            .iter()
            .map(|partition| delayed_with(Hints::new().name("fold"), fold.clone(), (partition, initial.clone())));
        let combine = move |some: Vec<A>, empty: A| some.into_iter().reduce(&*combine).unwrap_or(empty);
        let combine = OnlyHere { function: combine, name: "fold-combine", fix: FOLD_FIX };
        tree(partials.collect(), |some| {
            delayed_with(Hints::new().name("fold-combine"), combine.clone(), (some, initial.clone()))
        })
    }

    /// As [`fold`](Self::fold), by functions as [`submit`](crate::Client::submit) takes them: also registered tasks, which can
    /// run on a Dask cluster as well. The first failure is that of the whole.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, bag, runtime::Smol, task};
    ///
    /// #[task]
    /// fn longer(length: usize, word: String) -> usize {
    ///     length.max(word.len())
    /// }
    ///
    /// #[task]
    /// fn larger(one: usize, other: usize) -> usize {
    ///     one.max(other)
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let words = bag(["a", "three", "be"].map(str::to_owned));
    /// assert_eq!(client.compute(words.fold_task(0, longer, larger)).wait()?, 5);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn fold_task<A, F, C>(&self, initial: A, fold: F, combine: C) -> Delayed<A>
    where
        A: Clone + Send + Sync + 'static,
        F: TaskFn<(A, T), Output = A> + Clone + Sync,
        C: TaskFn<(A, A), Output = A> + Clone + Sync,
    {
        if self.partition_count() == 0 {
            return delayed::<_, _, (A, Vec<T>)>(Folded(fold), (initial, Vec::<T>::new()));
        }
        let of_partition = |partition| delayed(Folded(fold.clone()), (initial.clone(), partition));
        tree(self.partitions().iter().map(of_partition).collect(), |some| {
            delayed(Folded(combine.clone()), (&some[0], &some[1..]))
        })
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
        let of_partition = OnlyHere { function: of_partition, name: "reduce", fix: FOLD_FIX };
        let partials = self
            .partitions()
            .iter()
            .map(|partition| delayed_with(Hints::new().name("reduce"), of_partition.clone(), partition));
        let combine = move |some: Vec<Option<T>>| some.into_iter().flatten().reduce(&*function);
        let combine = OnlyHere { function: combine, name: "reduce-combine", fix: FOLD_FIX };
        tree(partials.collect(), |some| delayed_with(Hints::new().name("reduce-combine"), combine.clone(), some))
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
        let hints = || Hints::new().nbytes(8);
        let counts = self.partitions().iter().map(|partition| delayed_with(hints(), Count, partition));
        tree(counts.collect(), |some| delayed_with(hints().name("count-combine"), sum_counts, some))
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
        let firsts = self.partitions().iter().map(|partition| delayed(Take { count }, slice::from_ref(partition)));
        tree(firsts.collect(), |some| delayed_with(Hints::new().name("take-combine"), Take { count }, some))
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
        delayed(ToVec { read: self.read() }, self.partitions())
    }
}

/// Combines partial results in their order, some at a time. Of none something has to come, too.
fn tree<A>(mut level: Vec<Delayed<A>>, combine: impl Fn(&[Delayed<A>]) -> Delayed<A>) -> Delayed<A> {
    while level.len() > SPLIT_EVERY {
        level = level.chunks(SPLIT_EVERY).map(&combine).collect();
    }
    match &level[..] {
        [one] => one.clone(),
        some => combine(some),
    }
}

/// A closure that no cluster can call.
#[derive(Clone)]
struct OnlyHere<F> {
    function: F,
    #[cfg_attr(not(feature = "dask"), expect(dead_code))]
    name: &'static str,
    /// What does the same on a cluster.
    #[cfg_attr(not(feature = "dask"), expect(dead_code))]
    fix: &'static str,
}

const FOLD_FIX: &str = "give `Bag::fold_task` two `#[task]`s, of a value and an item and of two values";

impl<F: TaskFn<Args>, Args> TaskFn<Args> for OnlyHere<F> {
    type Output = F::Output;

    fn call(&self, args: Args) -> Call<F::Output> {
        self.function.call(args)
    }

    fn name() -> &'static str {
        F::name()
    }

    #[cfg(feature = "dask")]
    fn export(&self, _: Parts<'_>) -> Result<Export<F::Output>, Error> {
        Err(Error::NotPortable { task: self.name.into(), fix: self.fix.into() })
    }
}

/// How many items a partition has.
#[derive(Clone, Copy)]
struct Count;

impl<T: Send + Sync + 'static> TaskFn<(Arc<Vec<T>>,)> for Count {
    type Output = usize;

    fn call(&self, (items,): (Arc<Vec<T>>,)) -> Call<usize> {
        Call::Returned(Ok(items.len()))
    }

    fn name() -> &'static str {
        "count"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<usize>, Error> {
        let (codec, of) = (Codec::<usize>::plain(), TypeOf { task: sum_counts::name(), parameter: None });
        Ok(export_vectors(VectorCall::Count, parts, Some(of), codec.input_decoder()))
    }
}

#[task]
fn sum_counts(counts: Vec<usize>) -> usize {
    counts.into_iter().fold(0, usize::saturating_add)
}

/// The first so many of all items.
#[derive(Clone, Copy)]
struct Take {
    count: usize,
}

impl<T: Clone + Send + Sync + 'static> TaskFn<(Vec<Arc<Vec<T>>>,)> for Take {
    type Output = Vec<T>;

    fn call(&self, (partitions,): (Vec<Arc<Vec<T>>>,)) -> Call<Vec<T>> {
        let mut first = Vec::new();
        for partition in partitions {
            let missing = self.count - first.len();
            match Arc::try_unwrap(partition) {
                Ok(items) => first.extend(items.into_iter().take(missing)),
                Err(shared) => first.extend(shared.iter().take(missing).cloned()),
            }
        }
        Call::Returned(Ok(first))
    }

    fn name() -> &'static str {
        "take"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<T>>, Error> {
        let (codec, of) = known::<T>("take")?;
        let call = VectorCall::Take { of: of.into(), count: self.count };
        Ok(export_vectors(call, parts, Some(of), codec.input_decoder()))
    }
}
