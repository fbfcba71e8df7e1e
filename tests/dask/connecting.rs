//! What a client and a worker say when they cannot join: what was found, and what to do.

use std::io;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use anydask::runtime::{Current, Runtime, Tokio};
use anydask::{Client, ConnectProblem, Error, Worker};
use futures_lite::future::{block_on, poll_once};

use crate::cluster::{Cluster, Version};
use crate::everywhere::{SOON, chain, everywhere, says};
use crate::fake::{Fake, framed, list, map, text, usual};

/// Given to what does not answer.
const SHORT: Duration = Duration::from_millis(500);

/// The errors of a client and of a worker.
#[track_caller]
fn refused<R: Current>(address: &str, limit: Duration) -> [Error; 2] {
    let client = Client::<R>::builder().connect_timeout(limit).connect(address);
    let worker = Worker::<R>::connect(address).connect_timeout(limit).threads(1).start();
    [client.timeout(SOON).wait().unwrap_err(), worker.timeout(SOON).wait().unwrap_err()]
}

#[track_caller]
fn both_say(errors: &[Error; 2], problem: ConnectProblem, wanted: &[&str]) {
    for error in errors {
        says(error, wanted);
        assert_eq!(error.connect_problem(), Some(problem), "{error:?}");
    }
}

fn a_text_that_is_no_address_is_refused_with_the_way_to_write_it<R: Current>() {
    for (wrong, fix) in [
        ("scheduler:8786", "write `tcp://scheduler:8786`"),
        ("http://scheduler:8787", "tcp://"),
        ("tcp://scheduler", "port"),
        ("tcp://scheduler:99999", "port"),
        ("tcp://:8786", "host"),
        ("tcp://::1:8786", "["),
        ("tcp://scheduler:8786/status", "tcp://"),
        ("", "tcp://"),
    ] {
        both_say(&refused::<R>(wrong, SOON), ConnectProblem::Address, &[&format!("`{wrong}`"), fix]);
    }
}

fn a_port_where_nobody_listens_is_tried_for_as_long_as_was_said<R: Current>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let begun = Instant::now();
    let errors = refused::<R>(&address, SHORT);
    assert!(begun.elapsed() >= 2 * SHORT, "it gave up after {:?}", begun.elapsed());
    both_say(
        &errors,
        ConnectProblem::Unreachable,
        &[&address, "within 500ms", "nothing listens there", "is the scheduler up"],
    );
}

fn a_web_server_is_told_from_a_scheduler<R: Current>() {
    let server = Fake::saying(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let wanted = ["is a web server", "HTTP/1.1 400 Bad Request", "dashboard", "8786"];
    both_say(&refused::<R>(&server.address(), SOON), ConnectProblem::NotDask, &wanted);
}

fn another_programs_port_is_shown_by_how_it_began<R: Current>() {
    let server = Fake::saying(b"SSH-2.0-OpenSSH_9.6\r\n");
    both_say(&refused::<R>(&server.address(), SOON), ConnectProblem::NotDask, &["is no scheduler", "SSH-2.0"]);
}

fn a_port_that_says_nothing_is_given_up<R: Current>() {
    let server = Fake::raw(|mut stream| _ = io::copy(&mut stream, &mut io::sink()));
    let wanted = ["said nothing within 500ms", "the scheduler hangs, or this is another program's port"];
    both_say(&refused::<R>(&server.address(), SHORT), ConnectProblem::NotDask, &wanted);
}

fn a_port_that_closes_at_once_may_want_tls<R: Current>() {
    let server = Fake::raw(drop);
    let errors = refused::<R>(&server.address(), SOON);
    both_say(&errors, ConnectProblem::NotDask, &["closes connections without a word", "`tls://`"]);
}

fn a_scheduler_before_2025_4_is_refused_with_both_versions<R: Current>() {
    for version in ["2024.12.1", "2025.3.0", "2023.1.0+5.gabcdef"] {
        let scheduler = Fake::dask(move |op| usual(version, op));
        let found = version.split('+').next().unwrap();
        let wanted = [&*format!("distributed {found}"), "upgrade it to 2025.4.0 or later"];
        both_say(&refused::<R>(&scheduler.address(), SOON), ConnectProblem::Version, &wanted);
    }
}

fn a_peer_without_a_version_is_asked_to_be_a_scheduler<R: Current>() {
    let peer = Fake::dask(|op| match op {
        "versions" => Some(framed(&map(&[("packages", map(&[("distributed", text("next"))]))]))),
        op => usual("", op),
    });
    both_say(&refused::<R>(&peer.address(), SOON), ConnectProblem::Version, &["is it a Dask scheduler?"]);
}

fn a_scheduler_that_says_hello_and_hangs_is_given_up<R: Current>() {
    for silent in ["versions", "register"] {
        let scheduler =
            Fake::dask(move |op| if op.starts_with(silent) { Some(Vec::new()) } else { usual("2026.8.0", op) });
        let errors = refused::<R>(&scheduler.address(), SHORT);
        both_say(&errors, ConnectProblem::Unreachable, &["did not answer `register-", "within 500ms", "hang"]);
    }
}

fn a_scheduler_that_hangs_up_is_tried_again_and_given_up<R: Current>() {
    for refused_op in ["versions", "register"] {
        let scheduler = Fake::dask(move |op| if op.starts_with(refused_op) { None } else { usual("2026.8.0", op) });
        let errors = refused::<R>(&scheduler.address(), SHORT);
        both_say(&errors, ConnectProblem::Broken, &[&scheduler.address(), "has closed the connection"]);
    }
}

/// What is no message of Dask, after a hello that was one.
fn malformed() -> [(&'static str, Vec<u8>); 7] {
    let head = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    // 200 lists in each other, where messages have six.
    let deep = [[0x91; 200].as_slice(), &[0xc0]].concat();
    [
        ("a message of an exabyte", head(&[1 << 60, 1, (1 << 60) - 16])),
        ("a billion frames", head(&[8 + (8 << 30), 1 << 30])),
        ("frames that are longer than their message", head(&[24, 1, 1 << 40, 0])),
        ("no frames", head(&[8, 0])),
        ("a message that is nested too deep", framed(&deep)),
        ("a text that ends too early", framed(&[0xd9, 200, b'a'])),
        ("a list of four billion", framed(&[0xdd, 0xff, 0xff, 0xff, 0xff])),
    ]
}

fn what_is_no_message_of_dask_ends_the_attempt<R: Current>() {
    for (what, bytes) in malformed() {
        let scheduler =
            Fake::dask(move |op| if op == "versions" { Some(bytes.clone()) } else { usual("2026.8.0", op) });
        for error in refused::<R>(&scheduler.address(), SOON) {
            let text = chain(&error);
            assert!(text.contains("sent what is no message of Dask"), "{what}: {text}");
            assert_eq!(error.connect_problem(), Some(ConnectProblem::Broken), "{what}");
        }
    }
}

fn an_end_within_a_message_is_told<R: Current>() {
    let scheduler = Fake::raw(|mut stream| {
        use io::{Read, Write};
        let hello = framed(&map(&[("compression", vec![0xc0])]));
        let _ = stream.write_all(&hello);
        let _ = stream.write_all(&framed(&text("versions"))[..20]);
        let _ = stream.read(&mut [0; 4096]);
    });
    let errors = refused::<R>(&scheduler.address(), SHORT);
    for error in &errors {
        says(error, &["has closed the connection"]);
    }
}

fn a_scheduler_that_refuses_is_quoted<R: Current>() {
    let refusing = Fake::dask(|op| match op {
        "register-client" => {
            let start = map(&[("op", text("stream-start")), ("error", text("no more clients today"))]);
            Some(framed(&list(&[start])))
        }
        "register-worker" => {
            Some(framed(&map(&[("status", text("error")), ("message", text("no more workers today"))])))
        }
        op => usual("2026.8.0", op),
    });
    let [client, worker] = refused::<R>(&refusing.address(), SOON);
    says(&client, &["no more clients today"]);
    says(&worker, &["no more workers today"]);
    for error in [client, worker] {
        assert_eq!(error.connect_problem(), Some(ConnectProblem::Refused));
    }
}

fn a_worker_whose_name_is_taken_is_told_which<R: Current>() {
    let cluster = Cluster::start(Version::on::<R>());
    let named = || Worker::<R>::connect(cluster.address()).threads(1).name("anna").start().timeout(SOON).wait();
    let first = named().unwrap();
    let error = named().unwrap_err();
    says(&error, &["anna"]);
    assert_eq!(error.connect_problem(), Some(ConnectProblem::Refused));
    // The first one works on, and the name is free once it has left.
    let client = Client::<R>::connect(cluster.address()).timeout(SOON).wait().unwrap();
    assert_eq!(client.workers().timeout(SOON).wait().unwrap().len(), 1);
    first.leave().timeout(SOON).wait().unwrap();
    named().unwrap().stop().timeout(SOON).wait().unwrap();
}

fn a_worker_that_is_dropped_while_it_connects_registers_nowhere<R: Runtime + Current>() {
    let (sender, registrations) = std::sync::mpsc::channel();
    // It is up only after the worker has been given up.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Worker::<R>::connect(&address).threads(1).start().timeout(SHORT).wait().unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let Ok(listener) = TcpListener::bind(address.strip_prefix("tcp://").unwrap()) else { return };
    std::thread::spawn(move || listener.accept().map(|_| sender.send(())));
    // An attempt each second, at most.
    let come = registrations.recv_timeout(Duration::from_secs(3));
    assert!(come.is_err(), "it still tries to connect");
}

/// Only tokio's runtime can be there without ever running.
#[test]
fn what_connects_ends_with_a_runtime_that_has_never_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tokio = Tokio::from_handle(runtime.handle().clone());
    let mut client = Client::with_runtime(tokio.clone()).connect("tcp://127.0.0.1:1");
    let mut worker = Worker::with_runtime(tokio, "tcp://127.0.0.1:1").threads(1).start();
    assert!(block_on(poll_once(&mut client)).is_none());
    assert!(block_on(poll_once(&mut worker)).is_none());
    drop(runtime);
    assert!(matches!(block_on(poll_once(&mut client)), Some(Err(Error::ClientClosed { .. }))));
    assert!(matches!(block_on(poll_once(&mut worker)), Some(Err(Error::ClientClosed { .. }))));
}

everywhere! {
    a_text_that_is_no_address_is_refused_with_the_way_to_write_it,
    a_port_where_nobody_listens_is_tried_for_as_long_as_was_said,
    a_web_server_is_told_from_a_scheduler,
    another_programs_port_is_shown_by_how_it_began,
    a_port_that_says_nothing_is_given_up,
    a_port_that_closes_at_once_may_want_tls,
    a_scheduler_before_2025_4_is_refused_with_both_versions,
    a_peer_without_a_version_is_asked_to_be_a_scheduler,
    a_scheduler_that_says_hello_and_hangs_is_given_up,
    a_scheduler_that_hangs_up_is_tried_again_and_given_up,
    what_is_no_message_of_dask_ends_the_attempt,
    an_end_within_a_message_is_told,
    a_scheduler_that_refuses_is_quoted,
    a_worker_whose_name_is_taken_is_told_which,
    a_worker_that_is_dropped_while_it_connects_registers_nowhere,
}
