//! The programs that measure. A program has one allocator, so there is one program for each; all but the driver's own are
//! built when they are needed.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Runners {
    /// For everything but what follows.
    pub(crate) plain: PathBuf,
    /// For scenarios that count allocations; `None` if it cannot be built.
    pub(crate) counting: Option<PathBuf>,
}

impl Runners {
    pub(crate) fn find(allocator: &str, counts: bool) -> Result<Self, Box<dyn Error>> {
        let own = std::env::current_exe()?;
        match allocator {
            crate::SYSTEM => {
                let counting = if counts { report(build(&own, "counting", &[])) } else { None };
                Ok(Self { plain: own, counting })
            }
            // It counts what the allocator of the system is asked for, so it says nothing about another one.
            "mimalloc" => {
                let plain = build(&own, "on_mimalloc", &["--features", "mimalloc"])?;
                Ok(Self { plain, counting: None })
            }
            other => Err(format!("there is no allocator `{other}`; there is `mimalloc`").into()),
        }
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
