//! What a task is called and where it belongs.

use std::panic::Location;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use crate::engine::local::Engine;
use crate::engine::local::clients::{ClientState, Lease};
use crate::engine::local::table::Row;
use crate::engine::local::terms::Terms;
use crate::engine::local::trace::Trace;
use crate::task::{Key, call_name};

/// What a task is called and where it belongs.
pub(crate) struct About {
    /// Who submitted it.
    pub(crate) lease: Arc<Lease>,
    /// Counts the engine's tasks.
    pub(crate) id: u64,
    /// Gives the function's name.
    pub(crate) name: fn() -> &'static str,
    /// Made when somebody asks: most tasks are never named.
    pub(crate) key: OnceLock<Box<Key>>,
    /// Whether the key was chosen and stands in the engine's table.
    pub(crate) is_keyed: bool,
    /// Where the task was submitted.
    pub(crate) location: &'static Location<'static>,
    /// Whether it runs on the runtime instead of on a thread of the engine.
    pub(crate) is_asynchronous: bool,
    /// How many bodies of it are on threads, or futures on the runtime. A cancelled one may still run when the next attempt
    /// begins.
    pub(crate) bodies: AtomicU32,
    /// Where it stands in the table of the engine, if it does.
    pub(crate) row: Option<Row>,
    pub(crate) trace: Trace,
    /// There only if it was submitted with options.
    pub(crate) terms: Option<Box<Terms>>,
}

impl About {
    pub(crate) fn client(&self) -> &Arc<ClientState> {
        self.lease.client()
    }

    /// Whether a body of it runs, also of one that has ended meanwhile.
    pub(crate) fn has_body(&self) -> bool {
        self.bodies.load(Ordering::Acquire) > 0
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        self.client().engine()
    }

    /// The resources that it asks for, for messages.
    pub(crate) fn resource_names(&self) -> String {
        let wanted = self.terms.as_deref().map_or(&[][..], |terms| &terms.options.resources);
        wanted.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    /// How many runs have begun, as far as they are counted: of tasks with options.
    pub(crate) fn runs(&self) -> u32 {
        self.terms.as_deref().map_or(0, Terms::runs_of_attempt)
    }

    /// Why the `run`-th run, counted from 1, was not the last, for messages.
    pub(crate) fn failure_of_run(&self, run: u32) -> String {
        match self.terms.as_deref().and_then(|terms| terms.failure_of(run)) {
            Some(error) => format!("run {run} failed: {}", error.chain()),
            None => format!("run {run} failed"),
        }
    }

    pub(crate) fn key(&self) -> Key {
        let make = || format!("{}-{}", call_name((self.name)(), self.location), self.id);
        Key::clone(self.key.get_or_init(|| Box::new(make().into())))
    }
}
