use std::time::Duration;

use super::driver::*;
use crate::engine::dask::client::{Action, Event, Report};
use crate::engine::dask::wire::Value;

/// Workers, and whether each is one of ours.
pub(super) fn identity(workers: &[(&str, bool)]) -> Value {
    let worker = |is_ours: bool| {
        let resources = if is_ours { Value::map([("anydask", 1_i64.into())]) } else { Value::Map(Vec::new()) };
        Value::map([("resources", resources)])
    };
    Value::map([("workers", Value::map(workers.iter().map(|(address, is_ours)| (*address, worker(*is_ours)))))])
}

#[test]
fn a_python_task_waits_for_the_list_of_workers_and_others_do_not() {
    let mut driver = Driver::registered();
    driver.submit([python("p"), task("a", &[]), task("b", &["p"])]);
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["a"]));
    let (id, _) = driver.take_request("identity");
    driver.reply(id, identity(&[("tcp://ours", true), ("tcp://theirs", false)]));
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["p", "b"]));
    driver.submit([python("q")]);
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["q"]), "the list is fresh");
    assert_eq!(driver.take_actions(), []);
}

#[test]
fn python_tasks_wait_for_the_first_python_worker_and_it_is_reported_once() {
    let mut driver = Driver::registered();
    driver.submit([python("p")]);
    assert_eq!(driver.flush_all(), []);
    for turn in 0..3 {
        let (id, _) = driver.take_request("identity");
        driver.reply(id, identity(&[("tcp://ours", true)]));
        let report = Action::Report(Report::NoPythonWorker { tasks: 1 });
        assert_eq!(driver.take_actions(), if turn == 0 { vec![report] } else { Vec::new() });
        assert_eq!(driver.flush_all(), []);
        driver.pass(Duration::from_secs(1));
    }
    let (id, _) = driver.take_request("identity");
    driver.reply(id, identity(&[("tcp://theirs", false)]));
    assert_eq!(driver.flush_ops(), ["update-graph"]);
}

#[test]
fn python_tasks_whose_workers_have_gone_are_given_to_others_and_placed_again() {
    let mut driver = Driver::registered();
    driver.submit([python("p"), python("q")]);
    driver.flush();
    let (id, _) = driver.take_request("identity");
    driver.reply(id, identity(&[("tcp://one", false)]));
    driver.flush_all();
    driver.stream([in_memory("q")]);
    driver.pass(Duration::from_secs(5));
    let (id, _) = driver.take_request("identity");
    driver.take_actions();
    driver.reply(id, identity(&[("tcp://other", false)]));
    let (id, message) = driver.take_request("set_restrictions");
    assert_eq!(message.get("worker"), Some(&Value::map([("p", texts(&["tcp://other"]))])));
    driver.reply(id, Value::Nil);
    let (_, message) = driver.take_request("retry");
    assert_eq!(message.get("keys"), Some(&texts(&["p"])));
}

/// Submits `p` and `a`, which takes its result; both finish, and heartbeats go by. Then the value of `lost` is lost.
fn lost_after_a_while(is_held: bool, lost: &str) -> Driver {
    let mut driver = Driver::registered();
    let mut p = python("p");
    p.held = is_held;
    driver.submit([p, task("a", &["p"])]);
    driver.flush_all();
    let (id, _) = driver.take_request("identity");
    driver.reply(id, identity(&[("tcp://one", false)]));
    driver.flush_all();
    driver.stream([in_memory("p")]);
    driver.stream([in_memory("a")]);
    for _ in 0..3 {
        driver.pass(Duration::from_secs(5));
        driver.answer_beats();
    }
    driver.stream([about("lost-data", lost)]);
    driver.take_actions();
    driver.pass(Duration::from_secs(5));
    let (id, _) = driver.take_request("identity");
    driver.reply(id, identity(&[("tcp://other", false)]));
    driver
}

#[test]
fn a_python_task_that_has_lost_its_value_is_given_to_other_workers() {
    let mut driver = lost_after_a_while(true, "p");
    let (id, message) = driver.take_request("set_restrictions");
    assert_eq!(message.get("worker"), Some(&Value::map([("p", texts(&["tcp://other"]))])));
    driver.reply(id, Value::Nil);
    let (_, message) = driver.take_request("retry");
    assert_eq!(message.get("keys"), Some(&texts(&["p"])));
}

#[test]
fn a_python_task_that_is_run_again_for_another_is_given_to_other_workers() {
    let mut driver = lost_after_a_while(false, "a");
    let (id, message) = driver.take_request("set_restrictions");
    assert_eq!(message.get("worker"), Some(&Value::map([("p", texts(&["tcp://other"]))])));
    driver.reply(id, Value::Nil);
    let (_, message) = driver.take_request("retry");
    assert_eq!(message.get("keys"), Some(&texts(&["p"])));
}

#[test]
fn a_python_task_whose_workers_the_user_chose_waits_for_no_list() {
    let mut driver = Driver::registered();
    let mut chosen = python("p");
    chosen.options.workers = vec!["here".into()];
    driver.submit([chosen]);
    assert_eq!(driver.flush_ops(), ["update-graph"]);
    assert_eq!(driver.take_actions(), []);
}

#[test]
fn who_waits_for_workers_looks_again_after_a_moment_also_over_a_lost_connection() {
    let mut driver = Driver::registered();
    let start = driver.now;
    for is_lost in [false, true] {
        driver.handle(Event::WatchWorkers);
        if is_lost {
            driver.handle(Event::ConnectionLost);
        }
        assert_eq!(driver.take_actions(), []);
        driver.pass_until_timer();
        assert_eq!(driver.take_actions(), [Action::WorkersChanged]);
    }
    assert_eq!(driver.now, start + Duration::from_millis(200));
    driver.connect();
    driver.pass_until_timer();
    assert_eq!(driver.flush_ops(), ["heartbeat-client"], "once is enough");
}
