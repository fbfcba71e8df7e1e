//! Dask clusters of real Python processes: started, stopped, killed, and gone at the end of each test.

#![allow(dead_code, unreachable_pub)]

pub mod certificates;
pub mod pool;
mod process;
mod python;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::certificates::Authority;
pub use self::process::{DEADLINE, Process, Signal};
pub use self::python::{Version, python, target};

/// A scheduler and its Python workers. Dropping it ends them all.
pub struct Cluster {
    version: Version,
    /// For logs, and what the workers spill.
    folder: PathBuf,
    certificates: Option<Certificates>,
    scheduler: Option<Process>,
    address: String,
    has_dashboard: bool,
    /// There if the scheduler answers.
    answers: Option<Mutex<BufReader<TcpStream>>>,
    workers: BTreeMap<String, Process>,
}

/// What a scheduler has besides.
#[derive(Clone, Copy, Default)]
struct Extras {
    answers: bool,
    dashboard: bool,
}

/// Paths of PEM files.
#[derive(Clone)]
pub struct Certificates {
    pub ca_file: PathBuf,
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Cluster {
    /// Starts a scheduler at a free port of the loopback interface.
    pub fn start(version: Version) -> Self {
        Self::starting(version, None, Extras::default())
    }

    /// Starts a scheduler that answers to [`look`](Self::look). Otherwise it is as any.
    pub fn start_answering(version: Version) -> Self {
        Self::starting(version, None, Extras { answers: true, ..Extras::default() })
    }

    /// Starts a scheduler that speaks only TLS, with certificates of its own.
    pub fn start_tls(version: Version) -> Self {
        let authority = Authority::new();
        Self::starting(version, Some(&authority), Extras::default())
    }

    /// Starts a scheduler that has its dashboard at a free port.
    pub fn start_with_dashboard(version: Version) -> Self {
        Self::starting(version, None, Extras { dashboard: true, ..Extras::default() })
    }

    fn starting(version: Version, authority: Option<&Authority>, extras: Extras) -> Self {
        let folder = new_folder();
        let certificates = authority.map(|authority| Certificates::write(&folder, authority));
        let address = String::new();
        let (answers, has_dashboard, workers) = (None, extras.dashboard, BTreeMap::new());
        let mut cluster =
            Self { version, folder, certificates, scheduler: None, address, has_dashboard, answers, workers };
        cluster.start_scheduler_with(|command| {
            if extras.answers {
                let preload = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dask/python/look.py");
                command.arg("--preload").arg(preload);
                // It drops copies every two seconds, also between two looks of a test.
                command.env("DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__START", "False");
            }
            command.args(["--port", "0"]);
        });
        if extras.answers {
            let line = cluster.scheduler().wait_for_line("Answers at:");
            let port: u16 = line.split_whitespace().last().and_then(|port| port.parse().ok()).unwrap();
            let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            cluster.answers = Some(Mutex::new(BufReader::new(stream)));
        }
        cluster
    }

    pub fn version(&self) -> Version {
        self.version
    }

    /// Of the scheduler: `tcp://127.0.0.1:41273`.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn port(&self) -> u16 {
        self.address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap()
    }

    /// The files for a client or worker of an encrypted cluster.
    pub fn certificates(&self) -> &Certificates {
        self.certificates.as_ref().expect("only a cluster of `start_tls` has certificates")
    }

    /// Asks the scheduler for the value of a Python expression, in which it is `s`. Gives JSON.
    #[track_caller]
    pub fn look(&self, expression: &str) -> String {
        let answers = self.answers.as_ref().expect("only the scheduler of `start_answering` answers");
        let mut answers = answers.lock().unwrap();
        writeln!(answers.get_mut(), "{expression}").unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert!(!line.starts_with("error: "), "`{expression}`: {line}");
        line.trim_end().to_owned()
    }

    fn start_scheduler_with(&mut self, edit: impl FnOnce(&mut Command)) {
        let has_dashboard = self.has_dashboard;
        let scheduler = self.start_dask("scheduler", |command| {
            command.args(["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]);
            if !has_dashboard {
                command.arg("--no-dashboard");
            }
            edit(command);
        });
        let line = scheduler.wait_for_line("Scheduler at:");
        let address = line.split_whitespace().last().unwrap_or_default().to_owned();
        let is_first = self.address.is_empty();
        assert!(is_first || address == self.address, "the scheduler came back at {address}, not at {}", self.address);
        self.address = address;
        self.scheduler = Some(scheduler);
    }

    /// Asserts that the scheduler has met nothing that it did not expect, besides what is in `expected`.
    ///
    /// # Panics
    ///
    /// With what it wrote, if that has an error, a warning or a traceback in it.
    #[track_caller]
    pub fn assert_quiet(&self, expected: &[&str]) {
        let scheduler = self.scheduler.as_ref().expect("the scheduler has been stopped");
        let mut bad = scheduler.lines_with(&["Traceback", "ERROR", "CRITICAL", "Exception", "WARNING"]);
        bad.retain(|line| !expected.iter().any(|text| line.contains(text)));
        assert!(bad.is_empty(), "the scheduler wrote {bad:#?}\n{}", scheduler.tail());
    }

    /// Ends the scheduler at once, so that it says goodbye to nobody.
    pub fn kill_scheduler(&mut self) {
        if let Some(mut scheduler) = self.scheduler.take() {
            scheduler.signal(Signal::Kill);
            scheduler.wait_for_end();
        }
    }

    /// Ends the scheduler as its operator would.
    pub fn stop_scheduler(&mut self) {
        if let Some(mut scheduler) = self.scheduler.take() {
            scheduler.signal(Signal::Terminate);
            scheduler.wait_for_end();
        }
    }

    /// Starts a new scheduler at the port of the one that was stopped or killed.
    pub fn start_scheduler_again(&mut self) {
        assert!(self.scheduler.is_none(), "the scheduler still runs");
        let port = self.port().to_string();
        self.start_scheduler_with(|command| _ = command.args(["--port", &port]));
    }

    /// The scheduler's process, to look at its output or to send it signals.
    pub fn scheduler(&mut self) -> &mut Process {
        self.scheduler.as_mut().expect("the scheduler has been stopped")
    }

    /// Starts a Python worker with one thread, and gives its address once it is registered.
    pub fn python_worker(&mut self, name: &str) -> String {
        self.python_worker_with(name, |_| ())
    }

    /// The same with more arguments for `dask worker`.
    pub fn python_worker_with(&mut self, name: &str, edit: impl FnOnce(&mut Command)) -> String {
        let address = self.address.clone();
        let worker = self.start_dask("worker", |command| {
            command.args([&address, "--name", name, "--host", "127.0.0.1", "--no-dashboard", "--no-nanny"]);
            command.args(["--dashboard-address", "127.0.0.1:0", "--nthreads", "1", "--memory-limit", "1GiB"]);
            command.arg("--local-directory").arg(self.folder.join("spilled"));
            edit(command);
        });
        let line = worker.wait_for_line("Start worker at:");
        worker.wait_for_line("Registered to:");
        let old = self.workers.insert(name.to_owned(), worker);
        assert!(old.is_none(), "there is already a worker `{name}`");
        line.split_whitespace().last().unwrap_or_default().to_owned()
    }

    /// Starts this test program as a worker, which `edit` tells it to be.
    pub fn worker_program(&mut self, name: &str, edit: impl FnOnce(&mut Command)) -> &mut Process {
        let (python, program) = (python(self.version), std::env::current_exe().unwrap());
        let log = self.log(&format!("program-{name}-{}", next_number()));
        let worker = Process::start_program(name, &python, &program, &log, edit);
        let old = self.workers.insert(name.to_owned(), worker);
        assert!(old.is_none(), "there is already a worker `{name}`");
        self.worker(name)
    }

    /// A worker's process.
    pub fn worker(&mut self, name: &str) -> &mut Process {
        self.workers.get_mut(name).unwrap_or_else(|| panic!("there is no worker `{name}`"))
    }

    /// Ends a worker as its operator would, and waits until it is gone.
    pub fn stop(&mut self, name: &str) {
        self.end(name, Signal::Terminate);
    }

    /// Ends a worker at once, so that it says goodbye to nobody.
    pub fn kill9(&mut self, name: &str) {
        self.end(name, Signal::Kill);
    }

    fn end(&mut self, name: &str, signal: Signal) {
        let worker = self.worker(name);
        worker.signal(signal);
        worker.wait_for_end();
        self.workers.remove(name);
    }

    /// Makes a worker silent: its connections stay open, and nothing comes.
    pub fn sigstop(&mut self, name: &str) {
        self.worker(name).signal(Signal::Stop);
    }

    /// Lets a silent worker go on.
    pub fn sigcont(&mut self, name: &str) {
        self.worker(name).signal(Signal::Continue);
    }

    /// Runs a script of a second client, and gives what it prints. `Client()` in it connects to this cluster. The modules
    /// in `tests/dask/python` can be imported, as on the workers.
    ///
    /// # Panics
    ///
    /// When it fails, or takes longer than [`DEADLINE`]. The panic shows what it wrote.
    #[track_caller]
    pub fn run_python(&self, script: &str) -> String {
        let number = next_number();
        let printed = self.folder.join(format!("script-{number}.out"));
        let mut process = self.start_script(&format!("script-{number}"), script, |command| {
            command.stdout(File::create(&printed).unwrap());
        });
        let status = process.wait_for_end();
        let mut text = String::new();
        File::open(&printed).unwrap().read_to_string(&mut text).unwrap();
        assert!(status.success(), "the script failed ({status})\n{script}\n{text}\n{}", process.tail());
        text
    }

    /// Starts a script that goes on beside the test. Wait for the lines that it prints.
    pub fn start_python(&self, script: &str) -> Process {
        self.start_script(&format!("script-{}", next_number()), script, |_| ())
    }

    fn start_script(&self, name: &str, script: &str, edit: impl FnOnce(&mut Command)) -> Process {
        let python = python(self.version);
        Process::start(name, &python, &self.log(name), |command| {
            command.args(["-u", "-c", script]);
            self.set_environment(command);
            edit(command);
        })
    }

    fn start_dask(&self, what: &str, edit: impl FnOnce(&mut Command)) -> Process {
        let python = python(self.version);
        let name = format!("{what}-{}", next_number());
        Process::start(&name, &python, &self.log(&name), |command| {
            command.args(["-m", "dask", what]);
            self.set_environment(command);
            if let Some(files) = &self.certificates {
                command.args(["--protocol", "tls"]);
                command.arg("--tls-ca-file").arg(&files.ca_file);
                command.arg("--tls-cert").arg(&files.cert).arg("--tls-key").arg(&files.key);
            }
            edit(command);
        })
    }

    /// Nothing of the user's own Dask, and what scripts need to find this cluster.
    fn set_environment(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DASK_") {
                command.env_remove(name);
            }
        }
        command.env("DASK_CONFIG", &self.folder).env("DASK_SCHEDULER_ADDRESS", &self.address);
        command.env("PYTHONUNBUFFERED", "1");
        command.env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dask/python"));
        if let Some(files) = &self.certificates {
            let prefix = "DASK_DISTRIBUTED__COMM__TLS__";
            command.env(format!("{prefix}CA_FILE"), &files.ca_file);
            command.env(format!("{prefix}CLIENT__CERT"), &files.cert).env(format!("{prefix}CLIENT__KEY"), &files.key);
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for process in self.scheduler.iter().chain(self.workers.values()) {
                eprintln!("{}", process.tail());
            }
        }
        // Workers first: they would try to find a scheduler that is gone.
        self.workers.clear();
        self.scheduler = None;
    }
}

impl Certificates {
    fn write(folder: &Path, authority: &Authority) -> Self {
        let certificate = authority.sign();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        Self {
            ca_file: write("ca.pem", authority.pem()),
            cert: write("cert.pem", &certificate.cert),
            key: write("key.pem", &certificate.key),
        }
    }
}

/// A folder for one cluster, empty, whose name tells the test. Another program may have a test of that name.
fn new_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let test = std::thread::current().name().unwrap_or("main").replace("::", "-");
    let folder =
        target().join("dask-logs").join(program.file_stem().unwrap()).join(format!("{test}-{}", next_number()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
