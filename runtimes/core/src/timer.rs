use std::time::Duration;

use crate::{Instant, Interval, Timeout};

/// Tells the time and waits for it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use anydask_runtime::Timer;
///
/// async fn nap<T: Timer>(timer: &T) {
///     let start = timer.now();
///     timer.sleep(Duration::from_millis(10)).await;
///     assert!(timer.now() - start >= Duration::from_millis(10));
/// }
/// ```
pub trait Timer: Clone + Send + Sync + 'static {
    /// A future that completes at a point in time. Dropping it frees the timer.
    type Sleep: Future<Output = ()> + Send + 'static;

    /// The runtime's clock, which is the clock of its sleeps as well (it may be paused or virtual). Never goes back.
    fn now(&self) -> Instant;

    /// Completes after `duration`, never earlier, and after yielding at least once. The time counts from this call, not
    /// from the first poll.
    ///
    /// Can be created and polled on any thread. `Duration::MAX` stays pending. Once the runtime has shut down it
    /// stays pending.
    fn sleep(&self, duration: Duration) -> Self::Sleep;

    /// Completes at `deadline`; at once (after one yield) if that has passed.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }
}

/// What is built once on top of every [`Timer`], the same for all.
pub trait TimerExt: Timer {
    /// Bounds a future in time. The value wins when both are ready in the same poll.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use anydask_runtime::TimerExt;
    ///
    /// async fn never<T: TimerExt>(timer: &T) {
    ///     let elapsed = timer.timeout(Duration::from_millis(10), std::future::pending::<()>()).await.unwrap_err();
    ///     assert_eq!(elapsed.to_string(), "not completed within 10ms");
    /// }
    /// ```
    fn timeout<F: Future>(&self, duration: Duration, future: F) -> Timeout<F, Self::Sleep> {
        Timeout::new(future, self.sleep(duration), duration)
    }

    /// Ticks every `period`. The first tick is immediate.
    ///
    /// # Panics
    ///
    /// If `period` is zero, on every runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use anydask_runtime::{MissedTick, TimerExt};
    ///
    /// async fn beat<T: TimerExt>(timer: &T) {
    ///     let mut heartbeat = timer.interval(Duration::from_millis(500)).on_missed(MissedTick::Skip);
    ///     loop {
    ///         heartbeat.tick().await;
    ///     }
    /// }
    /// ```
    #[track_caller]
    fn interval(&self, period: Duration) -> Interval<Self> {
        Interval::new(self.clone(), period)
    }
}

impl<T: Timer> TimerExt for T {}
