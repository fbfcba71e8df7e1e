//! Tasks and their futures, whichever engine runs them.

mod argument;
pub(crate) mod context;
mod entry;
mod function;
mod future;
mod identity;
mod key;
mod options;
mod registry;
mod status;
mod watch;

pub use argument::{IntoArg, IntoArgs};
pub use context::TaskContext;
pub use function::{Asynchronous, Call, Failure, Fallible, TaskFn, asynchronous, fallible};
pub use future::{Awaiting, TaskFuture};
pub use key::Key;
pub use registry::{Fallibility, Registration};
pub use status::Status;

pub(crate) use argument::{Arguments, Part};
pub(crate) use entry::{BoxFuture, Entry, Resume, Scheduler, Stored, TypedEntry};
pub(crate) use future::poll_outcome;
pub(crate) use identity::Identity;
pub(crate) use options::{Options, Repeat};
pub(crate) use registry::check_registrations;
pub(crate) use watch::{Outcome, Watch, WatchId, Watcher, Watchers};
