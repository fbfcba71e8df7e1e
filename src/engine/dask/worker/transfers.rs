//! What moves between this worker and others: how much is under way, and how fast it was.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::engine::dask::wire::Value;

/// Data that others have asked for.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    nbytes: AtomicU64,
    count: AtomicU64,
    count_total: AtomicU64,
}

/// One answer that is being sent. It is over when this is dropped.
#[derive(Debug)]
pub(super) struct Sending {
    outgoing: Arc<Outgoing>,
    nbytes: u64,
}

impl Outgoing {
    /// Begins an answer, unless there are `max` of them. Its bytes are told afterwards.
    pub(super) fn begin(self: &Arc<Self>, max: u64) -> Option<Sending> {
        let more = |count| (count < max).then_some(count + 1);
        self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        self.count_total.fetch_add(1, Ordering::Relaxed);
        Some(Sending { outgoing: Arc::clone(self), nbytes: 0 })
    }

    /// The bytes and the answers that are under way, and all answers so far.
    pub(super) fn read(&self) -> (u64, u64, u64) {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (read(&self.nbytes), read(&self.count), read(&self.count_total))
    }
}

impl Sending {
    pub(super) fn holds(&mut self, nbytes: u64) {
        self.outgoing.nbytes.fetch_add(nbytes, Ordering::Relaxed);
        self.nbytes += nbytes;
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.outgoing.nbytes.fetch_sub(self.nbytes, Ordering::Relaxed);
        self.outgoing.count.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How fast data of others comes.
#[derive(Debug)]
pub(super) struct Bandwidth(Mutex<Measured>);

#[derive(Debug)]
struct Measured {
    /// Bytes a second.
    total: f64,
    /// From each worker since the last heartbeat: bytes a second, and of how many transfers.
    workers: BTreeMap<Arc<str>, (f64, u64)>,
}

/// What a new worker counts as, in bytes a second, until it has measured: Dask's own guess. 0 would break the scheduler.
const INITIAL: f64 = 100e6;

/// Least bytes of a transfer that is measured. Of a smaller one, the time is that of the way, not of the bytes. Dask's number.
const MEASURED_NBYTES_MIN: u64 = 1_000_000;

/// How much a new measurement counts. Dask's number.
const WEIGHT: f64 = 0.05;

impl Bandwidth {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Measured { total: INITIAL, workers: BTreeMap::new() }))
    }

    /// So many bytes have come from `peer`.
    pub(super) fn measure(&self, peer: &Arc<str>, nbytes: u64, time: Duration) {
        if nbytes < MEASURED_NBYTES_MIN {
            return;
        }
        let speed = nbytes as f64 / time.as_secs_f64().max(1e-6);
        let mut measured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        measured.total += WEIGHT * (speed - measured.total);
        let (mean, count) = measured.workers.entry(Arc::clone(peer)).or_default();
        *count += 1;
        *mean += (speed - *mean) / *count as f64;
    }

    /// `bandwidth` of the metrics. The next one tells of what comes after it.
    pub(super) fn report(&self) -> Value {
        let mut measured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let workers = std::mem::take(&mut measured.workers).into_iter();
        let workers = workers.map(|(peer, (mean, count))| (Value::Str(peer), vec![mean.into(), count.into()].into()));
        Value::map([
            ("total", measured.total.into()),
            ("workers", Value::Map(workers.collect())),
            ("types", Value::map([])),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_until_it_is_over() {
        let outgoing = Arc::<Outgoing>::default();
        let mut first = outgoing.begin(2).unwrap();
        first.holds(10);
        let mut second = outgoing.begin(2).unwrap();
        second.holds(5);
        assert!(outgoing.begin(2).is_none());
        assert_eq!(outgoing.read(), (15, 2, 2));
        drop(first);
        assert_eq!(outgoing.read(), (5, 1, 2));
        drop(second);
        assert_eq!(outgoing.read(), (0, 0, 2));
    }

    #[test]
    fn the_bandwidth_follows_what_is_measured_and_is_never_zero() {
        let bandwidth = Bandwidth::new();
        let peer: Arc<str> = "tcp://a:1".into();
        let total = |report: &Value| report.get("total").and_then(Value::as_f64).unwrap();
        bandwidth.measure(&peer, 10, Duration::from_secs(1));
        assert_eq!(total(&bandwidth.report()), INITIAL);
        for _ in 0..500 {
            bandwidth.measure(&peer, 2_000_000, Duration::from_secs(1));
        }
        let report = bandwidth.report();
        assert!((total(&report) - 2e6).abs() < 1e3, "{report:?}");
        assert_eq!(report.get("workers").unwrap().entries().unwrap().len(), 1);
        assert_eq!(bandwidth.report().get("workers").unwrap().entries().unwrap().len(), 0);
        bandwidth.measure(&peer, u64::MAX, Duration::ZERO);
        assert!(total(&bandwidth.report()).is_finite());
    }
}
