use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use crate::graph::node::Node;
use crate::graph::{Delayed, Merge};

/// A lazy call of whatever type: a [`Delayed`] that has put its type aside. A reference count.
#[derive(Clone)]
pub struct Lazy(Arc<dyn Node>);

impl Lazy {
    pub(crate) fn new(node: Arc<dyn Node>) -> Self {
        Self(node)
    }

    pub(crate) fn node(&self) -> &Arc<dyn Node> {
        &self.0
    }

    /// Tells it from all other lazy calls of the process.
    pub fn id(&self) -> u64 {
        self.0.header().id
    }

    /// What it is called: the name that it was given, or that of its function.
    pub fn name(&self) -> String {
        self.0.name().into_owned()
    }

    /// What it takes from, once for each time that it takes.
    pub fn edges(&self) -> &[Self] {
        &self.0.header().edges
    }

    /// How it becomes one with others, if its [hints](crate::graph::Hints::merge) say so.
    pub fn merger(&self) -> Option<&dyn Merge> {
        self.0.header().hints.merge.as_deref()
    }

    /// The lazy call as what it is, if it gives a `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::delayed;
    /// use anydask::graph::Lazy;
    ///
    /// let lazy = Lazy::from(delayed(|| 1_i64, ()));
    /// assert!(lazy.downcast::<i64>().is_some());
    /// assert!(lazy.downcast::<f64>().is_none());
    /// ```
    pub fn downcast<T: 'static>(&self) -> Option<Delayed<T>> {
        (self.0.output() == TypeId::of::<T>()).then(|| Delayed::new(self.clone()))
    }
}

impl<T> From<Delayed<T>> for Lazy {
    fn from(delayed: Delayed<T>) -> Self {
        delayed.into_lazy()
    }
}

impl<T> From<&Delayed<T>> for Lazy {
    fn from(delayed: &Delayed<T>) -> Self {
        delayed.lazy().clone()
    }
}

impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy").field("id", &self.id()).field("name", &self.name()).finish()
    }
}
