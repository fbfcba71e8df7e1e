//! What tells whether two submissions under one key are the same work.

use std::any::{TypeId, type_name};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::task::{Arguments, Part, TaskFn, plain};

/// A function with its arguments, as far as they can be compared.
///
/// A function is known by its type, which is enough for functions and for closures that capture nothing. Arguments
/// are known by the tasks that they come from, or, if they are plain, by their value where it is a number, a text or the
/// like. Anything else cannot be shown to be the same, and then is not taken to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    function: TypeId,
    function_name: &'static str,
    arguments: Option<String>,
}

impl Identity {
    pub(crate) fn new<F: TaskFn<Args>, Args>(arguments: &impl Arguments<Args>) -> Self {
        let (function, function_name, is_enough) = F::identity();
        let mut text = is_enough.then(String::new);
        arguments.parts(&mut |part| {
            let Some(line) = &mut text else { return };
            // Length prefixes and separators keep `("a", "b")` and `("ab", "")` apart; writing to a string never fails.
            let written = match part {
                Part::Input(input) => write!(line, "i{};", input.entry().id()),
                Part::Plain(value) => match plain::fingerprint(value) {
                    Some(value) => write!(line, "v{}:{value};", value.len()),
                    None => Err(std::fmt::Error),
                },
                // The function says so, too.
                Part::Several => Ok(()),
                Part::End => write!(line, "|"),
            };
            if written.is_err() {
                text = None;
            }
        });
        Self { function, function_name, arguments: text }
    }

    /// That of a value under a key that was made of it, which is compared elsewhere.
    pub(crate) fn of_value<T: 'static>() -> Self {
        struct Value<T>(std::marker::PhantomData<T>);
        Self { function: TypeId::of::<Value<T>>(), function_name: type_name::<T>(), arguments: Some(String::new()) }
    }

    /// A number that equal work has in every process that is built from the same code, if the work can be compared.
    pub(crate) fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        self.function_name.hash(&mut hasher);
        self.arguments.as_ref()?.hash(&mut hasher);
        Some(hasher.finish())
    }

    /// Whether this is shown to be the same work as `other`.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.arguments.is_some() && self == other
    }
}
