//! The files of Unix sockets: made by a listener, removed with it, and nobody else's.

#![cfg(unix)]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use anydask_runtime::Endpoint;
use anydask_runtime::adapter::unix::{SocketFile, address, bind, endpoint};

/// A directory that goes with its value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("anydask-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_socket_that_took_the_place_of_ours_stays() {
    let scratch = Scratch::new("replaced");
    let path = scratch.0.join("socket");
    let (first, file) = bind(&Endpoint::Unix(path.clone())).unwrap();
    // A path is taken over by removing what is there.
    fs::rename(&path, scratch.0.join("old")).unwrap();
    let second = UnixListener::bind(&path).unwrap();
    drop((first, file));
    assert!(path.exists(), "the other listener's file was removed");
    drop(second);
}

#[test]
fn a_file_that_is_gone_already_is_no_trouble() {
    let scratch = Scratch::new("gone");
    let path = scratch.0.join("socket");
    let (listener, file) = bind(&Endpoint::Unix(path.clone())).unwrap();
    fs::remove_file(&path).unwrap();
    drop((listener, file));
    assert_eq!(SocketFile::new(&path).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn an_address_that_cannot_be_is_invalid_input() {
    let long = "x".repeat(200);
    let bad = [
        Endpoint::Unix(PathBuf::new()),
        Endpoint::Unix(long.clone().into()),
        Endpoint::Unix("with\0nul".into()),
        #[cfg(target_os = "linux")]
        Endpoint::UnixAbstract(long),
    ];
    for endpoint in bad {
        assert_eq!(address(&endpoint).unwrap_err().kind(), ErrorKind::InvalidInput, "{endpoint:?}");
    }
    let tcp = Endpoint::Tcp(([127, 0, 0, 1], 1).into());
    assert_eq!(address(&tcp).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn an_address_tells_the_endpoint_that_it_was_made_of() {
    for made_of in [
        Endpoint::Unix("/run/worker.sock".into()),
        #[cfg(target_os = "linux")]
        Endpoint::UnixAbstract("worker".into()),
    ] {
        assert_eq!(endpoint(&address(&made_of).unwrap()), made_of);
    }
}

#[test]
fn who_connects_has_no_name() {
    let scratch = Scratch::new("unnamed");
    let path = scratch.0.join("socket");
    let (listener, _file) = bind(&Endpoint::Unix(path.clone())).unwrap();
    listener.set_nonblocking(false).unwrap();
    let _client = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let (_, from) = listener.accept().unwrap();
    assert_eq!(endpoint(&from), Endpoint::Unix(Path::new("").into()));
}
