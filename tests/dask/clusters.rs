//! The clusters of these tests themselves: they start, they work, and they are gone afterwards.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

use crate::cluster::{Cluster, Process, Signal, Version, python, target};

const COMPUTES: &str = "
from distributed import Client
from twice import twice
with Client() as client:
    print(client.submit(twice, 21).result(timeout=30))
";

fn computes_and_is_gone(mut cluster: Cluster) {
    let worker = cluster.python_worker("one");
    assert_eq!(cluster.run_python(COMPUTES).trim(), "42");
    let ports = [cluster.address(), &worker].map(|address| address.split_once("://").unwrap().1.to_owned());
    for port in &ports {
        TcpStream::connect(port).unwrap();
    }
    let launchers = [cluster.scheduler().launcher_pid(), cluster.worker("one").launcher_pid()];

    drop(cluster);
    for port in &ports {
        assert!(TcpStream::connect(port).is_err(), "something still listens at {port}");
    }
    for launcher in launchers {
        assert!(!Path::new(&format!("/proc/{launcher}")).exists());
    }
}

#[test]
fn a_cluster_of_the_newest_version_computes_and_is_gone() {
    computes_and_is_gone(Cluster::start(Version::Newest));
}

#[test]
fn a_cluster_of_the_oldest_version_computes_and_is_gone() {
    computes_and_is_gone(Cluster::start(Version::Oldest));
}

#[test]
fn an_encrypted_cluster_computes_and_is_gone() {
    let cluster = Cluster::start_tls(Version::Newest);
    assert!(cluster.address().starts_with("tls://"));
    computes_and_is_gone(cluster);
}

#[test]
fn a_scheduler_comes_back_at_its_port() {
    let mut cluster = Cluster::start(Version::Newest);
    let address = cluster.address().to_owned();
    cluster.kill_scheduler();
    assert!(TcpStream::connect(("127.0.0.1", cluster.port())).is_err());
    cluster.start_scheduler_again();
    assert_eq!(cluster.address(), address);
    cluster.python_worker("one");
    cluster.stop_scheduler();
    cluster.start_scheduler_again();
    cluster.python_worker("two");
    assert_eq!(cluster.run_python(COMPUTES).trim(), "42");
}

#[test]
fn workers_are_stopped_killed_silenced_and_woken() {
    let mut cluster = Cluster::start(Version::Newest);
    cluster.python_worker("stopped");
    cluster.stop("stopped");
    cluster.scheduler().wait_for_line("Remove worker");
    cluster.python_worker("killed");
    cluster.kill9("killed");
    cluster.python_worker("silent");
    cluster.sigstop("silent");
    cluster.sigcont("silent");
    assert_eq!(cluster.run_python(COMPUTES).trim(), "42");
    // A silent one is gone with the cluster as well.
    cluster.sigstop("silent");
}

#[test]
fn a_second_client_goes_on_beside_the_test() {
    let mut cluster = Cluster::start(Version::Newest);
    cluster.python_worker("one");
    let client = cluster.start_python(
        "
from distributed import Client, Event
with Client() as client:
    print('connected', flush=True)
    print('told', Event('go').wait(timeout=60), flush=True)
",
    );
    client.wait_for_line("connected");
    cluster.run_python("from distributed import Client, Event\nwith Client() as client: Event('go').set()");
    client.wait_for_line("told True");
}

#[test]
#[should_panic(expected = "ZeroDivisionError")]
fn a_script_that_fails_shows_what_it_wrote() {
    Cluster::start(Version::Newest).run_python("1 / 0");
}

#[test]
#[should_panic(expected = "No such command")]
fn a_process_that_ends_too_early_shows_what_it_wrote() {
    let log = target().join("ends-too-early.log");
    let python = python(Version::Newest);
    let process = Process::start("dask", &python, &log, |command| {
        command.args(["-m", "dask", "no-such-thing"]);
    });
    process.wait_for_line("Scheduler at:");
}

/// What happens to Python processes when the test program is killed, which runs no destructors: the launcher reads the
/// end of its orders. Here their other end is held by a shell, which is killed.
#[test]
fn a_stopped_process_is_gone_when_the_test_program_is_killed() {
    let python = python(Version::Newest);
    let log = target().join("killed-program.log");
    let launcher = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dask/python/launcher.py");
    // The program under test: it starts a process that waits for ever, stops it, and is killed.
    let program = "
import os, signal, subprocess, sys
launcher, = sys.argv[1:]
wait = [sys.executable, '-c', 'import os, signal; print(os.getpid(), flush=True); signal.pause()']
child = subprocess.Popen([sys.executable, launcher, *wait], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print('process', int(child.stdout.readline()), flush=True)
child.stdin.write(b'SIGSTOP\\n')
child.stdin.flush()
signal.pause()
";
    let mut killed = Process::start("killed program", &python, &log, |command| {
        command.args(["-c", program]).arg(&launcher).stdin(Stdio::piped());
    });
    let line = killed.wait_for_line("process ");
    let pid = line.strip_prefix("process ").unwrap();
    assert!(fs::read_to_string(format!("/proc/{pid}/status")).is_ok());
    killed.signal(Signal::Kill);
    killed.wait_for_end();
    // Its launcher is in another session, and ends by itself: the pipe of what it started ends with it.
    wait_until_gone(pid);
}

/// There is no event for the end of a process that is not ours, so this asks again, with a deadline.
fn wait_until_gone(pid: &str) {
    let deadline = std::time::Instant::now() + crate::cluster::DEADLINE;
    while fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| !status.contains("zombie")) {
        assert!(std::time::Instant::now() < deadline, "process {pid} is still there");
        std::thread::yield_now();
    }
}
