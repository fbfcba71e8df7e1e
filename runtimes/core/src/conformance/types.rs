//! What the compiler shows: these hold as soon as a test compiles. And what is the same for all runtimes, because it
//! is written above them.

use std::fmt::Debug;
use std::future::Ready;
use std::io::ErrorKind;

use super::harness::Subject;
use super::streams::loopback;
use super::support::block_on;
use crate::{
    ByteStream, Elapsed, Endpoint, Interval, JoinError, Listener, NestedBlockOn, NoRuntime, ShutdownReport, TaskHandle,
    Timeout, TimerExt,
};

fn send<T: Send + ?Sized>(_: &T) {}
fn shared<T: Send + Sync + 'static>() {}
fn handle<T: TaskHandle<()> + Debug + Send + Sync + Unpin + 'static>() {}

/// E2. A runtime is a value that is cloned and shared freely, and what it hands out can be sent and stored.
pub fn what_a_runtime_hands_out_can_be_sent_and_stored<R: Subject>(runtime: R) {
    fn stored<R: Subject>() {
        shared::<R>();
        handle::<R::Task<()>>();
        shared::<R::Stream>();
        shared::<<R as crate::Transport>::Listener>();
        shared::<JoinErrorKind>();
        fn sent<T: Send + 'static>() {}
        sent::<R::Sleep>();
        sent::<Timeout<Ready<()>, R::Sleep>>();
        sent::<Interval<R>>();
        sent::<JoinError>();
    }
    stored::<R>();
    assert!(!runtime.name().is_empty());
    assert!(!format!("{runtime:?}").is_empty());
}

/// The errors that many may wait for.
type JoinErrorKind = (NestedBlockOn, NoRuntime, Elapsed, ShutdownReport);

/// E2. The futures of all methods can be sent to another thread.
pub fn the_futures_of_all_methods_can_be_sent<R: Subject>(runtime: R) {
    fn methods<S: ByteStream, L: Listener>(stream: &mut S, listener: &mut L) {
        send(&stream.shutdown_write());
        send(&listener.accept());
    }
    let _ = methods::<R::Stream, <R as crate::Transport>::Listener>;
    let endpoint = loopback();
    send(&runtime.connect(&endpoint));
    send(&runtime.bind(&endpoint));
    send(&runtime.shutdown(std::time::Duration::ZERO));
    send(&runtime.spawn(async {}));
    send(&runtime.interval(std::time::Duration::from_secs(1)).tick());
}

/// E2. All clones are the same runtime: one can await what another has spawned, and outlive it.
pub fn clones_are_the_same_runtime<R: Subject>(runtime: R) {
    let clone = runtime.clone();
    assert_eq!(clone.name(), runtime.name());
    let task = clone.spawn(async { 7 });
    drop(clone);
    assert_eq!(runtime.block_on(task).unwrap().unwrap(), 7);
}

/// N8. An endpoint of a scheme that nobody knows is `Unsupported`, before any runtime sees it.
pub fn an_unknown_scheme_is_unsupported<R: Subject>(runtime: R) {
    let error = "quic://127.0.0.1:1".parse::<Endpoint>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("tcp://"), "{error}");
    drop(runtime);
}

/// N20. A host name is `InvalidInput` with an error of our own: runtimes resolve no names.
pub fn a_host_name_is_no_endpoint<R: Subject>(runtime: R) {
    let error = "tcp://no.such.host.invalid:8786".parse::<Endpoint>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("no.such.host.invalid"), "{error}");
    drop(runtime);
}

/// N12. What a listener tells parses back to where one can connect.
pub fn what_a_listener_tells_can_be_written_and_parsed<R: Subject>(runtime: R) {
    block_on(async {
        let mut listener = runtime.bind(&loopback()).await.unwrap();
        let parsed: Endpoint = listener.local().unwrap().to_string().parse().unwrap();
        let (client, server) = futures_lite::future::zip(runtime.connect(&parsed), listener.accept()).await;
        client.unwrap();
        server.unwrap();
    });
}
