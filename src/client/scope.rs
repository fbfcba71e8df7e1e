use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Error;
use crate::client::{Builder, Client, Operation};
use crate::engine::local::without_slot;
use crate::runtime::{BlockOn, Runtime};
use crate::task::Resume;

pin_project! {
    /// A client that is open for the time of a body; see [`Client::scope`].
    #[must_use = "a scope does nothing until it is awaited or waited for"]
    pub struct Scope<R: Runtime, F, Fut, T, E> {
        #[pin]
        state: State<R, F, Fut, T, E>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<R: Runtime, F, Fut, T, E> {
        /// Not yet polled.
        New { start: Option<(Builder<R>, F)> },
        /// The client is being opened.
        Opening { opening: Operation<Client<R>>, body: Option<F> },
        /// The body runs.
        Running { #[pin] body: Fut, client: Scoped<R> },
        /// The client is being closed.
        Closing { closing: Operation<()>, client: Scoped<R>, result: Option<Result<T, E>> },
    }
}

impl<R, F, Fut, T, E> Scope<R, F, Fut, T, E>
where
    R: Runtime,
    F: FnOnce(Client<R>) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: From<Error>,
{
    pub(crate) fn new(builder: Builder<R>, body: F) -> Self {
        Self { state: State::New { start: Some((builder, body)) } }
    }

    /// Runs the scope on the calling thread.
    ///
    /// # Errors
    ///
    /// Those of the awaited scope; [`Error::BlockingInAsync`] inside a task of the runtime, where `.await` is right.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use anydask::{Client, Error, runtime::Tokio};
    ///
    /// let eleven = Client::<Tokio>::scope(async |client| client.submit(|x: i64| x + 1, 10).await).wait()?;
    /// assert_eq!(eleven, 11);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn wait(self) -> Result<T, E>
    where
        R: BlockOn,
    {
        let scope = match self.state {
            State::New { start: Some((builder, body)) } => Self::new(builder.resolve_blocking("scope")?, body),
            state => Self { state },
        };
        let runtime = match &scope.state {
            State::New { start: Some((builder, _)) } => builder.runtime_of_resolved().cloned(),
            State::Running { client, .. } | State::Closing { client, .. } => Some(client.0.runtime().clone()),
            State::New { start: None } | State::Opening { .. } => None,
        };
        // Opening takes no time: a scope that has been polled runs, closes, or has given its result.
        let Some(runtime) = runtime else { return Err(Error::ClientClosed { operation: "scope" }.into()) };
        let (mut scope, mut result) = (Some(scope), None);
        without_slot(&mut || {
            result = scope.take().map(|scope| runtime.block_on(scope));
            Resume::WithSlot
        })?;
        match result {
            Some(Ok(result)) => result,
            Some(Err(nested)) => Err(Error::from(nested).into()),
            None => unreachable!("what blocks is called once"),
        }
    }
}

impl<R, F, Fut, T, E> Future for Scope<R, F, Fut, T, E>
where
    R: Runtime,
    F: FnOnce(Client<R>) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: From<Error>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::New { start } => {
                    let Some((builder, body)) = start.take() else { return Poll::Pending };
                    State::Opening { opening: builder.local(), body: Some(body) }
                }
                StateProjection::Opening { opening, body } => {
                    let client = std::task::ready!(Pin::new(opening).poll(cx))?;
                    let Some(body) = body.take() else { return Poll::Pending };
                    let entered = client.enter();
                    let body = body(client.clone());
                    drop(entered);
                    State::Running { body, client: Scoped(client) }
                }
                StateProjection::Running { body, client } => {
                    let entered = client.0.enter();
                    let result = std::task::ready!(body.poll(cx));
                    drop(entered);
                    State::Closing { closing: client.0.close(), client: Scoped(client.0.clone()), result: Some(result) }
                }
                StateProjection::Closing { closing, result, .. } => {
                    let closed = std::task::ready!(Pin::new(closing).poll(cx));
                    return match result.take() {
                        Some(Ok(value)) => Poll::Ready(closed.map(|()| value).map_err(E::from)),
                        Some(failed) => Poll::Ready(failed),
                        None => Poll::Pending,
                    };
                }
            };
            state.set(next);
        }
    }
}

/// The client of a scope. It closes when the scope is left in whichever way, also if clones of it have gone elsewhere.
struct Scoped<R: Runtime>(Client<R>);

impl<R: Runtime> Drop for Scoped<R> {
    fn drop(&mut self) {
        self.0.state().begin_close("the scope of the client was left");
    }
}

impl<R: Runtime, F, Fut, T, E> fmt::Debug for Scope<R, F, Fut, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
