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

#[cfg(all(feature = "tokio", feature = "progress"))]
#[test]
fn a_model_search_finds_the_same_however_its_threads_take_turns() {
    let tables = [output("model_search"), output("model_search")];
    let [first, second] = tables.each_ref().map(|lines| {
        assert_eq!(lines[0], "round  trained  diverged  cancelled  best loss");
        let rows = lines[1..10].iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let rows: Vec<_> = rows.collect();
        assert!((0..9).all(|round| rows[round].len() == 5 && rows[round][0] == round.to_string()), "{lines:#?}");
        let losses: Vec<f64> = rows.iter().map(|row| row[4].parse().unwrap()).collect();
        assert!(losses.is_sorted_by(|before, after| before >= after), "{lines:#?}");
        assert!(losses[8] < 0.003 && losses[8] < losses[0], "{lines:#?}");
        assert!(rows.iter().any(|row| row[3] != "0"), "nothing was cancelled: {lines:#?}");
        assert!(lines[11].starts_with(&format!("best: loss {} with", rows[8][4])), "{lines:#?}");
        // How many were cancelled is chance, and nothing else.
        let losses: Vec<_> = rows.iter().map(|row| (row[1].to_owned(), row[4].to_owned())).collect();
        (losses, lines[11].clone())
    });
    assert_eq!(first, second);
}

#[cfg(feature = "tokio")]
#[test]
fn a_crawler_fetches_every_page_that_can_be_had() {
    let lines = output("crawler");
    assert!(lines[0].starts_with("crawling http://127.0.0.1:"), "{lines:#?}");
    let number = |line: &str| line.split_whitespace().next().unwrap().parse::<f64>().unwrap();
    let what = |line: &str| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
    let words = ["pages", "bytes", "retries", "connections at once, at most, as the site saw it", "seconds"];
    let report = &lines[3..8];
    assert_eq!(report.iter().map(|line| what(line)).collect::<Vec<_>>(), words, "{lines:#?}");
    assert_eq!(number(&report[0]), 2_999.0);
    // One for every tenth page, and another for every hundredth.
    assert_eq!(number(&report[2]), 330.0);
    assert!((10.0..=50.0).contains(&number(&report[3])), "{lines:#?}");
    assert_eq!(lines[8], "not fetched: [\"/page/13\", \"/page/3000\"]");
    assert_eq!(lines[9], "  /page/3000 answered 404");
    assert!(lines[10].contains("had not finished 3s after it was submitted"), "{lines:#?}");
    assert_eq!(lines.len(), 11, "{lines:#?}");
}

#[cfg(feature = "tokio")]
#[test]
fn a_lazy_graph_counts_the_words_of_a_folder() {
    let folder = std::env::temp_dir().join(format!("anydask-examples-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.txt"), "one two\nthree, Two.\n").unwrap();
    std::fs::write(folder.join("b.md"), "two\n").unwrap();
    std::fs::write(folder.join("c.png"), "no text").unwrap();
    let (path, picture) = (folder.to_str().unwrap(), folder.join("graph.dot"));
    let (lines, status) = Program::start_with("delayed", &[path, picture.to_str().unwrap()], &[]).end();
    let dot = std::fs::read_to_string(&picture);
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(status.success() && dot.is_ok_and(|dot| dot.contains("count_words")), "{lines:#?}");
    assert_eq!(lines[0], "2 files, 8 tasks, 8 edges");
    assert_eq!(lines[2], format!("the graph is drawn in {}", picture.display()));
    assert_eq!(lines[3], format!("       4  {path}/a.txt"));
    assert_eq!(
        lines[5..],
        [
            "       5  words in all",
            "the longest line has 11 letters",
            "3 different words; the most frequent ones:",
            "       3  two",
        ]
    );
}

#[cfg(all(feature = "array", feature = "tokio", feature = "async-std", feature = "smol"))]
#[test]
fn a_random_array_is_what_it_was_made_to_be_on_each_runtime() {
    for runtime in ["tokio", "async-std", "smol"] {
        let (lines, status) = Program::start_with("random_array", &[runtime], &[]).end();
        assert!(status.success(), "on {runtime}: {status} after {lines:#?}");
        assert_eq!(lines[0], "the mean of a million random numbers is 0.50");
        assert_eq!(
            lines[1..],
            [
                "26 tasks, 7 when optimised",
                "their standard deviation, in Fahrenheit, is 9.00",
                "the furthest is 5.1 deviations from the mean of its column",
                "smoothing takes the deviation from 1.00 to 0.58",
                "the file has 12 blocks of the same numbers: true",
                "shapes [3000, 400] and [3000, 300] do not broadcast together: give axes equal lengths, or 1",
                "block [2, 0]: 43.62 is too warm",
            ]
        );
    }
}

#[cfg(all(feature = "array", feature = "smol", feature = "progress"))]
#[test]
fn a_climate_is_found_as_it_was_made_up_in_half_the_memory_that_its_file_takes() {
    let picture = std::env::temp_dir().join(format!("anydask-climate-{}.png", std::process::id()));
    let (lines, status) = Program::start_with("climate", &["64", picture.to_str().unwrap()], &[]).end();
    let drawn = std::fs::read(&picture);
    std::fs::remove_file(&picture).unwrap();
    assert!(status.success() && drawn.is_ok_and(|bytes| bytes.starts_with(b"\x89PNG")), "{lines:#?}");
    let numbers = |line: &str| -> Vec<f64> { line.split_whitespace().filter_map(|word| word.parse().ok()).collect() };
    let megabytes = numbers(&lines[0]);
    assert_eq!(megabytes[..3], [64.0, 72.0, 144.0], "{lines:#?}");
    assert!(megabytes[3] > 1.8 * megabytes[4], "{lines:#?}");
    let decades = lines.iter().filter(|line| line.ends_with('#')).map(|line| numbers(line)[1]);
    assert!(decades.is_sorted_by(|before, after| before < after), "{lines:#?}");
    let found = lines.iter().filter(|line| line.starts_with("warming") || line.starts_with("deviation "));
    for line in found.clone() {
        let [.., made_up, found] = numbers(line)[..] else { panic!("{line}") };
        assert!((made_up - found).abs() < 0.1 * made_up, "{line}");
    }
    assert_eq!(found.count(), 4, "{lines:#?}");
    let used = lines.iter().find(|line| line.starts_with("at most ")).map(|line| numbers(line)[0]);
    assert!(used.is_some_and(|used| used < megabytes[4]), "{lines:#?}");
}

#[cfg(feature = "smol")]
#[test]
fn a_pipeline_reports_what_is_there_and_why_the_rest_is_not() {
    let lines = output("pipeline");
    assert_eq!(lines[0], "4 prices are there; the story of `fetch-prices`:");
    let story: Vec<_> = lines[1..].iter().take_while(|line| !line.is_empty()).collect();
    assert_eq!(story.iter().filter(|line| line.contains(" -> running: ")).count(), 3, "{lines:#?}");
    assert!(story.iter().any(|line| line.contains("running -> waiting: run 2 failed")), "{lines:#?}");
    assert!(story.iter().any(|line| line.contains("the source `prices` answered 503")), "{lines:#?}");
    assert!(story.last().is_some_and(|line| line.contains("running -> memory")), "{lines:#?}");
    assert_eq!(
        lines[story.len() + 2..],
        [
            "shop      sales   turnover",
            "north       180    1653.75",
            "east        160    1470.00",
            "south       200    1837.50",
            "all         540    4961.25",
            "",
            "no sales of harbour: task `fetch-harbour` had not finished 500ms after it was submitted; give it a later deadline",
            "no sales of market: task `parse-market-2` failed: line 118 is `tea three`: invalid digit found in string",
            "",
            "audit: east, 160 sales",
            "audit: north, 180 sales",
            "audit: south, 200 sales",
        ]
    );
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
