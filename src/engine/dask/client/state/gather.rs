//! The way of values to the client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::dask::client::state::request::Request;
use crate::engine::dask::client::state::{ClientState, Fetch, OnLost, Source, Status, Task};
use crate::engine::dask::client::{Action, Loss, Through, messages};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::runtime::Instant;

/// Requests for values at one time. Who waits meanwhile goes with the next: so many small waits become few large requests.
const REQUESTS_MAX: usize = 8;

/// Keys of one request. All values of a reply are in memory at once, at the scheduler and here.
const KEYS_MAX: usize = 1000;

/// How often a value that the scheduler says is there is asked for. With the delays between them, 6.3 s: more than a worker needs
/// that is only busy, and less than a user takes for a hang.
const TRIES_MAX: u32 = 8;

/// The delay after the first try in vain. Each further one is twice as long.
const DELAY: Duration = Duration::from_millis(50);

/// How often a value that no worker gives is made anew.
pub(super) const RESENDS_MAX: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// Those that the next request asks for, by sequence.
    ready: BTreeMap<u64, TaskKey>,
    delayed: BTreeMap<Instant, Vec<TaskKey>>,
}

impl Gathering {
    pub(super) fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.delayed.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn next_delay(&self) -> Option<Instant> {
        self.delayed.keys().next().copied()
    }
}

impl ClientState {
    pub(super) fn want(&mut self, key: &TaskKey) {
        let Some(task) = self.table.get_mut(key).filter(|task| task.held && task.fetch == Fetch::Unwanted) else {
            return;
        };
        match task.status {
            Status::Pending => task.fetch = Fetch::Wanted,
            Status::Finished => self.set_ready(key),
            // It may be pending again by now, which the scheduler is about to say.
            Status::Erred { .. } => task.fetch = Fetch::Wanted,
        }
    }

    pub(super) fn set_ready(&mut self, key: &TaskKey) {
        if let Some(task) = self.table.get_mut(key) {
            task.fetch = Fetch::Ready;
            self.gathering.ready.insert(task.sequence, key.clone());
        }
    }

    /// The scheduler has said that a key is in memory: also, where it was asked because a worker did not give it.
    pub(super) fn handle_found(&mut self, now: Instant, key: &TaskKey) {
        if self.table.get(key).is_some_and(|task| task.fetch == Fetch::Missed) {
            self.delay(now, key);
        }
    }

    /// Asks for the values that are ready, as far as requests may be made.
    pub(super) fn ask_for_values(&mut self) {
        if self.connection.registered_as().is_none() {
            return;
        }
        let is_for_values =
            |request: &Request| matches!(request, Request::Gather(_) | Request::WhoHas(_) | Request::GetData(_));
        while !self.gathering.ready.is_empty() && self.requests.count(is_for_values) < REQUESTS_MAX {
            let (mut through_scheduler, mut through_workers) = (Vec::new(), Vec::new());
            while through_scheduler.len() + through_workers.len() < KEYS_MAX {
                let Some((_, key)) = self.gathering.ready.pop_first() else { break };
                let through = self.config.gather;
                // Who was released, or is pending again, is no longer ready.
                let Some(task) = self.table.get_mut(&key).filter(|task| task.fetch == Fetch::Ready) else { continue };
                task.fetch = Fetch::Asked;
                match is_through_workers(through, task) {
                    true => through_workers.push(key),
                    false => through_scheduler.push(key),
                }
            }
            if !through_scheduler.is_empty() {
                let message = messages::gather(&through_scheduler);
                self.request(Request::Gather(through_scheduler), message);
            }
            if !through_workers.is_empty() {
                let message = messages::who_has(&through_workers);
                self.request(Request::WhoHas(through_workers), message);
            }
        }
    }

    /// All values, or the keys of those that no worker gave.
    pub(super) fn handle_gather(&mut self, now: Instant, keys: &[TaskKey], reply: Option<Value>) {
        let Some(reply) = reply else { return self.fail_all(now, keys) };
        match (reply.get("status").and_then(Value::as_str), reply.get("keys").and_then(Value::items)) {
            (Some("OK"), _) => self.deliver_all(keys, &reply),
            (Some("error"), Some(missing)) => {
                let missing: Vec<_> = missing.iter().filter_map(TaskKey::of_value).collect();
                missing.iter().filter(|key| keys.contains(key)).for_each(|key| self.miss(key));
                // The values of the others were not in the reply.
                for key in keys {
                    if self.is_asked(key) {
                        self.set_ready(key);
                    }
                }
                if missing.is_empty() {
                    self.fail_all(now, keys);
                }
            }
            _ => self.fail_all(now, keys),
        }
    }

    pub(super) fn handle_who_has(&mut self, now: Instant, keys: &[TaskKey], reply: Option<Value>) {
        let Some(who_has) = reply.as_ref().and_then(Value::entries) else { return self.fail_all(now, keys) };
        let holders: BTreeMap<_, _> = who_has
            .iter()
            .filter_map(|(key, holders)| {
                let holders = holders.items()?.iter().filter_map(Value::as_str).collect::<Vec<_>>();
                Some((TaskKey::of_value(key)?, holders))
            })
            .collect();
        let mut by_address: BTreeMap<Arc<str>, Vec<TaskKey>> = BTreeMap::new();
        for key in keys {
            let Some(task) = self.table.get(key).filter(|task| task.fetch == Fetch::Asked) else { continue };
            let holders = holders.get(key).map(Vec::as_slice).unwrap_or_default();
            // Another at each try, and not the first of all.
            let index = (task.sequence + u64::from(task.tries)).checked_rem(holders.len() as u64);
            match index.and_then(|index| holders.get(index as usize)) {
                Some(address) => by_address.entry((*address).into()).or_default().push(key.clone()),
                None => self.miss(key),
            }
        }
        for (address, keys) in by_address {
            let message = messages::get_data(&keys);
            self.request_of(address, Request::GetData(keys), message, true);
        }
    }

    pub(super) fn handle_get_data(&mut self, now: Instant, keys: &[TaskKey], reply: Option<Value>) {
        match reply {
            Some(reply) if reply.get("status").and_then(Value::as_str) == Some("OK") => self.deliver_all(keys, &reply),
            // It is busy, cannot be reached from here, or says what it should not.
            _ => self.fail_all(now, keys),
        }
    }

    fn deliver_all(&mut self, keys: &[TaskKey], reply: &Value) {
        for (key, value) in reply.get("data").and_then(Value::entries).unwrap_or_default() {
            let (Some(key), Value::Serialized(data)) = (TaskKey::of_value(key), value) else { continue };
            if !self.is_asked(&key) || !keys.contains(&key) {
                continue;
            }
            if let Some(task) = self.table.get_mut(&key) {
                (task.fetch, task.tries) = (Fetch::Unwanted, 0);
            }
            self.actions.push_back(Action::Deliver { key, data: data.clone() });
        }
        keys.iter().for_each(|key| self.miss(key));
    }

    fn is_asked(&self, key: &TaskKey) -> bool {
        self.table.get(key).is_some_and(|task| task.fetch == Fetch::Asked)
    }

    /// The value was not where it should be. What the scheduler knows of it decides: that it is there, and then it is asked for
    /// again; that it is lost, and then it is made again; or that it knows nothing of it.
    fn miss(&mut self, key: &TaskKey) {
        if self.is_asked(key) && self.has_tries_left(key) {
            if let Some(task) = self.table.get_mut(key) {
                task.fetch = Fetch::Missed;
            }
            self.outgoing.reports.push(key.clone());
        }
    }

    /// There was no usable reply.
    fn fail_all(&mut self, now: Instant, keys: &[TaskKey]) {
        for key in keys {
            if self.is_asked(key) && self.has_tries_left(key) {
                self.delay(now, key);
            }
        }
    }

    /// Counts a try. A value that nobody gives is made anew, or is lost.
    fn has_tries_left(&mut self, key: &TaskKey) -> bool {
        let Some(task) = self.table.get_mut(key) else { return false };
        task.tries += 1;
        if task.tries < TRIES_MAX {
            return true;
        }
        task.tries = 0;
        task.resends += 1;
        let can_be_made = matches!(task.source, Source::Work(..)) && task.resends <= RESENDS_MAX;
        if can_be_made && self.config.on_lost == OnLost::Resubmit {
            self.reset(key);
            self.renew(key);
        } else {
            self.lose(key, Loss::Unavailable, super::outcome::is_pending);
        }
        false
    }

    fn delay(&mut self, now: Instant, key: &TaskKey) {
        let Some(task) = self.table.get_mut(key) else { return };
        task.fetch = Fetch::Delayed;
        let at = now + DELAY * 2_u32.pow(task.tries.saturating_sub(1).min(TRIES_MAX));
        self.gathering.delayed.entry(at).or_default().push(key.clone());
    }

    pub(super) fn end_delays(&mut self, now: Instant) {
        while let Some(entry) = self.gathering.delayed.first_entry().filter(|entry| *entry.key() <= now) {
            for key in entry.remove() {
                if self.table.get(&key).is_some_and(|task| task.fetch == Fetch::Delayed) {
                    self.set_ready(&key);
                }
            }
        }
    }
}

/// The other way than usual comes last: one of the two may be open where the other is not.
fn is_through_workers(through: Through, task: &Task) -> bool {
    match through {
        Through::Workers => task.tries < 2,
        Through::Scheduler => task.tries == TRIES_MAX - 1,
    }
}
