use super::driver::*;
use crate::engine::dask::client::state::LOST_DEPENDENCIES;
use crate::engine::dask::client::{Broadcast, Event, Loss, OnLost, Outcome, Scatter, Through};
use crate::engine::dask::wire::Value;

fn lost(key: &str, loss: Loss) -> crate::engine::dask::client::Action {
    resolved(key, Outcome::Lost(loss))
}

fn scatter(key: &str, through: Through) -> Event {
    let values = vec![(key.into(), data(b"\x01"))];
    Event::Scatter(Scatter { values, workers: Vec::new(), broadcast: Broadcast::One, through })
}

fn scattered(driver: &mut Driver, key: &str) {
    driver.handle(scatter(key, Through::Scheduler));
    let (id, _) = driver.take_request("scatter");
    driver.reply(id, texts(&[key]));
    assert_eq!(driver.take_actions(), [resolved(key, FINISHED)]);
}

#[test]
fn what_was_held_is_submitted_again_with_what_it_needs() {
    let mut driver = Driver::registered();
    driver.submit([inner("a", &[]), task("b", &["a"]), task("c", &[]), task("d", &[])]);
    driver.flush_all();
    driver.stream([in_memory("b"), erred("d")]);
    driver.handle(Event::Release(keys(&["c"])));
    driver.take_actions();
    driver.handle(Event::ConnectionLost);
    assert_eq!(driver.take_actions(), [reset("b")]);
    assert!(!driver.client.wants_flush());
    driver.connect();
    let messages = driver.flush_all();
    assert_eq!(graph_keys(&messages[0]), (keys(&["b"]), keys(&["a", "b"])));
    assert_eq!(messages.len(), 1);
    driver.stream([in_memory("b")]);
    assert_eq!(driver.take_actions(), [resolved("b", FINISHED)]);
}

#[test]
fn a_task_on_what_erred_on_an_earlier_connection_errs_with_the_same_blame() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[])]);
    driver.flush_all();
    driver.stream([erred("a")]);
    driver.handle(Event::ConnectionLost);
    driver.connect();
    driver.take_actions();
    driver.submit([task("b", &["a"])]);
    let actions = driver.take_actions();
    let [crate::engine::dask::client::Action::Resolve { outcome: Outcome::Erred { blamed, .. }, .. }] =
        actions.as_slice()
    else {
        panic!("{actions:?}")
    };
    assert_eq!(*blamed, "a".into());
    assert_eq!(driver.flush_all(), []);
    driver.handle(Event::Retry(keys(&["b"])));
    assert_eq!(driver.take_actions(), [reset("b"), reset("a")]);
    assert_eq!(graph_keys(&driver.flush()[0]).0, keys(&["a", "b"]));
}

#[test]
fn without_resubmission_what_was_held_is_lost_and_what_was_not_sent_goes_on() {
    let mut driver = Driver::new(Through::Scheduler, OnLost::Fail);
    driver.finished("a");
    driver.submit([task("b", &[])]);
    driver.flush_all();
    driver.submit([task("c", &["b"]), task("d", &[])]);
    driver.handle(Event::ConnectionLost);
    let input = Loss::Input("b".into());
    let expected = [reset("a"), lost("a", Loss::Connection), lost("b", Loss::Connection), lost("c", input)];
    assert_eq!(driver.take_actions(), expected);
    driver.connect();
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["d"]));
}

#[test]
fn scattered_values_are_lost_with_the_connection_and_with_them_what_was_made_of_them() {
    let mut driver = Driver::registered();
    scattered(&mut driver, "x");
    driver.submit([task("a", &["x"]), task("b", &["a"]), task("c", &[])]);
    driver.handle(Event::Release(keys(&["x"])));
    driver.flush_all();
    driver.stream([in_memory("a")]);
    driver.take_actions();
    driver.handle(Event::ConnectionLost);
    let input = || Loss::Input("x".into());
    assert_eq!(driver.take_actions(), [reset("a"), lost("a", input()), lost("b", input())]);
    driver.connect();
    assert_eq!(graph_keys(driver.flush().last().expect("a graph")).1, keys(&["c"]));
}

#[test]
fn a_scattered_value_that_its_worker_lost_is_lost_with_what_still_needs_it() {
    let mut driver = Driver::registered();
    scattered(&mut driver, "x");
    driver.submit([task("a", &["x"]), task("b", &["x"])]);
    driver.flush_all();
    driver.stream([in_memory("a")]);
    driver.take_actions();
    driver.stream([about("lost-data", "x"), cancelled_keys(&["x"], Some("already forgotten"))]);
    let actions = driver.take_actions();
    assert_eq!(actions, [reset("x"), lost("x", Loss::Scattered), lost("b", Loss::Input("x".into()))]);
}

#[test]
fn a_task_waits_until_the_scattered_values_that_it_takes_are_there() {
    let mut driver = Driver::registered();
    driver.handle(scatter("x", Through::Scheduler));
    driver.submit([task("a", &["x"]), task("b", &["a"]), task("c", &[])]);
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["c"]));
    assert_eq!(driver.flush_all(), []);
    driver.handle(Event::Release(keys(&["x"])));
    assert_eq!(driver.flush_all(), [], "the release would come before the value");
    let (id, message) = driver.take_request("scatter");
    assert_eq!(message.get("client"), Some(&"Client-anydask-1".into()));
    driver.reply(id, texts(&["x"]));
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["a", "b"]));
    assert_eq!(driver.flush_ops(), ["client-releases-keys", "heartbeat-client"]);
}

#[test]
fn a_value_that_is_scattered_is_there_when_all_its_copies_are() {
    let mut driver = Driver::registered();
    driver.handle(scatter("x", Through::Scheduler));
    let (id, _) = driver.take_request("scatter");
    // The scheduler says so of the first.
    driver.stream([in_memory("x")]);
    assert_eq!(driver.take_actions(), []);
    driver.reply(id, texts(&["x"]));
    assert_eq!(driver.take_actions(), [resolved("x", FINISHED)]);
}

#[test]
fn a_value_under_a_key_that_is_there_is_not_sent_again() {
    let mut driver = Driver::registered();
    scattered(&mut driver, "x");
    driver.handle(scatter("x", Through::Scheduler));
    driver.handle(Event::Release(keys(&["x"])));
    driver.handle(scatter("x", Through::Scheduler));
    assert_eq!(driver.take_actions(), [resolved("x", FINISHED)]);
    assert_eq!(driver.flush_all(), []);
}

#[test]
fn a_value_that_a_worker_does_not_take_goes_through_the_scheduler() {
    let mut driver = Driver::registered();
    driver.submit([python("p")]);
    driver.flush();
    let (id, _) = driver.take_request("identity");
    driver.reply(id, super::workers::identity(&[("tcp://w1", false)]));
    for answers in [true, false] {
        driver.handle(scatter("x", Through::Workers));
        let (id, _) = driver.take_request("update_data");
        if answers {
            let nbytes = Value::map([("x", 28_i64.into())]);
            driver.reply(id, Value::map([("status", "OK".into()), ("nbytes", nbytes)]));
            let (id, message) = driver.take_request("update_data");
            assert_eq!(message.get("who_has"), Some(&Value::map([("x", texts(&["tcp://w1"]))])));
            driver.reply(id, Value::Nil);
        } else {
            driver.handle(Event::RpcFailed { id, why: "it is gone".into() });
            let (id, _) = driver.take_request("scatter");
            driver.reply(id, texts(&["x"]));
        }
        assert_eq!(driver.take_actions(), [resolved("x", FINISHED)]);
        driver.handle(Event::Release(keys(&["x"])));
        driver.flush_all();
        driver.stream([beat()]);
    }
}

#[test]
fn what_shares_a_batch_with_a_lost_input_is_submitted_again() {
    let mut driver = Driver::registered();
    scattered(&mut driver, "x");
    driver.submit([task("a", &["x"]), inner("b", &[]), task("c", &["b"])]);
    driver.flush_all();
    // The scheduler lost `x` just before.
    driver.stream([
        about("lost-data", "x"),
        cancelled_keys(&["x"], Some("already forgotten")),
        cancelled_keys(&["a", "c"], Some(LOST_DEPENDENCIES)),
    ]);
    let actions = driver.take_actions();
    assert_eq!(actions, [reset("x"), lost("x", Loss::Scattered), lost("a", Loss::Input("x".into()))]);
    let messages = driver.flush();
    let graph = messages.last().expect("a graph");
    assert_eq!(graph_keys(graph), (keys(&["c"]), keys(&["b", "c"])));
}

#[test]
fn a_batch_whose_input_stays_lost_is_given_up() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.submit([task("b", &["a"])]);
    for _ in 0..4 {
        assert_eq!(driver.take_actions(), []);
        assert!(driver.flush_ops().contains(&"update-graph".to_owned()));
        driver.stream([cancelled_keys(&["b"], Some(LOST_DEPENDENCIES))]);
    }
    assert_eq!(driver.take_actions(), [cancelled("b", LOST_DEPENDENCIES)]);
}

#[test]
fn a_restart_of_the_scheduler_cancels_what_it_was_told_of() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.submit([task("b", &["a"])]);
    driver.submit([task("c", &[])]);
    driver.stream([Value::map([("op", "restart".into())])]);
    let reason = "scheduler-restart";
    assert_eq!(driver.take_actions(), [reset("a"), cancelled("a", reason), cancelled("b", reason)]);
    assert_eq!(graph_keys(driver.flush().last().expect("a graph")).1, keys(&["c"]));
}
