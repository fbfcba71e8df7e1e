//! The messages of the scheduler's stream: from maps to events, and from what the worker says to maps.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub(crate) use decode::{Received, decode};
pub(crate) use encode::encode;

/// The resource that workers of our kind register, and the annotation in which a call stands.
pub(crate) const ANYDASK: &str = "anydask";
