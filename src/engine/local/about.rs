//! What a task is called and where it belongs.

use std::panic::Location;
use std::sync::{Arc, OnceLock};

use crate::engine::local::Engine;
use crate::engine::local::terms::Terms;
use crate::engine::local::trace::Trace;
use crate::task::Key;

/// What a task is called and where it belongs.
pub(crate) struct About {
    pub(crate) engine: Arc<Engine>,
    /// Counts the engine's tasks.
    pub(crate) id: u64,
    /// The function's name.
    pub(crate) name: &'static str,
    /// Made when somebody asks: most tasks are never named.
    pub(crate) key: OnceLock<Key>,
    /// Whether the key was chosen and stands in the engine's table.
    pub(crate) is_keyed: bool,
    /// Where the task was submitted.
    pub(crate) location: &'static Location<'static>,
    /// Whether it runs on the runtime instead of on a thread of the engine.
    pub(crate) is_asynchronous: bool,
    pub(crate) trace: Trace,
    /// There only if it was submitted with options.
    pub(crate) terms: Option<Box<Terms>>,
}

impl About {
    pub(crate) fn key(&self) -> Key {
        let make = || match short_name(self.name) {
            // A program has many closures; the place tells them apart.
            "{{closure}}" => format!("closure@{}:{}-{}", file_name(self.location), self.location.line(), self.id),
            name => format!("{name}-{}", self.id),
        };
        self.key.get_or_init(|| make().into()).clone()
    }
}

/// The last word of a function's path, without its generic arguments.
fn short_name(path: &str) -> &str {
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
