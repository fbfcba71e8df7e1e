//! Scattering to workers: A30 to A32, A47 and A48, and what kinds of values there are.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anydask::{Error, Status, python};

use crate::ground::{AnyOf, Gate, Ground, LIMIT, holders, on_clusters};
use crate::tasks::{Part, Stranger, Table, add, count_of, div, hold, inc, sum_of, total};

on_clusters! {
    a30_scattered_values_are_inputs_and_results;
    a31_equal_values_have_one_key_when_asked_for;
    a32_a_broadcast_puts_a_value_on_every_worker;
    a47_a_scattered_value_is_lost_with_its_worker;
    a48_a_copy_survives;
    a_value_is_copied_once_it_is_there;
    values_go_to_the_workers_that_were_chosen;
    values_of_every_kind_are_scattered;
    what_cannot_be_encoded_is_refused_with_a_fix;
    a_scattered_value_is_released_with_its_last_handle;
    a_scatter_that_is_dropped_leaves_nothing;
    a_scatter_waits_for_a_worker;
}

async fn a30_scattered_values_are_inputs_and_results<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let named = on.get(client.scatter_all(BTreeMap::from([("y", 20_i64)]))).await.unwrap();
    let y = &named["y"];
    let [x] = on.get(client.scatter_all([10_i64])).await.unwrap();
    assert!(x.is_done() && y.is_done());
    let holders = on.get(client.who_has((&x, y))).await.unwrap();
    assert!(holders.len() == 2 && holders.values().all(|workers| workers.len() == 1), "{holders:?}");
    let z = client.submit(add, (&x, y));
    assert_eq!(on.get(client.gather([&z, &x])).await.unwrap(), [30, 10]);
}

async fn a31_equal_values_have_one_key_when_asked_for<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let other = on.client().await;
    let a = on.get(client.scatter_hashed(123_i64)).await.unwrap();
    let b = on.get(client.scatter_hashed(123_i64)).await.unwrap();
    let theirs = on.get(other.scatter_hashed(123_i64)).await.unwrap();
    let alone = on.get(client.scatter(123_i64)).await.unwrap();
    let of_another_type = on.get(client.scatter_hashed(123_u64)).await.unwrap();
    assert_eq!((a.key(), a.key()), (b.key(), theirs.key()));
    assert_ne!(a.key(), alone.key());
    assert_ne!(a.key(), of_another_type.key());
    assert_eq!(on.look("len(s.tasks)"), "3", "one copy of the equal ones");
    drop((a, theirs));
    assert_eq!(on.value(&b).await.unwrap(), 123);
    // Gone and back again, at once.
    drop(b);
    let again = on.get(client.scatter_hashed(123_i64)).await.unwrap();
    assert_eq!(on.value(&again).await.unwrap(), 123);
}

async fn a32_a_broadcast_puts_a_value_on_every_worker<R: AnyOf>(on: Ground<R>) {
    let (client, a, b) = on.two_workers().await;
    let value = on.get(client.scattering().broadcast().scatter(456_i64)).await.unwrap();
    assert_eq!(on.holders(&value), r#"["a", "b"]"#);
    let mut addresses = vec![a.address(), b.address()];
    addresses.sort();
    assert_eq!(on.get(client.who_has(&value)).await.unwrap(), BTreeMap::from([(value.key(), addresses)]));
    assert_eq!(on.value(&value).await.unwrap(), 456);
    let _c = on.worker("c", 1).await;
    let value = on.get(client.scattering().copies(2).scatter_all([7_i64])).await.unwrap();
    assert_eq!(on.look(&format!("len(s.tasks[{:?}].who_has)", value[0].key().as_str())), "2");
}

async fn a47_a_scattered_value_is_lost_with_its_worker<R: AnyOf>(on: Ground<R>) {
    let (client, a, _b) = on.two_workers().await;
    let x = on.get(client.scattering().workers(["a"]).scatter(1_i64)).await.unwrap();
    assert_eq!(on.holders(&x), r#"["a"]"#);
    on.get(a.stop()).await.unwrap();
    on.until("it is lost", || x.status() == Status::Lost).await;
    on.until_look(&crate::ground::state(&x.key()), "\"forgotten\"").await;
    let error = on.error(&x).await;
    assert!(matches!(&error, Error::Lost { key, .. } if *key == x.key()), "{error:?}");
    let error = on.error(&client.submit(inc, &x)).await;
    assert!(matches!(&error, Error::Lost { .. }), "what takes it is lost, too: {error:?}");
}

async fn a48_a_copy_survives<R: AnyOf>(on: Ground<R>) {
    let (client, a, _b) = on.two_workers().await;
    let _c = on.worker("c", 1).await;
    let x = on.get(client.scattering().workers([a.address()]).scatter(1_i64)).await.unwrap();
    on.get(client.replicate(&x, 2)).await.unwrap();
    assert_eq!(on.look(&format!("len(s.tasks[{:?}].who_has)", x.key().as_str())), "2");
    on.get(a.stop()).await.unwrap();
    on.until_look("len(s.workers)", "2").await;
    assert_eq!((x.status(), on.state_of(&x)), (Status::Finished, "\"memory\"".to_owned()));
    assert_eq!(on.value(&x).await.unwrap(), 1);
}

async fn a_value_is_copied_once_it_is_there<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let x = client.submit(hold, (gate.name.clone(), 1));
    let y = client.submit(inc, &x);
    on.passed(gate.began()).await;
    let early = client.replicate((&x, &y), 1).timeout(Duration::from_millis(20));
    assert!(on.on.get(early).await.unwrap_err().is_timeout(), "there is nothing to copy yet");
    gate.open();
    // More than there are workers.
    on.get(client.replicate((&x, &y), 3)).await.unwrap();
    for future in [&x, &y] {
        assert_eq!(on.holders(future), r#"["a", "b"]"#);
    }
    let failing = client.submit(div, (1, 0));
    let error = on.get(client.replicate([&x, &failing], 2)).await.unwrap_err();
    assert!(matches!(&error, Error::Failed { key, .. } if *key == failing.key()), "{error:?}");
}

async fn values_go_to_the_workers_that_were_chosen<R: AnyOf>(on: Ground<R>) {
    let (client, a, b) = on.two_workers().await;
    let on_b = on.get(client.scattering().workers(["b"]).scatter_all(vec![1_i64, 2])).await.unwrap();
    let on_a = on.get(client.scattering().workers([a.address()]).scatter_hashed(3_i64)).await.unwrap();
    assert!(on_b.iter().all(|value| on.holders(value) == r#"["b"]"#));
    assert_eq!(on.holders(&on_a), r#"["a"]"#);
    let error = on.get(client.scattering().workers(["nobody"]).scatter(1_i64)).await.unwrap_err();
    assert!(matches!(&error, Error::Lost { reason, .. } if reason.contains("nobody")), "{error:?}");
    drop(b);
    // A client with an engine of its own has no workers to choose.
    let local = on.get(on.builder().threads(1).local()).await.unwrap();
    let error = on.get(local.scattering().workers(["a"]).scatter(1)).await.unwrap_err();
    assert!(matches!(error, Error::NeedsDask { .. }), "{error:?}");
    assert_eq!(on.value(&on.get(local.scattering().broadcast().scatter(1)).await.unwrap()).await.unwrap(), 1);
}

async fn values_of_every_kind_are_scattered<R: AnyOf>(mut on: Ground<R>) {
    on.cluster.python_worker("python");
    let (client, _a, _b) = on.two_workers().await;
    let table = Table { name: "t".to_owned(), cells: vec![1.0, 2.5] };
    // A task takes it as an `Arc`.
    let scattered = on.get(client.scatter(table.clone())).await.unwrap();
    assert_eq!(on.value(&scattered).await.unwrap(), table);
    assert_eq!(on.value(&client.submit(sum_of, &scattered)).await.unwrap(), 3.5);
    // A task takes several, as a vector.
    let parts = on.get(client.scatter_all([Part(1), Part(2)])).await.unwrap();
    assert_eq!(on.value(&client.submit(count_of, &parts)).await.unwrap(), 2);
    assert_eq!(on.value(&parts[1]).await.unwrap(), Part(2));
    // Everybody knows these.
    let text = on.get(client.scatter("text".to_owned())).await.unwrap();
    let letters = client.submit(python::<String>("operator:add"), (&text, "!"));
    assert_eq!(on.value(&letters).await.unwrap(), "text!");
    let floats = on.get(client.scatter(vec![0.5_f32, 1.5])).await.unwrap();
    let sum = client.submit(python::<f64>("builtins:sum"), &floats);
    assert_eq!(on.value(&sum).await.unwrap(), 2.0);
    let all = on.get(client.scatter(vec![1_i64, 2, 3])).await.unwrap();
    let sum = client.submit(python::<i64>("builtins:sum"), &all);
    assert_eq!(on.value(&sum).await.unwrap(), 6, "the type of a parameter");
    assert_eq!(on.value(&client.submit(total, &all)).await.unwrap(), 6);
    let empty = on.get(client.scatter_all(Vec::<i64>::new())).await.unwrap();
    assert!(empty.is_empty());
    let big = on.get(client.scatter(vec![7_u8; 2 << 20])).await.unwrap();
    assert_eq!(on.get(big.shared()).await.unwrap().len(), 2 << 20);
    drop((client, _a, _b));
    on.cluster.stop("python");
}

async fn what_cannot_be_encoded_is_refused_with_a_fix<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let error = on.get(client.scatter(Stranger)).await.unwrap_err();
    assert!(
        matches!(&error, Error::NotPortable { fix, .. } if fix.contains("Stranger") && fix.contains("#[task]")),
        "{error}"
    );
    let error = on.get(client.scatter_all(vec![HashMap::from([(Stranger, 1)])])).await.unwrap_err();
    assert!(matches!(&error, Error::NotPortable { .. }), "{error}");
    on.get(client.close()).await.unwrap();
    let error = on.get(client.scatter(1_i64)).await.unwrap_err();
    assert!(matches!(error, Error::ClientClosed { operation: "scatter" }), "{error:?}");
}

async fn a_scattered_value_is_released_with_its_last_handle<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = on.get(client.scatter(1_i64)).await.unwrap();
    let key = x.key();
    let gate = Gate::new();
    let held = client.submit(hold, (gate.name.clone(), &x));
    drop(x);
    on.passed(gate.began()).await;
    assert_eq!(on.look(&crate::ground::state(&key)), "\"memory\"", "a task takes it");
    gate.open();
    assert_eq!(on.value(&held).await.unwrap(), 1);
    on.until_look(&holders(&key), "null").await;
}

async fn a_scatter_that_is_dropped_leaves_nothing<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    drop(client.scatter(1_i64));
    drop(client.scattering().broadcast().scatter_all(vec![1_i64; 10]));
    let late = client.scatter(2_i64).timeout(Duration::ZERO);
    drop(on.on.get(late).await);
    let x = on.get(client.scatter(3_i64)).await.unwrap();
    on.until_look("len(s.tasks)", "1").await;
    assert_eq!(on.value(&x).await.unwrap(), 3);
}

async fn a_scatter_waits_for_a_worker<R: AnyOf>(on: Ground<R>) {
    let client = on.client().await;
    let scattering = client.scatter(5_i64).timeout(LIMIT);
    let starting = on.worker_as("late").threads(1).start();
    let worker = on.get(starting).await.unwrap();
    let x = on.on.get(scattering).await.unwrap();
    assert_eq!(on.value(&client.submit(inc, &x)).await.unwrap(), 6);
    drop(worker);
}
