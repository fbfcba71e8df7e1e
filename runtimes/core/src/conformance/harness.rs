use std::any::Any;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::error::panic_text;
use crate::{BlockOn, JoinError, Runtime, Shutdown};

/// How long a behaviour may take. The slowest takes about a second on an idle machine; what needs more hangs.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// How long a behaviour that is declared impossible is tried: it may hang by its nature, and all behaviours that hold
/// are far below this.
pub const DECLARED_DEADLINE: Duration = Duration::from_secs(3);

/// Names, in the environment of a child process, the one test that it is there for.
const CHILD: &str = "ANYDASK_CONFORMANCE_CHILD";

/// What the behaviours ask of a runtime. Implemented by every type that has the three capabilities.
pub trait Subject: Runtime + BlockOn + Shutdown {}

impl<R: Runtime + BlockOn + Shutdown> Subject for R {}

/// One test: a behaviour, where it is tested, and what the runtime has declared impossible.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// The behaviour.
    pub name: &'static str,
    /// The module that the test is in, starting with its crate.
    pub module: &'static str,
    /// Names of behaviours that the runtime cannot have, each with the reason.
    pub cannot: &'static [(&'static str, &'static str)],
}

impl Promise {
    /// The name that the test harness knows the test by.
    fn test_name(&self) -> String {
        match self.module.split_once("::") {
            Some((_crate, module)) => format!("{module}::{}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// Why the runtime cannot have this behaviour, if it has declared so.
    fn impossible_because(&self) -> Option<&'static str> {
        self.cannot.iter().find(|(name, _)| *name == self.name).map(|(_, reason)| *reason)
    }

    /// Turns what was seen into the result of the test.
    fn settle(&self, seen: Result<(), String>) {
        match (self.impossible_because(), seen) {
            (None, Ok(())) => {}
            (None, Err(failure)) => panic!("`{}` does not hold: {failure}", self.name),
            (Some(reason), Err(failure)) => {
                println!("`{}` is declared impossible: {reason}\nand indeed: {failure}", self.name);
            }
            (Some(reason), Ok(())) => {
                panic!("`{}` is declared impossible ({reason}), but it holds: remove the declaration", self.name)
            }
        }
    }
}

/// Tests one behaviour: on a thread of its own, so that a hang is a failure like any other.
///
/// # Panics
///
/// If the behaviour does not hold; or if it does, although it is declared impossible.
pub fn check<T: 'static>(promise: Promise, make: fn() -> T, behaviour: fn(T)) {
    let deadline = if promise.impossible_because().is_some() { DECLARED_DEADLINE } else { DEADLINE };
    promise.settle(on_a_thread(promise.name, deadline, make, behaviour));
}

/// Tests one behaviour in a process of its own: for what looks at the whole process, or could kill it.
///
/// The child is the same test binary, asked to run this one test.
///
/// # Panics
///
/// As [`check`].
pub fn check_in_own_process<T: 'static>(promise: Promise, make: fn() -> T, behaviour: fn(T)) {
    let test = promise.test_name();
    let holds = format!("the child has seen that `{test}` holds");
    if env::var_os(CHILD).is_some_and(|child| *child == *test) {
        // The parent knows what is declared: the child says what it sees.
        Promise { cannot: &[], ..promise }.settle(on_a_thread(promise.name, DEADLINE, make, behaviour));
        println!("{holds}");
        return;
    }
    let child = env::current_exe().and_then(|binary| {
        Command::new(binary).args([&test, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, &test).output()
    });
    promise.settle(match child {
        Err(error) => Err(format!("no process for it: {error}")),
        // The line rather than the status: a binary that knows no such test succeeds as well.
        Ok(child) if child.status.success() && String::from_utf8_lossy(&child.stdout).contains(&holds) => Ok(()),
        Ok(child) => Err(format!(
            "its process ended with {}:\n{}{}",
            child.status,
            String::from_utf8_lossy(&child.stdout),
            String::from_utf8_lossy(&child.stderr)
        )),
    });
}

fn on_a_thread<T: 'static>(
    name: &'static str,
    deadline: Duration,
    make: fn() -> T,
    behaviour: fn(T),
) -> Result<(), String> {
    let (sender, receiver) = mpsc::channel();
    let body = move || {
        let seen = catch_unwind(AssertUnwindSafe(|| behaviour(make())));
        let _ = sender.send(seen.map_err(|payload| describe(payload.as_ref())));
    };
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(body) {
        return Err(format!("no thread for it: {error}"));
    }
    match receiver.recv_timeout(deadline) {
        Ok(seen) => seen,
        Err(RecvTimeoutError::Timeout) => Err(format!("it had not ended after {deadline:?}, so it hangs")),
        Err(RecvTimeoutError::Disconnected) => Err("its thread ended without a word".to_owned()),
    }
}

fn describe(payload: &(dyn Any + Send)) -> String {
    panic_text(payload).unwrap_or("it panicked without a text").to_owned()
}

/// Runs the body of a behaviour inside a task of the runtime.
pub(super) fn in_task<R: Subject, F>(runtime: R, body: impl FnOnce(R) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let task = runtime.spawn(body(runtime.clone()));
    match runtime.block_on(task) {
        Ok(Ok(())) => {}
        Ok(Err(JoinError::Panicked(payload))) => resume_unwind(payload),
        Ok(Err(error)) => panic!("the task that the behaviour runs in gave no value: {error}"),
        Err(error) => panic!("a plain thread could not block on the runtime: {error}"),
    }
}
