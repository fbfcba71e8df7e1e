//! The connection to the scheduler: how it begins, beats, breaks and ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::dask::client::state::outcome::is_pending;
use crate::engine::dask::client::state::request::Request;
use crate::engine::dask::client::state::{ClientState, Fetch, OnLost, Place, Source, Status};
use crate::engine::dask::client::{Action, ConnectError, Loss, Outcome, Report, Version, messages};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::runtime::Instant;

/// Why keys are cancelled that a client held when it closed.
pub(in crate::engine::dask::client) const CLIENT_CLOSED: &str = "the client was closed";

/// Until the scheduler says otherwise. It says 5 s to few clients.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// What we take from the scheduler: no more often than twice a second, and often enough that it does not look dead to it.
const HEARTBEAT_INTERVALS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// How long a close waits for the last flush and for the scheduler's answer: a few round trips, even of a busy scheduler.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Connection {
    phase: Phase,
    client_id: Arc<str>,
    version: Option<Version>,
    heartbeat_interval: Duration,
    heartbeat_at: Option<Instant>,
    heartbeats_sent: u64,
    heartbeats_answered: u64,
    /// What the timer was last set to.
    timer_at: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Disconnected,
    /// The scheduler is asked for its version.
    Asking,
    Registering {
        /// Until it is sent.
        greeting: Option<Value>,
    },
    Registered,
    Closing {
        deadline: Instant,
        is_said: bool,
    },
    Closed,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            phase: Phase::Disconnected,
            client_id: "".into(),
            version: None,
            heartbeat_interval: HEARTBEAT_INTERVAL,
            heartbeat_at: None,
            heartbeats_sent: 0,
            heartbeats_answered: 0,
            timer_at: None,
        }
    }
}

impl Connection {
    pub(super) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// The client id, while the scheduler knows it.
    pub(super) fn registered_as(&self) -> Option<Arc<str>> {
        (self.phase == Phase::Registered).then(|| Arc::clone(&self.client_id))
    }

    /// The client id, while something can be sent in its name.
    pub(super) fn sends_as(&self) -> Option<Arc<str>> {
        let is_sending = matches!(self.phase, Phase::Registered | Phase::Closing { is_said: false, .. });
        is_sending.then(|| Arc::clone(&self.client_id))
    }

    pub(super) fn has_greeting(&self) -> bool {
        matches!(self.phase, Phase::Registering { greeting: Some(_) })
    }

    /// The first message of a stream.
    pub(super) fn take_greeting(&mut self) -> Option<Value> {
        match &mut self.phase {
            Phase::Registering { greeting } => greeting.take(),
            _ => None,
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. })
    }

    /// Whether the farewell is to be said now. It is said once.
    pub(super) fn take_farewell(&mut self) -> bool {
        match &mut self.phase {
            Phase::Closing { is_said, .. } => !std::mem::replace(is_said, true),
            _ => false,
        }
    }

    pub(super) fn count_heartbeat(&mut self) {
        self.heartbeats_sent += 1;
    }
}

impl ClientState {
    pub(super) fn connected(&mut self, client_id: Arc<str>) {
        if self.connection.is_closing() {
            return;
        }
        self.connection_lost();
        (self.connection.phase, self.connection.client_id) = (Phase::Asking, client_id);
        self.request(Request::Versions, messages::versions());
    }

    pub(super) fn handle_versions(&mut self, reply: Option<Value>) {
        if self.connection.phase != Phase::Asking {
            return;
        }
        // Without one there is no connection: the shell knows whether to try another.
        let Some(reply) = reply else { return self.actions.push_back(Action::Disconnect) };
        match Version::of_reply(&reply) {
            Ok(version) => {
                let greeting = messages::register_client(&self.connection.client_id, reply);
                self.connection.version = Some(version);
                self.connection.phase = Phase::Registering { greeting: Some(greeting) };
            }
            Err(error) => self.refuse(error),
        }
    }

    pub(super) fn handle_stream_start(&mut self, now: Instant, message: &Value) {
        let text = |name| message.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(error) = text("error") {
            return self.refuse(ConnectError::Refused { message: error.into() });
        }
        if let Some(warning) = text("warning") {
            self.actions.push_back(Action::Report(Report::Scheduler(warning.into())));
        }
        let (Phase::Registering { greeting: None }, Some(version)) = (&self.connection.phase, self.connection.version)
        else {
            return;
        };
        self.connection.phase = Phase::Registered;
        self.connection.heartbeat_at = Some(now + self.connection.heartbeat_interval);
        self.actions.push_back(Action::Registered { version });
        self.send_scatters();
    }

    fn refuse(&mut self, error: ConnectError) {
        self.connection_lost();
        self.actions.push_back(Action::Refused(error));
    }

    pub(super) fn handle_heartbeat_answer(&mut self, now: Instant, interval: Option<f64>) {
        let connection = &mut self.connection;
        connection.heartbeats_answered += 1;
        let (least, most) = HEARTBEAT_INTERVALS;
        let interval = interval.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        connection.heartbeat_interval = interval.unwrap_or(HEARTBEAT_INTERVAL).clamp(least, most);
        connection.heartbeat_at = Some(now + connection.heartbeat_interval);
        let answered = connection.heartbeats_answered;
        self.limbo.retain(|_, fence| *fence > answered);
        self.send_scatters();
    }

    /// Has the next flush put a fence behind the release of `key`.
    pub(super) fn set_limbo(&mut self, key: &TaskKey) {
        self.outgoing.needs_heartbeat = true;
        self.limbo.insert(key.clone(), self.connection.heartbeats_sent + 1);
    }

    pub(super) fn handle_timer(&mut self, now: Instant) {
        self.connection.timer_at = None;
        if let Phase::Closing { deadline, .. } = self.connection.phase
            && deadline <= now
        {
            return self.closed();
        }
        if self.connection.heartbeat_at.is_some_and(|at| at <= now) && self.connection.registered_as().is_some() {
            self.connection.heartbeat_at = Some(now + self.connection.heartbeat_interval);
            self.outgoing.needs_heartbeat = true;
            self.check_pins(now);
        }
        self.end_delays(now);
        self.ask_for_workers_if_due(now);
        self.look_for_workers_if_due(now);
    }

    pub(super) fn set_timer(&mut self) {
        let closing = match self.connection.phase {
            Phase::Closing { deadline, .. } => Some(deadline),
            _ => None,
        };
        let times = [self.connection.heartbeat_at, self.gathering.next_delay(), self.workers.ask_at(), self.look_at];
        // Who closes does nothing else any more, so what is due would stay due.
        let next = closing.or_else(|| times.into_iter().flatten().min());
        if let Some(at) = next.filter(|_| next != self.connection.timer_at) {
            self.connection.timer_at = next;
            self.actions.push_back(Action::SetTimer { at });
        }
    }

    /// Forgets what was said on the connection, and has what can be made again be made again.
    pub(super) fn connection_lost(&mut self) {
        match self.connection.phase {
            Phase::Closing { .. } => return self.closed(),
            Phase::Disconnected | Phase::Closed => return,
            Phase::Asking | Phase::Registering { .. } | Phase::Registered => {}
        }
        let timer_at = self.connection.timer_at;
        self.connection = Connection { timer_at, ..Connection::default() };
        self.requests.clear();
        self.outgoing.cancels.clear();
        self.outgoing.releases.clear();
        self.outgoing.reports.clear();
        self.outgoing.needs_heartbeat = false;
        self.limbo = BTreeMap::new();
        self.gathering.clear();
        self.workers.clear();
        self.lookups.clear();
        self.table.pinned.clear();
        self.table.stop_waiting();
        let keys = self.table.in_order();
        let is_scattering = |key: &TaskKey| {
            self.scatters.iter().any(|scatter| scatter.values.iter().any(|(scattered, _)| scattered == key))
        };
        // First, that nothing is there any more; then, what becomes of it.
        let mut gone = Vec::new();
        for key in &keys {
            match self.table.get(key).map(|task| task.place) {
                Some(Place::Sent { .. }) => gone.push(key.clone()),
                Some(Place::Scattering) if !is_scattering(key) => gone.push(key.clone()),
                _ => {}
            }
        }
        for key in &gone {
            self.table.set_place(key, Place::Gone);
        }
        for key in gone {
            self.connection_lost_of(&key);
        }
        for key in keys {
            self.table.sweep(&key);
        }
    }

    /// `key` was known to the scheduler.
    fn connection_lost_of(&mut self, key: &TaskKey) {
        let Some(task) = self.table.get_mut(key) else { return };
        if task.fetch != Fetch::Unwanted {
            task.fetch = Fetch::Wanted;
        }
        let has_erred = |task: &super::Task| matches!(task.status, Status::Erred { .. });
        if has_erred(task) {
            return;
        }
        let (is_needed, is_retrying) = (task.is_needed_itself(), task.retrying);
        match (&task.source, self.config.on_lost) {
            (Source::Scattered, _) => self.lose(key, Loss::Scattered, |task| !has_erred(task)),
            // Another client may hold it.
            (Source::Foreign, OnLost::Resubmit) => {
                self.reset(key);
                self.table.set_place(key, Place::Sent { wanted: false });
            }
            (Source::Work(..), OnLost::Resubmit) if is_needed => {
                self.reset(key);
                // A retry runs also those again that it depends on and that have erred.
                if is_retrying || !self.inherit_error(key) {
                    self.resend(key);
                }
            }
            (Source::Work(..), OnLost::Resubmit) => self.reset(key),
            (Source::Work(..) | Source::Foreign, OnLost::Fail) => {
                self.lose(key, Loss::Connection, |task| !has_erred(task))
            }
        }
    }

    pub(super) fn close(&mut self, now: Instant) {
        if self.connection.is_closing() {
            return;
        }
        let is_wanted = |task: &super::Task| is_pending(task) || task.fetch != Fetch::Unwanted;
        for key in self.table.in_order() {
            let Some(task) = self.table.get_mut(&key) else { continue };
            if task.detaching {
                // It goes on. Only this client hears no more of it.
                if std::mem::replace(&mut task.held, false) {
                    let outcome = Outcome::Cancelled { reason: CLIENT_CLOSED.into() };
                    self.actions.push_back(Action::Resolve { key: key.clone(), outcome });
                }
            } else if is_wanted(task) {
                self.end(&key, Outcome::Cancelled { reason: CLIENT_CLOSED.into() });
            }
        }
        self.scatters.clear();
        self.gathering.clear();
        if self.connection.registered_as().is_none() {
            return self.closed();
        }
        self.connection.phase = Phase::Closing { deadline: now + CLOSE_TIMEOUT, is_said: false };
    }

    /// The scheduler ends the stream.
    pub(super) fn handle_stream_closed(&mut self) {
        if self.connection.is_closing() {
            self.closed();
        } else {
            self.actions.push_back(Action::Disconnect);
        }
    }

    fn closed(&mut self) {
        let config = self.config;
        let (actions, unknown_ops) = (std::mem::take(&mut self.actions), self.unknown_ops);
        *self = Self::new(config);
        (self.actions, self.unknown_ops) = (actions, unknown_ops);
        self.connection.phase = Phase::Closed;
        self.actions.push_back(Action::Closed);
    }
}
