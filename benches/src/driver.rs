//! The driver: rounds in which every subject is measured once, each in a process of its own.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cluster::{OURS, Scheduler, THEIRS, is_cluster};
use crate::command_line::{self, HELP, Options};
use crate::measure::Figures;
use crate::python::{self, Python};
use crate::report::{self, About, Results};
use crate::runners::Runners;
use crate::scenarios::{Method, Scenario};
use crate::subjects::{SUBJECTS, Subject};
use crate::work::THREADS;

/// What the driver tells a process that measures.
pub(crate) struct Order {
    pub(crate) scenario: String,
    pub(crate) subject: String,
    pub(crate) is_smoke: bool,
}

/// The argument that makes a process measure. Not for use by hand.
const MEASURE: &str = "--measure";

impl Order {
    pub(crate) fn from_arguments() -> Option<Self> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        match &arguments[..] {
            [first, scenario, subject, rest @ ..] if first == MEASURE => Some(Self {
                scenario: scenario.clone(),
                subject: subject.clone(),
                is_smoke: rest.first().is_some_and(|size| size == "smoke"),
            }),
            _ => None,
        }
    }

    fn command(runner: &Path, scenario: &Scenario, subject: &str, is_smoke: bool) -> Command {
        let mut command = Command::new(runner);
        command.args([MEASURE, scenario.name, subject, if is_smoke { "smoke" } else { "full" }]);
        // These runtimes take their number of threads from nowhere else.
        command.env("SMOL_THREADS", THREADS.to_string()).env("ASYNC_STD_THREAD_COUNT", THREADS.to_string());
        command
    }
}

pub(crate) fn main(allocator: &str) -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::parse()? else {
        print!("{HELP}{}", command_line::lists());
        return Ok(());
    };
    if options.is_page_only {
        return report::write_page(options.out.as_deref().unwrap_or("".as_ref()));
    }
    let runners = Runners::find(allocator, &options)?;
    let allocator = options.allocator.as_deref().unwrap_or(allocator);
    let python = if options.is_smoke { None } else { Python::find() };
    let cluster =
        if options.scenarios.iter().any(|scenario| is_cluster(scenario.work)) { cluster(&options) } else { None };
    let about = About::this_machine(allocator);
    let mut results = Results::new(about.clone(), options.rounds, options.is_smoke);
    let mut clusters = Results::new(about, options.rounds, options.is_smoke).of_clusters();
    report::terminal::head(&results);
    for scenario in &options.scenarios {
        let results = match (is_cluster(scenario.work), &cluster) {
            (false, _) => {
                measure(scenario, &options, &runners, python.as_ref(), &mut results);
                &results
            }
            (true, Some((python, scheduler))) => {
                measure_cluster(scenario, &options, &runners, (python, scheduler), &mut clusters);
                &clusters
            }
            (true, None) => continue,
        };
        report::terminal::table(scenario, results);
        if let Some(out) = &options.out {
            // Long runs may be interrupted: what there is, is kept.
            report::write_figures(out, results)?;
        }
    }
    report::terminal::summary(&[&results, &clusters]);
    if let Some(out) = &options.out {
        report::write_page(out)?;
    }
    let failures = results.failures + clusters.failures;
    if failures > 0 {
        return Err(format!("{failures} measurements failed").into());
    }
    Ok(())
}

fn measure(scenario: &Scenario, options: &Options, runners: &Runners, python: Option<&Python>, results: &mut Results) {
    let runner = match &runners.counting {
        Some(counting) if scenario.counts => counting,
        _ => &runners.plain,
    };
    let is_wanted = |name: &str| {
        name == scenario.reference() || options.subjects.is_empty() || options.subjects.iter().any(|one| one == name)
    };
    for round in 0..options.rounds {
        for subject in SUBJECTS.iter().filter(|subject| is_measured(subject, scenario) && is_wanted(subject.name)) {
            let command = Order::command(runner, scenario, subject.name, options.is_smoke);
            take(command, scenario, subject.name, round, results);
        }
        // A second opinion on what takes a thousand times as long would take a thousand times as long.
        if let (Some(python), Some(n), 0) = (python, scenario.python, round) {
            let subjects = python.subjects.iter().filter(|subject| python::has_work(subject, scenario.work));
            for subject in subjects.filter(|subject| is_wanted(subject)) {
                take(python.command(subject, scenario, n), scenario, subject, round, results);
            }
        }
        eprintln!("{}: round {} of {}", scenario.name, round + 1, options.rounds);
    }
}

/// A scheduler, and the Python that it runs in. Says so if there is none.
fn cluster(options: &Options) -> Option<(PathBuf, Scheduler)> {
    let absent = "there is no Python with `distributed`; benches/python/install gets one";
    let started = match python::with_dask() {
        Some(python) => Scheduler::start(&python).map(|scheduler| (python, scheduler)),
        None => Err(absent.into()),
    };
    started
        .inspect_err(|error| {
            let scenarios = options.scenarios.iter().filter(|scenario| is_cluster(scenario.work));
            let names: Vec<_> = scenarios.map(|scenario| scenario.name).collect();
            println!("{}: left out: {error}", names.join(", "));
        })
        .ok()
}

/// Ours and Dask's take turns on one scheduler.
fn measure_cluster(
    scenario: &Scenario,
    options: &Options,
    runners: &Runners,
    (python, scheduler): (&Path, &Scheduler),
    results: &mut Results,
) {
    let n = scenario.size(scenario.python.unwrap_or_default(), options.is_smoke);
    for round in 0..options.rounds {
        for subject in [OURS, THEIRS] {
            let mut command = match subject {
                OURS => Order::command(&runners.plain, scenario, subject, options.is_smoke),
                _ => python::cluster_command(python, scenario.name, n),
            };
            scheduler.set(&mut command);
            take(command, scenario, subject, round, results);
        }
        eprintln!("{}: round {} of {}", scenario.name, round + 1, options.rounds);
    }
}

fn is_measured(subject: &Subject, scenario: &Scenario) -> bool {
    let is_single = matches!(scenario.method, Method::Once(_));
    match subject.name {
        "anydask-smol" | "anydask-async-std" if !scenario.is_core => return false,
        // How much it costs from inside is said once, by the work itself.
        name if name.ends_with("-in") && !is_single => return false,
        _ => {}
    }
    (subject.body)(scenario.work).is_some()
}

/// Carries out one measurement; one that fails is counted and told.
fn take(mut command: Command, scenario: &Scenario, subject: &str, round: usize, results: &mut Results) {
    let measured =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().and_then(|child| child.wait_with_output());
    let figures = measured.map_err(|error| error.to_string()).and_then(|output| {
        let text = String::from_utf8_lossy(&output.stdout);
        match (output.status.success(), text.lines().last()) {
            (true, Some(line)) => serde_json::from_str::<Figures>(line).map_err(|error| error.to_string()),
            _ => Err(output.status.to_string()),
        }
    });
    match figures {
        Ok(figures) => results.add(scenario.name, subject, round, figures),
        Err(error) => {
            eprintln!("{}: {subject} failed: {error}", scenario.name);
            results.fail(scenario.name, subject);
        }
    }
}
