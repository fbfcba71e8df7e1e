//! How long something is tried again.

use std::time::Duration;

use crate::engine::dask::comm::{CONNECT_LIMIT, PAUSE_MAX, Pauses};
use crate::runtime::Instant;

/// How long a scheduler is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// That has not been there yet.
    pub(crate) connect_timeout: Duration,
    /// That has gone away.
    pub(crate) reconnect_timeout: Duration,
    /// That is connected, and says nothing.
    pub(crate) silence_timeout: Duration,
}

impl Default for Patience {
    /// What Dask has: 30 s for a connection; about what it takes to start a scheduler anew, with its machine; and as long as a
    /// scheduler waits for a worker of which it hears nothing (`distributed.scheduler.worker-ttl`). One that is busy with a large
    /// graph says nothing for a minute.
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_LIMIT,
            reconnect_timeout: Duration::from_secs(60),
            silence_timeout: Duration::from_secs(5 * 60),
        }
    }
}

/// The least silence that counts: three heartbeats of a client, many of a worker, each of which is answered.
const SILENCE_MIN: Duration = Duration::from_secs(15);

impl Patience {
    pub(super) fn silence(&self) -> Duration {
        self.silence_timeout.max(SILENCE_MIN)
    }
}

/// Attempts up to a deadline.
#[derive(Debug)]
pub(crate) struct Tries {
    limit: Duration,
    deadline: Instant,
    pauses: Pauses,
}

impl Tries {
    pub(super) fn new(now: Instant, limit: Duration) -> Self {
        Self { limit, deadline: now + limit, pauses: Pauses::default() }
    }

    /// What there was at the beginning.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// When the time is over.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What is left of the time, in whole milliseconds: people read it.
    pub(super) fn left(&self, now: Instant) -> Duration {
        let left = (self.deadline - now).as_micros().div_ceil(1000);
        Duration::from_millis(u64::try_from(left).unwrap_or(u64::MAX))
    }

    /// How long to wait before the next attempt, if there is time for one.
    pub(super) fn pause(&mut self, now: Instant) -> Option<Duration> {
        let pause = self.pauses.next_pause();
        (pause < self.left(now)).then_some(pause)
    }

    /// Something has come about, at `since`, and is over. What follows has the time anew; only if that was short-lived does it go on
    /// with longer pauses.
    pub(super) fn begin_again(&mut self, since: Instant, now: Instant, limit: Duration) {
        let pauses = if now - since < PAUSE_MAX { self.pauses } else { Pauses::default() };
        *self = Self { pauses, ..Self::new(now, limit) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_second_and_end_with_the_time() {
        let at = |ms| Instant::from_epoch(Duration::from_millis(ms));
        let mut tries = Tries::new(at(0), Duration::from_secs(3));
        let pauses: Vec<_> = (0..8).map(|_| tries.pause(at(0)).unwrap().as_millis()).collect();
        assert_eq!(pauses, [20, 40, 80, 160, 320, 640, 1000, 1000]);
        assert_eq!(tries.pause(at(2000)), None);
        assert_eq!(tries.left(at(4000)), Duration::ZERO);
        tries.begin_again(at(4000), at(4500), Duration::from_secs(60));
        assert_eq!(tries.pause(at(4500)), Some(PAUSE_MAX));
        tries.begin_again(at(4500), at(5500), Duration::from_secs(60));
        assert_eq!(tries.pause(at(5500)), Some(Pauses::default().next_pause()));
    }
}
