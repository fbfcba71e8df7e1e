//! Python's pickles: what we write, and what we read without running anything.

pub(crate) mod task_spec;
mod write;

pub(crate) use write::Pickle;
