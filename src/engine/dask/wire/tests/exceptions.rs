//! Exceptions as a person reads them.

use bytes::Bytes;

use crate::engine::dask::wire::pickle::Pickle;
use crate::engine::dask::wire::tests::{file, frames_of, pickle};
use crate::engine::dask::wire::{
    Limits, RemoteException, Serialized, Value, decode_message, exception_pickle, stream_messages,
};

fn read(exception: &Value, traceback: &Value) -> RemoteException {
    RemoteException::read(exception, traceback, &Limits::default())
}

fn of_bytes(pickle: Bytes) -> Value {
    Value::Serialized(Serialized::of_bytes(&pickle))
}

#[test]
fn an_exception_of_a_python_worker_has_its_traceback() {
    let exception = of_bytes(pickle("real-exception-ValueError-boom"));
    let told = read(&exception, &of_bytes(pickle("real-traceback-two-frames")));
    assert_eq!((told.class.as_str(), told.message.as_str()), ("ValueError", "boom 3"));
    assert_eq!(
        told.traceback_text,
        "Traceback (most recent call last):\n  \
         File \"/opt/dask0lib/python3.11/site-packages/dask/utils.py\", line 81, in apply\n  \
         File \"/srv/demo00usermod.py\", line 3, in boom\n"
    );
    // Without one of its own, it is the one that the exception brings.
    let told = read(&exception, &of_bytes(pickle("real-traceback-none")));
    assert_eq!(told.traceback_text.lines().count(), 5);
    assert!(told.traceback_text.ends_with("  File \"/srv/demo00usermod.py\", line 3, in boom\n"));
    assert_eq!(read(&exception, &Value::Nil), told);
}

#[test]
fn an_erred_task_of_a_recorded_message_is_told() {
    let frames = frames_of(&file("017-sched-to-pyclient-task-erred.bin")).unwrap();
    let messages = stream_messages(decode_message(frames, &Limits::default()).unwrap()).unwrap();
    let told = read(messages[0].get("exception").unwrap(), messages[0].get("traceback").unwrap());
    assert_eq!((told.class.as_str(), told.message.as_str()), ("ZeroDivisionError", "division by zero"));
    assert!(told.traceback_text.starts_with("Traceback (most recent call last):\n  File \""));
}

#[test]
fn an_exception_of_the_scheduler_comes_as_bytes() {
    let told = read(&Value::Bin(pickle("real-exception-KilledWorker")), &Value::Nil);
    assert_eq!(told.class, "distributed.scheduler.KilledWorker");
    assert_eq!(
        told.message,
        "Attempted to run task 'kk-1' on 1 different workers, but all those workers died while running it. \
         The last worker that attempt to run the task was tcp://127.0.0.1:40673."
    );
    assert_eq!(told.traceback_text, "");
}

#[test]
fn an_exception_of_ours_is_told_as_it_was() {
    let told = read(&Value::Serialized(Serialized::of_exception("RuntimeError", "boom", "failed")), &Value::Nil);
    let expected = RemoteException {
        class: "RuntimeError".into(),
        message: "boom".into(),
        traceback_text: String::new(),
        rust: Some("failed".into()),
    };
    assert_eq!(told, expected);
    assert_eq!(
        read(
            &Value::Serialized(Serialized::of_pickle(&exception_pickle("RuntimeError", "boom", "failed"))),
            &Value::Nil
        ),
        told
    );
}

#[test]
fn messages_are_what_python_makes_of_the_arguments() {
    let told = |class: &'static str, arguments: Vec<Pickle>| {
        let call = Pickle::call(Pickle::global("builtins", class), arguments);
        read(&Value::Bin(call.dumps()), &Value::Nil).message
    };
    assert_eq!(told("ValueError", vec![]), "");
    assert_eq!(told("KeyError", vec!["x".into()]), "'x'");
    assert_eq!(told("ValueError", vec![5.into()]), "5");
    assert_eq!(told("ValueError", vec!["a".into(), 1.5.into()]), "('a', 1.5)");
    assert_eq!(
        told("FileNotFoundError", vec![2.into(), "No such file".into(), "f.txt".into()]),
        "[Errno 2] No such file: 'f.txt'"
    );
}

#[test]
fn older_forms_and_causes_are_told() {
    let unpickle = || Pickle::global("tblib.pickling_support", "unpickle_exception");
    let class = |name| Pickle::global("builtins", name);
    let arguments = |text: &str| Pickle::Tuple(vec![text.into()]);
    let cause = Pickle::call(unpickle(), [class("KeyError"), arguments("key"), Pickle::None, Pickle::None]);
    let outer = Pickle::call(unpickle(), [class("ValueError"), arguments("outer"), cause.clone(), Pickle::None]);
    let told = read(&of_bytes(outer.dumps()), &Value::Nil);
    assert_eq!((told.class.as_str(), told.message.as_str()), ("ValueError", "outer"));
    assert_eq!(
        told.traceback_text,
        "KeyError: 'key'\n\nThe above exception was the direct cause of the following exception:\n\n"
    );
    let of_context = |is_suppressed: bool| {
        let rest = [Pickle::None, Pickle::None, cause.clone(), is_suppressed.into()];
        let call = Pickle::call(unpickle(), [&[class("ValueError"), arguments("outer")], rest.as_slice()].concat());
        read(&of_bytes(call.dumps()), &Value::Nil).traceback_text
    };
    assert!(of_context(false).contains("During handling of the above exception, another exception occurred:"));
    assert_eq!(of_context(true), "");
}

#[test]
fn what_cannot_be_read_is_told_as_such() {
    let text = |exception: &Value| read(exception, &Value::Nil).message;
    assert_eq!(text(&Value::Nil), "(the exception cannot be read: none was sent)");
    assert!(text(&Value::Bin("\u{1}".into())).starts_with("(the exception cannot be read: pickle: instruction 0x01"));
    assert!(text(&Value::Int(1)).starts_with("(the exception cannot be read: `exception`"));
    assert_eq!(text(&of_bytes(Pickle::Int(1).dumps())), "(this is no exception: 1)");
    let boom = of_bytes(exception_pickle("RuntimeError", "boom", "failed"));
    let told = read(&boom, &Value::Bin("\u{1}".into()));
    assert!(told.traceback_text.contains("(it cannot be read: pickle"), "{told:?}");
    assert_eq!(told.message, "boom");
    // A traceback that goes on for ever: `t` has itself for `tb_next`.
    let traceback = b"\x80\x04\x8c\x05tblib\x8c\tTraceback\x93)\x81\x94}(\x8c\x07tb_nexth\0ub.";
    let told = read(&boom, &Value::Bin(Bytes::from_static(traceback)));
    assert_eq!(told.traceback_text.lines().count(), 1002);
}
