//! Random layered graphs of Rust and Python tasks whose values are known beforehand.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use anydask::runtime::Runtime;
use anydask::{Client, TaskFuture, python, task};

use super::LIMIT;

/// Bytes that follow from a number.
#[task]
fn grow(number: i64, nbytes: usize) -> Vec<u8> {
    std::thread::sleep(PAUSE);
    grown(number, nbytes)
}

/// Bytes that follow from others.
#[task]
fn mix(parts: Vec<Vec<u8>>, nbytes: usize) -> Vec<u8> {
    std::thread::sleep(PAUSE);
    mixed(&parts, nbytes)
}

/// A number that follows from bytes.
#[task]
fn digest(bytes: Vec<u8>) -> i64 {
    digested(&bytes)
}

#[task]
fn sum(numbers: Vec<i64>) -> i64 {
    std::thread::sleep(PAUSE);
    numbers.iter().fold(0, |total, number| (total ^ number) >> 1)
}

/// Long enough that a graph of a thousand tasks is not over before something has happened to it.
const PAUSE: Duration = Duration::from_millis(2);

fn grown(number: i64, nbytes: usize) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(nbytes.max(8), number as u8);
    bytes
}

fn mixed(parts: &[Vec<u8>], nbytes: usize) -> Vec<u8> {
    let number = parts.iter().fold(7, |number: i64, part| number.rotate_left(5) ^ digested(part));
    grown(number, nbytes)
}

/// Of the beginning, the end and the length: the whole of megabytes would take longer than all else, unoptimised.
fn digested(bytes: &[u8]) -> i64 {
    let ends = bytes.iter().take(16).chain(bytes.iter().rev().take(16));
    ends.fold(bytes.len() as i64, |hash, byte| hash.wrapping_mul(31).wrapping_add(i64::from(*byte))) >> 8
}

/// A small generator of numbers: the same graph from the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }
}

/// A graph that has been submitted, and what comes of it.
pub struct Graph {
    numbers: Vec<(TaskFuture<i64>, i64)>,
    blobs: Vec<(TaskFuture<Vec<u8>>, Vec<u8>)>,
    progress: Arc<(Mutex<usize>, Condvar)>,
    len: usize,
}

/// What a graph is made of.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub tasks: usize,
    pub layer: usize,
    /// One of so many tasks on numbers is one of Python; none if it is 0.
    pub python: usize,
}

impl Graph {
    /// Submits a layered graph, most of whose tasks take results of the two layers before.
    pub fn submit<R: Runtime>(client: &Client<R>, seed: u64, shape: Shape) -> Self {
        let mut random = Random::new(seed);
        let mut graph = Self { numbers: Vec::new(), blobs: Vec::new(), progress: Arc::default(), len: 0 };
        while graph.len < shape.tasks {
            let (numbers, blobs) = (graph.numbers.len(), graph.blobs.len());
            for _ in 0..shape.layer.min(shape.tasks - graph.len) {
                graph.submit_one(client, &mut random, shape, (numbers, blobs));
            }
        }
        graph
    }

    fn submit_one<R: Runtime>(
        &mut self,
        client: &Client<R>,
        random: &mut Random,
        shape: Shape,
        (numbers, blobs): (usize, usize),
    ) {
        let nbytes = size(random);
        let recent = |random: &mut Random, len: usize| len - 1 - random.below(len.min(2 * shape.layer));
        match random.below(10) {
            0..4 if blobs > 0 => {
                let chosen: Vec<_> = (0..=random.below(3)).map(|_| recent(random, blobs)).collect();
                let parts: Vec<_> = chosen.iter().map(|index| self.blobs[*index].0.clone()).collect();
                let expected: Vec<_> = chosen.iter().map(|index| self.blobs[*index].1.clone()).collect();
                self.add_blob(client.submit(mix, (parts, nbytes)), mixed(&expected, nbytes));
            }
            4..6 if blobs > 0 => {
                let (blob, expected) = &self.blobs[recent(random, blobs)];
                let (future, expected) = (client.submit(digest, blob), digested(expected));
                self.add_number(future, expected);
            }
            6..8 if numbers > 1 => {
                let (one, other) = (recent(random, numbers), recent(random, numbers));
                let ((one, of_one), (other, of_other)) = (&self.numbers[one], &self.numbers[other]);
                let is_python = shape.python > 0 && random.below(shape.python) == 0;
                if is_python {
                    let future = client.submit(python::<i64>("operator:xor"), (one, other));
                    let expected = of_one ^ of_other;
                    self.add_number(future, expected);
                } else {
                    let future = client.submit(sum, vec![one.clone(), other.clone()]);
                    let expected = [of_one, of_other].into_iter().fold(0, |total, number| (total ^ number) >> 1);
                    self.add_number(future, expected);
                }
            }
            8 if numbers > 0 => {
                let (number, expected) = &self.numbers[recent(random, numbers)];
                let (future, expected) = (client.submit(grow, (number, nbytes)), grown(*expected, nbytes));
                self.add_blob(future, expected);
            }
            _ => {
                let number = random.below(1 << 40) as i64;
                self.add_blob(client.submit(grow, (number, nbytes)), grown(number, nbytes));
            }
        }
    }

    fn add_number(&mut self, future: TaskFuture<i64>, expected: i64) {
        self.count(&future);
        self.numbers.push((future, expected));
    }

    fn add_blob(&mut self, future: TaskFuture<Vec<u8>>, expected: Vec<u8>) {
        self.count(&future);
        self.blobs.push((future, expected));
    }

    fn count<T: Send + Sync + 'static>(&mut self, future: &TaskFuture<T>) {
        self.len += 1;
        let progress = Arc::clone(&self.progress);
        future.on_done(move |_| {
            *progress.0.lock().unwrap() += 1;
            progress.1.notify_all();
        });
    }

    /// Waits until so many tasks have ended, and at most as long as this. Gives how many have.
    pub fn wait_for(&self, count: usize, limit: Duration) -> usize {
        let deadline = Instant::now() + limit;
        let mut done = self.progress.0.lock().unwrap();
        while *done < count {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            done = self.progress.1.wait_timeout(done, left).unwrap().0;
        }
        *done
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Waits for all values, and compares them.
    #[track_caller]
    pub fn check<R: Runtime>(self, client: &Client<R>) {
        let done = self.wait_for(self.len, LIMIT);
        assert_eq!(done, self.len, "the tasks that have ended in time");
        let (numbers, expected): (Vec<_>, Vec<_>) = self.numbers.into_iter().unzip();
        assert_eq!(client.gather(&numbers).timeout(LIMIT).wait().unwrap(), expected);
        let (blobs, expected): (Vec<_>, Vec<_>) = self.blobs.into_iter().unzip();
        let values = client.gather(&blobs).timeout(LIMIT).wait().unwrap();
        assert!(values == expected, "some bytes are wrong");
    }

    /// Cancels some of its tasks, and what depends on them. The others end as they would have.
    pub fn cancel_some<R: Runtime>(self, client: &Client<R>, random: &mut Random) {
        for _ in 0..3 {
            if !self.numbers.is_empty() {
                self.numbers[random.below(self.numbers.len())].0.cancel();
            }
            if !self.blobs.is_empty() {
                client.cancel(&self.blobs[random.below(self.blobs.len())].0).timeout(LIMIT).wait().unwrap();
            }
        }
        for (future, expected) in &self.numbers {
            match future.timeout(LIMIT).wait() {
                Ok(number) => assert_eq!(number, *expected),
                Err(error) => assert!(error.is_cancelled(), "{error:?}"),
            }
        }
    }

    /// The errors of those that have failed, in words.
    pub fn errors(&self) -> Vec<anydask::Error> {
        let numbers = self.numbers.iter().map(|(future, _)| future.timeout(LIMIT).wait().err());
        let blobs = self.blobs.iter().map(|(future, _)| future.timeout(LIMIT).wait().err());
        numbers.chain(blobs).flatten().collect()
    }
}

/// Most are small; some are as large as what fills the buffers of a connection, and a few larger.
fn size(random: &mut Random) -> usize {
    match random.below(100) {
        0..70 => 8 + random.below(1000),
        70..97 => 4_000 + random.below(40_000),
        97..99 => 300_000,
        _ => 2_000_000 + random.below(1_000_000),
    }
}
