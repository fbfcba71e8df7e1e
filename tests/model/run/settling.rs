//! What is checked: of what is known to have ended, once all has, and at the end.

use std::thread;
use std::time::{Duration, Instant};

use anydask::{Error, Status, TaskFuture, as_completed};

use crate::program::{End, Wait};
use crate::reference::{GPUS, Kind, Outcome};
use crate::run::Run;
use crate::work::{PLANNED, Planned};

/// Longest time until all is quiet once nothing is held back. Nothing here takes longer than milliseconds.
const QUIET: Duration = Duration::from_secs(5);

impl Run {
    /// What is known to have ended has, as it should.
    pub(super) fn check_ended(&self) {
        for (node, task) in self.tasks.iter().enumerate() {
            if let (Some(outcome), Some(future)) = (self.reference.ended(node), task.futures.first()) {
                assert!(future.is_done(), "`{}` stays pending", task.key);
                let seen = self.outcome_of(node, future.wait(), &[outcome]);
                assert_eq!(seen, Ok(outcome), "`{}`", task.key);
            }
        }
    }

    pub(super) fn settle(&mut self, wait: Wait) {
        self.open();
        for client in 0..2 {
            let futures: Vec<_> =
                self.tasks.iter().filter(|task| task.client == client).flat_map(|task| &task.futures).collect();
            self.wait(client, &futures, wait);
        }
        for node in 0..self.tasks.len() {
            self.settle_one(node);
        }
        self.check_quiet();
        for node in 0..self.tasks.len() {
            let (Some(told), Some(outcome)) = (&self.tasks[node].told, self.reference.ended(node)) else { continue };
            let expected = match outcome {
                Outcome::Value(_) => Status::Finished,
                Outcome::Failed { .. } => Status::Error,
                Outcome::Cancelled => Status::Cancelled,
            };
            // The end is there to see before those who wait are told.
            until(&format!("the end of `{}` is told", self.tasks[node].key), || !told.lock().unwrap().is_empty());
            assert_eq!(*told.lock().unwrap(), [expected], "of `{}`", self.tasks[node].key);
        }
    }

    fn wait(&self, client: usize, futures: &[&TaskFuture<i64>], wait: Wait) {
        let client = &self.clients[client];
        match wait {
            Wait::Each => futures.iter().for_each(|future| _ = future.wait()),
            Wait::Gather => {
                let gathered = client.gather(futures.to_vec()).wait();
                let results: Result<Vec<_>, _> = futures.iter().map(|future| future.wait()).collect();
                assert_eq!(gathered.is_ok(), results.is_ok());
                if let (Ok(gathered), Ok(results)) = (gathered, results) {
                    assert_eq!(gathered, results);
                }
            }
            Wait::Results => {
                let results = client.gather_results(futures.to_vec()).wait().unwrap();
                assert_eq!(results.len(), futures.len());
                for (result, future) in results.into_iter().zip(futures) {
                    assert_eq!(result.ok(), future.wait().ok());
                }
            }
            Wait::Completed => {
                let mut completed = as_completed(futures.iter().copied());
                let count = std::iter::from_fn(|| completed.next().wait().unwrap()).count();
                assert_eq!(count, futures.len());
            }
            Wait::All => {
                let waited = client.wait(futures.iter().copied()).wait().unwrap();
                assert_eq!((waited.done.len(), waited.not_done.len()), (futures.len(), 0));
            }
        }
    }

    fn settle_one(&mut self, node: usize) {
        let task = &self.tasks[node];
        let allowed = self.reference.allowed(node);
        let mut seen = None;
        for future in &task.futures {
            match self.outcome_of(node, future.wait(), &allowed) {
                Ok(outcome) => assert_eq!(*seen.get_or_insert(outcome), outcome, "of `{}`", task.key),
                Err(other) => panic!("`{}` came to {other}, not to one of {allowed:?}", task.key),
            }
        }
        let runs = self.reference.settle(node, seen);
        if let (Some(runs), Some(plan)) = (runs, &task.plan) {
            // What nobody can await may still be on its way.
            until(&format!("`{}` has run {runs} times", task.key), || plan.runs() >= runs);
            assert_eq!(plan.runs(), runs, "runs of `{}`", task.key);
        }
    }

    /// Which of the outcomes that are allowed this is.
    fn outcome_of(&self, node: usize, result: Result<i64, Error>, allowed: &[Outcome]) -> Result<Outcome, String> {
        let is_it = |outcome: &Outcome| match (outcome, &result) {
            (Outcome::Value(expected), Ok(value)) => expected == value,
            (Outcome::Cancelled, Err(Error::Cancelled { key, .. })) => *key == self.tasks[node].key,
            (Outcome::Failed { kind, at }, Err(error)) => {
                let is_kind = match kind {
                    Kind::Planned => error.downcast_ref::<Planned>().is_some(),
                    Kind::Panicked => matches!(error, Error::Panicked { message, .. } if &**message == PLANNED),
                    Kind::NoResource => matches!(error, Error::NoResource { .. }),
                    Kind::Foreign => matches!(error, Error::ForeignFuture { .. }),
                };
                is_kind && error.key() == Some(&self.tasks[*at].key)
            }
            _ => false,
        };
        allowed.iter().copied().find(is_it).ok_or_else(|| format!("{result:?}"))
    }

    /// Nothing runs, nothing waits, and all is given back.
    fn check_quiet(&self) {
        let is_quiet = || {
            let info = self.engine.info();
            let busy = [info.running, info.asynchronous, info.queued, info.waiting, info.waiting_for_resources];
            busy == [0; 5] && info.unrunnable.is_empty() && info.resources["gpu"].available == f64::from(GPUS)
        };
        if !holds_soon(is_quiet) {
            panic!("it is not quiet: {:#?}", self.engine.dump());
        }
    }

    pub(super) fn end(mut self, end: End) {
        match end {
            End::Settled => {
                self.settle(Wait::Each);
                self.drop_all();
                self.check_empty();
                self.check_closes();
            }
            End::Closed => {
                let closed = self.engine.close().timeout(Duration::ZERO).wait();
                assert!(matches!(closed, Ok(()) | Err(Error::StillRunning { .. })), "{closed:?}");
                for (node, task) in self.tasks.iter().enumerate() {
                    let Some(future) = task.futures.first() else { continue };
                    assert!(future.is_done(), "`{}` stays pending", task.key);
                    if self.reference.is_surely_pending(node) {
                        assert_eq!(future.status(), Status::Cancelled, "`{}`", task.key);
                    }
                }
                self.open();
                self.check_closes();
                self.drop_all();
                self.check_empty();
            }
            End::Dropped => {
                self.drop_all();
                self.open();
                self.check_quiet();
                self.check_empty();
                self.check_closes();
            }
        }
    }

    fn drop_all(&mut self) {
        self.tasks.iter_mut().for_each(|task| task.futures.clear());
        self.occupants.clear();
    }

    /// Once nobody holds a task, nothing is left of any.
    fn check_empty(&self) {
        if !holds_soon(|| self.engine.dump().tasks.is_empty()) {
            panic!("tasks are left: {:#?}", self.engine.dump());
        }
        let info = self.engine.info();
        assert!(info.tasks == 0 && info.memory.is_empty(), "{info:?}");
    }

    fn check_closes(&self) {
        for client in &self.clients {
            client.close().wait().unwrap();
        }
        self.engine.close().wait().unwrap();
        let info = self.engine.info();
        assert_eq!((info.clients, info.running, info.asynchronous, info.queued), (0, 0, 0, 0));
        assert_eq!(info.resources["gpu"].available, f64::from(GPUS));
    }
}

/// Whether it holds before long. Nobody tells when a body that nobody waits for has ended.
fn holds_soon(holds: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > QUIET {
            return false;
        }
        thread::yield_now();
    }
    true
}

fn until(what: &str, holds: impl Fn() -> bool) {
    assert!(holds_soon(holds), "waited in vain until {what}");
}
