//! The current client, for code that cannot be handed one.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Error;
use crate::client::{Client, Held};
use crate::engine::local::ClientState;
use crate::runtime::Runtime;
use crate::task::TaskContext;
use crate::task::context::current_depth;

thread_local! {
    /// The clients that are entered on this thread. The last is the current one.
    static ENTERED: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone)]
struct Entry {
    client: Held,
    /// How many tasks were around it.
    depth: usize,
    /// Tells the entries of a thread apart.
    number: u64,
}

impl Client {
    /// The current client, erased: inside a task its own, else that of the innermost [`scope`](Client::scope),
    /// [`enter`](Client::enter) or [`entered`](Client::entered) around the caller, on this thread or in this future.
    ///
    /// There is no process-wide client: who opens none has none. Better pass a client where you can.
    ///
    /// # Errors
    ///
    /// [`Error::NoClient`]; [`Error::ClientClosed`] inside a task whose client has been dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Error, runtime::Smol};
    ///
    /// async fn deep_inside() -> Result<i64, Error> {
    ///     Client::current()?.submit(|x: i64| x + 1, 10).await
    /// }
    ///
    /// smol::block_on(async {
    ///     assert!(matches!(Client::current(), Err(Error::NoClient)));
    ///     assert_eq!(Client::<Smol>::scope(async |_| deep_inside().await).await?, 11);
    ///     Ok::<_, Error>(())
    /// })?;
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn current() -> Result<Self, Error> {
        let entered = ENTERED.try_with(|entered| entered.borrow().last().cloned()).ok().flatten();
        match entered {
            // Not if a task was begun on this thread since.
            Some(Entry { client, depth, .. }) if depth == current_depth() => Ok(Self::erased(client)),
            _ => match TaskContext::current() {
                Ok(context) => context.client(),
                Err(_) => Err(Error::NoClient),
            },
        }
    }

    fn erased(held: Held) -> Self {
        let runtime = held.state.engine().runtime();
        Self { runtime, state: held, defaults: None }
    }
}

impl<R: Runtime> Client<R> {
    /// Makes this the current client of the calling thread until the guard is dropped; for blocking code.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let entered = client.enter();
    /// assert_eq!(Client::current()?.submit(|| 1, ()).wait()?, 1);
    /// drop(entered);
    /// assert!(Client::current().is_err());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn enter(&self) -> Entered {
        let number = ENTERED.with_borrow_mut(|entered| {
            let number = entered.last().map_or(0, |last| last.number + 1);
            entered.push(Entry { client: self.state.clone(), depth: current_depth(), number });
            number
        });
        Entered { number, thread: PhantomData }
    }

    /// A future during whose polls this is the current client.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let two = client.sync(client.entered(async { Client::current()?.submit(|| 2, ()).await }))?;
    /// assert_eq!(two, 2);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn entered<F: Future>(&self, future: F) -> InClient<R, F> {
        InClient { client: self.clone(), future }
    }
}

impl TaskContext {
    /// The client that submitted this task, erased: tasks that are submitted through it come before what waited before,
    /// and a CPU task that waits for them gives its thread to others meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::ClientClosed`] if nobody holds the client any more and the task was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Error, TaskContext, fallible, runtime::Smol};
    ///
    /// fn fib(n: u64) -> Result<u64, Error> {
    ///     if n < 2 {
    ///         return Ok(n);
    ///     }
    ///     let client = TaskContext::current()?.client()?;
    ///     let (a, b) = (client.submit(fallible(fib), n - 1), client.submit(fallible(fib), n - 2));
    ///     Ok(a.wait()? + b.wait()?)
    /// }
    ///
    /// let client = Client::<Smol>::builder().threads(1).local().wait()?;
    /// assert_eq!(client.submit(fallible(fib), 12).wait()?, 144);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn client(&self) -> Result<Client, Error> {
        let state = self.entry().scheduler().as_any().downcast::<ClientState>().ok();
        state
            .and_then(|state| Held::of_task(state, &**self.entry()))
            .map(Client::erased)
            .ok_or(Error::ClientClosed { operation: "client" })
    }
}

/// Makes a client the current one until it is dropped; see [`Client::enter`].
#[must_use = "the client is the current one until this is dropped"]
pub struct Entered {
    number: u64,
    /// What was entered on a thread is left there.
    thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let left = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            // Guards may be dropped in any order.
            let place = entered.iter().rposition(|entry| entry.number == self.number)?;
            Some(entered.remove(place))
        });
        // Dropping a client may close it: not under the borrow.
        drop(left);
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}

pin_project! {
    /// A future that has a current client; made by [`Client::entered`].
    #[must_use = "a future does nothing unless it is awaited"]
    #[derive(Debug)]
    pub struct InClient<R: Runtime, F> {
        client: Client<R>,
        #[pin]
        future: F,
    }
}

impl<R: Runtime, F: Future> Future for InClient<R, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.client.enter();
        this.future.poll(cx)
    }
}
