//! Gathering: the values of many futures, in the shape that they are given in.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Error;
use crate::client::countdown::{Countdown, PART_TASKS, Part, Until};
use crate::client::operation::Wait;
use crate::client::shape::{Leaves, Run, Shape};
use crate::client::{Client, Operation};
use crate::runtime::Runtime;
use crate::task::{AnyFuture, Awaited, Ends, Entry, Outcome, TaskFuture, Watch, Watcher};

/// What can be gathered: a [`Shape`], or a reference to one.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let x = client.submit(|| 1, ());
/// let nested = (&x, vec![(&x, [x.clone()])]);
/// assert_eq!(client.gather(nested).wait()?, (1, vec![(1, [1])]));
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be gathered",
    note = "gather a `TaskFuture`, or vectors, slices, arrays, tuples (of up to 8) and maps of them, also nested, whose \
            values are `Clone`; for others await `future.shared()`"
)]
pub trait Gather {
    /// The same arrangement with handles of its own.
    type Shape: Shape;

    /// Takes handles of its own.
    #[doc(hidden)]
    fn into_shape(self) -> Self::Shape;
}

impl<T: Clone + Send + Sync + 'static> Gather for TaskFuture<T> {
    type Shape = Self;

    fn into_shape(self) -> Self {
        self
    }
}

impl<T: Clone + Send + Sync + 'static> Gather for &TaskFuture<T> {
    type Shape = TaskFuture<T>;

    fn into_shape(self) -> TaskFuture<T> {
        self.clone()
    }
}

macro_rules! sequences {
    ($([$($generics:tt)*] $sequence:ty, $item:ty;)*) => {$(
        impl<$($generics)*> Gather for $sequence
        where
            $item: Gather,
        {
            type Shape = Vec<<$item as Gather>::Shape>;

            fn into_shape(self) -> Self::Shape {
                self.into_iter().map(Gather::into_shape).collect()
            }
        }
    )*};
}

sequences! {
    [G] Vec<G>, G;
    ['a, G] &'a Vec<G>, &'a G;
    ['a, G] &'a [G], &'a G;
}

impl<G: Gather, const N: usize> Gather for [G; N] {
    type Shape = [G::Shape; N];

    fn into_shape(self) -> Self::Shape {
        self.map(Gather::into_shape)
    }
}

impl<'a, G, const N: usize> Gather for &'a [G; N]
where
    &'a G: Gather,
{
    type Shape = [<&'a G as Gather>::Shape; N];

    fn into_shape(self) -> Self::Shape {
        self.each_ref().map(Gather::into_shape)
    }
}

macro_rules! maps {
    ($($map:ident [$($bounds:tt)*];)*) => {$(
        impl<K: $($bounds)* + Send + Unpin + 'static, G: Gather> Gather for $map<K, G> {
            type Shape = $map<K, G::Shape>;

            fn into_shape(self) -> Self::Shape {
                self.into_iter().map(|(key, value)| (key, value.into_shape())).collect()
            }
        }

        impl<'a, K: $($bounds)* + Clone + Send + Unpin + 'static, G> Gather for &'a $map<K, G>
        where
            &'a G: Gather,
        {
            type Shape = $map<K, <&'a G as Gather>::Shape>;

            fn into_shape(self) -> Self::Shape {
                self.iter().map(|(key, value)| (key.clone(), value.into_shape())).collect()
            }
        }
    )*};
}

maps! {
    BTreeMap [Ord];
    HashMap [Hash + Eq];
}

macro_rules! tuples {
    ($($part:ident)*) => {
        impl<$($part: Gather),*> Gather for ($($part,)*) {
            type Shape = ($($part::Shape,)*);

            #[allow(non_snake_case, clippy::unused_unit)]
            fn into_shape(self) -> Self::Shape {
                let ($($part,)*) = self;
                ($($part.into_shape(),)*)
            }
        }
    };
}

macro_rules! tuple_references {
    ($($part:ident)+) => {
        impl<'a, $($part),+> Gather for &'a ($($part,)+)
        where
            $(&'a $part: Gather,)+
        {
            type Shape = ($(<&'a $part as Gather>::Shape,)+);

            #[allow(non_snake_case)]
            fn into_shape(self) -> Self::Shape {
                let ($($part,)+) = self;
                ($($part.into_shape(),)+)
            }
        }
    };
}

tuples!();
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);

tuple_references!(A);
tuple_references!(A B);
tuple_references!(A B C);
tuple_references!(A B C D);
tuple_references!(A B C D E);
tuple_references!(A B C D E F);
tuple_references!(A B C D E F G);
tuple_references!(A B C D E F G H);

impl<R: Runtime> Client<R> {
    /// Waits for futures and gives their values in the same arrangement: of a future its value, of a vector or slice a
    /// vector, of an array, a tuple or a map the same with values; also nested.
    ///
    /// References leave the futures to the caller and clone the values; futures that are given away have their values
    /// moved out where they are the last handles. The whole costs one wake-up, however many futures there are.
    ///
    /// # Errors
    ///
    /// As soon as one fails, with its error, without waiting for the rest. (In a task that calls `.wait()`, what has not
    /// begun runs on the task's own thread first, one after the other, until one fails.) [`Error::ForeignFuture`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::collections::BTreeMap;
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = client.submit(|x: i64| x + 1, 10);
    /// let many = client.map(|x: i64| x * x, 0..3);
    /// assert_eq!(client.gather(&x).wait()?, 11);
    /// assert_eq!(client.gather(&many).wait()?, [0, 1, 4]);
    /// assert_eq!(client.gather((&x, [&x, &x], &many)).wait()?, (11, [11, 11], vec![0, 1, 4]));
    /// assert_eq!(client.gather(BTreeMap::from([("x", x)])).wait()?, BTreeMap::from([("x", 11)]));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn gather<G: Gather>(&self, futures: G) -> Operation<<G::Shape as Shape>::Output> {
        self.gathering("gather", futures.into_shape(), (Awaited::Value, Until::AllFinished), Shape::output)
    }

    /// Waits for all futures and gives the values that there are, leaving out what failed: from sequences and maps; in a
    /// tuple the place of a future that failed is `None`.
    ///
    /// # Errors
    ///
    /// Of a single future, not in a collection, its own: there is nothing to leave it out of. [`Error::ForeignFuture`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, fallible, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let parse = fallible(|text: String| text.parse::<i64>());
    /// let parsed = client.map(parse, ["1", "two", "3"].map(String::from));
    /// assert_eq!(client.gather_ok(&parsed).wait()?, [1, 3]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn gather_ok<G: Gather>(&self, futures: G) -> Operation<<G::Shape as Shape>::Ok> {
        self.gathering("gather_ok", futures.into_shape(), (Awaited::Value, Until::AllEnded), Shape::ok)
    }

    /// Waits for all futures and gives a `Result` in the place of each.
    ///
    /// # Errors
    ///
    /// None of the tasks' as a whole; [`Error::ForeignFuture`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, fallible, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let parse = fallible(|text: String| text.parse::<i64>());
    /// let parsed = client.map(parse, ["1", "two"].map(String::from));
    /// let results = client.gather_results(&parsed).wait()?;
    /// assert!(matches!(results[..], [Ok(1), Err(_)]));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn gather_results<G: Gather>(&self, futures: G) -> Operation<<G::Shape as Shape>::Results> {
        let until = (Awaited::Value, Until::AllEnded);
        self.gathering("gather_results", futures.into_shape(), until, |shape| Ok(shape.results()))
    }

    pub(crate) fn gathering<S: Leaves, T: 'static>(
        &self,
        name: &'static str,
        shape: S,
        (awaited, until): (Awaited, Until),
        collect: fn(S) -> Result<T, Error>,
    ) -> Operation<T> {
        let scheduler_id = self.state().id();
        let gathering = Gathering { shape: Some(shape), countdown: None, awaited, until, scheduler_id, collect };
        self.operation(name, gathering)
    }
}

/// The future of many futures.
struct Gathering<S, T> {
    shape: Option<S>,
    /// There once it has been polled.
    countdown: Option<Arc<Countdown>>,
    awaited: Awaited,
    until: Until,
    scheduler_id: usize,
    collect: fn(S) -> Result<T, Error>,
}

impl<S: Leaves, T> Gathering<S, T> {
    /// Has the countdown hear of every future that has not ended.
    fn begin(&self, shape: &S) -> Result<Arc<Countdown>, Error> {
        let countdown = Arc::new(Countdown::new(self.until));
        let mut foreign = None;
        let (mut part, mut count) = (countdown.part(), 0);
        shape.visit_runs(&mut |run| {
            if foreign.is_some() || countdown.is_done() {
                return;
            }
            let entry = run.first();
            if entry.scheduler_id() != self.scheduler_id {
                foreign = Some(Error::ForeignFuture { key: entry.key() });
                return;
            }
            if count == PART_TASKS {
                count = 0;
                std::mem::replace(&mut part, countdown.part()).end_one();
            }
            count += 1;
            part.add();
            if let Some(outcome) = self.watch(run, &part) {
                part.count(&outcome);
            }
        });
        part.end_one();
        countdown.end_one();
        foreign.map_or(Ok(countdown), Err)
    }

    /// Has the part hear of the end of a run, or says how it has ended already.
    fn watch(&self, run: Run<'_>, part: &Arc<Part>) -> Option<Outcome> {
        let watch = Arc::clone(part) as Arc<dyn Watch>;
        match run {
            Run::One(entry) => self.awaited.watch(entry, Watcher::Object(watch, 0)).err(),
            Run::Items(items, run) => {
                let ends = items.watch(run, watch, self.until.enough());
                ends.are_enough(self.until.enough()).then(|| ends.failure.map_or(Ok(()), Err))
            }
        }
    }
}

impl<S: Leaves, T> Future for Gathering<S, T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(shape) = &this.shape else { return Poll::Pending };
        let failure = loop {
            let countdown = match &this.countdown {
                Some(countdown) => countdown,
                None => match this.begin(shape) {
                    Ok(countdown) => this.countdown.insert(countdown),
                    Err(error) => return Poll::Ready(Err(error)),
                },
            };
            if countdown.poll(cx).is_pending() {
                return Poll::Pending;
            }
            let ends = ends_of(shape, this.awaited);
            if ends.are_enough(this.until.enough()) {
                break ends.failure.filter(|_| this.until == Until::AllFinished);
            }
            // One that was counted has been retried since: it ends once more.
            this.countdown = None;
        };
        let shape = this.shape.take();
        match (failure, shape) {
            (Some(error), _) => Poll::Ready(Err(error)),
            (None, Some(shape)) => Poll::Ready((this.collect)(shape)),
            (None, None) => Poll::Pending,
        }
    }
}

/// How the tasks of a gathering have ended.
fn ends_of(shape: &impl Leaves, awaited: Awaited) -> Ends {
    let mut ends = Ends::default();
    shape.visit_runs(&mut |run| match run {
        Run::One(entry) => ends.count(awaited.outcome(entry)),
        Run::Items(items, run) => ends.add(items.ends(run)),
    });
    ends
}

impl<S: Leaves, T> Wait<T> for Gathering<S, T> {
    fn waits_for(&self) -> Vec<Arc<dyn Entry>> {
        let mut entries = Vec::new();
        // Any one that ends is enough for the others.
        if self.until.needs_all()
            && let Some(shape) = &self.shape
        {
            shape.visit(&mut |leaf| {
                if leaf.entry().outcome().is_none() {
                    entries.push(leaf.shared_entry());
                }
            });
        }
        entries
    }

    fn help(&self) {
        // Only what is needed for certain: another could run for as long as the waiter does not tell it to stop.
        if !matches!(self.until, Until::AllFinished | Until::AllEnded) {
            return;
        }
        let Some(shape) = &self.shape else { return };
        let has_failed = |leaf: &dyn AnyFuture| matches!(leaf.entry().outcome(), Some(Err(_)));
        let mut is_over = false;
        shape.visit(&mut |leaf| is_over |= self.until == Until::AllFinished && has_failed(leaf));
        shape.visit(&mut |leaf| {
            if !is_over && leaf.entry().outcome().is_none() {
                leaf.shared_entry().help();
                is_over = self.until == Until::AllFinished && has_failed(leaf);
            }
        });
    }
}

impl<S, T> Drop for Gathering<S, T> {
    fn drop(&mut self) {
        if let Some(countdown) = &self.countdown {
            countdown.abandon();
        }
    }
}
