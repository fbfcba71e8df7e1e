//! What subjects are asked to do.

use crate::measure::Figures;

/// Threads of every subject. As many as the machine on which the goals were set has cores.
pub(crate) const THREADS: usize = 2;

/// The width of the stencil.
pub(crate) const STENCIL_WIDTH: usize = 100;

/// How long a busy task computes.
pub(crate) const BUSY_NANOSECONDS: u64 = 10_000;

/// Chunks of an array that is cut along one axis.
pub(crate) const ARRAY_CHUNKS: usize = 10;

/// Chunks along each axis of a square array that is multiplied.
pub(crate) const PRODUCT_CHUNKS: usize = 4;

/// Chunks along each axis of a square array.
pub(crate) const SQUARE_CHUNKS: usize = 8;

/// One kind of work, of a size `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// `n` tasks that do nothing, submitted one by one, and all of their results.
    Independent,
    /// The same with whatever the subject has for many tasks at once.
    Map,
    /// `n` tasks, each with the result of the one before.
    Chain,
    /// The sum of `n` leaves by tasks that add two.
    Tree,
    /// `n` cells in rows of [`STENCIL_WIDTH`], each with the results of three in the row before.
    Stencil,
    /// One task with the results of `n`.
    FanIn,
    /// `n` tasks with the result of one.
    FanOut,
    /// `n` results in the order in which they come.
    AsCompleted,
    /// `n` tasks that compute for [`BUSY_NANOSECONDS`].
    Busy,
    /// `n` times one task and its result, at once after the one before.
    LatencyHot,
    /// `n` times one task and its result, after a while in which nothing happened.
    LatencyCold,
    /// `n` tasks that are queued, because every thread is occupied.
    Queued,
    /// `n` queued tasks, cancelled.
    Cancel,
    /// `n` times a task that is cancelled as soon as it has been submitted.
    SubmitAndCancel,
    /// A chain of `n` tasks that is complete before its first task has run: built, run, dropped.
    DeepChain,
    /// `n` asynchronous tasks that are asleep at once, and are then woken.
    Asleep,
    /// A task of high priority behind `n` of low priority.
    Priority,
    /// The mean of `n` times `n` random numbers, in 10 chunks of columns.
    ArrayMean,
    /// The same of `10 n` rows.
    ArrayMeanTall,
    /// A random square array and its transpose, added, and the sums of their columns: `n` times `n` in 8 times 8 chunks.
    ArrayTransposed,
    /// `40 n` times `n` random numbers in 10 chunks of rows, less their column's mean and divided by its deviation.
    ArrayStandardised,
    /// A random square array times itself: `n` times `n` in 4 times 4 chunks.
    ArrayProduct,
    /// Reductions of `n` chunks of 64 MiB, most of which are never there: what is held.
    ArrayHeld,
    /// `n` tasks on a cluster that do nothing.
    ClusterTasks,
    /// `n` times one task on a cluster, and its result.
    ClusterLatency,
    /// The same after a while in which nothing happened.
    ClusterLatencyCold,
    /// `n` bytes from one worker of a cluster to another.
    ClusterTransfer,
    /// A result of `n` bytes from a cluster to its client.
    ClusterGather,
}

impl Work {
    /// How many tasks there are for the size `n`: what a figure per task is divided by.
    pub(crate) fn tasks(self, n: usize) -> usize {
        match self {
            Self::Tree => 2 * n - 1,
            _ => n,
        }
    }
}

/// How a subject does a work of a size.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// The harness takes the time of the whole, after a run that warms up.
    Timed(fn(usize)),
    /// It takes its figures by itself, in one run.
    Told(fn(usize) -> Figures),
}

impl Work {
    /// Whether it is one of arrays, for which other subjects are there.
    pub(crate) fn is_array(self) -> bool {
        matches!(
            self,
            Self::ArrayMean
                | Self::ArrayMeanTall
                | Self::ArrayTransposed
                | Self::ArrayStandardised
                | Self::ArrayProduct
                | Self::ArrayHeld
        )
    }
}

/// Computes until [`BUSY_NANOSECONDS`] are over.
pub(crate) fn compute() {
    let begun = std::time::Instant::now();
    while begun.elapsed().as_nanos() < u128::from(BUSY_NANOSECONDS) {
        std::hint::spin_loop();
    }
}
