//! What can be given where a lazy call takes a value: the value, or a lazy call or a future of it.

use std::any::Any;
use std::sync::Arc;

use crate::Error;
use crate::graph::inputs::Inputs;
use crate::graph::node::FutureNode;
use crate::graph::{Delayed, Lazy};
use crate::task::{AnyFuture, Argument, Arguments, IntoArg, TaskFuture};

/// The nodes that a call takes from, in the order in which it takes.
#[derive(Debug, Default)]
pub struct Edges(pub(crate) Vec<Lazy>);

/// One argument as a lazy call keeps it, for as often as it is submitted.
pub trait Template<T>: Send + Sync + 'static {
    /// The argument of one submission.
    type Bound: Argument<T>;

    /// Fills in futures.
    fn bind(&self, inputs: &mut Inputs<'_>) -> Self::Bound;

    /// Fills in values.
    fn resolve(&self, inputs: &mut Inputs<'_>) -> Result<T, Error>;
}

/// What can be given to [`delayed`](crate::delayed) where the function takes a `T`: what
/// [`IntoArg`](crate::IntoArg) says, and lazy calls in the places of futures.
///
/// | given | taken as |
/// |---|---|
/// | a `T` that is `Clone` and `Sync` | a clone for each run, made when it begins |
/// | [`Delayed<T>`](Delayed), `TaskFuture<T>`, or references | `T`, moved where nobody else needs it, else cloned |
/// | the same | `Arc<T>`, shared without a clone |
/// | a `Vec`, slice or array of these | `Vec<T>` or `Vec<Arc<T>>` |
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
/// use anydask::{Client, delayed, runtime::Smol};
///
/// let text = delayed(|| "shared".to_owned(), ());
/// let length = delayed(|text: Arc<String>| text.len(), &text);
/// let lengths = delayed(|all: Vec<usize>| all.len(), vec![length.clone(), length]);
/// assert_eq!(Client::<Smol>::local().wait()?.compute(&lengths).wait()?, 2);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be given where the lazy call takes `{T}`",
    note = "give a `{T}`, a `Delayed<{T}>`, a `TaskFuture<{T}>`, or a reference to one of these two",
    note = "a value must be `Clone` and `Sync`, since a lazy call can be computed more than once: share others as `Arc`"
)]
pub trait IntoInput<T> {
    /// What is kept.
    #[doc(hidden)]
    type Template: Template<T>;

    /// Adds the nodes that it takes from.
    #[doc(hidden)]
    fn into_template(self, edges: &mut Edges) -> Self::Template;
}

/// A plain value. It is cloned where it is used, so that a big one does not stand once more for each queued task.
#[derive(Debug)]
pub struct Literal<T>(Arc<T>);

impl<T> Clone for Literal<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone + Send + Sync + 'static> Argument<T> for Literal<T> {
    fn visit(&self, _: &mut dyn FnMut(&dyn AnyFuture)) {}

    fn take(self) -> Result<T, Error> {
        Ok(Arc::unwrap_or_clone(self.0))
    }

    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn plain(&self) -> Option<&dyn Any> {
        Some(&*self.0)
    }
}

impl<T: Clone + Send + Sync + 'static> Template<T> for Literal<T> {
    type Bound = Self;

    fn bind(&self, _: &mut Inputs<'_>) -> Self {
        self.clone()
    }

    fn resolve(&self, _: &mut Inputs<'_>) -> Result<T, Error> {
        Ok(T::clone(&self.0))
    }
}

impl<T: Clone + Send + Sync + 'static> IntoInput<T> for T {
    type Template = Literal<T>;

    fn into_template(self, _: &mut Edges) -> Literal<T> {
        Literal(Arc::new(self))
    }
}

/// The value of the next edge.
#[derive(Debug)]
pub struct Taken;

impl<T: Clone + Send + Sync + 'static> Template<T> for Taken {
    type Bound = <TaskFuture<T> as IntoArg<T>>::Argument;

    fn bind(&self, inputs: &mut Inputs<'_>) -> Self::Bound {
        IntoArg::<T>::into_arg(inputs.future::<T>())
    }

    fn resolve(&self, inputs: &mut Inputs<'_>) -> Result<T, Error> {
        inputs.value()
    }
}

/// The value of the next edge, shared.
#[derive(Debug)]
pub struct Shared;

impl<T: Send + Sync + 'static> Template<Arc<T>> for Shared {
    type Bound = <TaskFuture<T> as IntoArg<Arc<T>>>::Argument;

    fn bind(&self, inputs: &mut Inputs<'_>) -> Self::Bound {
        IntoArg::<Arc<T>>::into_arg(inputs.future::<T>())
    }

    fn resolve(&self, inputs: &mut Inputs<'_>) -> Result<Arc<T>, Error> {
        inputs.shared()
    }
}

/// The values of so many of the next edges.
#[derive(Debug)]
pub struct Several(usize);

impl<T: Clone + Send + Sync + 'static> Template<Vec<T>> for Several {
    type Bound = <Vec<TaskFuture<T>> as IntoArg<Vec<T>>>::Argument;

    fn bind(&self, inputs: &mut Inputs<'_>) -> Self::Bound {
        let futures: Vec<TaskFuture<T>> = (0..self.0).map(|_| inputs.future()).collect();
        IntoArg::<Vec<T>>::into_arg(futures)
    }

    fn resolve(&self, inputs: &mut Inputs<'_>) -> Result<Vec<T>, Error> {
        (0..self.0).map(|_| inputs.value()).collect()
    }
}

/// The values of so many of the next edges, shared.
#[derive(Debug)]
pub struct SeveralShared(usize);

impl<T: Send + Sync + 'static> Template<Vec<Arc<T>>> for SeveralShared {
    type Bound = <Vec<TaskFuture<T>> as IntoArg<Vec<Arc<T>>>>::Argument;

    fn bind(&self, inputs: &mut Inputs<'_>) -> Self::Bound {
        let futures: Vec<TaskFuture<T>> = (0..self.0).map(|_| inputs.future()).collect();
        IntoArg::<Vec<Arc<T>>>::into_arg(futures)
    }

    fn resolve(&self, inputs: &mut Inputs<'_>) -> Result<Vec<Arc<T>>, Error> {
        (0..self.0).map(|_| inputs.shared()).collect()
    }
}

/// What an edge can come from.
trait Source {
    fn into_lazy(self) -> Lazy;
}

impl<T> Source for Delayed<T> {
    fn into_lazy(self) -> Lazy {
        self.into()
    }
}

impl<T> Source for &Delayed<T> {
    fn into_lazy(self) -> Lazy {
        self.lazy().clone()
    }
}

impl<T: Send + Sync + 'static> Source for TaskFuture<T> {
    fn into_lazy(self) -> Lazy {
        FutureNode::lazy(self)
    }
}

impl<T: Send + Sync + 'static> Source for &TaskFuture<T> {
    fn into_lazy(self) -> Lazy {
        FutureNode::lazy(self.clone())
    }
}

macro_rules! one {
    ($($given:ty),*) => {$(
        impl<T: Clone + Send + Sync + 'static> IntoInput<T> for $given {
            type Template = Taken;

            fn into_template(self, edges: &mut Edges) -> Taken {
                edges.0.push(self.into_lazy());
                Taken
            }
        }

        impl<T: Send + Sync + 'static> IntoInput<Arc<T>> for $given {
            type Template = Shared;

            fn into_template(self, edges: &mut Edges) -> Shared {
                edges.0.push(self.into_lazy());
                Shared
            }
        }
    )*};
}

one!(Delayed<T>, &Delayed<T>, TaskFuture<T>, &TaskFuture<T>);

macro_rules! several {
    ($([$($generics:tt)*] $given:ty;)*) => {$(
        impl<$($generics)*> IntoInput<Vec<T>> for $given
        where
            T: Clone + Send + Sync + 'static,
        {
            type Template = Several;

            fn into_template(self, edges: &mut Edges) -> Several {
                let before = edges.0.len();
                edges.0.extend(self.into_iter().map(Source::into_lazy));
                Several(edges.0.len() - before)
            }
        }

        impl<$($generics)*> IntoInput<Vec<Arc<T>>> for $given
        where
            T: Send + Sync + 'static,
        {
            type Template = SeveralShared;

            fn into_template(self, edges: &mut Edges) -> SeveralShared {
                let before = edges.0.len();
                edges.0.extend(self.into_iter().map(Source::into_lazy));
                SeveralShared(edges.0.len() - before)
            }
        }
    )*};
}

several! {
    [T] Vec<Delayed<T>>;
    ['a, T] Vec<&'a Delayed<T>>;
    ['a, T] &'a Vec<Delayed<T>>;
    ['a, T] &'a [Delayed<T>];
    [T, const N: usize] [Delayed<T>; N];
    ['a, T, const N: usize] &'a [Delayed<T>; N];
    [T] Vec<TaskFuture<T>>;
    ['a, T] Vec<&'a TaskFuture<T>>;
    ['a, T] &'a Vec<TaskFuture<T>>;
    ['a, T] &'a [TaskFuture<T>];
    [T, const N: usize] [TaskFuture<T>; N];
    ['a, T, const N: usize] &'a [TaskFuture<T>; N];
}

/// All arguments of a lazy call.
pub trait Templates<Args>: Send + Sync + 'static {
    /// The arguments of one submission.
    type Bound: Arguments<Args>;

    /// Fills in futures.
    fn bind(&self, inputs: &mut Inputs<'_>) -> Self::Bound;

    /// Fills in values.
    fn resolve(&self, inputs: &mut Inputs<'_>) -> Result<Args, Error>;
}

/// What can be given as the arguments of a lazy call of a function that takes `Args` (a tuple): one argument bare,
/// several as a tuple, none as `()`. Each may be a value, a lazy call or a future; see [`IntoInput`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give the arguments `{Args}` of a lazy call",
    note = "give one argument bare and several as a tuple; each may be a value that is `Clone` and `Sync`, a `Delayed`, a \
            `TaskFuture`, or a reference to one of these two"
)]
pub trait IntoInputs<Args> {
    /// What is kept.
    #[doc(hidden)]
    type Templates: Templates<Args>;

    /// Adds the nodes that they take from.
    #[doc(hidden)]
    fn into_templates(self, edges: &mut Edges) -> Self::Templates;
}

impl<T, A: IntoInput<T>> IntoInputs<(T,)> for A {
    type Templates = (A::Template,);

    fn into_templates(self, edges: &mut Edges) -> Self::Templates {
        (self.into_template(edges),)
    }
}

macro_rules! templates {
    ($($arg:ident $given:ident)*) => {
        impl<$($arg, $given: Template<$arg>),*> Templates<($($arg,)*)> for ($($given,)*)
        where
            ($($given::Bound,)*): Arguments<($($arg,)*)>,
        {
            type Bound = ($($given::Bound,)*);

            #[allow(non_snake_case, unused_variables, clippy::unused_unit)]
            fn bind(&self, inputs: &mut Inputs<'_>) -> Self::Bound {
                let ($($given,)*) = self;
                ($($given.bind(inputs),)*)
            }

            #[allow(non_snake_case, unused_variables)]
            fn resolve(&self, inputs: &mut Inputs<'_>) -> Result<($($arg,)*), Error> {
                let ($($given,)*) = self;
                Ok(($($given.resolve(inputs)?,)*))
            }
        }
    };
}

macro_rules! into_inputs {
    ($($arg:ident $given:ident)*) => {
        impl<$($arg, $given: IntoInput<$arg>),*> IntoInputs<($($arg,)*)> for ($($given,)*) {
            type Templates = ($($given::Template,)*);

            #[allow(non_snake_case, unused_variables, clippy::unused_unit)]
            fn into_templates(self, edges: &mut Edges) -> Self::Templates {
                let ($($given,)*) = self;
                ($($given.into_template(edges),)*)
            }
        }
    };
}

templates!();
templates!(A GivenA);
templates!(A GivenA B GivenB);
templates!(A GivenA B GivenB C GivenC);
templates!(A GivenA B GivenB C GivenC D GivenD);
templates!(A GivenA B GivenB C GivenC D GivenD E GivenE);
templates!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF);
templates!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF G GivenG);
templates!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF G GivenG H GivenH);

into_inputs!();
into_inputs!(A GivenA B GivenB);
into_inputs!(A GivenA B GivenB C GivenC);
into_inputs!(A GivenA B GivenB C GivenC D GivenD);
into_inputs!(A GivenA B GivenB C GivenC D GivenD E GivenE);
into_inputs!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF);
into_inputs!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF G GivenG);
into_inputs!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF G GivenG H GivenH);
