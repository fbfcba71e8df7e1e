use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The name of a task, unique among the unfinished and held ones of an engine.
///
/// Given with [`key`](crate::TaskBuilder::key), else made from the function's name, or for a closure the place where it
/// was submitted, and a number: `inc-17`, `closure@main.rs:10-18`.
/// Cheap to clone; reads like a `&str`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let future = client.task(|x: i64| x + 1, 1).key("first").submit();
/// assert_eq!(future.key(), "first");
/// assert!(client.submit(|| 1, ()).key().starts_with("closure@"));
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// Longest key that a user may choose, in bytes. Keys are names, and every message about a task carries one.
    pub const NBYTES_MAX: usize = 512;

    /// The key as text.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(anydask::Key::from("first").as_str(), "first");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Deref for Key {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

// A key is ordered and hashed as its text is: a map by key can be asked for a text.
impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Key {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Key {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
