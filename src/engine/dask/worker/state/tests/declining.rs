use std::time::Duration;

use super::bench::{Bench, task};
use crate::engine::dask::worker::state::{Declined, Event, FromScheduler};

fn answer(worker: &mut Bench, declined: Declined) -> Vec<String> {
    worker.step(Event::PythonDeclined(declined))
}

#[test]
fn a_python_task_is_restricted_first_and_given_back_then() {
    let mut worker = Bench::new();
    assert_eq!(worker.receive(task("a").python().takes("x", &["p"])), ["decline a"]);
    assert_eq!(answer(&mut worker, Declined::Restricted), ["reschedule a"]);
    assert_eq!(worker.word("a"), "released");
}

#[test]
fn python_tasks_that_come_meanwhile_share_the_next_request() {
    let mut worker = Bench::new();
    assert_eq!(worker.batch([task("a").python().into(), task("b").python().into()]), ["decline a b"]);
    assert_eq!(worker.receive(task("c").python()), [""; 0]);
    assert_eq!(worker.receive(task("d").python()), [""; 0]);
    assert_eq!(answer(&mut worker, Declined::Restricted), ["reschedule a", "reschedule b", "decline c d"]);
}

#[test]
fn a_python_task_is_kept_while_there_is_nobody_to_take_it() {
    let mut worker = Bench::new();
    worker.receive(task("a").python());
    assert_eq!(answer(&mut worker, Declined::Failed), ["timer 1s"]);
    assert_eq!(worker.receive(task("b").python()), [""; 0]);
    assert_eq!(worker.after(Duration::from_secs(1)), ["decline a b"]);
}

#[test]
fn a_python_task_that_is_freed_or_stolen_meanwhile_is_not_given_back() {
    let mut worker = Bench::new();
    worker.batch([task("a").python().into(), task("b").python().into()]);
    worker.free(&["a"]);
    assert_eq!(worker.steal("b"), ["steal-response b ready"]);
    assert_eq!(answer(&mut worker, Declined::Restricted), [""; 0]);
}

#[test]
fn a_python_task_that_comes_again_meanwhile_is_restricted_again() {
    let mut worker = Bench::new();
    worker.receive(task("a").python());
    worker.batch([FromScheduler::FreeKeys(vec!["a".into()]), task("a").run(2).python().into()]);
    assert_eq!(answer(&mut worker, Declined::Restricted), ["decline a"]);
    assert_eq!(answer(&mut worker, Declined::Restricted), ["reschedule a"]);
}

#[test]
fn python_tasks_do_not_keep_ours_from_running() {
    let mut worker = Bench::new();
    assert_eq!(worker.batch([task("a").python().into(), task("b").into()]), ["execute b run 1:", "decline a"]);
}
