//! A function of two arguments that gives what the first is, called with one item of a vector after the other.

use std::fmt;

#[cfg(feature = "dask")]
use crate::Error;
#[cfg(feature = "dask")]
use crate::task::portable::{Export, Parts};
use crate::task::{Call, Failure, TaskFn};

/// A function of a value and an item as one of a value and a vector. The first failure is that of the whole.
#[derive(Clone, Copy)]
pub(crate) struct Folded<F>(pub(crate) F);

impl<A, T, F> TaskFn<(A, Vec<T>)> for Folded<F>
where
    A: Send + Sync + 'static,
    T: Send + 'static,
    F: TaskFn<(A, T), Output = A> + Clone,
{
    type Output = A;

    const ASYNCHRONOUS: bool = F::ASYNCHRONOUS;

    fn call(&self, (initial, items): (A, Vec<T>)) -> Call<A> {
        if F::ASYNCHRONOUS {
            return Call::Future(Box::pin(fold(self.0.clone(), initial, items)));
        }
        let step = |value, item| match self.0.call((value, item)) {
            Call::Returned(result) => result,
            Call::Future(_) => unreachable!("a function says whether it is asynchronous"),
        };
        Call::Returned(items.into_iter().try_fold(initial, step))
    }

    fn name() -> &'static str {
        F::name()
    }

    #[cfg(feature = "dask")]
    fn remote_name(&self) -> &str {
        self.0.remote_name()
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<A>, Error> {
        self.0.export_fold(parts)
    }

    #[cfg(feature = "dask")]
    fn refusal(&self) -> Option<Error> {
        self.0.refusal()
    }
}

async fn fold<A, T, F: TaskFn<(A, T), Output = A>>(function: F, initial: A, items: Vec<T>) -> Result<A, Failure> {
    let mut value = initial;
    for item in items {
        let call = function.call((value, item));
        value = match call {
            Call::Returned(result) => result?,
            Call::Future(future) => future.await?,
        };
    }
    Ok(value)
}

impl<F> fmt::Debug for Folded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Folded")
    }
}
