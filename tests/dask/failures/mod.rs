//! What fails in real clusters: workers that are killed or stopped, connections that break, schedulers that go away.

mod graphs;
mod proxy;
mod schedulers;
mod silence;
mod soak;
mod workers;

use std::time::{Duration, Instant};

/// Longest wait for anything here. What it waits for takes seconds on a machine that does nothing else.
const LIMIT: Duration = Duration::from_secs(120);

/// Waits until `is_so`, where nothing tells when.
#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
