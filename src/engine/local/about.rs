//! What a task is called and where it belongs.

use std::any::Any;
use std::panic::Location;
use std::sync::Arc;

use crate::engine::local::Engine;
use crate::engine::local::clients::ClientState;
use crate::engine::local::lease::Lease;
use crate::engine::local::terms::Terms;
use crate::engine::local::trace::Trace;
use crate::task::{Key, Repeat, call_name, short_name};

/// What a task is called and where it belongs, as far as its type does not say it.
pub(crate) struct About {
    /// Who submitted it.
    lease: Arc<Lease>,
    /// There only if there is something in it: a plain task pays for one look at it.
    special: Option<Box<Special>>,
}

/// What few tasks have.
#[derive(Default)]
struct Special {
    /// If it was chosen, or made of contents.
    key: Option<Key>,
    /// Whether the key stands in the engine's table.
    is_keyed: bool,
    terms: Option<Terms>,
    /// Copies the arguments for another run, if there may be one: a `Repeat` of their type.
    repeat: Option<Box<dyn Any + Send + Sync>>,
    trace: Trace,
}

/// A task that is about to be made.
pub(crate) struct Draft {
    pub(crate) about: About,
    /// Which task of the lease it is.
    pub(crate) index: u8,
    /// Where it was submitted.
    pub(crate) location: &'static Location<'static>,
}

impl Draft {
    pub(crate) fn new((lease, index): (Arc<Lease>, u8), location: &'static Location<'static>) -> Self {
        Self { about: About { lease, special: None }, index, location }
    }

    /// The key of a task that calls the function `name`.
    pub(crate) fn key(&self, name: &str) -> Key {
        self.about.key(name, self.index, || Some(self.location))
    }

    /// Names it after `label` instead of its function.
    pub(crate) fn set_label(&mut self, label: &str) {
        let id = self.about.lease.id(self.index);
        self.set_key(format!("{label}-{id}").into(), false);
    }

    /// Gives it a key that was chosen.
    pub(crate) fn set_key(&mut self, key: Key, is_keyed: bool) {
        let special = self.about.special.get_or_insert_default();
        special.key = Some(key);
        special.is_keyed = is_keyed;
    }

    pub(crate) fn set_terms(&mut self, terms: Terms) {
        self.about.special.get_or_insert_default().terms = Some(terms);
    }

    pub(crate) fn set_repeat<A: 'static>(&mut self, repeat: Repeat<A>) {
        self.about.special.get_or_insert_default().repeat = Some(Box::new(repeat));
    }

    pub(crate) fn set_trace(&mut self, trace: Trace) {
        self.about.special.get_or_insert_default().trace = trace;
    }
}

impl About {
    #[inline]
    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    #[inline]
    pub(crate) fn client(&self) -> &Arc<ClientState> {
        self.lease.client()
    }

    #[inline]
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        self.client().engine()
    }

    /// Whether it has no options, no chosen key and no span.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.special.is_none()
    }

    /// There only if it was submitted with options.
    #[inline]
    pub(crate) fn terms(&self) -> Option<&Terms> {
        self.special.as_deref()?.terms.as_ref()
    }

    /// Whether the key was chosen and stands in the engine's table.
    #[inline]
    pub(crate) fn is_keyed(&self) -> bool {
        self.special.as_deref().is_some_and(|special| special.is_keyed)
    }

    pub(crate) fn repeat<A: 'static>(&self) -> Option<Repeat<A>> {
        self.special.as_deref()?.repeat.as_ref()?.downcast_ref().copied()
    }

    #[inline]
    pub(crate) fn trace(&self) -> &Trace {
        const NONE: &Trace = &Trace::none();
        self.special.as_deref().map_or(NONE, |special| &special.trace)
    }

    /// The resources that it asks for, for messages.
    pub(crate) fn resource_names(&self) -> String {
        let wanted = self.terms().map_or(&[][..], |terms| &terms.options.resources);
        wanted.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    /// How many runs have begun, as far as they are counted: of tasks with options.
    pub(crate) fn runs(&self) -> u32 {
        self.terms().map_or(0, Terms::runs_of_attempt)
    }

    /// Why the `run`-th run, counted from 1, was not the last, for messages.
    pub(crate) fn failure_of_run(&self, run: u32) -> String {
        match self.terms().and_then(|terms| terms.failure_of(run)) {
            Some(error) => format!("run {run} failed: {}", error.chain()),
            None => format!("run {run} failed"),
        }
    }

    /// The key of the task at `index` of the lease, which calls the function `name`. It is made whenever somebody asks, since
    /// most tasks are never named.
    pub(crate) fn key(
        &self,
        name: &str,
        index: u8,
        location: impl FnOnce() -> Option<&'static Location<'static>>,
    ) -> Key {
        if let Some(key) = self.special.as_deref().and_then(|special| special.key.as_ref()) {
            return key.clone();
        }
        let id = self.lease.id(index);
        let name = match location() {
            Some(location) => call_name(name, location),
            None => short_name(name).into(),
        };
        format!("{name}-{id}").into()
    }
}
