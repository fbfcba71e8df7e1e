//! What is encoded, beside what Dask's own client and a working prototype sent.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::driver::*;
use crate::engine::dask::client::graph::{GraphTask, update_graph};
use crate::engine::dask::client::{Argument, Broadcast, Event, TaskOptions, Version, Work, messages};
use crate::engine::dask::wire::pickle::Pickle;
use crate::engine::dask::wire::{Decoder, Limits, TaskKey, Value, decode_message};

fn registered(name: &str, arguments: &'static [u8], dependencies: &[&str]) -> Work {
    Work::Registered { name: name.into(), arguments: Bytes::from_static(arguments), dependencies: keys(dependencies) }
}

/// A recorded message of the wire.
fn recorded(number: &str) -> Value {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dask-frames");
    let entries = std::fs::read_dir(directory).expect("recorded messages");
    let is_it = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(number);
    let entry = entries.map(|entry| entry.expect("a file")).find(is_it).expect("a message of this number");
    let bytes = std::fs::read(entry.path()).expect("a message");
    let frames = Decoder::new(Limits::default()).handle_bytes(&mut &bytes[..]).expect("a message");
    decode_message(frames.expect("all of it"), &Limits::default()).expect("a value")
}

/// The one message in a recorded message of a stream.
fn recorded_one(number: &str) -> Value {
    match recorded(number) {
        Value::List(mut messages) if messages.len() == 1 => messages.remove(0),
        other => panic!("{other:?}"),
    }
}

/// With the entries of maps, and the items of sets, in one order.
fn sorted(value: &Value) -> Value {
    let by_text = |value: &Value| format!("{value:?}");
    match value {
        Value::List(items) => Value::List(items.iter().map(sorted).collect()),
        Value::Set(items) => {
            let mut items: Vec<_> = items.iter().map(sorted).collect();
            items.sort_by_key(by_text);
            Value::Set(items)
        }
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by_key(|(key, _)| by_text(key));
            Value::Map(entries)
        }
        other => other.clone(),
    }
}

fn without(value: &Value, name: &str) -> Value {
    let entries = value.entries().expect("a map").iter().filter(|(key, _)| key.as_str() != Some(name));
    Value::Map(entries.cloned().collect())
}

#[track_caller]
fn assert_same(ours: &Value, theirs: &Value) {
    assert_eq!(sorted(ours), sorted(theirs));
}

fn text_of(message: &Value, name: &str) -> Arc<str> {
    message.get(name).and_then(Value::as_str).expect("a text").into()
}

#[test]
fn messages_of_the_stream_are_those_of_dask() {
    let theirs = recorded("004");
    let versions = theirs.get("versions").expect("versions").clone();
    assert_same(&messages::register_client(&text_of(&theirs, "client"), versions), &theirs);

    assert_same(&messages::heartbeat_client(), &recorded_one("062"));

    let theirs = recorded("069").items().expect("a list")[0].clone();
    let client_id = text_of(&theirs, "client");
    assert_same(&messages::client_releases_keys(&keys(&["val-nparr"]), &client_id), &theirs);

    let ours = messages::cancel_keys(&keys(&["res-1"]), false, &"left".into());
    assert_same(&without(&ours, "reason"), &without(&recorded_one("064"), "reason"));

    assert_eq!(Value::List(messages::close_client().into()), recorded("070"));
}

#[test]
fn requests_are_those_of_dask() {
    let key = ["add-00000000000000000000000000000001"];
    assert_same(&without(&messages::gather(&keys(&key)), "serializers"), &recorded("099"));
    assert_same(&messages::who_has(&keys(&key)), &recorded("101"));
    assert_same(&without(&messages::get_data(&keys(&key)), "serializers"), &without(&recorded("105"), "serializers"));
    assert_same(&messages::identity(), &recorded("187"));
    assert_same(&messages::versions(), &recorded("191"));
    let address = ["tcp://127.0.0.1:39447".into()];
    assert_same(&messages::set_restrictions(&keys(&["mx-c"]), &address), &recorded("242"));
    let theirs = recorded("254");
    assert_same(&messages::retry(&keys(&["pc-1"]), &text_of(&theirs, "client")), &theirs);
    let theirs = recorded("056");
    let values = theirs.get("data").and_then(Value::entries).expect("values").iter().map(|(key, value)| match value {
        Value::Serialized(data) => (TaskKey::of_value(key).expect("a key"), data.clone()),
        other => panic!("{other:?}"),
    });
    let ours = messages::scatter(values.collect(), &[], &text_of(&theirs, "client"), Broadcast::One);
    assert_same(&ours, &theirs);
}

#[test]
fn a_graph_of_ours_is_byte_for_byte_what_a_scheduler_took_but_for_our_name() {
    let work = registered("const", b"\xac\x02", &[]);
    let (key, options) = ("cst-hlg1".into(), TaskOptions::default());
    let ours =
        update_graph(&[GraphTask { key: &key, work: &work, options: &options, pins: &[] }], std::slice::from_ref(&key));
    let theirs = recorded_one("261");
    assert_same(&without(&ours, "expr_ser"), &without(&theirs, "expr_ser"));
    let (ours, theirs) = (expr_ser(&ours), expr_ser(&theirs));
    assert_eq!(ours.header, theirs.header);
    assert_eq!(ours.frames[0], under_our_name(&theirs.frames[0]));
}

#[test]
fn a_graph_with_dependencies_is_byte_for_byte_what_a_scheduler_took_but_for_our_name() {
    let (first, second) = (registered("const", b"\xac\x02", &[]), registered("add", b"", &["r1"]));
    let (options, names) = (TaskOptions::default(), keys(&["r1", "r2"]));
    let of = |index: usize, work| GraphTask { key: &names[index], work, options: &options, pins: &[] };
    let ours = update_graph(&[of(0, &first), of(1, &second)], &names);
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dask-frames/pickles/hand-hlgexpr-two-foreign-tasks.hex");
    let text = std::fs::read_to_string(path).expect("a pickle");
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let theirs: Vec<u8> = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
    assert_eq!(expr_ser(&ours).frames[0], under_our_name(&theirs));
}

#[test]
fn what_dask_says_is_understood() {
    let mut driver = Driver::registered();
    driver.submit([
        task("add-py-1", &[]),
        task("div-py-1", &[]),
        task("res-1", &[]),
        task("pa-1", &[]),
        task("pc-1", &[]),
    ]);
    driver.flush_all();
    for number in ["008", "017", "065", "253", "256", "063"] {
        driver.handle(Event::Stream(recorded(number)));
    }
    let told: Vec<_> = driver.take_actions().iter().map(|action| format!("{action:?}")).collect();
    assert!(told[0].contains("Finished") && told[0].contains("add-py-1"), "{told:?}");
    assert!(told[1].contains("Erred") && told[1].contains("div-py-1"), "{told:?}");
    assert!(told[2].contains("Cancelled") && told[2].contains("res-1"), "{told:?}");
    assert_eq!(told.len(), 3);
    driver.handle(Event::Want(keys(&["add-py-1"])));
    let (id, _) = driver.take_request("gather");
    driver.reply(id, recorded("010"));
    assert!(matches!(driver.take_actions().as_slice(), [crate::engine::dask::client::Action::Deliver { .. }]));
    let versions = recorded("004").get("versions").expect("versions").clone();
    assert_eq!(Version::of_reply(&versions), Ok(Version { year: 2026, month: 8, patch: 0 }));
}

#[test]
fn arguments_with_results_are_written_so_that_dask_finds_them() {
    let result = || Argument::Result("k1".into());
    let work = Work::Python {
        function: "usermod:inc".into(),
        arguments: vec![Argument::List(vec![result(), Argument::Value(Pickle::Int(2))])],
        keywords: vec![("c".into(), Argument::Dict(vec![("d".into(), result())]))],
    };
    assert_eq!(work.dependencies(), keys(&["k1"]));
    let (key, options, pins) = ("k3".into(), TaskOptions::default(), ["tcp://w1".into()]);
    let graph = update_graph(
        &[GraphTask { key: &key, work: &work, options: &options, pins: &pins }],
        std::slice::from_ref(&key),
    );
    let pickle = expr_ser(&graph).frames[0].clone();
    let has = |text: &str| pickle.windows(text.len()).any(|part| part == text.as_bytes());
    for text in ["pkgutil", "resolve_name", "usermod:inc", "List", "Dict", "TaskRef", "workers", "tcp://w1", "python"] {
        assert!(has(text), "{text}");
    }
    assert!(!has("anydask") && !has("resources"));
}

fn expr_ser(graph: &Value) -> crate::engine::dask::wire::Serialized {
    match graph.get("expr_ser") {
        Some(Value::Serialized(expr)) => expr.clone(),
        other => panic!("{other:?}"),
    }
}

/// The pickle of a prototype that had another name, under ours.
fn under_our_name(pickle: &[u8]) -> Bytes {
    let mut pickle = pickle.to_vec();
    let names = [
        ("rask", "anydask"),
        ("this task can only run on a rask worker", "this task can only run on an anydask worker"),
    ];
    for (theirs, ours) in names {
        let [theirs, ours] = [theirs, ours].map(|text| [&[0x8c, text.len() as u8], text.as_bytes()].concat());
        let mut from = 0;
        while let Some(at) = pickle[from..].windows(theirs.len()).position(|part| part == theirs) {
            pickle.splice(from + at..from + at + theirs.len(), ours.iter().copied());
            from += at + ours.len();
        }
    }
    pickle.into()
}
