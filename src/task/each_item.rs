//! A function of one argument, called with each item of a vector.

use std::fmt;
use std::future::ready;

#[cfg(feature = "dask")]
use crate::Error;
#[cfg(feature = "dask")]
use crate::task::portable::{Export, Parts};
use crate::task::{Call, TaskFn};

/// A function of items as one of vectors. The first failure is that of the whole.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct EachItem<F>(pub F);

impl<T, F> TaskFn<(Vec<T>,)> for EachItem<F>
where
    T: 'static,
    F: TaskFn<(T,)>,
{
    type Output = Vec<F::Output>;

    const ASYNCHRONOUS: bool = F::ASYNCHRONOUS;

    fn call(&self, (items,): (Vec<T>,)) -> Call<Vec<F::Output>> {
        let calls = items.into_iter().map(|item| self.0.call((item,)));
        if !F::ASYNCHRONOUS {
            let returned = |call| match call {
                Call::Returned(result) => result,
                Call::Future(_) => unreachable!("a function says whether it is asynchronous"),
            };
            return Call::Returned(calls.map(returned).collect());
        }
        let futures: Vec<_> = calls
            .map(|call| match call {
                Call::Returned(result) => Box::pin(ready(result)) as _,
                Call::Future(future) => future,
            })
            .collect();
        Call::Future(Box::pin(async move {
            let mut values = Vec::with_capacity(futures.len());
            for future in futures {
                values.push(future.await?);
            }
            Ok(values)
        }))
    }

    fn name() -> &'static str {
        F::name()
    }

    #[cfg(feature = "dask")]
    fn remote_name(&self) -> &str {
        self.0.remote_name()
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<F::Output>>, Error> {
        self.0.export_items(parts)
    }

    #[cfg(feature = "dask")]
    fn refusal(&self) -> Option<Error> {
        self.0.refusal()
    }
}

impl<F> fmt::Debug for EachItem<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EachItem")
    }
}
