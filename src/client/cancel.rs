//! Cancelling: work that nobody needs stops, and its futures say so.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Error;
use crate::client::gather::Gather;
use crate::client::operation::Wait;
use crate::client::shape::Leaves;
use crate::client::{Client, Operation};
use crate::runtime::Runtime;
use crate::task::TaskFuture;

/// What a cancelled future says when nobody gave a reason.
const REASON: &str = "cancelled by the client";

impl<R: Runtime> Client<R> {
    /// Cancels futures that have not ended, in any arrangement that can be gathered. Those that have ended stay as they
    /// are.
    ///
    /// What depends on a cancelled task is cancelled too, with the reason `lost dependencies`, also a task under a key
    /// that another client wants. What another client wants itself goes on. A queued task never
    /// starts; an asynchronous one is dropped at its next await; a CPU task that runs goes on to its end, unless it
    /// looks at [`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled), and holds its slot until then.
    /// Awaiting gives [`Error::Cancelled`] at once.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignFuture`]; then none is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Status, asynchronous, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let never = client.submit(asynchronous(|| std::future::pending::<i64>()), ());
    /// let after = client.submit(|x: i64| x + 1, &never);
    /// client.cancel(&never).wait()?;
    /// assert_eq!(never.status(), Status::Cancelled);
    /// assert!(after.wait().unwrap_err().to_string().contains("lost dependencies"));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn cancel<G: Gather>(&self, futures: G) -> Operation<()> {
        self.cancel_because(futures, REASON)
    }

    /// As [`cancel`](Self::cancel), with a reason that the futures tell.
    pub fn cancel_because<G: Gather>(&self, futures: G, reason: impl AsRef<str>) -> Operation<()> {
        let scheduler_id = self.state().id();
        self.operation(
            "cancel",
            Cancel { shape: Some(futures.into_shape()), scheduler_id, reason: reason.as_ref().into() },
        )
    }
}

impl<T: Send + Sync + 'static> TaskFuture<T> {
    /// Cancels the task at once, for all its handles; see [`Client::cancel`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, asynchronous, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let never = client.submit(asynchronous(|| std::future::pending::<i64>()), ());
    /// never.cancel_because("nobody reads it");
    /// assert!(never.wait().unwrap_err().to_string().contains("reason: nobody reads it"));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn cancel(&self) {
        self.cancel_because(REASON);
    }

    /// As [`cancel`](Self::cancel), with a reason that the futures tell.
    pub fn cancel_because(&self, reason: impl AsRef<str>) {
        self.shared_entry().cancel(&reason.as_ref().into());
    }
}

/// The future of a cancel. It is done at the first poll.
struct Cancel<L> {
    shape: Option<L>,
    scheduler_id: usize,
    reason: Arc<str>,
}

impl<L: Leaves> Future for Cancel<L> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(shape) = self.shape.take() else { return Poll::Pending };
        let mut foreign = None;
        shape.visit(&mut |leaf| {
            if foreign.is_none() && leaf.entry().scheduler_id() != self.scheduler_id {
                foreign = Some(leaf.entry().key());
            }
        });
        if let Some(key) = foreign {
            return Poll::Ready(Err(Error::ForeignFuture { key }));
        }
        shape.visit(&mut |leaf| {
            if leaf.entry().outcome().is_none() {
                leaf.shared_entry().cancel(&self.reason);
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl<L: Leaves> Wait<()> for Cancel<L> {}
