//! What a worker logs, and that whoever reads it may look at the worker.

use std::fmt::{Debug, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use anydask::runtime::Smol;
use anydask::{RunningWorker, Worker};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::everywhere::SOON;
use crate::fake::{Fake, framed, list, map, text, usual};
use crate::support::in_own_process;

/// Of this process.
static WORKER: OnceLock<RunningWorker> = OnceLock::new();
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Looks at the worker whenever something is logged.
struct Curious;

impl Subscriber for Curious {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "anydask"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{:?}", WORKER.get()));
        event.record(&mut line);
        LINES.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

#[test]
fn what_a_leaving_worker_could_not_hand_over_is_logged() {
    in_own_process("logged::what_a_leaving_worker_could_not_hand_over_is_logged", || {
        tracing::subscriber::set_global_default(Curious).expect("this process has no other subscriber");
        // What the worker waits for before it is retired, behind what it does not know.
        let free = map(&[("op", text("free-keys")), ("keys", list(&[text("anydask-worker-leaves")]))]);
        let answer = framed(&list(&[map(&[("op", text("what-is-this"))]), free]));
        let scheduler = Fake::dask(move |op| match op {
            "worker-status-change" | "request-refresh-who-has" => Some(answer.clone()),
            "retire_workers" => Some(framed(&map(&[]))),
            op => usual("2026.8.0", op),
        });
        let worker = Worker::<Smol>::connect(scheduler.address()).threads(1).start().timeout(SOON).wait().unwrap();
        let worker = WORKER.get_or_init(|| worker);
        worker.leave().timeout(SOON).wait().unwrap();
        let lines = LINES.lock().unwrap();
        for said in ["an unknown message op=what-is-this", "no other could take what only this one has"] {
            assert!(lines.iter().any(|line| line.contains(said)), "no `{said}` in {lines:#?}");
        }
    });
}
