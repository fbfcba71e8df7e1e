//! The shapes that futures can be gathered in.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::ops::Range;

use crate::Error;
use crate::task::{AnyFuture, EntryRef, Items, TaskFuture};

/// Futures in some arrangement.
#[doc(hidden)]
pub trait Leaves: Send + Unpin + 'static {
    /// Visits every future, in order.
    fn visit(&self, leaf: &mut dyn FnMut(&dyn AnyFuture));

    /// The same, with items of a map that follow each other together, as far as that is seen at little cost.
    fn visit_runs(&self, run: &mut dyn FnMut(Run<'_>)) {
        self.visit(&mut |leaf| run(Run::of(leaf.entry())));
    }

    /// The same of many.
    fn visit_runs_of(many: &[Self], run: &mut dyn FnMut(Run<'_>))
    where
        Self: Sized,
    {
        many.iter().for_each(|leaves| leaves.visit_runs(run));
    }
}

/// A future, or items of a map that follow each other.
#[doc(hidden)]
#[derive(Debug)]
pub enum Run<'a> {
    /// A future of a task by itself.
    One(EntryRef<'a>),
    /// At least one item.
    Items(&'a dyn Items, Range<u32>),
}

impl<'a> Run<'a> {
    fn of(entry: EntryRef<'a>) -> Self {
        match entry {
            EntryRef::Task(_) => Self::One(entry),
            EntryRef::Item(items, index) => Self::Items(items, index..index + 1),
        }
    }

    pub(crate) fn first(&self) -> EntryRef<'_> {
        match self {
            Self::One(entry) => *entry,
            Self::Items(items, run) => EntryRef::Item(*items, run.start),
        }
    }
}

/// Futures in some arrangement, owned: a future, a vector, array, tuple or map of shapes.
///
/// The results come in the same arrangement. See [`Client::gather`](crate::Client::gather).
///
/// # Examples
///
/// A function that gathers whatever it is given:
///
/// ```
/// use anydask::{Client, Error, Gather, Shape, runtime::Runtime};
///
/// async fn all<R: Runtime, G: Gather>(client: &Client<R>, futures: G) -> Result<<G::Shape as Shape>::Output, Error> {
///     client.gather(futures).await
/// }
/// ```
pub trait Shape: Leaves {
    /// The values: `Vec<TaskFuture<T>>` gives `Vec<T>`.
    type Output: Send + 'static;
    /// The values that there are: sequences and maps without what failed; in a tuple, an `Option` each.
    type Ok: Send + 'static;
    /// A `Result` in the place of each future.
    type Results: Send + 'static;

    /// The values, once all have finished.
    #[doc(hidden)]
    fn output(self) -> Result<Self::Output, Error>;

    /// The values that there are, once all have ended. A collection leaves out what gives an error.
    #[doc(hidden)]
    fn ok(self) -> Result<Self::Ok, Error>;

    /// The results, once all have ended.
    #[doc(hidden)]
    fn results(self) -> Self::Results;

    /// The values of many, once all have finished.
    #[doc(hidden)]
    fn outputs(shapes: Vec<Self>) -> Result<Vec<Self::Output>, Error>
    where
        Self: Sized,
    {
        shapes.into_iter().map(Self::output).collect()
    }
}

impl<T: Send + Sync + 'static> Leaves for TaskFuture<T> {
    fn visit(&self, leaf: &mut dyn FnMut(&dyn AnyFuture)) {
        leaf(self);
    }

    fn visit_runs_of(many: &[Self], run: &mut dyn FnMut(Run<'_>)) {
        let mut rest = many;
        while let Some((first, others)) = rest.split_first() {
            let more = first.followers(others);
            run(match first.entry() {
                EntryRef::Item(items, index) => Run::Items(items, index..index + 1 + more as u32),
                entry => Run::One(entry),
            });
            rest = &others[more..];
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Shape for TaskFuture<T> {
    type Output = T;
    type Ok = T;
    type Results = Result<T, Error>;

    fn output(self) -> Result<T, Error> {
        self.into_value()
    }

    fn outputs(futures: Vec<Self>) -> Result<Vec<T>, Error> {
        Self::into_values(futures)
    }

    fn ok(self) -> Result<T, Error> {
        self.into_value()
    }

    fn results(self) -> Result<T, Error> {
        self.into_value()
    }
}

impl<L: Leaves> Leaves for Vec<L> {
    fn visit(&self, leaf: &mut dyn FnMut(&dyn AnyFuture)) {
        self.iter().for_each(|leaves| leaves.visit(leaf));
    }

    fn visit_runs(&self, run: &mut dyn FnMut(Run<'_>)) {
        L::visit_runs_of(self, run);
    }
}

impl<S: Shape> Shape for Vec<S> {
    type Output = Vec<S::Output>;
    type Ok = Vec<S::Ok>;
    type Results = Vec<S::Results>;

    fn output(self) -> Result<Self::Output, Error> {
        S::outputs(self)
    }

    fn ok(self) -> Result<Self::Ok, Error> {
        Ok(self.into_iter().filter_map(|shape| shape.ok().ok()).collect())
    }

    fn results(self) -> Self::Results {
        self.into_iter().map(S::results).collect()
    }
}

impl<L: Leaves, const N: usize> Leaves for [L; N] {
    fn visit(&self, leaf: &mut dyn FnMut(&dyn AnyFuture)) {
        self.iter().for_each(|leaves| leaves.visit(leaf));
    }

    fn visit_runs(&self, run: &mut dyn FnMut(Run<'_>)) {
        L::visit_runs_of(self, run);
    }
}

impl<S: Shape, const N: usize> Shape for [S; N] {
    type Output = [S::Output; N];
    type Ok = Vec<S::Ok>;
    type Results = [S::Results; N];

    fn output(self) -> Result<Self::Output, Error> {
        let values: Vec<_> = self.into_iter().map(S::output).collect::<Result<_, _>>()?;
        Ok(values.try_into().unwrap_or_else(|_| unreachable!("as many values as shapes")))
    }

    fn ok(self) -> Result<Self::Ok, Error> {
        Ok(self.into_iter().filter_map(|shape| shape.ok().ok()).collect())
    }

    fn results(self) -> Self::Results {
        self.map(S::results)
    }
}

macro_rules! maps {
    ($($map:ident [$($bounds:tt)*];)*) => {$(
        impl<K: $($bounds)* + Send + Unpin + 'static, L: Leaves> Leaves for $map<K, L> {
            fn visit(&self, leaf: &mut dyn FnMut(&dyn AnyFuture)) {
                self.values().for_each(|leaves| leaves.visit(leaf));
            }

            fn visit_runs(&self, run: &mut dyn FnMut(Run<'_>)) {
                self.values().for_each(|leaves| leaves.visit_runs(run));
            }
        }

        impl<K: $($bounds)* + Send + Unpin + 'static, S: Shape> Shape for $map<K, S> {
            type Output = $map<K, S::Output>;
            type Ok = $map<K, S::Ok>;
            type Results = $map<K, S::Results>;

            fn output(self) -> Result<Self::Output, Error> {
                self.into_iter().map(|(key, shape)| Ok((key, shape.output()?))).collect()
            }

            fn ok(self) -> Result<Self::Ok, Error> {
                Ok(self.into_iter().filter_map(|(key, shape)| Some((key, shape.ok().ok()?))).collect())
            }

            fn results(self) -> Self::Results {
                self.into_iter().map(|(key, shape)| (key, shape.results())).collect()
            }
        }
    )*};
}

maps! {
    BTreeMap [Ord];
    HashMap [Hash + Eq];
}

macro_rules! tuples {
    ($($shape:ident)*) => {
        impl<$($shape: Leaves),*> Leaves for ($($shape,)*) {
            #[allow(non_snake_case, unused_variables)]
            fn visit(&self, leaf: &mut dyn FnMut(&dyn AnyFuture)) {
                let ($($shape,)*) = self;
                $($shape.visit(leaf);)*
            }

            #[allow(non_snake_case, unused_variables)]
            fn visit_runs(&self, run: &mut dyn FnMut(Run<'_>)) {
                let ($($shape,)*) = self;
                $($shape.visit_runs(run);)*
            }
        }

        impl<$($shape: Shape),*> Shape for ($($shape,)*) {
            type Output = ($($shape::Output,)*);
            type Ok = ($(Option<$shape::Ok>,)*);
            type Results = ($($shape::Results,)*);

            #[allow(non_snake_case)]
            fn output(self) -> Result<Self::Output, Error> {
                let ($($shape,)*) = self;
                Ok(($($shape.output()?,)*))
            }

            #[allow(non_snake_case)]
            fn ok(self) -> Result<Self::Ok, Error> {
                let ($($shape,)*) = self;
                Ok(($($shape.ok().ok(),)*))
            }

            #[allow(non_snake_case, clippy::unused_unit)]
            fn results(self) -> Self::Results {
                let ($($shape,)*) = self;
                ($($shape.results(),)*)
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
