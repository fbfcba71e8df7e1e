use super::driver::*;
use crate::engine::dask::client::{Action, Event, Loss, OnLost, Outcome, Report, Through};

/// A client of an erred task `a`, which it has just retried.
fn retried(on_lost: OnLost) -> Driver {
    let mut driver = Driver::new(Through::Scheduler, on_lost);
    driver.submit([task("a", &[])]);
    driver.flush_all();
    driver.stream([erred("a")]);
    driver.take_actions();
    driver.handle(Event::Retry(keys(&["a"])));
    assert_eq!(driver.actions.remove(0), reset("a"));
    driver
}

#[test]
fn only_erred_keys_are_retried_and_they_are_pending_at_once() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), task("b", &[])]);
    driver.flush_all();
    driver.stream([erred("a")]);
    driver.take_actions();
    driver.handle(Event::Retry(keys(&["a", "b"])));
    let (id, message) = driver.take_request("retry");
    assert_eq!(message.get("keys"), Some(&texts(&["a"])));
    assert_eq!(driver.take_actions(), [reset("a")]);
    driver.stream([about("task-retried", "a"), in_memory("a")]);
    driver.reply(id, texts(&["a"]));
    assert_eq!(driver.take_actions(), [resolved("a", FINISHED)]);
}

#[test]
fn an_error_is_a_new_one_once_the_scheduler_has_said_that_it_runs_the_task_again() {
    let mut driver = retried(OnLost::Resubmit);
    driver.take_request("retry");
    driver.stream([erred("a")]);
    assert_eq!(driver.take_actions(), [], "said once more for the sake of another client");
    driver.stream([about("task-retried", "a"), erred("a")]);
    let actions = driver.take_actions();
    assert!(matches!(actions[..], [Action::Resolve { outcome: Outcome::Erred { .. }, .. }]), "{actions:?}");
}

#[test]
fn a_retry_that_fails_makes_the_task_anew() {
    let mut driver = retried(OnLost::Resubmit);
    let (id, _) = driver.take_request("retry");
    driver.handle(Event::RpcFailed { id, why: "KeyError: it knows no `a`".into() });
    assert_eq!(driver.take_actions(), [Action::Report(Report::RequestFailed("retry"))]);
    assert_eq!(driver.flush_ops(), ["client-releases-keys", "heartbeat-client", "update-graph"]);
    driver.answer_beats();
    driver.stream([erred("a")]);
    let actions = driver.take_actions();
    assert!(matches!(actions[..], [Action::Resolve { outcome: Outcome::Erred { .. }, .. }]), "{actions:?}");
}

#[test]
fn a_retry_is_not_lost_with_the_connection() {
    let mut driver = retried(OnLost::Resubmit);
    driver.handle(Event::ConnectionLost);
    driver.take_actions();
    driver.connect();
    assert_eq!(graph_keys(&driver.flush()[0]).1, keys(&["a"]));
    driver.stream([in_memory("a")]);
    assert_eq!(driver.take_actions(), [resolved("a", FINISHED)]);
}

#[test]
fn a_retry_over_a_lost_connection_runs_also_what_it_depends_on_and_has_erred() {
    let mut driver = Driver::registered();
    driver.submit([task("a", &[]), task("b", &["a"])]);
    driver.flush_all();
    driver.stream([erred("a"), erred("b")]);
    driver.handle(Event::Retry(keys(&["b"])));
    driver.take_actions();
    driver.handle(Event::ConnectionLost);
    assert_eq!(driver.take_actions(), [reset("a")]);
    driver.connect();
    assert_eq!(graph_keys(&driver.flush()[0]).0, keys(&["a", "b"]));
}

#[test]
fn a_retry_that_fails_makes_also_anew_what_it_depends_on_and_has_erred() {
    for is_flushed in [false, true] {
        let mut driver = Driver::registered();
        driver.submit([task("a", &[]), task("b", &["a"]), task("c", &["b"])]);
        driver.flush_all();
        driver.stream([erred("a"), erred("b"), erred("c")]);
        driver.take_actions();
        driver.handle(Event::Retry(keys(&["c"])));
        let (id, _) = driver.take_request("retry");
        driver.handle(Event::RpcFailed { id, why: "the connection is lost".into() });
        if is_flushed {
            driver.flush_ops();
        }
        driver.handle(Event::ConnectionLost);
        let errors = driver.take_actions().into_iter().filter(|action| matches!(action, Action::Resolve { .. }));
        assert_eq!(errors.collect::<Vec<_>>(), []);
        driver.connect();
        assert_eq!(graph_keys(&driver.flush()[0]).0, keys(&["a", "b", "c"]));
    }
}

#[test]
fn without_resubmission_a_retried_task_is_lost_with_the_connection() {
    let mut driver = retried(OnLost::Fail);
    driver.take_actions();
    driver.handle(Event::ConnectionLost);
    assert_eq!(driver.take_actions(), [resolved("a", Outcome::Lost(Loss::Connection))]);
}
