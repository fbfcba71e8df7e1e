//! Every example runs, and says what its documentation says.

use std::time::Instant;

#[path = "support/program.rs"]
mod program;

use program::{DEADLINE, Program};

/// What the word count of `examples/common/word_count.rs` prints after its first line.
#[allow(dead_code, reason = "without any runtime there is nobody to count words")]
const WORDS: [&str; 6] = [
    "6 times `a`",
    "5 times `the`",
    "4 times `is`",
    "fetched 52 bytes",
    "fetched nothing: there is no text 99",
    "fetched 32 bytes",
];

/// Runs an example to its end, which must be a good one.
fn output(name: &'static str) -> Vec<String> {
    let start = Instant::now();
    let (lines, status) = Program::start(name, &[]).end();
    assert!(status.success(), "`{name}` ended with {status} after {lines:#?}");
    assert!(start.elapsed() < DEADLINE, "`{name}` took {:?}", start.elapsed());
    lines
}

#[cfg(feature = "tokio")]
#[test]
fn hello_prints_eleven_and_what_comes_of_it() {
    let lines = output("hello");
    assert!(lines[0].starts_with("a client on tokio"), "{lines:#?}");
    assert_eq!(
        lines[lines.len() - 4..],
        ["x + 1 is 11", "x * y is 22", "the sums are [22, 23, 24, 25, 26]", "their sum is 120",]
    );
}

#[cfg(feature = "tokio")]
#[test]
fn the_word_count_runs_on_tokio() {
    let lines = output("on_tokio");
    assert_eq!(lines[0], "on tokio: 53 words");
    assert_eq!(lines[1..], WORDS);
}

#[cfg(feature = "async-std")]
#[test]
fn the_word_count_runs_on_async_std() {
    let lines = output("on_async_std");
    assert_eq!(lines[0], "on async-std: 53 words");
    assert_eq!(lines[1..], WORDS);
}

#[cfg(feature = "smol")]
#[test]
fn the_word_count_runs_on_smol() {
    let lines = output("on_smol");
    assert_eq!(lines[0], "on smol: 53 words");
    assert_eq!(lines[1..], WORDS);
}

#[cfg(all(feature = "tokio", feature = "smol"))]
#[test]
fn the_word_count_runs_on_what_is_detected() {
    let lines = output("on_detected");
    assert_eq!(lines[0], "on smol: 53 words");
    assert_eq!(lines[1..7], WORDS);
    assert_eq!(lines[7], "on tokio: 53 words");
    assert_eq!(lines[8..14], WORDS);
    assert!(lines[14].starts_with("on a plain thread: "), "{lines:#?}");
    assert_eq!(lines.len(), 15);
}

#[cfg(feature = "tokio")]
#[test]
fn a_script_needs_no_async() {
    let lines = output("blocking");
    assert_eq!(
        lines[..4],
        ["the first range has 1229 primes", "all ranges have 9592", "fibonacci of 15 is 610", "on tokio: 53 words",]
    );
    assert_eq!(lines[4..], WORDS);
}

#[cfg(all(feature = "tokio", feature = "smol"))]
#[test]
fn a_library_gives_the_same_on_two_runtimes_of_one_program() {
    assert_eq!(output("library"), ["on tokio: y = 3.000 x + 1.000", "on smol: y = 3.000 x + 1.000", "they are equal",]);
}

#[test]
fn a_runtime_of_ones_own_runs_tasks_and_ends() {
    let lines = output("own_runtime");
    assert_eq!(
        lines,
        ["on own: the squares are [1, 4, 9], and their sum is 14", "the shutdown: Complete"],
        "{lines:#?}"
    );
}
