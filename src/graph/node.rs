//! The nodes of a graph: typed where they are made, the same for all who walk over them.

use std::any::TypeId;
use std::borrow::Cow;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;
use crate::client::Submitter;
use crate::graph::argument::{Edges, Templates};
use crate::graph::fused::{Fused, Steps};
use crate::graph::inputs::{Handle, Inputs, Value};
use crate::graph::{Hints, Lazy};
#[cfg(feature = "dask")]
use crate::task::portable::{Export, Parts};
use crate::task::{Call, Failure, TaskFn, TaskFuture, call_name};

/// What all nodes have.
pub(crate) struct Header {
    /// Counts the nodes of the process. A node is made after those that it takes from, so numbers grow along edges.
    pub(crate) id: u64,
    /// Where its values come from, one for each time that it takes one.
    pub(crate) edges: Vec<Lazy>,
    pub(crate) location: &'static Location<'static>,
    pub(crate) hints: Hints,
}

impl Header {
    fn new(edges: Edges, location: &'static Location<'static>, hints: Hints) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self { id: IDS.fetch_add(1, Ordering::Relaxed), edges: edges.0, location, hints }
    }
}

/// A node of whatever type.
pub(crate) trait Node: Send + Sync {
    fn header(&self) -> &Header;

    /// The path of its function.
    fn path(&self) -> &'static str;

    /// The type of its value.
    fn output(&self) -> TypeId;

    /// Its future, if its task was submitted before the graph was.
    fn future(&self) -> Option<Handle> {
        None
    }

    /// Whether it can be a step of a task with other steps: it is a call that runs on a thread of the engine.
    fn is_fusable(&self) -> bool;

    /// Submits it as a task of its own.
    fn submit(self: Arc<Self>, to: &Submitter<'_>, inputs: Inputs<'_>) -> Handle;

    /// Submits it as the last step of a task.
    fn submit_fused(self: Arc<Self>, to: &Submitter<'_>, steps: Steps) -> Handle;

    /// Runs it, for `uses` later steps.
    fn run(&self, inputs: Inputs<'_>, uses: usize) -> Result<Value, Failure>;
}

impl dyn Node {
    /// What it is called in keys and pictures.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        match &self.header().hints.name {
            Some(name) => Cow::Borrowed(name),
            None => call_name(self.path(), self.header().location),
        }
    }
}

/// A call that nobody has made yet.
pub(crate) struct CallNode<F, P, Args> {
    header: Header,
    function: F,
    templates: P,
    args: PhantomData<fn(Args)>,
}

impl<F, P, Args> CallNode<F, P, Args>
where
    F: TaskFn<Args> + Sync,
    P: Templates<Args>,
    Args: 'static,
{
    pub(crate) fn lazy(
        location: &'static Location<'static>,
        hints: Hints,
        function: F,
        templates: P,
        edges: Edges,
    ) -> Lazy {
        let header = Header::new(edges, location, hints);
        Lazy::new(Arc::new(Self { header, function, templates, args: PhantomData }))
    }

    pub(crate) fn call(&self, mut inputs: Inputs<'_>) -> Result<Call<F::Output>, Error> {
        Ok(self.function.call(self.templates.resolve(&mut inputs)?))
    }
}

impl<F, P, Args> Node for CallNode<F, P, Args>
where
    F: TaskFn<Args> + Sync,
    P: Templates<Args>,
    Args: 'static,
{
    fn header(&self) -> &Header {
        &self.header
    }

    fn path(&self) -> &'static str {
        F::name()
    }

    fn output(&self) -> TypeId {
        TypeId::of::<F::Output>()
    }

    fn is_fusable(&self) -> bool {
        #[cfg(feature = "dask")]
        if self.function.refusal().is_some() {
            return false;
        }
        !F::ASYNCHRONOUS && self.header.hints.may_fuse
    }

    fn submit(self: Arc<Self>, to: &Submitter<'_>, mut inputs: Inputs<'_>) -> Handle {
        let arguments = self.templates.bind(&mut inputs);
        let (location, name) = (self.header.location, self.header.hints.name.clone());
        Handle::new(to.submit(location, name.as_ref(), Again(self), arguments))
    }

    fn submit_fused(self: Arc<Self>, to: &Submitter<'_>, steps: Steps) -> Handle {
        let (location, name) = (self.header.location, self.header.hints.name.clone());
        Handle::new(to.submit(location, name.as_ref(), Fused(self), (steps,)))
    }

    fn run(&self, inputs: Inputs<'_>, uses: usize) -> Result<Value, Failure> {
        match self.call(inputs)? {
            Call::Returned(result) => result.map(|value| Value::new(value, uses)),
            Call::Future(_) => unreachable!("an asynchronous call is not fused"),
        }
    }
}

/// The function of a node, for one of the times that it is submitted.
pub(crate) struct Again<F, P, Args>(Arc<CallNode<F, P, Args>>);

impl<F, P, Args> TaskFn<Args> for Again<F, P, Args>
where
    F: TaskFn<Args> + Sync,
    P: Templates<Args>,
    Args: 'static,
{
    type Output = F::Output;

    const ASYNCHRONOUS: bool = F::ASYNCHRONOUS;

    fn call(&self, args: Args) -> Call<F::Output> {
        self.0.function.call(args)
    }

    fn name() -> &'static str {
        F::name()
    }

    #[cfg(feature = "dask")]
    fn remote_name(&self) -> &str {
        self.0.function.remote_name()
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<F::Output>, Error> {
        self.0.function.export(parts)
    }

    #[cfg(feature = "dask")]
    fn refusal(&self) -> Option<Error> {
        self.0.function.refusal()
    }
}

impl<F, P, Args> Fused<CallNode<F, P, Args>>
where
    F: TaskFn<Args> + Sync,
    P: Templates<Args>,
    Args: 'static,
{
    fn run(&self, steps: Steps) -> Result<F::Output, Failure> {
        let call = steps.run(|inputs| self.0.call(inputs))?;
        match call {
            Call::Returned(result) => result,
            Call::Future(_) => unreachable!("an asynchronous call is not fused"),
        }
    }
}

impl<F, P, Args> TaskFn<(Steps,)> for Fused<CallNode<F, P, Args>>
where
    F: TaskFn<Args> + Sync,
    P: Templates<Args>,
    Args: 'static,
{
    type Output = F::Output;

    fn call(&self, (steps,): (Steps,)) -> Call<F::Output> {
        Call::Returned(self.run(steps))
    }

    fn name() -> &'static str {
        F::name()
    }
}

/// A task that has been submitted.
pub(crate) struct FutureNode<T> {
    header: Header,
    future: TaskFuture<T>,
}

impl<T: Send + Sync + 'static> FutureNode<T> {
    #[track_caller]
    pub(crate) fn lazy(future: TaskFuture<T>) -> Lazy {
        let header = Header::new(Edges::default(), Location::caller(), Hints::new());
        Lazy::new(Arc::new(Self { header, future }))
    }
}

impl<T: Send + Sync + 'static> Node for FutureNode<T> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn path(&self) -> &'static str {
        "future"
    }

    fn output(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn future(&self) -> Option<Handle> {
        Some(Handle::new(self.future.clone()))
    }

    fn is_fusable(&self) -> bool {
        false
    }

    fn submit(self: Arc<Self>, to: &Submitter<'_>, _: Inputs<'_>) -> Handle {
        if to.owns(&self.future) {
            return Handle::new(self.future.clone());
        }
        // The future that comes of it says what every task says that is given a foreign one.
        Handle::new(to.refuse::<T>(self.header.location, Error::ForeignFuture { key: self.future.key() }))
    }

    fn submit_fused(self: Arc<Self>, to: &Submitter<'_>, _: Steps) -> Handle {
        self.submit(to, Inputs::new(Vec::new(), &mut []))
    }

    fn run(&self, _: Inputs<'_>, _: usize) -> Result<Value, Failure> {
        Err(Box::new(Error::ForeignFuture { key: self.future.key() }))
    }
}

thread_local! {
    /// The nodes that this thread has still to let go of, while it lets go of one.
    static GRAVES: RefCell<Option<Vec<Lazy>>> = const { RefCell::new(None) };
}

/// A node that goes lets go of those that it takes from, and so on: a chain of a million nodes is walked in a loop, not by
/// recursion.
impl Drop for Header {
    fn drop(&mut self) {
        if self.edges.is_empty() {
            return;
        }
        let mut edges = std::mem::take(&mut self.edges);
        let first = GRAVES.try_with(|graves| match &mut *graves.borrow_mut() {
            Some(later) => {
                later.append(&mut edges);
                false
            }
            none => {
                *none = Some(std::mem::take(&mut edges));
                true
            }
        });
        if let Ok(true) = first {
            let _done = Done;
            while let Some(next) = GRAVES.with_borrow_mut(|graves| graves.as_mut().and_then(Vec::pop)) {
                drop(next);
            }
        }
        // A thread that ends has lost its locals: then `edges` is not empty, and recursion is all that is left.
    }
}

/// Also when a value of the user's panics as it is dropped.
struct Done;

impl Drop for Done {
    fn drop(&mut self) {
        drop(GRAVES.take());
    }
}
