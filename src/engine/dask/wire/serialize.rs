//! Data of ours, as `Serialized` that Python reads.

use bytes::Bytes;

use crate::engine::dask::wire::array::sub_header;
use crate::engine::dask::wire::pickle::Pickle;
use crate::engine::dask::wire::{Serialized, Value};
#[cfg(test)]
use crate::engine::dask::wire::{WireError, msgpack};
use crate::task::portable::PyArray;

/// How much goes into one frame. Dask's own senders cut at this, and its receivers put together again.
pub(crate) const SHARD_NBYTES: usize = 64 << 20;

impl Serialized {
    /// A Python `bytes` object.
    pub(crate) fn of_bytes(bytes: &Bytes) -> Self {
        let header = [
            ("serializer", "dask".into()),
            ("sub-header", Value::Map(Vec::new())),
            ("type", "bytes".into()),
            ("type-serialized", class_pickle("builtins", "bytes").into()),
        ];
        Self::of_frame(header, bytes)
    }

    /// Whatever a pickle without buffers makes. It can be of a global only that every receiver has.
    pub(crate) fn of_pickle(pickle: &Bytes) -> Self {
        Self::of_frame([("serializer", "pickle".into()), ("writeable", Value::List(Vec::new()))], pickle)
    }

    /// A value that is meaningful to Python, as msgpack. Lists arrive there as tuples.
    ///
    /// # Errors
    ///
    /// It holds data that is serialised already, or something longer than 4 GiB.
    #[cfg(test)]
    pub(crate) fn of_msgpack(value: &Value) -> Result<Self, WireError> {
        Ok(Self::of_frame([("serializer", "msgpack".into())], &msgpack::write(value)?))
    }

    /// A `numpy.ndarray`.
    pub(crate) fn of_array(array: &PyArray) -> Self {
        let header = [
            ("serializer", "dask".into()),
            ("sub-header", sub_header(array)),
            ("type", "numpy.ndarray".into()),
            ("type-serialized", class_pickle("numpy", "ndarray").into()),
        ];
        Self::of_frame(header, array.data())
    }

    /// What `task-erred` has under `exception`. `class` is one of Python's own, such as `RuntimeError`: clients of Dask break on
    /// classes that they do not have. Clients of ours read what it was in Rust, `kind`, from an attribute.
    pub(crate) fn of_exception(class: &'static str, message: &str, kind: &'static str) -> Self {
        Self::of_bytes(&exception_pickle(class, message, kind))
    }

    fn of_frame<const N: usize>(header: [(&str, Value); N], frame: &Bytes) -> Self {
        let frames = shards(frame, SHARD_NBYTES);
        let count = frames.len();
        let split = [
            ("split-num-sub-frames", vec![Value::from(count as u64)].into()),
            ("split-offsets", vec![Value::Int(0)].into()),
            ("compression", vec![Value::Nil; count].into()),
        ];
        Self { header: Box::new(Value::map(header.into_iter().chain(split))), frames }
    }
}

/// The pickle of a class, which `type` of `task-finished` has.
pub(crate) fn class_pickle(module: &'static str, name: &'static str) -> Bytes {
    Pickle::global(module, name).dumps()
}

/// The attribute of an exception that says what it was in Rust.
pub(super) const RUST_KIND: &str = "anydask";

/// The pickle of an exception of one of Python's own classes.
pub(crate) fn exception_pickle(class: &'static str, message: &str, kind: &'static str) -> Bytes {
    let exception = Pickle::call(Pickle::global("builtins", class), [message.into()]);
    Pickle::Built(Box::new(exception), Box::new(Pickle::dict([(RUST_KIND, kind.into())]))).dumps()
}

/// One at least, since an empty frame is a frame.
fn shards(bytes: &Bytes, shard_nbytes: usize) -> Vec<Bytes> {
    let mut rest = bytes.clone();
    let mut shards = Vec::new();
    while rest.len() > shard_nbytes {
        shards.push(rest.split_to(shard_nbytes));
    }
    shards.push(rest);
    shards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_the_bytes_in_order() {
        let bytes = Bytes::from_iter(0..10);
        assert_eq!(shards(&bytes, 4), [&bytes[..4], &bytes[4..8], &bytes[8..]]);
        assert_eq!(shards(&bytes, 5), [&bytes[..5], &bytes[5..]]);
        assert_eq!(shards(&Bytes::new(), 5), [Bytes::new()]);
    }
}
