//! The page of results, in Markdown.

use std::fmt::Write;

use crate::report::plots;
use crate::report::terminal::rows;
use crate::report::verdict::Verdict;
use crate::report::{Results, figures_file};
use crate::scenarios::SCENARIOS;
use crate::subjects::SUBJECTS;

const HEAD: &str = "\
# Results

Written by `cargo run --release --package anydask-benches -- --out benches`, which measures all of this anew. Every subject
runs each scenario in a process of its own, in rounds in which the subjects take turns. Figures are medians over the rounds;
a ratio (×) is the median of the ratios within a round, to `tokio::spawn` from a thread that is no worker (`tokio-out`),
of arrays to `ndarray` and rayon by hand (`ndarray`).
Only ratios hold elsewhere. CPU is the time of all threads of the process.
";

/// What is different there.
const CLUSTERS: &str = "\
One scheduler of Dask's, on the loopback interface, and on it in turns this library's client and workers (`anydask-cluster`) and Dask's
(`dask-cluster`), to which the ratios are. Workers have two threads; client, scheduler and workers are processes of their own and share
the cores. CPU is that of the client's process; of the scheduler and of the workers it is told apart, in steps of 10 ms. The scheduler
sends to a worker at most once in 5 ms, which bounds the latency of what is submitted back to back.
";

pub(super) fn text(passes: &[Results]) -> String {
    let mut text = String::from(HEAD);
    for results in passes {
        // Writing to a string does not fail.
        let _ = pass(&mut text, results);
    }
    text += "\n## Who is measured\n\n| subject | |\n|---|---|\n";
    for subject in SUBJECTS {
        let _ = writeln!(text, "| `{}` | {} |", subject.name, subject.about);
    }
    text +=
        "| `dask` | Dask's asynchronous client, with scheduler and worker in its process; fewer tasks, one round |\n";
    text += "| `dask-threads` | dask.array on its scheduler with threads; one round |\n";
    text += "| `dask-cluster` | Dask's asynchronous client and `dask worker`, on the same scheduler |\n";
    text += "| `ray` | Ray on one machine; its CPU time is that of the driver alone; fewer tasks, one round |\n";
    text
}

fn pass(text: &mut String, results: &Results) -> std::fmt::Result {
    match results.is_cluster {
        true => writeln!(text, "\n## On a Dask cluster\n\n{CLUSTERS}")?,
        false => writeln!(text, "\n## Allocator: {}\n", results.about.allocator)?,
    }
    if results.is_smoke {
        writeln!(text, "**A smoke test: these figures say that it works, and nothing else.**\n")?;
    }
    writeln!(text, "| | |\n|---|---|")?;
    for (name, value) in results.about.lines() {
        writeln!(text, "| {name} | {value} |")?;
    }
    writeln!(text, "| rounds | {} |\n", results.rounds)?;
    for plot in plots::of(results) {
        writeln!(text, "![{}](plots/{})\n", plot.title, plot.file(results))?;
    }

    writeln!(text, "### Goals\n")?;
    writeln!(text, "| scenario | goal | measured | gate | stretch | |\n|---|---|---:|---:|---:|---|")?;
    for scenario in SCENARIOS {
        for verdict in Verdict::all(scenario.name, results) {
            writeln!(text, "| {} | {} |", scenario.name, verdict.cells().join(" | "))?;
        }
    }

    for scenario in SCENARIOS {
        let rows = rows(scenario, results);
        let [headings, subjects @ ..] = &rows[..] else { continue };
        if subjects.is_empty() {
            continue;
        }
        writeln!(text, "\n### {}: {}\n", scenario.name, scenario.title)?;
        writeln!(text, "| {} |", headings.join(" | "))?;
        writeln!(text, "|---{}|", "|---:".repeat(headings.len() - 1))?;
        for row in subjects {
            writeln!(text, "| {} |", row.join(" | "))?;
        }
    }
    writeln!(text, "\nEvery figure of every round: `{}`.", figures_file(results.group()))
}
