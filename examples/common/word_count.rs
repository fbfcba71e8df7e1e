//! Counts words: one asynchronous function for every runtime, which the examples beside this folder include.
//!
//! Each text is fetched on the runtime, its words are counted on the engine's threads, and the counts are merged in
//! pairs until one is left. No line names a runtime, and nothing is awaited before the end.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use anydask::runtime::Runtime;
use anydask::{Client, Error, TaskFn, TaskFuture, asynchronous, fallible};

/// How often each word occurs.
type Counts = BTreeMap<String, usize>;

/// Prints the most frequent words of all texts, and then what comes of a text that cannot be had.
pub(crate) async fn run<R: Runtime>(client: &Client<R>) -> Result<(), Error> {
    let counts = count_words(client, 0..TEXTS.len()).await?;
    let mut words: Vec<_> = counts.iter().collect();
    words.sort_by_key(|&(_, &count)| Reverse(count));
    println!("on {}: {} words", client.runtime().name(), counts.values().sum::<usize>());
    for (word, count) in words.iter().take(3) {
        println!("{count} times `{word}`");
    }

    // One of these fails. Its error is in its place, and the others are there.
    let texts = client.map(fetch(client.runtime()), [0, 99, 1]);
    for result in client.gather_results(texts).await? {
        match result {
            Ok(text) => println!("fetched {} bytes", text.len()),
            Err(error) => println!("fetched nothing: {}", error.source().unwrap_or(&error)),
        }
    }
    Ok(())
}

/// Counts the words of the texts with these numbers.
async fn count_words<R: Runtime>(client: &Client<R>, numbers: impl Iterator<Item = usize>) -> Result<Counts, Error> {
    let texts = client.map(fetch(client.runtime()), numbers);
    let mut counts = client.map(count, texts);
    while counts.len() > 1 {
        counts = counts.chunks(2).map(|pair| merged(client, pair)).collect();
    }
    match counts.pop() {
        Some(counts) => counts.await,
        None => Ok(Counts::new()),
    }
}

fn merged<R: Runtime>(client: &Client<R>, pair: &[TaskFuture<Counts>]) -> TaskFuture<Counts> {
    match pair {
        [left, right] => client.submit(merge, (left, right)),
        rest => rest[0].clone(),
    }
}

/// Fetches a text: runs on the runtime and takes no thread of the engine while it waits.
fn fetch<R: Runtime>(runtime: &R) -> impl TaskFn<(usize,), Output = String> + Sync + use<R> {
    let runtime = runtime.clone();
    fallible(asynchronous(move |number: usize| {
        let runtime = runtime.clone();
        async move {
            // Stands for a request over the network.
            runtime.sleep(Duration::from_millis(5)).await;
            TEXTS.get(number).map(|text| text.to_string()).ok_or(NoSuchText(number))
        }
    }))
}

fn count(text: String) -> Counts {
    let mut counts = Counts::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    counts
}

fn merge(mut left: Counts, right: Counts) -> Counts {
    for (word, count) in right {
        *left.entry(word).or_default() += count;
    }
    left
}

/// There is no text with this number.
#[derive(Debug)]
struct NoSuchText(usize);

impl fmt::Display for NoSuchText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no text {}", self.0)
    }
}

impl std::error::Error for NoSuchText {}

const TEXTS: [&str; 5] = [
    "one task waits for another and another waits for one",
    "a future goes where a value goes",
    "the last handle frees the value",
    "a value is moved when the last handle is awaited",
    "the work of a task is done on a thread and the wait of a task is done on none",
];
