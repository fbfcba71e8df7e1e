use std::time::Duration;

use super::driver::*;
use crate::engine::dask::client::{Action, Event, Loss, OnLost, Outcome, Through};
use crate::engine::dask::wire::Value;

fn want(names: &[&str]) -> Event {
    Event::Want(keys(names))
}

fn missing(names: &[&str]) -> Value {
    Value::map([("status", "error".into()), ("keys", texts(names))])
}

fn delivered(key: &str) -> Action {
    Action::Deliver { key: key.into(), data: data(b"\x0b") }
}

#[test]
fn a_value_is_asked_for_only_once_the_scheduler_has_said_that_it_is_there() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), task("b", &[])]);
    driver.handle(want(&["a", "b"]));
    driver.flush_all();
    assert_eq!(driver.take_actions(), []);
    driver.stream([in_memory("a"), in_memory("b")]);
    let (id, message) = driver.take_request("gather");
    assert_eq!(message.get("keys"), Some(&texts(&["a", "b"])));
    driver.take_actions();
    driver.reply(id, all_data(&["a", "b", "c"]));
    assert_eq!(driver.take_actions(), [delivered("a"), delivered("b")]);
}

#[test]
fn small_waits_become_few_requests() {
    let mut driver = Driver::registered();
    let names: Vec<_> = (0..20).map(|index| format!("k{index:02}")).collect();
    names.iter().for_each(|name| driver.finished(name));
    names.iter().for_each(|name| driver.handle(want(&[name])));
    assert_eq!(driver.actions.len(), 8);
    let (id, _) = driver.take_request("gather");
    driver.take_actions();
    driver.reply(id, all_data(&["k00"]));
    let (_, message) = driver.take_request("gather");
    assert_eq!(message.get("keys").and_then(Value::items).map(<[_]>::len), Some(12));
}

#[test]
fn a_value_that_no_worker_gives_is_asked_for_again_after_the_scheduler_has_said_what_it_knows() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.finished("b");
    driver.handle(want(&["a", "b"]));
    let (id, _) = driver.take_request("gather");
    driver.reply(id, missing(&["a"]));
    let (id, message) = driver.take_request("gather");
    assert_eq!(message.get("keys"), Some(&texts(&["b"])), "its value was not in the reply");
    driver.reply(id, all_data(&["b"]));
    assert_eq!(driver.take_actions(), [delivered("b")]);
    assert_eq!(driver.flush_ops(), ["report-key"]);
    driver.stream([in_memory("a")]);
    assert_eq!(driver.take_actions(), [], "not at once");
    driver.pass(Duration::from_millis(50));
    driver.take_request("gather");
}

#[test]
fn a_lost_value_is_pending_until_it_is_made_again_and_then_delivered() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.handle(want(&["a"]));
    let (id, _) = driver.take_request("gather");
    driver.stream([about("lost-data", "a")]);
    driver.reply(id, missing(&["a"]));
    assert_eq!(driver.take_actions(), [reset("a")]);
    driver.stream([in_memory("a")]);
    let (id, _) = driver.take_request("gather");
    driver.reply(id, all_data(&["a"]));
    assert_eq!(driver.take_actions(), [resolved("a", FINISHED), delivered("a")]);
}

#[test]
fn a_value_that_is_never_given_is_made_anew_three_times_and_then_lost() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.handle(want(&["a"]));
    for _ in 0..3 {
        ask_in_vain(&mut driver);
        assert_eq!(driver.take_actions(), [reset("a")]);
        assert_eq!(driver.flush_ops(), ["client-releases-keys", "heartbeat-client", "update-graph"]);
        driver.answer_beats();
        driver.stream([in_memory("a")]);
        assert_eq!(driver.actions.remove(0), resolved("a", FINISHED));
    }
    ask_in_vain(&mut driver);
    assert_eq!(driver.take_actions(), [reset("a"), resolved("a", Outcome::Lost(Loss::Unavailable))]);
    driver.flush_all();
    driver.answer_beats();
    assert!(driver.client.is_idle());
}

/// Through the scheduler, and once from the workers themselves.
fn ask_in_vain(driver: &mut Driver) {
    for _ in 0..7 {
        let (id, _) = driver.take_request("gather");
        driver.reply(id, missing(&["a"]));
        assert_eq!(driver.flush_ops(), ["report-key"]);
        driver.stream([in_memory("a")]);
        driver.pass(Duration::from_secs(4));
        driver.flush_all();
    }
    let (id, _) = driver.take_request("who_has");
    driver.reply(id, Value::Map(vec![("a".into(), texts(&[]))]));
}

#[test]
fn values_come_from_the_workers_that_have_them() {
    let mut driver = Driver::new(Through::Workers, OnLost::Resubmit);
    for name in ["a", "b", "c"] {
        driver.finished(name);
    }
    driver.handle(want(&["a", "b", "c"]));
    let (id, message) = driver.take_request("who_has");
    assert_eq!(message.get("keys"), Some(&texts(&["a", "b", "c"])));
    let who_has = [("a", &["tcp://w1"][..]), ("b", &["tcp://w2"]), ("c", &["tcp://w1"])];
    driver.reply(id, Value::map(who_has.map(|(key, workers)| (key, texts(workers)))));
    let requests = driver.take_actions();
    let [Action::WorkerRpc { id: first, address, message, confirm: true }, Action::WorkerRpc { id: second, .. }] =
        requests.as_slice()
    else {
        panic!("{requests:?}")
    };
    assert_eq!((&**address, message.get("keys")), ("tcp://w1", Some(&texts(&["a", "c"]))));
    driver.reply(*first, all_data(&["a", "c"]));
    assert_eq!(driver.take_actions(), [delivered("a"), delivered("c")]);
    driver.reply(*second, Value::map([("status", "busy".into())]));
    driver.pass(Duration::from_millis(50));
    let (id, _) = driver.take_request("who_has");
    driver.handle(Event::RpcFailed { id, why: "it is gone".into() });
    driver.pass(Duration::from_millis(100));
    let (id, _) = driver.take_request("gather");
    driver.reply(id, all_data(&["b"]));
    assert_eq!(driver.take_actions(), [delivered("b")]);
}

#[test]
fn a_value_that_comes_after_its_release_is_dropped() {
    let mut driver = Driver::registered();
    driver.finished("a");
    driver.handle(want(&["a"]));
    let (id, _) = driver.take_request("gather");
    driver.handle(Event::Release(keys(&["a"])));
    driver.reply(id, all_data(&["a"]));
    assert_eq!(driver.take_actions(), []);
}
