//! Persisting: the same lazy things, over futures of what they are made of.

use crate::client::{Client, Counting, Progress};
use crate::graph::arrangement::arrangements;
use crate::graph::asked::{Asked, Computed};
use crate::graph::submit::submit;
use crate::graph::{Collection, Delayed, Optimize};
use crate::runtime::Runtime;
use crate::task::TaskFuture;

/// What can be persisted: what can be [computed](crate::graph::Compute).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be persisted",
    note = "persist a `Delayed`, a reference to a `Collection`, or vectors, slices, arrays, tuples (of up to 8) and \
            `BTreeMap`s of them, also nested"
)]
pub trait Persist {
    /// The same, over futures.
    type Persisted;

    /// Says what is wanted, in order.
    #[doc(hidden)]
    fn ask(&self, asked: &mut Asked);

    /// Takes the futures, in the same order.
    #[doc(hidden)]
    fn collect(self, computed: &mut Computed) -> Self::Persisted;
}

impl<C: Collection> Persist for &C {
    type Persisted = C;

    fn ask(&self, asked: &mut Asked) {
        self.parts().ask(asked);
    }

    fn collect(self, computed: &mut Computed) -> C {
        self.rebuild(self.parts().collect(computed))
    }
}

impl<T: Send + Sync + 'static> Persist for Delayed<T> {
    type Persisted = Self;

    fn ask(&self, asked: &mut Asked) {
        asked.want(self.into());
    }

    fn collect(self, computed: &mut Computed) -> Self {
        computed.next().into_future().into()
    }
}

impl<T> Persist for TaskFuture<T> {
    type Persisted = Self;

    fn ask(&self, _: &mut Asked) {}

    fn collect(self, _: &mut Computed) -> Self {
        self
    }
}

impl<T> Persist for &TaskFuture<T> {
    type Persisted = TaskFuture<T>;

    fn ask(&self, _: &mut Asked) {}

    fn collect(self, _: &mut Computed) -> TaskFuture<T> {
        self.clone()
    }
}

arrangements!(Persist, Persisted);

/// Persisting.
impl<R: Runtime> Client<R> {
    /// Submits what a lazy thing is made of and gives the same thing over the futures, at once: what is computed of it later
    /// begins with their values. Never waits.
    ///
    /// The values stay as long as the persisted thing, or something that was made of it, is held.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, delayed, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let loaded = delayed(|| vec![1.0, 2.0, 6.0], ());
    /// let kept = client.persist(&loaded);
    /// let sum = delayed(|x: Vec<f64>| x.iter().sum::<f64>(), &kept);
    /// let length = delayed(|x: Vec<f64>| x.len(), &kept);
    /// assert_eq!(client.gather(client.compute((sum, length))).wait()?, (9.0, 3));   // loaded once
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn persist<P: Persist>(&self, lazy: P) -> P::Persisted {
        self.persist_with(lazy, Optimize::new())
    }

    /// As [`persist`](Self::persist), with a choice of optimisations.
    pub fn persist_with<P: Persist>(&self, lazy: P, optimize: Optimize) -> P::Persisted {
        let mut asked = Asked::new(false);
        lazy.ask(&mut asked);
        lazy.collect(&mut submit(asked, optimize, &self.submitter(), None))
    }

    /// As [`persist`](Self::persist), with the counts of all tasks of the graph; see
    /// [`compute_with_progress`](Self::compute_with_progress).
    pub fn persist_with_progress<P: Persist>(&self, lazy: P) -> (P::Persisted, Progress) {
        let mut asked = Asked::new(false);
        lazy.ask(&mut asked);
        let counting = Counting::new();
        let given = lazy.collect(&mut submit(asked, Optimize::new(), &self.submitter(), Some(&counting)));
        (given, self.counted(counting))
    }
}
