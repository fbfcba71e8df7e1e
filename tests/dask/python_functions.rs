//! Python functions as tasks of a Rust client, beside Rust tasks on Rust workers.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use anydask::runtime::{AsyncStd, Current, Runtime, Smol, Tokio};
use anydask::{Client, Error, RunningWorker, TaskFuture, Worker, python, task};
use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, Version};
use crate::everywhere::everywhere;

pub(crate) const LIMIT: Duration = Duration::from_secs(60);

#[task]
fn inc(x: i64) -> i64 {
    x + 1
}

#[task]
fn total(all: Vec<i64>) -> i64 {
    all.iter().sum()
}

#[task]
fn length_of(text: String) -> usize {
    text.len()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i64,
    name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(f64),
    Box(i64, i64),
    Named { name: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[task]
fn move_point(point: Point, by: i64) -> Point {
    Point { x: point.x + by, ..point }
}

#[task]
fn shape(number: i64) -> Shape {
    Shape::Box(number, number)
}

/// One cluster of each version for all tests here, which do not harm each other: a Python worker, and a Rust worker on each
/// runtime.
struct Shared {
    cluster: Cluster,
    _workers: [RunningWorker; 3],
}

fn shared(version: Version) -> &'static Cluster {
    static SHARED: [OnceLock<Shared>; 2] = [const { OnceLock::new() }; 2];
    let start = || {
        let mut cluster = Cluster::start(version);
        cluster.python_worker_with("python", |command| {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dask/python");
            let path = std::env::join_paths([folder.clone(), folder.join("only_on_workers")]).unwrap();
            command.env("PYTHONPATH", path).args(["--nthreads", "2"]);
        });
        let address = cluster.address().to_owned();
        let workers = [
            start_worker::<Tokio>(&address, "on-tokio"),
            start_worker::<AsyncStd>(&address, "on-async-std"),
            start_worker::<Smol>(&address, "on-smol"),
        ];
        Shared { cluster, _workers: workers }
    };
    &SHARED[version as usize].get_or_init(start).cluster
}

fn start_worker<R: Current + Runtime>(address: &str, name: &str) -> RunningWorker {
    Worker::<R>::connect(address).threads(1).name(name).start().timeout(LIMIT).wait().unwrap()
}

fn client<R: Current + Runtime>() -> Client<R> {
    let client = Client::<R>::connect(shared(Version::on::<R>()).address()).timeout(LIMIT).wait().unwrap();
    client.wait_for_workers(4).timeout(LIMIT).wait().unwrap();
    client
}

/// The value of a future, in time.
#[track_caller]
fn value<T: Clone + Send + Sync + 'static>(future: TaskFuture<T>) -> T {
    future.timeout(LIMIT).wait().unwrap_or_else(|error| panic!("{error:?}"))
}

#[track_caller]
fn error<T: Clone + std::fmt::Debug + Send + Sync + 'static>(future: TaskFuture<T>) -> Error {
    future.timeout(LIMIT).wait().unwrap_err()
}

fn source(error: &Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

everywhere! {
    arguments_arrive_as_python_has_them,
    keyword_arguments_arrive_by_their_names,
    results_of_every_kind_become_the_type_that_is_asked_for,
    numbers_of_any_size_come_and_go,
    a_result_of_another_type_is_told_with_both_types,
    futures_of_both_languages_are_arguments,
    futures_stand_inside_of_values_and_keywords,
    what_a_rust_task_gave_arrives_as_a_plain_object,
    an_exception_has_its_class_its_message_and_its_traceback,
    an_exception_tells_what_has_led_to_it,
    an_exception_that_does_not_travel_is_still_an_exception,
    functions_and_classes_that_only_workers_have,
    functions_that_are_not_there,
    an_object_stays_on_the_cluster_and_goes_on_as_an_argument,
    keys_begin_with_the_name_of_the_function,
}

fn arguments_arrive_as_python_has_them<R: Current + Runtime>() {
    let client = client::<R>();
    let shown = || python::<String>("functions:shown");
    let cases = [
        (client.submit(shown(), ()), ""),
        (client.submit(shown(), 5), "5"),
        (client.submit(shown(), (1.5, -0.0, 1e300)), "1.5, -0.0, 1e+300"),
        (client.submit(shown(), ("h\u{e9}'\"\n", 'x')), r#"'hé\'"\n', 'x'"#),
        (client.submit(shown(), (true, None::<i64>, Some(3), ())), "True, None, 3, None"),
        (client.submit(shown(), (serde_bytes_of(b"\0\xff"),)), r"b'\x00\xff'"),
        (client.submit(shown(), vec![vec![1], vec![]]), "[[1], []]"),
        (client.submit(shown(), ((1, "a"), [1, 2])), "(1, 'a'), (1, 2)"),
        (client.submit(shown(), BTreeMap::from([("a", 1), ("b", 2)])), "{'a': 1, 'b': 2}"),
        (client.submit(shown(), BTreeMap::from([((1, 2), 'c')])), "{(1, 2): 'c'}"),
        (client.submit(shown(), Point { x: 1, name: None }), "{'x': 1, 'name': None}"),
        (client.submit(shown(), Meters(2.5)), "2.5"),
        (
            client.submit(
                shown(),
                (Shape::Empty, Shape::Circle(1.0), Shape::Box(1, 2), Shape::Named { name: "n".into() }),
            ),
            "'Empty', {'Circle': 1.0}, {'Box': (1, 2)}, {'Named': {'name': 'n'}}",
        ),
        (
            client.submit(shown(), (u64::MAX, i64::MIN, i128::MAX)),
            "18446744073709551615, -9223372036854775808, 170141183460469231731687303715884105727",
        ),
    ];
    for (future, expected) in cases {
        assert_eq!(value(future), expected);
    }
    let nested = (1..100).fold(serde_json::json!([]), |inner, _| serde_json::json!([inner]));
    assert_eq!(value(client.submit(shown(), (&nested,))), nested.to_string());
    let error = error(client.submit(python::<i64>("builtins:len"), BTreeMap::from([(BTreeMap::from([(1, 2)]), 3)])));
    assert!(matches!(error, Error::NotEncoded { .. }), "{error:?}");
}

/// `Vec<u8>` is a list of numbers to serde. This is bytes.
fn serde_bytes_of(bytes: &[u8]) -> impl Serialize {
    struct Bytes(Vec<u8>);
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }
    Bytes(bytes.to_vec())
}

fn keyword_arguments_arrive_by_their_names<R: Current + Runtime>() {
    let client = client::<R>();
    assert_eq!(value(client.submit(python::<i64>("builtins:int").kwarg("base", 2), "101")), 5);
    let shown = python::<String>("functions:shown").kwarg("b", Some(1)).kwarg("a", vec!["x"]).kwarg("b", 2);
    assert_eq!(value(client.submit(shown, (7,))), "7, a=['x'], b=2");
    // Both hold futures, and a positional argument does, too.
    let (one, two) = (client.submit(inc, 0), client.submit(python::<i64>("operator:add"), (1, 1)));
    let shown =
        python::<String>("functions:shown").kwarg("first", &one).kwarg("second", vec![&two, &one]).kwarg("third", 3);
    assert_eq!(value(client.submit(shown, &two)), "2, first=1, second=[2, 1], third=3");
    let shown = python::<String>("functions:shown").kwarg("only", BTreeMap::from([("in", &one)]));
    assert_eq!(value(client.submit(shown, ())), "only={'in': 1}");
}

fn results_of_every_kind_become_the_type_that_is_asked_for<R: Current + Runtime>() {
    #[derive(Clone, Debug, PartialEq, Deserialize)]
    struct Results {
        none: Option<i64>,
        r#true: bool,
        int: i32,
        float: f32,
        text: String,
        bytes: Vec<u8>,
        list: (i64, Vec<serde_json::Value>),
        tuple: (u8, char),
        set: std::collections::BTreeSet<i64>,
    }
    let client = client::<R>();
    let expected = Results {
        none: None,
        r#true: true,
        int: -5,
        float: 1.5,
        text: "hé".into(),
        bytes: vec![0, 255],
        list: (1, vec![2.into(), serde_json::json!([])]),
        tuple: (1, 'a'),
        set: [3].into(),
    };
    assert_eq!(value(client.submit(python::<Results>("functions:results"), ())), expected);
    let same = |given: serde_json::Value| client.submit(python::<serde_json::Value>("functions:same"), (given,));
    let json = serde_json::json!({"a": [1, 2.5, null, {"b": "c"}], "d": {}, "e": [[], ""]});
    assert_eq!(value(same(json.clone())), json);
    let shapes = vec![Shape::Empty, Shape::Circle(0.5), Shape::Box(-1, 2), Shape::Named { name: "x".into() }];
    assert_eq!(value(client.submit(python::<Vec<Shape>>("functions:same"), (shapes.clone(),))), shapes);
    assert_eq!(value(client.submit(python::<Point>("functions:same"), Point { x: 3, name: Some("n".into()) })).x, 3);
    assert_eq!(value(client.submit(python::<Vec<i64>>("builtins:list"), (vec![1, 2],))), [1, 2]);
    let range = client.submit(python::<()>("builtins:range"), 3);
    assert_eq!(value(client.submit(python::<Vec<i64>>("builtins:list"), &range)), [0, 1, 2]);
    assert_eq!(value(client.submit(python::<BTreeMap<i64, String>>("builtins:dict"), (vec![(1, "a")],)))[&1], "a");
    assert_eq!(value(client.submit(python::<f64>("functions:numpy_scalar"), ("float32", 1.5))), 1.5);
    assert_eq!(value(client.submit(python::<i64>("functions:numpy_scalar"), ("int16", -7))), -7);
    assert!(value(client.submit(python::<bool>("functions:numpy_scalar"), ("bool_", 1))));
}

fn numbers_of_any_size_come_and_go<R: Current + Runtime>() {
    let client = client::<R>();
    for number in [0, 1, -1, i64::MAX.into(), i64::MIN.into(), u64::MAX.into(), 1 << 100, i128::MAX, i128::MIN] {
        assert_eq!(value(client.submit(python::<i128>("functions:same"), number)), number);
    }
    assert_eq!(value(client.submit(python::<u64>("functions:big"), 63)), 1 << 63);
    assert_eq!(value(client.submit(python::<Vec<i128>>("builtins:list"), (vec![1_i128 << 70],))), [1 << 70]);
    let error = error(client.submit(python::<i128>("functions:big"), 200));
    assert!(matches!(error, Error::NotDecoded { .. }), "{error:?}");
    assert!(source(&error).contains("a number of 26 bytes"), "{}", source(&error));
}

fn a_result_of_another_type_is_told_with_both_types<R: Current + Runtime>() {
    let client = client::<R>();
    let told = |error: Error| {
        assert!(matches!(error, Error::NotDecoded { .. }), "{error:?}");
        source(&error)
    };
    let same = |given: i64| (given,);
    assert_eq!(
        told(error(client.submit(python::<String>("functions:same"), same(5)))),
        "expected a text, Python gave the integer 5"
    );
    assert_eq!(
        told(error(client.submit(python::<u8>("functions:same"), same(300)))),
        "expected u8, Python gave the integer 300"
    );
    assert_eq!(
        told(error(client.submit(python::<i64>("builtins:str"), same(5)))),
        "expected i64, Python gave the text \"5\""
    );
    let error = error(client.submit(python::<Vec<Point>>("functions:same"), (vec![BTreeMap::from([("x", "a")])],)));
    assert_eq!(told(error), "expected i64 for field \"[0].x\", Python gave the text \"a\"");
    // The task itself is fine, and others use its result.
    let text = client.submit(python::<i64>("functions:same"), "text");
    assert_eq!(value(client.submit(python::<usize>("builtins:len"), &text)), 4);
}

fn futures_of_both_languages_are_arguments<R: Current + Runtime>() {
    let client = client::<R>();
    let rust = client.submit(inc, 1);
    let python_task = client.submit(python::<i64>("operator:add"), (&rust, 5));
    let back = client.submit(inc, &python_task);
    assert_eq!(value(client.submit(python::<i64>("operator:mul"), (&back, &python_task))), 8 * 7);
    // A Rust task that takes results of both, as a vector.
    assert_eq!(value(client.submit(total, vec![rust.clone(), python_task.clone(), back.clone()])), 2 + 7 + 8);
    // A chain from one to the other, all of it submitted before any of it has run.
    let mut last = client.submit(inc, 0);
    for _ in 0..10 {
        last = client.submit(python::<i64>("operator:add"), (&last, 1));
        last = client.submit(inc, &last);
    }
    assert_eq!(value(last), 21);
    let texts = client.map(python::<String>("builtins:str"), vec![(1,), (22,)]);
    assert_eq!(value(client.submit(length_of, &texts[1])), 2);
}

fn futures_stand_inside_of_values_and_keywords<R: Current + Runtime>() {
    #[derive(Serialize)]
    struct Batch<'a> {
        first: &'a TaskFuture<i64>,
        rest: Vec<TaskFuture<i64>>,
        by_name: BTreeMap<&'static str, (i64, TaskFuture<i64>)>,
        maybe: Option<TaskFuture<i64>>,
    }
    let client = client::<R>();
    let futures = client.map(inc, 0..3);
    let [a, b, c] = &futures[..] else { panic!() };
    assert_eq!(value(client.submit(python::<i64>("builtins:sum"), (vec![a, b, c],))), 6);
    assert_eq!(value(client.submit(python::<i64>("builtins:sum"), &futures)), 6);
    let batch = Batch {
        first: a,
        rest: vec![b.clone(), c.clone()],
        by_name: BTreeMap::from([("pair", (0, a.clone()))]),
        maybe: Some(c.clone()),
    };
    let shown = value(client.submit(python::<String>("functions:shown"), (batch, [a, b])));
    assert_eq!(shown, "{'first': 1, 'rest': [2, 3], 'by_name': {'pair': (0, 1)}, 'maybe': 3}, (1, 2)");
}

fn what_a_rust_task_gave_arrives_as_a_plain_object<R: Current + Runtime>() {
    let client = client::<R>();
    let point = client.submit(move_point, (Point { x: 1, name: Some("p".into()) }, 4));
    assert_eq!(
        value(client.submit(python::<String>("functions:shown"), (&point, &point))),
        "{'x': 5, 'name': 'p'}, {'x': 5, 'name': 'p'}"
    );
    let box_ = client.submit(shape, 2);
    let shown: Vec<_> = (0..5).map(|_| client.submit(python::<String>("functions:shown"), &box_)).collect();
    for text in client.gather(&shown).timeout(LIMIT).wait().unwrap() {
        assert_eq!(text, "{'Box': (2, 2)}");
    }
    // One task has converted it for all of them, and goes with it.
    let key = box_.key().to_string();
    assert_eq!(conversions_of(Version::on::<R>(), &key, 1), "1");
    drop((point, box_, shown));
    assert_eq!(conversions_of(Version::on::<R>(), &key, 0), "0");
}

/// How many tasks convert the result of this one, once there are as many as `expected`, or after a while.
fn conversions_of(version: Version, key: &str, expected: usize) -> String {
    let script = format!(
        "
import time
from distributed import Client

def count(dask_scheduler):
    return sum(str(key).startswith('to_python') and any(str(d.key) == '{key}' for d in task.dependencies)
               for key, task in dask_scheduler.tasks.items())

with Client() as client:
    end = time.monotonic() + 20
    while (found := client.run_on_scheduler(count)) != {expected} and time.monotonic() < end:
        time.sleep(0.05)
    print(found)
"
    );
    shared(version).run_python(&script).trim().to_owned()
}

fn an_exception_has_its_class_its_message_and_its_traceback<R: Current + Runtime>() {
    let client = client::<R>();
    let failed = client.submit(python::<i64>("functions:refuse"), ());
    let dependant = client.submit(inc, &failed);
    match error(failed) {
        Error::Exception { class, message, traceback, .. } => {
            assert_eq!((&*class, &*message), ("functions.Refused", "(7, 'not today')"));
            assert!(traceback.starts_with("Traceback (most recent call last):\n"), "{traceback}");
            assert!(traceback.contains("functions.py\", line ") && traceback.contains(", in refuse"), "{traceback}");
        }
        other => panic!("{other:?}"),
    }
    let inherited = error(dependant);
    assert!(inherited.to_string().contains("Refused"), "{inherited}");
    let Error::Exception { class, message, .. } = error(client.submit(python::<i64>("operator:truediv"), (1, 0)))
    else {
        panic!()
    };
    assert_eq!((&*class, &*message), ("ZeroDivisionError", "division by zero"));
    let Error::Exception { class, message, .. } =
        error(client.submit(python::<i64>("operator:getitem"), (BTreeMap::from([(1, 2)]), "k")))
    else {
        panic!()
    };
    assert_eq!((&*class, &*message), ("KeyError", "'k'"));
}

fn an_exception_tells_what_has_led_to_it<R: Current + Runtime>() {
    let client = client::<R>();
    let Error::Exception { class, message, traceback, .. } =
        error(client.submit(python::<i64>("functions:raise_from"), ()))
    else {
        panic!()
    };
    assert_eq!((&*class, &*message), ("RuntimeError", "on top"));
    assert!(traceback.contains("KeyError: 'absent'\n\nThe above exception was the direct cause"), "{traceback}");
    let Error::Exception { traceback, .. } = error(client.submit(python::<i64>("functions:raise_during"), ())) else {
        panic!()
    };
    assert!(traceback.contains("ZeroDivisionError: division by zero\n\nDuring handling"), "{traceback}");
}

fn an_exception_that_does_not_travel_is_still_an_exception<R: Current + Runtime>() {
    let client = client::<R>();
    for (name, class, word) in [
        ("functions:raise_unpicklable", "", "cannot travel"),
        ("functions:raise_unloadable", "functions.Unloadable", "cannot be made"),
        ("functions:raise_local", "Local", "of a function"),
    ] {
        match error(client.submit(python::<i64>(name), ())) {
            Error::Exception { class: found, message, .. } => {
                assert!(found.contains(class), "{name}: {found}");
                assert!(message.contains(word), "{name}: {found}: {message}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn functions_and_classes_that_only_workers_have<R: Current + Runtime>() {
    let client = client::<R>();
    assert_eq!(value(client.submit(python::<i64>("only_here:cube"), 3)), 27);
    let Error::Exception { class, message, .. } = error(client.submit(python::<i64>("only_here:trouble"), ())) else {
        panic!()
    };
    assert_eq!((&*class, &*message), ("only_here.Trouble", "of a class that only workers have"));
    // The cluster goes on.
    assert_eq!(value(client.submit(python::<i64>("only_here:cube"), 2)), 8);
}

fn functions_that_are_not_there<R: Current + Runtime>() {
    let client = client::<R>();
    for (name, expected) in [
        ("no_such_module:function", "ModuleNotFoundError"),
        ("functions:no_such_function", "AttributeError"),
        ("functions:Account.no_such_method", "AttributeError"),
    ] {
        let Error::Exception { class, message, .. } = error(client.submit(python::<i64>(name), ())) else {
            panic!("{name}")
        };
        assert_eq!(&*class, expected, "{message}");
        assert!(message.contains("no_such"), "{message}");
    }
    for name in ["function", "", "a:", ":b", "a b:c", "os:system('ls')", "a:b:c"] {
        let error = error(client.submit(python::<i64>(name), ()));
        assert!(matches!(error, Error::NotPortable { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains("module:qualname"), "{error}");
    }
}

fn an_object_stays_on_the_cluster_and_goes_on_as_an_argument<R: Current + Runtime>() {
    let client = client::<R>();
    // Nobody here has a type for it; that of the future is never asked for.
    let account = client.submit(python::<()>("functions:Account.opened"), "Ada");
    let richer = client.submit(python::<()>("functions:Account.deposited"), (&account, client.submit(inc, 41)));
    assert_eq!(value(client.submit(python::<String>("functions:Account.told"), &richer)), "Ada has 42");
    let error = error(richer);
    assert!(matches!(error, Error::NotDecoded { .. }), "{error:?}");
    assert!(source(&error).contains("functions.Account"), "{}", source(&error));
    // A Rust task that takes it errs, and says so.
    let given = client.submit(python::<String>("functions:Account.opened"), "Ada");
    let error = client.submit(length_of, &given).timeout(LIMIT).wait().unwrap_err();
    assert!(source(&error).contains("functions.Account"), "{error:?}");
}

fn keys_begin_with_the_name_of_the_function<R: Current + Runtime>() {
    let client = client::<R>();
    let starts = |future: TaskFuture<i64>, start: &str| assert!(future.key().starts_with(start), "{}", future.key());
    starts(client.submit(python::<i64>("operator:add"), (1, 2)), "add-");
    starts(client.submit(python::<i64>("functions:Account.told"), ()), "told-");
    starts(client.task(python::<i64>("operator:add"), (1, 2)).key("chosen").submit(), "chosen");
    let many = client.map(python::<i64>("builtins:abs"), -3..0);
    assert!(many.iter().all(|future| future.key().starts_with("abs-")), "{many:?}");
    assert_eq!(client.gather(&many).timeout(LIMIT).wait().unwrap(), [3, 2, 1]);
}
