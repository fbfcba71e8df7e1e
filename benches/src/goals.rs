//! What anydask wants to reach, as ratios within one run.

use crate::cluster;
use crate::subjects::{BY_HAND, REFERENCE};

/// A bound on a figure of a subject.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) scenario: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) figure: &'static str,
    /// Divided by the same figure of this subject; `None` if the figure itself is bounded.
    pub(crate) against: Option<&'static str>,
    /// What must hold.
    pub(crate) gate: f64,
    /// What is wanted.
    pub(crate) stretch: f64,
}

/// The goals of a scenario, in the order in which they are shown.
pub(crate) fn of(scenario: &str, allocator: &str) -> Vec<Goal> {
    let mut goals: Vec<_> = GOALS.iter().filter(|goal| goal.scenario == scenario).copied().collect();
    if allocator == "mimalloc" && scenario == "independent" {
        // Half of tokio's time is its allocations.
        for goal in goals.iter_mut().filter(|goal| goal.against == Some(REFERENCE)) {
            (goal.gate, goal.stretch) = (1.3, 0.9);
        }
    }
    goals.extend(RUNTIMES.iter().filter(|_| CORE.contains(&scenario)).map(|subject| Goal {
        scenario: "",
        subject,
        figure: if scenario.starts_with("latency") { "p50_ns" } else { "wall_ns" },
        against: Some("anydask-out"),
        gate: 1.2,
        stretch: 1.0,
    }));
    goals
}

/// On every runtime the engine is as fast as on tokio.
const RUNTIMES: &[&str] = &["anydask-smol", "anydask-async-std"];
const CORE: &[&str] =
    &["independent", "map", "chain", "tree", "stencil", "fan-in", "fan-out", "as-completed", "latency-hot"];

/// Against the reference, from outside.
const fn outside(scenario: &'static str, figure: &'static str, gate: f64, stretch: f64) -> Goal {
    Goal { scenario, subject: "anydask-out", figure, against: Some(REFERENCE), gate, stretch }
}

/// Against another subject.
const fn beside(goal: Goal, against: &'static str) -> Goal {
    Goal { against: Some(against), ..goal }
}

/// The figure itself.
const fn bound(scenario: &'static str, figure: &'static str, gate: f64, stretch: f64) -> Goal {
    Goal { scenario, subject: "anydask-out", figure, against: None, gate, stretch }
}

/// Ours against Dask's on one scheduler.
const fn cluster(scenario: &'static str, figure: &'static str, gate: f64, stretch: f64) -> Goal {
    Goal { scenario, subject: cluster::OURS, figure, against: Some(cluster::THEIRS), gate, stretch }
}

const fn by(goal: Goal, subject: &'static str) -> Goal {
    Goal { subject, ..goal }
}

/// Arrays against the same by hand, and against Dask's on threads.
const fn array(scenario: &'static str, gate: f64) -> Goal {
    beside(outside(scenario, "wall_us", gate, 1.0), BY_HAND)
}

const GOALS: &[Goal] = &[
    outside("independent", "wall_ns", 1.0, 0.6),
    outside("independent", "cpu_ns", 1.0, 0.6),
    beside(outside("independent", "wall_ns", 1.0 / 1000.0, 1.0 / 4000.0), "dask"),
    beside(outside("independent", "wall_ns", 1.0 / 500.0, 1.0 / 2000.0), "ray"),
    outside("map", "wall_ns", 0.10, 0.05),
    beside(outside("map", "wall_ns", 1.0 / 10_000.0, 1.0 / 50_000.0), "dask"),
    outside("chain", "wall_ns", 0.40, 0.25),
    beside(outside("chain", "wall_ns", 1.0 / 5000.0, 1.0 / 20_000.0), "dask"),
    outside("tree", "wall_ns", 0.70, 0.50),
    beside(outside("tree", "wall_ns", 1.0 / 2000.0, 1.0 / 6000.0), "dask"),
    outside("stencil", "wall_ns", 0.70, 0.50),
    outside("fan-in", "wall_ns", 0.80, 0.50),
    outside("fan-out", "wall_ns", 1.0, 0.80),
    outside("as-completed", "wall_ns", 0.80, 0.50),
    outside("busy", "wall_ns", 0.90, 0.80),
    // An efficiency of 0.83, and of 0.92.
    bound("busy", "wall_ns", 5000.0 / 0.83, 5000.0 / 0.92),
    outside("latency-hot", "p50_ns", 1.0, 0.30),
    outside("latency-hot", "p99_ns", 1.0, 0.30),
    by(beside(outside("latency-hot", "p50_ns", 1.0, 1.0), "tokio-in"), "anydask-in"),
    beside(outside("latency-hot", "p50_ns", 1.0 / 200.0, 1.0 / 2000.0), "dask"),
    beside(outside("latency-hot", "p50_ns", 1.0 / 50.0, 1.0 / 500.0), "ray"),
    outside("latency-cold", "p50_ns", 1.0, 0.70),
    outside("memory", "resident_nbytes", 1.0, 0.6),
    bound("memory", "allocations", 2.0, 1.0),
    by(bound("memory", "heap_nbytes", 64.0, 64.0), "anydask-map"),
    // One for all of the items is none for each.
    by(bound("memory", "allocations", 0.01, 0.01), "anydask-map"),
    bound("growth", "growth", 2.0, 1.3),
    outside("growth", "growth", 1.1, 0.9),
    bound("growth-as-completed", "growth", 2.0, 1.3),
    bound("growth-cancel", "growth", 2.0, 1.3),
    bound("idle", "cpu_ms_per_s", 0.1, 0.03),
    bound("idle", "switches_per_s", 1.0, 0.5),
    // Each thread may have begun one.
    bound("priority", "low_first", 2.0, 1.0),
    array("array-mean", 1.10),
    beside(outside("array-mean", "wall_us", 1.0 / 8.0, 1.0 / 16.0), "dask-threads"),
    beside(outside("array-mean", "wall_us", 1.0 / 40.0, 1.0 / 80.0), "dask"),
    array("array-mean-tall", 1.05),
    beside(outside("array-mean-tall", "wall_us", 0.6, 0.5), "dask-threads"),
    beside(outside("array-mean-tall", "wall_us", 0.4, 0.3), "dask"),
    array("array-transposed", 1.05),
    beside(outside("array-transposed", "wall_us", 0.6, 0.5), "dask-threads"),
    array("array-standardised", 1.05),
    beside(outside("array-standardised", "wall_us", 0.6, 0.5), "dask-threads"),
    array("array-product", 1.05),
    bound("array-held", "fused_chunks_per_thread", 10.0, 1.0),
    bound("array-held", "chunks_per_thread", 10.0, 6.0),
    cluster("cluster-tasks", "wall_ns", 1.0 / 10.0, 1.0 / 15.0),
    // The scheduler's own CPU is the limit.
    by(bound("cluster-tasks", "wall_per_scheduler_cpu", 1.5, 1.1), cluster::OURS),
    cluster("cluster-latency", "p50_ns", 0.5, 0.4),
    cluster("cluster-latency", "p99_ns", 0.5, 0.4),
    cluster("cluster-latency-cold", "p50_ns", 0.5, 0.4),
    cluster("cluster-transfer", "wall_ms", 1.0, 0.7),
    cluster("cluster-gather", "wall_ms", 1.0, 0.7),
];
