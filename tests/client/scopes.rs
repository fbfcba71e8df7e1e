//! Scopes: a client that is closed on every way out.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anydask::{Client, ClientStatus, Error, Scope, asynchronous};

use crate::support::{AnyOf, Event, Setting, awaited_on_every_runtime, on_every_runtime};

on_every_runtime! {
    a_scope_gives_its_value_and_closes;
    a_scope_gives_its_error_unchanged_and_closes;
    a_scope_closes_in_time_while_tasks_run;
    a_panic_in_a_scope_closes;
    a_scope_borrows_what_is_around_it;
    a_scope_that_cannot_open_says_so;
}

mod awaited {
    use super::*;

    awaited_on_every_runtime! {
        a_dropped_scope_closes;
        a_scope_that_is_never_polled_opens_nothing;
        a_scope_can_be_spawned;
    }
}

/// What a test's scope gives: errors of its own beside the client's.
#[derive(Debug)]
enum Mine {
    Own(Box<i64>),
    Client(Error),
}

impl From<Error> for Mine {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

/// Where a body puts its client, to be looked at afterwards.
struct Kept<R: AnyOf>(Arc<Mutex<Option<Client<R>>>>);

impl<R: AnyOf> Kept<R> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn put(&self, client: &Client<R>) {
        *self.0.lock().unwrap() = Some(client.clone());
    }

    fn take(&self) -> Client<R> {
        self.0.lock().unwrap().take().expect("the body has run")
    }
}

async fn finish<R, F, Fut, T, E>(on: &Setting<R>, scope: Scope<R, F, Fut, T, E>) -> Result<T, E>
where
    R: AnyOf,
    F: FnOnce(Client<R>) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: From<Error>,
{
    if on.is_blocking { scope.wait() } else { scope.await }
}

async fn a_scope_gives_its_value_and_closes<R: AnyOf>(on: Setting<R>) {
    let kept = Kept::new();
    let scope = on.builder().threads(1).scope(async |client| {
        kept.put(&client);
        client.submit(|x: i64| x + 1, 10).await
    });
    assert_eq!(finish(&on, scope).await.unwrap(), 11);
    assert_eq!(kept.take().status(), ClientStatus::Closed);
}

async fn a_scope_gives_its_error_unchanged_and_closes<R: AnyOf>(on: Setting<R>) {
    let kept = Kept::new();
    let own = Box::new(7);
    let place: *const i64 = &*own;
    let scope = on.builder().threads(1).scope(async |client| {
        kept.put(&client);
        Err::<(), _>(Mine::Own(own))
    });
    match finish(&on, scope).await {
        Err(Mine::Own(own)) => assert!(*own == 7 && std::ptr::eq(place, &*own)),
        other => panic!("{other:?}"),
    }
    assert_eq!(kept.take().status(), ClientStatus::Closed);
}

async fn a_scope_closes_in_time_while_tasks_run<R: AnyOf>(on: Setting<R>) {
    let kept = Kept::new();
    let dropped = Event::new();
    let start = Instant::now();
    let scope = on.builder().threads(1).scope(async |client| {
        kept.put(&client);
        let (begun, running) = (Event::new(), Event::new());
        let (begins, guard) = (begun.clone(), dropped.clone());
        let endless = client.submit(
            asynchronous(move || {
                let (begins, guard) = (begins.clone(), guard.on_drop());
                async move {
                    let _guard = guard;
                    begins.set();
                    std::future::pending::<()>().await;
                }
            }),
            (),
        );
        let runs = running.clone();
        let busy = client.submit(
            move || {
                runs.set();
                std::thread::sleep(Duration::from_millis(20));
            },
            (),
        );
        let queued = client.map(|x: i64| x, 0..100);
        let waiting = client.submit(|(): ()| (), &endless);
        begun.passed().await;
        running.passed().await;
        Err::<(), _>(Mine::Own(Box::new(queued.len() as i64)))?;
        client.gather((endless, busy, queued, waiting)).await.map_err(Mine::from).map(drop)
    });
    assert!(matches!(finish(&on, scope).await, Err(Mine::Own(own)) if *own == 100));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(dropped.is_set());
    assert_eq!(kept.take().status(), ClientStatus::Closed);
}

async fn a_panic_in_a_scope_closes<R: AnyOf>(on: Setting<R>) {
    // On a thread of its own, in blocking code and inside the runtime alike: the panic is the caller's to see.
    let kept = Arc::new(Kept::new());
    let (puts, runtime) = (Arc::clone(&kept), on.runtime.clone());
    let caller = std::thread::spawn(move || {
        let scope = Client::with_runtime(runtime.clone()).threads(1).scope(async move |client| {
            puts.put(&client);
            let future = client.submit(asynchronous(std::future::pending::<()>), ());
            if !future.is_done() {
                panic!("in the scope");
            }
            future.await
        });
        runtime.block_on(scope)
    });
    let payload = caller.join().expect_err("the panic goes on to the caller");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"in the scope"));
    // Closed, although a clone has escaped.
    let client = kept.take();
    assert_ne!(client.status(), ClientStatus::Running);
    assert!(matches!(on.error(&client.submit(|| 1, ())).await, Error::ClientClosed { .. }));
    on.get(client.close()).await.unwrap();
}

async fn a_scope_borrows_what_is_around_it<R: AnyOf>(on: Setting<R>) {
    let numbers = vec![1, 2, 3];
    let mut seen = 0;
    let scope = on.builder().threads(1).scope(async |client| {
        let sum = client.submit(|numbers: Vec<i64>| numbers.iter().sum::<i64>(), numbers.clone()).await?;
        seen = sum;
        Ok::<_, Error>(())
    });
    finish(&on, scope).await.unwrap();
    assert_eq!(seen, 6);
}

async fn a_scope_that_cannot_open_says_so<R: AnyOf>(on: Setting<R>) {
    let scope = on.builder().threads(0).scope(async |_| -> Result<(), Mine> { unreachable!("nothing opens") });
    assert!(matches!(finish(&on, scope).await, Err(Mine::Client(Error::InvalidThreads { threads: 0, .. }))));
}

async fn a_dropped_scope_closes<R: AnyOf>(on: Setting<R>) {
    let (kept, begun) = (Arc::new(Mutex::new(None)), Event::new());
    let (puts, begins) = (Arc::clone(&kept), begun.clone());
    let mut scope = Box::pin(on.builder().threads(1).scope(async move |client| {
        let pending = client.submit(asynchronous(std::future::pending::<()>), ());
        *puts.lock().unwrap() = Some((client.clone(), pending));
        begins.set();
        std::future::pending::<Result<(), Error>>().await
    }));
    assert!(futures_lite::future::poll_once(&mut scope).await.is_none());
    begun.passed().await;
    let (client, pending) = kept.lock().unwrap().take().unwrap();
    assert!(!pending.is_done());
    drop(scope);
    // Although a clone has escaped.
    assert_ne!(client.status(), ClientStatus::Running);
    assert!(pending.await.unwrap_err().is_cancelled());
}

async fn a_scope_that_is_never_polled_opens_nothing<R: AnyOf>(on: Setting<R>) {
    let captured = Event::new();
    let guard = captured.on_drop();
    let scope = on.builder().scope(async move |_| {
        let _guard = guard;
        Ok::<(), Error>(())
    });
    drop(scope);
    assert!(captured.is_set());
}

async fn a_scope_can_be_spawned<R: AnyOf>(on: Setting<R>) {
    let scope = on.builder().threads(1).scope(async |client: Client<R>| {
        let many = client.map(|x: i64| x, 0..10);
        client.gather(&many).await
    });
    let values = on.runtime.spawn(scope).await.unwrap().unwrap();
    assert_eq!(values, (0..10).collect::<Vec<_>>());
}

#[cfg(feature = "tokio")]
#[test]
fn a_scope_finds_its_runtime() {
    let runtime = ::tokio::runtime::Runtime::new().unwrap();
    let awaited = runtime.block_on(anydask::tokio::Client::scope(async |client| client.submit(|| 1, ()).await));
    assert_eq!(awaited.unwrap(), 1);
    let waited = anydask::tokio::Client::scope(async |client| client.submit(|| 2, ()).await).wait();
    assert_eq!(waited.unwrap(), 2);
}
