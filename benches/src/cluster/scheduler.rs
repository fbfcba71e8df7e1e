//! The scheduler of one run, which all subjects use.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use super::{ADDRESS, DEADLINE, PID};

pub(crate) struct Scheduler {
    child: Child,
    address: String,
}

impl Scheduler {
    /// `dask scheduler`, on a free port of the loopback interface.
    pub(crate) fn start(python: &Path) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(python);
        command.args(["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]);
        command.args(["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (sender, addresses) = mpsc::channel();
        let output = BufReader::new(child.stderr.take().ok_or("the output is a pipe")?);
        // Read to its end: a full pipe would stop the scheduler.
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("Scheduler at:") {
                    let _ = sender.send(address.trim().to_owned());
                }
            }
        });
        match addresses.recv_timeout(DEADLINE) {
            Ok(address) => Ok(Self { child, address }),
            Err(_) => {
                let _ = child.kill();
                Err("the scheduler does not start".into())
            }
        }
    }

    /// Tells a measured process where it is.
    pub(crate) fn set(&self, command: &mut Command) {
        command.env(ADDRESS, &self.address).env(PID, self.child.id().to_string());
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        // It keeps nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
