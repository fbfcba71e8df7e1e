//! Serde for what blocks have in common. Each has its own when it comes from elsewhere.
//!
//! The feature `rc` of serde would give every `Rc` and `Arc` of a whole program serde.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<T, S>(shared: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    (**shared).serialize(serializer)
}

pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Arc<T>, D::Error>
where
    T: ?Sized,
    Box<T>: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Box::deserialize(deserializer).map(Arc::from)
}

/// The same for several in a row.
pub(super) mod each {
    use super::*;

    pub(in crate::array::kernel) fn serialize<T, S>(all: &[Arc<T>], serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Serialize,
        S: Serializer,
    {
        serializer.collect_seq(all.iter().map(|shared| &**shared))
    }

    pub(in crate::array::kernel) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<Arc<T>>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::deserialize(deserializer)?.into_iter().map(Arc::new).collect())
    }
}
