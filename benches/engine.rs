//! What a task costs, beside `tokio::spawn` and `rayon::spawn`, in one run.
//!
//! ```text
//! cargo bench --features tokio --bench engine
//! ```
//!
//! Every round measures each contestant once, in turn, and only ratios within a round are compared, since machines
//! are noisy; the table shows medians over the rounds. `--smoke` runs at 1 % to show that it works.

use std::hint::black_box;
use std::sync::mpsc;
use std::time::Instant;

use anydask::Client;
use anydask::runtime::{BlockOn, Tokio};

/// Tasks of one measurement.
const TASKS: usize = 100_000;
/// Rounds, of which the median counts.
const ROUNDS: usize = 7;

struct Contestant {
    name: &'static str,
    run: Box<dyn Fn(usize)>,
}

fn contestant(name: &'static str, run: impl Fn(usize) + 'static) -> Contestant {
    Contestant { name, run: Box::new(run) }
}

fn main() {
    let is_smoke = std::env::args().any(|argument| argument == "--smoke");
    let (tasks, rounds) = if is_smoke { (TASKS / 100, 1) } else { (TASKS, ROUNDS) };
    let threads = std::thread::available_parallelism().map_or(2, Into::into);
    println!("{tasks} tasks, {threads} threads each, {rounds} rounds; ratios to `tokio::spawn` of the same round\n");
    let tokio = Tokio::multi_thread(threads).expect("a tokio runtime starts");
    let client = Client::with_runtime(tokio.clone()).threads(threads).local().wait().expect("a client opens");

    table(
        "independent: submit all, then await all",
        tasks,
        rounds,
        &[
            contestant("tokio::spawn", spawn_independent(&tokio)),
            contestant("rayon::spawn", rayon_independent),
            contestant("anydask submit", submit_independent(&client)),
            contestant("anydask map", map_independent(&client)),
        ],
    );
    table(
        "chain: each task takes the result of the one before",
        tasks,
        rounds,
        &[
            contestant("tokio::spawn", spawn_chain(&tokio)),
            contestant("rayon::spawn", rayon_chain),
            contestant("anydask submit", submit_chain(&client)),
        ],
    );
    client.close().wait().expect("the client closes");
}

/// Measures the contestants in turn and prints their medians, and their ratios to the first.
fn table(title: &str, tasks: usize, rounds: usize, contestants: &[Contestant]) {
    let mut nanoseconds = vec![Vec::new(); contestants.len()];
    let mut ratios = vec![Vec::new(); contestants.len()];
    // The first round warms up and does not count.
    for round in 0..=rounds {
        let mut first = 0.0;
        for (index, contestant) in contestants.iter().enumerate() {
            let start = Instant::now();
            (contestant.run)(tasks);
            let each = start.elapsed().as_secs_f64() * 1e9 / tasks as f64;
            if index == 0 {
                first = each;
            }
            if round > 0 {
                nanoseconds[index].push(each);
                ratios[index].push(each / first);
            }
        }
    }
    println!("{title}");
    println!("  {:<16}{:>10}{:>8}   (lowest..highest ratio)", "", "ns/task", "ratio");
    for (index, contestant) in contestants.iter().enumerate() {
        let (each, (low, ratio, high)) = (spread(&mut nanoseconds[index]).1, spread(&mut ratios[index]));
        println!("  {:<16}{each:>10.0}{ratio:>8.2}   ({low:.2}..{high:.2})", contestant.name);
    }
    println!();
}

/// Lowest, median, highest.
fn spread(values: &mut [f64]) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}

fn spawn_independent(tokio: &Tokio) -> impl Fn(usize) + use<> {
    let tokio = tokio.clone();
    move |tasks| {
        let handle = tokio.handle().clone();
        tokio
            .block_on(async move {
                let handles: Vec<_> = (0..tasks).map(|i| handle.spawn(async move { black_box(i) })).collect();
                for handle in handles {
                    black_box(handle.await.expect("the task finishes"));
                }
            })
            .expect("a plain thread may block");
    }
}

fn rayon_independent(tasks: usize) {
    let receivers: Vec<_> = (0..tasks)
        .map(|i| {
            let (sender, receiver) = mpsc::sync_channel(1);
            rayon::spawn(move || sender.send(black_box(i)).expect("somebody waits"));
            receiver
        })
        .collect();
    for receiver in receivers {
        black_box(receiver.recv().expect("the task finishes"));
    }
}

fn submit_independent(client: &Client<Tokio>) -> impl Fn(usize) + use<> {
    let client = client.clone();
    move |tasks| {
        let futures: Vec<_> = (0..tasks).map(|i| client.submit(|i: usize| black_box(i), i)).collect();
        black_box(client.sync(client.gather(futures)).expect("the tasks finish"));
    }
}

fn map_independent(client: &Client<Tokio>) -> impl Fn(usize) + use<> {
    let client = client.clone();
    move |tasks| {
        let futures = client.map(|i: usize| black_box(i), 0..tasks);
        black_box(client.sync(client.gather(futures)).expect("the tasks finish"));
    }
}

fn spawn_chain(tokio: &Tokio) -> impl Fn(usize) + use<> {
    let tokio = tokio.clone();
    move |tasks| {
        let handle = tokio.handle().clone();
        tokio
            .block_on(async move {
                let mut last = handle.spawn(async { 0_usize });
                for _ in 0..tasks {
                    let before = last;
                    last = handle.spawn(async move { black_box(before.await.expect("the task finishes") + 1) });
                }
                black_box(last.await.expect("the task finishes"));
            })
            .expect("a plain thread may block");
    }
}

fn rayon_chain(tasks: usize) {
    // A task that waits would take a thread for good: each spawns the next.
    fn link(left: usize, value: usize, sender: mpsc::SyncSender<usize>) {
        match left {
            0 => sender.send(value).expect("somebody waits"),
            _ => rayon::spawn(move || link(left - 1, black_box(value + 1), sender)),
        }
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    link(tasks, 0, sender);
    black_box(receiver.recv().expect("the chain finishes"));
}

fn submit_chain(client: &Client<Tokio>) -> impl Fn(usize) + use<> {
    let client = client.clone();
    move |tasks| {
        let mut last = client.submit(|| 0_usize, ());
        for _ in 0..tasks {
            last = client.submit(|value: usize| black_box(value + 1), last);
        }
        black_box(client.sync(last).expect("the chain finishes"));
    }
}
