//! Messages: a value in frame 0, and what it refers to in the frames after it.
//!
//! `{"__Serialized__": n}` and `{"__Pickled__": n}` stand for what begins at frame `n` with a header of its own. Sets and members
//! of enums are maps with names of their own.

use bytes::Bytes;
use rmp::encode::ByteBuf;

use crate::engine::dask::wire::error::WireError;
use crate::engine::dask::wire::frames::EncodedMessage;
use crate::engine::dask::wire::limits::{Budget, Limits};
use crate::engine::dask::wire::{Pickled, Serialized, Value, msgpack};

const SERIALIZED: &str = "__Serialized__";
const PICKLED: &str = "__Pickled__";

/// The value of a message. Byte strings and frames in it are parts of `frames`, not copies.
///
/// Of the header of a `Serialized`, `num-sub-frames` is left out, since its frames say it. Members of enums become their names.
///
/// # Errors
///
/// It is more than `limits` allow, or not what Dask sends. No more is reserved than about 64 times of what `frames` have.
pub(crate) fn decode_message(frames: Vec<Bytes>, limits: &Limits) -> Result<Value, WireError> {
    let message = frames.first().cloned().unwrap_or_default();
    let mut frames = Frames { slots: frames.into_iter().map(Some).collect() };
    let mut budget = Budget::new(limits);
    msgpack::read_with(&message, &mut budget, &mut |entries, budget| match entries.as_slice() {
        [(name, Value::Int(first @ 1..))] if name.as_str() == Some(SERIALIZED) => {
            frames.take_serialized(*first, budget)
        }
        [(name, Value::Int(first @ 1..))] if name.as_str() == Some(PICKLED) => frames.take_pickled(*first, budget),
        _ => Ok(of_plain_entries(entries)),
    })
}

/// The frames of a message. Payloads are not copied.
///
/// # Errors
///
/// A text, byte string, list or map is longer than msgpack can say: 4 GiB. A frame of a `Serialized` may be longer.
pub(crate) fn encode_message(value: &Value) -> Result<EncodedMessage, WireError> {
    // Frame 0 is written last.
    let mut frames = vec![Bytes::new()];
    let mut message = ByteBuf::new();
    msgpack::write_with(&mut message, value, &mut |value| {
        let first = frames.len() as u64;
        match value {
            Value::Serialized(serialized) => {
                frames.push(msgpack::write(&wire_header(serialized))?);
                frames.extend(serialized.frames.iter().cloned());
                Ok((SERIALIZED, first))
            }
            Value::Pickled(Pickled { pickle, buffers }) => {
                let header = Value::map([
                    ("pickled-obj", Value::Bin(pickle.clone())),
                    ("compression", vec![Value::Nil; buffers.len()].into()),
                    (NUM_SUB_FRAMES, (buffers.len() as u64).into()),
                ]);
                frames.push(msgpack::write(&header)?);
                frames.extend(buffers.iter().cloned());
                Ok((PICKLED, first))
            }
            _ => {
                Err(WireError::Inconsistent { of: "a message", problem: "only serialised data has frames of its own" })
            }
        }
    })?;
    if let Some(first) = frames.first_mut() {
        *first = message.into_vec().into();
    }
    Ok(EncodedMessage::new(frames))
}

/// The messages in one message of a stream: one map, or a list of maps.
///
/// # Errors
///
/// It is anything else.
pub(crate) fn stream_messages(message: Value) -> Result<Vec<Value>, WireError> {
    let error = WireError::Field { of: "a message of a stream", name: "message", expected: "a map or a list of maps" };
    match message {
        Value::Map(_) => Ok(vec![message]),
        Value::List(items) if items.iter().all(|item| matches!(item, Value::Map(_))) => Ok(items),
        _ => Err(error),
    }
}

const NUM_SUB_FRAMES: &str = "num-sub-frames";

/// The entries of the header of what has frames of its own.
type Header = Vec<(Value, Value)>;

/// The frames that no placeholder has named yet. Each can be named once, so that a small message cannot make a large value.
struct Frames {
    slots: Vec<Option<Bytes>>,
}

impl Frames {
    fn take_serialized(&mut self, first: i64, budget: &mut Budget) -> Result<Value, WireError> {
        let (mut header, frames) = self.take(SERIALIZED, first, budget)?;
        header.retain(|(name, _)| name.as_str() != Some(NUM_SUB_FRAMES));
        Ok(Value::Serialized(Serialized { header: Box::new(Value::Map(header)), frames }))
    }

    fn take_pickled(&mut self, first: i64, budget: &mut Budget) -> Result<Value, WireError> {
        let (header, buffers) = self.take(PICKLED, first, budget)?;
        let header = Value::Map(header);
        refuse_compression(&header)?;
        match header.get("pickled-obj") {
            Some(Value::Bin(pickle)) => Ok(Value::Pickled(Pickled { pickle: pickle.clone(), buffers })),
            _ => Err(WireError::Field { of: PICKLED, name: "pickled-obj", expected: "bytes" }),
        }
    }

    /// The header in frame `first`, and the frames that it announces.
    fn take(
        &mut self,
        placeholder: &'static str,
        first: i64,
        budget: &mut Budget,
    ) -> Result<(Header, Vec<Bytes>), WireError> {
        let available = self.slots.len() as u64;
        let missing = |count: u64| WireError::Frames { placeholder, first: first.unsigned_abs(), count, available };
        let first_index = usize::try_from(first).map_err(|_| missing(1))?;
        let header = self.slots.get_mut(first_index).and_then(Option::take).ok_or_else(|| missing(1))?;
        let header = msgpack::read_with(&header, budget, &mut |entries, _| Ok(of_plain_entries(entries)))?;
        let count = header.get(NUM_SUB_FRAMES).and_then(Value::as_i64).and_then(|count| usize::try_from(count).ok());
        let Some(count) = count else {
            return Err(WireError::Field { of: placeholder, name: NUM_SUB_FRAMES, expected: "a count" });
        };
        let end = first_index.saturating_add(1).saturating_add(count);
        let taken = self.slots.get_mut(first_index + 1..end).ok_or_else(|| missing(count as u64 + 1))?;
        let frames: Option<Vec<Bytes>> = taken.iter_mut().map(Option::take).collect();
        let Value::Map(header) = header else {
            return Err(WireError::Field { of: placeholder, name: "header", expected: "a map" });
        };
        Ok((header, frames.ok_or_else(|| missing(count as u64 + 1))?))
    }
}

/// Resolves what stands for itself: sets, and members of enums.
fn of_plain_entries(mut entries: Vec<(Value, Value)>) -> Value {
    match entries.as_mut_slice() {
        [(name, Value::Bool(true)), (list, Value::List(items))]
            if name.as_str() == Some("__Set__") && list.as_str() == Some("as-list") =>
        {
            Value::Set(std::mem::take(items))
        }
        [(kind, Value::Bool(true)), (name, Value::Str(member)), ..]
            if kind.as_str() == Some("__Enum__") && name.as_str() == Some("name") =>
        {
            Value::Str(member.clone())
        }
        _ => Value::Map(entries),
    }
}

/// The header of `serialized` as it is sent.
fn wire_header(serialized: &Serialized) -> Value {
    let mut header = serialized.header.entries().unwrap_or_default().to_vec();
    header.retain(|(name, _)| name.as_str() != Some(NUM_SUB_FRAMES));
    header.push((NUM_SUB_FRAMES.into(), (serialized.frames.len() as u64).into()));
    Value::Map(header)
}

/// We never agree to compression: data of ours is compact, and a limit on what is received would say nothing.
pub(super) fn refuse_compression(header: &Value) -> Result<(), WireError> {
    match header.get("compression").map(Value::items) {
        None | Some(None) => Ok(()),
        Some(Some(methods)) => match methods.iter().find(|method| **method != Value::Nil) {
            Some(method) => Err(WireError::Compressed { method: method.as_str().unwrap_or("?").into() }),
            None => Ok(()),
        },
    }
}
