use super::bench::{Bench, Token, task};
use crate::engine::dask::worker::state::{BodyEnd, Event, FromScheduler};

fn worker_that_runs(name: &str) -> Bench {
    let mut worker = Bench::new();
    worker.receive(task(name));
    worker
}

fn remove_replicas(worker: &mut Bench, name: &str) -> Vec<String> {
    worker.receive(FromScheduler::RemoveReplicas(vec![name.into()]))
}

fn put(worker: &mut Bench, name: &str) -> Vec<String> {
    let data = worker.data(&name.into());
    worker.step(Event::DataPut(vec![(name.into(), data)]))
}

#[test]
fn freed_data_is_dropped_and_said_to_be() {
    let mut worker = worker_that_runs("a");
    worker.finish("a");
    assert_eq!(worker.live(), 1);
    assert_eq!(worker.free(&["a", "unknown"]), ["drop a", "release-worker-data a"]);
    assert_eq!((worker.live(), worker.word("a")), (0, "released"));
}

#[test]
fn a_freed_queued_task_never_runs() {
    let mut worker = worker_that_runs("a");
    worker.receive(task("b"));
    assert_eq!(worker.free(&["b"]), [""; 0]);
    assert_eq!(worker.finish("a"), ["task-finished a run 1"]);
}

#[test]
fn a_freed_running_task_is_told_and_finishes_silently() {
    let mut worker = worker_that_runs("a");
    assert_eq!(worker.free(&["a"]), ["cancel a"]);
    assert_eq!(worker.finish("a"), ["drop a"]);
    assert_eq!(worker.live(), 0);
}

#[test]
fn a_freed_running_task_errs_silently() {
    let mut worker = worker_that_runs("a");
    worker.free(&["a"]);
    assert_eq!(worker.err("a"), [""; 0]);
    assert_eq!(worker.word("a"), "released");
}

#[test]
fn a_task_that_is_freed_and_assigned_again_in_one_batch_goes_on() {
    let mut worker = worker_that_runs("a");
    let batch = [FromScheduler::FreeKeys(vec!["a".into()]), task("a").run(2).into()];
    assert_eq!(worker.batch(batch), [""; 0]);
    assert_eq!(worker.finish("a"), ["task-finished a run 2"]);
}

#[test]
fn a_seceded_task_that_goes_on_says_so_again() {
    let mut worker = worker_that_runs("a");
    let body = worker.body("a");
    worker.step(Event::BodySeceded { body });
    let batch = [FromScheduler::FreeKeys(vec!["a".into()]), task("a").run(2).into()];
    assert_eq!(worker.batch(batch), ["long-running a run 2 after None"]);
}

#[test]
fn a_body_that_finishes_although_it_was_told_to_stop_answers_the_next_run() {
    let mut worker = worker_that_runs("a");
    worker.free(&["a"]);
    assert_eq!(worker.receive(task("a").run(2)), [""; 0]);
    assert_eq!(worker.word("a"), "resumed");
    assert_eq!(worker.receive(task("a").run(3)), [""; 0]);
    assert_eq!(worker.finish("a"), ["task-finished a run 3"]);
}

#[test]
fn a_body_that_was_told_to_stop_and_does_is_run_anew_for_the_next_run() {
    for end in [BodyEnd::<Token>::Cancelled, BodyEnd::Erred { error: super::bench::error(), ran: super::bench::RAN }] {
        let mut worker = worker_that_runs("a");
        worker.free(&["a"]);
        worker.receive(task("a").run(2));
        assert_eq!(worker.end("a", end), ["execute a run 2:"]);
        assert_eq!(worker.finish("a"), ["task-finished a run 2"]);
    }
}

#[test]
fn a_task_that_was_freed_twice_answers_nothing() {
    let mut worker = worker_that_runs("a");
    worker.free(&["a"]);
    worker.receive(task("a").run(2));
    assert_eq!(worker.free(&["a"]), [""; 0], "it was told");
    assert_eq!(worker.finish("a"), ["drop a"]);
}

#[test]
fn another_call_of_a_freed_key_runs_anew() {
    let mut worker = worker_that_runs("a");
    let batch = [FromScheduler::FreeKeys(vec!["a".into()]), task("a").run(2).function("g").into()];
    assert_eq!(worker.batch(batch), ["cancel a"]);
    assert_eq!(worker.finish("a"), ["drop a", "execute a run 2:"]);
}

#[test]
fn the_same_call_on_new_values_runs_anew() {
    let mut worker = Bench::new();
    put(&mut worker, "x");
    worker.receive(task("a").takes("x", &[]));
    let batch = [FromScheduler::FreeKeys(vec!["a".into(), "x".into()]), task("a").run(2).takes("x", &["p"]).into()];
    assert_eq!(worker.batch(batch), ["drop x", "release-worker-data x", "cancel a", "fetch x from p"]);
    worker.arrive("p");
    assert_eq!(worker.finish("a"), ["drop a", "execute a run 2: x"]);
}

#[test]
fn a_body_keeps_inputs_that_are_freed_while_it_runs() {
    let mut worker = Bench::new();
    put(&mut worker, "x");
    worker.receive(task("a").takes("x", &[]));
    assert_eq!(worker.free(&["x"]), ["drop x", "release-worker-data x"]);
    assert_eq!(worker.finish("a"), ["task-finished a run 1"]);
}

#[test]
fn a_queued_task_whose_input_is_freed_waits_for_it_again() {
    let mut worker = worker_that_runs("busy");
    put(&mut worker, "x");
    worker.receive(task("a").takes("x", &[]));
    assert_eq!(worker.free(&["x"]), ["drop x", "release-worker-data x", "request-refresh-who-has x", "timer 1s"]);
    assert_eq!(worker.word("a"), "waiting");
    assert_eq!(worker.refresh("x", &["p"]), ["fetch x from p"]);
    worker.arrive("p");
    assert_eq!(worker.finish("busy"), ["task-finished busy run 1", "execute a run 1: x"]);
}

#[test]
fn an_input_that_is_freed_with_its_task_is_not_asked_for() {
    let mut worker = worker_that_runs("busy");
    put(&mut worker, "x");
    worker.receive(task("a").takes("x", &[]));
    assert_eq!(worker.free(&["x", "a"]), ["drop x", "release-worker-data x"]);
    assert_eq!((worker.word("x"), worker.word("a")), ("released", "released"));
}

#[test]
fn replicas_that_are_too_many_are_dropped() {
    let mut worker = Bench::new();
    put(&mut worker, "x");
    assert_eq!(remove_replicas(&mut worker, "x"), ["drop x", "release-worker-data x"]);
    assert_eq!(remove_replicas(&mut worker, "x"), [""; 0]);
}

#[test]
fn a_replica_that_a_task_here_needs_stays_and_is_reported() {
    let mut worker = worker_that_runs("busy");
    put(&mut worker, "x");
    worker.receive(task("a").takes("x", &[]));
    assert_eq!(remove_replicas(&mut worker, "x"), ["add-keys x"]);
    worker.finish("busy");
    assert_eq!(remove_replicas(&mut worker, "x"), ["drop x", "release-worker-data x"], "the body has it");
}

#[test]
fn scattered_data_is_kept_and_not_reported() {
    let mut worker = Bench::new();
    assert_eq!(put(&mut worker, "x"), [""; 0]);
    assert!(worker.state.data(&"x".into()).is_some());
    assert_eq!(put(&mut worker, "x"), ["drop x"], "in place of the first");
    assert_eq!(worker.receive(task("x").run(4)), ["task-finished x run 4"]);
}

#[test]
fn scattered_data_answers_a_task_of_that_key() {
    let mut worker = worker_that_runs("a");
    worker.receive(task("b").takes("x", &["p"]));
    assert_eq!(put(&mut worker, "b"), ["task-finished b run 1"]);
    assert_eq!(worker.arrive("p"), ["drop x"], "nobody needs it any more");
    assert_eq!(put(&mut worker, "a"), ["task-finished a run 1", "cancel a"]);
    assert_eq!(worker.finish("a"), ["drop a"]);
}

#[test]
fn scattered_data_completes_a_task_that_waits_for_it() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &[]));
    assert_eq!(put(&mut worker, "x"), ["execute a run 1: x"]);
}

#[test]
fn a_result_that_is_made_here_completes_a_task_that_waits_for_it() {
    let mut worker = Bench::new();
    worker.receive(task("x"));
    worker.receive(task("a").takes("x", &[]));
    assert_eq!(worker.finish("x"), ["task-finished x run 1", "execute a run 1: x"]);
}

#[test]
fn a_task_that_waits_for_a_task_that_erred_asks_where_else_its_data_is() {
    let mut worker = Bench::new();
    worker.receive(task("x"));
    worker.receive(task("a").takes("x", &[]));
    assert_eq!(worker.err("x"), ["task-erred x run 1", "request-refresh-who-has x", "timer 1s"]);
    assert_eq!(worker.free(&["a"]), [""; 0]);
    assert_eq!(worker.word("x"), "released");
}
