//! The examples as what they are: programs.

#![allow(dead_code, reason = "each test file uses its part")]

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// Longest time that a program may take to say something, or to end. A hang is a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// An example that runs. It ends with this value.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    /// Starts an example, with these variables in its environment.
    pub(crate) fn start(name: &'static str, environment: &[(&str, &str)]) -> Self {
        Self::start_with(name, &[], environment)
    }

    /// The same, with arguments.
    pub(crate) fn start_with(name: &'static str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(path(name));
        command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the example starts");
        let output = BufReader::new(child.stdout.take().expect("the output is a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { name, child, lines }
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints, or `None` once it prints no more.
    pub(crate) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("`{}` said nothing for {DEADLINE:?}", self.name),
        }
    }

    /// What it still prints until it ends, and how it ends.
    pub(crate) fn end(mut self) -> (Vec<String>, ExitStatus) {
        let lines = std::iter::from_fn(|| self.line()).collect();
        // Its output is closed: it has ended, but for a few instructions.
        (lines, self.child.wait().expect("the example can be waited for"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error says that it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where cargo puts the examples that it builds for `cargo test`: beside the folder of this test.
fn path(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a test knows its path");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("a test is in `target/<profile>/deps`");
    let path = profile.join("examples").join(name).with_extension(env::consts::EXE_EXTENSION);
    assert!(
        path.exists(),
        "{} is missing: `cargo test --test ..` builds no examples; run `cargo build --examples` first",
        path.display()
    );
    path
}
