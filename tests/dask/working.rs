//! What a worker is to its tasks and to its cluster.

use std::time::Duration;

use anydask::{Error, Status};

use crate::ground::{AnyOf, Gate, Ground, LIMIT, on_clusters, state};
use crate::tasks::{hold, inc, own_key, own_key_later, until_cancelled};

on_clusters! {
    a_task_knows_its_key;
    a_running_task_sees_that_nobody_waits_for_it;
    a_worker_leaves_when_its_bodies_have_ended;
    a_leave_is_bounded_in_time;
    a_leave_that_does_not_wait_has_what_runs_done_elsewhere;
    what_only_a_leaving_worker_has_moves;
    the_last_worker_leaves_too;
    a_worker_that_is_stopped_leaves_its_work_to_others;
    a_worker_that_is_dropped_is_gone;
    a_retired_worker_ends;
    a_worker_without_memory_takes_up_nothing;
    a_name_that_is_taken_is_told;
    the_cluster_s_workers_are_described;
}

async fn a_task_knows_its_key<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let chosen = client.task(own_key, 1).key("a key of my own").submit();
    assert_eq!(on.value(&chosen).await.unwrap(), "a key of my own");
    let made = client.submit(own_key, 1);
    assert_eq!(on.value(&made).await.unwrap(), made.key().as_str());
    let later = client.submit(own_key_later, 1);
    assert_eq!(on.value(&later).await.unwrap(), later.key().as_str());
}

async fn a_running_task_sees_that_nobody_waits_for_it<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    for is_dropped in [true, false] {
        let (began, ended) = (Gate::new(), Gate::new());
        let task = client.submit(until_cancelled, (began.name.clone(), ended.name.clone()));
        on.passed(began.began()).await;
        if is_dropped {
            drop(task);
        } else {
            task.cancel();
        }
        on.passed(ended.began()).await;
    }
    on.until_look("len(s.tasks)", "0").await;
}

async fn a_worker_leaves_when_its_bodies_have_ended<R: AnyOf>(on: Ground<R>) {
    let a = on.worker("a", 1).await;
    let client = on.client().await;
    let (first, second) = (Gate::new(), Gate::new());
    let running = client.submit(hold, (first.name.clone(), 1));
    on.passed(first.began()).await;
    let queued = client.submit(hold, (second.name.clone(), 2));
    on.until_look(&state(&queued.key()), "\"processing\"").await;
    let leaving = std::thread::spawn({
        let leaving = a.leave().timeout(LIMIT);
        move || leaving.wait()
    });
    on.until_look("[str(w.status) for w in s.workers.values()]", r#"["Status.closing_gracefully"]"#).await;
    assert!(!leaving.is_finished());
    let b = on.worker("b", 1).await;
    on.passed(second.began()).await;
    assert_eq!(first.entered(), 1, "what runs goes on where it is");
    second.open();
    first.open();
    assert_eq!(on.get(client.gather([&running, &queued])).await.unwrap(), [1, 2]);
    on.until("it has left", || leaving.is_finished()).await;
    leaving.join().unwrap().unwrap();
    assert_eq!((first.entered(), second.entered()), (1, 1), "nothing was done twice");
    on.until_look("[w.name for w in s.workers.values()]", r#"["b"]"#).await;
    on.get(a.leave()).await.unwrap();
    drop(b);
}

async fn a_leave_is_bounded_in_time<R: AnyOf>(on: Ground<R>) {
    let (client, a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let running = client.task(hold, (gate.name.clone(), 1)).workers(["a"]).allow_other_workers().submit();
    on.passed(gate.began()).await;
    let error = on.on.get(a.leave().timeout(Duration::from_millis(100))).await.unwrap_err();
    assert!(matches!(error, Error::StillRunning { tasks: 1, .. }), "{error:?}");
    // A second word of the same changes nothing.
    let error = on.on.get(a.leave().timeout(Duration::from_millis(100))).await.unwrap_err();
    assert!(matches!(error, Error::StillRunning { tasks: 1, .. }), "{error:?}");
    assert_eq!(
        on.look("[str(w.status) for w in s.workers.values() if w.name == 'a']"),
        r#"["Status.closing_gracefully"]"#
    );
    on.get(a.stop()).await.unwrap();
    on.until("it runs elsewhere", || gate.entered() == 2).await;
    gate.open();
    assert_eq!(on.value(&running).await.unwrap(), 1);
}

async fn a_leave_that_does_not_wait_has_what_runs_done_elsewhere<R: AnyOf>(on: Ground<R>) {
    let (client, a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let data = client.task(inc, 1).workers(["a"]).allow_other_workers().submit();
    on.value(&data).await.unwrap();
    let running = client.task(hold, (gate.name.clone(), 1)).workers(["a"]).allow_other_workers().submit();
    on.passed(gate.began()).await;
    drop(on.on.get(a.leave().timeout(Duration::from_millis(20))).await);
    on.get(a.leave_now()).await.unwrap();
    assert_eq!(on.holders(&data), r#"["b"]"#, "it was moved, not made again");
    on.until("it runs elsewhere", || gate.entered() == 2).await;
    gate.open();
    assert_eq!(on.value(&running).await.unwrap(), 1);
}

async fn what_only_a_leaving_worker_has_moves<R: AnyOf>(on: Ground<R>) {
    let (client, a, _b) = on.two_workers().await;
    let results = client.tasks(inc, 0..10).workers(["a"]).submit();
    let scattered = on.get(client.scattering().workers(["a"]).scatter(7_i64)).await.unwrap();
    on.get(client.wait(&results)).await.unwrap();
    on.get(a.leave()).await.unwrap();
    on.until_look("len(s.workers)", "1").await;
    assert_eq!(on.holders(&scattered), r#"["b"]"#);
    assert_eq!(on.value(&scattered).await.unwrap(), 7);
    assert_eq!(on.get(client.gather(&results)).await.unwrap(), (1..=10).collect::<Vec<_>>());
}

async fn the_last_worker_leaves_too<R: AnyOf>(on: Ground<R>) {
    let a = on.worker("a", 1).await;
    let client = on.client().await;
    let x = client.submit(inc, 1);
    on.get(client.wait([&x])).await.unwrap();
    on.get(a.leave()).await.unwrap();
    let _b = on.worker("b", 1).await;
    assert_eq!(on.value(&x).await.unwrap(), 2, "made again");
}

async fn a_worker_that_is_stopped_leaves_its_work_to_others<R: AnyOf>(on: Ground<R>) {
    let (client, a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let done = client.task(inc, 1).workers(["a"]).allow_other_workers().submit();
    let running = client.task(hold, (gate.name.clone(), &done)).workers(["a"]).allow_other_workers().submit();
    on.passed(gate.began()).await;
    on.get(a.stop()).await.unwrap();
    on.get(a.closed()).await.unwrap();
    gate.open();
    assert_eq!(on.value(&running).await.unwrap(), 2);
    assert_eq!(on.value(&done).await.unwrap(), 2);
}

async fn a_worker_that_is_dropped_is_gone<R: AnyOf>(on: Ground<R>) {
    let worker = on.worker("a", 1).await;
    drop(worker);
    on.until_look("len(s.workers)", "0").await;
    // Before it has joined, too.
    drop(on.worker_as("b").start());
    let starting = on.worker_as("c").start().timeout(Duration::ZERO);
    drop(on.on.get(starting).await);
    on.until_look("len(s.workers)", "0").await;
}

async fn a_retired_worker_ends<R: AnyOf>(on: Ground<R>) {
    let (client, a, b) = on.two_workers().await;
    let x = client.task(inc, 1).workers(["a"]).allow_other_workers().submit();
    on.get(client.wait([&x])).await.unwrap();
    assert_eq!(on.get(client.retire_workers(["a"])).await.unwrap(), [a.address()]);
    on.get(a.closed()).await.unwrap();
    assert_eq!(on.holders(&x), r#"["b"]"#);
    assert_eq!(on.value(&x).await.unwrap(), 2);
    // There is nobody who could take it.
    drop(x);
    on.until_look("len(s.tasks)", "0").await;
    assert_eq!(on.get(client.retire_workers([b.address()])).await.unwrap(), [b.address()]);
    on.get(b.closed()).await.unwrap();
}

async fn a_worker_without_memory_takes_up_nothing<R: AnyOf>(on: Ground<R>) {
    let _small = on.get(on.worker_as("small").threads(1).memory_limit(1).start()).await.unwrap();
    on.until_look("[str(w.status) for w in s.workers.values()]", r#"["Status.paused"]"#).await;
    let client = on.client().await;
    let gate = Gate::new();
    gate.open();
    let x = client.submit(hold, (gate.name.clone(), 1));
    on.until_look(
        &format!("s.tasks[{0:?}].state in ('queued', 'no-worker') if {0:?} in s.tasks else None", x.key().as_str()),
        "true",
    )
    .await;
    assert_eq!((gate.entered(), x.status()), (0, Status::Pending));
    let _b = on.worker("b", 1).await;
    assert_eq!(on.value(&x).await.unwrap(), 1);
    assert_eq!(on.holders(&x), r#"["b"]"#);
}

async fn a_name_that_is_taken_is_told<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    let error = on.get(on.worker_as("a").start()).await.unwrap_err();
    assert!(matches!(&error, Error::NotConnected { .. }), "{error:?}");
    let text = crate::ground::chain(&error);
    assert!(text.contains("name") && text.contains('a'), "{text}");
    let error = on.get(on.worker_as("a").run()).await.unwrap_err();
    assert!(matches!(&error, Error::NotConnected { .. }), "{error:?}");
    let client = on.client().await;
    assert_eq!(on.value(&client.submit(inc, 1)).await.unwrap(), 2, "the one that has it goes on");
}

async fn the_cluster_s_workers_are_described<R: AnyOf>(on: Ground<R>) {
    let a = on.get(on.worker_as("a").threads(3).resources([("GPU", 2.0)]).memory_limit(1 << 40).start()).await.unwrap();
    let client = on.client().await;
    on.get(client.wait_for_workers(1)).await.unwrap();
    let workers = on.get(client.workers()).await.unwrap();
    let [worker] = &workers[..] else { panic!("{workers:?}") };
    assert_eq!((worker.name.as_str(), &worker.address, worker.threads), ("a", &a.address(), 3));
    assert_eq!((worker.memory_limit, worker.is_rust), (1 << 40, true));
    assert_eq!(worker.resources.get("GPU"), Some(&2.0));
    assert!(worker.address.starts_with("tcp://127.0.0.1:"), "only this machine reaches it: {}", worker.address);
}
