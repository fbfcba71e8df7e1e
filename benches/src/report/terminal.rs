//! Tables in the terminal.

use crate::cluster::THEIRS;
use crate::report::Results;
use crate::report::format::{number, ratio};
use crate::report::verdict::Verdict;
use crate::scenarios::{SCENARIOS, Scenario};
use crate::subjects::{BY_HAND, PYTHON, REFERENCE, SUBJECTS};

/// What the figures were made with.
pub(crate) fn head(results: &Results) {
    for (name, value) in results.about.lines() {
        println!("{name:<11}{value}");
    }
    println!(
        "{:<11}{}; ratios (×) are to {REFERENCE} of the same round, of arrays to {BY_HAND}, of clusters to {THEIRS}",
        "rounds", results.rounds
    );
    if results.is_smoke {
        println!("a smoke test: the figures below say that it works, and nothing else");
    }
}

/// The table of one scenario, and its goals below it.
pub(crate) fn table(scenario: &Scenario, results: &Results) {
    println!("\n{}: {}", scenario.name, scenario.title);
    print(&rows(scenario, results));
    let verdicts = Verdict::all(scenario.name, results);
    if !verdicts.is_empty() && !results.is_smoke {
        let mut goals = vec![["", "goal", "measured", "gate", "stretch", ""].map(String::from).to_vec()];
        goals.extend(verdicts.iter().map(|verdict| [vec!["".into()], verdict.cells().to_vec()].concat()));
        print(&goals);
    }
}

/// Every goal of the run that was missed.
pub(crate) fn summary(all: &[&Results]) {
    if all.iter().any(|results| results.is_smoke) {
        return;
    }
    let all: Vec<_> = SCENARIOS
        .iter()
        .flat_map(|scenario| {
            all.iter().flat_map(|results| Verdict::all(scenario.name, results)).map(move |verdict| (scenario, verdict))
        })
        .collect();
    let missed: Vec<_> = all.iter().filter(|(_, verdict)| verdict.is_missed()).collect();
    println!("\n{} of {} goals are missed", missed.len(), all.len());
    let mut rows = vec![["scenario", "goal", "measured", "gate", "stretch", ""].map(String::from).to_vec()];
    rows.extend(
        missed.iter().map(|(scenario, verdict)| [vec![scenario.name.into()], verdict.cells().to_vec()].concat()),
    );
    if rows.len() > 1 {
        print(&rows);
    }
}

/// A row of headings, and one for each subject that was measured.
pub(super) fn rows(scenario: &Scenario, results: &Results) -> Vec<Vec<String>> {
    let mut headings = vec!["subject".to_owned()];
    for column in scenario.columns {
        headings.push(column.heading.into());
        headings.extend(column.has_ratio.then(|| "×".to_owned()));
    }
    let mut rows = vec![headings];
    for subject in SUBJECTS.iter().map(|subject| subject.name).chain(PYTHON.iter().copied()) {
        if results.has_failed(scenario.name, subject) {
            rows.push(vec![subject.into(), "FAILED".into()]);
        }
        if results.rounds_of(scenario.name, subject).is_empty() {
            continue;
        }
        let mut row = vec![subject.to_owned()];
        for column in scenario.columns {
            row.push(number(results.figure(scenario.name, subject, column.figure)));
            row.extend(
                column
                    .has_ratio
                    .then(|| ratio(results.ratio(scenario.name, subject, scenario.reference(), column.figure))),
            );
        }
        rows.push(row);
    }
    rows
}

/// Columns as wide as their widest cell: the first two to the left, numbers to the right.
fn print(rows: &[Vec<String>]) {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = width(column).unwrap_or(0);
            let is_text = column == 0 || rows[0][column] == "goal" || rows[0][column].is_empty();
            line += &if is_text { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") };
        }
        println!("{}", line.trim_end());
    }
}
