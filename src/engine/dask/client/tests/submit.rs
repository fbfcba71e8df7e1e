use super::driver::*;
use crate::engine::dask::client::state::LOST_DEPENDENCIES;
use crate::engine::dask::client::{Action, Event, Outcome, Report, Submission};
use crate::engine::dask::wire::Value;

#[test]
fn all_submits_since_the_last_flush_are_one_graph_in_their_order() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[])]);
    driver.submit([task("c", &["a"]), task("b", &["a", "c"])]);
    let messages = driver.flush();
    let [graph] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(op(graph), "update-graph");
    assert_eq!(graph_keys(graph), (keys(&["a", "c", "b"]), keys(&["a", "c", "b"])));
    assert_eq!(driver.flush_all(), []);
    assert!(driver.take_actions().is_empty());
}

#[test]
fn what_belongs_together_is_one_graph_once_it_is_complete() {
    let mut driver = Driver::registered();
    driver.finished("x");
    // Two threads at once.
    driver.handle(Event::Begin);
    driver.submit([task("a", &["x"])]);
    driver.handle(Event::Begin);
    driver.submit([task("b", &["a"])]);
    driver.handle(Event::Release(keys(&["a"])));
    driver.handle(Event::Detach(keys(&["b"])));
    assert_eq!(driver.flush_all(), []);
    driver.handle(Event::Complete);
    assert_eq!(driver.flush_all(), []);
    driver.handle(Event::Complete);
    let messages = driver.flush();
    assert_eq!(messages.iter().map(op).collect::<Vec<_>>(), ["update-graph", "client-desires-keys"]);
    assert_eq!(graph_keys(&messages[0]), (keys(&["b"]), keys(&["a", "b"])));
    assert_eq!(driver.flush_all(), []);
}

#[test]
fn what_is_more_than_one_message_does_not_wait_until_it_is_complete() {
    let mut driver = Driver::registered();
    driver.handle(Event::Begin);
    driver.handle(Event::Submit((0..9_999).map(|index| task(&format!("t-{index:05}"), &[])).collect()));
    assert_eq!(driver.flush_all(), []);
    driver.submit([task("last", &[])]);
    assert_eq!(graph_keys(&driver.flush()[0]).1.len(), 10_000);
    driver.submit([task("later", &[])]);
    assert_eq!(driver.flush_all(), []);
    driver.handle(Event::Complete);
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["later"]));
}

#[test]
fn a_task_inside_a_graph_is_sent_but_not_wanted() {
    let mut driver = Driver::registered();
    driver.submit([inner("a", &[]), task("b", &["a"])]);
    assert_eq!(graph_keys(&driver.flush()[0]), (keys(&["b"]), keys(&["a", "b"])));
    assert_eq!(driver.flush_all(), []);
}

#[test]
fn a_task_that_nothing_needs_is_forgotten() {
    let mut driver = Driver::registered();
    driver.submit([inner("a", &[]), inner("b", &["a"])]);
    assert_eq!(driver.flush_all(), []);
    assert!(driver.client.is_idle());
}

#[test]
fn what_is_released_before_the_flush_is_never_sent() {
    let mut driver = Driver::registered();
    driver.submit([inner("a", &[]), task("b", &["a"]), task("c", &[])]);
    driver.handle(Event::Release(keys(&["b"])));
    assert_eq!(graph_keys(&driver.flush()[0]), (keys(&["c"]), keys(&["c"])));
    assert_eq!(driver.flush_all(), []);
}

#[test]
fn an_input_is_released_only_after_the_task_that_takes_it_was_sent() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.submit([task("b", &["a"])]);
    driver.handle(Event::Release(keys(&["a"])));
    assert_eq!(driver.flush_ops(), ["update-graph"]);
    assert_eq!(driver.flush_ops(), ["client-releases-keys", "heartbeat-client"]);
    assert_eq!(driver.flush_all(), []);
}

#[test]
fn releases_are_one_message() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.finished("b");
    driver.handle(Event::Release(keys(&["b"])));
    driver.handle(Event::Release(keys(&["a"])));
    let messages = driver.flush_all();
    assert_eq!(messages[0].get("keys"), Some(&texts(&["a", "b"])));
    assert_eq!(messages[0].get("client"), Some(&"Client-anydask-1".into()));
    assert!(!driver.client.is_idle(), "the scheduler may still speak of them");
    driver.stream([beat()]);
    assert!(driver.client.is_idle());
}

#[test]
fn what_is_held_again_before_the_flush_is_not_released_and_resolves_again() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.handle(Event::Release(keys(&["a"])));
    driver.handle(Event::Hold(keys(&["a"])));
    assert_eq!(driver.flush_all(), []);
    assert_eq!(driver.take_actions(), [resolved("a", FINISHED)]);
}

#[test]
fn an_erred_key_that_is_submitted_again_is_released_first_and_old_words_about_it_are_not_heard() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[])]);
    driver.flush_all();
    driver.stream([erred("a")]);
    driver.take_actions();
    driver.handle(Event::Release(keys(&["a"])));
    driver.submit([task("a", &[])]);
    assert_eq!(driver.flush_ops(), ["client-releases-keys", "heartbeat-client", "update-graph"]);
    driver.stream([erred("a")]);
    assert_eq!(driver.take_actions(), []);
    driver.stream([beat(), in_memory("a")]);
    assert_eq!(driver.take_actions(), [resolved("a", FINISHED)]);
}

#[test]
fn words_about_the_last_life_of_a_released_key_are_not_heard() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[])]);
    driver.flush_all();
    driver.handle(Event::Release(keys(&["a"])));
    driver.flush_all();
    driver.submit([task("a", &[])]);
    driver.flush_all();
    driver.stream([erred("a"), beat(), in_memory("a")]);
    assert_eq!(driver.take_actions(), [resolved("a", FINISHED)]);
}

#[test]
fn one_key_is_one_work() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), task("b", &[])]);
    driver.submit([task("a", &[])]);
    assert_eq!(driver.take_actions(), []);
    assert!(driver.client.is_conflict(&"a".into(), &task("a", &["b"]).work));
    driver.submit([task("a", &["b"])]);
    assert_eq!(driver.take_actions(), [Action::Conflict { key: "a".into() }]);
}

#[test]
fn a_task_on_what_is_not_held_is_cancelled_and_the_others_of_its_batch_are_not() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &["gone"]), task("b", &["a"]), task("c", &[])]);
    let reason = LOST_DEPENDENCIES;
    assert_eq!(driver.take_actions(), [cancelled("a", reason), cancelled("b", reason)]);
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["c"]));
}

#[test]
fn a_key_of_another_client_is_desired_and_asked_for() {
    let mut driver = Driver::registered();
    driver.handle(Event::Hold(keys(&["x"])));
    assert_eq!(driver.flush_ops(), ["client-desires-keys", "report-key"]);
    driver.stream([cancelled_keys(&["x"], None)]);
    assert_eq!(driver.take_actions(), [cancelled("x", "cancelled by another client")]);
    driver.flush_all();
    driver.answer_beats();
    assert!(driver.client.is_idle());
}

#[test]
fn a_detached_task_goes_on_without_handles() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[])]);
    driver.handle(Event::Detach(keys(&["a"])));
    driver.handle(Event::Release(keys(&["a"])));
    let messages = driver.flush_all();
    let ops: Vec<_> = messages.iter().map(op).collect();
    assert_eq!(ops, ["update-graph", "client-desires-keys", "client-releases-keys", "heartbeat-client"]);
    assert_eq!(messages[1].get("client"), Some(&"fire-and-forget".into()));
    driver.stream([beat()]);
    assert!(driver.client.is_idle());
}

#[test]
fn an_error_names_the_task_that_failed() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), task("b", &["a"]), task("c", &["b"])]);
    driver.flush_all();
    driver.stream([erred("a"), erred("b"), erred("c"), erred("c")]);
    let blamed = driver.take_actions().into_iter().map(|action| match action {
        Action::Resolve { outcome: Outcome::Erred { blamed, .. }, .. } => blamed,
        other => panic!("{other:?}"),
    });
    assert_eq!(blamed.collect::<Vec<_>>(), keys(&["a", "a", "a"]));
}

#[test]
fn what_is_not_known_is_counted_and_harms_nothing() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[])]);
    driver.flush_all();
    driver.stream([Value::map([("op", "new-in-2030".into())]), in_memory("a")]);
    let report = Action::Report(Report::UnknownOp("new-in-2030".into()));
    assert_eq!(driver.take_actions(), [report, resolved("a", FINISHED)]);
    assert_eq!(driver.client.unknown_ops(), 1);
    driver.handle(Event::Stream(Value::Nil));
    driver.stream([about("key-in-memory", "never heard of"), Value::map([("op", "task-erred".into())])]);
    assert!(driver.take_actions().iter().all(|action| matches!(action, Action::Report(Report::Malformed(_)))));
}

#[test]
fn a_large_batch_goes_in_parts_and_what_a_later_part_needs_is_kept_until_then() {
    let mut driver = Driver::registered();
    let mut tasks = vec![inner("first", &[])];
    tasks.extend((0..10_000).map(|index| task(&format!("t-{index:05}"), &[])));
    tasks.push(task("last", &["first"]));
    driver.handle(Event::Submit(tasks));
    let (wanted, all) = graph_keys(&driver.flush()[0]);
    assert_eq!(all.len(), 10_000);
    assert!(wanted.contains(&"first".into()), "the scheduler would forget it");
    let messages = driver.flush();
    assert_eq!(graph_keys(&messages[0]).1.len(), 2);
    let messages = driver.flush_all();
    assert_eq!(messages[0].get("keys"), Some(&texts(&["first"])));
}

/// A task that names `gone:1`, a host with a port.
fn on_gone(key: &str, dependencies: &[&str]) -> Submission {
    let mut task = task(key, dependencies);
    task.options.workers = vec!["tcp://gone:1".into()];
    task
}

#[test]
fn a_task_whose_worker_cannot_be_looked_up_errs_with_what_depends_on_it_and_without_the_rest_of_its_flush() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), on_gone("x", &["a"]), inner("y", &["x"]), task("z", &["y"]), task("b", &["a"])]);
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["a", "b"]));
    assert_eq!(driver.flush_all(), []);
    let (id, message) = driver.take_request("ncores");
    assert_eq!(message.get("workers"), Some(&texts(&["tcp://gone:1"])));
    driver.handle(Event::RpcFailed { id, why: "gaierror(-2, 'Name or service not known')".into() });
    let blamed = driver.take_actions().into_iter().map(|action| match action {
        Action::Resolve { key, outcome: Outcome::Erred { blamed, .. } } => (key, blamed),
        other => panic!("{other:?}"),
    });
    assert_eq!(blamed.collect::<Vec<_>>(), [("x".into(), "x".into()), ("z".into(), "x".into())]);
    assert_eq!(driver.flush_all(), []);
    driver.submit([task("late", &["x"])]);
    assert!(matches!(driver.take_actions()[..], [Action::Resolve { outcome: Outcome::Erred { .. }, .. }]));
    // Whoever retries it may have mended that.
    driver.handle(Event::Retry(keys(&["z"])));
    assert_eq!(driver.take_actions(), [reset("z"), reset("x")]);
    assert_eq!(driver.flush_all(), []);
    let (id, _) = driver.take_request("ncores");
    driver.reply(id, Value::Map(Vec::new()));
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["x", "y", "z"]));
    driver.handle(Event::Release(keys(&["a", "b", "x", "z", "late"])));
    driver.flush_all();
    driver.answer_beats();
    assert!(driver.client.is_idle());
}

#[test]
fn a_worker_is_looked_up_once_on_a_connection() {
    let mut driver = Driver::registered();
    driver.submit([on_gone("a", &[]), on_gone("b", &[])]);
    assert_eq!(driver.flush_all(), []);
    let (id, _) = driver.take_request("ncores");
    assert_eq!(driver.take_actions(), []);
    // Which the scheduler takes for the name of a host, in a graph.
    driver.handle(Event::RpcFailed { id, why: "ValueError('no address')".into() });
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["a", "b"]));
    driver.submit([on_gone("c", &[])]);
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["c"]));
    driver.handle(Event::ConnectionLost);
    driver.connect();
    assert_eq!(driver.flush_all(), []);
    driver.take_request("ncores");
}

#[test]
fn a_detached_task_whose_worker_cannot_be_looked_up_leaves_nothing() {
    let mut driver = Driver::registered();
    driver.submit([on_gone("x", &[])]);
    driver.handle(Event::Detach(keys(&["x"])));
    driver.handle(Event::Release(keys(&["x"])));
    assert_eq!(driver.flush_all(), []);
    let (id, _) = driver.take_request("ncores");
    driver.handle(Event::RpcFailed { id, why: "gaierror(-2, 'Name or service not known')".into() });
    assert_eq!((driver.flush_all(), driver.take_actions()), (Vec::new(), Vec::new()));
    assert!(driver.client.is_idle());
}
