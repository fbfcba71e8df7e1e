//! Where tasks run, and in which order: A45, A53, A55 to A59.

use std::thread;

use anydask::{Error, Options, RunningWorker, TaskFuture};

use crate::ground::{AnyOf, Gate, Ground, on_clusters};
use crate::tasks::{at_a_time, hold, inc, mark, slow_add};

on_clusters! {
    a45_what_is_submitted_after_a_worker_failed_runs_on_the_other;
    a53_high_before_low;
    a55_a_resource_that_nobody_has_is_waited_for;
    a56_many_tasks_hold_no_more_than_there_is;
    a57_idle_workers_steal;
    a58_what_is_restricted_is_not_stolen;
    a59_restrictions_and_preferences;
    a_worker_that_cannot_be_looked_up_errs_its_own_task_alone;
    options_of_a_client_are_those_of_its_submissions;
}

/// A result on A or on B; B closes, and is gone or still closing; then a task with a preference for A or for B.
async fn a45_what_is_submitted_after_a_worker_failed_runs_on_the_other<R: AnyOf>(on: Ground<R>) {
    let a = on.worker("a", 1).await;
    let client = on.client().await;
    for is_computed_on_a in [true, false] {
        for is_gone in [true, false] {
            for is_preferred_a in [true, false] {
                let case = format!("on a: {is_computed_on_a}, gone: {is_gone}, a preferred: {is_preferred_a}");
                let b = on.worker("b", 1).await;
                let place = if is_computed_on_a { a.address() } else { b.address() };
                let x = client.task(inc, 1).workers([place]).allow_other_workers().submit();
                assert_eq!(on.get(client.wait([&x])).await.unwrap().done.len(), 1);
                let address = b.address();
                let stopping = b.stop();
                // Stopped when it is polled: on a plain thread it is so at once.
                let stopped = thread::spawn(move || stopping.wait());
                if is_gone {
                    on.until_look("len(s.workers)", "1").await;
                }
                let preferred = if is_preferred_a { a.address() } else { address };
                let y = client.task(inc, &x).workers([preferred]).allow_other_workers().submit();
                assert_eq!(on.value(&y).await.unwrap(), 3, "{case}");
                assert_eq!(on.holders(&y), r#"["a"]"#, "{case}");
                stopped.join().unwrap().unwrap();
                on.until_look("len(s.workers)", "1").await;
            }
        }
    }
}

async fn a53_high_before_low<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    let client = on.client().await;
    let [first, blocker, low, high] = [(); 4].map(|()| Gate::new());
    let occupant = client.submit(hold, (first.name.clone(), 0));
    on.passed(first.began()).await;
    let low_task = client.task(mark, (low.name.clone(), -1)).priority(-1).submit();
    let blocking = client.submit(hold, (blocker.name.clone(), 0));
    let high_task = client.task(mark, (high.name.clone(), 1)).priority(1).submit();
    on.until_look("len(s.tasks)", "4").await;
    // On the worker's own queue, if the scheduler does not keep them back.
    first.open();
    assert_eq!(on.value(&high_task).await.unwrap(), 1);
    on.passed(blocker.began()).await;
    assert_eq!(low.entered(), 0);
    blocker.open();
    assert_eq!(on.value(&low_task).await.unwrap(), -1);
    on.get(client.gather([&occupant, &blocking])).await.unwrap();
}

async fn a55_a_resource_that_nobody_has_is_waited_for<R: AnyOf>(on: Ground<R>) {
    let _a = on.get(on.worker_as("a").threads(1).resources([("A", 5.0)]).start()).await.unwrap();
    let _b = on.get(on.worker_as("b").threads(1).resources([("A", 1.0), ("B", 1.0)]).start()).await.unwrap();
    let client = on.client().await;
    let x = client.task(inc, 1).resources([("A", 3.0)]).submit();
    let y = client.task(inc, 2).resources([("B", 1.0)]).submit();
    let z = client.task(inc, 3).resources([("C", 2.0)]).submit();
    on.get(client.wait([&x, &y])).await.unwrap();
    assert_eq!((on.holders(&x), on.holders(&y)), (r#"["a"]"#.to_owned(), r#"["b"]"#.to_owned()));
    on.until_look(&crate::ground::state(&z.key()), "\"no-worker\"").await;
    let _c = on.get(on.worker_as("c").threads(1).resources([("C", 10.0)]).start()).await.unwrap();
    assert_eq!(on.value(&z).await.unwrap(), 4);
    assert_eq!(on.holders(&z), r#"["c"]"#);
    let error = on.error(&client.task(inc, 1).resources([("A", -1.0)]).submit()).await;
    assert!(matches!(error, Error::InvalidResource { .. }), "{error:?}");
}

async fn a56_many_tasks_hold_no_more_than_there_is<R: AnyOf>(on: Ground<R>) {
    let _a = on.get(on.worker_as("a").threads(4).resources([("A", 2.0)]).start()).await.unwrap();
    let _b = on.get(on.worker_as("b").threads(4).resources([("A", 1.0)]).start()).await.unwrap();
    let client = on.client().await;
    // Anywhere, then on A, then on B.
    for (workers, at_once) in [(&["a", "b"][..], 3), (&["a"], 2), (&["b"], 1)] {
        let gate = Gate::new();
        let limited = client.with(Options::new().resources([("A", 1.0)]).workers(workers));
        let many = limited.map(at_a_time, (0..100).map(|x| (gate.name.clone(), x)));
        assert_eq!(on.get(client.gather(&many)).await.unwrap(), (0..100).collect::<Vec<_>>());
        assert!((1..=at_once).contains(&gate.most()), "{} at once on {workers:?}", gate.most());
    }
    on.until_look("[w.used_resources['A'] for w in s.workers.values()]", "[0.0, 0.0]").await;
}

async fn a57_idle_workers_steal<R: AnyOf>(on: Ground<R>) {
    let (_a, _b) = (on.worker("a", 2).await, on.worker("b", 2).await);
    let client = on.client().await;
    let x = on.get(client.scattering().workers(["a"]).scatter(1_i64)).await.unwrap();
    let many = client.map(slow_add, (0..80).map(|y| (&x, y, 100_u64)));
    on.get(client.wait(&many)).await.unwrap();
    let held = on.look("sorted(min(len(w.has_what), 11) for w in s.workers.values())");
    assert_eq!(
        held,
        "[11, 11]",
        "{}",
        on.look("[sorted([w.name, len(w.has_what)] for w in s.workers.values()), len(s.get_events('stealing'))]")
    );
}

async fn a58_what_is_restricted_is_not_stolen<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = client.task(inc, 1).workers(["b"]).submit();
    on.get(client.wait([&x])).await.unwrap();
    let gate = Gate::new();
    let restricted = client.with(Options::new().workers(["a"]));
    let many = restricted.map(hold, (0..100).map(|y| (gate.name.clone(), y)));
    on.until_look("[len(w.processing) for w in s.workers.values() if w.name == 'a']", "[100]").await;
    on.look("s.extensions['stealing'].balance()");
    assert_eq!(on.look("sorted([w.name, len(w.processing)] for w in s.workers.values())"), r#"[["a", 100], ["b", 0]]"#);
    gate.open();
    on.get(client.gather(&many)).await.unwrap();
    assert_eq!(on.look("[len(w.has_what) for w in s.workers.values() if w.name == 'b']"), "[1]");
}

async fn a59_restrictions_and_preferences<R: AnyOf>(on: Ground<R>) {
    let (client, a, b) = on.two_workers().await;
    let is_on = |future: &TaskFuture<i64>, worker: &RunningWorker| {
        assert_eq!(on.holders(future), format!("[{:?}]", worker.name()));
    };
    let x = client.task(inc, 1).workers([a.address()]).submit();
    on.get(client.wait([&x])).await.unwrap();
    is_on(&x, &a);
    let y = client.task(inc, 2).workers(["a"]).allow_other_workers().submit();
    on.get(client.wait([&y])).await.unwrap();
    is_on(&y, &a);
    assert_eq!(on.look(&format!("s.tasks[{:?}].loose_restrictions", y.key().as_str())), "true");
    assert_eq!(on.look(&format!("s.tasks[{:?}].loose_restrictions", x.key().as_str())), "false");
    let z = client.task(inc, 3).workers(["no-such-host"]).allow_other_workers().submit();
    assert_eq!(on.value(&z).await.unwrap(), 4);
    let many = client.tasks(inc, 0..10).workers(["b"]).submit();
    on.get(client.wait(&many)).await.unwrap();
    many.iter().for_each(|future| is_on(future, &b));
    let error = on.error(&client.task(inc, 1).allow_other_workers().submit()).await;
    assert!(matches!(error, Error::NoWorkers), "{error:?}");
    let waits = client.task(inc, 3).workers(["no-such-host"]).submit();
    on.until_look(&crate::ground::state(&waits.key()), "\"no-worker\"").await;
}

/// Names under `invalid` are no host's, by agreement.
async fn a_worker_that_cannot_be_looked_up_errs_its_own_task_alone<R: AnyOf>(on: Ground<R>) {
    let (client, a, _b) = on.two_workers().await;
    let many = client.map(inc, 0..50);
    let nowhere = client.task(inc, 1).workers(["tcp://gone.invalid:1234"]).submit();
    let after = client.submit(inc, &nowhere);
    let more = client.map(inc, 0..50);
    for future in [&nowhere, &after] {
        let error = on.error(future).await;
        let Error::Exception { key, message, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*key, nowhere.key());
        assert!(message.contains("cannot look up the worker `tcp://gone.invalid:1234`"), "{message}");
    }
    let late = on.error(&client.submit(inc, &nowhere)).await;
    assert!(matches!(&late, Error::Exception { .. }), "{late:?}");
    for futures in [&many, &more] {
        assert_eq!(on.get(client.gather(futures)).await.unwrap(), (1..=50).collect::<Vec<_>>());
    }
    on.get(client.retry(&nowhere)).await.unwrap();
    assert!(matches!(on.error(&nowhere).await, Error::Exception { .. }), "it is looked up once more");
    // A host that there is, with the port of a worker.
    let by_name = a.address().replace("127.0.0.1", "localhost");
    let x = client.task(inc, 1).workers([by_name]).submit();
    assert_eq!(on.value(&x).await.unwrap(), 2);
    assert_eq!(on.holders(&x), r#"["a"]"#);
}

async fn options_of_a_client_are_those_of_its_submissions<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let patient = client.with(Options::new().workers(["b"]).priority(-3).retries(2));
    let x = patient.submit(inc, 1);
    assert_eq!(on.value(&x).await.unwrap(), 2);
    assert_eq!(on.holders(&x), r#"["b"]"#);
    let told = format!("[s.tasks[{0:?}].retries, s.tasks[{0:?}].priority[0]]", x.key().as_str());
    assert_eq!(on.look(&told), "[2, 3]");
}
