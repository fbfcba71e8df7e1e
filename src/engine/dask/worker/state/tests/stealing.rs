use super::bench::{Bench, task};
use crate::engine::dask::worker::state::Event;

fn busy_worker() -> Bench {
    let mut worker = Bench::new();
    worker.receive(task("busy"));
    worker
}

#[test]
fn what_has_not_begun_is_given_away() {
    let mut worker = busy_worker();
    let mut plain = task("a");
    plain.0.resources.clear();
    worker.receive(plain);
    worker.receive(task("b"));
    worker.receive(task("c").takes("x", &["p"]));
    worker.receive(task("d").python());
    assert_eq!(worker.steal("a"), ["steal-response a ready"]);
    assert_eq!(worker.steal("b"), ["steal-response b constrained"]);
    assert_eq!(worker.steal("c"), ["steal-response c waiting"]);
    assert_eq!(worker.steal("d"), ["steal-response d ready"]);
    for name in ["a", "b", "c", "d", "x"] {
        assert_eq!(worker.word(name), "released");
    }
    assert_eq!(worker.finish("busy"), ["task-finished busy run 1"]);
}

#[test]
fn what_runs_or_has_run_stays() {
    let mut worker = busy_worker();
    assert_eq!(worker.steal("busy"), ["steal-response busy executing"]);
    let body = worker.body("busy");
    worker.step(Event::BodySeceded { body });
    assert_eq!(worker.steal("busy"), ["steal-response busy long-running"]);
    worker.finish("busy");
    assert_eq!(worker.steal("busy"), ["steal-response busy memory"]);
    assert_eq!(worker.word("busy"), "memory");
}

#[test]
fn what_waits_for_its_old_body_stays() {
    let mut worker = busy_worker();
    worker.free(&["busy"]);
    worker.receive(task("busy").run(2));
    assert_eq!(worker.steal("busy"), ["steal-response busy resumed"]);
    assert_eq!(worker.finish("busy"), ["task-finished busy run 2"]);
}

#[test]
fn for_all_else_there_is_no_word_on_the_wire() {
    let mut worker = busy_worker();
    worker.acquire("flight", &["p"]);
    worker.acquire("fetch", &["p"]);
    worker.acquire("missing", &[]);
    worker.receive(task("freed"));
    worker.free(&["freed"]);
    worker.err("busy");
    assert_eq!(worker.word("busy"), "error");
    for name in ["unknown", "flight", "fetch", "missing", "freed", "busy"] {
        assert_eq!(worker.steal(name), [format!("steal-response {name} nil")]);
    }
}
