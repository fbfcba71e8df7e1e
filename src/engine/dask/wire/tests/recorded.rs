//! Messages of Dask as they were recorded.

use std::fmt::Write;

use crate::engine::dask::wire::pickle::{Pickle, repr_float, repr_str};
use crate::engine::dask::wire::tests::{file, frames_of};
use crate::engine::dask::wire::{
    Budget, Data, EncodedMessage, Limits, Serialized, Value, decode_message, encode_message, stream_messages,
};

/// What `index.json` says of one message.
struct Recorded {
    file: String,
    ops: Vec<Option<String>>,
    frame_lengths: Vec<u64>,
    decoded: String,
}

/// The index has no more than this of two long messages.
const CUT_AT: [usize; 2] = [2500, 3000];

fn all() -> Vec<Recorded> {
    let index: Vec<serde_json::Value> = serde_json::from_slice(&file("index.json")).unwrap();
    let recorded = index.iter().map(|entry| Recorded {
        file: entry["file"].as_str().unwrap().into(),
        ops: entry["ops"].as_array().unwrap().iter().map(|op| op.as_str().map(String::from)).collect(),
        frame_lengths: entry["frame_lengths"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect(),
        decoded: entry["decoded"].as_str().unwrap().into(),
    });
    let recorded: Vec<_> = recorded.collect();
    assert_eq!(recorded.len(), 266);
    recorded
}

fn decode(name: &str) -> Value {
    decode_message(frames_of(&file(name)).unwrap(), &Limits::default()).unwrap()
}

/// The datum of `key` in a reply to `gather` or `get_data`.
fn datum(name: &str, key: &str) -> Data {
    match decode(name).get("data").and_then(|data| data.get(key)) {
        Some(Value::Serialized(serialized)) => serialized.data(&mut Budget::new(&Limits::default())).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_recorded_message_decodes_to_what_python_has_decoded_it_to() {
    for recorded in all() {
        let frames = frames_of(&file(&recorded.file)).unwrap();
        let lengths: Vec<u64> = frames.iter().map(|frame| frame.len() as u64).collect();
        assert_eq!(lengths, recorded.frame_lengths, "{}", recorded.file);
        let value = decode_message(frames, &Limits::default()).unwrap();
        let mut text = String::new();
        write(&mut text, &value);
        let (mut text, decoded) = (without_tuples(&text), without_tuples(&recorded.decoded));
        if CUT_AT.contains(&recorded.decoded.len()) {
            text.truncate(decoded.len());
        }
        assert_eq!(text, decoded, "{}", recorded.file);
    }
}

#[test]
fn every_recorded_message_is_written_as_python_has_written_it() {
    for recorded in all() {
        let mut bytes = file(&recorded.file);
        let frames = frames_of(&bytes).unwrap();
        let value = decode_message(frames.clone(), &Limits::default()).unwrap();
        let encoded = encode_message(&value).unwrap();
        assert_eq!(decode_message(encoded.frames.clone(), &Limits::default()).unwrap(), value, "{}", recorded.file);
        assert_eq!(encoded.frames, frames, "{}", recorded.file);
        let mut written = Vec::new();
        encoded.append_to(&mut written);
        if recorded.file.starts_with("265") {
            // We count all frames in the first part.
            bytes[..8].copy_from_slice(&523_u64.to_le_bytes());
        }
        assert_eq!(written, bytes, "{}", recorded.file);
    }
}

#[test]
fn a_message_of_a_stream_is_a_map_or_a_list_of_maps() {
    for recorded in all() {
        let Ok(messages) = stream_messages(decode(&recorded.file)) else {
            // Some replies are neither: they are no messages of a stream.
            assert!(!recorded.ops.iter().any(Option::is_some), "{}", recorded.file);
            continue;
        };
        let ops: Vec<_> = messages.iter().map(|message| message.get("op").and_then(Value::as_str)).collect();
        let expected: Vec<_> = recorded.ops.iter().map(Option::as_deref).collect();
        assert_eq!(ops, expected, "{}", recorded.file);
    }
}

#[test]
fn keys_of_maps_may_be_lists() {
    let message = decode("264-pyworker-to-sched-heartbeat_worker-with-array-map-keys.bin");
    let digests = message.get("metrics").and_then(|metrics| metrics.get("digests_total_since_heartbeat")).unwrap();
    let key = Value::List(vec!["get-data".into(), "memory-read".into(), "count".into()]);
    let found = digests.entries().unwrap().iter().find(|(name, _)| *name == key).map(|(_, value)| value);
    assert_eq!(found, Some(&Value::Int(17)));
}

#[test]
fn every_recorded_datum_is_read_and_none_is_of_an_unknown_kind() {
    let mut count = 0;
    for recorded in all() {
        each_serialized(&decode(&recorded.file), &mut |serialized| {
            count += 1;
            if let Err(error) = serialized.data(&mut Budget::new(&Limits::default())) {
                panic!("{}: {error}", recorded.file);
            }
        });
    }
    assert_eq!(count, 75);
}

#[test]
fn data_of_python_are_what_they_were() {
    assert_eq!(datum("036-sched-to-pyclient-reply-gather.bin", "val-bytes"), Data::Bytes(vec![0, 1, 2].into()));
    let Data::Dict(entries) = datum("030-sched-to-pyclient-reply-gather.bin", "val-dict") else { panic!() };
    assert_eq!(entries, [("k".into(), Data::Bytes("v".into()))]);
    let Data::List(items) = datum("024-sched-to-pyclient-reply-gather.bin", "val-list") else { panic!() };
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|item| matches!(item, Data::Pickle { .. })));
    let Data::Array(array) = datum("054-sched-to-pyclient-reply-gather.bin", "val-nparr") else { panic!() };
    assert_eq!((&**array.dtype(), array.shape()), ("<i4", &[3][..]));
    assert_eq!(array.c_order(), [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0].as_slice());
}

#[test]
fn frames_after_the_first_part_belong_to_the_message() {
    let name = "265-get_data-reply-two-numpy-arrays-partial-prefix.bin";
    let Data::List(items) = datum(name, "two-1") else { panic!() };
    let [Data::Array(first), Data::Array(second)] = items.as_slice() else { panic!() };
    assert_eq!(first.c_order(), [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0].as_slice());
    assert_eq!(second.c_order(), [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0].as_slice());
}

#[test]
fn data_of_ours_have_the_headers_of_python() {
    let header_of = |name: &str, key: &str| match decode(name).get("data").and_then(|data| data.get(key)) {
        Some(Value::Serialized(serialized)) => serialized.clone(),
        other => panic!("{other:?}"),
    };
    // All but the pickled class, which Python writes with another protocol; and the order.
    let sorted = |serialized: &Serialized| {
        let mut entries = serialized.header.entries().unwrap().to_vec();
        entries.retain(|(name, _)| name.as_str() != Some("type-serialized"));
        entries.sort_by_key(|(name, _)| name.as_str().map(String::from));
        entries
    };
    let python = header_of("036-sched-to-pyclient-reply-gather.bin", "val-bytes");
    let ours = Serialized::of_bytes(&python.frames[0]);
    assert_eq!((sorted(&ours), &ours.frames), (sorted(&python), &python.frames));
    let python = header_of("054-sched-to-pyclient-reply-gather.bin", "val-nparr");
    let Data::Array(array) = python.data(&mut Budget::new(&Limits::default())).unwrap() else { panic!() };
    let ours = Serialized::of_array(&array);
    assert_eq!((sorted(&ours), &ours.frames), (sorted(&python), &python.frames));
    let python = header_of("010-sched-to-pyclient-reply-gather.bin", "add-py-1");
    let ours = Serialized::of_pickle(&Pickle::of_value(&Value::Int(11)).unwrap().dumps());
    assert_eq!((sorted(&ours), &ours.frames), (sorted(&python), &python.frames));
}

#[test]
fn a_hello_is_within_the_limits_of_a_peer_that_has_not_said_hello() {
    for name in ["000-pyclient-handshake-out.bin", "001-scheduler-handshake-to-connector.bin"] {
        let mut decoder = crate::engine::dask::wire::Decoder::new(Limits::hello());
        let frames = decoder.handle_bytes(&mut file(name).as_slice()).unwrap().unwrap();
        let hello = decode_message(frames, &Limits::hello()).unwrap();
        assert_eq!(hello.get("compression"), Some(&Value::Nil));
    }
}

#[test]
fn a_written_message_is_its_head_and_its_frames() {
    let frames = vec![b"message".as_slice().into(), bytes::Bytes::new(), b"payload".as_slice().into()];
    let message = EncodedMessage::new(frames);
    let mut written = Vec::new();
    message.append_to(&mut written);
    assert_eq!(written.len(), message.nbytes());
    assert_eq!(message.chunks().map(|chunk| chunk.to_vec()).collect::<Vec<_>>().concat(), written);
    assert_eq!(frames_of(&written).unwrap(), message.frames);
}

fn each_serialized(value: &Value, then: &mut impl FnMut(&Serialized)) {
    match value {
        Value::Serialized(serialized) => then(serialized),
        Value::List(items) | Value::Set(items) => items.iter().for_each(|item| each_serialized(item, then)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| each_serialized(value, then)),
        _ => {}
    }
}

/// Writes a value the way `index.json` has them.
fn write(text: &mut String, value: &Value) {
    let all = |text: &mut String, items: &[Value]| {
        for (index, item) in items.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { ", " });
            write(text, item);
        }
    };
    let sizes =
        |frames: &[bytes::Bytes]| frames.iter().map(|frame| frame.len().to_string()).collect::<Vec<_>>().join(", ");
    match value {
        Value::Nil => text.push_str("None"),
        Value::Bool(value) => text.push_str(if *value { "True" } else { "False" }),
        Value::Int(number) => write!(text, "{number}").unwrap(),
        Value::UInt(number) => write!(text, "{number}").unwrap(),
        Value::Float(number) => text.push_str(&repr_float(*number)),
        Value::Str(string) => text.push_str(&repr_str(string)),
        Value::Bin(bytes) => {
            let object = Pickle::Bytes(bytes.clone()).dumps();
            let object = crate::engine::dask::wire::pickle::Unpickled::read(&object, &Limits::default()).unwrap();
            text.push_str(&format!("{:?}", object.root()));
        }
        Value::List(items) => {
            text.push('[');
            all(text, items);
            text.push(']');
        }
        Value::Map(entries) => {
            text.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write(text, key);
                text.push_str(": ");
                write(text, value);
            }
            text.push('}');
        }
        Value::Set(items) => {
            text.push_str("PSet[");
            all(text, items);
            text.push(']');
        }
        Value::Serialized(serialized) => {
            let serializer = serialized.header.get("serializer").and_then(Value::as_str).unwrap_or("None");
            write!(text, "Ser({serializer},[{}])", sizes(&serialized.frames)).unwrap();
        }
        Value::Pickled(pickled) => write!(text, "Pickled({})", pickled.pickle.len()).unwrap(),
    }
}

/// Lists and tuples are the same on the wire: outside of quotes, all become lists.
fn without_tuples(text: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                out.push('\\');
                out.extend(characters.next());
            }
            (Some(open), _) if character == open => {
                quote = None;
                out.push(character);
            }
            (Some(_), _) => out.push(character),
            (None, '\'' | '"') => {
                quote = Some(character);
                out.push(character);
            }
            (None, '(') => out.push('['),
            (None, ')') => {
                if out.ends_with(',') {
                    out.pop();
                }
                out.push(']');
            }
            (None, _) => out.push(character),
        }
    }
    out
}
