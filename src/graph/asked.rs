//! What was asked for, and the futures that answer.

use std::vec;

use crate::graph::inputs::Handle;
use crate::graph::{Lazy, Persist};

/// What somebody wants computed, in order.
#[derive(Debug)]
pub struct Asked {
    pub(crate) wanted: Vec<Lazy>,
    /// What belongs to collections that were asked for, and may not be needed for what is wanted of them.
    pub(crate) parts: Vec<Lazy>,
    with_parts: bool,
}

impl Asked {
    pub(crate) fn new(with_parts: bool) -> Self {
        Self { wanted: Vec::new(), parts: Vec::new(), with_parts }
    }

    pub(crate) fn want(&mut self, lazy: Lazy) {
        self.wanted.push(lazy);
    }

    /// Adds parts of a collection that nobody asked for, if they count.
    pub(crate) fn part(&mut self, parts: &impl Persist) {
        if self.with_parts {
            let mut asked = Self::new(false);
            parts.ask(&mut asked);
            self.parts.append(&mut asked.wanted);
        }
    }
}

/// The futures of what was wanted, in the same order.
pub struct Computed(vec::IntoIter<Handle>);

impl Computed {
    pub(crate) fn new(handles: Vec<Handle>) -> Self {
        Self(handles.into_iter())
    }

    pub(crate) fn next(&mut self) -> Handle {
        self.0.next().unwrap_or_else(|| unreachable!("there is a future for each thing that was asked for"))
    }
}

impl std::fmt::Debug for Computed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Computed").field("left", &self.0.len()).finish()
    }
}
