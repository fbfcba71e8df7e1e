//! Where, when and with what a run was made.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

/// What figures mean nothing without.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    /// How many threads wanted a core in the minute before, as the operating system tells it: figures of a machine that
    /// does something else are worth little.
    pub(crate) load: String,
    pub(crate) compiler: String,
    pub(crate) allocator: String,
    pub(crate) versions: BTreeMap<String, String>,
}

/// The packages whose versions are told.
const PACKAGES: &[&str] =
    &["anydask", "tokio", "async-executor", "smol", "async-std", "rayon", "crossbeam-channel", "dagx"];

impl About {
    pub(crate) fn this_machine(allocator: &str) -> Self {
        let versions = PACKAGES.iter().filter_map(|name| Some(((*name).to_owned(), version(name)?)));
        Self {
            date: said_by("date", &["-u", "+%Y-%m-%d"]),
            processor: processor(),
            cores: thread::available_parallelism().map_or(0, Into::into),
            system: said_by("uname", &["-sm"]),
            load: load(),
            compiler: said_by("rustc", &["--version"]),
            allocator: allocator.to_owned(),
            versions: versions.collect(),
        }
    }

    /// One line each, with a name.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let versions: Vec<_> = self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        vec![
            ("date", self.date.clone()),
            ("machine", format!("{}, {} cores, {}", self.processor, self.cores, self.system)),
            ("load", format!("{} before the run; 0 is a quiet machine", self.load)),
            ("compiler", self.compiler.clone()),
            ("allocator", self.allocator.clone()),
            ("versions", versions.join(", ")),
        ]
    }
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".into(),
    }
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown processor".into(), |(_, name)| name.trim().to_owned())
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// The version of a package that this program was built with.
fn version(name: &str) -> Option<String> {
    const LOCK: &str = include_str!("../../../Cargo.lock");
    let (_, rest) = LOCK.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    rest.split_once('"').map(|(version, _)| version.to_owned())
}
