use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Error;
use crate::task::{Entry, EntryRef, Items, Key};

thread_local! {
    /// The tasks whose bodies are on this thread's stack, or are being polled on it. The last is the current one.
    static CURRENT: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// A task on this thread's stack.
struct Frame {
    body: Body,
    /// Whether it is being polled. Only a body that is called runs for the sake of the one below it, which waits for it.
    is_polled: bool,
}

/// Whose body it is. An item is singled out when somebody asks: few of them are.
#[derive(Clone)]
enum Body {
    Task(Arc<dyn Entry>),
    Item(Arc<dyn Items>, Rc<Cell<u32>>),
}

impl Body {
    fn entry(&self) -> EntryRef<'_> {
        match self {
            Self::Task(entry) => EntryRef::Task(&**entry),
            Self::Item(items, index) => EntryRef::Item(&**items, index.get()),
        }
    }

    fn into_entry(self) -> Arc<dyn Entry> {
        match self {
            Self::Task(entry) => entry,
            Self::Item(items, index) => items.single_out(index.get()),
        }
    }
}

/// The task that runs on this thread, seen from inside.
///
/// # Examples
///
/// A CPU task that stops when it is cancelled:
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, Error, TaskContext, fallible, runtime::Smol};
///
/// fn search(limit: u64) -> Result<u64, Error> {
///     let context = TaskContext::current()?;
///     let mut found = 0;
///     for candidate in 0..limit {
///         context.check()?;
///         found = found.max(candidate % 97);
///     }
///     Ok(found)
/// }
///
/// let client = Client::<Smol>::local().wait()?;
/// assert_eq!(client.submit(fallible(search), 1_000).wait()?, 96);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[derive(Clone)]
pub struct TaskContext {
    entry: Arc<dyn Entry>,
}

impl TaskContext {
    /// The task that the caller is in: the body of a CPU task, or an asynchronous task that is being polled.
    ///
    /// # Errors
    ///
    /// [`Error::NotInTask`] elsewhere.
    pub fn current() -> Result<Self, Error> {
        current_task().map(|entry| Self { entry }).ok_or(Error::NotInTask)
    }

    pub(crate) fn entry(&self) -> &Arc<dyn Entry> {
        &self.entry
    }

    /// The task's key.
    pub fn key(&self) -> Key {
        self.entry.key()
    }

    /// Whether nobody waits for this run any more: the task was cancelled, its last future was dropped, its time is over,
    /// or its client is closing. A CPU task that looks now and then can stop; it still holds its slot until it returns.
    pub fn is_cancelled(&self) -> bool {
        self.entry.run_outcome().is_some()
    }

    /// As [`is_cancelled`](Self::is_cancelled), for `?`.
    ///
    /// # Errors
    ///
    /// What the task's futures resolved to, mostly [`Error::Cancelled`].
    pub fn check(&self) -> Result<(), Error> {
        self.entry.run_outcome().unwrap_or(Ok(()))
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext").field("key", &self.key()).field("is_cancelled", &self.is_cancelled()).finish()
    }
}

/// The task whose body runs on this thread, or is being polled on it.
pub(crate) fn current_task() -> Option<Arc<dyn Entry>> {
    let current = CURRENT.try_with(|current| current.borrow().last().map(|frame| frame.body.clone()));
    current.ok().flatten().map(Body::into_entry)
}

/// Looks at that task. Nothing of the user's may run in there.
pub(crate) fn with_current_task<T>(look: impl FnOnce(EntryRef<'_>) -> T) -> Option<T> {
    CURRENT.try_with(|current| current.borrow().last().map(|frame| look(frame.body.entry()))).ok().flatten()
}

/// The current task, and below it those that wait on this thread's stack until it has ended, each for the one before.
pub(crate) fn current_tasks() -> Vec<Arc<dyn Entry>> {
    let stack = |current: &RefCell<Vec<Frame>>| {
        let mut tasks = Vec::new();
        for frame in current.borrow().iter().rev() {
            tasks.push(frame.body.clone());
            if frame.is_polled {
                break;
            }
        }
        tasks
    };
    CURRENT.try_with(stack).unwrap_or_default().into_iter().map(Body::into_entry).collect()
}

/// How many bodies of tasks are around the caller, one inside the wait of the other.
pub(crate) fn current_depth() -> usize {
    CURRENT.try_with(|current| current.borrow().len()).unwrap_or_default()
}

/// Whether this thread is in the body of a task.
pub(crate) fn is_in_task() -> bool {
    current_depth() > 0
}

/// Says for as long as it lives that this thread is in a body of `entry`, which is called or polled.
pub(crate) fn enter(entry: Arc<dyn Entry>, is_polled: bool) -> Entered {
    CURRENT.with_borrow_mut(|current| current.push(Frame { body: Body::Task(entry), is_polled }));
    Entered(())
}

/// The same for the body of an item, which is called. The item is that of the number in the cell.
pub(crate) fn enter_items(items: Arc<dyn Items>, index: Rc<Cell<u32>>) -> Entered {
    CURRENT.with_borrow_mut(|current| current.push(Frame { body: Body::Item(items, index), is_polled: false }));
    Entered(())
}

/// See [`enter`].
pub(crate) struct Entered(());

impl Drop for Entered {
    fn drop(&mut self) {
        let frame = CURRENT.with_borrow_mut(Vec::pop);
        drop(frame);
    }
}

pin_project! {
    /// A future during whose polls its task is the current one.
    pub(crate) struct InContext<F> {
        entry: Arc<dyn Entry>,
        #[pin]
        future: F,
    }
}

impl<F> InContext<F> {
    pub(crate) fn new(entry: Arc<dyn Entry>, future: F) -> Self {
        Self { entry, future }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = enter(Arc::clone(this.entry), true);
        this.future.poll(cx)
    }
}
