//! The operations of a future that wait.

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Error;
use crate::client::Operation;
use crate::client::blocking::block_on;
use crate::client::operation::Wait;
use crate::task::{
    Entry, EntryRef, Outcome, TaskFuture, WaitInside, Watch, WatchId, Watcher, Watchers, poll_outcome, poll_value,
};

impl<T: Send + Sync + 'static> TaskFuture<T> {
    /// Waits on this thread and gives a clone of the value: the blocking form of `(&future).await`, with the same errors.
    ///
    /// Inside a task of the engine, the task's slot goes to others meanwhile, so that a task may wait for tasks that it
    /// submits, also on one thread.
    ///
    /// # Errors
    ///
    /// Those of the task; [`Error::BlockingInAsync`] inside a task of the runtime, where `.await` is right;
    /// [`Error::TooManyBlocked`] when no thread can be had for others.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Error, fallible, runtime::Smol};
    ///
    /// fn fib(client: Client<Smol>, n: u64) -> Result<u64, Error> {
    ///     if n < 2 {
    ///         return Ok(n);
    ///     }
    ///     let a = client.submit(fallible(fib), (client.clone(), n - 1));
    ///     let b = client.submit(fallible(fib), (client.clone(), n - 2));
    ///     Ok(a.wait()? + b.wait()?)
    /// }
    ///
    /// let client = Client::<Smol>::builder().threads(1).local().wait()?;
    /// assert_eq!(client.submit(fallible(fib), (client.clone(), 12)).wait()?, 144);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn wait(&self) -> Result<T, Error>
    where
        T: Clone,
    {
        let scheduler = self.entry().scheduler();
        scheduler.check_may_block("future")?;
        if !self.is_done() {
            self.shared_entry().help();
        }
        match self.entry().value_outcome() {
            Some(outcome) => outcome?,
            None => {
                let _inside = WaitInside::begin(&scheduler, || unfinished(self))?;
                let mut ended = ValueHere { entry: self.entry(), watch: None };
                block_on(Some(&*scheduler), Pin::new(&mut ended), None)?.unwrap_or(Ok(()))?;
            }
        }
        self.to_value()
    }

    /// Gives a clone of the value if it is there in time. The task goes on if it is not.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`]; those of the task.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::time::Duration;
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let (start, started) = std::sync::mpsc::channel();
    /// let started = std::sync::Mutex::new(started);
    /// let future = client.submit(move || started.lock().unwrap().recv().is_ok(), ());
    /// assert!(future.timeout(Duration::from_millis(10)).wait().unwrap_err().is_timeout());
    /// start.send(()).unwrap();
    /// assert!(future.wait()?);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn timeout(&self, limit: Duration) -> Operation<T>
    where
        T: Clone,
    {
        self.operation("future", TaskFuture::into_value).timeout(limit)
    }

    /// Gives the value as an `Arc`, without a clone of it; for values of any type.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let counter = client.submit(|| AtomicU64::new(1), ());   // not `Clone`
    /// let shared: Arc<AtomicU64> = counter.shared().wait()?;
    /// assert_eq!(shared.load(Ordering::Relaxed), 1);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn shared(&self) -> Operation<Arc<T>> {
        self.operation("future", TaskFuture::into_shared)
    }

    /// Waits until the task has ended and gives its error, or none if it has a value: Dask's `Future.exception`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, fallible, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let divide = fallible(|a: i64, b: i64| a.checked_div(b).ok_or("division by zero"));
    /// assert!(client.submit(divide, (1, 0)).error().wait()?.is_some());
    /// assert!(client.submit(divide, (1, 1)).error().wait()?.is_none());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn error(&self) -> Operation<Option<Error>> {
        let scheduler = Some(self.entry().scheduler());
        Operation::new("future", scheduler, ErrorOf { future: self.clone(), watch: None })
    }

    /// Calls `callback` with this future once the task has ended, in whichever way; at once if it has.
    ///
    /// It runs on the thread that ends the task, so it should be short; on a Dask cluster, on a thread of the runtime's that may
    /// block, since the value is yet to come from there. A panic in it harms nothing else. It holds a future until then, so
    /// that dropping the others cancels nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Status, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let (send, receive) = std::sync::mpsc::channel();
    /// client.submit(|| 1, ()).on_done(move |future| send.send(future.status()).unwrap());
    /// assert_eq!(receive.recv().unwrap(), Status::Finished);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn on_done(&self, callback: impl FnOnce(TaskFuture<T>) + Send + 'static) {
        let callback = Arc::new(Callback(Mutex::new(Some((self.clone(), callback)))));
        if self.entry().watch(Watcher::Object(Arc::clone(&callback) as Arc<dyn Watch>, 0)).is_err() {
            callback.call();
        }
    }

    fn operation<V: Send + 'static>(
        &self,
        name: &'static str,
        value: fn(TaskFuture<T>) -> Result<V, Error>,
    ) -> Operation<V> {
        let scheduler = Some(self.entry().scheduler());
        Operation::new(name, scheduler, Value { future: Some(self.clone()), watch: None, value })
    }
}

/// What is called when a task has ended. It holds a future until then.
struct Callback<T, F: FnOnce(TaskFuture<T>)>(Mutex<Option<(TaskFuture<T>, F)>>);

impl<T, F: FnOnce(TaskFuture<T>)> Callback<T, F> {
    fn lock(&self) -> MutexGuard<'_, Option<(TaskFuture<T>, F)>> {
        // Only moves happen under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self) {
        let taken = self.lock().take();
        if let Some((future, callback)) = taken
            && catch_unwind(AssertUnwindSafe(|| callback(future))).map_err(forget).is_err()
        {
            tracing::error!(target: "anydask", "a callback of `on_done` panicked");
        }
    }
}

impl<T: Send + Sync + 'static, F: FnOnce(TaskFuture<T>) + Send + 'static> Watch for Callback<T, F> {
    fn handle_outcome(self: Arc<Self>, _: usize, _: &Outcome) -> Option<(Watchers, Outcome)> {
        let entry = self.lock().as_ref().map(|(future, _)| future.shared_entry());
        if let Some(entry) = entry {
            entry.call_back(Box::new(move || self.call()));
        }
        None
    }

    fn is_live(&self) -> bool {
        true
    }
}

impl<T, F: FnOnce(TaskFuture<T>)> Drop for Callback<T, F> {
    fn drop(&mut self) {
        // The runtime that was to call it has ended.
        self.call();
    }
}

/// The error of a task.
struct ErrorOf<T> {
    future: TaskFuture<T>,
    watch: Option<WatchId>,
}

impl<T> Future for ErrorOf<T> {
    type Output = Result<Option<Error>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        poll_outcome(this.future.entry(), &mut this.watch, cx).map(|outcome| Ok(outcome.err()))
    }
}

impl<T: Send + Sync + 'static> Wait<Option<Error>> for ErrorOf<T> {
    fn help(&self) {
        self.future.shared_entry().help();
    }

    fn waits_for(&self) -> Vec<Arc<dyn Entry>> {
        unfinished(&self.future)
    }
}

impl<T> Drop for ErrorOf<T> {
    fn drop(&mut self) {
        if let Some(id) = self.watch.take() {
            self.future.entry().unwatch(id);
        }
    }
}

/// The task, if it has not ended.
fn unfinished<T>(future: &TaskFuture<T>) -> Vec<Arc<dyn Entry>> {
    if future.is_done() { Vec::new() } else { vec![future.shared_entry()] }
}

/// The end of a task.
struct ValueHere<'a> {
    entry: EntryRef<'a>,
    watch: Option<WatchId>,
}

impl Future for ValueHere<'_> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = self.get_mut();
        poll_value(this.entry, &mut this.watch, cx)
    }
}

impl Drop for ValueHere<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.watch.take() {
            self.entry.unwatch_value(id);
        }
    }
}

/// The value of a task, in the form that `value` gives it.
struct Value<T, V> {
    future: Option<TaskFuture<T>>,
    watch: Option<WatchId>,
    value: fn(TaskFuture<T>) -> Result<V, Error>,
}

impl<T, V> Future for Value<T, V> {
    type Output = Result<V, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // Polled again after its end: the contract of futures leaves what happens then to us.
        let Some(future) = &this.future else { return Poll::Pending };
        match poll_value(future.entry(), &mut this.watch, cx) {
            Poll::Ready(outcome) => match (outcome, this.future.take()) {
                (Ok(()), Some(future)) => Poll::Ready((this.value)(future)),
                (Ok(()), None) => Poll::Pending,
                (Err(error), _) => Poll::Ready(Err(error)),
            },
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: Send + Sync, V> Wait<V> for Value<T, V> {
    fn help(&self) {
        if let Some(future) = &self.future {
            future.shared_entry().help();
        }
    }

    fn waits_for(&self) -> Vec<Arc<dyn Entry>> {
        self.future.as_ref().map(unfinished).unwrap_or_default()
    }
}

impl<T, V> Drop for Value<T, V> {
    fn drop(&mut self) {
        if let (Some(future), Some(id)) = (&self.future, self.watch.take()) {
            future.entry().unwatch_value(id);
        }
    }
}
