//! A01 to A08: connecting and closing.

use std::time::{Duration, Instant};

use anydask::{Client, ClientStatus, Error, Status};

use crate::current_client::current;
use crate::inc;
use crate::support::{AnyOf, Setting, on_every_runtime};

on_every_runtime! {
    a01_a_scope_opens_a_client_and_closes_it;
    a04_closing_three_times_is_closing_once;
    a05_a_closed_client_refuses_at_once_and_says_what;
    a06_clients_open_and_close_one_after_another;
    a07_the_error_of_a_scope_comes_out_unchanged_and_soon;
    a08_the_innermost_scope_is_the_current_one;
}

async fn a01_a_scope_opens_a_client_and_closes_it<R: AnyOf>(on: Setting<R>) {
    let scope = on.builder().threads(1).scope(async |client| {
        let eleven = client.submit(inc, 10).await?;
        Ok::<_, Error>((eleven, client))
    });
    let (eleven, client) = if on.is_blocking { scope.wait() } else { scope.await }.unwrap();
    assert_eq!(eleven, 11);
    assert_eq!(client.status(), ClientStatus::Closed);
    assert_eq!(client.status().to_string(), "closed");
}

async fn a04_closing_three_times_is_closing_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let finished = client.submit(inc, 1);
    on.value(&finished).await.unwrap();
    for _ in 0..3 {
        on.get(client.close()).await.unwrap();
    }
    assert_eq!(client.status(), ClientStatus::Closed);
    let info = client.info();
    assert_eq!((info.running, info.queued, info.asynchronous), (0, 0, 0));
    assert_eq!(on.take(finished).await.unwrap(), 2);
}

async fn a05_a_closed_client_refuses_at_once_and_says_what<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    on.get(client.close()).await.unwrap();
    let refused = client.submit(inc, 1);
    assert_eq!(refused.status(), Status::Error);
    let error = on.error(&refused).await;
    assert!(matches!(error, Error::ClientClosed { operation: "submit" }));
    let text = error.to_string();
    assert!(text.contains("`submit`") && text.len() < 100, "{text}");
    let refused = client.task(inc, 1).priority(1).retries(1).deadline(Duration::ZERO).submit();
    assert!(matches!(on.error(&refused).await, Error::ClientClosed { .. }));
    assert!(matches!(on.error(&client.map(inc, 0..2)[1]).await, Error::ClientClosed { operation: "map" }));
    assert!(matches!(on.get(client.scatter(1)).await, Err(Error::ClientClosed { operation: "scatter" })));
}

async fn a06_clients_open_and_close_one_after_another<R: AnyOf>(on: Setting<R>) {
    for round in 0..4 {
        let client = on.client(1).await;
        if round == 2 {
            let pause = client.submit(|| std::thread::sleep(Duration::from_millis(100)), ());
            on.value(&pause).await.unwrap();
        }
        on.get(client.close()).await.unwrap();
        assert_eq!(client.status(), ClientStatus::Closed);
    }
}

async fn a07_the_error_of_a_scope_comes_out_unchanged_and_soon<R: AnyOf>(on: Setting<R>) {
    #[derive(Debug)]
    enum MyError {
        Mine(i64),
        Other,
    }

    impl From<Error> for MyError {
        fn from(_: Error) -> Self {
            Self::Other
        }
    }

    let start = Instant::now();
    let (send, receive) = std::sync::mpsc::channel();
    let scope = on.builder().threads(1).scope(async move |client| {
        send.send(client.clone()).unwrap();
        let seven = client.submit(inc, 6).await?;
        Err::<(), _>(MyError::Mine(seven))
    });
    let error = if on.is_blocking { scope.wait() } else { scope.await }.unwrap_err();
    assert!(matches!(error, MyError::Mine(7)), "{error:?}");
    assert_eq!(receive.recv().unwrap().status(), ClientStatus::Closed);
    assert!(start.elapsed() < Duration::from_secs(2));
}

async fn a08_the_innermost_scope_is_the_current_one<R: AnyOf>(on: Setting<R>) {
    let text = Client::current().unwrap_err().to_string();
    assert!(text.contains("Client::scope"), "{text}");
    let builder = |threads| on.builder().threads(threads);
    let outer = builder(1).scope(async |_outer| {
        assert_eq!(current(), Some(1));
        builder(2)
            .scope(async |inner| {
                assert_eq!(current(), Some(2));
                assert_eq!(inner.submit(inc, 1).await?, 2);
                assert_eq!(current(), Some(2), "also after an await");
                Ok::<_, Error>(())
            })
            .await?;
        assert_eq!(current(), Some(1));
        let failed = builder(3).scope(async |_| {
            assert_eq!(current(), Some(3));
            Err::<(), _>(Error::NotInTask)
        });
        assert!(failed.await.is_err());
        assert_eq!(current(), Some(1));
        Client::current()?.submit(inc, 1).await
    });
    let two = if on.is_blocking { outer.wait() } else { outer.await }.unwrap();
    assert_eq!((two, current()), (2, None));
}
