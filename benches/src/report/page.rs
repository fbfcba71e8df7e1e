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
a ratio (×) is the median of the ratios within a round, to `tokio::spawn` from a thread that is no worker (`tokio-out`).
Only ratios hold elsewhere. CPU is the time of all threads of the process.
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
    text += "| `ray` | Ray on one machine; its CPU time is that of the driver alone; fewer tasks, one round |\n";
    text
}

fn pass(text: &mut String, results: &Results) -> std::fmt::Result {
    let allocator = &results.about.allocator;
    writeln!(text, "\n## Allocator: {allocator}\n")?;
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
    writeln!(text, "\nEvery figure of every round: `{}`.", figures_file(allocator))
}
