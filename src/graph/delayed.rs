use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use crate::graph::argument::{Edges, IntoInputs};
use crate::graph::node::{CallNode, FutureNode};
use crate::graph::{Graph, Hints, Lazy};
use crate::task::{TaskFn, TaskFuture};

/// A call that is made when somebody computes it: a node of a graph that gives a `T`, and all that it takes from.
///
/// It is made by [`delayed`], and computed by [`Client::compute`](crate::Client::compute). `Clone` gives another handle of
/// the same node. Since a node is made of nodes that are there already, a graph has no cycles.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, Delayed, TaskFuture, delayed, runtime::Smol, task};
///
/// #[task]
/// fn inc(x: i64) -> i64 {
///     x + 1
/// }
///
/// fn add(x: i64, y: i64) -> i64 {
///     x + y
/// }
///
/// let z: Delayed<i64> = delayed(add, (&delayed(inc, 1), 2));
/// let client = Client::<Smol>::local().wait()?;
/// let f: TaskFuture<i64> = client.compute(&z);
/// assert_eq!(f.wait()?, 4);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[must_use = "a lazy call does nothing until it is computed"]
pub struct Delayed<T> {
    lazy: Lazy,
    output: PhantomData<fn() -> T>,
}

/// Makes a lazy call, of the functions that [`submit`](crate::Client::submit) takes, with the arguments that it takes, and
/// lazy calls in the places of futures.
///
/// A lazy call can be computed more than once, and each time is a call of its own: so the function is `Sync`, and
/// values are `Clone` and `Sync`. They are cloned when the call is made; share what is big as an `Arc`, or
/// [`scatter`](crate::Client::scatter) it and give the future.
///
/// Nothing is said about clients here. A future that is given must be one of the client that computes, or what comes of it
/// fails with [`Error::ForeignFuture`](crate::Error::ForeignFuture).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, delayed, fallible, runtime::Smol};
///
/// let numbers: Vec<_> = ["1", "2", "3"].map(|text| delayed(fallible(|text: &str| text.parse::<i64>()), text)).into();
/// let sum = delayed(|numbers: Vec<i64>| numbers.iter().sum::<i64>(), &numbers);
/// let mean = delayed(|sum: i64, count: usize| sum as f64 / count as f64, (&sum, numbers.len()));
///
/// // What both need is run once.
/// let client = Client::<Smol>::local().wait()?;
/// let (sum, mean) = client.compute((&sum, &mean));
/// assert_eq!(client.gather((sum, mean)).wait()?, (6, 2.0));
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[track_caller]
pub fn delayed<F, A, Args>(function: F, args: A) -> Delayed<F::Output>
where
    F: TaskFn<Args> + Sync,
    A: IntoInputs<Args>,
    Args: 'static,
{
    delayed_with(Hints::new(), function, args)
}

/// As [`delayed`], with what its maker knows about the node.
///
/// # Examples
///
/// See [`Hints`].
#[track_caller]
pub fn delayed_with<F, A, Args>(hints: Hints, function: F, args: A) -> Delayed<F::Output>
where
    F: TaskFn<Args> + Sync,
    A: IntoInputs<Args>,
    Args: 'static,
{
    let mut edges = Edges::default();
    let templates = args.into_templates(&mut edges);
    Delayed::new(CallNode::lazy(Location::caller(), hints, function, templates, edges))
}

impl<T> Delayed<T> {
    /// Takes over a lazy call that gives a `T`.
    pub(crate) fn new(lazy: Lazy) -> Self {
        Self { lazy, output: PhantomData }
    }

    /// The node without its type.
    pub fn lazy(&self) -> &Lazy {
        &self.lazy
    }

    pub(crate) fn into_lazy(self) -> Lazy {
        self.lazy
    }

    /// What it is called: the name that it was given, or that of its function.
    pub fn name(&self) -> String {
        self.lazy.name()
    }
}

impl<T: Send + Sync + 'static> Delayed<T> {
    /// The graph as it is before it is optimised, to be looked at.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::delayed;
    ///
    /// let x = delayed(|| 1, ());
    /// let y = delayed(|x: i64, y: i64| x + y, (&x, &x));
    /// assert_eq!((y.graph().node_count(), y.graph().edge_count()), (2, 1));
    /// ```
    pub fn graph(&self) -> Graph {
        Graph::of(self)
    }
}

impl<T: Send + Sync + 'static> From<TaskFuture<T>> for Delayed<T> {
    /// A node that is there already: what [`Client::persist`](crate::Client::persist) gives.
    #[track_caller]
    fn from(future: TaskFuture<T>) -> Self {
        Self::new(FutureNode::lazy(future))
    }
}

impl<T> Clone for Delayed<T> {
    fn clone(&self) -> Self {
        Self::new(self.lazy.clone())
    }
}

impl<T> fmt::Debug for Delayed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Delayed").field(&self.lazy).finish()
    }
}
