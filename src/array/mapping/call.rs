//! Functions of arrays as functions of blocks.

use std::future::ready;
use std::sync::Arc;

use ndarray::ArrayD;

#[cfg(feature = "dask")]
use crate::Error;
use crate::array::mapping::{BlockPlace, Expected};
use crate::array::{Block, Element};
#[cfg(feature = "dask")]
use crate::task::portable::{Export, Parts};
use crate::task::{Call, Failure, TaskFn};

/// A closure that makes a block.
pub(crate) struct Closure<F> {
    function: F,
    /// What has been given the closure. There is one by the same name with `_task`, for a cluster.
    #[cfg_attr(not(feature = "dask"), expect(dead_code, reason = "there is no cluster that refuses closures"))]
    operation: &'static str,
}

/// What makes a block of nothing, by a closure that is shared.
pub(crate) fn making<U, F>(
    operation: &'static str,
    function: &Arc<F>,
    place: BlockPlace,
) -> Closure<impl Fn() -> Result<Block, Failure> + use<U, F>>
where
    U: Element,
    F: Fn(&BlockPlace) -> Result<ArrayD<U>, Failure>,
{
    let (function, expected) = (Arc::clone(function), Expected::whole(&place));
    let function = move || Ok(expected.block(expected.told(|| function(&place))?)?);
    Closure { function, operation }
}

/// What makes a block of another, by a closure that is shared.
pub(crate) fn mapping<T, U, F>(
    operation: &'static str,
    function: &Arc<F>,
    place: BlockPlace,
    expected: Expected,
) -> Closure<impl Fn(Arc<Block>) -> Result<Block, Failure> + use<T, U, F>>
where
    T: Element,
    U: Element,
    F: Fn(&BlockPlace, ArrayD<T>) -> Result<ArrayD<U>, Failure>,
{
    let function = Arc::clone(function);
    let function = move |block| {
        // Moved, not copied, where nobody else has it.
        let elements = T::from_block(Arc::unwrap_or_clone(block))?.into_owned();
        Ok(expected.block(expected.told(|| function(&place, elements))?)?)
    };
    Closure { function, operation }
}

macro_rules! task_fn {
    ($([$($given:ident: $Given:ty)?]),*) => {$(
        impl<F> TaskFn<($($Given,)?)> for Closure<F>
        where
            F: Fn($($Given)?) -> Result<Block, Failure> + Send + 'static,
        {
            type Output = Block;

            fn call(&self, ($($given,)?): ($($Given,)?)) -> Call<Block> {
                Call::Returned((self.function)($($given)?))
            }

            fn name() -> &'static str {
                "function of blocks"
            }

            #[cfg(feature = "dask")]
            fn export(&self, _: Parts<'_>) -> Result<Export<Block>, Error> {
                let fix = format!("give `{}_task` a `#[task]` function", self.operation);
                Err(Error::NotPortable { task: self.operation.into(), fix: fix.into() })
            }
        }
    )*};
}

task_fn! { [], [block: Arc<Block>] }

/// A function that [`submit`](crate::Client::submit) takes, whose failures name the block where it runs in this process. On
/// a cluster the worker names it, by the key of the task.
pub(crate) struct Named<F> {
    pub(crate) function: F,
    pub(crate) expected: Expected,
}

impl<F, Args> TaskFn<Args> for Named<F>
where
    F: TaskFn<Args> + Sync,
{
    type Output = F::Output;

    const ASYNCHRONOUS: bool = F::ASYNCHRONOUS;

    fn call(&self, args: Args) -> Call<F::Output> {
        let expected = self.expected.clone();
        match self.expected.told(|| Ok(self.function.call(args))) {
            Ok(Call::Returned(result)) => Call::Returned(result.map_err(|failure| expected.failed(failure))),
            Ok(Call::Future(future)) => {
                Call::Future(Box::pin(async move { future.await.map_err(|failure| expected.failed(failure)) }))
            }
            Err(failure) if F::ASYNCHRONOUS => Call::Future(Box::pin(ready(Err(failure)))),
            Err(failure) => Call::Returned(Err(failure)),
        }
    }

    fn name() -> &'static str {
        F::name()
    }

    #[cfg(feature = "dask")]
    fn remote_name(&self) -> &str {
        self.function.remote_name()
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<F::Output>, Error> {
        self.function.export(parts)
    }

    #[cfg(feature = "dask")]
    fn refusal(&self) -> Option<Error> {
        self.function.refusal()
    }
}
