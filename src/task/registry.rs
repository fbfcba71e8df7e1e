//! The registered tasks of the program: what `#[task]` defines.

use crate::Error;
use crate::task::Failure;

/// A registered task: the name under which another process knows it, and where it is defined.
#[doc(hidden)]
#[derive(Debug)]
pub struct Registration {
    /// Unique in the program.
    pub name: &'static str,
    /// `file:line`.
    pub location: &'static str,
    /// What a worker calls.
    #[cfg(feature = "dask")]
    pub travelling: crate::task::portable::Travelling,
}

inventory::collect!(Registration);

/// Nothing of a task travels without the engine that it would travel to.
#[cfg(not(feature = "dask"))]
mod macros {
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __anydask_export {
        ($($ignored:tt)*) => {};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __anydask_export_items {
        ($($ignored:tt)*) => {};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __anydask_export_fold {
        ($($ignored:tt)*) => {};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __anydask_register_items {
        ($($ignored:tt)*) => {};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __anydask_register_fold {
        ($($ignored:tt)*) => {};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __anydask_register {
        ($task:ident, $name:expr, $location:expr, $($ignored:tt)*) => {
            $crate::__private::inventory::submit! {
                $crate::__private::Registration { name: $name, location: $location }
            }
        };
    }
}

/// Checks that no two tasks of the program have one name.
///
/// # Errors
///
/// [`Error::DuplicateTask`] with both places.
pub(crate) fn check_registrations() -> Result<(), Error> {
    check(inventory::iter::<Registration>.into_iter().map(|task| (task.name, task.location)))
}

fn check(tasks: impl Iterator<Item = (&'static str, &'static str)>) -> Result<(), Error> {
    let mut tasks: Vec<_> = tasks.collect();
    // The order in which the linker gives them is not one that a person knows.
    tasks.sort_unstable();
    match tasks.iter().zip(tasks.iter().skip(1)).find(|((name, _), (next, _))| name == next) {
        Some(((name, first), (_, second))) => Err(Error::DuplicateTask { name, first, second }),
        None => Ok(()),
    }
}

/// A `Result`, whichever alias it is written with: what makes a registered task fallible.
#[doc(hidden)]
pub trait Fallibility {
    /// The type of `Ok`.
    type Value;

    /// As the engine takes it.
    fn into_result(self) -> Result<Self::Value, Failure>;
}

impl<T, E: Into<Failure>> Fallibility for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, Failure> {
        self.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_registered_twice_is_an_error_that_names_both_places() {
        let tasks = [("demo::inc", "src/b.rs:7"), ("demo::dec", "src/a.rs:1"), ("demo::inc", "src/a.rs:3")];
        let error = check(tasks.into_iter()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::DuplicateTask { name: "demo::inc", first: "src/a.rs:3", second: "src/b.rs:7" }));
        assert!(text.contains("src/a.rs:3") && text.contains("src/b.rs:7"), "{text}");
    }
}
