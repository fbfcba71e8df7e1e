use std::time::Duration;

use super::bench::{Bench, config, task};
use crate::engine::dask::worker::state::{BodyEnd, Config, Event, FromScheduler};

#[test]
fn a_task_runs_and_is_answered_with_its_run() {
    let mut worker = Bench::new();
    assert_eq!(worker.receive(task("a").run(7)), ["execute a run 7:"]);
    assert_eq!(worker.finish("a"), ["task-finished a run 7"]);
    assert_eq!(worker.word("a"), "memory");
}

#[test]
fn an_error_is_told_and_leaves_no_data() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    assert_eq!(worker.err("a"), ["task-erred a run 1"]);
    assert_eq!(worker.word("a"), "error");
    assert_eq!(worker.free(&["a"]), [""; 0]);
    assert_eq!(worker.word("a"), "released");
}

#[test]
fn a_task_that_erred_runs_again_when_it_is_assigned_again() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    worker.err("a");
    assert_eq!(worker.receive(task("a").run(2)), ["execute a run 2:"]);
    assert_eq!(worker.finish("a"), ["task-finished a run 2"]);
}

#[test]
fn an_erred_task_needs_its_inputs_no_more() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]));
    worker.arrive("p");
    worker.err("a");
    assert_eq!(worker.receive(FromScheduler::RemoveReplicas(vec!["x".into()])), ["drop x", "release-worker-data x"]);
}

#[test]
fn a_task_in_memory_is_answered_with_the_new_run() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    worker.finish("a");
    assert_eq!(worker.receive(task("a").run(2)), ["task-finished a run 2"]);
}

#[test]
fn a_running_task_is_answered_with_its_latest_run_only() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    assert_eq!(worker.receive(task("a").run(2)), [""; 0]);
    assert_eq!(worker.finish("a"), ["task-finished a run 2"]);
}

#[test]
fn a_queued_task_is_answered_with_its_latest_run_only() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    worker.receive(task("b"));
    assert_eq!(worker.receive(task("b").run(2)), [""; 0]);
    assert_eq!(worker.finish("a"), ["task-finished a run 1", "execute b run 2:"]);
}

#[test]
fn another_call_of_the_same_key_does_not_get_the_result_of_the_first() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    assert_eq!(worker.receive(task("a").run(2).function("g")), ["cancel a"]);
    assert_eq!(worker.finish("a"), ["drop a", "execute a run 2:"]);
    assert_eq!(worker.finish("a"), ["task-finished a run 2"]);
}

#[test]
fn no_more_bodies_run_than_there_are_threads() {
    let mut worker = Bench::of(Config { nthreads: 2, ..config() });
    let tasks = ["a", "b", "c"].map(|name| task(name).into());
    assert_eq!(worker.batch(tasks), ["execute a run 1:", "execute b run 1:"]);
    assert_eq!(worker.finish("b"), ["task-finished b run 1", "execute c run 1:"]);
}

#[test]
fn a_cancelled_body_holds_its_slot_until_it_has_ended() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    worker.receive(task("b"));
    assert_eq!(worker.free(&["a"]), ["cancel a"]);
    assert_eq!(worker.end("a", BodyEnd::Cancelled), ["execute b run 1:"]);
}

#[test]
fn the_lowest_priority_runs_first_and_the_first_to_come_among_equals() {
    let mut worker = Bench::new();
    let tasks = [
        task("last").priority(&[0.0, 2.0]),
        task("second").priority(&[0.0, 1.0]),
        task("third").priority(&[0.0, 1.0]),
        task("first").priority(&[-1.0, 9.0]),
    ];
    assert_eq!(worker.batch(tasks.map(Into::into)), ["execute first run 1:"]);
    for (name, next) in [("first", "second"), ("second", "third"), ("third", "last")] {
        assert_eq!(worker.finish(name)[1..], [format!("execute {next} run 1:")]);
    }
}

#[test]
fn a_task_that_waits_for_a_resource_is_overtaken_by_those_that_do_not_ask_for_it() {
    let mut worker = Bench::of(Config { nthreads: 9, ..config() });
    let tasks =
        [task("one").uses("gpu", 1.0), task("two").uses("gpu", 2.0), task("small").uses("gpu", 1.0), task("plain")];
    assert_eq!(worker.batch(tasks.map(Into::into)), ["execute one run 1:", "execute plain run 1:"]);
    assert_eq!(worker.finish("one"), ["task-finished one run 1", "execute two run 1:"]);
    assert_eq!(worker.finish("two"), ["task-finished two run 1", "execute small run 1:"]);
}

#[test]
fn a_cancelled_body_holds_its_resources_until_it_has_ended() {
    let mut worker = Bench::of(Config { nthreads: 9, ..config() });
    worker.receive(task("a").uses("gpu", 2.0));
    worker.receive(task("b").uses("gpu", 1.0));
    assert_eq!(worker.free(&["a"]), ["cancel a"]);
    assert_eq!(worker.end("a", BodyEnd::Cancelled), ["execute b run 1:"]);
}

#[test]
fn a_task_that_asks_for_more_than_there_is_errs_and_stops_nobody() {
    let mut worker = Bench::of(Config { nthreads: 9, ..config() });
    let tasks = [task("a").uses("gpu", 3.0), task("b").uses("disk", 0.0), task("c").uses("gpu", 2.0)];
    assert_eq!(
        worker.batch(tasks.map(Into::into)),
        [
            "execute a run 1: the task asks for 3 of the resource gpu, and this worker has 2",
            "execute b run 1: the task asks for 0 of the resource disk, and this worker has 0",
            "execute c run 1:"
        ]
    );
    assert_eq!(worker.err("a"), ["task-erred a run 1"]);
}

#[test]
fn a_call_that_takes_what_its_task_does_not_depend_on_errs() {
    let mut worker = Bench::new();
    let mut odd = task("a").takes("x", &["p"]);
    odd.0.dependencies.clear();
    let line = "execute a run 1: the call takes the result of x, on which the task does not depend";
    assert_eq!(worker.receive(odd), [line]);
    worker.err("a");
    assert_eq!(
        worker.receive(task("b").takes("b", &["p"])),
        [line.replace('x', "b").replace("ebecute a", "execute b")]
    );
}

#[test]
fn inputs_come_in_the_order_of_the_call_also_twice() {
    let mut worker = Bench::new();
    let call = task("a").takes("y", &["p"]).takes("x", &["p"]).takes("y", &["p"]);
    assert_eq!(worker.receive(call), ["fetch y x from p"]);
    assert_eq!(worker.arrive("p"), ["add-keys x y", "execute a run 1: y x y"]);
}

#[test]
fn a_body_that_secedes_gives_its_slot_and_keeps_its_resources() {
    let mut worker = Bench::new();
    let tasks = [task("a").uses("gpu", 2.0), task("b").uses("gpu", 1.0), task("c")];
    worker.batch(tasks.map(Into::into));
    worker.after(Duration::from_secs(3));
    let body = worker.body("a");
    assert_eq!(worker.step(Event::BodySeceded { body }), ["long-running a run 1 after Some(3.0)", "execute c run 1:"]);
    assert_eq!(worker.step(Event::BodySeceded { body }), [""; 0], "a second time");
    assert_eq!(worker.finish("c"), ["task-finished c run 1"]);
    assert_eq!(worker.finish("a"), ["task-finished a run 1", "execute b run 1:"]);
}

#[test]
fn a_body_that_stops_by_itself_gives_its_task_back() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    assert_eq!(worker.end("a", BodyEnd::Cancelled), ["reschedule a"]);
    assert_eq!(worker.word("a"), "released");
}

#[test]
fn the_end_of_a_body_that_nobody_knows_changes_nothing() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    let body = worker.body("a");
    worker.finish("a");
    let data = worker.data(&"a".into());
    let end = BodyEnd::Finished { data, ran: super::bench::RAN };
    assert_eq!(worker.step(Event::BodyEnded { body, end }), ["drop a"]);
}

#[test]
fn a_heartbeat_tells_how_many_keys_are_in_which_state() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    worker.finish("a");
    let tasks = [task("b"), task("c").uses("gpu", 1.0), task("d").takes("x", &["p"]), task("e").takes("y", &[])];
    worker.batch(tasks.map(Into::into));
    worker.after(Duration::from_millis(500));
    let metrics = worker.state.metrics();
    let counts = [("constrained", 1), ("executing", 1), ("flight", 1), ("memory", 1), ("missing", 1), ("waiting", 2)];
    assert_eq!(metrics.task_counts, counts.into());
    assert_eq!((metrics.nbytes, metrics.incoming_bytes, metrics.incoming_count), (10, 10, 1));
    assert_eq!(metrics.incoming_count_total, 1);
    let executing: Vec<_> = worker.state.executing(worker.now()).collect();
    assert_eq!(executing, [(&"b".into(), Duration::from_millis(500))]);
}
