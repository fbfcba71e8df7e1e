//! One vector of several: what computing a bag gives, and the partitions of one that was made of items.

use std::sync::Arc;

#[cfg(feature = "dask")]
use crate::Error;
use crate::bag::read::Read;
#[cfg(feature = "dask")]
use crate::task::portable::vectors::export_concat;
#[cfg(feature = "dask")]
use crate::task::portable::{Export, Parts};
use crate::task::{Call, TaskFn};

/// All items of these partitions.
#[derive(Clone, Copy)]
pub(super) struct ToVec<T> {
    /// On a cluster.
    #[cfg_attr(not(feature = "dask"), expect(dead_code))]
    pub(super) read: Read<T>,
}

impl<T: Send + Sync + 'static> TaskFn<(Vec<Vec<T>>,)> for ToVec<T> {
    type Output = Vec<T>;

    fn call(&self, (partitions,): (Vec<Vec<T>>,)) -> Call<Vec<T>> {
        let mut all = Vec::with_capacity(partitions.iter().map(Vec::len).sum());
        partitions.into_iter().for_each(|partition| all.extend(partition));
        Call::Returned(Ok(all))
    }

    fn name() -> &'static str {
        "to_vec"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<T>>, Error> {
        export_concat("to_vec", parts, self.read.0)
    }
}

/// A partition whose items are there. It can be computed again.
#[derive(Clone, Copy)]
pub(super) struct Given;

impl<T: Clone + Send + Sync + 'static> TaskFn<(Arc<Vec<T>>,)> for Given {
    type Output = Vec<T>;

    fn call(&self, (items,): (Arc<Vec<T>>,)) -> Call<Vec<T>> {
        Call::Returned(Ok(Arc::unwrap_or_clone(items)))
    }

    fn name() -> &'static str {
        "given"
    }

    #[cfg(feature = "dask")]
    fn export(&self, parts: Parts<'_>) -> Result<Export<Vec<T>>, Error> {
        export_concat("given", parts, None)
    }
}
