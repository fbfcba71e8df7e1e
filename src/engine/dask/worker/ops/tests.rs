use bytes::Bytes;

use super::decode::Malformed;
use super::{Received, decode, encode};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::state::{
    Call, ComputeTask, Dependency, FromScheduler, Kind, Message, Ran, Refusal, Status, StealState, TaskError, Work,
};

fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::List(items.into_iter().map(Into::into).collect())
}

fn who_has(value: impl Into<Value>) -> Value {
    Value::Map(vec![(list([Value::from("x"), 0_i64.into()]), list([value.into()]))])
}

fn nbytes(value: impl Into<Value>) -> Value {
    Value::Map(vec![(list([Value::from("x"), 0_i64.into()]), value.into())])
}

/// The key `("x", 0)`, as collections have them.
fn chunk() -> TaskKey {
    TaskKey::of_value(&list([Value::from("x"), 0_i64.into()])).unwrap()
}

fn annotations(call: Value) -> Value {
    Value::map([("resources", Value::map([("anydask", 0_i64.into())])), ("anydask", call)])
}

fn call() -> Value {
    let inputs = list([chunk().to_value()]);
    Value::map([("f", "add".into()), ("a", Bytes::from_static(b"\xe8\x07").into()), ("d", inputs)])
}

/// A message as the scheduler sends it, with some fields in place of its own. `None` leaves one out.
fn compute_task(changes: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let mut fields = vec![
        ("op", "compute-task".into()),
        ("key", "top-0".into()),
        ("run_id", 49_i64.into()),
        ("priority", list([0_i64, 19, 12])),
        ("stimulus_id", "compute-task-1795347152.8".into()),
        ("who_has", who_has("tcp://127.0.0.1:46513")),
        ("nbytes", nbytes(34_i64)),
        ("run_spec", Value::Nil),
        ("resource_restrictions", Value::map([("anydask", 0_i64.into())])),
        ("actor", false.into()),
        ("annotations", annotations(call())),
        ("span_id", "5dc71871".into()),
    ];
    for (name, value) in changes {
        fields.retain(|(field, _)| *field != name);
        fields.extend(value.map(|value| (name, value)));
    }
    Value::map(fields)
}

fn decode_one(message: Value) -> Result<Received, Malformed> {
    decode(message).map(|mut received| received.pop().unwrap())
}

fn decode_task(message: Value) -> ComputeTask {
    match decode_one(message) {
        Ok(Received::Message(FromScheduler::ComputeTask(task))) => task,
        other => panic!("{other:?}"),
    }
}

fn message(op: &str, fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::map([("op", op.into())].into_iter().chain(fields))
}

#[test]
fn a_task_of_ours_is_read_with_all_that_it_takes() {
    let call = Call { function: "add".into(), arguments: Bytes::from_static(b"\xe8\x07"), inputs: [chunk()].into() };
    let expected = ComputeTask {
        key: "top-0".into(),
        run_id: 49,
        priority: [0.0, 19.0, 12.0].into_iter().collect(),
        dependencies: vec![Dependency { key: chunk(), holders: vec!["tcp://127.0.0.1:46513".into()], nbytes: 34 }],
        work: Work::Rust(Ok(call)),
        resources: [("anydask".into(), 0.0)].into(),
    };
    assert_eq!(decode_task(compute_task([])), expected);
}

#[test]
fn a_task_without_our_annotation_is_of_python() {
    for annotations in [None, Some(Value::Nil), Some(Value::map([])), Some(Value::map([("retries", 2_i64.into())]))] {
        let task = decode_task(compute_task([("annotations", annotations), ("resource_restrictions", None)]));
        assert_eq!((task.work, task.resources.len()), (Work::Python, 0));
    }
}

#[test]
fn a_call_that_cannot_be_read_is_a_task_that_errs() {
    let no_list = Value::map([("f", "add".into()), ("a", Bytes::new().into()), ("d", "x".into())]);
    let no_bytes = Value::map([("f", "add".into()), ("a", "text".into()), ("d", list([0_i64]))]);
    for (call, field) in [(Value::Nil, "f"), (5_i64.into(), "f"), (no_bytes, "a"), (no_list, "d")] {
        let task = decode_task(compute_task([("annotations", Some(annotations(call)))]));
        assert_eq!(task.work, Work::Rust(Err(Refusal::Unreadable { field })));
    }
}

#[test]
fn a_known_message_with_a_field_that_is_missing_or_odd_is_malformed() {
    let odd =
        || Value::Serialized(crate::engine::dask::wire::Serialized { header: Box::new(Value::Nil), frames: vec![] });
    for field in ["key", "run_id", "priority", "who_has", "nbytes"] {
        for value in [None, Some(odd())] {
            let expected = Malformed { op: Some("compute-task".into()), field };
            assert_eq!(decode_one(compute_task([(field, value)])), Err(expected));
        }
    }
    let cases = [
        ("free-keys", "keys"),
        ("remove-replicas", "keys"),
        ("acquire-replicas", "nbytes"),
        ("steal-request", "key"),
        ("refresh-who-has", "who_has"),
        ("remove-worker", "worker"),
        ("worker-status-change", "status"),
    ];
    for (op, field) in cases {
        for fields in [vec![], vec![(field, odd())]] {
            assert_eq!(decode_one(message(op, fields)), Err(Malformed { op: Some(op.into()), field }));
        }
    }
    for nonsense in [Value::Nil, Value::map([("key", "a".into())]), message("x", []).get("op").unwrap().clone()] {
        assert_eq!(decode_one(nonsense), Err(Malformed { op: None, field: "op" }));
    }
}

#[test]
fn what_is_odd_deep_inside_is_malformed_too() {
    let nan = list([f64::NAN]);
    let cases = [
        ("priority", list(["high"])),
        ("priority", nan),
        ("who_has", who_has(5_i64)),
        ("who_has", Value::Map(vec![(Value::map([]), list(["p"]))])),
        ("nbytes", nbytes("many")),
        ("resource_restrictions", Value::map([("gpu", (-1.0).into())])),
        ("resource_restrictions", Value::map([("gpu", f64::INFINITY.into())])),
    ];
    for (field, value) in cases {
        let expected = Malformed { op: Some("compute-task".into()), field };
        assert_eq!(decode_one(compute_task([(field, Some(value.clone()))])), Err(expected), "{value:?}");
    }
}

#[test]
fn sizes_that_are_not_known_count_as_nothing() {
    for (size, expected) in [(Value::from(-1_i64), 0), (u64::MAX.into(), u64::MAX), (1.5.into(), 1)] {
        assert_eq!(decode_task(compute_task([("nbytes", Some(nbytes(size)))])).dependencies[0].nbytes, expected);
    }
    assert_eq!(decode_task(compute_task([("nbytes", Some(Value::map([])))])).dependencies[0].nbytes, 0);
}

#[test]
fn unknown_ops_and_fields_are_ignored() {
    let unknown = message("shuffle-fail", [("shuffle_id", "s".into())]);
    assert_eq!(decode_one(unknown), Ok(Received::Unknown { op: "shuffle-fail".into() }));
    let status = message("worker-status-change", [("status", "closing".into())]);
    assert_eq!(decode_one(status), Ok(Received::Unknown { op: "worker-status-change".into() }));
    assert_eq!(decode_task(compute_task([("duration", Some(0.5.into()))])), decode_task(compute_task([])));
}

#[test]
fn a_batch_is_read_in_its_order_and_sets_are_lists() {
    let keys = |name: &str| Value::Set(vec![name.into()]);
    let batch = Value::List(vec![
        message("free-keys", [("keys", keys("a")), ("stimulus_id", "s".into())]),
        message("remove-replicas", [("keys", list(["b"]))]),
        message("acquire-replicas", [("who_has", who_has("p")), ("nbytes", nbytes(3_i64))]),
        message("steal-request", [("key", "c".into()), ("stimulus_id", "steal-3".into())]),
        message("refresh-who-has", [("who_has", who_has("p"))]),
        message("remove-worker", [("worker", "p".into())]),
        message("worker-status-change", [("status", "closing_gracefully".into())]),
        message("close", [("reason", "scheduler-remove-worker".into())]),
        message("close", []),
        message("close-stream", []),
    ]);
    let expected = [
        FromScheduler::FreeKeys(vec!["a".into()]),
        FromScheduler::RemoveReplicas(vec!["b".into()]),
        FromScheduler::AcquireReplicas(vec![Dependency { key: chunk(), holders: vec!["p".into()], nbytes: 3 }]),
        FromScheduler::StealRequest { key: "c".into(), stimulus_id: "steal-3".into() },
        FromScheduler::RefreshWhoHas(vec![(chunk(), vec!["p".into()])]),
        FromScheduler::RemoveWorker("p".into()),
        FromScheduler::StatusChange(Status::ClosingGracefully),
        FromScheduler::Close { reason: Some("scheduler-remove-worker".into()) },
        FromScheduler::Close { reason: None },
        FromScheduler::StreamClosed,
    ];
    assert_eq!(decode(batch), Ok(expected.map(Received::Message).to_vec()));
}

/// Fields beside `op`, in any order: a missing or an additional one costs the worker its place.
fn assert_fields(message: Message, op: &str, fields: &[(&str, Value)]) {
    let encoded = encode(message, 7, &[]);
    let expected = [("op", Value::from(op))].into_iter().chain(fields.iter().cloned());
    let sorted = |value: Value| {
        let mut entries = value.entries().unwrap().to_vec();
        entries.sort_by_key(|(name, _)| name.as_str().unwrap().to_owned());
        entries
    };
    assert_eq!(sorted(encoded), sorted(Value::map(expected)));
}

#[test]
fn a_finished_task_is_told_with_exactly_its_fields() {
    let kind = Kind { pickle: Bytes::from_static(b"p"), name: "bytes".into() };
    let ran = Ran { start: 1.5, stop: 2.5, thread: 3 };
    let finished = |ran| Message::TaskFinished { key: chunk(), run_id: 34, nbytes: 35, kind: kind.clone(), ran };
    let fields = |thread: Value, startstops: Value| {
        [
            ("status", "OK".into()),
            ("key", chunk().to_value()),
            ("run_id", 34_i64.into()),
            ("nbytes", 35_i64.into()),
            ("type", Bytes::from_static(b"p").into()),
            ("typename", "bytes".into()),
            ("metadata", Value::map([])),
            ("thread", thread),
            ("startstops", startstops),
            ("stimulus_id", "task-finished-anydask-7".into()),
        ]
    };
    let startstops = Value::map([("action", "compute".into()), ("start", 1.5.into()), ("stop", 2.5.into())]);
    assert_fields(finished(Some(ran)), "task-finished", &fields(3_i64.into(), list([startstops])));
    assert_fields(finished(None), "task-finished", &fields(Value::Nil, Value::List(vec![])));
}

#[test]
fn an_erred_task_is_told_with_exactly_its_fields() {
    let (exception_text, traceback_text) = ("RuntimeError('no')".into(), "".into());
    let error = TaskError { exception: "opaque".into(), traceback: Value::Nil, exception_text, traceback_text };
    let ran = Ran { start: 1.5, stop: 2.5, thread: 3 };
    let startstops = Value::map([("action", "compute".into()), ("start", 1.5.into()), ("stop", 2.5.into())]);
    let fields = [
        ("status", "error".into()),
        ("key", "a".into()),
        ("run_id", 50_i64.into()),
        ("exception", "opaque".into()),
        ("traceback", Value::Nil),
        ("exception_text", "RuntimeError('no')".into()),
        ("traceback_text", "".into()),
        ("thread", 3_i64.into()),
        ("startstops", list([startstops])),
        ("stimulus_id", "task-erred-anydask-7".into()),
    ];
    assert_fields(Message::TaskErred { key: "a".into(), run_id: 50, error, ran }, "task-erred", &fields);
}

#[test]
fn every_other_message_has_exactly_its_fields() {
    let keys = || vec![chunk(), "a".into()];
    let listed = list([chunk().to_value(), "a".into()]);
    let stimulus = |op: &str| ("stimulus_id", Value::from(format!("{op}-anydask-7")));
    let by_keys = |op| [("keys", listed.clone()), stimulus(op)];
    let by_key = |op| [("key", "a".into()), stimulus(op)];
    assert_fields(Message::AddKeys(keys()), "add-keys", &by_keys("add-keys"));
    let op = "request-refresh-who-has";
    assert_fields(Message::RequestRefreshWhoHas(keys()), op, &by_keys(op));
    assert_fields(Message::ReleaseWorkerData("a".into()), "release-worker-data", &by_key("release-worker-data"));
    assert_fields(Message::Reschedule("a".into()), "reschedule", &by_key("reschedule"));
    for duration in [Some(0.5), None] {
        let message = Message::LongRunning { key: "a".into(), run_id: 3, compute_duration: duration };
        let fields = [
            ("key", "a".into()),
            ("run_id", 3_i64.into()),
            ("compute_duration", duration.into()),
            stimulus("long-running"),
        ];
        assert_fields(message, "long-running", &fields);
    }
    let op = "worker-status-change";
    assert_fields(Message::StatusChange(Status::Paused), op, &[("status", "paused".into()), stimulus(op)]);
    assert_fields(Message::CloseStream, "close-stream", &[]);
}

#[test]
fn a_steal_response_echoes_the_request_and_knows_only_these_words() {
    let words = [
        (Some(StealState::Ready), "ready"),
        (Some(StealState::Waiting), "waiting"),
        (Some(StealState::Constrained), "constrained"),
        (Some(StealState::Executing), "executing"),
        (Some(StealState::LongRunning), "long-running"),
        (Some(StealState::Memory), "memory"),
        (Some(StealState::Resumed), "resumed"),
        (None, ""),
    ];
    for (state, word) in words {
        let message = Message::StealResponse { key: "a".into(), state, stimulus_id: "steal-3".into() };
        let word = Value::from(Some(word).filter(|word| !word.is_empty()));
        assert_fields(
            message,
            "steal-response",
            &[("key", "a".into()), ("state", word), ("stimulus_id", "steal-3".into())],
        );
    }
}
