//! Clocks, sleeps, timeouts and intervals.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_lite::future::{pending, poll_once, ready};

use super::harness::{Subject, in_task};
use super::support::{CountingWaker, Signal, block_on, eventually, start_waiting};
use crate::{Instant, MissedTick, TimerExt};

/// The period of the intervals.
const PERIOD: Duration = Duration::from_millis(50);

/// Longer than three periods.
const STALL: Duration = Duration::from_millis(180);

/// T1. A sleep of zero yields once, then completes.
pub fn a_sleep_of_zero_yields_once<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for _ in 0..10 {
            let mut sleep = pin!(runtime.sleep(Duration::ZERO));
            assert!(poll_once(sleep.as_mut()).await.is_none(), "it did not yield");
            sleep.await;
        }
    });
}

/// T2. A sleep never ends early.
pub fn a_sleep_is_never_early<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for micros in [1, 100, 999, 1_000, 1_001, 1_500, 5_000, 9_999, 20_000] {
            let duration = Duration::from_micros(micros);
            for _ in 0..3 {
                let (start, real) = (runtime.now(), std::time::Instant::now());
                runtime.sleep(duration).await;
                assert!(runtime.now() - start >= duration, "{:?} for {duration:?}", runtime.now() - start);
                assert!(real.elapsed() >= duration, "{:?} for {duration:?}", real.elapsed());

                let deadline = runtime.now() + duration;
                runtime.sleep_until(deadline).await;
                assert!(runtime.now() >= deadline);
            }
        }
    });
}

/// T3. The longest sleeps stay pending: no panic, no overflow, no wrap to the past.
pub fn a_sleep_without_end_stays_pending<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut longest = [
            Box::pin(runtime.sleep(Duration::MAX)),
            Box::pin(runtime.sleep(Duration::from_secs(u64::MAX / 2))),
            Box::pin(runtime.sleep(Duration::from_nanos(u64::MAX))),
            Box::pin(runtime.sleep_until(Instant::from_epoch(Duration::MAX))),
        ];
        for _ in 0..3 {
            for sleep in &mut longest {
                assert!(poll_once(sleep).await.is_none());
            }
            runtime.sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(runtime.timeout(Duration::MAX, ready(7)).await, Ok(7));
    });
}

/// T4. A deadline in the past completes, after one yield.
pub fn a_deadline_in_the_past_completes<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let past = runtime.now();
        runtime.sleep(Duration::from_millis(2)).await;
        for deadline in [past, Instant::from_epoch(Duration::ZERO)] {
            let mut sleep = pin!(runtime.sleep_until(deadline));
            assert!(poll_once(sleep.as_mut()).await.is_none(), "it did not yield");
            sleep.await;
        }
    });
}

/// T5. A sleep can be made and polled on a thread that knows nothing of the runtime.
pub fn a_plain_thread_can_sleep<R: Subject>(runtime: R) {
    let thread = thread::spawn(move || {
        let start = runtime.now();
        block_on(runtime.sleep(Duration::from_millis(5)));
        block_on(runtime.sleep_until(runtime.now() + Duration::from_millis(5)));
        assert!(runtime.now() - start >= Duration::from_millis(10));
        assert!(block_on(runtime.timeout(Duration::from_millis(5), pending::<()>())).is_err());
    });
    thread.join().unwrap();
}

/// T6. A value that is there at once is in time for a timeout of zero.
pub fn a_timeout_of_zero_gives_a_value_that_is_there<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        assert_eq!(runtime.timeout(Duration::ZERO, ready(7)).await, Ok(7));
        let elapsed = runtime.timeout(Duration::ZERO, pending::<()>()).await.unwrap_err();
        assert_eq!(elapsed.after, Duration::ZERO);
    });
}

/// T7. A timeout drops its future before it says that the time is over.
pub fn a_timeout_drops_its_future_before_it_resolves<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let dropped = Signal::default();
        let guard = dropped.on_drop();
        let mut timeout = pin!(runtime.timeout(Duration::from_millis(5), async move {
            let _guard = guard;
            pending::<()>().await;
        }));
        assert!(timeout.as_mut().await.is_err());
        // The `Timeout` itself is still there.
        assert!(dropped.is_raised());
    });
}

/// T8. A value that is ready in the same poll as the deadline wins.
pub fn a_value_wins_over_a_deadline_in_the_same_poll<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for _ in 0..5 {
            let limit = Duration::from_millis(10);
            let ready_at = runtime.now() + limit;
            // Registers no waker: what polls it again is the deadline, so both are ready in that poll. A value that is
            // ready at once, or that yields once, would be seen before the deadline even by a wrong order.
            let value = std::future::poll_fn(|_| match runtime.now() >= ready_at {
                true => Poll::Ready(7),
                false => Poll::Pending,
            });
            assert_eq!(runtime.timeout(limit, value).await, Ok(7));
        }
    });
}

/// T9. The first tick of an interval is immediate, the second a period later.
pub fn the_first_tick_is_immediate<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut interval = runtime.interval(PERIOD);
        let first = poll_once(interval.tick()).await.expect("the first tick waits for nothing");
        let second = interval.tick().await;
        assert_eq!(second - first, PERIOD);
        assert!(runtime.now() >= second, "the tick came early");
    });
}

/// T10. `Delay`: one of the missed ticks comes, and the period counts from then on.
pub fn an_interval_that_delays_counts_from_the_late_tick<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut interval = runtime.interval(PERIOD);
        let first = interval.tick().await;
        runtime.sleep(STALL).await;
        let late_at = runtime.now();
        assert_eq!(poll_once(interval.tick()).await, Some(first + PERIOD));
        assert!(interval.tick().await >= late_at + PERIOD);
    });
}

/// T10. `Burst`: the missed ticks come at once.
pub fn an_interval_that_bursts_gives_every_missed_tick<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut interval = runtime.interval(PERIOD).on_missed(MissedTick::Burst);
        let first = interval.tick().await;
        runtime.sleep(STALL).await;
        for missed in 1..=3 {
            assert_eq!(poll_once(interval.tick()).await, Some(first + PERIOD * missed));
        }
        assert_eq!(interval.tick().await, first + PERIOD * 4);
    });
}

/// T10. `Skip`: one of the missed ticks comes, and the rhythm stays the old one.
pub fn an_interval_that_skips_keeps_its_rhythm<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut interval = runtime.interval(PERIOD).on_missed(MissedTick::Skip);
        let first = interval.tick().await;
        runtime.sleep(STALL).await;
        let late_at = runtime.now();
        assert_eq!(poll_once(interval.tick()).await, Some(first + PERIOD));
        let next = interval.tick().await;
        assert!(next > late_at);
        assert_eq!((next - first).as_nanos() % PERIOD.as_nanos(), 0);
    });
}

/// T11. An interval of zero panics.
pub fn an_interval_of_zero_panics<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        assert!(catch_unwind(AssertUnwindSafe(|| runtime.interval(Duration::ZERO))).is_err());
    });
}

/// T12. Ten thousand sleeps at once all end, and none is early.
pub fn ten_thousand_sleeps_all_end<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let sleeps: Vec<_> = (0..10_000_u64)
            .map(|number| {
                let runtime = runtime.clone();
                let deadline = runtime.now() + Duration::from_millis(number % 50);
                runtime.clone().spawn(async move {
                    runtime.sleep_until(deadline).await;
                    assert!(runtime.now() >= deadline);
                })
            })
            .collect();
        for sleep in sleeps {
            sleep.await.unwrap();
        }
    });
}

/// T13. Dropping a sleep frees it: its waker is let go and not woken.
pub fn dropping_a_sleep_frees_it<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let counting = Arc::new(CountingWaker::default());
        for duration in [Duration::from_millis(20), Duration::from_secs(3600)] {
            let waker = Waker::from(counting.clone());
            let mut sleeps: Vec<_> = (0..100).map(|_| Box::pin(runtime.sleep(duration))).collect();
            sleeps.iter_mut().for_each(|sleep| start_waiting(sleep.as_mut(), &waker));
        }
        let wakes = counting.wakes();
        runtime.sleep(Duration::from_millis(40)).await;
        assert_eq!(counting.wakes(), wakes, "a dropped sleep woke its task");
        eventually(&runtime, || Arc::strong_count(&counting) == 1).await;
    });
}

/// T14. The clock never goes back, is one on all threads, and is the one that sleeps go by.
pub fn the_clock_never_goes_back_and_is_that_of_sleep<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut last = runtime.now();
        for _ in 0..1000 {
            let now = runtime.now();
            assert!(now >= last);
            last = now;
        }
        let foreign = runtime.clone();
        let elsewhere = thread::spawn(move || foreign.now()).join().unwrap();
        assert!(last <= elsewhere && elsewhere <= runtime.now(), "another thread has another clock");

        let duration = Duration::from_millis(30);
        let start = runtime.now();
        runtime.sleep(duration).await;
        let passed = runtime.now() - start;
        // A wide margin for a busy machine: another unit or another epoch would be off by far more.
        assert!(passed >= duration && passed < Duration::from_secs(10), "{passed:?} passed on the clock");
    });
}

/// The waker of the task that asks.
async fn here() -> Waker {
    std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

/// T15. A sleep that has been polled in one task ends in another, and outside of the runtime.
pub fn a_sleep_moved_to_another_task_still_ends<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut moved = Box::pin(runtime.sleep(Duration::from_millis(20)));
        start_waiting(moved.as_mut(), &here().await);
        runtime.spawn(moved).await.unwrap();

        let mut moved = Box::pin(runtime.sleep(Duration::from_millis(20)));
        start_waiting(moved.as_mut(), &here().await);
        let outside = Signal::default();
        let ended = outside.clone();
        let thread = thread::spawn(move || {
            block_on(moved);
            ended.raise();
        });
        outside.raised().await;
        thread.join().unwrap();
    });
}
