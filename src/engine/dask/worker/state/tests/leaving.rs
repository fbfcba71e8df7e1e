use super::bench::{Bench, task};
use crate::engine::dask::worker::state::{BodyEnd, Event, FromScheduler, Status};

fn status(worker: &mut Bench, status: Status) -> Vec<String> {
    worker.receive(FromScheduler::StatusChange(status))
}

#[test]
fn a_paused_worker_finishes_what_runs_and_starts_nothing() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    assert_eq!(worker.step(Event::PauseAsked), ["status paused"]);
    assert_eq!(worker.step(Event::PauseAsked), [""; 0]);
    assert_eq!(worker.batch([task("b").into(), task("c").takes("x", &["p"]).into()]), [""; 0]);
    assert_eq!(worker.finish("a"), ["task-finished a run 1"]);
    assert_eq!(worker.steal("b"), ["steal-response b constrained"]);
    assert_eq!(worker.step(Event::ResumeAsked), ["status running", "fetch x from p"]);
    assert_eq!(worker.arrive("p"), ["add-keys x", "execute c run 1: x"]);
}

#[test]
fn a_worker_that_leaves_gives_back_what_has_not_begun_and_finishes_what_has() {
    let mut worker = Bench::new();
    let tasks = [task("a"), task("b"), task("c").takes("x", &["p"]), task("d").python()];
    worker.batch(tasks.map(Into::into));
    assert_eq!(
        worker.step(Event::LeaveAsked),
        ["status closing_gracefully", "reschedule b", "reschedule c", "reschedule d"]
    );
    assert_eq!(worker.receive(task("e")), ["reschedule e"], "on its way when we left");
    assert_eq!(worker.arrive("p"), ["drop x"]);
    assert_eq!(worker.finish("a"), ["task-finished a run 1", "request-refresh-who-has anydask-worker-leaves"]);
    assert_eq!(worker.free(&["anydask-worker-leaves"]), ["retire"], "the scheduler has read it");
    assert!(worker.state.data(&"a".into()).is_some(), "peers get it still");
    assert_eq!(status(&mut worker, Status::ClosingGracefully), ["status closing_gracefully"]);
    assert_eq!(worker.step(Event::Retired), ["close-stream", "stop Left"]);
    assert_eq!(worker.receive(task("f")), [""; 0]);
}

#[test]
fn a_worker_that_is_asked_twice_to_leave_does_not_wait_for_bodies() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    assert_eq!(worker.step(Event::LeaveAsked), ["status closing_gracefully"]);
    assert_eq!(worker.step(Event::LeaveAsked), ["request-refresh-who-has anydask-worker-leaves"]);
    assert_eq!(worker.step(Event::LeaveAsked), [""; 0]);
    assert_eq!(worker.free(&["anydask-worker-leaves"]), ["retire"]);
    assert_eq!(worker.free(&["anydask-worker-leaves"]), [""; 0]);
    assert_eq!(worker.step(Event::Retired), ["close-stream", "cancel a", "stop Left"]);
}

#[test]
fn a_worker_that_leaves_does_not_wait_for_bodies_that_nobody_waits_for() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    worker.free(&["a"]);
    assert_eq!(
        worker.step(Event::LeaveAsked),
        ["status closing_gracefully", "request-refresh-who-has anydask-worker-leaves"]
    );
}

#[test]
fn a_change_of_status_by_the_scheduler_is_adopted_and_echoed() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    worker.receive(task("b"));
    assert_eq!(status(&mut worker, Status::ClosingGracefully), ["status closing_gracefully", "reschedule b"]);
    assert_eq!(worker.finish("a"), ["task-finished a run 1"]);
    assert_eq!(status(&mut worker, Status::Running), ["status running"], "there was nobody to take the data");
    assert_eq!(worker.receive(task("b").run(2)), ["execute b run 2:"]);
}

#[test]
fn the_scheduler_cannot_wake_a_worker_that_pauses_or_leaves() {
    let mut worker = Bench::new();
    worker.step(Event::PauseAsked);
    assert_eq!(status(&mut worker, Status::Running), ["status paused"]);
    worker.step(Event::LeaveAsked);
    assert_eq!(status(&mut worker, Status::Running), ["status closing_gracefully"]);
}

#[test]
fn a_close_cancels_what_runs_and_ends_everything() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    let close = FromScheduler::Close { reason: Some("restart".into()) };
    assert_eq!(worker.receive(close), ["cancel a", "stop Closed(Some(\"restart\"))"]);
    assert_eq!(worker.end("a", BodyEnd::Cancelled), [""; 0]);
    assert_eq!(worker.receive(FromScheduler::StreamClosed), [""; 0]);
}

#[test]
fn the_end_of_the_stream_tells_each_body_once() {
    let mut worker = Bench::new();
    worker.receive(task("a"));
    worker.free(&["a"]);
    assert_eq!(worker.receive(FromScheduler::StreamClosed), ["stop StreamClosed"]);
}
