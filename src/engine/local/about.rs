//! What a task is called and where it belongs.

use std::panic::Location;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use crate::engine::local::Engine;
use crate::engine::local::clients::{ClientState, Lease};
use crate::engine::local::node::Node;
use crate::engine::local::table::Row;
use crate::engine::local::terms::Terms;
use crate::engine::local::trace::Trace;
use crate::task::Key;

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

    /// Enters the task into the table of the engine, which it leaves when it is dropped.
    pub(crate) fn enter_table(&mut self, node: Weak<dyn Node>) {
        self.row = Some(self.engine().tasks.insert(node));
    }

    /// The task is being dropped.
    pub(crate) fn leave_table(&self) {
        if let Some(row) = self.row {
            self.engine().tasks.remove(row);
        }
    }

    /// Whether a body of it runs, also of one that has ended meanwhile.
    pub(crate) fn has_body(&self) -> bool {
        self.bodies.load(Ordering::Acquire) > 0
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        self.client().engine()
    }

    /// The same with a key of its own choice, which stands in no table of the engine.
    #[cfg(feature = "dask")]
    pub(crate) fn set_key(&mut self, key: Key) {
        self.key = Box::new(key).into();
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
        let make = || match short_name((self.name)()) {
            // A program has many closures; the place tells them apart.
            "{{closure}}" => format!("closure@{}:{}-{}", file_name(self.location), self.location.line(), self.id),
            name => format!("{name}-{}", self.id),
        };
        Key::clone(self.key.get_or_init(|| Box::new(make().into())))
    }
}

/// The last word of a function's path, without its generic arguments.
pub(crate) fn short_name(path: &str) -> &str {
    let (mut depth, mut start) = (0_usize, 0);
    for (index, letter) in path.char_indices() {
        match letter {
            '<' => depth += 1,
            // Not the arrow of a function's type.
            '>' if !path[..index].ends_with('-') => depth = depth.saturating_sub(1),
            ':' if depth == 0 => start = index + 1,
            _ => {}
        }
    }
    let word = &path[start..];
    word.split('<').next().unwrap_or(word)
}

fn file_name(location: &'static Location<'static>) -> &'static str {
    location.file().rsplit(['/', '\\']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_the_last_word_of_a_path() {
        assert_eq!(short_name("inc"), "inc");
        assert_eq!(short_name("demo::inc"), "inc");
        assert_eq!(short_name("demo::fib<anydask_smol::Smol>"), "fib");
        assert_eq!(short_name("demo::Setting<R>::occupy::{{closure}}"), "{{closure}}");
        assert_eq!(short_name("<demo::A as demo::B<fn(i64) -> i64>>::run"), "run");
    }
}
