use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::{Instant, Timer};

/// Ticks at a fixed period; see [`TimerExt::interval`](crate::TimerExt::interval).
pub struct Interval<T: Timer> {
    timer: T,
    period: Duration,
    missed: MissedTick,
    next: Instant,
    sleep: Option<Pin<Box<T::Sleep>>>,
}

/// What an [`Interval`] does about ticks that nobody took in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTick {
    /// Gives the missed ticks at once, until it has caught up.
    Burst,
    /// Gives one, and counts the period from then on.
    #[default]
    Delay,
    /// Gives one, and goes on at the next multiple of the period.
    Skip,
}

impl<T: Timer> Interval<T> {
    #[track_caller]
    pub(crate) fn new(timer: T, period: Duration) -> Self {
        assert!(!period.is_zero(), "an interval needs a period greater than zero");
        let next = timer.now();
        Self { timer, period, missed: MissedTick::default(), next, sleep: None }
    }

    /// Chooses what happens to missed ticks. The default is [`MissedTick::Delay`].
    pub fn on_missed(mut self, missed: MissedTick) -> Self {
        self.missed = missed;
        self
    }

    /// Waits for the next tick and gives the time that it was due.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no tick.
    pub async fn tick(&mut self) -> Instant {
        std::future::poll_fn(|cx| self.poll_tick(cx)).await
    }

    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let now = self.timer.now();
        if now < self.next {
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(self.timer.sleep_until(self.next)));
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        self.sleep = None;
        let due = self.next;
        self.next = self.following(due, self.timer.now());
        Poll::Ready(due)
    }

    /// The tick after the one that was due at `due` and is taken at `now`.
    fn following(&self, due: Instant, now: Instant) -> Instant {
        let regular = due + self.period;
        if regular > now {
            return regular;
        }
        match self.missed {
            MissedTick::Burst => regular,
            MissedTick::Delay => now + self.period,
            MissedTick::Skip => {
                let late = (now - due).as_nanos() % self.period.as_nanos();
                // The remainder of a division by a `Duration` that fits one: at most the period, whose nanoseconds
                // exceed a `u64` only past 584 years.
                now + self.period.saturating_sub(Duration::from_nanos(u64::try_from(late).unwrap_or(u64::MAX)))
            }
        }
    }
}

impl<T: Timer> std::fmt::Debug for Interval<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interval").field("period", &self.period).field("next", &self.next).finish_non_exhaustive()
    }
}
