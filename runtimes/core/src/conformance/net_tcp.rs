//! TCP: addresses, refusals, and connections that end badly.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use futures_lite::future::{poll_once, zip};
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use super::harness::{Subject, in_task};
use super::streams::{loopback, pair};
use super::support::Signal;
use crate::{ByteStream, Endpoint, Listener, TimerExt};

/// N1. Bytes go both ways, and each side knows the other's address.
pub fn a_tcp_stream_carries_bytes_both_ways<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut listener = runtime.bind(&loopback()).await.unwrap();
        let address = listener.local().unwrap();
        let (client, server) = zip(runtime.connect(&address), listener.accept()).await;
        let (mut client, (mut server, from)) = (client.unwrap(), server.unwrap());
        assert_eq!(client.peer().unwrap(), address);
        assert_eq!(server.peer().unwrap(), from);

        let mut received = [0; 4];
        client.write_all(b"ping").await.unwrap();
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"ping");
        server.write_all(b"pong").await.unwrap();
        client.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"pong");
    });
}

/// N5. Connecting where nobody listens is `ConnectionRefused`.
pub fn a_port_without_listener_refuses<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        // The system may give whoever connects the very port that it connects to, and then it is connected to itself:
        // once in a port range, and hardly twice in a row.
        for _ in 0..3 {
            // The port of a connected client: nobody listens there, and nobody else can listen there meanwhile.
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let occupant = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let nobody = Endpoint::Tcp(occupant.local_addr().unwrap());
            if let Err(error) = runtime.connect(&nobody).await {
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                return;
            }
        }
        panic!("connected three times where nobody listens");
    });
}

/// N6. Binding a port that is in use is `AddrInUse`.
pub fn a_port_in_use_cannot_be_bound<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let listener = runtime.bind(&loopback()).await.unwrap();
        let error = runtime.bind(&listener.local().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    });
}

/// N7. A port can be bound again right after it has been given up, with the traces of connections still there.
pub fn a_port_can_be_bound_again_at_once<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut listener = runtime.bind(&loopback()).await.unwrap();
        let address = listener.local().unwrap();
        let (client, server) = zip(runtime.connect(&address), listener.accept()).await;
        let mut client = client.unwrap();
        // The side that closes first keeps the address in TIME_WAIT: it must be the listener's.
        drop(server.unwrap());
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        drop((client, listener));
        let again = runtime.bind(&address).await.unwrap();
        assert_eq!(again.local().unwrap(), address);
    });
}

/// N9. A listener that has been dropped refuses.
pub fn a_dropped_listener_refuses<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut listener = runtime.bind(&loopback()).await.unwrap();
        let address = listener.local().unwrap();
        // Polled, so that it is registered with the reactor.
        assert!(poll_once(listener.accept()).await.is_none());
        drop(listener);
        let error = runtime.connect(&address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

/// N10. An `accept` that is dropped, at any point, loses no connection.
pub fn a_cancelled_accept_loses_no_connection<R: Subject>(runtime: R) {
    const CONNECTIONS: usize = 32;

    in_task(runtime, |runtime| async move {
        let mut listener = runtime.bind(&loopback()).await.unwrap();
        let address = listener.local().unwrap();
        assert!(poll_once(listener.accept()).await.is_none());
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (runtime, address) = (runtime.clone(), address.clone());
                runtime.clone().spawn(async move {
                    let mut stream = runtime.connect(&address).await.unwrap();
                    let mut byte = [0];
                    stream.read_exact(&mut byte).await.unwrap();
                })
            })
            .collect();
        let mut served = 0;
        while served < CONNECTIONS {
            // Alternately dropped at once, and dropped with its waker registered.
            let accepted = match poll_once(listener.accept()).await {
                Some(accepted) => Some(accepted),
                None => runtime.timeout(Duration::from_micros(200), listener.accept()).await.ok(),
            };
            if let Some(accepted) = accepted {
                accepted.unwrap().0.write_all(b"x").await.unwrap();
                served += 1;
            }
        }
        for client in clients {
            client.await.unwrap();
        }
    });
}

/// N12. Port 0 takes a free port, and `local` tells which.
pub fn port_zero_takes_a_port_that_local_tells<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let first = runtime.bind(&loopback()).await.unwrap();
        let second = runtime.bind(&loopback()).await.unwrap();
        let ports = [&first, &second].map(|listener| match listener.local().unwrap() {
            Endpoint::Tcp(address) if address.ip().is_loopback() => address.port(),
            other => panic!("a TCP listener says that it is at {other}"),
        });
        assert!(ports[0] != 0 && ports[1] != 0 && ports[0] != ports[1], "{ports:?}");
    });
}

/// N13. A connection that the peer resets ends with an error or the end of the stream: it never hangs.
pub fn a_reset_by_the_peer_ends_a_read<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let pair = pair(&runtime, "tcp", &loopback()).await;
        let (mut client, mut server) = (pair.client, pair.server);
        client.write_all(b"never read").await.unwrap();
        // The bytes have arrived when one of them has; closing with the others unread is what resets.
        server.read_exact(&mut [0]).await.unwrap();
        let reading = runtime.spawn(async move { client.read(&mut [0]).await });
        futures_lite::future::yield_now().await;
        drop(server);
        match reading.await.unwrap() {
            Ok(read) => assert_eq!(read, 0),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof),
                "{error} ({:?})",
                error.kind()
            ),
        }
    });
}

/// N18. `TCP_NODELAY` is set on both ends: a small write does not wait for the acknowledgement of the one before.
pub fn small_tcp_messages_are_not_delayed<R: Subject>(runtime: R) {
    const ROUNDS: usize = 40;
    // Without the option each round waits for a delayed acknowledgement: 40 ms on Linux, 200 ms elsewhere.
    const DELAYED: Duration = Duration::from_millis(30);

    /// Sends in two writes: the second is what would be held back.
    async fn say<S: ByteStream>(stream: &mut S) {
        stream.write_all(b"1").await.unwrap();
        stream.write_all(b"2").await.unwrap();
    }

    /// The larger half of the round trips, when `runtime`'s end of the stream talks to one of the standard library.
    async fn delayed<R: Subject>(mut ours: R::Stream, mut theirs: TcpStream) -> usize {
        theirs.set_nodelay(true).unwrap();
        let echo = std::thread::spawn(move || {
            for _ in 0..ROUNDS {
                theirs.read_exact(&mut [0; 2]).unwrap();
                theirs.write_all(b"3").unwrap();
            }
        });
        let mut delayed = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            say(&mut ours).await;
            ours.read_exact(&mut [0]).await.unwrap();
            delayed += usize::from(start.elapsed() >= DELAYED);
        }
        echo.join().unwrap();
        delayed
    }

    in_task(runtime, |runtime| async move {
        let theirs = TcpListener::bind("127.0.0.1:0").unwrap();
        let connected = runtime.connect(&Endpoint::Tcp(theirs.local_addr().unwrap())).await.unwrap();
        let late = delayed::<R>(connected, theirs.accept().unwrap().0).await;
        assert!(late < ROUNDS / 2, "{late} of {ROUNDS} rounds of a connected stream were delayed");

        let mut listener = runtime.bind(&loopback()).await.unwrap();
        let Endpoint::Tcp(address) = listener.local().unwrap() else { panic!("bound elsewhere") };
        let theirs = TcpStream::connect(address).unwrap();
        let accepted = listener.accept().await.unwrap().0;
        let late = delayed::<R>(accepted, theirs).await;
        assert!(late < ROUNDS / 2, "{late} of {ROUNDS} rounds of an accepted stream were delayed");
    });
}

/// N25. Keep-alive is set on both ends: without, a stream whose peer has lost its power waits for ever. Only Linux shows it.
pub fn a_tcp_peer_that_has_vanished_is_looked_for<R: Subject>(runtime: R) {
    /// How the table of sockets writes that the timer of keep-alive runs.
    const KEEPALIVE: &str = "02:";

    /// The timers of the sockets that have both ports, one on each side.
    fn timers(one: u16, other: u16) -> Vec<String> {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let has = |address: &str, port: u16| address.ends_with(&format!(":{port:04X}"));
        let ends = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let ends = ends.filter(|end| has(end[1], one) && has(end[2], other) || has(end[1], other) && has(end[2], one));
        ends.map(|end| end[5].to_owned()).collect()
    }

    if cfg!(not(target_os = "linux")) {
        return;
    }
    in_task(runtime, |runtime| async move {
        let pair = pair(&runtime, "tcp", &loopback()).await;
        let (Ok(Endpoint::Tcp(server)), Ok(Endpoint::Tcp(client))) = (pair.client.peer(), pair.server.peer()) else {
            panic!("a stream of TCP has peers of TCP");
        };
        let timers = timers(server.port(), client.port());
        assert_eq!(timers.len(), 2, "{timers:?}");
        assert!(timers.iter().all(|timer| timer.starts_with(KEEPALIVE)), "{timers:?}");
    });
}

/// N19. IPv6 works where the machine has it.
pub fn ipv6_works_where_the_machine_has_it<R: Subject>(runtime: R) {
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    if let Err(error) = TcpListener::bind(address) {
        println!("this machine has no IPv6 loopback: {error}");
        return;
    }
    in_task(runtime, move |runtime| async move {
        let mut pair = pair(&runtime, "tcp over IPv6", &Endpoint::Tcp(address)).await;
        pair.client.write_all(b"six").await.unwrap();
        let mut received = [0; 3];
        pair.server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"six");
    });
}

/// N21. Sixty-four connections at once.
pub fn sixty_four_connections_at_once<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut listener = runtime.bind(&loopback()).await.unwrap();
        let address = listener.local().unwrap();
        let go = Signal::default();
        let clients: Vec<_> = (0..64_u8)
            .map(|number| {
                let (runtime, address, go) = (runtime.clone(), address.clone(), go.clone());
                runtime.clone().spawn(async move {
                    go.raised().await;
                    let mut stream = runtime.connect(&address).await.unwrap();
                    stream.write_all(&[number]).await.unwrap();
                    let mut answer = [0];
                    stream.read_exact(&mut answer).await.unwrap();
                    assert_eq!(answer, [number]);
                })
            })
            .collect();
        go.raise();
        let mut streams = Vec::new();
        for _ in 0..64 {
            streams.push(listener.accept().await.unwrap().0);
        }
        for stream in &mut streams {
            let mut number = [0];
            stream.read_exact(&mut number).await.unwrap();
            stream.write_all(&number).await.unwrap();
        }
        for client in clients {
            client.await.unwrap();
        }
    });
}

/// N24. Dropping a `connect` before it has ended closes its socket.
pub fn dropping_a_connect_closes_its_socket<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut listener = runtime.bind(&loopback()).await.unwrap();
        let address = listener.local().unwrap();
        for _ in 0..8 {
            drop(poll_once(runtime.connect(&address)).await);
        }
        let mut last = runtime.connect(&address).await.unwrap();
        last.write_all(b"x").await.unwrap();
        // Connections come in order: what is accepted before the last was made by one that has been dropped.
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            match stream.read(&mut [0]).await {
                Ok(1) => break,
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            }
        }
    });
}
