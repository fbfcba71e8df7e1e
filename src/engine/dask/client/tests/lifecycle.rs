use std::time::Duration;

use super::driver::*;
use crate::engine::dask::client::{Action, ClientState, Config, ConnectError, Event, OnLost, Through, Version};
use crate::engine::dask::wire::Value;
use crate::runtime::Instant;

fn refused(reply: Value) -> ConnectError {
    let now = Instant::from_epoch(Duration::ZERO);
    let mut client = ClientState::new(Config { gather: Through::Scheduler, on_lost: OnLost::Fail });
    client.handle(now, Event::Connected { client_id: "me".into() });
    let Some(Action::SchedulerRpc { id, .. }) = client.poll_action() else { panic!("no request") };
    client.handle(now, Event::RpcReply { id, reply });
    match client.poll_action() {
        Some(Action::Refused(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_scheduler_that_is_too_old_is_refused_before_anything_is_sent() {
    let found = Version { year: 2025, month: 3, patch: 1 };
    let error = refused(versions("2025.3.1"));
    assert_eq!(error, ConnectError::TooOld { found, needed: Version::OLDEST });
    assert_eq!(error.to_string(), "the scheduler runs distributed 2025.3.1; upgrade it to 2025.4.0 or later");
    assert_eq!(refused(Value::Nil), ConnectError::NoVersion);
    assert_eq!(refused(versions("next")), ConnectError::NoVersion);
    assert_eq!(Version::parse("2025.4.0+12.gabc"), Some(Version::OLDEST));
}

#[test]
fn nothing_is_sent_before_the_scheduler_has_taken_the_client() {
    let now = Instant::from_epoch(Duration::ZERO);
    let mut client = ClientState::new(Config { gather: Through::Scheduler, on_lost: OnLost::Resubmit });
    client.handle(now, Event::Submit(vec![task("a", &[])]));
    client.handle(now, Event::Connected { client_id: "me".into() });
    assert!(!client.wants_flush() && client.poll_flush(now).is_none());
    let Some(Action::SchedulerRpc { id, .. }) = client.poll_action() else { panic!("no request") };
    client.handle(now, Event::RpcReply { id, reply: versions("2026.8.0") });
    assert_eq!(op(&client.poll_flush(now).expect("a greeting")), "register-client");
    assert!(!client.wants_flush() && client.poll_flush(now).is_none());
    client.handle(now, Event::Stream(Value::map([("op", "stream-start".into())])));
    let message = client.poll_flush(now).expect("a graph");
    assert_eq!(graph_keys(&message.items().expect("a list")[0]).0, keys(&["a"]));
}

#[test]
fn the_client_beats_as_often_as_the_scheduler_says() {
    let mut driver = Driver::registered();
    driver.pass(Duration::from_millis(4999));
    assert_eq!(driver.flush_ops(), [""; 0]);
    driver.pass(Duration::from_millis(1));
    assert_eq!(driver.flush_ops(), ["heartbeat-client"]);
    driver.stream([Value::map([("op", "adjust-heartbeat-interval".into()), ("interval", 0.0.into())])]);
    driver.pass(Duration::from_millis(499));
    assert_eq!(driver.flush_ops(), [""; 0]);
    driver.pass(Duration::from_millis(1));
    assert_eq!(driver.flush_ops(), ["heartbeat-client"]);
}

#[test]
fn a_close_cancels_what_is_pending_says_farewell_and_ends_with_the_stream() {
    let mut driver = Driver::registered();
    driver.finished("b");
    driver.submit([task("a", &[])]);
    driver.handle(Event::Close);
    assert_eq!(driver.take_actions(), [cancelled("a", "the client was closed")]);
    assert_eq!(driver.flush_ops(), ["close-client", "close-stream"]);
    driver.handle(Event::ConnectionLost);
    assert_eq!(driver.take_actions(), [Action::Closed]);
    driver.submit([task("c", &[])]);
    assert_eq!(driver.take_actions(), [cancelled("c", "the client was closed")]);
    assert!(driver.client.is_idle());
}

#[test]
fn a_close_that_is_not_answered_ends_by_itself() {
    let mut driver = Driver::registered();
    driver.handle(Event::Close);
    driver.flush_all();
    driver.pass(Duration::from_secs(2));
    assert_eq!(driver.take_actions(), [Action::Closed]);
}

#[test]
fn a_client_that_closes_waits_for_nothing_but_its_end() {
    let mut driver = Driver::registered();
    driver.submit([python("p")]);
    driver.flush_all();
    let (id, _) = driver.take_request("identity");
    driver.reply(id, super::workers::identity(&[]));
    driver.pass(Duration::from_millis(500));
    driver.handle(Event::Close);
    driver.flush_all();
    driver.take_actions();
    // A list of workers would be due, then a heartbeat.
    driver.pass(Duration::from_millis(700));
    assert_eq!(driver.take_actions(), []);
    driver.pass_until_timer();
    assert_eq!(driver.take_actions(), [Action::Closed]);
}

#[test]
fn a_stream_that_the_scheduler_closes_is_to_be_dropped() {
    let mut driver = Driver::registered();
    driver.stream([Value::map([("op", "stream-closed".into())])]);
    assert_eq!(driver.take_actions(), [Action::Disconnect]);
}
