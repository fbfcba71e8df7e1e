//! One `#[test]` a runtime for each generic body, and how tests look at errors.

use std::error::Error as _;
use std::time::Duration;

use anydask::Error;

/// Longest time that anything may take that waits for no cluster. A hang is a failure.
pub const SOON: Duration = Duration::from_secs(20);

/// Makes tests of generic functions: `everywhere! { a, b }`.
macro_rules! everywhere {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            #[test]
            fn on_tokio() {
                super::$name::<anydask::runtime::Tokio>();
            }

            #[test]
            fn on_async_std() {
                super::$name::<anydask::runtime::AsyncStd>();
            }

            #[test]
            fn on_smol() {
                super::$name::<anydask::runtime::Smol>();
            }
        }
    )* };
}
pub(crate) use everywhere;

/// One test with each version of Dask.
macro_rules! on_each_version {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            #[test]
            fn on_the_oldest() {
                super::$name(crate::cluster::Version::Oldest);
            }

            #[test]
            fn on_the_newest() {
                super::$name(crate::cluster::Version::Newest);
            }
        }
    )* };
}
pub(crate) use on_each_version;

/// All levels of an error in one line, as a program prints it.
pub fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// Holds an error's text, all levels, against what a person needs to read.
#[track_caller]
pub fn says(error: &Error, wanted: &[&str]) {
    let text = chain(error);
    for wanted in wanted {
        assert!(text.contains(wanted), "there is no `{wanted}` in `{text}`\n{error:?}");
    }
    // A level that repeats the next one is told twice.
    let levels: Vec<_> = text.split(": ").collect();
    assert!(levels.windows(2).all(|pair| pair[0] != pair[1]), "it says the same twice: `{text}`");
}
