//! What a client knows, and what it does when something happens.
//!
//! A key goes through lives. A life begins when the key is submitted, or held again, or when what had ended is pending again
//! ([`Action::Reset`]); it ends with one [`Action::Resolve`]. Cancelled and lost keys are no longer held.
//!
//! What keeps the scheduler and the client of one mind:
//!
//! - The stream is in order, so one flush is: forced cancels, releases, a heartbeat, desires, questions, one `update-graph`. A
//!   key that is released and submitted again within a flush is released first. A key with dependents that the scheduler does
//!   not know yet is released in a flush after theirs.
//! - Requests are on other connections and overtake the stream. So a value is asked for only when the scheduler has said that
//!   it is there, a key is retried only when it has said that it erred, and a task waits until the scattered values that it
//!   takes are there, and the hosts that it names can be looked up.
//! - What the scheduler says of a key may be older than the last release of it. Each heartbeat is answered in order, so it
//!   stands as a fence behind releases: until its answer, words about a key that was released before it are about its last
//!   life, and are not heard.

mod connection;
mod flush;
mod gather;
mod lookup;
mod outcome;
mod request;
mod scatter;
mod stream;
mod submit;
mod table;
mod workers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub(super) use self::connection::CLIENT_CLOSED;
use self::connection::Connection;
use self::gather::Gathering;
use self::lookup::Lookups;
use self::request::Requests;
use self::table::{Fetch, Place, Source, Status, Table, Task};
use self::workers::Workers;
use crate::engine::dask::client::{Action, Event, Outcome, Scatter, Through, Work};
use crate::engine::dask::wire::TaskKey;
use crate::runtime::Instant;

/// Why a key is cancelled whose dependency is gone. Dask's words.
pub(super) const LOST_DEPENDENCIES: &str = "lost dependencies";

/// How a client behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Which way values come.
    pub(crate) gather: Through,
    pub(crate) on_lost: OnLost,
}

/// What becomes of a client's futures when the connection to the scheduler is lost, which then forgets what the client wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnLost {
    /// They are pending again, and are submitted to the next connection with all that they depend on. Scattered values are lost.
    Resubmit,
    /// They are lost.
    Fail,
}

/// The state of a client. See the module for how it is driven.
#[derive(Debug)]
pub(crate) struct ClientState {
    config: Config,
    connection: Connection,
    table: Table,
    requests: Requests,
    gathering: Gathering,
    workers: Workers,
    lookups: Lookups,
    /// When somebody who waits for workers is to look again.
    look_at: Option<Instant>,
    /// Scatters that wait for the connection, or until the scheduler has forgotten the last values of their keys.
    scatters: Vec<Scatter>,
    outgoing: Outgoing,
    /// How many submissions of several tasks are not complete.
    begun: u32,
    /// Keys that were released, until the scheduler cannot speak of their last lives any more: by when that is.
    limbo: BTreeMap<TaskKey, u64>,
    unknown_ops: u64,
    actions: VecDeque<Action>,
}

/// What the next flush says beside what the table says.
#[derive(Debug, Default)]
struct Outgoing {
    /// Forced ones. What depends on another is before it.
    cancels: Vec<(TaskKey, Arc<str>)>,
    /// Keys that are to be forgotten before they are submitted again.
    releases: Vec<TaskKey>,
    /// Keys whose state is asked for.
    reports: Vec<TaskKey>,
    detaches: Vec<TaskKey>,
    needs_heartbeat: bool,
}

impl ClientState {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            connection: Connection::default(),
            table: Table::default(),
            requests: Requests::default(),
            gathering: Gathering::default(),
            workers: Workers::default(),
            lookups: Lookups::default(),
            look_at: None,
            scatters: Vec::new(),
            outgoing: Outgoing::default(),
            begun: 0,
            limbo: BTreeMap::new(),
            unknown_ops: 0,
            actions: VecDeque::new(),
        }
    }

    /// Applies one event and queues the actions that it causes. Never blocks, never fails.
    pub(crate) fn handle(&mut self, now: Instant, event: Event) {
        if self.connection.is_closed() {
            return self.handle_after_close(event);
        }
        match event {
            Event::Submit(submissions) => self.submit(submissions),
            Event::Begin => self.begun += 1,
            Event::Complete => self.begun = self.begun.saturating_sub(1),
            Event::Hold(keys) => keys.iter().for_each(|key| self.hold(key)),
            Event::Release(keys) => keys.iter().for_each(|key| self.release(key)),
            Event::Detach(keys) => keys.iter().for_each(|key| self.detach(key)),
            Event::Cancel { keys, reason, force } => self.cancel(&keys, &reason, force),
            Event::Retry(keys) => self.retry(&keys),
            Event::Want(keys) => keys.iter().for_each(|key| self.want(key)),
            Event::Scatter(scatter) => self.scatter(scatter),
            Event::WatchWorkers => self.watch_workers(now),
            Event::Close => self.close(now),
            Event::Connected { client_id } => self.connected(client_id),
            Event::ConnectionLost => self.connection_lost(),
            Event::Stream(message) => self.handle_stream(now, message),
            Event::RpcReply { id, reply } => self.handle_reply(now, id, Ok(reply)),
            Event::RpcFailed { id, why } => self.handle_reply(now, id, Err(why)),
            Event::Timer => self.handle_timer(now),
        }
        self.ask_for_values();
        self.set_timer();
    }

    /// Takes the next action to carry out. Drain after every `handle`, and after every `poll_flush`.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// How many messages came whose kind is not known.
    #[cfg(test)]
    pub(crate) fn unknown_ops(&self) -> u64 {
        self.unknown_ops
    }

    /// Whether `key` stands for work that is not `work`. Then a submission of it is not taken.
    pub(crate) fn is_conflict(&self, key: &TaskKey, work: &Work) -> bool {
        self.table.get(key).is_some_and(|task| task.work().is_none_or(|known| **known != *work))
    }

    /// Whether nothing is known of any key, and nothing waits for an answer about one.
    pub(crate) fn is_idle(&self) -> bool {
        let outgoing = &self.outgoing;
        let lists = [&outgoing.releases, &outgoing.reports, &outgoing.detaches];
        self.table.is_empty()
            && self.limbo.is_empty()
            && self.requests.is_idle()
            && self.gathering.is_idle()
            && self.scatters.is_empty()
            && outgoing.cancels.is_empty()
            && lists.iter().all(|list| list.is_empty())
    }

    /// How many keys it knows of, also those that are there for others only.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Nothing goes to a scheduler any more: what is asked for after the end is cancelled.
    fn handle_after_close(&mut self, event: Event) {
        let keys: Vec<_> = match event {
            Event::Submit(submissions) => {
                submissions.into_iter().filter(|task| task.held).map(|submission| submission.key).collect()
            }
            Event::Hold(keys) | Event::Retry(keys) => keys,
            Event::Scatter(scatter) => scatter.values.into_iter().map(|(key, _)| key).collect(),
            _ => return,
        };
        for key in keys {
            let reason = CLIENT_CLOSED.into();
            self.actions.push_back(Action::Resolve { key, outcome: Outcome::Cancelled { reason } });
        }
    }
}
