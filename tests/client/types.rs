//! What the types promise to the compiler.

use std::fmt::Debug;
use std::future::Future;

use anydask::runtime::Runtime;
use anydask::{Awaiting, Builder, Client, ClientStatus, Error, Key, Operation, Status, TaskFuture, Waited};

use crate::support::{AnyOf, Setting, awaited_on_every_runtime};

awaited_on_every_runtime! {
    code_that_holds_a_client_across_awaits_can_be_spawned;
}

fn is_send<T: Send>(value: T) -> T {
    value
}

fn shared<T: Send + Sync + 'static>() {}

fn debug<T: Debug>() {}

/// Neither `Clone` nor `Debug` nor `Unpin`.
struct Opaque(#[allow(dead_code)] std::marker::PhantomPinned);

#[test]
fn futures_are_shared_between_threads() {
    fn future<T, F: Future<Output = Result<T, Error>> + Unpin>() {}
    fn by_reference<T: Clone>(future: &TaskFuture<T>) -> impl IntoFuture<Output = Result<T, Error>> + '_ {
        future
    }

    shared::<TaskFuture<i64>>();
    shared::<TaskFuture<Opaque>>();
    fn clones<T: Clone>() {}
    clones::<TaskFuture<Opaque>>();
    future::<i64, TaskFuture<i64>>();
    future::<String, Awaiting<'static, String>>();
    future::<Vec<i64>, Operation<Vec<i64>>>();
    fn send<T: Send + 'static>() {}
    send::<Operation<Opaque>>();
    send::<Awaiting<'static, i64>>();
    let _ = by_reference::<i64>;
}

#[test]
fn everything_else_can_be_shared_and_shown() {
    fn of<R: Runtime>() {
        shared::<Client<R>>();
        debug::<Client<R>>();
        debug::<Builder<R>>();
    }
    of::<anydask::runtime::AnyRuntime>();
    #[cfg(feature = "tokio")]
    of::<anydask::runtime::Tokio>();
    shared::<Client>();
    shared::<Error>();
    shared::<Key>();
    debug::<TaskFuture<Opaque>>();
    debug::<Operation<Opaque>>();
    debug::<Waited<i64>>();
    debug::<(ClientStatus, Status)>();
    fn error<T: std::error::Error + Clone + Send + Sync + 'static>() {}
    error::<Error>();
}

async fn code_that_holds_a_client_across_awaits_can_be_spawned<R: AnyOf>(on: Setting<R>) {
    async fn all_of_it<R: Runtime>(client: &Client<R>) -> Result<i64, Error> {
        let one = client.submit(|| 1, ());
        let many = client.map(|x: i64| x, 0..4);
        let by_reference = (&one).await?;
        let gathered = client.gather((&one, &many, [&one])).await?;
        let gathered_ok = client.gather_ok(&many).await?;
        let results = client.gather_results(&many).await?;
        let waited = client.wait(&many).await?;
        let scattered = client.scatter(5).await?;
        let within = scattered.timeout(std::time::Duration::from_secs(20)).await?;
        let shared = scattered.shared().await?;
        let count = gathered.1.len() + gathered_ok.len() + results.len() + waited.done.len();
        Ok(by_reference + within + *shared + count as i64 + one.await?)
    }

    let client = on.client(1).await;
    let own = client.clone();
    let value = on.runtime.spawn(is_send(async move { all_of_it(&own).await })).await.unwrap();
    assert_eq!(value.unwrap(), 28);
    let builder = on.builder().threads(1);
    let scope = is_send(builder.scope(async |client: Client<R>| all_of_it(&client).await));
    assert_eq!(on.runtime.spawn(scope).await.unwrap().unwrap(), 28);
    is_send(client.close()).await.unwrap();
}
