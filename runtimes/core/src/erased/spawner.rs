use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::{AnyRuntime, JoinError, Spawner, TaskHandle};

/// The value of a task whose type the handle knows.
pub(crate) type AnyValue = Box<dyn Any + Send>;

impl Spawner for AnyRuntime {
    type Task<T: Send + 'static> = AnyTask<T>;

    fn spawn<F>(&self, future: F) -> AnyTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        AnyTask::new(self.runtime.spawn(Box::pin(async move { Box::new(future.await) as AnyValue })))
    }

    fn spawn_blocking<F, T>(&self, work: F) -> AnyTask<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        AnyTask::new(self.runtime.spawn_blocking(Box::new(move || Box::new(work()) as AnyValue)))
    }
}

/// The handle of a task on an [`AnyRuntime`]; see [`TaskHandle`].
#[must_use = "dropping the handle aborts the task; call `detach` to let it run"]
pub struct AnyTask<T> {
    task: Box<dyn DynTask>,
    // Makes no `T`, but gives one: `Send` and `Sync` are the task's, as in the other runtimes.
    value: PhantomData<fn() -> T>,
}

impl<T> AnyTask<T> {
    fn new(task: Box<dyn DynTask>) -> Self {
        Self { task, value: PhantomData }
    }
}

impl<T: Send + 'static> TaskHandle<T> for AnyTask<T> {
    fn abort(&mut self) {
        self.task.abort();
    }

    fn detach(self) {
        self.task.detach();
    }

    fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl<T: Send + 'static> Future for AnyTask<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.task.poll(cx).map(|result| {
            let value = result?.downcast::<T>().map_err(|other| {
                // The spawn above made the value from a `T`, and a runtime cannot make one of its own.
                debug_assert!(false, "a task gave the value of another");
                JoinError::Panicked(other)
            })?;
            Ok(*value)
        })
    }
}

impl<T> fmt::Debug for AnyTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyTask").field(&self.task).finish()
    }
}

/// [`TaskHandle`] as an object.
pub(crate) trait DynTask: fmt::Debug + Send + Sync {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<AnyValue, JoinError>>;
    fn abort(&mut self);
    fn detach(self: Box<Self>);
    fn is_finished(&self) -> bool;
}

impl<H: TaskHandle<AnyValue>> DynTask for H {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<AnyValue, JoinError>> {
        Pin::new(self).poll(cx)
    }

    fn abort(&mut self) {
        self.abort();
    }

    fn detach(self: Box<Self>) {
        (*self).detach();
    }

    fn is_finished(&self) -> bool {
        self.is_finished()
    }
}
