//! What tells whether two submissions under one key are the same work.

use std::any::{Any, TypeId};
use std::fmt::Write as _;

use crate::task::{Arguments, Part};

/// A function with its arguments, as far as they can be compared.
///
/// A function is known by its type, which is enough for functions and for closures that capture nothing. Arguments
/// are known by the tasks that they come from, or, if they are plain, by their value where it is a number, a text or the
/// like. Anything else cannot be shown to be the same, and then is not taken to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    function: TypeId,
    arguments: Option<String>,
}

impl Identity {
    pub(crate) fn new<F: 'static, Args>(arguments: &impl Arguments<Args>) -> Self {
        let mut text = (size_of::<F>() == 0).then(String::new);
        arguments.parts(&mut |part| {
            let Some(line) = &mut text else { return };
            // Length prefixes and separators keep `("a", "b")` and `("ab", "")` apart; writing to a string never fails.
            let written = match part {
                Part::Input(entry) => write!(line, "i{};", entry.id()),
                Part::Plain(value) => match fingerprint(value) {
                    Some(value) => write!(line, "v{}:{value};", value.len()),
                    None => Err(std::fmt::Error),
                },
                Part::End => write!(line, "|"),
            };
            if written.is_err() {
                text = None;
            }
        });
        Self { function: TypeId::of::<F>(), arguments: text }
    }

    /// Whether this is shown to be the same work as `other`.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.arguments.is_some() && self == other
    }
}

/// A text that only equal values of one type share, for the types that are known here.
fn fingerprint(value: &dyn Any) -> Option<String> {
    macro_rules! known {
        ($($type:ty),*) => {$(
            if let Some(value) = value.downcast_ref::<$type>() {
                return Some(format!("{value:?}"));
            }
        )*};
    }
    known!(i64, u64, f64, String, &'static str, i32, u32, f32, usize, isize, bool, u8, i8, u16, i16, char, u128, i128);
    known!((), Vec<i64>, Vec<u64>, Vec<f64>, Vec<String>, Vec<i32>, Vec<u8>, std::path::PathBuf, std::time::Duration);
    None
}
