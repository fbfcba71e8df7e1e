//! Dask in a Python environment of its own, made once for each version and kept under `target/python`.

use std::any::TypeId;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A version of Dask that the tests run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// The oldest that is supported.
    Oldest,
    /// The newest that is known to work.
    Newest,
}

impl Version {
    /// The version that the tests on runtime `R` have. So each version has each test.
    pub fn on<R: 'static>() -> Self {
        if TypeId::of::<R>() == TypeId::of::<anydask::runtime::Smol>() { Self::Oldest } else { Self::Newest }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Oldest => "2025.4.1",
            Self::Newest => "2026.8.0",
        }
    }

    /// What is installed. All that decides what is on the wire has a fixed version.
    fn requirements(self) -> Vec<String> {
        let version = self.name();
        let mut all = vec![format!("dask=={version}"), format!("distributed=={version}")];
        all.extend(
            ["bokeh==3.9.2", "numpy==2.4.6", "cloudpickle==3.1.3", "msgpack==1.2.4", "tblib==3.2.2"].map(String::from),
        );
        all
    }
}

/// The Python of an environment with Dask in `version`. The first call installs it, which needs a network.
///
/// # Panics
///
/// When there is no Python, or no network. The text says what to do.
pub fn python(version: Version) -> PathBuf {
    let folder = target().join("python").join(version.name());
    let python = folder.join("bin/python");
    let wanted = version.requirements().join("\n");
    // Written last, so that an environment without it is half-made.
    let stamp = folder.join("installed.txt");
    let is_made = || fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted);
    if is_made() {
        return python;
    }

    fs::create_dir_all(target().join("python")).unwrap();
    let lock = File::create(folder.with_extension("lock")).unwrap();
    // Test programs run at the same time. The lock goes with the file, also when this process is killed.
    lock.lock().unwrap();
    if is_made() {
        return python;
    }
    let _ = fs::remove_dir_all(&folder);
    let host = std::env::var("ANYDASK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let fix = format!(
        "The tests against a real Dask need Python 3.11 or later with its `venv` module, and once a network to install \
         Dask {version} from PyPI. Install Python (on Debian `apt install python3-venv`), or name one by \
         ANYDASK_PYTHON=/path/to/python3, or leave these tests out: `cargo test` without the feature `dask`.",
        version = version.name()
    );
    run(Command::new(host).args(["-m", "venv"]).arg(&folder), &fix);
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(pip).args(version.requirements()), &fix);
    fs::write(&stamp, wanted).unwrap();
    python
}

/// The folder for what tests leave behind. Git ignores it.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

fn run(command: &mut Command, fix: &str) {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            panic!("{command:?} failed ({}):\n{said}\n{fix}", output.status);
        }
        Err(error) => panic!("cannot run {command:?}: {error}\n{fix}"),
    }
}
