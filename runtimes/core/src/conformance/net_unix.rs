//! Unix sockets: their files, their names, and what is refused. Tested on Unix; declared by runtimes that have none.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use futures_lite::{AsyncReadExt, AsyncWriteExt};

use super::harness::{Subject, in_task};
use super::streams::pair;
use super::support::Scratch;
use crate::{ByteStream, Endpoint, Listener};

/// N11. Bytes go both ways, and the client knows whom it talks to.
pub fn a_unix_stream_carries_bytes_both_ways<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let scratch = Scratch::new();
        let mut pair = pair(&runtime, "unix", &scratch.endpoint("echo")).await;
        assert_eq!(pair.client.peer().unwrap(), scratch.endpoint("echo"));
        let mut received = [0; 4];
        pair.client.write_all(b"ping").await.unwrap();
        pair.server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"ping");
        pair.server.write_all(b"pong").await.unwrap();
        pair.client.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"pong");
    });
}

/// N11. A path that does not exist is `NotFound`.
pub fn a_missing_unix_path_is_not_found<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let scratch = Scratch::new();
        let error = runtime.connect(&scratch.endpoint("missing")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let error = runtime.bind(&scratch.endpoint("missing/socket")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

/// N11. A listener tells its path.
pub fn a_unix_listener_tells_its_path<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let scratch = Scratch::new();
        let listener = runtime.bind(&scratch.endpoint("here")).await.unwrap();
        assert_eq!(listener.local().unwrap(), scratch.endpoint("here"));
    });
}

/// N22. An abstract name works on Linux: bytes, addresses, and a second listener is refused.
///
/// Elsewhere it must be `Unsupported`.
pub fn an_abstract_unix_name_works_or_is_unsupported<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        // The name of a directory of its own is a name that no other test has.
        let scratch = Scratch::new();
        let name = Endpoint::UnixAbstract(scratch.path("name").display().to_string());
        if cfg!(not(target_os = "linux")) {
            assert_eq!(runtime.bind(&name).await.unwrap_err().kind(), ErrorKind::Unsupported);
            assert_eq!(runtime.connect(&name).await.unwrap_err().kind(), ErrorKind::Unsupported);
            return;
        }
        let listener = runtime.bind(&name).await.unwrap();
        assert_eq!(listener.local().unwrap(), name);
        assert_eq!(runtime.bind(&name).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(listener);
        assert_eq!(runtime.connect(&name).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);

        let mut pair = pair(&runtime, "unix-abstract", &name).await;
        assert_eq!(pair.client.peer().unwrap(), name);
        pair.client.write_all(b"abstract").await.unwrap();
        pair.client.shutdown_write().await.unwrap();
        let mut received = Vec::new();
        pair.server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"abstract");
        assert!(!scratch.path("name").exists(), "an abstract name has no file");
    });
}

/// N22. A path or a name that is too long is `InvalidInput`.
pub fn a_unix_path_that_is_too_long_is_invalid_input<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut long = vec![Scratch::new().endpoint(&"x".repeat(200))];
        if cfg!(target_os = "linux") {
            long.push(Endpoint::UnixAbstract("x".repeat(200)));
        }
        for endpoint in long {
            assert_eq!(runtime.connect(&endpoint).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{endpoint}");
            assert_eq!(runtime.bind(&endpoint).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{endpoint}");
        }
    });
}

/// N23. A file that is left over is `AddrInUse` and stays; without it the path can be bound.
pub fn a_stale_unix_path_is_in_use_until_it_is_removed<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let scratch = Scratch::new();
        leave_a_socket_behind(&scratch.path("stale"));
        let error = runtime.bind(&scratch.endpoint("stale")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let error = runtime.connect(&scratch.endpoint("stale")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        fs::remove_file(scratch.path("stale")).expect("what is refused is not removed");
        runtime.bind(&scratch.endpoint("stale")).await.unwrap();
    });
}

/// N23. The file goes with its listener, so that the path can be bound again.
pub fn the_file_of_a_unix_listener_goes_with_it<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let scratch = Scratch::new();
        for _ in 0..2 {
            let listener = runtime.bind(&scratch.endpoint("file")).await.unwrap();
            assert!(scratch.path("file").exists());
            drop(listener);
            assert!(!scratch.path("file").exists(), "the file outlived its listener");
        }
    });
}

/// N23. A second listener is refused, and takes nothing from the first.
pub fn a_unix_path_in_use_stays_with_its_listener<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let scratch = Scratch::new();
        let mut first = runtime.bind(&scratch.endpoint("used")).await.unwrap();
        let error = runtime.bind(&scratch.endpoint("used")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let endpoint = scratch.endpoint("used");
        let (client, server) = futures_lite::future::zip(runtime.connect(&endpoint), first.accept()).await;
        client.unwrap();
        server.unwrap();
    });
}

/// Leaves what a process leaves that is killed while it listens.
fn leave_a_socket_behind(path: &Path) {
    // The standard library does not remove the file.
    #[cfg(unix)]
    drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    #[cfg(not(unix))]
    fs::write(path, []).unwrap();
}
