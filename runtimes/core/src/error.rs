use std::any::Any;
use std::error::Error;
use std::fmt;

/// Why a task gave no value.
///
/// # Examples
///
/// ```
/// use anydask_runtime::JoinError;
///
/// let error = JoinError::Panicked(Box::new("no such page"));
/// assert!(error.is_panic());
/// assert_eq!(error.to_string(), "the task panicked: no such page");
/// ```
pub enum JoinError {
    /// The task panicked; the payload of its panic.
    Panicked(Box<dyn Any + Send>),
    /// The task was aborted before it finished.
    Aborted,
    /// The runtime shut down before the task finished.
    Shutdown,
}

impl JoinError {
    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// The text of the panic, where its payload is a text.
    pub fn panic_message(&self) -> Option<&str> {
        match self {
            Self::Panicked(payload) => panic_text(payload.as_ref()),
            _ => None,
        }
    }
}

/// The text that `panic!` was called with.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&'static str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(_) => f.debug_tuple("Panicked").field(&self.panic_message()).finish(),
            Self::Aborted => f.write_str("Aborted"),
            Self::Shutdown => f.write_str("Shutdown"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(_) => match self.panic_message() {
                Some(message) => write!(f, "the task panicked: {message}"),
                None => f.write_str("the task panicked"),
            },
            Self::Aborted => f.write_str("the task was aborted before it finished"),
            Self::Shutdown => f.write_str("the runtime shut down before the task finished"),
        }
    }
}

impl Error for JoinError {}

/// `block_on` was called where blocking would stall the runtime: inside one of its tasks.
///
/// # Examples
///
/// ```
/// use anydask_runtime::NestedBlockOn;
///
/// assert!(NestedBlockOn::new("tokio").to_string().contains("use `.await` here"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NestedBlockOn {
    /// The runtime whose task the caller is in.
    pub runtime: &'static str,
}

impl NestedBlockOn {
    /// The error for a caller inside a task of `runtime`.
    pub const fn new(runtime: &'static str) -> Self {
        Self { runtime }
    }
}

impl fmt::Display for NestedBlockOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blocking inside a task of {} would stall it; use `.await` here", self.runtime)
    }
}

impl Error for NestedBlockOn {}

/// No runtime was found around the caller.
///
/// # Examples
///
/// ```
/// use anydask_runtime::NoRuntime;
///
/// assert!(NoRuntime::new(["tokio", "smol"]).to_string().contains("looked for: tokio, smol"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoRuntime {
    /// The runtimes that were looked for, in this order.
    pub looked_for: Vec<&'static str>,
}

impl NoRuntime {
    /// The error for a search of `looked_for` that found none.
    pub fn new(looked_for: impl Into<Vec<&'static str>>) -> Self {
        Self { looked_for: looked_for.into() }
    }
}

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.looked_for.as_slice() {
            [] => {
                f.write_str("no runtime is compiled in; enable a runtime's feature, or pass a runtime of your own")?
            }
            names => write!(f, "no async runtime around the caller (looked for: {})", names.join(", "))?,
        }
        f.write_str("; call this inside a runtime, or pass one explicitly with `Client::with_runtime(..)`")
    }
}

impl Error for NoRuntime {}
