//! The measured process: carries out one order and prints its figures as one line of JSON.

use std::collections::BTreeMap;
use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use crate::driver::Order;
use crate::process::{context_switches, cpu_time, resident_nbytes};
use crate::scenarios::Method;
use crate::statistics::percentile;
use crate::work::{Body, Work};
use crate::{scenarios, subjects};

/// Figures by name. The unit is the last part of the name; what is said for each task is divided by their number.
pub(crate) type Figures = BTreeMap<String, f64>;

/// Timed runs of a body in one process, of which the median counts.
const REPEATS: usize = 3;

/// Tasks that come before the first one whose latency counts.
const LATENCY_WARM_UP: usize = 200;

/// The pause before each task of a cold latency: threads that search for work have given up by then.
const COLD_PAUSE: Duration = Duration::from_millis(2);

/// The same on a cluster: Dask's scheduler and client hold back what comes within 10 ms of the last message.
const CLUSTER_PAUSE: Duration = Duration::from_millis(20);

/// The longest time for one measurement: ten times what the slowest subject takes for a million tasks.
const MEASUREMENT_MAX: Duration = Duration::from_secs(120);

pub(crate) fn carry_out(order: &Order) -> Result<(), Box<dyn Error>> {
    let scenario = scenarios::find(&order.scenario).ok_or("no such scenario")?;
    let subject = subjects::find(&order.subject).ok_or("no such subject")?;
    let body = (subject.body)(scenario.work).ok_or("this subject has no such work")?;
    thread::spawn(|| {
        thread::sleep(MEASUREMENT_MAX);
        eprintln!("not done after {} s", MEASUREMENT_MAX.as_secs());
        std::process::exit(1);
    });
    let size = |full| scenario.size(full, order.is_smoke);
    let mut figures = match scenario.method {
        Method::Once(full) => run(scenario.work, body, size(full)),
        Method::Sizes(sizes) => {
            let sizes = sizes.iter().map(|&full| (full, run(scenario.work, body, size(full))));
            growing(sizes.collect())
        }
        Method::Submitters { tasks, threads } => submitters(body, size(tasks), threads),
        Method::Idle { tasks, duration_ms } => idle(body, size(tasks), Duration::from_millis(size(duration_ms) as u64)),
    };
    // What the operating system does not say; JSON has no word for it.
    figures.retain(|_, value| value.is_finite());
    println!("{}", serde_json::to_string(&figures)?);
    // Subjects are there until the process ends, and some would be long about ending.
    std::process::exit(0);
}

fn run(work: Work, body: Body, n: usize) -> Figures {
    match body {
        Body::Timed(body) => timed(work.tasks(n), || body(n)),
        Body::Told(body) => body(n),
    }
}

/// Wall and CPU time for each of `tasks`.
fn timed(tasks: usize, body: impl Fn()) -> Figures {
    body();
    let mut runs: Vec<_> = (0..REPEATS).map(|_| Stopwatch::time(&body)).collect();
    runs.sort_by_key(|run| run.wall);
    runs[REPEATS / 2].figures("", tasks)
}

/// Wall and CPU time of a whole that takes a millisecond or a second: the median of as many runs as there is time for.
pub(crate) fn repeated(body: impl Fn()) -> Figures {
    const RUNS_MIN: usize = 5;
    const RUNS_MAX: usize = 200;
    const ENOUGH: Duration = Duration::from_millis(500);
    body();
    let begun = Instant::now();
    let mut runs = Vec::new();
    while runs.len() < RUNS_MIN || runs.len() < RUNS_MAX && begun.elapsed() < ENOUGH {
        runs.push(Stopwatch::time(&body));
    }
    runs.sort_by_key(|run| run.wall);
    let Stopwatch { wall, cpu } = runs[runs.len() / 2];
    Figures::from([("wall_us".into(), wall.as_secs_f64() * 1e6), ("cpu_us".into(), cpu.as_secs_f64() * 1e6)])
}

/// The figures at several sizes, and how much longer a task takes at the last one than at the first.
fn growing(sizes: Vec<(usize, Figures)>) -> Figures {
    let wall = |(_, figures): &(usize, Figures)| figures.get("wall_ns").copied().unwrap_or(f64::NAN);
    let growth = sizes.last().map_or(f64::NAN, wall) / sizes.first().map_or(f64::NAN, wall);
    let named = |(size, figures): (usize, Figures)| {
        figures.into_iter().map(move |(name, value)| (format!("{name}@{size}"), value))
    };
    sizes.into_iter().flat_map(named).chain([("growth".to_owned(), growth)]).collect()
}

/// Several threads that submit `n` tasks together.
fn submitters(body: Body, n: usize, threads: &[usize]) -> Figures {
    let Body::Timed(body) = body else { unreachable!("the work of submitters is timed") };
    let mut figures = Figures::new();
    for &count in threads {
        let share = n / count;
        let run = || {
            thread::scope(|scope| {
                for _ in 0..count {
                    scope.spawn(move || body(share));
                }
            });
        };
        figures.extend(timed(share * count, run).into_iter().map(|(name, value)| (format!("{name}@{count}"), value)));
    }
    figures
}

/// What happens for a while after work has been done.
fn idle(body: Body, n: usize, duration: Duration) -> Figures {
    let Body::Timed(body) = body else { unreachable!("the work before idling is timed") };
    body(n);
    // Searching for more work is part of the work.
    thread::sleep(duration / 10);
    // Counting switches takes CPU time, so it is done outside of the time that is taken.
    let (switches, cpu) = (context_switches(), cpu_time());
    thread::sleep(duration);
    let (cpu, switches) = (cpu_time() - cpu, context_switches() - switches);
    let seconds = duration.as_secs_f64();
    // This thread goes to sleep once.
    let switches = (switches - 1.0).max(0.0);
    Figures::from([
        ("cpu_ms_per_s".into(), cpu.as_secs_f64() * 1e3 / seconds),
        ("switches_per_s".into(), switches / seconds),
    ])
}

/// Wall and CPU time of something.
pub(crate) struct Stopwatch {
    wall: Duration,
    cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn time<T>(body: impl FnOnce() -> T) -> Self {
        let (cpu, begun) = (cpu_time(), Instant::now());
        std::hint::black_box(body());
        Self { wall: begun.elapsed(), cpu: cpu_time() - cpu }
    }

    /// `wall_ns` and `cpu_ns` for each task, after a prefix.
    pub(crate) fn figures(&self, prefix: &str, tasks: usize) -> Figures {
        let each = |duration: Duration| duration.as_secs_f64() * 1e9 / tasks as f64;
        Figures::from([(format!("{prefix}wall_ns"), each(self.wall)), (format!("{prefix}cpu_ns"), each(self.cpu))])
    }
}

/// The times from submission to result, one by one.
pub(crate) struct Latencies {
    pause: Duration,
    warm_up: usize,
    left: usize,
    nanoseconds: Vec<f64>,
    cpu_begun: Duration,
    cpu: Duration,
}

impl Latencies {
    /// Those of `n` tasks.
    pub(crate) fn of(work: Work, n: usize) -> Self {
        let (pause, warm_up) = match work {
            Work::LatencyCold => (COLD_PAUSE, LATENCY_WARM_UP / 10),
            Work::ClusterLatencyCold => (CLUSTER_PAUSE, LATENCY_WARM_UP / 10),
            _ => (Duration::ZERO, LATENCY_WARM_UP),
        };
        let all = n + warm_up;
        let (cpu_begun, cpu) = (cpu_time(), Duration::ZERO);
        Self { pause, warm_up, left: all, nanoseconds: Vec::with_capacity(all), cpu_begun, cpu }
    }

    /// When the next task begins; `None` after the last.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        self.left = self.left.checked_sub(1)?;
        if !self.pause.is_zero() {
            thread::sleep(self.pause);
        }
        Some(Instant::now())
    }

    /// The result of the task that began then is there.
    pub(crate) fn end(&mut self, begun: Instant) {
        self.nanoseconds.push(begun.elapsed().as_nanos() as f64);
        if self.left == 0 {
            self.cpu = cpu_time() - self.cpu_begun;
        }
    }

    pub(crate) fn figures(mut self) -> Figures {
        let cpu_ns = self.cpu.as_secs_f64() * 1e9 / self.nanoseconds.len() as f64;
        let counted = &mut self.nanoseconds[self.warm_up..];
        Figures::from([
            ("p50_ns".into(), percentile(counted, 50)),
            ("p99_ns".into(), percentile(counted, 99)),
            ("cpu_ns".into(), cpu_ns),
        ])
    }
}

/// What it takes to have `n` tasks queued, whose handles are kept and given back.
pub(crate) fn queueing<H>(n: usize, submit: impl FnOnce(usize) -> H) -> (H, Figures) {
    let allocated = stats_alloc::INSTRUMENTED_SYSTEM.stats();
    let resident = resident_nbytes();
    let mut handles = None;
    let stopwatch = Stopwatch::time(|| handles = Some(submit(n)));
    let each = |amount: f64| amount / n as f64;
    let mut figures = stopwatch.figures("", n);
    figures.insert("resident_nbytes".into(), each(resident_nbytes() - resident));
    let counted = stats_alloc::INSTRUMENTED_SYSTEM.stats() - allocated;
    // Only the runner that counts has allocated through this.
    if counted.allocations > 0 {
        let heap = counted.bytes_allocated as f64 - counted.bytes_deallocated as f64;
        figures.insert("heap_nbytes".into(), each(heap));
        figures.insert("allocations".into(), each((counted.allocations + counted.reallocations) as f64));
    }
    (handles.expect("the body has run"), figures)
}
