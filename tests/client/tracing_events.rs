//! The `tracing` events of a task's life.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anydask::{Client, TaskFuture, asynchronous, fallible};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{DEADLINE, in_own_process, within_deadline};

/// What was logged: the fields of the innermost span, and the event.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<(String, String)>>>,
    spans: Arc<Mutex<Vec<String>>>,
    ids: Arc<AtomicU64>,
}

thread_local! {
    static ENTERED: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut text = Text::default();
        attributes.record(&mut text);
        self.spans.lock().unwrap().push(text.0);
        Id::from_u64(self.ids.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let around =
            event.parent().map(Id::into_u64).or_else(|| ENTERED.with_borrow(|entered| entered.last().copied()));
        let spans = self.spans.lock().unwrap();
        let span = around.map(|id| spans[id as usize - 1].clone()).unwrap_or_default();
        self.lines.lock().unwrap().push((span, text.0));
    }

    fn enter(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            let popped = entered.pop();
            assert_eq!(popped, Some(id.into_u64()), "spans are left in the order in which they were entered");
        });
    }
}

impl Log {
    fn listen() -> Self {
        let log = Self::default();
        tracing::subscriber::set_global_default(log.clone()).expect("this process has no other subscriber");
        log
    }

    /// What was logged in the span of a task.
    fn of<T>(&self, future: &TaskFuture<T>) -> Vec<String> {
        let name = format!("key={} ", future.key());
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|(span, _)| span.contains(&name)).map(|(_, line)| line.clone()).collect()
    }
}

#[cfg(feature = "tokio")]
fn client() -> Client<anydask::runtime::Tokio> {
    anydask::tokio::Client::builder().threads(1).local().wait().unwrap()
}

fn check_life(lines: &[String], expected: &[&[&str]]) {
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, words) in lines.iter().zip(expected) {
        for word in *words {
            assert!(line.contains(word), "no `{word}` in {line}: {lines:#?}");
        }
    }
}

#[cfg(feature = "tokio")]
#[test]
fn a_tasks_life_is_logged_in_its_span() {
    in_own_process("tracing_events::a_tasks_life_is_logged_in_its_span", || {
        let log = Log::listen();
        let client = client();
        let finished = client.submit(|| tracing::info!("in the body"), ());
        finished.wait().unwrap();
        let failed = client.submit(fallible(|| Err::<i64, _>("no")), ());
        let dependant = client.submit(|x: i64| x, &failed);
        let panicked = client.submit(|| -> i64 { panic!("oh") }, ());
        let asynchronously = client.submit(
            asynchronous(|| async {
                tracing::info!("before");
                ::tokio::task::yield_now().await;
                tracing::info!("after");
            }),
            (),
        );
        let keyed = client.task(|| 1, ()).key("chosen").submit();
        client.wait([&failed, &dependant, &panicked, &keyed]).wait().unwrap();
        asynchronously.wait().unwrap();
        let pending = client.submit(asynchronous(std::future::pending::<()>), ());
        let refused_before = log.lines.lock().unwrap().len();
        // After this every task has said its last word.
        client.close().wait().unwrap();
        assert!(log.lines.lock().unwrap().len() > refused_before);

        let key = |future: &TaskFuture<i64>| format!("key={}", future.key());
        check_life(
            &log.of(&finished),
            &[&["submitted"], &["started"], &["in the body"], &["finished", "status=finished"]],
        );
        check_life(
            &log.of(&failed),
            &[&["submitted"], &["started"], &["finished", "status=error", &key(&failed), "failed"]],
        );
        // It never ran.
        check_life(&log.of(&dependant), &[&["submitted"], &["finished", "status=error", &key(&dependant)]]);
        check_life(&log.of(&panicked), &[&["submitted"], &["started"], &["finished", "status=error", "oh"]]);
        check_life(
            &log.of(&asynchronously),
            &[&["submitted"], &["started"], &["before"], &["after"], &["finished", "status=finished"]],
        );
        check_life(&log.of(&keyed), &[&["submitted"], &["started"], &["finished", "status=finished", "key=chosen"]]);
        let pending = log.of(&pending);
        // The runtime may begin it in the very moment in which it is cancelled.
        assert!(pending.iter().any(|line| line.contains("status=cancelled")), "{pending:#?}");
        assert_eq!(pending.iter().filter(|line| line.contains("finished")).count(), 1, "{pending:#?}");
        let spans = log.spans.lock().unwrap();
        assert!(spans.iter().all(|span| span.contains("location=tests/client/tracing_events.rs:")), "{spans:?}");
    });
}

#[cfg(feature = "tokio")]
#[test]
fn every_submitted_task_is_finished_once_in_the_log() {
    in_own_process("tracing_events::every_submitted_task_is_finished_once_in_the_log", || {
        let log = Log::listen();
        let client = client();
        fn named(x: i64) -> i64 {
            x
        }
        let held = client.task(named, 1).key("k").submit();
        let joined = client.task(named, 1).key("k").submit();
        let refused = client.task(named, 2).key("k").submit();
        let many = client.map(named, 0..50);
        drop(client.map(named, &many));
        client.wait(&many).wait().unwrap();
        held.wait().unwrap();
        assert!(refused.wait().is_err());
        drop(joined);
        client.close().wait().unwrap();
        let _late = client.submit(named, 1);
        let lines = log.lines.lock().unwrap();
        let count = |word: &str| lines.iter().filter(|(_, line)| line.contains(&format!("message={word}"))).count();
        assert_eq!(count("submitted"), count("finished"));
        assert!(count("submitted") >= 101);
    });
}

#[cfg(feature = "tokio")]
#[test]
fn a_task_that_cannot_run_is_logged_at_once() {
    in_own_process("tracing_events::a_task_that_cannot_run_is_logged_at_once", || {
        let log = Log::listen();
        let client = client();
        let future = client.task(|| 1, ()).resources([("gpu", 2.0)]).key("train").submit();
        let lines = log.lines.lock().unwrap().clone();
        let told: Vec<_> = lines.iter().filter(|(_, line)| line.contains("a task cannot run")).collect();
        assert_eq!(told.len(), 1, "{lines:#?}");
        for word in ["key=train", "`gpu`", "needs 2"] {
            assert!(told[0].1.contains(word), "no {word} in {told:?}");
        }
        client.engine().add_resources([("gpu", 2.0)]).unwrap();
        assert_eq!(future.wait().unwrap(), 1);
    });
}

/// Panics at the end of each task, or submits one of a key for each of a key.
#[derive(Clone, Default)]
struct Meddler {
    panics: bool,
    #[cfg(feature = "tokio")]
    submits_to: Arc<Mutex<Option<Client<anydask::runtime::Tokio>>>>,
}

impl Subscriber for Meddler {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "anydask"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Taken, so that it does so once.
        #[cfg(feature = "tokio")]
        if let Some(client) = { self.submits_to.lock().unwrap().take() } {
            client.task(|| 2, ()).key("logged").submit().detach();
        }
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        assert!(!self.panics || !text.0.contains("message=finished"), "who listens panics");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(feature = "tokio")]
#[test]
fn who_listens_may_panic_and_every_task_is_told() {
    in_own_process("tracing_events::who_listens_may_panic_and_every_task_is_told", || {
        tracing::subscriber::set_global_default(Meddler { panics: true, ..Meddler::default() }).unwrap();
        let client = client();
        let future = client.submit(|| 1, ());
        assert_eq!(client.gather(&future).timeout(DEADLINE / 2).wait().unwrap(), 1);
        let cancelled = client.submit(asynchronous(std::future::pending::<()>), ());
        let dependant = client.submit(|(): ()| 1, &cancelled);
        cancelled.cancel();
        let told = client.gather(&dependant).timeout(DEADLINE / 2).wait();
        assert!(matches!(told, Err(anydask::Error::Cancelled { .. })), "{told:?}");
        client.close().wait().unwrap();
    });
}

#[cfg(feature = "tokio")]
#[test]
fn who_listens_may_submit_under_a_key_meanwhile() {
    in_own_process("tracing_events::who_listens_may_submit_under_a_key_meanwhile", || {
        let meddler = Meddler::default();
        tracing::subscriber::set_global_default(meddler.clone()).unwrap();
        let client = client();
        *meddler.submits_to.lock().unwrap() = Some(client.clone());
        within_deadline("who_listens_may_submit_under_a_key_meanwhile", move || {
            assert_eq!(client.task(|| 1, ()).key("chosen").submit().wait().unwrap(), 1);
            client.close().wait().unwrap();
        });
    });
}
