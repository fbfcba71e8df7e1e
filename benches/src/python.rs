//! The peers in Python, where `benches/python/install` has put them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::scenarios::Scenario;
use crate::work::Work;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peers.py");

const ARRAYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/arrays.py");

/// Each with the package that it is.
const PEERS: &[(&str, &str)] = &[("dask-threads", "dask.array"), ("dask", "distributed"), ("ray", "ray")];

/// Whether a peer does a work.
pub(crate) fn has_work(subject: &str, work: Work) -> bool {
    match subject {
        "dask-threads" => work.is_array(),
        "ray" => !work.is_array(),
        _ => true,
    }
}

const CLUSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/cluster.py");

/// A Python with Dask: the one that is for measuring, or the one that the tests have made.
pub(crate) fn with_dask() -> Option<PathBuf> {
    ["benches-python", "python/2026.8.0"]
        .map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(folder).join("bin/python"))
        .into_iter()
        .find(|program| has(program, "numpy, distributed"))
}

/// Dask's own client and workers, on a scheduler that runs.
pub(crate) fn cluster_command(python: &Path, scenario: &str, n: usize) -> Command {
    let mut command = Command::new(python);
    command.args([CLUSTER, scenario, &n.to_string()]).stderr(Stdio::null());
    command
}

fn has(program: &Path, packages: &str) -> bool {
    let mut command = Command::new(program);
    command.args(["-c", &format!("import {packages}")]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

pub(crate) struct Python {
    program: PathBuf,
    pub(crate) subjects: Vec<&'static str>,
}

impl Python {
    /// What there is; says what there is not.
    pub(crate) fn find() -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/benches-python/bin/python");
        let (there, absent): (Vec<_>, Vec<_>) = PEERS.iter().copied().partition(|(_, package)| has(&program, package));
        for (subject, package) in absent {
            println!("{subject} is left out: there is no Python with `{package}`; benches/python/install gets one");
        }
        let subjects: Vec<_> = there.into_iter().map(|(subject, _)| subject).collect();
        if subjects.is_empty() { None } else { Some(Self { program, subjects }) }
    }

    pub(crate) fn command(&self, subject: &str, scenario: &Scenario, n: usize) -> Command {
        let script = if scenario.work.is_array() { ARRAYS } else { SCRIPT };
        let mut command = Command::new(&self.program);
        command.args([script, subject, scenario.name, &n.to_string()]).stderr(Stdio::null());
        command
    }
}
