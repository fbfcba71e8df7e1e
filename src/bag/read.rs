//! How a client reads a bag of pairs or groups that it has of a cluster.

#[cfg(not(feature = "dask"))]
use std::marker::PhantomData;

#[cfg(feature = "dask")]
use crate::task::portable::vectors::{ReadVector, read_groups, read_pairs};

/// What reads vectors of `T`s, of a type that no registered task need have. Known to operations that make items of others.
pub(super) struct Read<T>(
    #[cfg(feature = "dask")] pub(super) Option<ReadVector<T>>,
    #[cfg(not(feature = "dask"))] PhantomData<fn() -> T>,
);

#[cfg(feature = "dask")]
impl<T> Read<T> {
    /// Only a registered task tells.
    pub(super) fn unknown() -> Self {
        Self(None)
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }
}

#[cfg(feature = "dask")]
impl<A: 'static, B: 'static> Read<(A, B)> {
    pub(super) fn pairs() -> Self {
        Self(Some(read_pairs::<A, B>))
    }
}

#[cfg(feature = "dask")]
impl<K: 'static, T: 'static> Read<(K, Vec<T>)> {
    pub(super) fn groups() -> Self {
        Self(Some(read_groups::<K, T>))
    }
}

/// Without a cluster, all are alike.
#[cfg(not(feature = "dask"))]
impl<T> Read<T> {
    pub(super) fn unknown() -> Self {
        Self(PhantomData)
    }

    pub(super) fn or(self, _: Self) -> Self {
        self
    }

    pub(super) fn pairs() -> Self {
        Self(PhantomData)
    }

    pub(super) fn groups() -> Self {
        Self(PhantomData)
    }
}

impl<T> Clone for Read<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Read<T> {}
