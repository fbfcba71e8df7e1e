//! Connections against peers that the tests play, and against a real scheduler.

mod connecting;
mod encrypted;
mod listening;
mod messages;
mod requests;
#[cfg(all(feature = "tokio", feature = "async-std"))]
mod with_dask;

use std::time::Duration;

use bytes::Bytes;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::engine::dask::wire::{Value, encode_message};
use crate::runtime::{BlockOn, Endpoint, Listener as _, Runtime, Spawner, TimerExt};

/// The clusters of the test program `dask`, which sees no more than the public library.
#[path = "../../../../../tests/dask/cluster/mod.rs"]
mod cluster;

pub(super) use cluster::certificates;

/// Longest time that a test may take. A hang is a failure.
const DEADLINE: Duration = Duration::from_secs(60);

/// One `#[test]` a runtime for each generic body.
macro_rules! on_every_runtime {
    ($($(#[$attribute:meta])* async fn $name:ident($runtime:ident) $body:block)*) => { $(
        mod $name {
            use super::*;

            async fn body<R: Runtime>($runtime: R) $body

            $(#[$attribute])*
            #[test]
            fn smol() {
                run(crate::runtime::Smol::new(), body);
            }

            #[cfg(feature = "tokio")]
            $(#[$attribute])*
            #[test]
            fn tokio() {
                run(crate::runtime::Current::start().unwrap(), body::<crate::runtime::Tokio>);
            }

            #[cfg(feature = "async-std")]
            $(#[$attribute])*
            #[test]
            fn async_std() {
                run(crate::runtime::Current::start().unwrap(), body::<crate::runtime::AsyncStd>);
            }
        }
    )* };
}
pub(crate) use on_every_runtime;

fn run<R: BlockOn>(runtime: R, body: impl AsyncFnOnce(R)) {
    let bounded = runtime.timeout(DEADLINE, body(runtime.clone()));
    runtime.block_on(bounded).unwrap().expect("the deadline passed");
}

/// A socket for a peer that a test plays by hand, and its address.
async fn played<R: Runtime>(runtime: &R) -> (R::Listener, Address) {
    let listener = runtime.bind(&"tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    let Endpoint::Tcp(address) = listener.local().unwrap() else { panic!() };
    (listener, Address::of_socket(Scheme::Tcp, address))
}

async fn plain<R: Runtime>(runtime: &R) -> Connector<R> {
    Connector::new(runtime.clone(), None, Role::Client).await.unwrap()
}

/// A message as it goes over the wire.
fn bytes_of(message: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_message(message).unwrap().append_to(&mut bytes);
    bytes
}

/// A genuine hello of a Python peer.
fn hello_bytes() -> Vec<u8> {
    bytes_of(&Value::map([
        ("compression", Value::Nil),
        ("python", Value::List(vec![Value::Int(3), Value::Int(11), Value::Int(7)])),
        ("pickle-protocol", Value::Int(5)),
    ]))
}

/// A listener that answers hellos, and gives the two ends of one connection.
async fn pair<R: Runtime>(runtime: &R) -> (Comm<R::Stream>, Comm<R::Stream>) {
    let (mut listener, address) = played(runtime).await;
    let connecting = runtime.clone();
    let connected = runtime.spawn({
        let address = address.clone();
        async move { plain(&connecting).await.connect(&address).await.unwrap() }
    });
    let (stream, _) = listener.accept().await.unwrap();
    let accepted = Comm::accept(stream, None, &address).await.unwrap();
    (connected.await.unwrap(), accepted)
}

/// Reads until there is a byte or the end.
async fn read_some(stream: &mut (impl futures_lite::AsyncRead + Unpin)) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    let nbytes = stream.read(&mut buffer).await.unwrap_or(0);
    buffer.truncate(nbytes);
    buffer
}

fn datum(nbytes: usize) -> Value {
    Value::Bin(Bytes::from((0..nbytes).map(|index| (index % 251) as u8).collect::<Vec<_>>()))
}
