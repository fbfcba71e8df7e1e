use std::env;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::DEADLINE;

/// Names the test whose body a child process runs.
const CHILD: &str = "ANYDASK_TEST_IN_OWN_PROCESS";

/// Runs a test's body in a process of its own: for what is measured of the process or changes it, and for what would
/// end it. `test` is the path of the calling test, as the harness lists it.
pub fn in_own_process(test: &str, body: impl FnOnce()) {
    if env::var(CHILD).is_ok_and(|name| name == test) {
        return body();
    }
    let program = env::current_exe().expect("the path of this program");
    let mut child = Command::new(program)
        .args([test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"])
        .env(CHILD, test)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process for the test");
    // Read on the side, or a child that says much would wait for us for ever.
    let (mut out, mut err) = (child.stdout.take().expect("its output"), child.stderr.take().expect("its errors"));
    let out = thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).map(|_| text)
    });
    let err = thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).map(|_| text)
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("the state of the child") {
            Some(status) => break Some(status),
            None if start.elapsed() > 2 * DEADLINE => {
                child.kill().expect("the child can be ended");
                child.wait().expect("the child ends");
                break None;
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    let text = |reader: thread::JoinHandle<std::io::Result<String>>| match reader.join() {
        Ok(Ok(text)) => text,
        _ => "(unreadable)".to_owned(),
    };
    let (out, err) = (text(out), text(err));
    match status {
        Some(status) if status.success() => {
            assert!(out.contains("1 passed"), "`{test}` names no test:\n{out}");
        }
        Some(status) => panic!("`{test}` in its own process: {status}\n{out}\n{err}"),
        None => panic!("`{test}` in its own process hung\n{out}\n{err}"),
    }
}
