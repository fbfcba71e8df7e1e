use super::*;

/// What a client is told that connects to a peer which says `said` and then closes, or waits.
async fn told<R: Runtime>(runtime: &R, said: &'static [u8], then_closes: bool) -> CommError {
    let (mut listener, address) = played(runtime).await;
    let _peer = runtime.spawn(async move {
        let mut kept = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // What is not read would turn the close into a reset.
            read_some(&mut stream).await;
            stream.write_all(said).await.unwrap();
            if !then_closes {
                kept.push(stream);
            }
        }
    });
    let connector = plain(runtime).await.with_limit(Duration::from_secs(2));
    connector.connect(&address).await.unwrap_err()
}

fn found(error: &CommError) -> &Found {
    match error {
        CommError::NotDask { found, .. } => found,
        other => panic!("{other:?}"),
    }
}

on_every_runtime! {
    async fn a_web_server_is_told_from_a_scheduler(runtime) {
        let error = told(&runtime, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", false).await;
        assert!(matches!(found(&error), Found::Http { line } if &**line == "HTTP/1.1 400 Bad Request"), "{error:?}");
        assert!(error.to_string().contains("web server"), "{error}");
    }

    async fn a_peer_that_says_nothing_is_given_up_after_the_limit(runtime) {
        let error = told(&runtime, b"", false).await;
        assert_eq!(found(&error), &Found::Silence { after: Duration::from_secs(2) });
    }

    async fn a_peer_that_only_closes_may_want_tls(runtime) {
        let error = told(&runtime, b"", true).await;
        assert_eq!(found(&error), &Found::NoHello);
        assert!(error.to_string().contains("`tls://`"), "{error}");
    }

    async fn an_alert_of_tls_is_told_from_garbage(runtime) {
        let error = told(&runtime, &[0x15, 3, 3, 0, 2, 2, 70], true).await;
        assert_eq!(found(&error), &Found::Tls);
    }

    async fn garbage_is_shown(runtime) {
        let error = told(&runtime, b"SSH-2.0-OpenSSH_9.6\r\n", false).await;
        assert!(error.to_string().contains("began with `SSH-2.0"), "{error}");
    }

    async fn a_hello_that_is_none_is_refused(runtime) {
        let told = told(&runtime, b"\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", true).await;
        assert!(matches!(found(&told), Found::Bytes { .. }), "{told:?}");
    }

    async fn nothing_is_reserved_for_a_hello_that_announces_gigabytes(runtime) {
        let told = told(&runtime, b"\x10\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0", false).await;
        assert!(matches!(found(&told), Found::Bytes { .. }), "{told:?}");
    }

    async fn a_hello_may_come_byte_by_byte(runtime) {
        let (mut listener, address) = played(&runtime).await;
        let peer = runtime.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for byte in hello_bytes() {
                stream.write_all(&[byte]).await.unwrap();
            }
            stream
        });
        plain(&runtime).await.connect(&address).await.unwrap();
        peer.await.unwrap();
    }

    async fn a_scheduler_that_is_not_up_yet_is_waited_for(runtime) {
        // Found a free port, and left it.
        let (listener, address) = played(&runtime).await;
        let endpoint = listener.local().unwrap();
        drop(listener);
        let connector = plain(&runtime).await;
        let connecting = runtime.spawn(async move { connector.connect(&address).await.map(drop) });
        // Some attempts fail first.
        runtime.sleep(Duration::from_millis(100)).await;
        let mut listener = runtime.bind(&endpoint).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&hello_bytes()).await.unwrap();
        connecting.await.unwrap().unwrap();
    }

    async fn a_scheduler_that_never_comes_gives_the_limit_and_the_reason(runtime) {
        let (listener, address) = played(&runtime).await;
        drop(listener);
        let connector = plain(&runtime).await.with_limit(Duration::from_millis(200));
        let error = connector.connect(&address).await.unwrap_err();
        let CommError::NotInTime { attempts, last: Some(last), .. } = &error else { panic!("{error:?}") };
        assert!(*attempts > 1, "{attempts}");
        assert!(last.to_string().contains("nothing listens there"), "{last}");
        assert!(error.to_string().contains("within 200ms"), "{error}");
    }

    async fn a_name_that_is_none_says_so(runtime) {
        let connector = plain(&runtime).await.with_limit(Duration::from_secs(10));
        let address = "tcp://no-such-host.invalid:8786".parse().unwrap();
        // Whether the name service says no or hangs is its own affair.
        match connector.with_limit(Duration::from_millis(500)).connect(&address).await.unwrap_err() {
            CommError::NotInTime { last: Some(last), .. } => {
                assert!(matches!(&*last, CommError::LookUp { .. }), "{last:?}");
            }
            CommError::NotInTime { last: None, attempts: 1, .. } => {}
            other => panic!("{other:?}"),
        }
    }

    async fn an_encrypted_address_wants_certificates(runtime) {
        let address = "tls://127.0.0.1:1".parse().unwrap();
        let error = plain(&runtime).await.connect(&address).await.unwrap_err();
        assert!(error.to_string().contains("`Security`"), "{error}");
    }

    async fn localhost_is_found_at_the_address_where_somebody_listens(runtime) {
        let (mut listener, address) = played(&runtime).await;
        let _peer = runtime.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&hello_bytes()).await.unwrap();
            read_some(&mut stream).await;
        });
        let named = format!("tcp://localhost:{}", address.port()).parse().unwrap();
        plain(&runtime).await.connect(&named).await.unwrap();
    }
}
