//! What can be given where a function takes a value: the value, or a future of it.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use crate::Error;
use crate::task::{AnyFuture, Input, TaskFuture, plain};

/// One argument as it is kept until the task runs: a value, or references on the futures that it is made of.
#[doc(hidden)]
pub trait Argument<T>: Send + 'static {
    /// Whether it is a value that is there, and says so by its type.
    const IS_PLAIN: bool = false;

    /// Visits the tasks that must finish first.
    fn visit(&self, input: &mut dyn FnMut(&dyn AnyFuture));

    /// Makes the value. Called once every input has finished.
    fn take(self) -> Result<T, Error>;

    /// The same once more, for another run, where that can be had of a value whose type says nothing about it.
    fn again(&self) -> Option<Self>
    where
        Self: Sized;

    /// The value as it is, if it is no future: what tells equal work from other work under one key.
    fn plain(&self) -> Option<&dyn Any> {
        None
    }

    /// Whether it is made of several, also if that is of none or of one.
    fn is_several(&self) -> bool {
        false
    }
}

/// What can be given where a task function takes a `T`.
///
/// | given | taken as |
/// |---|---|
/// | a `T` | itself |
/// | `TaskFuture<T>`, `&TaskFuture<T>` | `T` (moved when this was the last handle, else cloned) |
/// | `TaskFuture<T>`, `&TaskFuture<T>` | `Arc<T>`, shared without a clone |
/// | a `Vec`, slice or array of futures of `T` | `Vec<T>` or `Vec<Arc<T>>` |
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
/// use anydask::{Client, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let text = client.submit(|| "shared".to_string(), ());
/// let length = client.submit(|text: Arc<String>| text.len(), &text);
/// let lengths = client.submit(|all: Vec<usize>| all.len(), vec![length.clone(), length]);
/// assert_eq!(lengths.wait()?, 2);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be given where the task takes `{T}`",
    note = "give a `{T}`, a `TaskFuture<{T}>` or a `&TaskFuture<{T}>`"
)]
pub trait IntoArg<T> {
    /// What is kept until the task runs.
    #[doc(hidden)]
    type Argument: Argument<T>;

    /// Takes a reference on each input.
    #[doc(hidden)]
    fn into_arg(self) -> Self::Argument;
}

/// A plain value.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Value<T>(T);

impl<T: Send + 'static> Argument<T> for Value<T> {
    const IS_PLAIN: bool = true;

    fn visit(&self, _: &mut dyn FnMut(&dyn AnyFuture)) {}

    fn take(self) -> Result<T, Error> {
        Ok(self.0)
    }

    fn plain(&self) -> Option<&dyn Any> {
        Some(&self.0)
    }

    fn again(&self) -> Option<Self> {
        plain::copy(&self.0).map(Value)
    }
}

impl<T: Send + 'static> IntoArg<T> for T {
    type Argument = Value<T>;

    fn into_arg(self) -> Value<T> {
        Value(self)
    }
}

impl<T: Clone + Send + Sync + 'static> Argument<T> for Input<T> {
    fn visit(&self, input: &mut dyn FnMut(&dyn AnyFuture)) {
        input(self);
    }

    fn take(self) -> Result<T, Error> {
        self.value()
    }

    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> IntoArg<T> for TaskFuture<T> {
    type Argument = Input<T>;

    fn into_arg(self) -> Input<T> {
        self.into_input()
    }
}

impl<T: Clone + Send + Sync + 'static> IntoArg<T> for &TaskFuture<T> {
    type Argument = Input<T>;

    fn into_arg(self) -> Input<T> {
        self.input()
    }
}

/// A future whose value is shared instead of cloned.
#[doc(hidden)]
#[derive(Debug)]
pub struct Shared<T>(Input<T>);

impl<T: Send + Sync + 'static> Argument<Arc<T>> for Shared<T> {
    fn visit(&self, input: &mut dyn FnMut(&dyn AnyFuture)) {
        input(&self.0);
    }

    fn take(self) -> Result<Arc<T>, Error> {
        self.0.shared()
    }

    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<T: Send + Sync + 'static> IntoArg<Arc<T>> for TaskFuture<T> {
    type Argument = Shared<T>;

    fn into_arg(self) -> Shared<T> {
        Shared(self.into_input())
    }
}

impl<T: Send + Sync + 'static> IntoArg<Arc<T>> for &TaskFuture<T> {
    type Argument = Shared<T>;

    fn into_arg(self) -> Shared<T> {
        Shared(self.input())
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Several futures that make one vector.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Several<A>(Vec<A>);

impl<T, A: Argument<T>> Argument<Vec<T>> for Several<A> {
    fn visit(&self, input: &mut dyn FnMut(&dyn AnyFuture)) {
        for argument in &self.0 {
            argument.visit(input);
        }
    }

    fn take(self) -> Result<Vec<T>, Error> {
        self.0.into_iter().map(Argument::take).collect()
    }

    fn again(&self) -> Option<Self> {
        self.0.iter().map(A::again).collect::<Option<_>>().map(Self)
    }

    fn is_several(&self) -> bool {
        true
    }
}

macro_rules! several {
    ($([$($generics:tt)*] $given:ty;)*) => {$(
        impl<$($generics)*> IntoArg<Vec<T>> for $given
        where
            T: Clone + Send + Sync + 'static,
        {
            type Argument = Several<Input<T>>;

            fn into_arg(self) -> Self::Argument {
                Several(self.into_iter().map(IntoArg::<T>::into_arg).collect())
            }
        }

        impl<$($generics)*> IntoArg<Vec<Arc<T>>> for $given
        where
            T: Send + Sync + 'static,
        {
            type Argument = Several<Shared<T>>;

            fn into_arg(self) -> Self::Argument {
                Several(self.into_iter().map(IntoArg::<Arc<T>>::into_arg).collect())
            }
        }
    )*};
}

several! {
    [T] Vec<TaskFuture<T>>;
    ['a, T] Vec<&'a TaskFuture<T>>;
    ['a, T] &'a Vec<TaskFuture<T>>;
    ['a, T] &'a [TaskFuture<T>];
    [T, const N: usize] [TaskFuture<T>; N];
    ['a, T, const N: usize] &'a [TaskFuture<T>; N];
}

/// All arguments of a call, as they are kept until the task runs.
#[doc(hidden)]
pub trait Arguments<Args>: Send + 'static {
    /// Whether all are values that are there, and say so by their types.
    const ARE_PLAIN: bool = false;

    /// Visits the tasks that must finish first.
    fn visit(&self, input: &mut dyn FnMut(&dyn AnyFuture));

    /// Visits the arguments in order: the inputs of each, or its plain value.
    fn parts(&self, part: &mut dyn FnMut(Part<'_>));

    /// Makes the values. Called once every input has finished.
    fn take(self) -> Result<Args, Error>;

    /// The same once more, for another run, where that can be had of values whose types say nothing about it: of
    /// futures, and of numbers, texts and the like.
    fn again(&self) -> Option<Self>
    where
        Self: Sized;
}

/// A part of a call's arguments; see [`Arguments::parts`].
#[doc(hidden)]
pub enum Part<'a> {
    /// A task whose result is taken.
    Input(&'a dyn AnyFuture),
    /// A plain value.
    Plain(&'a dyn Any),
    /// The beginning of an argument that is made of several inputs.
    Several,
    /// The end of one argument.
    End,
}

impl Debug for Part<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input(_) => "Input",
            Self::Plain(_) => "Plain",
            Self::Several => "Several",
            Self::End => "End",
        })
    }
}

/// What can be given as the arguments of a task function that takes `Args` (a tuple): one argument bare, several as a
/// tuple, none as `()`. Each may be a value or a future; see [`IntoArg`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let none = client.submit(|| 1, ());
/// let one = client.submit(|x: i64| x + 1, &none);
/// let two = client.submit(|x: i64, y: i64| x + y, (one, 3));
/// assert_eq!(two.wait()?, 5);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give the arguments `{Args}`",
    note = "give one argument bare and several as a tuple; each may be a value, a `TaskFuture` or a `&TaskFuture`"
)]
pub trait IntoArgs<Args> {
    /// What is kept until the task runs.
    #[doc(hidden)]
    type Arguments: Arguments<Args>;

    /// Takes a reference on each input.
    #[doc(hidden)]
    fn into_args(self) -> Self::Arguments;
}

impl<T, A: IntoArg<T>> IntoArgs<(T,)> for A {
    type Arguments = (A::Argument,);

    fn into_args(self) -> Self::Arguments {
        (self.into_arg(),)
    }
}

macro_rules! arguments {
    ($($arg:ident $given:ident)*) => {
        impl<$($arg, $given: Argument<$arg>),*> Arguments<($($arg,)*)> for ($($given,)*) {
            const ARE_PLAIN: bool = true $(&& $given::IS_PLAIN)*;

            #[allow(non_snake_case, unused_variables)]
            fn visit(&self, input: &mut dyn FnMut(&dyn AnyFuture)) {
                let ($($given,)*) = self;
                $($given.visit(input);)*
            }

            #[allow(non_snake_case, unused_variables)]
            fn parts(&self, part: &mut dyn FnMut(Part<'_>)) {
                let ($($given,)*) = self;
                $(
                    if $given.is_several() {
                        part(Part::Several);
                    }
                    $given.visit(&mut |input| part(Part::Input(input)));
                    if let Some(value) = $given.plain() {
                        part(Part::Plain(value));
                    }
                    part(Part::End);
                )*
            }

            #[allow(non_snake_case)]
            fn take(self) -> Result<($($arg,)*), Error> {
                let ($($given,)*) = self;
                Ok(($($given.take()?,)*))
            }

            #[allow(non_snake_case)]
            fn again(&self) -> Option<Self> {
                let ($($given,)*) = self;
                Some(($($given.again()?,)*))
            }
        }
    };
}

macro_rules! into_args {
    ($($arg:ident $given:ident)*) => {
        impl<$($arg, $given: IntoArg<$arg>),*> IntoArgs<($($arg,)*)> for ($($given,)*) {
            type Arguments = ($($given::Argument,)*);

            #[allow(non_snake_case, clippy::unused_unit)]
            fn into_args(self) -> Self::Arguments {
                let ($($given,)*) = self;
                ($($given.into_arg(),)*)
            }
        }
    };
}

arguments!();
arguments!(A GivenA);
arguments!(A GivenA B GivenB);
arguments!(A GivenA B GivenB C GivenC);
arguments!(A GivenA B GivenB C GivenC D GivenD);
arguments!(A GivenA B GivenB C GivenC D GivenD E GivenE);
arguments!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF);
arguments!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF G GivenG);
arguments!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF G GivenG H GivenH);

into_args!();
into_args!(A GivenA B GivenB);
into_args!(A GivenA B GivenB C GivenC);
into_args!(A GivenA B GivenB C GivenC D GivenD);
into_args!(A GivenA B GivenB C GivenC D GivenD E GivenE);
into_args!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF);
into_args!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF G GivenG);
into_args!(A GivenA B GivenB C GivenC D GivenD E GivenE F GivenF G GivenG H GivenH);
