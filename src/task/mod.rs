//! Tasks and their futures, whichever engine runs them.

mod amounts;
mod argument;
mod awaiting;
pub(crate) mod backoff;
pub(crate) mod context;
mod each_item;
mod entry;
mod folded;
mod function;
mod future;
mod handle;
mod identity;
mod info;
mod input;
mod items;
mod key;
mod name;
mod options;
mod place;
pub(crate) mod plain;
#[cfg(feature = "dask")]
pub(crate) mod portable;
mod registry;
mod status;
mod transition;
mod wait_inside;
mod watch;

pub use argument::{IntoArg, IntoArgs};
pub use awaiting::Awaiting;
pub use context::TaskContext;
pub use each_item::EachItem;
pub(crate) use folded::Folded;
pub use function::{Asynchronous, Call, Failure, Fallible, TaskFn, asynchronous, fallible};
pub use future::TaskFuture;
pub use info::TaskInfo;
pub(crate) use input::Input;
pub use key::Key;
pub use options::Options;
#[cfg(feature = "dask")]
pub use portable::python::{PyArgs, Python, python};
pub use registry::{Fallibility, Registration};
pub use status::Status;
pub use transition::{TaskState, Transition};

pub(crate) use amounts::sum_amounts;
pub(crate) use argument::{Argument, Arguments, Part};
pub(crate) use awaiting::{poll_outcome, poll_value};
pub(crate) use entry::{AnyFuture, Awaited, BoxFuture, Entry, Resume, Scheduler, Stored, TypedEntry};
pub(crate) use function::Each;
pub(crate) use handle::{EntryRef, Handle};
pub(crate) use identity::Identity;
pub(crate) use items::{Ends, Enough, Items, TypedItems};
#[cfg(feature = "dask")]
pub(crate) use name::block_of;
pub(crate) use name::{call_name, short_name};
pub(crate) use options::Repeat;
pub(crate) use place::place_of;
pub(crate) use registry::check_registrations;
pub(crate) use wait_inside::WaitInside;
pub(crate) use watch::{Outcome, Watch, WatchId, Watcher, Watchers};
