//! What is done to a graph before it is submitted.

pub(crate) mod fuse;
pub(crate) mod merge;
pub(crate) mod order;
pub(crate) mod throttle;

/// Which optimisations are made. All of them by default; each can be left out. What becomes one task on the embedded engine stays
/// several on a Dask cluster, whose tasks are single functions.
///
/// | optimisation | what it does | Dask's |
/// |---|---|---|
/// | `cull` | leaves out the parts of collections that are not needed for what was asked for | `cull` |
/// | `fuse` | makes one task of a call and the only one that it waits for, if nobody else takes from that | `fuse` |
/// | `blockwise` | makes one task of the blockwise calls on one block | `optimize_blockwise` |
/// | `order` | submits tasks in an order in which few values are held at once | `dask.order` |
///
/// # Examples
///
/// ```
/// use anydask::{Graph, Optimize, delayed};
///
/// let x = delayed(|x: i64| x + 1, delayed(|| 1, ()));
/// assert_eq!(Graph::of(&x).optimized(Optimize::new()).node_count(), 1);
/// assert_eq!(Graph::of(&x).optimized(Optimize::new().fuse(false)).node_count(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until it is given to `compute_with` or `optimized`"]
pub struct Optimize {
    pub(crate) cull: bool,
    pub(crate) fuse: bool,
    pub(crate) blockwise: bool,
    pub(crate) order: bool,
}

impl Optimize {
    /// All.
    pub const fn new() -> Self {
        Self { cull: true, fuse: true, blockwise: true, order: true }
    }

    /// None: each node is a task, in the order in which they were made.
    pub const fn none() -> Self {
        Self { cull: false, fuse: false, blockwise: false, order: false }
    }

    /// Whether parts of collections that are not needed are left out. Otherwise they are run, and their values dropped.
    pub const fn cull(mut self, cull: bool) -> Self {
        self.cull = cull;
        self
    }

    /// Whether chains of calls become one task each.
    pub const fn fuse(mut self, fuse: bool) -> Self {
        self.fuse = fuse;
        self
    }

    /// Whether [blockwise](crate::graph::Hints::blockwise) calls on one block become one task.
    pub const fn blockwise(mut self, blockwise: bool) -> Self {
        self.blockwise = blockwise;
        self
    }

    /// Whether tasks are submitted in an order that keeps memory low.
    ///
    /// Several threads, and calls that take unequal times, make the true order another one: a thread for which there is
    /// nothing better to do begins with what is needed later. How far is bounded on the embedded engine, where one value was asked
    /// for and [`Hints::nbytes`](crate::graph::Hints::nbytes) says which values are large: calls that take little and give much
    /// wait until values before them have been let go of. Tasks with a
    /// [priority](crate::Options::priority) other than 0 begin strictly in this order among themselves, as they become ready.
    pub const fn order(mut self, order: bool) -> Self {
        self.order = order;
        self
    }
}

impl Default for Optimize {
    fn default() -> Self {
        Self::new()
    }
}
