//! A scheduler that says, on a stream that is open, what nobody knows or what is no message.

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anydask::runtime::{Current, Runtime};
use anydask::{Client, Error, Worker, task};

use crate::everywhere::{SOON, chain, everywhere};
use crate::fake::{Fake, framed, int, list, map, text, usual};

#[task]
fn never_run(x: i64) -> i64 {
    x
}

/// What no version says.
fn unknown() -> Vec<u8> {
    framed(&list(&[map(&[("op", text("what-is-this"))]), map(&[("op", text("and-this")), ("what", int(1))])]))
}

fn a_client_goes_on_after_a_word_that_it_does_not_know<R: Current + Runtime>() {
    let scheduler = Fake::dask(|op| match op {
        "register-client" => Some([usual("2026.8.0", op)?, unknown()].concat()),
        op => usual("2026.8.0", op),
    });
    let client = Client::<R>::connect(scheduler.address()).timeout(SOON).wait().unwrap();
    for _ in 0..3 {
        assert_eq!(client.workers().timeout(SOON).wait().unwrap(), []);
    }
    client.close().wait().unwrap();
}

fn a_worker_goes_on_after_a_word_that_it_does_not_know<R: Current + Runtime>() {
    let (sender, beats) = mpsc::channel();
    let registrations = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&registrations);
    let scheduler = Fake::dask(move |op| match op {
        "register-worker" => {
            counted.fetch_add(1, Ordering::SeqCst);
            Some([usual("2026.8.0", op)?, unknown()].concat())
        }
        "heartbeat_worker" => {
            let _ = sender.send(());
            usual("2026.8.0", op)
        }
        op => usual("2026.8.0", op),
    });
    let worker = Worker::<R>::connect(scheduler.address()).threads(1).start().timeout(SOON).wait().unwrap();
    for _ in 0..2 {
        beats.recv_timeout(SOON).expect("it beats");
    }
    assert_eq!(registrations.load(Ordering::SeqCst), 1, "it has registered again");
    worker.stop().timeout(SOON).wait().unwrap();
}

/// A scheduler that sends garbage to the first that register, and is well then.
fn confused(kind: &'static str, garbage: Vec<u8>) -> (Fake, Arc<AtomicUsize>) {
    let registrations = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&registrations);
    let scheduler = Fake::dask(move |op| {
        let answer = usual("2026.8.0", op)?;
        let is_first = op == kind && counted.fetch_add(1, Ordering::SeqCst) < 2;
        Some(if is_first { [answer, garbage.clone()].concat() } else { answer })
    });
    (scheduler, registrations)
}

/// A huge message, one that is nested too deep, and what is no map.
fn garbage() -> [Vec<u8>; 3] {
    let huge = [1_u64 << 60, 1, (1 << 60) - 16].iter().flat_map(|word| word.to_le_bytes()).collect();
    [huge, framed(&[[0x91; 200].as_slice(), &[0xc0]].concat()), framed(&[0xc1])]
}

fn a_client_that_hears_garbage_connects_again<R: Current + Runtime>() {
    for garbage in garbage() {
        let (scheduler, registrations) = confused("register-client", garbage);
        let client = Client::<R>::connect(scheduler.address()).timeout(SOON).wait().unwrap();
        until(|| registrations.load(Ordering::SeqCst) >= 3);
        assert_eq!(client.workers().timeout(SOON).wait().unwrap(), []);
        client.close().wait().unwrap();
    }
}

fn a_worker_that_hears_garbage_registers_again<R: Current + Runtime>() {
    for garbage in garbage() {
        let (scheduler, registrations) = confused("register-worker", garbage);
        let worker = Worker::<R>::connect(scheduler.address()).threads(1).start().timeout(SOON).wait().unwrap();
        until(|| registrations.load(Ordering::SeqCst) >= 3);
        worker.stop().timeout(SOON).wait().unwrap();
    }
}

fn a_registration_that_is_ended_at_once_is_repeated_in_growing_pauses<R: Current + Runtime>() {
    let (sender, registrations) = mpsc::channel();
    let scheduler = Fake::dask(move |op| match op {
        "register-worker" => {
            let _ = sender.send(Instant::now());
            Some([usual("2026.8.0", op)?, framed(&[0xc1])].concat())
        }
        op => usual("2026.8.0", op),
    });
    let worker = Worker::<R>::connect(scheduler.address()).threads(1).start().timeout(SOON).wait().unwrap();
    let times: Vec<_> = (0..6).map(|_| registrations.recv_timeout(SOON).expect("it registers")).collect();
    // 20 ms, and twice as long each time.
    assert!(times[5] - times[0] >= Duration::from_millis(620), "{times:?}");
    worker.stop().timeout(SOON).wait().unwrap();
}

fn a_scheduler_that_is_gone_for_good_loses_the_futures_with_the_reason<R: Current + Runtime>() {
    let connected = Arc::new(std::sync::Mutex::new(Vec::<TcpStream>::new()));
    let (scheduler, kept) = (Fake::dask(usual_or_graph), Arc::clone(&connected));
    // Between the two stands what can be taken away.
    let target = scheduler.address().strip_prefix("tcp://").unwrap().to_owned();
    let is_gone = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let gone = Arc::clone(&is_gone);
    let between = Fake::raw(move |stream| {
        if gone.load(Ordering::SeqCst) {
            return;
        }
        let other = TcpStream::connect(&target).unwrap();
        kept.lock().unwrap().extend([stream.try_clone().unwrap(), other.try_clone().unwrap()]);
        let pump = |mut from: TcpStream, mut to: TcpStream| {
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        };
        pump(stream.try_clone().unwrap(), other.try_clone().unwrap());
        pump(other, stream);
    });
    let limit = Duration::from_secs(1);
    let client =
        Client::<R>::builder().reconnect_timeout(limit).connect(between.address()).timeout(SOON).wait().unwrap();
    let futures = client.map(never_run, 0..10);
    is_gone.store(true, Ordering::SeqCst);
    connected.lock().unwrap().iter().for_each(|stream| _ = stream.shutdown(std::net::Shutdown::Both));
    for future in futures {
        let error = future.timeout(SOON).wait().unwrap_err();
        assert!(matches!(error, Error::Lost { .. }), "{error:?}");
        let text = chain(&error);
        assert!(text.contains("there is no connection to the Dask scheduler"), "{text}");
    }
    // Whatever is submitted meanwhile ends too, and soon nothing is taken any more.
    until(|| {
        let error = client.submit(never_run, 1).timeout(SOON).wait().unwrap_err();
        assert!(!error.is_timeout(), "{error:?}");
        matches!(error, Error::ClientClosed { .. })
    });
}

fn usual_or_graph(op: &str) -> Option<Vec<u8>> {
    if op == "update-graph" { Some(Vec::new()) } else { usual("2026.8.0", op) }
}

#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

everywhere! {
    a_client_goes_on_after_a_word_that_it_does_not_know,
    a_worker_goes_on_after_a_word_that_it_does_not_know,
    a_client_that_hears_garbage_connects_again,
    a_worker_that_hears_garbage_registers_again,
    a_registration_that_is_ended_at_once_is_repeated_in_growing_pauses,
    a_scheduler_that_is_gone_for_good_loses_the_futures_with_the_reason,
}
