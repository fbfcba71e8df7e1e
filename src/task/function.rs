//! What can be submitted: functions and closures, and the two wrappers that change what a call means.

use std::any::TypeId;
use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

#[cfg(feature = "dask")]
use crate::Error;
#[cfg(feature = "dask")]
use crate::task::portable::{Export, Parts};

/// What a task returns when it errs, before the engine puts its key to it.
#[doc(hidden)]
pub type Failure = Box<dyn StdError + Send + Sync>;

/// A call in progress.
#[doc(hidden)]
pub enum Call<T> {
    /// The function has returned.
    Returned(Result<T, Failure>),
    /// The function is asynchronous: this is what it does.
    Future(Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>),
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Returned(_) => "Returned",
            Self::Future(_) => "Future",
        })
    }
}

/// A function that can be submitted with arguments of the types `Args` (a tuple).
///
/// Implemented for functions and closures of up to 8 arguments, for [`fallible`] and [`asynchronous`] ones, and by
/// [`#[task]`](crate::task) for registered tasks. What stays in the process needs no `Serialize`.
///
/// # Examples
///
/// A function that hands on what it is given:
///
/// ```
/// use anydask::{Client, IntoArgs, TaskFn, TaskFuture, runtime::Runtime};
///
/// fn submit_twice<R: Runtime, F, A, Args>(client: &Client<R>, f: F, a: A) -> [TaskFuture<F::Output>; 2]
/// where
///     F: TaskFn<Args> + Copy,
///     A: IntoArgs<Args> + Clone,
///     Args: 'static,
/// {
///     [client.submit(f, a.clone()), client.submit(f, a)]
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be submitted with the arguments `{Args}`",
    label = "not a task function of these arguments",
    note = "a task is a function or closure that is `Fn`, `Send` and `'static`, of up to 8 arguments that are given by \
            value: one bare, several as a tuple, none as `()`",
    note = "its result must be `Send + Sync + 'static`; share big inputs as `Arc<T>`"
)]
pub trait TaskFn<Args>: Send + 'static {
    /// What a call gives: the type of the future's value.
    type Output: Send + Sync + 'static;

    /// Whether it runs on the client's runtime, without a CPU slot.
    #[doc(hidden)]
    const ASYNCHRONOUS: bool = false;

    /// Calls it.
    #[doc(hidden)]
    fn call(&self, args: Args) -> Call<Self::Output>;

    /// The name that keys are made of.
    #[doc(hidden)]
    fn name() -> &'static str {
        std::any::type_name::<Self>()
    }

    /// The name that a cluster shows for its tasks: one that this value of the type has for itself, or the type's.
    #[doc(hidden)]
    #[cfg(feature = "dask")]
    fn remote_name(&self) -> &str {
        Self::name()
    }

    /// The type that tells it from other functions, with its name; and whether that is enough, since it captures nothing.
    #[doc(hidden)]
    fn identity() -> (TypeId, &'static str, bool)
    where
        Self: Sized,
    {
        (TypeId::of::<Self>(), std::any::type_name::<Self>(), size_of::<Self>() == 0)
    }

    /// The call with these arguments as it goes to a cluster. Only what another process knows by its name can.
    #[doc(hidden)]
    #[cfg(feature = "dask")]
    fn export(&self, _: Parts<'_>) -> Result<Export<Self::Output>, Error> {
        Err(Error::NotPortable { task: Self::name().into(), fix: "make it a `#[task]` function".into() })
    }

    /// The same of the call with each item of a vector.
    #[doc(hidden)]
    #[cfg(feature = "dask")]
    fn export_items(&self, _: Parts<'_>) -> Result<Export<Vec<Self::Output>>, Error> {
        Err(Error::NotPortable { task: Self::name().into(), fix: "make it a `#[task]` function".into() })
    }

    /// The same of the calls with one item of a vector after the other, each with what the last one gave.
    #[doc(hidden)]
    #[cfg(feature = "dask")]
    fn export_fold(&self, _: Parts<'_>) -> Result<Export<Self::Output>, Error> {
        Err(Error::NotPortable { task: Self::name().into(), fix: "make it a `#[task]` function".into() })
    }

    /// Why the embedded engine does not take it.
    #[doc(hidden)]
    #[cfg(feature = "dask")]
    fn refusal(&self) -> Option<Error> {
        None
    }
}

/// A function whose `Err` makes the task err; see [`fallible`].
#[derive(Clone, Copy, Debug)]
pub struct Fallible<F>(F);

/// Submits a function that returns a `Result`: `Ok(value)` is the task's value, `Err` makes the task err.
///
/// Without it, a `Result` is a value like any other.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, TaskFuture, fallible, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let parsed: TaskFuture<f64> = client.submit(fallible(|s: String| s.parse::<f64>()), "1.5".to_string());
/// assert_eq!(parsed.wait()?, 1.5);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
pub fn fallible<F>(function: F) -> Fallible<F> {
    Fallible(function)
}

/// A function that returns a future; see [`asynchronous`].
#[derive(Clone, Copy, Debug)]
pub struct Asynchronous<F>(F);

/// Submits a function that returns a future. It runs on the client's runtime and takes no CPU slot: thousands
/// may wait at once.
///
/// Together with [`fallible`], in either order, an `Err` of the future makes the task err:
/// `fallible(asynchronous(fetch))`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, asynchronous, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let length = client.submit(asynchronous(|url: String| async move { url.len() }), "http://localhost".to_string());
/// assert_eq!(length.wait()?, 16);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
pub fn asynchronous<F>(function: F) -> Asynchronous<F> {
    Asynchronous(function)
}

/// The function of a `map`, shared by its tasks.
pub(crate) struct Each<F>(Arc<F>);

impl<F> Each<F> {
    pub(crate) fn new(function: &Arc<F>) -> Self {
        Self(Arc::clone(function))
    }
}

impl<F: TaskFn<Args> + Sync, Args> TaskFn<Args> for Each<F> {
    type Output = F::Output;

    const ASYNCHRONOUS: bool = F::ASYNCHRONOUS;

    fn call(&self, args: Args) -> Call<F::Output> {
        self.0.call(args)
    }

    fn name() -> &'static str {
        F::name()
    }

    #[cfg(feature = "dask")]
    fn remote_name(&self) -> &str {
        self.0.remote_name()
    }

    /// What it shares captures what it captures.
    fn identity() -> (TypeId, &'static str, bool) {
        F::identity()
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<F::Output>, Error> {
        self.0.export(parts)
    }

    #[cfg(feature = "dask")]
    fn refusal(&self) -> Option<Error> {
        self.0.refusal()
    }
}

macro_rules! task_fn {
    ($($arg:ident)*) => {
        impl<Func, Out, $($arg),*> TaskFn<($($arg,)*)> for Func
        where
            Func: Fn($($arg),*) -> Out + Send + 'static,
            Out: Send + Sync + 'static,
        {
            type Output = Out;

            #[allow(non_snake_case)]
            fn call(&self, ($($arg,)*): ($($arg,)*)) -> Call<Out> {
                Call::Returned(Ok(self($($arg),*)))
            }
        }

        impl<Func, Out, Err, $($arg),*> TaskFn<($($arg,)*)> for Fallible<Func>
        where
            Func: Fn($($arg),*) -> Result<Out, Err> + Send + 'static,
            Out: Send + Sync + 'static,
            Err: Into<Failure>,
        {
            type Output = Out;

            #[allow(non_snake_case)]
            fn call(&self, ($($arg,)*): ($($arg,)*)) -> Call<Out> {
                Call::Returned(self.0($($arg),*).map_err(Into::into))
            }

            fn name() -> &'static str {
                std::any::type_name::<Func>()
            }
        }

        impl<Func, Fut, $($arg),*> TaskFn<($($arg,)*)> for Asynchronous<Func>
        where
            Func: Fn($($arg),*) -> Fut + Send + 'static,
            Fut: Future<Output: Send + Sync + 'static> + Send + 'static,
        {
            type Output = Fut::Output;

            const ASYNCHRONOUS: bool = true;

            #[allow(non_snake_case)]
            fn call(&self, ($($arg,)*): ($($arg,)*)) -> Call<Fut::Output> {
                let future = self.0($($arg),*);
                Call::Future(Box::pin(async move { Ok(future.await) }))
            }

            fn name() -> &'static str {
                std::any::type_name::<Func>()
            }
        }

        // Either order means the same.
        impl<Func, Fut, Out, Err, $($arg),*> TaskFn<($($arg,)*)> for Asynchronous<Fallible<Func>>
        where
            Func: Fn($($arg),*) -> Fut + Send + 'static,
            Fut: Future<Output = Result<Out, Err>> + Send + 'static,
            Out: Send + Sync + 'static,
            Err: Into<Failure>,
        {
            type Output = Out;

            const ASYNCHRONOUS: bool = true;

            #[allow(non_snake_case)]
            fn call(&self, ($($arg,)*): ($($arg,)*)) -> Call<Out> {
                let future = self.0.0($($arg),*);
                Call::Future(Box::pin(async move { future.await.map_err(Into::into) }))
            }

            fn name() -> &'static str {
                std::any::type_name::<Func>()
            }
        }

        impl<Func, Fut, Out, Err, $($arg),*> TaskFn<($($arg,)*)> for Fallible<Asynchronous<Func>>
        where
            Func: Fn($($arg),*) -> Fut + Send + 'static,
            Fut: Future<Output = Result<Out, Err>> + Send + 'static,
            Out: Send + Sync + 'static,
            Err: Into<Failure>,
        {
            type Output = Out;

            const ASYNCHRONOUS: bool = true;

            #[allow(non_snake_case)]
            fn call(&self, ($($arg,)*): ($($arg,)*)) -> Call<Out> {
                let future = self.0.0($($arg),*);
                Call::Future(Box::pin(async move { future.await.map_err(Into::into) }))
            }

            fn name() -> &'static str {
                std::any::type_name::<Func>()
            }
        }
    };
}

task_fn!();
task_fn!(A);
task_fn!(A B);
task_fn!(A B C);
task_fn!(A B C D);
task_fn!(A B C D E);
task_fn!(A B C D E F);
task_fn!(A B C D E F G);
task_fn!(A B C D E F G H);
