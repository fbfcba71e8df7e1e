use std::time::Duration;

use super::bench::{Bench, config, dependency, task};
use crate::engine::dask::worker::state::config::TRANSFERS_MAX;
use crate::engine::dask::worker::state::{Config, Event, FetchEnd, FromScheduler};

const BUSY: Duration = Duration::from_millis(150);
const REFRESH: Duration = Duration::from_secs(1);

#[test]
fn inputs_are_fetched_and_reported() {
    let mut worker = Bench::new();
    assert_eq!(worker.receive(task("a").takes("x", &["p"])), ["fetch x from p"]);
    assert_eq!(worker.arrive("p"), ["add-keys x", "execute a run 1: x"]);
    assert_eq!(worker.live(), 1);
}

#[test]
fn what_is_here_is_not_fetched() {
    let mut worker = Bench::new();
    worker.receive(task("x"));
    worker.finish("x");
    assert_eq!(worker.receive(task("a").takes("x", &[super::bench::OWN, "p"])), ["execute a run 1: x"]);
}

#[test]
fn a_batch_asks_each_peer_once_with_all_its_keys() {
    let mut worker = Bench::new();
    let tasks = [
        task("a").priority(&[2.0]).takes("x", &["p"]).takes("y", &["q"]),
        task("b").priority(&[1.0]).takes("z", &["p"]),
    ];
    assert_eq!(worker.batch(tasks.map(Into::into)), ["fetch z x from p", "fetch y from q"]);
    assert_eq!(worker.receive(task("c").takes("w", &["p"])), [""; 0], "p is asked already");
    assert_eq!(worker.arrive("p"), ["add-keys x z", "execute b run 1: z", "fetch w from p"]);
}

#[test]
fn a_peer_on_this_machine_comes_before_others() {
    let mut worker = Bench::new();
    let near = "tcp://10.0.0.1:2";
    assert_eq!(worker.receive(task("a").takes("x", &["tcp://10.0.0.0:9", near])), [format!("fetch x from {near}")]);
}

#[test]
fn what_a_task_needs_comes_before_copies() {
    let mut worker = Bench::new();
    worker.acquire("w", &["p"]);
    worker.acquire("x", &["p"]);
    worker.acquire("y", &["p"]);
    worker.receive(task("a").takes("y", &["p"]));
    worker.receive(task("b").priority(&[-1.0]).takes("z", &["p"]));
    assert_eq!(worker.arrive("p"), ["add-keys w", "fetch z y x from p"]);
}

#[test]
fn a_peer_that_fails_is_left_for_another() {
    let mut worker = Bench::new();
    let tasks = [task("a").takes("x", &["p", "q"]), task("b").takes("y", &["p", "q"])];
    let peer = if worker.batch(tasks.map(Into::into)) == ["fetch x y from p"] { "p" } else { "q" };
    let other = if peer == "p" { "q" } else { "p" };
    assert_eq!(worker.fetch_ends(peer, FetchEnd::Failed), [format!("fetch x y from {other}")]);
    assert_eq!(
        worker.fetch_ends(other, FetchEnd::Failed),
        ["request-refresh-who-has x y", "timer 1s"],
        "both have failed"
    );
}

#[test]
fn a_peer_that_fails_is_no_source_of_anything() {
    let mut worker = Bench::of(Config { incoming_bytes_max: 10, ..config() });
    worker.receive(task("a").takes("x", &["p"]).takes("y", &["p"]));
    assert_eq!(worker.fetch_ends("p", FetchEnd::Failed), ["request-refresh-who-has x y", "timer 1s"]);
}

#[test]
fn what_cannot_be_read_fails_its_tasks_and_no_others() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]).takes("y", &["p"]).uses("gpu", 2.0));
    worker.receive(task("b").takes("z", &["p"]));
    let unreadable = || FetchEnd::Unreadable { why: "too many".into() };
    worker.acquire("w", &["p"]);
    assert_eq!(
        worker.arrive_without("p", &["y"]),
        ["add-keys x", "fetch z w from p", "request-refresh-who-has y", "timer 1s"]
    );
    assert_eq!(worker.refresh("y", &["p"]), [""; 0]);
    assert_eq!(worker.fetch_ends("p", unreadable()), ["fetch y from p"]);
    assert_eq!(
        worker.fetch_ends("p", unreadable()),
        ["execute a run 1: the input y cannot be read: too many", "fetch z from p"]
    );
    assert_eq!(worker.arrive("p"), ["add-keys z", "fetch w from p"], "each by itself");
    assert_eq!(worker.err("a"), ["task-erred a run 1", "execute b run 1: z"]);
    assert_eq!(worker.fetch_ends("p", unreadable()), [""; 0]);
    assert_eq!(worker.finish("b"), ["task-finished b run 1"]);
    assert_eq!((worker.word("w"), worker.word("y")), ("released", "released"));
}

#[test]
fn a_busy_peer_is_asked_again_after_150_ms() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]));
    assert_eq!(worker.fetch_ends("p", FetchEnd::Busy), ["request-refresh-who-has x", "timer 150ms"]);
    assert_eq!(worker.after(BUSY / 2), ["timer 75ms"], "too early");
    assert_eq!(worker.after(BUSY / 2), ["fetch x from p"]);
    assert_eq!(worker.arrive("p"), ["add-keys x", "execute a run 1: x"]);
}

#[test]
fn while_one_peer_is_busy_another_is_asked() {
    let mut worker = Bench::new();
    let near = "tcp://10.0.0.1:2";
    worker.receive(task("a").takes("x", &[near, "p"]));
    assert_eq!(worker.fetch_ends(near, FetchEnd::Busy), ["fetch x from p", "timer 150ms"]);
}

#[test]
fn what_a_peer_does_not_have_is_asked_of_another() {
    let mut worker = Bench::new();
    let near = "tcp://10.0.0.1:2";
    worker.receive(task("a").takes("x", &[near, "p"]).takes("y", &[near]));
    assert_eq!(worker.arrive_without(near, &["x"]), ["add-keys y", "fetch x from p"]);
}

#[test]
fn what_nobody_has_is_asked_of_the_scheduler_until_somebody_has_it() {
    let mut worker = Bench::new();
    assert_eq!(worker.receive(task("a").takes("x", &[])), ["request-refresh-who-has x", "timer 1s"]);
    assert_eq!(worker.refresh("x", &[]), [""; 0]);
    assert_eq!(worker.after(REFRESH), ["request-refresh-who-has x", "timer 1s"]);
    assert_eq!(worker.refresh("x", &["p"]), ["fetch x from p"]);
    assert_eq!(worker.after(REFRESH), [""; 0]);
}

#[test]
fn a_scheduler_that_names_a_peer_without_the_data_is_asked_once_a_second() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]));
    assert_eq!(worker.arrive_without("p", &["x"]), ["request-refresh-who-has x", "timer 1s"]);
    assert_eq!(worker.refresh("x", &["p"]), ["fetch x from p"]);
    assert_eq!(worker.arrive_without("p", &["x"]), [""; 0]);
    assert_eq!(worker.after(REFRESH), ["request-refresh-who-has x", "timer 1s"]);
}

#[test]
fn a_key_that_the_scheduler_does_not_know_is_forgotten_with_its_tasks() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &[]));
    assert_eq!(worker.free(&["x"]), [""; 0]);
    assert_eq!(worker.free(&["a"]), [""; 0]);
    assert_eq!(worker.word("x"), "released");
    assert_eq!(worker.after(REFRESH), [""; 0]);
}

#[test]
fn a_worker_that_is_removed_is_no_source_any_more() {
    let mut worker = Bench::new();
    worker.step(Event::PauseAsked);
    worker.receive(task("a").takes("x", &["p", "q"]).takes("y", &["p"]));
    assert_eq!(worker.receive(FromScheduler::RemoveWorker("p".into())), ["request-refresh-who-has y", "timer 1s"]);
    assert_eq!(worker.step(Event::ResumeAsked), ["status running", "fetch x from q"]);
}

#[test]
fn a_worker_that_is_removed_while_it_sends_may_still_deliver() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]));
    assert_eq!(worker.receive(FromScheduler::RemoveWorker("p".into())), [""; 0]);
    assert_eq!(worker.arrive("p"), ["add-keys x", "execute a run 1: x"]);
}

#[test]
fn a_worker_that_is_removed_while_it_is_busy_is_not_waited_for() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]));
    worker.fetch_ends("p", FetchEnd::Busy);
    assert_eq!(worker.receive(FromScheduler::RemoveWorker("p".into())), ["timer 1s"], "x is missing");
}

#[test]
fn data_that_arrives_when_nobody_needs_it_is_dropped_and_not_reported() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]).takes("y", &["p"]));
    worker.receive(task("b").takes("y", &["p"]));
    assert_eq!(worker.free(&["a"]), [""; 0]);
    assert_eq!(worker.arrive("p"), ["add-keys y", "drop x", "execute b run 1: y"]);
}

#[test]
fn data_on_its_way_does_not_become_that_of_the_next_task_of_its_name() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]));
    worker.free(&["a"]);
    assert_eq!(worker.receive(task("b").takes("x", &["p"])), [""; 0], "p is asked already");
    assert_eq!(worker.arrive("p"), ["drop x", "fetch x from p"]);
    assert_eq!(worker.arrive("p"), ["add-keys x", "execute b run 1: x"]);
}

#[test]
fn data_that_is_freed_on_its_way_is_dropped() {
    let mut worker = Bench::new();
    worker.acquire("x", &["p"]);
    assert_eq!(worker.free(&["x"]), [""; 0]);
    assert_eq!(worker.arrive("p"), ["drop x"]);
}

#[test]
fn an_input_that_is_freed_on_its_way_is_asked_for_anew() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]));
    assert_eq!(worker.free(&["x"]), ["request-refresh-who-has x", "timer 1s"]);
    assert_eq!(worker.arrive("p"), ["drop x"]);
    assert_eq!(worker.refresh("x", &["p"]), ["fetch x from p"]);
}

#[test]
fn a_task_that_is_to_run_here_takes_no_data_on_its_way() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]));
    assert_eq!(worker.receive(task("x").run(2)), ["execute x run 2:"]);
    assert_eq!(worker.arrive("p"), ["drop x"]);
    assert_eq!(worker.finish("x"), ["task-finished x run 2", "execute a run 1: x"]);
}

#[test]
fn a_copy_is_fetched_and_reported() {
    let mut worker = Bench::new();
    assert_eq!(worker.acquire("x", &["p"]), ["fetch x from p"]);
    assert_eq!(worker.arrive("p"), ["add-keys x"]);
    assert_eq!(worker.acquire("x", &["p"]), [""; 0], "it is here");
}

#[test]
fn a_copy_that_is_wanted_comes_also_when_its_task_goes() {
    let mut worker = Bench::new();
    worker.receive(task("a").takes("x", &["p"]));
    assert_eq!(worker.acquire("x", &["p"]), [""; 0]);
    worker.free(&["a"]);
    assert_eq!(worker.arrive("p"), ["add-keys x"]);
}

#[test]
fn a_message_asks_for_no_more_than_its_bound_and_the_worker_for_no_more_than_its_own() {
    let mut worker = Bench::of(Config { incoming_bytes_max: 60_000_000, ..config() });
    let large = |name: &str, peer, nbytes| task(name).takes_nbytes(&name.repeat(2), &[peer], nbytes);
    let tasks = [
        large("a", "p", 30_000_000),
        large("b", "p", 20_000_000),
        large("c", "p", 1),
        large("d", "q", 10_000_001).priority(&[1.0]),
    ];
    assert_eq!(worker.batch(tasks.map(Into::into)), ["fetch aa bb from p"]);
    assert_eq!(worker.arrive("p")[2..], ["fetch cc from p", "fetch dd from q"]);
}

#[test]
fn a_value_larger_than_the_bound_comes_alone() {
    let mut worker = Bench::of(Config { incoming_bytes_max: 100, ..config() });
    let tasks =
        [task("a").takes_nbytes("x", &["p"], 1000).into(), task("b").priority(&[1.0]).takes("y", &["q"]).into()];
    assert_eq!(worker.batch(tasks), ["fetch x from p"]);
    assert_eq!(worker.arrive("p"), ["add-keys x", "execute a run 1: x", "fetch y from q"]);
}

#[test]
fn no_more_peers_are_asked_at_once_than_the_bound() {
    let mut worker = Bench::of(Config { incoming_bytes_max: u64::MAX, ..config() });
    let names: Vec<_> = (0..TRANSFERS_MAX + 5).map(|number| format!("x{number}")).collect();
    let wanted = names.iter().map(|name| dependency(name, &[name], 1)).collect();
    assert_eq!(worker.receive(FromScheduler::AcquireReplicas(wanted)).len(), TRANSFERS_MAX);
    assert_eq!(worker.state.metrics().incoming_count, TRANSFERS_MAX);
}

#[test]
fn data_that_nobody_asked_for_is_dropped() {
    let mut worker = Bench::new();
    worker.acquire("x", &["p"]);
    let given = ["x", "y", "x"].map(|name| (name.into(), worker.data(&name.into()))).into();
    assert_eq!(worker.fetch_ends("p", FetchEnd::Arrived(given)), ["drop x", "add-keys x", "drop y"]);
    assert_eq!(worker.live(), 1);
}

#[test]
fn a_worker_that_is_said_to_have_what_it_does_not_asks_again() {
    let mut worker = Bench::new();
    let own = super::bench::OWN;
    assert_eq!(worker.receive(task("a").takes("x", &[own])), ["request-refresh-who-has x", "timer 1s"]);
}
