//! One Python process of a cluster, which ends with its handle.

use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for a line, or for the end of a process. Python and Dask need two seconds to start where nothing else
/// runs; on a machine that is building at the same time, some ten.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What is sent to a process, by the name that Python has for it.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    Terminate,
    Kill,
    Stop,
    Continue,
}

/// A process and everything that it starts. All of it is killed when the handle is dropped, and when the test
/// program ends without dropping it: see `launcher.py`.
pub struct Process {
    name: String,
    launcher: Child,
    /// Signals go in; its end is the order to end.
    orders: Option<ChildStdin>,
    output: Arc<Output>,
}

impl Process {
    /// Starts `python` with `arguments`. Its output, both streams of it, is kept in `log`.
    pub fn start(name: &str, python: &Path, log: &Path, edit: impl FnOnce(&mut Command)) -> Self {
        Self::start_program(name, python, python, log, edit)
    }

    /// The same of any program. Python only watches over it.
    pub fn start_program(
        name: &str,
        python: &Path,
        program: &Path,
        log: &Path,
        edit: impl FnOnce(&mut Command),
    ) -> Self {
        let output = Arc::new(Output::new(log));
        let (reader, writer) = io::pipe().unwrap();
        let mut command = launch(python, program);
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        edit(&mut command);
        let mut launcher = command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", python.display()));
        // It holds ends of the pipe, whose end would never come.
        drop(command);
        let orders = launcher.stdin.take();
        output.collect(name, reader);
        Self { name: name.to_owned(), launcher, orders, output }
    }

    /// Waits until a line of the output holds `text`, and gives that line: an old one too.
    ///
    /// # Panics
    ///
    /// After [`DEADLINE`], or when the process ends before. The panic shows the output.
    #[track_caller]
    pub fn wait_for_line(&self, text: &str) -> String {
        self.output
            .wait(|lines, is_ended| {
                let found = lines.iter().find(|line| line.contains(text)).cloned();
                if found.is_none() && is_ended { Some(Err("it ended")) } else { found.map(Ok) }
            })
            .unwrap_or(Err("the deadline passed"))
            .unwrap_or_else(|why| panic!("`{}`: {why} without a line with `{text}`\n{}", self.name, self.output.tail()))
    }

    /// Sends a signal to the process and to what it has started.
    pub fn signal(&mut self, signal: Signal) {
        let name = match signal {
            Signal::Terminate => "SIGTERM",
            Signal::Kill => "SIGKILL",
            Signal::Stop => "SIGSTOP",
            Signal::Continue => "SIGCONT",
        };
        if let Some(orders) = &mut self.orders {
            // A process that has ended takes no signals, as elsewhere.
            let _ = writeln!(orders, "{name}").and_then(|()| orders.flush());
        }
    }

    /// Waits until the process, and everything that it has started, is gone.
    ///
    /// # Panics
    ///
    /// After [`DEADLINE`].
    #[track_caller]
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let ended = self.output.wait(|_, is_ended| is_ended.then_some(()));
        assert!(ended.is_some(), "`{}` does not end\n{}", self.name, self.output.tail());
        self.launcher.wait().unwrap()
    }

    /// The lines so far that hold one of these.
    pub fn lines_with(&self, words: &[&str]) -> Vec<String> {
        let state = self.output.state.lock().unwrap();
        state.lines.iter().filter(|line| words.iter().any(|word| line.contains(word))).cloned().collect()
    }

    /// What it has written, for a failure.
    pub fn tail(&self) -> String {
        self.output.tail()
    }

    /// The number of the launcher's process.
    pub fn launcher_pid(&self) -> u32 {
        self.launcher.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.orders.take());
        // The launcher kills, and ends itself; the output ends with the last process that holds it.
        if self.output.wait(|_, is_ended| is_ended.then_some(())).is_none() {
            let _ = self.launcher.kill();
        }
        let _ = self.launcher.wait();
    }
}

/// The beginning of a command that runs under the launcher. What runs is `program`, with its arguments.
pub fn launch(python: &Path, program: &Path) -> Command {
    let launcher = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dask/python/launcher.py");
    let mut command = Command::new(python);
    // Isolated and without packages, to start in a moment.
    command.args(["-I", "-S"]).arg(launcher).arg(program).stdin(std::process::Stdio::piped());
    command
}

/// The lines of a process, as they come.
struct Output {
    log: PathBuf,
    state: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    is_ended: bool,
}

impl Output {
    fn new(log: &Path) -> Self {
        Self { log: log.to_owned(), state: Mutex::default(), changed: Condvar::new() }
    }

    /// Reads on a thread that ends with the output.
    fn collect(self: &Arc<Self>, name: &str, reader: PipeReader) {
        let output = Arc::clone(self);
        let mut log = File::options().create(true).append(true).open(&self.log).unwrap();
        let collect = move || {
            let mut reader = BufReader::new(reader);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
                let _ = log.write_all(&line);
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                output.state.lock().unwrap().lines.push(text);
                output.changed.notify_all();
            }
            output.state.lock().unwrap().is_ended = true;
            output.changed.notify_all();
        };
        thread::Builder::new().name(format!("output of {name}")).spawn(collect).unwrap();
    }

    /// Waits until `found` finds something. `None` after the deadline.
    fn wait<T>(&self, mut found: impl FnMut(&[String], bool) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + DEADLINE;
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(found) = found(&state.lines, state.is_ended) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    fn tail(&self) -> String {
        let state = self.state.lock().unwrap();
        let start = state.lines.len().saturating_sub(40);
        format!("--- the end of {} ---\n{}\n", self.log.display(), state.lines[start..].join("\n"))
    }
}
