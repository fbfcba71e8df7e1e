use std::sync::Arc;

use crate::graph::Merge;

/// What the maker of a node knows about it, for names, for the order and for fusing. Nothing by default.
///
/// For [`delayed_with`](crate::graph::delayed_with).
///
/// # Examples
///
/// ```
/// use anydask::Graph;
/// use anydask::graph::{Hints, delayed_with};
///
/// let chunk = delayed_with(Hints::new().name("zeros(0, 0)").nbytes(8_000), || vec![0.0; 1000], ());
/// assert_eq!(Graph::of(&chunk).names(), ["zeros(0, 0)"]);
/// ```
#[derive(Clone, Debug)]
#[must_use = "hints do nothing until they are given to a node"]
pub struct Hints {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) nbytes: Option<u64>,
    pub(crate) is_blockwise: bool,
    pub(crate) may_fuse: bool,
    pub(crate) merge: Option<Arc<dyn Merge>>,
}

impl Hints {
    /// Knows nothing.
    pub fn new() -> Self {
        Self { name: None, nbytes: None, is_blockwise: false, may_fuse: true, merge: None }
    }

    /// What the node is called in pictures, and in the key of its task, which is the name and a number. Else it is the
    /// function's name.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// About how much memory the value takes, in bytes. The order in which tasks are submitted weighs values with it. A value
    /// of which nobody says anything weighs what the others do on average.
    pub fn nbytes(mut self, nbytes: u64) -> Self {
        self.nbytes = Some(nbytes);
        self
    }

    /// Says that the node belongs to one block of a collection, as an elementwise operation on one chunk of an array does:
    /// it may become one task with the blockwise nodes that it takes from, also where it takes from several, if nobody else
    /// takes from them.
    ///
    /// Nodes that are not blockwise become one task only where one takes from nothing but the other.
    pub fn blockwise(mut self) -> Self {
        self.is_blockwise = true;
        self
    }

    /// Whether the node may become one task with others, as it may by default. Asynchronous calls never do.
    pub fn fuse(mut self, may_fuse: bool) -> Self {
        self.may_fuse = may_fuse;
        self
    }

    /// How the node can become one with another that it takes from, where the two become one task anyway.
    pub fn merge(mut self, merge: impl Merge) -> Self {
        self.merge = Some(Arc::new(merge));
        self
    }
}

impl Default for Hints {
    fn default() -> Self {
        Self::new()
    }
}
