//! What holds for all values and for all bytes.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::engine::dask::wire::pickle::{Pickle, Unpickled};
use crate::engine::dask::wire::tests::{file, frames_of, pickle};
use crate::engine::dask::wire::{
    Budget, Data, Limits, Pickled, RemoteException, Serialized, Value, decode_message, encode_message, msgpack,
};
use crate::task::portable::PyArray;

fn small() -> Limits {
    Limits { depth_max: 20, items_max: 1000, pickle_nbytes_max: 100_000, ..Limits::default() }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-40_000_i64..70_000).prop_map(Value::Int),
        ((1_u64 << 63)..=u64::MAX).prop_map(Value::UInt),
        any::<f64>().prop_filter("equals itself", |number| !number.is_nan()).prop_map(Value::Float),
        ".{0,40}".prop_map(Value::from),
        vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Bin(bytes.into())),
    ]
}

/// Plain values.
fn plain() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::List),
            vec((inner.clone(), inner.clone()), 0..20).prop_map(Value::Map),
            vec(inner, 0..5).prop_map(Value::Set),
        ]
    })
}

fn frames() -> impl Strategy<Value = Vec<Bytes>> {
    vec(vec(any::<u8>(), 0..50).prop_map(Bytes::from), 0..4)
}

/// Values of messages.
fn value() -> impl Strategy<Value = Value> {
    let serialized = (vec((".{1,5}".prop_map(Value::from), plain()), 0..4), frames())
        .prop_map(|(header, frames)| Value::Serialized(Serialized { header: Box::new(Value::Map(header)), frames }));
    let pickled = (vec(any::<u8>(), 0..50), frames())
        .prop_map(|(pickle, buffers)| Value::Pickled(Pickled { pickle: pickle.into(), buffers }));
    prop_oneof![3 => plain(), 1 => serialized, 1 => pickled].prop_recursive(3, 30, 8, |inner| {
        prop_oneof![vec(inner.clone(), 0..8).prop_map(Value::List), vec((scalar(), inner), 0..8).prop_map(Value::Map),]
    })
}

/// The same without sets: a value on its own has none.
fn without_sets(value: &Value) -> Value {
    let all = |items: &[Value]| items.iter().map(without_sets).collect::<Vec<_>>();
    match value {
        Value::List(items) => Value::List(all(items)),
        Value::Set(items) => Value::map([("__Set__", true.into()), ("as-list", all(items).into())]),
        Value::Map(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (without_sets(key), without_sets(value))).collect())
        }
        _ => value.clone(),
    }
}

/// How many values there are in a value.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::List(items) | Value::Set(items) => items.iter().map(count).sum(),
        Value::Map(entries) => entries.iter().map(|(key, value)| count(key) + count(value)).sum(),
        Value::Serialized(serialized) => count(&serialized.header),
        _ => 0,
    }
}

/// Changes, cuts and repeats parts of `bytes`.
fn mutate(bytes: &mut Vec<u8>, mutations: &[(Index, u8, u8)]) {
    for (index, kind, byte) in mutations {
        if bytes.is_empty() {
            return;
        }
        let at = index.index(bytes.len());
        match kind % 5 {
            0 => bytes[at] = *byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, *byte),
            _ => drop(bytes.splice(at..at, bytes.clone()[at..].iter().take(16).copied().collect::<Vec<_>>())),
        }
    }
}

fn mutations() -> impl Strategy<Value = Vec<(Index, u8, u8)>> {
    vec((any::<Index>(), any::<u8>(), any::<u8>()), 1..6)
}

/// Reads a datum or an exception in all the ways there are.
fn read_all(value: &Value, limits: &Limits) {
    match value {
        Value::Serialized(serialized) => {
            read_data(serialized.data(&mut Budget::new(limits)).ok(), limits);
            RemoteException::read(value, value, limits);
        }
        Value::Bin(_) | Value::Pickled(_) => drop(RemoteException::read(value, value, limits)),
        Value::List(items) | Value::Set(items) => items.iter().for_each(|item| read_all(item, limits)),
        Value::Map(entries) => entries.iter().for_each(|(key, value)| {
            read_all(key, limits);
            read_all(value, limits);
        }),
        _ => {}
    }
}

fn read_data(data: Option<Data>, limits: &Limits) {
    match data {
        Some(Data::Pickle { pickle, buffers }) => {
            if let Ok(unpickled) = Unpickled::read(&pickle, limits) {
                assert!(unpickled.len() <= limits.items_max);
                let _ = unpickled.root().to_value(&buffers, limits);
            }
        }
        Some(Data::Array(array)) => assert_eq!(array.c_order().len(), array.data().len()),
        Some(Data::List(items) | Data::Tuple(items) | Data::Set(items)) => {
            items.into_iter().for_each(|item| read_data(Some(item), limits));
        }
        Some(Data::Dict(entries)) => entries.into_iter().for_each(|(_, item)| read_data(Some(item), limits)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_message_is_what_it_was_before_it_was_written(value in value()) {
        let encoded = encode_message(&value).unwrap();
        prop_assert_eq!(decode_message(encoded.frames, &Limits::default()).unwrap(), value);
    }

    #[test]
    fn a_value_on_its_own_is_what_it_was(value in plain()) {
        let written = msgpack::write(&value).unwrap();
        prop_assert_eq!(msgpack::read(&written, &mut Budget::new(&Limits::default())).unwrap(), without_sets(&value));
    }

    #[test]
    fn plain_data_is_what_it_was_after_it_was_pickled(value in plain()) {
        let written = Pickle::of_value(&value).unwrap().dumps();
        let read = Unpickled::read(&written, &Limits::default()).unwrap();
        prop_assert_eq!(read.root().to_value(&[], &Limits::default()).unwrap(), value);
    }

    #[test]
    fn data_of_ours_are_what_they_were(bytes in vec(any::<u8>(), 0..100), value in plain()) {
        let limits = Limits::default();
        let sent = Bytes::from(bytes);
        prop_assert_eq!(Serialized::of_bytes(&sent).data(&mut Budget::new(&limits)), Ok(Data::Bytes(sent.clone())));
        let array = PyArray::with_strides("|u1".into(), vec![sent.len()], &[1], sent).unwrap();
        prop_assert_eq!(Serialized::of_array(&array).data(&mut Budget::new(&limits)), Ok(Data::Array(array)));
        let value = without_sets(&value);
        prop_assert_eq!(Serialized::of_msgpack(&value).unwrap().data(&mut Budget::new(&limits)), Ok(Data::Value(value)));
    }

    #[test]
    fn random_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let limits = small();
        let bytes = Bytes::from(bytes);
        if let Ok(value) = msgpack::read(&bytes, &mut Budget::new(&limits)) {
            prop_assert!(count(&value) <= limits.items_max);
        }
        if let Ok(unpickled) = Unpickled::read(&bytes, &limits) {
            let _ = unpickled.root().to_value(&[], &limits);
            let text = format!("{unpickled:?}");
            prop_assert!(text.len() < 10_000);
        }
        RemoteException::read(&Value::Bin(bytes.clone()), &Value::Bin(bytes), &limits);
    }
}

/// Recorded messages with many kinds of data in them.
const MESSAGES: [&str; 9] = [
    "007-pyclient-to-sched-update-graph.bin",
    "017-sched-to-pyclient-task-erred.bin",
    "024-sched-to-pyclient-reply-gather.bin",
    "030-sched-to-pyclient-reply-gather.bin",
    "054-sched-to-pyclient-reply-gather.bin",
    "082-pyworker-from-sched-compute-task.bin",
    "261-protoclient-send-update-graph-foreign-cst-hlg1.bin",
    "264-pyworker-to-sched-heartbeat_worker-with-array-map-keys.bin",
    "265-get_data-reply-two-numpy-arrays-partial-prefix.bin",
];

const PICKLES: [&str; 5] = [
    "hand-hlgexpr-two-foreign-tasks",
    "real-exception-KilledWorker",
    "real-exception-ValueError-boom",
    "real-run_spec-python-4-val-list",
    "real-traceback-two-frames",
];

#[test]
fn recorded_messages_with_changes_are_read_or_refused() {
    let messages: Vec<Vec<Bytes>> = MESSAGES.map(|name| frames_of(&file(name)).unwrap()).into();
    let strategy = (0..messages.len(), any::<Index>(), mutations());
    proptest!(ProptestConfig { cases: 2000, ..ProptestConfig::default() }, |((message, frame, mutations) in strategy)| {
        let mut frames = messages[message].clone();
        let frame = frame.index(frames.len());
        let mut bytes = frames[frame].to_vec();
        mutate(&mut bytes, &mutations);
        frames[frame] = bytes.into();
        if let Ok(value) = decode_message(frames, &small()) {
            prop_assert!(count(&value) <= 1 + small().items_max);
            read_all(&value, &small());
            let again = encode_message(&value).unwrap();
            prop_assert!(decode_message(again.frames, &Limits::default()).is_ok());
        }
    });
}

#[test]
fn recorded_pickles_with_changes_are_read_or_refused() {
    let pickles: Vec<Bytes> = PICKLES.map(pickle).into();
    let strategy = (0..pickles.len(), mutations());
    proptest!(ProptestConfig { cases: 2000, ..ProptestConfig::default() }, |((which, mutations) in strategy)| {
        let mut bytes = pickles[which].to_vec();
        mutate(&mut bytes, &mutations);
        let bytes = Bytes::from(bytes);
        if let Ok(unpickled) = Unpickled::read(&bytes, &small()) {
            prop_assert!(unpickled.len() <= bytes.len());
            let _ = unpickled.root().to_value(&[], &small());
            let text = format!("{unpickled:?}");
            prop_assert!(text.len() < 10_000);
        }
        RemoteException::read(&Value::Bin(bytes.clone()), &Value::Bin(bytes), &small());
    });
}
