//! tokio's timers panic when their runtime is gone; ours stay pending, whoever ends the runtime and whenever.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use anydask_runtime::{BlockOn, Shutdown, ShutdownReport, Spawner, TaskHandle, Timer};
use anydask_tokio::Tokio;
use futures_lite::future::block_on;
use tokio::runtime::Builder;

/// Makes and polls sleeps on a thread that the runtime knows nothing of, until told to stop.
fn sleep_all_the_time(runtime: Tokio, stop: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            for micros in [0, 50, 1_000, 100_000] {
                let mut sleep = pin!(runtime.sleep(Duration::from_micros(micros)));
                for _ in 0..4 {
                    if sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                        break;
                    }
                }
            }
        }
    })
}

#[test]
fn no_sleep_panics_while_an_owned_runtime_ends() {
    for round in 0..50 {
        let runtime = match round % 2 {
            0 => Tokio::multi_thread(2).unwrap(),
            _ => Tokio::current_thread().unwrap(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let sleepers =
            [sleep_all_the_time(runtime.clone(), stop.clone()), sleep_all_the_time(runtime.clone(), stop.clone())];
        thread::sleep(Duration::from_micros(100 * round));
        assert_eq!(block_on(runtime.shutdown(Duration::from_secs(10))), ShutdownReport::Complete);
        stop.store(true, Ordering::Relaxed);
        for sleeper in sleepers {
            sleeper.join().expect("a sleep panicked");
        }
    }
}

#[test]
fn no_sleep_panics_while_the_program_ends_a_lent_runtime() {
    for round in 0..50 {
        let program = match round % 2 {
            0 => Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
            _ => Builder::new_current_thread().enable_all().build().unwrap(),
        };
        let lent = Tokio::from_handle(program.handle().clone());
        let stop = Arc::new(AtomicBool::new(false));
        let sleepers = [sleep_all_the_time(lent.clone(), stop.clone()), sleep_all_the_time(lent, stop.clone())];
        thread::sleep(Duration::from_micros(100 * round));
        program.shutdown_background();
        thread::sleep(Duration::from_millis(2));
        stop.store(true, Ordering::Relaxed);
        for sleeper in sleepers {
            sleeper.join().expect("a sleep panicked");
        }
    }
}

/// A sleep needs the runtime, not the value that it was made with.
#[test]
fn a_sleep_outlives_the_value_that_made_it() {
    let program = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sleep = Tokio::from_handle(program.handle().clone()).sleep(Duration::from_millis(20));
    thread::sleep(Duration::from_millis(5));
    block_on(sleep);
}

/// The adapter leaves nothing behind in a runtime that it was lent.
#[test]
fn a_lent_runtime_is_left_as_it_was() {
    let program = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let lent = Tokio::from_handle(program.handle().clone());
    block_on(lent.sleep(Duration::from_millis(1)));
    lent.block_on(lent.spawn(async {})).unwrap().unwrap();
    drop(lent);
    let deadline = Instant::now() + Duration::from_secs(10);
    while program.metrics().num_alive_tasks() > 0 {
        assert!(Instant::now() < deadline, "a task was left in the runtime");
        thread::yield_now();
    }
}

/// Dropping the last clone does not wait: not for a task that blocks its thread, nor for a closure that blocks.
#[test]
fn dropping_an_owned_runtime_waits_for_nobody() {
    for runtime in [Tokio::multi_thread(2).unwrap(), Tokio::current_thread().unwrap()] {
        let (release, released) = std::sync::mpsc::channel::<()>();
        runtime.spawn_blocking(move || released.recv()).detach();
        drop(runtime);
        release.send(()).unwrap_or_default();
    }
}

/// No runtime without a thread, and no panic about it.
#[test]
fn no_threads_are_an_error() {
    assert_eq!(Tokio::multi_thread(0).unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}
