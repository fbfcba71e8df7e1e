//! Chosen keys: the same key with the same work joins, with other work is an error.

use anydask::{Client, Error, Key, Status, TaskFuture, task};

use crate::support::{AnyOf, Setting, on_every_runtime};

on_every_runtime! {
    the_same_key_and_work_give_another_handle;
    the_same_key_with_other_work_is_an_error;
    work_that_cannot_be_compared_is_other_work;
    a_key_is_free_after_its_last_handle;
    a_key_stays_taken_as_long_as_a_dependant_needs_its_task;
    an_input_is_known_by_its_task_and_not_by_where_it_lies;
    a_key_has_1_to_512_bytes;
    a_failed_task_holds_its_key_too;
    keys_are_strings;
}

fn double(x: i64) -> i64 {
    x * 2
}

#[task]
fn triple(x: i64) -> i64 {
    x * 3
}

fn keyed<R: AnyOf>(client: &Client<R>, key: &str, x: i64) -> TaskFuture<i64> {
    client.task(double, x).key(key).submit()
}

async fn check_conflict<R: AnyOf, T: Send + Sync + 'static>(on: &Setting<R>, future: TaskFuture<T>, key: &str) {
    // At once, not when somebody looks.
    assert_eq!(future.status(), Status::Error);
    assert_eq!(future.key(), key);
    let error = on.error(&future).await;
    assert!(matches!(&error, Error::KeyConflict { key: of } if *of == key), "{error:?}");
    assert!(error.to_string().contains(&format!("`{key}`")), "{error}");
    assert!(error.to_string().contains("choose another key"), "{error}");
}

async fn the_same_key_and_work_give_another_handle<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let first = keyed(&client, "double", 21);
    let second = keyed(&client, "double", 21);
    assert_eq!((first.key(), second.key()), ("double".into(), "double".into()));
    let input = client.submit(|| 1, ());
    let of_a_future = client.task(triple, &input).key("triple").submit();
    let again = client.task(triple, &input).key("triple").submit();
    drop((first, of_a_future));
    assert_eq!(second.status(), Status::Pending);
    release.set();
    assert_eq!(on.value(&second).await.unwrap(), 42);
    assert_eq!(on.value(&again).await.unwrap(), 3);
    // Also when it has finished.
    assert_eq!(keyed(&client, "double", 21).status(), Status::Finished);
    on.take(occupant).await.unwrap();
}

async fn the_same_key_with_other_work_is_an_error<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = keyed(&client, "k", 1);
    check_conflict(&on, keyed(&client, "k", 2), "k").await;
    check_conflict(&on, client.task(triple, 1).key("k").submit(), "k").await;
    check_conflict(&on, client.task(|x: i64| x, 1).key("k").submit(), "k").await;
    check_conflict(&on, client.task(|| "other type", ()).key("k").submit(), "k").await;
    let input = client.submit(|| 1, ());
    check_conflict(&on, client.task(double, &input).key("k").submit(), "k").await;
    let parts = |parts: Vec<String>, last: String| parts.len() + last.len();
    let texts = |parts: &[&str]| parts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let joined = client.task(parts, (texts(&["a", "b"]), "c".to_owned())).key("parts").submit();
    check_conflict(&on, client.task(parts, (texts(&["a"]), "bc".to_owned())).key("parts").submit(), "parts").await;
    // The first is as it was.
    assert_eq!(on.value(&held).await.unwrap(), 2);
    assert_eq!(on.value(&joined).await.unwrap(), 3);
}

async fn work_that_cannot_be_compared_is_other_work<R: AnyOf>(on: Setting<R>) {
    struct Opaque;

    let client = on.client(1).await;
    let captured = 5;
    let adds = move |x: i64| x + captured;
    let held = client.task(adds, 1).key("captures").submit();
    check_conflict(&on, client.task(adds, 1).key("captures").submit(), "captures").await;
    let takes = |_: Opaque| ();
    let opaque = client.task(takes, Opaque).key("opaque").submit();
    check_conflict(&on, client.task(takes, Opaque).key("opaque").submit(), "opaque").await;
    on.get(client.gather((held, opaque))).await.unwrap();
}

async fn a_key_is_free_after_its_last_handle<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    for x in 0..5 {
        let future = keyed(&client, "again", x);
        let clone = future.clone();
        drop(future);
        check_conflict(&on, keyed(&client, "again", x + 1), "again").await;
        // Awaited, or gathered, it is the last.
        assert_eq!(on.take(clone).await.unwrap(), 2 * x);
    }
    let (occupant, release) = on.occupy(&client).await;
    drop(keyed(&client, "again", 1));
    let other = keyed(&client, "again", 2);
    release.set();
    assert_eq!(on.get(client.gather(other)).await.unwrap(), 4);
    assert_eq!(on.take(keyed(&client, "again", 3)).await.unwrap(), 6);
    on.take(occupant).await.unwrap();
}

async fn a_key_stays_taken_as_long_as_a_dependant_needs_its_task<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let dependant = client.submit(|x: i64, (): ()| x, (keyed(&client, "k", 1), &occupant));
    check_conflict(&on, keyed(&client, "k", 2), "k").await;
    release.set();
    assert_eq!(on.take(dependant).await.unwrap(), 2);
    assert_eq!(on.take(keyed(&client, "k", 2)).await.unwrap(), 4);
    on.take(occupant).await.unwrap();
}

async fn an_input_is_known_by_its_task_and_not_by_where_it_lies<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let input = |x: i64| client.submit(|x: i64| x, x);
    // The input is freed when the task has taken it; others may come to lie in its place.
    let held = client.task(double, input(1)).key("k").submit();
    assert_eq!(on.value(&held).await.unwrap(), 2);
    for x in 2..200 {
        let other = client.task(double, input(x)).key("k").submit();
        assert!(matches!(on.error(&other).await, Error::KeyConflict { .. }), "joined at {x}");
    }
}

async fn a_key_has_1_to_512_bytes<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let longest = "k".repeat(Key::NBYTES_MAX);
    assert_eq!(longest.len(), 512);
    assert_eq!(on.take(keyed(&client, &longest, 1)).await.unwrap(), 2);
    assert_eq!(on.take(keyed(&client, "k", 1)).await.unwrap(), 2);
    for (key, length) in [(String::new(), 0), ("k".repeat(513), 513), ("k".repeat(1 << 20), 1 << 20)] {
        let refused = keyed(&client, &key, 1);
        assert_eq!(refused.status(), Status::Error);
        match on.error(&refused).await {
            error @ Error::InvalidKey { nbytes, nbytes_max } => {
                assert_eq!((nbytes, nbytes_max), (length, 512));
                assert!(error.to_string().len() < 200, "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn a_failed_task_holds_its_key_too<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    fn fails(x: i64) -> i64 {
        panic!("with {x}")
    }
    let failed = client.task(fails, 1).key("fails").submit();
    assert!(matches!(on.error(&failed).await, Error::Panicked { .. }));
    let again = client.task(fails, 1).key("fails").submit();
    assert!(matches!(on.error(&again).await, Error::Panicked { key, .. } if key == "fails"));
    check_conflict(&on, client.task(fails, 2).key("fails").submit(), "fails").await;
    drop((failed, again));
    assert_eq!(on.take(keyed(&client, "fails", 2)).await.unwrap(), 4);
}

async fn keys_are_strings<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let odd = "a key; with \"quotes\", {braces}, \n lines and ünïcödé";
    let future = keyed(&client, odd, 1);
    assert_eq!(future.key().as_str(), odd);
    assert_eq!(future.key().to_string(), odd);
    assert_eq!(on.take(future).await.unwrap(), 2);
    assert_eq!(Key::from("k".to_owned()), Key::from("k"));
}
