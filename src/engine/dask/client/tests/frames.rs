//! What is encoded, beside what Dask's own client and a working prototype sent.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::driver::*;
use crate::engine::dask::client::graph::{GraphTask, update_graph};
use crate::engine::dask::client::{Argument, TaskOptions, Work, messages};
use crate::engine::dask::wire::pickle::Pickle;
use crate::engine::dask::wire::{TaskKey, Value};

fn registered(name: &str, arguments: &'static [u8], dependencies: &[&str]) -> Work {
    Work::Registered {
        name: name.into(),
        arguments: Bytes::from_static(arguments),
        dependencies: keys(dependencies),
    }
}
