//! Python values and the values of messages: what msgpack has no word for is told apart here.

use std::sync::Arc;

use crate::engine::dask::wire::Value;
use crate::task::portable::PyValue;

/// The Python value of what has been read. Lists of a message are lists, although Python makes tuples of them: it
/// cannot be told what they were.
///
/// `None` if it holds what is still encoded.
pub(crate) fn python_of_value(value: Value) -> Option<PyValue> {
    let all = |items: Vec<Value>| items.into_iter().map(python_of_value).collect::<Option<Vec<_>>>();
    Some(match value {
        Value::Nil => PyValue::None,
        Value::Bool(value) => PyValue::Bool(value),
        Value::Int(number) => PyValue::Int(number.into()),
        Value::UInt(number) => PyValue::Int(number.into()),
        Value::Float(number) => PyValue::Float(number),
        Value::Str(text) => PyValue::Str(text),
        Value::Bin(bytes) => PyValue::Bytes(bytes),
        Value::List(items) => PyValue::List(all(items)?),
        Value::Set(items) => PyValue::Set(all(items)?),
        Value::Map(entries) => {
            let entries =
                entries.into_iter().map(|(key, value)| Some((python_of_value(key)?, python_of_value(value)?)));
            PyValue::Dict(entries.collect::<Option<_>>()?)
        }
        Value::Serialized(_) | Value::Pickled(_) => return None,
    })
}

/// The same value for a message, if Python makes the same of it again: no arrays, no tuples, no large integers.
pub(crate) fn value_of_python(value: &PyValue) -> Option<Value> {
    let all = |items: &[PyValue]| items.iter().map(value_of_python).collect::<Option<Vec<_>>>();
    Some(match value {
        PyValue::None => Value::Nil,
        PyValue::Bool(value) => Value::Bool(*value),
        PyValue::Int(number) => {
            i64::try_from(*number).map(Value::Int).or_else(|_| (*number).try_into().map(Value::UInt)).ok()?
        }
        PyValue::Float(number) => Value::Float(*number),
        PyValue::Str(text) => Value::Str(Arc::clone(text)),
        PyValue::Bytes(bytes) => Value::Bin(bytes.clone()),
        PyValue::List(items) => Value::List(all(items)?),
        PyValue::Set(items) => Value::Set(all(items)?),
        PyValue::Dict(entries) => {
            let entries = entries.iter().map(|(key, value)| Some((value_of_python(key)?, value_of_python(value)?)));
            Value::Map(entries.collect::<Option<_>>()?)
        }
        PyValue::Tuple(_) | PyValue::Array(_) | PyValue::Input(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_a_message_is_a_python_value_and_back() {
        let value = Value::map([
            ("none", Value::Nil),
            ("numbers", Value::List(vec![Value::Int(-1), Value::UInt(u64::MAX), Value::Float(0.5)])),
            ("set", Value::Set(vec![Value::Bool(true), "text".into()])),
            ("bytes", Value::Bin(vec![1, 2].into())),
        ]);
        assert_eq!(value_of_python(&python_of_value(value.clone()).unwrap()), Some(value));
    }

    #[test]
    fn what_a_message_would_change_is_not_sent_as_one() {
        assert_eq!(value_of_python(&PyValue::Tuple(Vec::new())), None);
        assert_eq!(value_of_python(&PyValue::Int(1 << 64)), None);
        assert_eq!(value_of_python(&PyValue::Int(u64::MAX.into())), Some(Value::UInt(u64::MAX)));
        assert_eq!(value_of_python(&PyValue::List(vec![PyValue::Input(0)])), None);
    }
}
