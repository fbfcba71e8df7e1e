use super::driver::*;
use crate::engine::dask::client::Event;
use crate::engine::dask::client::state::LOST_DEPENDENCIES;
use crate::engine::dask::wire::Value;

fn cancel(names: &[&str], force: bool) -> Event {
    Event::Cancel { keys: keys(names), reason: "nobody reads it".into(), force }
}

#[test]
fn a_cancel_ends_the_key_at_once_with_what_depends_on_it_and_is_a_release_to_the_scheduler() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), task("b", &["a"]), task("c", &[])]);
    driver.flush_all();
    driver.handle(cancel(&["a"], false));
    assert_eq!(driver.take_actions(), [cancelled("a", "nobody reads it"), cancelled("b", LOST_DEPENDENCIES)]);
    let messages = driver.flush_all();
    assert_eq!(messages[0].get("keys"), Some(&texts(&["a", "b"])));
    assert!(messages.iter().all(|message| op(message) != "cancel-keys"));
    driver.stream([in_memory("a"), erred("b")]);
    assert_eq!(driver.take_actions(), [], "it has ended");
}

#[test]
fn what_is_cancelled_before_the_flush_is_never_sent() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), task("b", &["a"])]);
    driver.handle(cancel(&["a"], false));
    assert_eq!(driver.take_actions().len(), 2);
    assert_eq!(driver.flush_all(), []);
    assert!(driver.client.is_idle());
}

#[test]
fn what_has_ended_is_not_cancelled() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.submit([task("b", &["a"])]);
    driver.handle(cancel(&["a", "unknown"], false));
    assert_eq!(driver.take_actions(), []);
    assert_eq!(driver.flush_ops(), ["update-graph"]);
}

#[test]
fn a_forced_cancel_is_sent_dependents_first_so_that_it_meets_no_task_that_nobody_wants() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), inner("b", &["a"]), task("c", &["b"])]);
    driver.flush_all();
    driver.stream([in_memory("a")]);
    driver.take_actions();
    driver.handle(cancel(&["a"], true));
    let (own, other) = (cancelled("a", "nobody reads it"), cancelled("c", LOST_DEPENDENCIES));
    assert_eq!(driver.take_actions(), [reset("a"), own, other]);
    let messages = driver.flush_all();
    let ops: Vec<_> = messages.iter().map(op).collect();
    assert_eq!(ops, ["cancel-keys", "cancel-keys", "heartbeat-client"]);
    assert_eq!(messages[0].get("keys"), Some(&texts(&["c"])));
    assert_eq!(messages[0].get("force"), Some(&Value::Bool(true)));
    assert_eq!(messages[1].get("keys"), Some(&texts(&["a"])));
}

#[test]
fn the_echo_of_a_forced_cancel_does_not_cancel_what_was_submitted_after_it() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[])]);
    driver.flush_all();
    driver.handle(cancel(&["a"], true));
    driver.submit([task("a", &[])]);
    driver.take_actions();
    assert_eq!(driver.flush_ops(), ["cancel-keys", "heartbeat-client", "update-graph"]);
    driver.stream([cancelled_keys(&["a"], Some("nobody reads it")), beat(), in_memory("a")]);
    assert_eq!(driver.take_actions(), [resolved("a", FINISHED)]);
}

#[test]
fn a_cancel_of_another_client_says_its_reason_and_takes_dependents_along() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), task("b", &["a"]), task("c", &[])]);
    driver.flush_all();
    let set = Value::Set(vec!["a".into(), "not ours".into()]);
    driver.stream([Value::map([("op", "cancelled-keys".into()), ("keys", set), ("reason", "theirs".into())])]);
    assert_eq!(driver.take_actions(), [cancelled("a", "theirs"), cancelled("b", LOST_DEPENDENCIES)]);
}
