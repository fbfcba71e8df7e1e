//! Looking names up, on a runtime of each flavour and on one that has ended.

use std::io;
use std::time::Duration;

use anydask_runtime::{AnyRuntime, BlockOn, Endpoint, ResolveError, Shutdown};
use anydask_tokio::Tokio;
use futures_lite::future::block_on;

#[test]
fn a_name_gives_its_addresses() {
    let runtime = AnyRuntime::new(Tokio::current_thread().unwrap());
    let endpoints = runtime.block_on(Endpoint::resolve(&runtime, "tcp://localhost:8786")).unwrap().unwrap();
    assert!(!endpoints.is_empty());
    for endpoint in endpoints {
        let Endpoint::Tcp(address) = endpoint else { panic!("{endpoint} for a name") };
        assert!(address.ip().is_loopback() && address.port() == 8786, "{address}");
    }
}

#[test]
fn what_needs_no_look_up_is_given_as_it_is() {
    let runtime = Tokio::multi_thread(1).unwrap();
    for text in ["tcp://127.0.0.1:8786", "tcp://[::1]:8786", "unix:///run/worker.sock", "unix-abstract://worker"] {
        let endpoints = block_on(Endpoint::resolve(&runtime, text)).unwrap();
        assert_eq!(endpoints, [text.parse().unwrap()]);
    }
}

/// N20. The operating system's error has no kind that can be matched; ours has.
#[test]
fn a_name_that_nobody_has_is_a_failed_look_up() {
    let runtime = Tokio::multi_thread(1).unwrap();
    let error = block_on(Endpoint::resolve(&runtime, "tcp://no.such.host.invalid:8786")).unwrap_err();
    assert!(matches!(&error, ResolveError::LookUp { host, .. } if host == "no.such.host.invalid"), "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
}

#[test]
fn what_is_no_address_is_invalid() {
    let runtime = Tokio::multi_thread(1).unwrap();
    for (text, kind) in [
        ("localhost:8786", io::ErrorKind::InvalidInput),
        ("tcp://localhost", io::ErrorKind::InvalidInput),
        ("tcp://localhost:http", io::ErrorKind::InvalidInput),
        ("quic://localhost:8786", io::ErrorKind::Unsupported),
    ] {
        let error = block_on(Endpoint::resolve(&runtime, text)).unwrap_err();
        assert!(matches!(error, ResolveError::Invalid(_)), "{text}: {error:?}");
        assert_eq!(io::Error::from(error).kind(), kind, "{text}");
    }
}

#[test]
fn a_runtime_that_has_ended_looks_nothing_up() {
    let runtime = Tokio::multi_thread(1).unwrap();
    block_on(runtime.shutdown(Duration::from_secs(10)));
    let error = block_on(Endpoint::resolve(&runtime, "tcp://localhost:8786")).unwrap_err();
    assert!(matches!(error, ResolveError::Ended { .. }), "{error:?}");
}
