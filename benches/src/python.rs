//! The peers in Python, where `benches/python/install` has put them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peers.py");

/// Each with the package that it is.
const PEERS: &[(&str, &str)] = &[("dask", "distributed"), ("ray", "ray")];

pub(crate) struct Python {
    program: PathBuf,
    pub(crate) subjects: Vec<&'static str>,
}

impl Python {
    /// What there is; says what there is not.
    pub(crate) fn find() -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/benches-python/bin/python");
        let has = |package: &str| {
            let import = format!("import {package}");
            let mut command = Command::new(&program);
            command.args(["-c", &import]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let (there, absent): (Vec<_>, Vec<_>) = PEERS.iter().copied().partition(|(_, package)| has(package));
        for (subject, package) in absent {
            println!("{subject} is left out: there is no Python with `{package}`; benches/python/install gets one");
        }
        let subjects: Vec<_> = there.into_iter().map(|(subject, _)| subject).collect();
        if subjects.is_empty() { None } else { Some(Self { program, subjects }) }
    }

    pub(crate) fn command(&self, subject: &str, scenario: &str, n: usize) -> Command {
        let mut command = Command::new(&self.program);
        command.args([SCRIPT, subject, scenario, &n.to_string()]).stderr(Stdio::null());
        command
    }
}
