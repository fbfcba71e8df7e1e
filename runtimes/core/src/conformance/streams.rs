//! What the tests of the network share: endpoints and connected pairs.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use futures_lite::future::zip;

use super::harness::Subject;
use super::support::Scratch;
use crate::{Endpoint, Listener};

/// A free TCP port of this machine.
pub(super) fn loopback() -> Endpoint {
    Endpoint::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// Two connected streams, and what they run over.
pub(super) struct Pair<S> {
    pub(super) over: &'static str,
    pub(super) client: S,
    pub(super) server: S,
}

/// Connects two streams through a listener at `endpoint`.
pub(super) async fn pair<R: Subject>(runtime: &R, over: &'static str, endpoint: &Endpoint) -> Pair<R::Stream> {
    connected(runtime, over, runtime.bind(endpoint).await.unwrap()).await
}

/// One pair over each transport that the runtime has on this platform.
pub(super) async fn pairs<R: Subject>(runtime: &R) -> Vec<Pair<R::Stream>> {
    let scratch = Scratch::new();
    let tcp = pair(runtime, "tcp", &loopback()).await;
    match runtime.bind(&scratch.endpoint("pair")).await {
        Ok(listener) => vec![tcp, connected(runtime, "unix", listener).await],
        // Whether the runtime may lack them is for the tests of Unix sockets to say.
        Err(error) if error.kind() == ErrorKind::Unsupported => vec![tcp],
        Err(error) => panic!("no pair of Unix sockets: {error}"),
    }
}

async fn connected<R: Subject>(runtime: &R, over: &'static str, mut listener: R::Listener) -> Pair<R::Stream> {
    let address = listener.local().unwrap();
    let (client, server) = zip(runtime.connect(&address), listener.accept()).await;
    Pair { over, client: client.unwrap(), server: server.unwrap().0 }
}
