//! What a node is given when it is submitted or run: the futures of its inputs, or, inside a fused task, their values.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::vec;

use crate::Error;
#[cfg(feature = "dask")]
use crate::task::portable::Held;
use crate::task::{AnyFuture, TaskFuture};

/// A future of whatever type.
pub(crate) struct Handle(Box<dyn AnyHandle>);

impl Handle {
    pub(crate) fn new<T: Send + Sync + 'static>(future: TaskFuture<T>) -> Self {
        Self(Box::new(future))
    }

    pub(crate) fn future(&self) -> &dyn AnyFuture {
        self.0.as_future()
    }

    /// The future as what it is. Edges are typed where they are made, so the type is known.
    pub(crate) fn into_future<T: Send + Sync + 'static>(self) -> TaskFuture<T> {
        typed(self.0.into_any())
    }

    /// Lets the task go on without this handle.
    pub(crate) fn detach(self) {
        self.0.detach();
    }

    #[cfg(feature = "dask")]
    fn into_held(self) -> Held {
        self.0.into_held()
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        self.0.clone_handle()
    }
}

trait AnyHandle: Send + Sync {
    fn as_future(&self) -> &dyn AnyFuture;
    fn clone_handle(&self) -> Handle;
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
    fn detach(self: Box<Self>);
    #[cfg(feature = "dask")]
    fn into_held(self: Box<Self>) -> Held;
}

impl<T: Send + Sync + 'static> AnyHandle for TaskFuture<T> {
    fn as_future(&self) -> &dyn AnyFuture {
        self
    }

    fn clone_handle(&self) -> Handle {
        Handle::new(self.clone())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn detach(self: Box<Self>) {
        TaskFuture::detach(*self);
    }

    #[cfg(feature = "dask")]
    fn into_held(self: Box<Self>) -> Held {
        Arc::new(*self)
    }
}

/// One input of a node.
pub(crate) enum Input {
    /// What another task gives.
    Future(Handle),
    /// What an earlier step of the same task has given.
    Step(usize),
}

/// The inputs of a node, in the order of its edges, taken one after the other.
pub struct Inputs<'a> {
    given: vec::IntoIter<Input>,
    slots: &'a mut [Slot],
}

impl<'a> Inputs<'a> {
    pub(crate) fn new(given: Vec<Input>, slots: &'a mut [Slot]) -> Self {
        Self { given: given.into_iter(), slots }
    }

    /// The future of the next input.
    pub(crate) fn future<T: Send + Sync + 'static>(&mut self) -> TaskFuture<T> {
        self.handle().into_future()
    }

    /// The same without its type.
    #[cfg(feature = "dask")]
    pub(crate) fn held(&mut self) -> Held {
        self.handle().into_held()
    }

    fn handle(&mut self) -> Handle {
        match self.given.next() {
            Some(Input::Future(handle)) => handle,
            Some(Input::Step(_)) | None => {
                unreachable!("a node that is submitted by itself has a future for each edge")
            }
        }
    }

    /// The value of the next input: moved if nobody else needs it, else cloned.
    pub(crate) fn value<T: Clone + Send + Sync + 'static>(&mut self) -> Result<T, Error> {
        match self.given.next() {
            Some(Input::Future(handle)) => handle.into_future().into_value(),
            Some(Input::Step(step)) => Ok(match self.slots[step].take() {
                Value::Single(value) => typed(value),
                Value::Shared(value) => Arc::unwrap_or_clone(typed_shared(value)),
            }),
            None => unreachable!("a node has an input for each edge"),
        }
    }

    /// The value of the next input, shared.
    pub(crate) fn shared<T: Send + Sync + 'static>(&mut self) -> Result<Arc<T>, Error> {
        match self.given.next() {
            Some(Input::Future(handle)) => handle.into_future().into_shared(),
            Some(Input::Step(step)) => Ok(match self.slots[step].take() {
                Value::Single(value) => Arc::new(typed(value)),
                Value::Shared(value) => typed_shared(value),
            }),
            None => unreachable!("a node has an input for each edge"),
        }
    }
}

impl fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs").field("left", &self.given.len()).finish_non_exhaustive()
    }
}

/// A value inside a fused task.
pub(crate) enum Value {
    /// One step takes it.
    Single(Box<dyn Any + Send>),
    /// Several do.
    Shared(Arc<dyn Any + Send + Sync>),
}

impl Value {
    /// Keeps what `uses` steps take.
    pub(crate) fn new<T: Send + Sync + 'static>(value: T, uses: usize) -> Self {
        if uses == 1 { Self::Single(Box::new(value)) } else { Self::Shared(Arc::new(value)) }
    }
}

/// Where the value of a step stands until the last of those that take it has.
#[derive(Default)]
pub(crate) struct Slot {
    uses: usize,
    value: Option<Value>,
}

impl Slot {
    pub(crate) fn filled(value: Value, uses: usize) -> Self {
        Self { uses, value: Some(value) }
    }

    fn take(&mut self) -> Value {
        self.uses = self.uses.saturating_sub(1);
        let value = match &self.value {
            Some(Value::Shared(shared)) if self.uses > 0 => Some(Value::Shared(Arc::clone(shared))),
            _ => self.value.take(),
        };
        value.unwrap_or_else(|| unreachable!("a step runs after those that it takes from, which count their uses"))
    }
}

fn typed<T: 'static>(value: Box<dyn Any + Send>) -> T {
    match value.downcast() {
        Ok(value) => *value,
        Err(_) => unreachable!("an edge has the type of the node that it comes from"),
    }
}

fn typed_shared<T: Send + Sync + 'static>(value: Arc<dyn Any + Send + Sync>) -> Arc<T> {
    value.downcast().unwrap_or_else(|_| unreachable!("an edge has the type of the node that it comes from"))
}
