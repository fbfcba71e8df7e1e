use std::any::Any;
use std::fmt;

use crate::graph::Lazy;

/// How a lazy call becomes one with another that it takes from, so that one call does at once what the two do one after the
/// other: the elementwise operations of an array become one pass over its elements.
///
/// It is asked where the two become one task anyway and nobody else takes from the other. Given with
/// [`Hints::merge`](crate::graph::Hints::merge).
///
/// # Examples
///
/// ```
/// use anydask::graph::{Hints, Lazy, Merge, Optimize, delayed_with};
/// use anydask::{Delayed, Graph};
///
/// #[derive(Debug)]
/// struct Add(i64);
///
/// impl Merge for Add {
///     fn merge(&self, _: &Lazy, input: &Lazy) -> Option<Lazy> {
///         let Add(before) = input.merger()?.downcast_ref()?;
///         Some(add(self.0 + before, &input.edges()[0].downcast()?).into())
///     }
/// }
///
/// fn add(number: i64, to: &Delayed<i64>) -> Delayed<i64> {
///     let hints = Hints::new().name(format!("add {number}")).merge(Add(number));
///     delayed_with(hints, |to: i64, number: i64| to + number, (to, number))
/// }
///
/// let x = add(3, &add(2, &delayed_with(Hints::new().name("one"), || 1, ())));
/// assert_eq!(Graph::of(&x).names(), ["one", "add 2", "add 3"]);
/// assert_eq!(Graph::of(&x).optimized(Optimize::new()).names(), ["one+add 5"]);
/// ```
pub trait Merge: Any + fmt::Debug + Send + Sync {
    /// A call that gives what `taker` does, whose hints these are, and does not take from `input`: it takes from what the
    /// two take from. `None` if there is none; one that takes from anything else is not used.
    fn merge(&self, taker: &Lazy, input: &Lazy) -> Option<Lazy>;
}

impl dyn Merge {
    /// The hints as what they are, if they are a `T`.
    pub fn downcast_ref<T: Merge>(&self) -> Option<&T> {
        let any: &dyn Any = self;
        any.downcast_ref()
    }
}
