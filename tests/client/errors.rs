//! Errors: cheap to clone, with a source, and each message says what to do.

use std::error::Error as _;
use std::time::Duration;

use anydask::{Error, fallible};

use crate::support::{AnyOf, Setting, on_every_runtime};

on_every_runtime! {
    every_message_says_what_to_do;
    an_error_is_cloned_with_its_source;
    an_error_can_be_handed_on_with_a_question_mark;
    only_the_tasks_own_error_can_be_downcast;
}

async fn every_message_says_what_to_do<R: AnyOf>(on: Setting<R>) {
    let (client, other) = (on.client(1).await, on.client(1).await);
    let (occupant, release) = on.occupy(&client).await;
    let foreign = other.submit(|| 1, ());
    let held = client.task(|| 1, ()).key("held").submit();
    let told = [
        (on.error(&client.submit(|x: i64| x, &foreign)).await, "use that client"),
        (on.error(&client.task(|| 2, ()).key("held").submit()).await, "choose another key"),
        (on.error(&client.task(|| 2, ()).key("").submit()).await, "choose another"),
        (on.get(occupant.timeout(Duration::ZERO)).await.unwrap_err(), "waited for again"),
        (on.get(on.builder().threads(0).local()).await.unwrap_err(), "1 to 1024"),
        (on.get(client.close().timeout(Duration::ZERO)).await.unwrap_err(), "close"),
        (on.error(&client.submit(|| 1, ())).await, "open a new one"),
    ];
    for (error, fix) in told {
        assert!(error.to_string().contains(fix), "no `{fix}` in: {error}");
        assert!(error.source().is_none(), "{error:?}");
    }
    release.set();
    drop(held);
}

async fn an_error_is_cloned_with_its_source<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let failing = client.submit(fallible(|text: String| text.parse::<i64>()), "x".to_owned());
    let error = on.error(&failing).await;
    let clone = error.clone();
    assert_eq!(clone.to_string(), error.to_string());
    assert_eq!(clone.key(), error.key());
    // One level each: the message is not told twice.
    let source = clone.source().unwrap().to_string();
    assert_eq!(source, "x".parse::<i64>().unwrap_err().to_string());
    assert!(!clone.to_string().contains(&source), "{clone}");
}

async fn an_error_can_be_handed_on_with_a_question_mark<R: AnyOf>(on: Setting<R>) {
    type Boxed = Box<dyn std::error::Error + Send + Sync>;

    async fn fails<R: AnyOf>(on: &Setting<R>) -> Result<i64, Boxed> {
        let client = on.client(1).await;
        let failing = client.submit(|| -> i64 { panic!("boxed") }, ());
        Ok(on.take(failing).await?)
    }

    let boxed = fails(&on).await.unwrap_err();
    assert!(matches!(boxed.downcast_ref::<Error>(), Some(Error::Panicked { .. })));
}

async fn only_the_tasks_own_error_can_be_downcast<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let failing = client.submit(fallible(|| Err::<i64, _>(std::fmt::Error)), ());
    let error = on.error(&failing).await;
    assert!(error.downcast_ref::<std::fmt::Error>().is_some());
    assert!(error.downcast_ref::<std::io::Error>().is_none());
    let panicking = client.submit(|| -> i64 { panic!() }, ());
    let error = on.error(&panicking).await;
    assert!(error.downcast_ref::<std::fmt::Error>().is_none());
    assert!(!error.is_cancelled() && !error.is_timeout());
}
