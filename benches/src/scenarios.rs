//! What is measured: every scenario, its size, and the figures that it shows.

use crate::cluster;
use crate::subjects::{BY_HAND, REFERENCE};
use crate::work::Work;

/// One comparison of all subjects that can do the same work.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) work: Work,
    pub(crate) method: Method,
    pub(crate) columns: &'static [Column],
    /// Whether smol and async-std are measured too.
    pub(crate) is_core: bool,
    /// Whether the runner that counts allocations measures it.
    pub(crate) counts: bool,
    /// The size for Dask and Ray, which take a thousand times as long; none if they are left out.
    pub(crate) python: Option<usize>,
}

/// How the work is measured. Sizes are those of a full run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    Once(usize),
    /// At several sizes, to see what grows.
    Sizes(&'static [usize]),
    /// By several threads that submit at once.
    Submitters {
        tasks: usize,
        threads: &'static [usize],
    },
    /// What is consumed after the work has been done.
    Idle {
        tasks: usize,
        duration_ms: usize,
    },
}

/// A figure in the table of a scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) figure: &'static str,
    pub(crate) heading: &'static str,
    /// Whether the ratio to the reference is shown too.
    pub(crate) has_ratio: bool,
}

const fn compared(figure: &'static str, heading: &'static str) -> Column {
    Column { figure, heading, has_ratio: true }
}

const fn alone(figure: &'static str, heading: &'static str) -> Column {
    Column { figure, heading, has_ratio: false }
}

/// A hundredth of the size shows that a scenario works.
const SMOKE_DIVISOR: usize = 100;

impl Scenario {
    /// Whose figures those of the others are compared with.
    pub(crate) fn reference(&self) -> &'static str {
        match self.work {
            work if cluster::is_cluster(work) => cluster::THEIRS,
            work if work.is_array() => BY_HAND,
            _ => REFERENCE,
        }
    }

    /// What a full size is in this run.
    pub(crate) fn size(&self, full: usize, is_smoke: bool) -> usize {
        if is_smoke { full.div_ceil(SMOKE_DIVISOR) } else { full }
    }
}

pub(crate) fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

const EACH: &[Column] = &[compared("wall_ns", "wall ns/task"), compared("cpu_ns", "CPU ns/task")];
const LATENCY: &[Column] =
    &[compared("p50_ns", "p50 ns"), compared("p99_ns", "p99 ns"), compared("cpu_ns", "CPU ns/task")];
const GROWTH: &[Column] = &[
    alone("wall_ns@10000", "1e4: ns/task"),
    alone("wall_ns@100000", "1e5: ns/task"),
    alone("wall_ns@1000000", "1e6: ns/task"),
    compared("growth", "1e6 / 1e4"),
];
const GROWTH_SIZES: Method = Method::Sizes(&[10_000, 100_000, 1_000_000]);

const fn scenario(name: &'static str, title: &'static str, work: Work, n: usize) -> Scenario {
    let method = Method::Once(n);
    Scenario { name, title, work, method, columns: EACH, is_core: false, counts: false, python: None }
}

impl Scenario {
    const fn core(self) -> Self {
        Self { is_core: true, ..self }
    }

    const fn python(self, n: usize) -> Self {
        Self { python: Some(n), ..self }
    }

    const fn shows(self, columns: &'static [Column]) -> Self {
        Self { columns, ..self }
    }

    const fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }

    const fn counting(self) -> Self {
        Self { counts: true, ..self }
    }
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario("independent", "Tasks that do nothing, one by one", Work::Independent, 100_000).core().python(1000),
    scenario("map", "Tasks that do nothing, all at once", Work::Map, 100_000).core().python(1000),
    scenario("chain", "Each task takes the result of the one before", Work::Chain, 100_000).core().python(200),
    scenario("tree", "Sum of 131,072 leaves, two at a time", Work::Tree, 1 << 17).core().python(512),
    scenario("stencil", "100 wide, 1000 steps, three inputs each", Work::Stencil, 100_000).core(),
    scenario("fan-in", "One task takes 100,000 results", Work::FanIn, 100_000).core(),
    scenario("fan-out", "100,000 tasks take one result", Work::FanOut, 100_000).core(),
    scenario("as-completed", "100,000 results as they come", Work::AsCompleted, 100_000).core(),
    scenario("busy", "Tasks that compute for 10 µs; ideal: 5000 ns", Work::Busy, 20_000),
    scenario("latency-hot", "From submission to result, back to back", Work::LatencyHot, 20_000)
        .core()
        .python(200)
        .shows(LATENCY),
    scenario("latency-cold", "From submission to result, after 2 ms of nothing", Work::LatencyCold, 500)
        .core()
        .shows(LATENCY),
    scenario("memory", "A million tasks queued, handles kept", Work::Queued, 1_000_000).counting().shows(&[
        compared("resident_nbytes", "resident bytes/task"),
        compared("heap_nbytes", "heap bytes/task"),
        alone("allocations", "allocations/task"),
    ]),
    scenario("submits", "A million submits in a row, nothing runs", Work::Queued, 1_000_000).shows(&[
        compared("wall_ns", "wall ns/submit"),
        compared("cpu_ns", "CPU ns/submit"),
        compared("resident_nbytes", "resident bytes/task"),
    ]),
    scenario("growth", "Independent tasks, 10,000 to a million", Work::Independent, 0).by(GROWTH_SIZES).shows(GROWTH),
    scenario("growth-as-completed", "Results as they come, 10,000 to a million", Work::AsCompleted, 0)
        .by(GROWTH_SIZES)
        .shows(GROWTH),
    scenario("growth-cancel", "Cancelling queued tasks, 10,000 to a million", Work::Cancel, 0)
        .by(GROWTH_SIZES)
        .shows(GROWTH),
    scenario("cancel", "Cancelling 100,000 queued tasks", Work::Cancel, 100_000).shows(EACH),
    scenario("submit-and-cancel", "Submitting a task and cancelling it at once", Work::SubmitAndCancel, 100_000),
    scenario("submitters", "Several threads submit 100,000 tasks together", Work::Independent, 0)
        .by(Method::Submitters { tasks: 100_000, threads: &[1, 2, 4, 8] })
        .shows(&[
            compared("wall_ns@1", "1 thread: ns/task"),
            compared("wall_ns@2", "2 threads"),
            compared("wall_ns@4", "4 threads"),
            compared("wall_ns@8", "8 threads"),
        ]),
    scenario("idle", "An idle engine, after work", Work::Independent, 0)
        .by(Method::Idle { tasks: 10_000, duration_ms: 2000 })
        .shows(&[alone("cpu_ms_per_s", "CPU ms/s"), alone("switches_per_s", "context switches/s")]),
    scenario("deep-chain", "A chain of a million links: built, run, dropped", Work::DeepChain, 1_000_000).shows(&[
        compared("build_wall_ns", "build ns/link"),
        compared("run_wall_ns", "run ns/link"),
        alone("drop_wall_ns", "drop ns/link"),
        alone("abandon_wall_ns", "drop unrun ns/link"),
    ]),
    scenario("asleep", "100,000 asynchronous tasks asleep at once", Work::Asleep, 100_000).core().shows(&[
        compared("start_wall_ns", "start ns/task"),
        compared("wake_wall_ns", "wake ns/task"),
        compared("resident_nbytes", "resident bytes/task"),
    ]),
    scenario("priority", "An urgent task behind 100,000 of 10 µs", Work::Priority, 100_000).shows(&[
        alone("low_first", "others that began first"),
        alone("low_left", "others left behind it"),
        alone("wait_ns", "ns until it began"),
    ]),
    scenario("array-mean", "Mean of a random 1000×1000 in 1000×100 chunks", Work::ArrayMean, 1000)
        .python(1000)
        .shows(ARRAY),
    scenario("array-mean-tall", "Mean of a random 20000×2000 in 20000×200 chunks", Work::ArrayMeanTall, 2000)
        .python(2000)
        .shows(ARRAY),
    scenario("array-transposed", "(x + x.T).sum(axis=0) of 4000×4000 in 500×500 chunks", Work::ArrayTransposed, 4000)
        .python(4000)
        .shows(ARRAY),
    scenario(
        "array-standardised",
        "Columns of 20000×500 standardised, in 2000×500 chunks",
        Work::ArrayStandardised,
        500,
    )
    .python(500)
    .shows(ARRAY),
    scenario("array-product", "Product of 2000×2000 in 500×500 chunks", Work::ArrayProduct, 2000)
        .python(2000)
        .shows(ARRAY),
    scenario("array-held", "Reductions of 8 GiB in chunks of 64 MiB: chunks that are there", Work::ArrayHeld, 128)
        .shows(&[
            alone("fused_chunks_per_thread", "mean: chunks/thread"),
            alone("chunks_per_thread", "largest, of other chunks: chunks/thread"),
        ]),
    scenario("cluster-tasks", "10,000 tasks on a cluster that do nothing", Work::ClusterTasks, 10_000)
        .python(10_000)
        .shows(&[
            compared("wall_ns", "wall ns/task"),
            alone("scheduler_cpu_ns", "scheduler CPU"),
            alone("wall_per_scheduler_cpu", "wall / scheduler CPU"),
            compared("worker_cpu_ns", "worker CPU"),
            compared("cpu_ns", "client CPU"),
        ]),
    scenario("cluster-latency", "From submission to result on a cluster", Work::ClusterLatency, 300)
        .python(300)
        .shows(&[compared("p50_ns", "p50 ns"), compared("p99_ns", "p99 ns")]),
    scenario("cluster-latency-cold", "The same, after 20 ms of nothing", Work::ClusterLatencyCold, 200)
        .python(200)
        .shows(&[compared("p50_ns", "p50 ns"), compared("p99_ns", "p99 ns")]),
    scenario("cluster-transfer", "1 GiB from worker to worker", Work::ClusterTransfer, 1 << 30)
        .python(1 << 30)
        .shows(MOVED),
    scenario("cluster-gather", "64 MiB from a worker to the client", Work::ClusterGather, 64 << 20)
        .python(64 << 20)
        .shows(MOVED),
];

const ARRAY: &[Column] = &[compared("wall_us", "wall µs"), compared("cpu_us", "CPU µs")];
const MOVED: &[Column] = &[
    compared("wall_ms", "wall ms"),
    compared("worker_cpu_ms", "workers' CPU ms"),
    compared("cpu_ms", "client CPU ms"),
];
