//! Tasks and their futures, whichever engine runs them.

mod amounts;
mod argument;
pub(crate) mod context;
mod entry;
mod function;
mod future;
mod identity;
mod info;
mod items;
mod key;
mod options;
pub(crate) mod plain;
mod registry;
mod status;
mod transition;
mod wait_inside;
mod watch;

pub use argument::{IntoArg, IntoArgs};
pub use context::TaskContext;
pub use function::{Asynchronous, Call, Failure, Fallible, TaskFn, asynchronous, fallible};
pub use future::{Awaiting, TaskFuture};
pub use info::TaskInfo;
pub use key::Key;
pub use options::Options;
pub use registry::{Fallibility, Registration};
pub use status::Status;
pub use transition::{TaskState, Transition};

pub(crate) use amounts::sum_amounts;
pub(crate) use argument::{Arguments, Part};
pub(crate) use entry::{AnyFuture, BoxFuture, Entry, Resume, Scheduler, Stored, TypedEntry};
pub(crate) use function::Each;
pub(crate) use future::poll_outcome;
pub(crate) use identity::Identity;
pub(crate) use items::{Ends, Enough, EntryRef, Handle, Items, TypedItems};
pub(crate) use options::Repeat;
pub(crate) use registry::check_registrations;
pub(crate) use wait_inside::WaitInside;
pub(crate) use watch::{Outcome, Watch, WatchId, Watcher, Watchers};
