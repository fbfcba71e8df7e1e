//! `story` and `dump`: what a person reads who asks why something does not go on.

use std::time::Duration;

use anydask::{Client, Key, TaskInfo, TaskState, asynchronous, fallible};

use crate::support::{AnyOf, Event, Setting, on_every_runtime};
use crate::{Held, add, inc};

on_every_runtime! {
    a_story_of_each_kind_of_task;
    a_story_tells_why;
    a_story_keeps_the_last_sixteen_steps;
    a_dump_has_every_task_in_the_order_of_submission;
    a_dump_tells_what_a_task_waits_for;
    a_dump_tells_options_and_sizes;
    a_dump_is_written_with_serde;
    tasks_are_counted_by_what_they_do;
    a_dump_while_everything_changes;
    a_dump_of_a_closed_engine;
}

fn states(story: &[anydask::Transition]) -> Vec<TaskState> {
    story.iter().map(|step| step.to).collect()
}

fn find(tasks: &[TaskInfo], key: &Key) -> TaskInfo {
    tasks.iter().find(|task| task.key == *key).unwrap_or_else(|| panic!("`{key}` is not in the dump")).clone()
}

async fn a_story_of_each_kind_of_task<R: AnyOf>(on: Setting<R>) {
    use TaskState::{Cancelled, Constrained, Erred, Memory, Ready, Running, Waiting};

    let client = on.get(on.builder().threads(1).resources([("gpu", 1.0)]).local()).await.unwrap();
    let (occupant, release) = on.occupy(&client).await;
    assert_eq!(states(&occupant.story()), [Waiting, Ready, Running]);
    let queued = client.submit(inc, 1);
    assert_eq!(states(&queued.story()), [Waiting, Ready]);
    let waiting = client.submit(inc, &queued);
    assert_eq!(states(&waiting.story()), [Waiting]);
    let holds = client.task(inc, 1).resources([("gpu", 1.0)]).submit();
    let constrained = client.task(inc, 1).resources([("gpu", 1.0)]).submit();
    assert_eq!(states(&constrained.story()), [Waiting, Ready, Constrained]);
    let cancelled = client.submit(inc, 1);
    cancelled.cancel();
    assert_eq!(states(&cancelled.story()), [Waiting, Ready, Cancelled]);
    let scattered = on.get(client.scatter(1)).await.unwrap();
    assert_eq!(states(&scattered.story()), [Memory]);
    release.set();
    let failing = client.submit(fallible(|| Err::<i64, _>("no")), ());
    let after = client.submit(inc, &failing);
    let asleep = client.submit(asynchronous(async |x: i64| x), 1);
    on.error(&after).await;
    on.get(client.gather((&waiting, &holds, &constrained, &asleep))).await.unwrap();
    assert_eq!(states(&waiting.story()), [Waiting, Ready, Running, Memory]);
    assert_eq!(states(&constrained.story()), [Waiting, Ready, Constrained, Ready, Running, Memory]);
    assert_eq!(states(&asleep.story()), [Waiting, Ready, Running, Memory]);
    assert_eq!(states(&failing.story()), [Waiting, Ready, Running, Erred]);
    assert_eq!(states(&after.story()), [Waiting, Erred]);
    for future in [&waiting, &constrained, &cancelled, &scattered, &failing, &after] {
        let story = future.story();
        assert_eq!(story[0].from, TaskState::Released);
        assert!(story.windows(2).all(|steps| steps[0].to == steps[1].from), "{story:?}");
    }
}

async fn a_story_tells_why<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(1).resources([("gpu", 1.0)]).local()).await.unwrap();
    let future = client.task(fallible(|x: i64| Err::<i64, _>(format!("no {x}"))), 7).retries(1).submit();
    on.error(&future).await;
    let story: Vec<_> = future.story().iter().map(ToString::to_string).collect();
    assert!(story[0].contains("inspecting.rs:"), "{story:?}");
    assert!(story[3].contains("run 1 failed") && story[3].contains("no 7"), "{story:?}");
    assert!(story.last().unwrap().starts_with("running -> erred"), "{story:?}");
    let cancelled = client.task(inc, 1).resources([("gpu", 2.0)]).submit();
    cancelled.cancel_because("nobody reads it");
    let story = cancelled.story();
    assert!(story[2].why.contains("`gpu`") && story[3].why.contains("nobody reads it"), "{story:?}");
}

async fn a_story_keeps_the_last_sixteen_steps<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.task(fallible(|| Err::<i64, _>("no")), ()).retries(20).submit();
    on.error(&future).await;
    let story = future.story();
    assert_eq!((story.len(), story[15].to), (16, TaskState::Erred));
}

async fn a_dump_has_every_task_in_the_order_of_submission<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (occupant, release) = on.occupy(&client).await;
    let futures: Vec<_> = (0..20).map(|x| client.submit(inc, x)).collect();
    let keyed = client.task(inc, 1).key("keyed").submit();
    let scattered = on.get(client.scatter(1)).await.unwrap();
    let keys: Vec<Key> = client.dump().tasks.into_iter().map(|task| task.key).collect();
    let mut expected = vec![occupant.key()];
    expected.extend(futures.iter().chain([&keyed, &scattered]).map(|future| future.key()));
    assert_eq!(keys, expected);
    release.set();
    on.get(client.gather((&occupant, &futures, &keyed))).await.unwrap();
    drop((occupant, futures, keyed, scattered));
    on.until("nothing is left", || client.dump().tasks.is_empty()).await;
}

async fn a_dump_tells_what_a_task_waits_for<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let held = Held::new();
    let first = client.submit(held.body(), 1);
    let finished = client.submit(inc, 1);
    on.value(&finished).await.unwrap();
    let takes = client.submit(add, (&first, &finished));
    let (inside, target) = (Event::new(), first.clone());
    let waits = {
        let inside = inside.clone();
        client.submit(
            fallible(move || {
                inside.set();
                target.wait()
            }),
            (),
        )
    };
    let target = first.clone();
    let awaits = client.submit(asynchronous(fallible(move || target.clone())), ());
    on.passed(&held.running).await;
    on.passed(&inside).await;
    let waiting_on = |key: &Key| find(&client.dump().tasks, key).waiting_on;
    assert_eq!(waiting_on(&takes.key()), [first.key()], "and not what has finished");
    on.until("both wait inside", || !waiting_on(&waits.key()).is_empty() && !waiting_on(&awaits.key()).is_empty())
        .await;
    assert_eq!((waiting_on(&waits.key()), waiting_on(&awaits.key())), (vec![first.key()], vec![first.key()]));
    held.release.set();
    assert_eq!(on.get(client.gather((&takes, &waits, &awaits))).await.unwrap(), (4, 2, 2));
    assert!(client.dump().tasks.iter().all(|task| task.waiting_on.is_empty()));
}

async fn a_dump_tells_options_and_sizes<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(1).resources([("gpu", 2.0)]).local()).await.unwrap();
    let (_occupant, release) = on.occupy(&client).await;
    let table = client.task(|| vec![0_u8; 5000], ()).key("table").priority(3).retries(2).submit();
    let heavy = client.task(asynchronous(std::future::pending::<i64>), ()).resources([("gpu", 1.5)]).submit();
    client.submit(asynchronous(std::future::pending::<i64>), ()).detach();
    let tasks = client.dump().tasks;
    let task = find(&tasks, &table.key());
    assert_eq!((task.priority, task.retries, task.runs, task.state), (3, 2, Some(0), TaskState::Ready));
    assert!(task.location.contains("inspecting.rs") && task.nbytes.is_none() && !task.is_asynchronous);
    let task = find(&tasks, &heavy.key());
    assert!(task.is_asynchronous && !task.is_detached);
    assert_eq!(task.resources.iter().map(|(name, has)| (&**name, *has)).collect::<Vec<_>>(), [("gpu", 1.5)]);
    assert_eq!(tasks.iter().filter(|task| task.is_detached).count(), 1);
    release.set();
    on.get(table.shared()).await.unwrap();
    let task = find(&client.dump().tasks, &table.key());
    assert_eq!((task.state, task.runs), (TaskState::Memory, Some(1)));
    assert!(task.nbytes.is_some_and(|nbytes| (5000..6000).contains(&nbytes)), "{:?}", task.nbytes);
    let failing = client.task(fallible(|| "x".parse::<i64>()), ()).key("failing").submit();
    on.error(&failing).await;
    let task = find(&client.dump().tasks, &failing.key());
    assert!(task.error.as_deref().is_some_and(|error| error.contains("invalid digit")), "{:?}", task.error);
}

async fn a_dump_is_written_with_serde<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let failing = client.task(fallible(|| Err::<i64, _>("no")), ()).key("failing").submit();
    on.error(&failing).await;
    let dump = serde_json::to_value(client.dump()).unwrap();
    assert_eq!(
        (&dump["status"], &dump["info"]["threads"], &dump["info"]["erred"]),
        (&"running".into(), &1.into(), &1.into())
    );
    assert_eq!((&dump["tasks"][0]["key"], &dump["tasks"][0]["state"]), (&"failing".into(), &"erred".into()));
    assert_eq!(dump["tasks"][0]["story"][0]["to"], "waiting");
}

async fn tasks_are_counted_by_what_they_do<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let queued = client.map(inc, 0..3);
    let low = client.task(inc, 0).priority(-2).submit();
    let waiting = client.map(inc, &queued);
    let cancelled = client.submit(inc, 1);
    cancelled.cancel();
    let value = on.get(client.scatter(7_i64)).await.unwrap();
    let info = client.info();
    assert_eq!((info.tasks, info.running, info.queued, info.waiting), (9, 1, 4, 3));
    assert_eq!(info.priorities.into_iter().collect::<Vec<_>>(), [(-2, 1), (0, 3)]);
    assert_eq!(info.memory.into_iter().collect::<Vec<_>>(), [(value.key(), 8)]);
    release.set();
    on.get(client.gather((&occupant, &waiting, &low))).await.unwrap();
    let info = client.info();
    assert_eq!((info.tasks, info.queued, info.waiting, info.erred, info.memory.len()), (9, 0, 0, 0, 9));
}

async fn a_dump_while_everything_changes<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let is_over = Event::new();
    let looks = {
        let (client, is_over) = (client.clone(), is_over.clone());
        std::thread::spawn(move || {
            let mut most = 0;
            while !is_over.is_set() {
                let dump = client.dump();
                most = most.max(dump.tasks.len());
                assert!(dump.tasks.iter().all(|task| task.story.len() <= 16 && !task.story.is_empty()));
                assert!(client.info().tasks <= 2_000);
            }
            most
        })
    };
    for _ in 0..20 {
        let first = client.map(inc, 0..50);
        let second = client.tasks(inc, &first).retries(1).submit();
        second[7].cancel();
        drop(first);
        on.get(client.wait(&second)).await.unwrap();
    }
    is_over.set();
    assert!(looks.join().unwrap() > 0);
    on.until("nothing is left", || client.dump().tasks.is_empty()).await;
}

async fn a_dump_of_a_closed_engine<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let client = Client::on(&engine).unwrap();
    let pending = client.submit(asynchronous(std::future::pending::<i64>), ());
    let value = client.submit(inc, 1);
    on.value(&value).await.unwrap();
    on.get(engine.close().timeout(Duration::from_secs(30))).await.unwrap();
    let dump = engine.dump();
    assert_eq!(dump.status.to_string(), "closed");
    assert_eq!(find(&dump.tasks, &pending.key()).state, TaskState::Cancelled);
    assert_eq!(find(&client.dump().tasks, &value.key()).state, TaskState::Memory);
    drop((pending, value));
    on.until("nothing is left", || engine.dump().tasks.is_empty()).await;
}
