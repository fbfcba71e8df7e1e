//! What is measured of a whole process, and what could end it: each test in a process of its own.

use std::fs;
use std::time::{Duration, Instant};

use anydask::runtime::{Runtime, Shutdown};
use anydask::{Client, Error, TaskFuture, fallible};

use crate::support::{Event, in_own_process};

/// One test for each runtime, in a process of its own, with a blocking caller.
macro_rules! on_each_runtime {
    ($($body:ident;)*) => {
        #[cfg(feature = "tokio")]
        mod tokio_multi_thread {$(
            #[test]
            fn $body() {
                let name = concat!("processes::tokio_multi_thread::", stringify!($body));
                crate::support::in_own_process(name, || super::$body(|| anydask::runtime::Tokio::multi_thread(1).unwrap()));
            }
        )*}
        #[cfg(feature = "async-std")]
        mod async_std {$(
            #[test]
            fn $body() {
                let name = concat!("processes::async_std::", stringify!($body));
                crate::support::in_own_process(name, || super::$body(anydask::runtime::AsyncStd::new));
            }
        )*}
        #[cfg(feature = "smol")]
        mod smol {$(
            #[test]
            fn $body() {
                let name = concat!("processes::smol::", stringify!($body));
                crate::support::in_own_process(name, || super::$body(anydask::runtime::Smol::new));
            }
        )*}
    };
}

on_each_runtime! {
    an_idle_client_costs_no_time_and_no_wakes;
    a_thousand_clients_leave_nothing_behind;
    a_long_lived_client_forgets_what_has_ended;
    a_recursive_fibonacci_of_twenty_needs_few_threads;
}

/// A client of one thread on any runtime.
fn client<R: Runtime>(runtime: R) -> Client<R> {
    Client::with_runtime(runtime).threads(1).local().wait().unwrap()
}

/// CPU time and context switches of every thread of this process but the caller's, by thread.
fn activity() -> Vec<(String, u64)> {
    let own = fs::read_link("/proc/thread-self").unwrap();
    let own = own.file_name().unwrap().to_owned();
    let mut activity = Vec::new();
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let thread = thread.unwrap();
        // A thread may end while we look.
        if thread.file_name() == own {
            continue;
        }
        let Ok(status) = fs::read_to_string(thread.path().join("status")) else { continue };
        let Ok(stat) = fs::read_to_string(thread.path().join("stat")) else { continue };
        let switches = status.lines().filter(|line| line.contains("ctxt_switches"));
        let switches: u64 = switches.map(|line| line.split_whitespace().last().unwrap().parse::<u64>().unwrap()).sum();
        // User and system time are the 14th and 15th fields; the 2nd ends with a parenthesis.
        let times = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
        let ticks: u64 = times.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        let name = status.lines().next().unwrap().to_owned();
        activity.push((format!("{name} {:?}", thread.file_name()), switches + 1_000 * ticks));
    }
    activity.sort();
    activity
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_nbytes() -> usize {
    let pages: usize = fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Waits until nothing in this process has moved for a while, and gives what is then.
fn settled() -> Vec<(String, u64)> {
    let start = Instant::now();
    loop {
        let before = activity();
        std::thread::sleep(Duration::from_millis(100));
        if activity() == before || start.elapsed() > Duration::from_secs(10) {
            return before;
        }
    }
}

fn an_idle_client_costs_no_time_and_no_wakes<R: Runtime>(runtime: impl Fn() -> R) {
    let client = Client::with_runtime(runtime()).threads(4).local().wait().unwrap();
    client.gather(client.map(|x: i64| x, 0..1_000)).wait().unwrap();
    // Waiting costs nothing either: queued behind a task that blocks, and asynchronously.
    let release = Event::new();
    let waits = release.clone();
    let blocked = client.submit(move || waits.wait(), ());
    let waiting = client.submit(|(): ()| 1, &blocked);
    let passed = release.clone();
    let pending = client.submit(anydask::asynchronous(move || passed.passed()), ());
    let before = settled();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(activity(), before, "something moved while nothing was to be done");
    release.set();
    client.gather((waiting, pending)).wait().unwrap();
    client.close().wait().unwrap();
}

fn a_thousand_clients_leave_nothing_behind<R: Runtime>(runtime: impl Fn() -> R) {
    let runtime = runtime();
    let cycle = || {
        let client = Client::with_runtime(runtime.clone()).threads(2).local().wait().unwrap();
        let many = client.map(|x: i64| vec![x; 1_000], 0..4);
        let all = client.submit(|all: Vec<Vec<i64>>| all.len(), &many);
        let asynchronously = client.submit(anydask::asynchronous(|x: usize| async move { x }), &all);
        let keyed = client.task(|x: i64| x, 1).key("k").submit();
        assert_eq!(client.gather((asynchronously, keyed)).wait().unwrap(), (4, 1));
        let endless = client.submit(anydask::asynchronous(std::future::pending::<()>), ());
        let waiting = client.submit(|(): ()| (), &endless);
        client.close().wait().unwrap();
        assert!(waiting.wait().is_err());
    };
    // The runtime starts its own threads when it sees fit, and the allocator takes what it needs once.
    (0..200).for_each(|_| cycle());
    let (threads_before, descriptors_before, nbytes_before) = (threads(), descriptors(), resident_nbytes());
    (0..1_000).for_each(|_| cycle());
    assert!(threads() <= threads_before, "{} threads, and {threads_before} before", threads());
    assert_eq!(descriptors(), descriptors_before);
    // 1,000 engines that leak 4 KiB each would be 4 MiB.
    let grown = resident_nbytes().saturating_sub(nbytes_before);
    assert!(grown < 3 << 20, "grown by {grown} bytes");
}

fn a_long_lived_client_forgets_what_has_ended<R: Runtime>(runtime: impl Fn() -> R) {
    let client = client(runtime());
    // Somebody must hold on to something, or the whole graph could be what is forgotten.
    let held = client.submit(|| 1, ());
    let round = |number: usize| {
        let keyed = client.task(|x: usize| x, number).key(format!("a key of its own: {number}")).submit();
        let asynchronously = client.submit(anydask::asynchronous(|x: usize, _: i64| async move { x }), (&keyed, &held));
        let failed = client.submit(fallible(|_: usize| Err::<usize, _>("no")), &asynchronously);
        let dependant = client.submit(|x: usize| x, &failed);
        drop(client.submit(|x: usize| x, &keyed));
        client.submit(|x: usize| x, keyed).detach();
        assert_eq!(client.gather_ok((asynchronously, failed, dependant)).wait().unwrap(), (Some(number), None, None));
    };
    (0..2_000).for_each(round);
    let before = resident_nbytes();
    (2_000..22_000).for_each(round);
    // 60 bytes a task would be more than this.
    let grown = resident_nbytes().saturating_sub(before);
    assert!(grown < 3 << 20, "grown by {grown} bytes");
    client.close().wait().unwrap();
}

fn fib<R: Runtime>(client: Client<R>, n: u64) -> Result<u64, Error> {
    if n < 2 {
        return Ok(n);
    }
    let a = client.submit(fallible(fib), (client.clone(), n - 1));
    let b = client.submit(fallible(fib), (client.clone(), n - 2));
    Ok(a.wait()? + b.wait()?)
}

fn a_recursive_fibonacci_of_twenty_needs_few_threads<R: Runtime>(runtime: impl Fn() -> R) {
    let client = client(runtime());
    client.submit(|| (), ()).wait().unwrap();
    let before = threads();
    let result = client.submit(fallible(fib), (client.clone(), 20));
    let mut most = 0;
    while !result.is_done() {
        most = most.max(threads());
        std::thread::sleep(Duration::from_micros(200));
    }
    assert_eq!(result.wait().unwrap(), 6_765);
    // A level of the recursion may need one more, as there are twenty of them.
    assert!(most <= before + 20, "{most} threads, and {before} before");
    client.close().wait().unwrap();
}

#[cfg(feature = "smol")]
fn smol_client() -> Client<anydask::runtime::Smol> {
    client(anydask::runtime::Smol::new())
}

/// A task that runs, on the client's only thread, until the event is set.
fn occupy<R: Runtime + Shutdown>(client: &Client<R>) -> (TaskFuture<()>, Event) {
    let (running, release) = (Event::new(), Event::new());
    let (runs, waits) = (running.clone(), release.clone());
    let occupant = client.submit(
        move || {
            runs.set();
            waits.wait();
        },
        (),
    );
    running.wait();
    (occupant, release)
}

#[cfg(feature = "smol")]
#[test]
fn a_million_submits_return_while_the_only_thread_is_busy() {
    in_own_process("processes::a_million_submits_return_while_the_only_thread_is_busy", || {
        let client = smol_client();
        let (occupant, release) = occupy(&client);
        let futures: Vec<_> = (0..1_000_000).map(|x| client.submit(|x: u64| x * 2, x)).collect();
        release.set();
        let values = client.gather(futures).wait().unwrap();
        assert!(values.iter().enumerate().all(|(index, value)| *value == 2 * index as u64));
        occupant.wait().unwrap();
        client.close().wait().unwrap();
    });
}

#[cfg(feature = "tokio")]
#[test]
fn a_million_submits_return_inside_an_async_task() {
    in_own_process("processes::a_million_submits_return_inside_an_async_task", || {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = anydask::tokio::Client::builder().threads(1).local().await.unwrap();
            let futures = client.map(|x: u64| x * 2, 0..1_000_000);
            let values = client.gather(futures).await.unwrap();
            assert!(values.iter().enumerate().all(|(index, value)| *value == 2 * index as u64));
            client.close().await.unwrap();
        });
    });
}

#[cfg(feature = "smol")]
#[test]
fn a_chain_of_a_million_tasks_runs() {
    in_own_process("processes::a_chain_of_a_million_tasks_runs", || {
        let client = smol_client();
        let (occupant, release) = occupy(&client);
        let mut last = client.submit(|(): ()| 0_u64, occupant);
        for _ in 0..1_000_000 {
            last = client.submit(|x: u64| x + 1, last);
        }
        release.set();
        assert_eq!(last.wait().unwrap(), 1_000_000);
        client.close().wait().unwrap();
    });
}

#[cfg(feature = "smol")]
#[test]
fn a_chain_of_a_million_unstarted_tasks_is_dropped_at_once() {
    in_own_process("processes::a_chain_of_a_million_unstarted_tasks_is_dropped_at_once", || {
        let client = smol_client();
        let (occupant, release) = occupy(&client);
        let mut last = client.submit(|(): ()| 0_u64, &occupant);
        for _ in 0..1_000_000 {
            last = client.submit(|x: u64| x + 1, last);
        }
        drop(last);
        release.set();
        occupant.wait().unwrap();
        client.close().wait().unwrap();
    });
}

#[cfg(feature = "smol")]
#[test]
fn a_chain_of_a_hundred_thousand_captures_is_dropped_at_once() {
    in_own_process("processes::a_chain_of_a_hundred_thousand_captures_is_dropped_at_once", || {
        let client = smol_client();
        let (occupant, release) = occupy(&client);
        let mut last = client.submit(|(): ()| 0_u64, &occupant);
        for _ in 0..100_000 {
            let before = last;
            last = client.submit(move |(): ()| u64::from(before.is_done()), &occupant);
        }
        drop(last);
        release.set();
        occupant.wait().unwrap();
        client.close().wait().unwrap();
    });
}

#[cfg(feature = "smol")]
#[test]
fn a_hundred_thousand_dependants_of_a_failed_task_fail() {
    in_own_process("processes::a_hundred_thousand_dependants_of_a_failed_task_fail", || {
        let client = smol_client();
        let (occupant, release) = occupy(&client);
        let first = client.submit(fallible(|(): ()| Err::<u64, _>("first")), occupant);
        let mut chain = vec![first];
        for index in 0..100_000 {
            chain.push(client.submit(|x: u64| x + 1, &chain[index]));
        }
        let wide = client.map(|x: u64| x, vec![&chain[0]; 100_000]);
        release.set();
        let error = chain[100_000].wait().unwrap_err();
        assert_eq!(error.key(), Some(&chain[0].key()));
        assert!(client.gather_ok(wide).wait().unwrap().is_empty());
        // Held by nothing but its end.
        let (occupant, release) = occupy(&client);
        let mut last = client.submit(fallible(|(): ()| Err::<u64, _>("first")), occupant);
        for _ in 0..100_000 {
            last = client.submit(|x: u64| x + 1, last);
        }
        release.set();
        assert!(last.wait().is_err());
        client.close().wait().unwrap();
    });
}

#[cfg(feature = "smol")]
#[test]
fn a_close_cancels_a_chain_of_a_hundred_thousand() {
    in_own_process("processes::a_close_cancels_a_chain_of_a_hundred_thousand", || {
        let client = smol_client();
        let (occupant, release) = occupy(&client);
        let mut last = client.submit(|(): ()| 0_u64, &occupant);
        for _ in 0..100_000 {
            last = client.submit(|x: u64| x + 1, last);
        }
        let queued = client.map(|x: u64| x, 0..100_000);
        release.set();
        client.close().wait().unwrap();
        assert!(last.is_done() && queued.iter().all(TaskFuture::is_done));
    });
}

#[cfg(feature = "smol")]
#[test]
fn nested_waits_with_large_frames_do_not_overflow_the_stack() {
    in_own_process("processes::nested_waits_with_large_frames_do_not_overflow_the_stack", || {
        fn descend<R: Runtime>(client: Client<R>, levels: usize) -> Result<usize, Error> {
            // What a body may well have on its stack.
            let mut frame = std::hint::black_box([0_u8; 100_000]);
            frame[levels] = 1;
            let depth = match levels {
                0 => 0,
                _ => client.submit(fallible(descend), (client.clone(), levels - 1)).wait()? + 1,
            };
            Ok(depth + usize::from(std::hint::black_box(&frame)[levels]) - 1)
        }

        let client = smol_client();
        let depth = client.submit(fallible(descend), (client.clone(), 200));
        assert_eq!(depth.wait().unwrap(), 200);
        client.close().wait().unwrap();
    });
}

#[cfg(feature = "smol")]
#[test]
fn a_panic_hook_of_the_programs_own_is_still_called() {
    in_own_process("processes::a_panic_hook_of_the_programs_own_is_still_called", || {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::panic::set_hook(Box::new(move |info| sender.send(info.to_string()).unwrap()));
        let client = smol_client();
        let panicking = client.submit(|| -> i64 { panic!("told to the hook") }, ());
        assert!(panicking.wait().is_err());
        assert!(receiver.recv().unwrap().contains("told to the hook"));
    });
}
