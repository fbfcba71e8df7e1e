//! Pickles: those that Python has read and written, and what we make of them.

use bytes::Bytes;

use crate::engine::dask::wire::pickle::task_spec::{
    Layer, by_key, call_by_name, foreign_task, high_level_graph, hlg_expr, list, task, task_ref,
};
use crate::engine::dask::wire::pickle::{Object, Pickle, Unpickled, View};
use crate::engine::dask::wire::tests::{file, pickle};
use crate::engine::dask::wire::{Limits, TaskKey, Value, WireError, class_pickle};

const TOKEN: &str = "00112233445566778899aabbccddeeff";
const MESSAGE: &str = "this task can only run on a rask worker";

fn read(pickle: &[u8]) -> Result<Unpickled, WireError> {
    Unpickled::read(&Bytes::copy_from_slice(pickle), &Limits::default())
}

fn value(pickle: &[u8]) -> Result<Value, WireError> {
    read(pickle)?.root().to_value(&[], &Limits::default())
}

fn k1() -> Pickle {
    task(Some(&"k1".into()), Pickle::global("operator", "add"), [10.into(), 1.into()])
}

fn k2() -> Pickle {
    task(Some(&"k2".into()), Pickle::global("operator", "add"), [task_ref(&"k1".into()), 5.into()])
}

fn foreign_layer() -> Layer {
    let task =
        |key: &str, dependencies: &[TaskKey]| (key.into(), foreign_task(&key.into(), "rask", MESSAGE, dependencies));
    let annotation = |name: &str, bytes: &'static [u8], dependencies: Vec<Pickle>| {
        Pickle::dict([("f", name.into()), ("a", Bytes::from_static(bytes).into()), ("d", Pickle::List(dependencies))])
    };
    let annotations = by_key([
        ("r1".into(), annotation("const", &[0xac, 2], vec![])),
        ("r2".into(), annotation("add", &[], vec!["r1".into()])),
    ]);
    Layer {
        name: "rask".into(),
        tasks: vec![task("r1", &[]), task("r2", &["r1".into()])],
        annotations: vec![("resources".into(), Pickle::dict([("rask", 0.into())])), ("rask".into(), annotations)],
    }
}

/// `LLGExpr({key: task})`: a graph without layers, which is not what the client sends, and is made of the same parts.
fn llg_expr<const N: usize>(tasks: [(TaskKey, Pickle); N]) -> Pickle {
    let [module, class] = ["Expr._reconstruct", "LLGExpr"].map(|name| Pickle::global("dask._expr", name));
    let tasks = Pickle::Dict(tasks.into_iter().map(|(key, task)| (Pickle::from(&key), task)).collect());
    Pickle::call(module, [class, tasks, TOKEN.into(), Pickle::Dict(Vec::new())])
}

/// `ToPickle(HighLevelGraph(..))`: what schedulers before 2025.4 take.
fn to_pickle(graph: Pickle) -> Pickle {
    Pickle::call(Pickle::global("distributed.protocol.serialize", "ToPickle"), [graph])
}

#[test]
fn what_we_write_is_byte_for_byte_what_python_has_read() {
    let by_reference = call_by_name(
        Some(&"k3".into()),
        "usermod:inc",
        list([task_ref(&"k1".into())]),
        Some(Pickle::dict([("c", 1.into())])),
    );
    for (name, written) in [
        ("hand-task", k1().dumps()),
        ("hand-taskref", task_ref(&"k1".into()).dumps()),
        ("hand-task-with-taskref", k2().dumps()),
        ("hand-llgexpr-one-task", llg_expr([("k1".into(), k1())]).dumps()),
        ("hand-llgexpr-two-tasks", llg_expr([("k1".into(), k1()), ("k2".into(), k2())]).dumps()),
        ("hand-llgexpr-py-by-reference", llg_expr([("k3".into(), by_reference)]).dumps()),
        ("hand-hlgexpr-two-foreign-tasks", hlg_expr(vec![foreign_layer()]).dumps()),
        ("hand-topickle-hlg-two-foreign-tasks", to_pickle(high_level_graph(vec![foreign_layer()])).dumps()),
        ("hand-set-of-keys", Pickle::Set(vec!["k1".into()]).dumps()),
        ("hand-type-bytes", class_pickle("builtins", "bytes")),
        ("hand-exception", Pickle::call(Pickle::global("builtins", "RuntimeError"), ["boom".into()]).dumps()),
        ("hand-empty-tuple", Pickle::Tuple(vec![]).dumps()),
    ] {
        assert_eq!(written, pickle(name), "{name}: {:?}", read(&written));
    }
}

#[test]
fn every_pickle_of_python_is_read() {
    let index = String::from_utf8(file("pickles/INDEX.txt")).unwrap();
    let names: Vec<&str> = index.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names.len(), 34);
    for name in names {
        let bytes = pickle(name);
        let unpickled = read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(unpickled.len() > 0 && unpickled.len() < bytes.len(), "{name}");
    }
}

#[test]
fn what_a_scheduler_runs_is_a_tree_of_calls() {
    let unpickled = read(&pickle("real-run_spec-python-1-mul-py-1")).unwrap();
    let task = unpickled.root().as_call().unwrap();
    assert_eq!(task.callable().as_global(), Some(("dask._task_spec", "Task")));
    let state = task.state().and_then(Object::items).unwrap();
    assert_eq!(state.len(), 9);
    assert_eq!(state.get(6).and_then(Object::as_global), Some(("_operator", "mul")));
    let alias = state.get(5).and_then(Object::items).and_then(|arguments| arguments.get(0)?.as_call()).unwrap();
    assert_eq!(alias.callable().as_global(), Some(("dask._task_spec", "Alias")));
    assert_eq!(alias.argument(1).and_then(Object::as_str), Some("add-py-1"));
}

#[test]
fn plain_data_of_pickles_become_values() {
    let annotations = value(&pickle("real-annotations-resources-workers-retries-priority")).unwrap();
    assert_eq!(annotations.get("retries"), Some(&Value::Int(2)));
    assert_eq!(value(&pickle("real-code")), Ok(Value::List(vec![])));
    assert_eq!(value(&pickle("hand-set-of-keys")), Ok(Value::Set(vec!["k1".into()])));
    // Section 6.1: what Python sends for 11, a text, None and 2**64-1.
    assert_eq!(value(b"\x80\x04K\x0b."), Ok(Value::Int(11)));
    assert_eq!(value(b"\x80\x04\x95\x0a\0\0\0\0\0\0\0\x8c\x06h\xc3\xa9llo\x94."), Ok("h\u{e9}llo".into()));
    assert_eq!(value(b"\x80\x04N."), Ok(Value::Nil));
    assert_eq!(value(b"\x80\x04\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0."), Ok(Value::UInt(u64::MAX)));
}

#[test]
fn what_is_no_plain_data_is_named() {
    let found = |pickle: &[u8]| match value(pickle) {
        Err(WireError::NotPlain { found }) => found.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found(b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94."), "`os.system`");
    assert_eq!(found(b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02ls\x85R."), "`os.system('ls')`");
    assert_eq!(found(b"\x80\x04cos\nsystem\n."), "`os.system`");
    // 2**70.
    assert_eq!(found(b"\x80\x04\x8a\x09\0\0\0\0\0\0\0\0\x40."), "a number of 9 bytes");
}

#[test]
fn numbers_are_written_and_read_as_python_does() {
    for (number, bytes) in [
        (0_i64, &b"K\0"[..]),
        (255, b"K\xff"),
        (256, b"M\0\x01"),
        (65_535, b"M\xff\xff"),
        (65_536, b"J\0\0\x01\0"),
        (-1, b"J\xff\xff\xff\xff"),
        (i64::from(i32::MIN), b"J\0\0\0\x80"),
        (1 << 31, b"\x8a\x05\0\0\0\x80\0"),
        (-(1 << 31) - 1, b"\x8a\x05\xff\xff\xff\x7f\xff"),
        (-(1 << 39), b"\x8a\x05\0\0\0\0\x80"),
        (i64::MAX, b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"),
        (i64::MIN, b"\x8a\x08\0\0\0\0\0\0\0\x80"),
    ] {
        let written = Pickle::Int(number).dumps();
        assert_eq!(written, [b"\x80\x04", bytes, b"."].concat());
        assert_eq!(value(&written), Ok(Value::Int(number)));
    }
    let written = Pickle::UInt(u64::MAX).dumps();
    assert_eq!(written, b"\x80\x04\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0.".as_slice());
    assert_eq!(format!("{:?}", read(&written).unwrap()), u64::MAX.to_string());
    // Zero has no bytes at all in a LONG1.
    assert_eq!(value(b"\x80\x04\x8a\0."), Ok(Value::Int(0)));
}

#[test]
fn long_texts_and_many_globals_have_long_forms() {
    let text = "x".repeat(256);
    let written = Pickle::from(text.as_str()).dumps();
    assert_eq!(&written[..7], b"\x80\x04X\0\x01\0\0");
    assert_eq!(value(&written), Ok(text.as_str().into()));
    let globals: Vec<Pickle> = (0..200).map(|index| Pickle::global("module", format!("name{index}"))).collect();
    let written = Pickle::List([globals.clone(), globals].concat()).dumps();
    let unpickled = read(&written).unwrap();
    let items = unpickled.root().items().unwrap();
    assert_eq!(items.len(), 400);
    assert_eq!(items.get(399).and_then(Object::as_global), Some(("module", "name199")));
}

#[test]
fn keys_that_are_tuples_stay_tuples() {
    let key = TaskKey::of_value(&Value::List(vec!["x".into(), Value::Int(0), Value::List(vec![])])).unwrap();
    let unpickled = read(&Pickle::from(&key).dumps()).unwrap();
    let View::Tuple(items) = unpickled.root().view() else { panic!("{unpickled:?}") };
    assert!(matches!(items.get(2).map(Object::view), Some(View::Tuple(_))));
    assert_eq!(format!("{unpickled:?}"), "('x', 0, ())");
}

#[test]
fn buffers_beside_a_pickle_are_found_by_their_order() {
    // [PickleBuffer(..), PickleBuffer(..).toreadonly()]
    let unpickled = read(b"\x80\x05](\x97\x97\x98e.").unwrap();
    let buffers = [Bytes::from_static(b"first"), Bytes::from_static(b"second")];
    let expected = Value::List(buffers.iter().cloned().map(Value::Bin).collect());
    assert_eq!(unpickled.root().to_value(&buffers, &Limits::default()), Ok(expected));
    assert!(unpickled.root().to_value(&buffers[..1], &Limits::default()).is_err());
}

#[test]
fn numbers_of_numpy_are_numbers() {
    // What numpy 2 writes for `numpy.int64(7)` and `numpy.float64(1.5)`.
    let scalar = |kind: &str, bytes: &[u8]| {
        let dtype = format!("\u{8c}\u{5}numpy\u{8c}\u{5}dtype\u{93}\u{8c}\u{2}{kind}");
        let dtype: Vec<u8> = dtype.chars().map(|character| character as u8).collect();
        let state = b"\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb";
        let scalar = b"\x80\x04\x8c\x16numpy._core.multiarray\x8c\x06scalar\x93";
        value(&[scalar, dtype.as_slice(), state, &[b'C', bytes.len() as u8], bytes, b"\x86R."].concat())
    };
    assert_eq!(scalar("i8", &7_i64.to_le_bytes()), Ok(Value::Int(7)));
    assert_eq!(scalar("i2", &(-3_i16).to_le_bytes()), Ok(Value::Int(-3)));
    assert_eq!(scalar("u8", &u64::MAX.to_le_bytes()), Ok(Value::UInt(u64::MAX)));
    assert_eq!(scalar("f8", &1.5_f64.to_le_bytes()), Ok(Value::Float(1.5)));
    assert_eq!(scalar("b1", &[1]), Ok(Value::Bool(true)));
    assert!(matches!(scalar("c8", &[0; 16]), Err(WireError::NotPlain { .. })));
}

#[test]
fn containers_that_python_makes_by_a_call_are_filled() {
    // collections.OrderedDict([("a", 1)]), collections.deque([1, 2]), bytearray(b"xy") of protocol 4.
    let mapped = value(b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93)R(\x8c\x01aK\x01u.");
    assert_eq!(mapped, Ok(Value::map([("a", Value::Int(1))])));
    let listed = value(b"\x80\x04\x8c\x0bcollections\x8c\x05deque\x93)R(K\x01K\x02e.");
    assert_eq!(listed, Ok(Value::List(vec![Value::Int(1), Value::Int(2)])));
    assert_eq!(value(b"\x80\x04\x8c\x08builtins\x8c\tbytearray\x93C\x02xy\x85R."), Ok(Value::Bin("xy".into())));
    assert_eq!(value(b"\x80\x05\x96\x02\0\0\0\0\0\0\0xy."), Ok(Value::Bin("xy".into())));
}
