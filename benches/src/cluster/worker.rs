//! A worker in a process of its own: this program, told so.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::{env, io, thread};

use anydask::runtime::Tokio;

use super::ADDRESS;
use crate::work::THREADS;

/// The argument that makes a process a worker. Not for use by hand.
pub(crate) const WORK: &str = "--work";

pub(super) struct Worker {
    pub(super) name: String,
    child: Child,
    /// It ends with its input.
    input: Option<ChildStdin>,
}

impl Worker {
    pub(super) fn start(scheduler: &str) -> Self {
        let program = env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        command.arg(WORK).env(ADDRESS, scheduler).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a worker starts");
        let mut name = String::new();
        let output = child.stdout.take().expect("the output is a pipe");
        BufReader::new(output).read_line(&mut name).expect("a worker says its name");
        let input = child.stdin.take();
        Self { name: name.trim().to_owned(), child, input }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.input.take());
        // It has no reason not to end, and the driver bounds every measurement.
        let _ = self.child.wait();
    }
}

/// Works until the end of the input: that of the process that started this one.
pub(crate) fn work() -> Result<(), Box<dyn std::error::Error>> {
    let worker = anydask::Worker::<Tokio>::connect(env::var(ADDRESS)?).threads(THREADS).start().wait()?;
    println!("{}", worker.address());
    // On a thread, since the scheduler may also end it.
    let input = thread::spawn(|| io::stdin().read_to_end(&mut Vec::new()));
    input.join().map_err(|_| "the input cannot be read")??;
    worker.stop().wait()?;
    Ok(())
}
