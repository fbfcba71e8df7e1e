//! The programs that measure. A program has one allocator, so there is one program for each; all but the driver's own are
//! built when they are needed.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command_line::Options;

pub(crate) struct Runners {
    /// For everything but what follows.
    pub(crate) plain: PathBuf,
    /// For scenarios that count allocations; `None` if it cannot be built.
    pub(crate) counting: Option<PathBuf>,
}

impl Runners {
    /// `own_allocator` is the allocator of this program. A smoke test builds nothing: it makes do with what is there.
    pub(crate) fn find(own_allocator: &str, options: &Options) -> Result<Self, Box<dyn Error>> {
        let own = std::env::current_exe()?;
        let allocator = options.allocator.as_deref().unwrap_or(own_allocator);
        let counts = options.scenarios.iter().any(|scenario| scenario.counts);
        let plain = match allocator {
            same if same == own_allocator => own.clone(),
            "mimalloc" => build(&own, "on_mimalloc", &["--features", "mimalloc"])?,
            other => return Err(format!("there is no allocator `{other}`; there is `mimalloc`").into()),
        };
        // It counts what the allocator of the system is asked for, so it says nothing about another one.
        let counting = match allocator {
            crate::SYSTEM if counts && options.is_smoke => {
                Some(own.with_file_name("counting")).filter(|path| path.exists())
            }
            crate::SYSTEM if counts => report(build(&own, "counting", &[])),
            _ => None,
        };
        Ok(Self { plain, counting })
    }
}

fn report(built: Result<PathBuf, Box<dyn Error>>) -> Option<PathBuf> {
    built.inspect_err(|error| eprintln!("allocations are not counted: {error}")).ok()
}

/// Builds a program of this package as the driver was built, and says where it is.
fn build(own: &Path, name: &str, more: &[&str]) -> Result<PathBuf, Box<dyn Error>> {
    eprintln!("building the runner `{name}`");
    let folder = own.parent().ok_or("the driver is in no folder")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--quiet", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    cargo.args(["--bin", name]).args(more);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // The folder of the driver is that of its profile in the target folder.
    cargo.arg("--target-dir").arg(folder.parent().ok_or("the driver is not in a target folder")?);
    if !cargo.status()?.success() {
        return Err(format!("cargo cannot build `{name}`").into());
    }
    Ok(folder.join(name))
}
