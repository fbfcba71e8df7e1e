//! Tasks that wait for each other are told so, and those that do not are not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anydask::{Client, Error, Key, TaskFuture, asynchronous, fallible};

use crate::support::{AnyOf, Event, Setting, on_every_runtime};
use crate::{Held, inc};

on_every_runtime! {
    two_that_wait_for_each_other;
    two_that_wait_for_each_other_on_one_thread;
    one_that_waits_for_itself;
    asynchronous_ones_that_await_each_other;
    a_thread_and_an_asynchronous_one;
    a_circle_through_an_input;
    three_in_a_circle;
    a_circle_on_top_of_a_wait;
    a_circle_through_a_gather;
    keyed_ones;
    tasks_of_two_clients;
    who_is_told_can_go_on_without;
    a_wait_that_is_over_closes_no_circle;
    two_that_wait_for_the_same_are_no_circle;
    a_wait_with_a_limit_is_no_circle;
    a_deep_recursion_is_no_circle;
    waiting_for_any_of_several_is_no_circle;
}

/// Where a task finds the future of another, which may be submitted later.
#[derive(Clone, Default)]
struct Slot(Arc<Mutex<Option<TaskFuture<i64>>>>, Event);

impl Slot {
    fn put(&self, future: &TaskFuture<i64>) {
        *self.0.lock().unwrap() = Some(future.clone());
        self.1.set();
    }

    fn get(&self) -> TaskFuture<i64> {
        self.1.wait();
        self.0.lock().unwrap().clone().expect("it was put there")
    }

    /// A body that waits for what is in the slot.
    fn waits(&self) -> impl Fn() -> Result<i64, Error> + Send + Sync + Clone + use<> {
        let slot = self.clone();
        move || slot.get().wait()
    }

    /// An asynchronous body that awaits it.
    fn awaits(&self) -> impl Fn() -> Awaited + Send + Sync + Clone + use<> {
        let slot = self.clone();
        move || {
            let slot = slot.clone();
            Box::pin(async move {
                slot.1.passed().await;
                slot.get().await
            })
        }
    }

    /// A future that a task's call holds holds the task.
    fn clear(&self) {
        drop(self.0.lock().unwrap().take());
    }
}

type Awaited = std::pin::Pin<Box<dyn Future<Output = Result<i64, Error>> + Send>>;

/// All fail with the circle, which is of these tasks.
async fn check_circle<R: AnyOf>(on: &Setting<R>, client: &Client<R>, futures: Vec<TaskFuture<i64>>, slots: &[&Slot]) {
    for future in &futures {
        match on.error(future).await {
            Error::Deadlock { keys } => {
                let expected: Vec<Key> = futures.iter().map(TaskFuture::key).collect();
                assert!(!keys.is_empty() && keys.iter().all(|key| expected.contains(key)), "{keys:?} of {expected:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    drop(futures);
    slots.iter().for_each(|slot| slot.clear());
    on.until("nothing runs, and nothing is left", || client.info().running == 0 && client.dump().tasks.is_empty())
        .await;
}

async fn two_that_wait_for_each_other<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (to_a, to_b) = (Slot::default(), Slot::default());
    let a = client.submit(fallible(to_b.waits()), ());
    let b = client.submit(fallible(to_a.waits()), ());
    to_a.put(&a);
    to_b.put(&b);
    let text = on.error(&a).await.to_string();
    assert!(text.contains(&*a.key()) && text.contains(&*b.key()) && text.contains("timeout"), "{text}");
    check_circle(&on, &client, vec![a, b], &[&to_a, &to_b]).await;
}

/// The second runs on the thread of the first, inside its wait.
async fn two_that_wait_for_each_other_on_one_thread<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (to_a, to_b) = (Slot::default(), Slot::default());
    let a = client.submit(fallible(to_b.waits()), ());
    let b = client.submit(fallible(to_a.waits()), ());
    to_a.put(&a);
    to_b.put(&b);
    check_circle(&on, &client, vec![a, b], &[&to_a, &to_b]).await;
}

async fn one_that_waits_for_itself<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    for is_asynchronous in [false, true] {
        let slot = Slot::default();
        let itself = match is_asynchronous {
            true => client.submit(asynchronous(fallible(slot.awaits())), ()),
            false => client.submit(fallible(slot.waits()), ()),
        };
        slot.put(&itself);
        match on.error(&itself).await {
            Error::Deadlock { keys } => assert_eq!(*keys, [itself.key()]),
            other => panic!("{other:?}"),
        }
        check_circle(&on, &client, vec![itself], &[&slot]).await;
    }
}

async fn asynchronous_ones_that_await_each_other<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (to_a, to_b) = (Slot::default(), Slot::default());
    let a = client.submit(asynchronous(fallible(to_b.awaits())), ());
    let b = client.submit(asynchronous(fallible(to_a.awaits())), ());
    to_a.put(&a);
    to_b.put(&b);
    check_circle(&on, &client, vec![a, b], &[&to_a, &to_b]).await;
}

async fn a_thread_and_an_asynchronous_one<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (to_a, to_b) = (Slot::default(), Slot::default());
    let a = client.submit(asynchronous(fallible(to_b.awaits())), ());
    let b = client.submit(fallible(to_a.waits()), ());
    to_a.put(&a);
    to_b.put(&b);
    check_circle(&on, &client, vec![a, b], &[&to_a, &to_b]).await;
}

async fn a_circle_through_an_input<R: AnyOf>(on: Setting<R>) {
    for threads in [1, 2] {
        let client = on.client(threads).await;
        let (to_a, to_c) = (Slot::default(), Slot::default());
        let a = client.submit(fallible(to_c.waits()), ());
        let b = client.submit(fallible(to_a.waits()), ());
        let c = client.submit(inc, &b);
        to_a.put(&a);
        to_c.put(&c);
        check_circle(&on, &client, vec![a, b, c], &[&to_a, &to_c]).await;
    }
}

async fn three_in_a_circle<R: AnyOf>(on: Setting<R>) {
    for threads in [1, 2, 3] {
        let client = on.client(threads).await;
        let slots: Vec<_> = (0..3).map(|_| Slot::default()).collect();
        let futures: Vec<_> = (0..3).map(|i| client.submit(fallible(slots[(i + 1) % 3].waits()), ())).collect();
        slots.iter().zip(&futures).for_each(|(slot, future)| slot.put(future));
        check_circle(&on, &client, futures, &slots.iter().collect::<Vec<_>>()).await;
    }
}

/// What waits for the circle from outside of it fails with it; what is run inside its wait closes it.
async fn a_circle_on_top_of_a_wait<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (to_a, to_b, to_c) = (Slot::default(), Slot::default(), Slot::default());
    let outer = client.submit(fallible(to_a.waits()), ());
    let a = client.submit(fallible(to_b.waits()), ());
    let b = client.submit(fallible(to_c.waits()), ());
    let c = client.submit(asynchronous(fallible(to_a.awaits())), ());
    to_c.put(&c);
    to_b.put(&b);
    to_a.put(&a);
    check_circle(&on, &client, vec![outer, a, b, c], &[&to_a, &to_b, &to_c]).await;
}

async fn a_circle_through_a_gather<R: AnyOf>(on: Setting<R>) {
    for threads in [1, 2] {
        let client = on.client(threads).await;
        let (to_a, to_b) = (Slot::default(), Slot::default());
        let gathers = |slot: &Slot| {
            let (slot, inner) = (slot.clone(), client.clone());
            move || {
                let other = inner.submit(inc, 1);
                Ok::<_, Error>(inner.gather([&other, &slot.get()]).wait()?.iter().sum::<i64>())
            }
        };
        let a = client.submit(fallible(gathers(&to_b)), ());
        let b = client.submit(fallible(gathers(&to_a)), ());
        to_a.put(&a);
        to_b.put(&b);
        check_circle(&on, &client, vec![a, b], &[&to_a, &to_b]).await;
    }
}

async fn keyed_ones<R: AnyOf>(on: Setting<R>) {
    for threads in [1, 2] {
        let client = on.client(threads).await;
        let (to_a, to_b) = (Slot::default(), Slot::default());
        let a = client.task(fallible(to_b.waits()), ()).key("a").submit();
        let b = client.task(fallible(to_a.waits()), ()).key("b").submit();
        to_a.put(&a);
        to_b.put(&b);
        check_circle(&on, &client, vec![a, b], &[&to_a, &to_b]).await;
    }
}

async fn tasks_of_two_clients<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(2).await;
    let (one, other) = (Client::on(&engine).unwrap(), Client::on(&engine).unwrap());
    let (to_a, to_b) = (Slot::default(), Slot::default());
    let a = one.submit(fallible(to_b.waits()), ());
    let b = other.submit(fallible(to_a.waits()), ());
    to_a.put(&a);
    to_b.put(&b);
    check_circle(&on, &one, vec![a, b], &[&to_a, &to_b]).await;
}

async fn who_is_told_can_go_on_without<R: AnyOf>(on: Setting<R>) {
    for threads in [1, 2] {
        let client = on.client(threads).await;
        let (to_a, to_b) = (Slot::default(), Slot::default());
        let waits = |slot: &Slot| {
            let slot = slot.clone();
            move || match slot.get().wait() {
                Ok(value) => Ok(value + 1),
                Err(Error::Deadlock { .. }) => Ok(10),
                Err(other) => Err(other),
            }
        };
        let a = client.submit(fallible(waits(&to_b)), ());
        let b = client.submit(fallible(waits(&to_a)), ());
        to_a.put(&a);
        to_b.put(&b);
        let mut both = [on.value(&a).await.unwrap(), on.value(&b).await.unwrap()];
        both.sort_unstable();
        assert_eq!(both, [10, 11]);
        to_a.clear();
        to_b.clear();
    }
}

async fn a_wait_that_is_over_closes_no_circle<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let to_a = Slot::default();
    let held = Held::new();
    let first = client.submit(inc, 1);
    let a = {
        let (inner, slot, body) = (client.clone(), to_a.clone(), held.body());
        let a = move || {
            // Waits for `b`, which waits with a limit; then for others, while `b` waits for it without one.
            let _before = first.wait()?;
            let again = inner.submit(inc, 2).wait()?;
            slot.1.wait();
            Ok::<_, Error>(body(again))
        };
        client.submit(fallible(a), ())
    };
    to_a.put(&a);
    on.passed(&held.running).await;
    let b = client.submit(fallible(to_a.waits()), ());
    let c = client.submit(inc, &b);
    on.until("b waits for a", || client.info().running == 2).await;
    held.release.set();
    assert_eq!(on.value(&c).await.unwrap(), 5);
    to_a.clear();
}

async fn two_that_wait_for_the_same_are_no_circle<R: AnyOf>(on: Setting<R>) {
    for threads in [1, 2] {
        let client = on.client(threads).await;
        let (slot, held) = (Slot::default(), Held::new());
        let waiting: Vec<_> = (0..3).map(|_| client.submit(fallible(slot.waits()), ())).collect();
        let awaiting = client.submit(asynchronous(fallible(slot.awaits())), ());
        let target = client.task(held.body(), 1).priority(1).submit();
        slot.put(&target);
        on.passed(&held.running).await;
        held.release.set();
        assert_eq!(on.get(client.gather((&waiting, &awaiting))).await.unwrap(), (vec![2; 3], 2));
        slot.clear();
    }
}

async fn a_wait_with_a_limit_is_no_circle<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (to_a, to_b) = (Slot::default(), Slot::default());
    let a = client.submit(fallible(to_b.waits()), ());
    let b = {
        let slot = to_a.clone();
        let waits = move || match slot.get().timeout(Duration::from_millis(20)).wait() {
            Err(Error::Timeout { .. }) => Ok(7),
            other => other,
        };
        client.submit(fallible(waits), ())
    };
    to_a.put(&a);
    to_b.put(&b);
    assert_eq!(on.get(client.gather((&a, &b))).await.unwrap(), (7, 7));
    to_a.clear();
    to_b.clear();
}

async fn a_deep_recursion_is_no_circle<R: AnyOf>(on: Setting<R>) {
    fn descend<R: AnyOf>(client: Client<R>, levels: u32) -> Result<u32, Error> {
        match levels {
            0 => Ok(0),
            // One after the other, on this thread and on others.
            _ => {
                let deeper = client.submit(fallible(descend), (client.clone(), levels - 1));
                let other = client.submit(asynchronous(move || std::future::ready(levels)), ());
                let (deeper, _) = client.gather((deeper, other)).wait()?;
                Ok(deeper + 1)
            }
        }
    }

    for threads in [1, 2] {
        let client = on.client(threads).await;
        let depth = client.submit(fallible(descend), (client.clone(), 100));
        assert_eq!(on.take(depth).await.unwrap(), 100);
    }
}

async fn waiting_for_any_of_several_is_no_circle<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (to_a, to_b, held) = (Slot::default(), Slot::default(), Held::new());
    let other = client.submit(asynchronous(held_async(&held)), ());
    let a = {
        let (inner, slot) = (client.clone(), to_b.clone());
        let waits = move || {
            let waited = inner.wait_any([&slot.get(), &other]).wait()?;
            Ok::<_, Error>(waited.done.len() as i64)
        };
        client.submit(fallible(waits), ())
    };
    on.until("a runs", || client.info().running == 1).await;
    let b = client.submit(fallible(to_a.waits()), ());
    on.until("b runs", || client.info().running == 2).await;
    to_b.put(&b);
    to_a.put(&a);
    held.release.set();
    assert_eq!(on.value(&b).await.unwrap(), 1);
    assert_eq!(on.value(&a).await.unwrap(), 1);
    to_a.clear();
    to_b.clear();
}

fn held_async(held: &Held) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = i64> + Send>> + Send + Sync + use<> {
    let release = held.release.clone();
    move || {
        let passed = release.passed();
        Box::pin(async move {
            passed.await;
            1
        })
    }
}
