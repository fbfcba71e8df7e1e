//! What is in a `Serialized`: the datum of a task or of a client, as far as we read it.
//!
//! Who only passes data on needs none of this.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::array::read_array;
use crate::engine::dask::wire::error::WireError;
use crate::engine::dask::wire::limits::Budget;
use crate::engine::dask::wire::message::refuse_compression;
use crate::engine::dask::wire::{Serialized, Value, msgpack};
use crate::task::portable::PyArray;

/// A datum of a peer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    /// It came as msgpack.
    Value(Value),
    /// See `pickle::Unpickled`.
    Pickle {
        pickle: Bytes,
        buffers: Vec<Bytes>,
    },
    /// Python's `bytes`, which tasks of ours make, `bytearray` or `memoryview`.
    Bytes(Bytes),
    Array(PyArray),
    /// The sender could not serialise it, and says why.
    Error(Arc<str>),
    List(Vec<Data>),
    Tuple(Vec<Data>),
    Set(Vec<Data>),
    Dict(Vec<(Value, Data)>),
}

const HEADER: &str = "the header of a datum";

impl Serialized {
    /// Reads what it is. Bytes and buffers are not copied, unless they come in several frames.
    ///
    /// # Errors
    ///
    /// It is compressed, of a kind that we do not read, or makes no sense. Or it has more items than `budget`.
    pub(crate) fn data(&self, budget: &mut Budget) -> Result<Data, WireError> {
        refuse_compression(&self.header)?;
        let frames = self.whole_frames()?;
        // The collections that are not whole yet, from the outermost to the innermost.
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut next = (&*self.header, frames.as_slice());
        loop {
            let (header, frames) = next;
            let mut whole = match Open::of_header(header, frames)? {
                Some(collection) => {
                    budget.take_items(collection.headers.len() as u64)?;
                    open.push(collection);
                    None
                }
                None => Some(leaf(header, frames, budget)?),
            };
            budget.check_depth(open.len())?;
            next = loop {
                let Some(innermost) = open.last_mut() else {
                    // Without a collection, there is a leaf.
                    return Ok(whole.unwrap_or(Data::Value(Value::Nil)));
                };
                innermost.items.extend(whole.take());
                if let Some(next) = innermost.next()? {
                    break next;
                }
                whole = open.pop().map(Open::close).transpose()?;
            };
        }
    }

    /// The frames, put together from the shards that large ones come in.
    fn whole_frames(&self) -> Result<Vec<Bytes>, WireError> {
        let Some(counts) = self.header.get("split-num-sub-frames") else { return Ok(self.frames.clone()) };
        let split = |name| WireError::Field { of: HEADER, name, expected: "counts of its frames in order" };
        let counts = lengths(counts).ok_or_else(|| split("split-num-sub-frames"))?;
        let offsets = self.header.get("split-offsets").and_then(lengths).ok_or_else(|| split("split-offsets"))?;
        let mut rest = self.frames.as_slice();
        let mut whole = Vec::with_capacity(counts.len());
        for (index, count) in counts.iter().enumerate() {
            // Shards that overlapped would make more of the frames than has arrived.
            if offsets.get(index) != Some(&(self.frames.len() - rest.len())) {
                return Err(split("split-offsets"));
            }
            let (shards, after) = rest.split_at_checked(*count).ok_or_else(|| split("split-num-sub-frames"))?;
            whole.push(concatenated(shards));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(split("split-num-sub-frames"));
        }
        Ok(whole)
    }
}

/// A collection that is being read. Dask sends each of its items with a header of its own.
struct Open<'a> {
    kind: Kind,
    headers: &'a [Value],
    lengths: Vec<usize>,
    frames: &'a [Bytes],
    items: Vec<Data>,
    keys: Vec<Value>,
}

#[derive(Clone, Copy)]
enum Kind {
    List,
    Tuple,
    Set,
    Dict,
}

impl<'a> Open<'a> {
    /// `None` if it is no collection.
    fn of_header(header: &'a Value, frames: &'a [Bytes]) -> Result<Option<Self>, WireError> {
        if header.get("is-collection") != Some(&Value::Bool(true)) {
            return Ok(None);
        }
        let field = |name, expected| WireError::Field { of: HEADER, name, expected };
        let kind = match header.get("type-serialized").and_then(Value::as_str) {
            Some("list") => Kind::List,
            Some("tuple") => Kind::Tuple,
            Some("set") => Kind::Set,
            Some("dict") => Kind::Dict,
            _ => return Err(field("type-serialized", "list, tuple, set or dict")),
        };
        let headers = header.get("sub-headers").and_then(Value::items);
        let headers = headers.ok_or_else(|| field("sub-headers", "a list"))?;
        let lengths = header.get("frame-lengths").and_then(lengths).filter(|lengths| lengths.len() == headers.len());
        let lengths = lengths.ok_or_else(|| field("frame-lengths", "a count for each of its items"))?;
        Ok(Some(Self { kind, headers, lengths, frames, items: Vec::with_capacity(headers.len()), keys: Vec::new() }))
    }

    /// The header and the frames of the next item.
    fn next(&mut self) -> Result<Option<(&'a Value, &'a [Bytes])>, WireError> {
        let index = self.items.len();
        let (Some(header), Some(length)) = (self.headers.get(index), self.lengths.get(index)) else { return Ok(None) };
        let missing = WireError::Field { of: HEADER, name: "frame-lengths", expected: "a part of its frames" };
        let (frames, rest) = self.frames.split_at_checked(*length).ok_or(missing)?;
        self.frames = rest;
        if let Kind::Dict = self.kind {
            let missing = WireError::Field { of: HEADER, name: "key", expected: "there" };
            self.keys.push(header.get("key").cloned().ok_or(missing)?);
        }
        Ok(Some((header, frames)))
    }

    fn close(self) -> Result<Data, WireError> {
        if !self.frames.is_empty() {
            return Err(WireError::Inconsistent { of: HEADER, problem: "frames that belong to no item are left over" });
        }
        Ok(match self.kind {
            Kind::List => Data::List(self.items),
            Kind::Tuple => Data::Tuple(self.items),
            Kind::Set => Data::Set(self.items),
            Kind::Dict => Data::Dict(self.keys.into_iter().zip(self.items).collect()),
        })
    }
}

fn leaf(header: &Value, frames: &[Bytes], budget: &mut Budget) -> Result<Data, WireError> {
    let unsupported = |what, name: &str| {
        let found = header.get(name).and_then(Value::as_str).unwrap_or("?");
        Err(WireError::Unsupported { what, found: found.into() })
    };
    match header.get("serializer").and_then(Value::as_str) {
        Some("pickle") => match frames.split_first() {
            Some((pickle, buffers)) => Ok(Data::Pickle { pickle: pickle.clone(), buffers: buffers.to_vec() }),
            None => Err(WireError::Inconsistent { of: "a pickled datum", problem: "it has no frame" }),
        },
        Some("msgpack") => msgpack::read(&concatenated(frames), budget).map(Data::Value),
        Some("error") => Ok(Data::Error(String::from_utf8_lossy(&concatenated(frames)).into())),
        Some("dask") => match header.get("type").and_then(Value::as_str) {
            Some("bytes" | "builtins.bytes" | "bytearray" | "memoryview") => Ok(Data::Bytes(concatenated(frames))),
            Some("numpy.ndarray") => read_array(header, concatenated(frames)).map(Data::Array),
            _ => unsupported("a datum of the type", "type"),
        },
        _ => unsupported("a datum with the serializer", "serializer"),
    }
}

/// One piece is not copied.
fn concatenated(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [] => Bytes::new(),
        [piece] => piece.clone(),
        _ => pieces.concat().into(),
    }
}

fn lengths(value: &Value) -> Option<Vec<usize>> {
    value.items()?.iter().map(|item| usize::try_from(item.as_i64()?).ok()).collect()
}
