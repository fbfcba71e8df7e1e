//! Values as msgpack, the way Python's msgpack package writes and reads it.

use bytes::Bytes;
use rmp::Marker;
use rmp::encode::{self, ByteBuf};

use crate::engine::dask::wire::Value;
use crate::engine::dask::wire::cursor::Cursor;
use crate::engine::dask::wire::error::{Limited, Place, WireError};
use crate::engine::dask::wire::limits::Budget;

/// Reads one value, which has to fill `bytes`. Byte strings are parts of `bytes`, not copies.
pub(crate) fn read(bytes: &Bytes, budget: &mut Budget) -> Result<Value, WireError> {
    read_with(bytes, budget, &mut |entries, _| Ok(Value::Map(entries)))
}

/// Like `read`. Each map is handed to `of_entries`, the inner ones first, and is replaced by what comes back.
pub(crate) fn read_with(
    bytes: &Bytes,
    budget: &mut Budget,
    of_entries: &mut impl FnMut(Vec<(Value, Value)>, &mut Budget) -> Result<Value, WireError>,
) -> Result<Value, WireError> {
    let mut reader = Reader { cursor: Cursor::new(bytes, Place::Msgpack), promised: 1 };
    // The lists and maps that are not whole yet, from the outermost to the innermost.
    let mut open: Vec<Open> = Vec::new();
    loop {
        let mut whole = match reader.read_token()? {
            Token::Value(value) => Some(value),
            Token::List(length) => {
                let length = reader.promise(length, budget)?;
                open.push(Open::List { missing: length, items: Vec::with_capacity(length) });
                None
            }
            Token::Map(length) => {
                let length = reader.promise(length.saturating_mul(2), budget)? / 2;
                open.push(Open::Map { missing: length, key: None, entries: Vec::with_capacity(length) });
                None
            }
        };
        budget.check_depth(open.len())?;
        // Puts the value into what it is an item of. That may be whole by this, and then is an item itself.
        while let Some(innermost) = open.last_mut() {
            if let Some(value) = whole.take() {
                innermost.push(value);
            }
            if !innermost.is_whole() {
                break;
            }
            whole = match open.pop() {
                Some(Open::List { items, .. }) => Some(Value::List(items)),
                Some(Open::Map { entries, .. }) => Some(of_entries(entries, budget)?),
                None => None,
            };
        }
        if let (Some(value), true) = (whole, open.is_empty()) {
            reader.cursor.end()?;
            return Ok(value);
        }
    }
}

/// Appends `value` to `buffer`. `placeholder` tells what stands for a value that is in frames of its own.
///
/// # Errors
///
/// A text, byte string, list or map is longer than msgpack can say: 4 GiB.
pub(crate) fn write_with(
    buffer: &mut ByteBuf,
    value: &Value,
    placeholder: &mut impl FnMut(&Value) -> Result<(&'static str, u64), WireError>,
) -> Result<(), WireError> {
    let mut next = vec![value];
    while let Some(value) = next.pop() {
        match value {
            Value::Nil => infallible(encode::write_nil(buffer)),
            Value::Bool(value) => infallible(encode::write_bool(buffer, *value)),
            Value::Int(number) => infallible(encode::write_sint(buffer, *number)),
            Value::UInt(number) => infallible(encode::write_uint(buffer, *number)),
            Value::Float(number) => infallible(encode::write_f64(buffer, *number)),
            Value::Str(text) => {
                length(text.len())?;
                infallible(encode::write_str(buffer, text));
            }
            Value::Bin(bytes) => {
                length(bytes.len())?;
                infallible(encode::write_bin(buffer, bytes));
            }
            Value::List(items) => {
                infallible(encode::write_array_len(buffer, length(items.len())?));
                next.extend(items.iter().rev());
            }
            Value::Map(entries) => {
                infallible(encode::write_map_len(buffer, length(entries.len())?));
                next.extend(entries.iter().rev().flat_map(|(key, value)| [value, key]));
            }
            Value::Set(items) => {
                infallible(encode::write_map_len(buffer, 2));
                infallible(encode::write_str(buffer, "__Set__"));
                infallible(encode::write_bool(buffer, true));
                infallible(encode::write_str(buffer, "as-list"));
                infallible(encode::write_array_len(buffer, length(items.len())?));
                next.extend(items.iter().rev());
            }
            Value::Serialized(_) | Value::Pickled(_) => {
                let (name, frame) = placeholder(value)?;
                infallible(encode::write_map_len(buffer, 1));
                infallible(encode::write_str(buffer, name));
                infallible(encode::write_uint(buffer, frame));
            }
        }
    }
    Ok(())
}

/// One value on its own. What would be in frames of its own has no place there.
pub(crate) fn write(value: &Value) -> Result<Bytes, WireError> {
    let mut buffer = ByteBuf::new();
    write_with(&mut buffer, value, &mut |_| {
        Err(WireError::Inconsistent { of: "a msgpack value", problem: "serialised data can only be part of a message" })
    })?;
    Ok(buffer.into_vec().into())
}

enum Token {
    Value(Value),
    List(u64),
    Map(u64),
}

enum Open {
    List { missing: usize, items: Vec<Value> },
    Map { missing: usize, key: Option<Value>, entries: Vec<(Value, Value)> },
}

impl Open {
    fn push(&mut self, value: Value) {
        match self {
            Self::List { missing, items } => {
                items.push(value);
                *missing = missing.saturating_sub(1);
            }
            Self::Map { missing, key, entries } => match key.take() {
                Some(key) => {
                    entries.push((key, value));
                    *missing = missing.saturating_sub(1);
                }
                None => *key = Some(value),
            },
        }
    }

    fn is_whole(&self) -> bool {
        let (Self::List { missing, .. } | Self::Map { missing, .. }) = self;
        *missing == 0
    }
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    /// Items that lists and maps have announced and that are not read yet. Each needs a byte at least, so that nothing is
    /// reserved for items that cannot be there.
    promised: usize,
}

impl Reader<'_> {
    fn read_token(&mut self) -> Result<Token, WireError> {
        let at = self.cursor.at();
        let found = self.cursor.take_array::<1>()?[0];
        self.promised = self.promised.saturating_sub(1);
        let value = match Marker::from_u8(found) {
            Marker::Null => Value::Nil,
            Marker::True => Value::Bool(true),
            Marker::False => Value::Bool(false),
            Marker::FixPos(number) => Value::Int(number.into()),
            Marker::FixNeg(number) => Value::Int(number.into()),
            Marker::U8 | Marker::U16 | Marker::U32 | Marker::U64 => Value::from(self.take_uint(found - 0xcc)?),
            Marker::I8 => Value::Int(i8::from_be_bytes(self.cursor.take_array()?).into()),
            Marker::I16 => Value::Int(i16::from_be_bytes(self.cursor.take_array()?).into()),
            Marker::I32 => Value::Int(i32::from_be_bytes(self.cursor.take_array()?).into()),
            Marker::I64 => Value::Int(i64::from_be_bytes(self.cursor.take_array()?)),
            Marker::F32 => Value::Float(f32::from_be_bytes(self.cursor.take_array()?).into()),
            Marker::F64 => Value::Float(f64::from_be_bytes(self.cursor.take_array()?)),
            Marker::FixStr(length) => Value::Str(self.cursor.take_str(length.into())?),
            Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                let length = self.take_uint(found - 0xd9)?;
                Value::Str(self.cursor.take_str(length)?)
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let length = self.take_uint(found - 0xc4)?;
                Value::Bin(self.cursor.take(length)?)
            }
            Marker::FixArray(length) => return Ok(Token::List(length.into())),
            Marker::Array16 | Marker::Array32 => return Ok(Token::List(self.take_uint(found - 0xdc + 1)?)),
            Marker::FixMap(length) => return Ok(Token::Map(length.into())),
            Marker::Map16 | Marker::Map32 => return Ok(Token::Map(self.take_uint(found - 0xde + 1)?)),
            // Of extensions, Dask sends none.
            _ => return Err(WireError::Marker { at: at as u64, found }),
        };
        Ok(Token::Value(value))
    }

    /// Items that are to come.
    fn promise(&mut self, count: u64, budget: &mut Budget) -> Result<usize, WireError> {
        budget.take_items(count)?;
        let promised = count.saturating_add(self.promised as u64);
        let available = self.cursor.available();
        if promised > available as u64 {
            return Err(self.cursor.truncated(promised - available as u64));
        }
        // Not more than there are bytes.
        self.promised += count as usize;
        Ok(count as usize)
    }

    /// A number of 1, 2, 4 or 8 bytes.
    fn take_uint(&mut self, log2_nbytes: u8) -> Result<u64, WireError> {
        Ok(match log2_nbytes {
            0 => u8::from_be_bytes(self.cursor.take_array()?).into(),
            1 => u16::from_be_bytes(self.cursor.take_array()?).into(),
            2 => u32::from_be_bytes(self.cursor.take_array()?).into(),
            _ => u64::from_be_bytes(self.cursor.take_array()?),
        })
    }
}

fn length(found: usize) -> Result<u32, WireError> {
    let limit = u32::MAX.into();
    u32::try_from(found).map_err(|_| WireError::Limit { what: Limited::Length, found: found as u64, limit })
}

/// Writing into memory does not fail. The type of rmp's result says so only for some of its functions.
fn infallible<T, E: std::fmt::Display>(result: Result<T, E>) {
    debug_assert!(result.is_ok(), "writing into memory has failed");
}
