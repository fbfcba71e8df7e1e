//! The way of values to workers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::dask::client::state::outcome::is_pending;
use crate::engine::dask::client::state::request::Request;
use crate::engine::dask::client::state::{ClientState, Place, Source, Task};
use crate::engine::dask::client::{Action, Broadcast, Loss, Report, Scatter, Through, messages};
use crate::engine::dask::wire::{Serialized, TaskKey, Value};

impl ClientState {
    pub(super) fn scatter(&mut self, mut scatter: Scatter) {
        scatter.values.retain(|(key, _)| self.enter_scattered(key));
        if scatter.values.is_empty() {
            return;
        }
        self.scatters.push(scatter);
        self.send_scatters();
    }

    /// Whether the value is to be sent. One that is there already, or on its way, is held again.
    fn enter_scattered(&mut self, key: &TaskKey) -> bool {
        let Some(task) = self.table.get(key) else {
            self.table.insert(key, Task::new(Source::Scattered, Arc::new([]), true), Place::Scattering);
            return true;
        };
        if !matches!(task.source, Source::Scattered) {
            self.actions.push_back(Action::Conflict { key: key.clone() });
            return false;
        }
        if matches!(task.place, Place::Scattering | Place::Sent { wanted: true }) {
            self.hold(key);
            return false;
        }
        self.reset(key);
        if let Some(task) = self.table.get_mut(key) {
            task.held = true;
        }
        self.table.set_place(key, Place::Scattering);
        true
    }

    /// Sends what waits for the connection, or for the end of the last lives of its keys.
    pub(super) fn send_scatters(&mut self) {
        let Some(client_id) = self.connection.registered_as() else { return };
        // A request overtakes the stream: a release that is under way would take the new value.
        let is_in_limbo = |scatter: &Scatter| scatter.values.iter().any(|(key, _)| self.limbo.contains_key(key));
        let (waiting, ready): (_, Vec<_>) = std::mem::take(&mut self.scatters).into_iter().partition(is_in_limbo);
        self.scatters = waiting;
        for scatter in ready {
            let Scatter { values, workers, broadcast, through } = scatter;
            let is_direct = through == Through::Workers && broadcast == Broadcast::One && workers.is_empty();
            let address = is_direct.then(|| self.workers.next()).flatten();
            match address {
                Some(address) => {
                    let message = messages::update_data_of_worker(values.clone());
                    let request = Request::ScatterTo { address: Arc::clone(&address), values };
                    self.request_of(address, request, message, false);
                }
                None => self.scatter_through_scheduler(values, &workers, broadcast, &client_id),
            }
        }
    }

    fn scatter_through_scheduler(
        &mut self,
        values: Vec<(TaskKey, Serialized)>,
        workers: &[Arc<str>],
        broadcast: Broadcast,
        client_id: &Arc<str>,
    ) {
        let keys = values.iter().map(|(key, _)| key.clone()).collect();
        self.request(Request::Scatter(keys), messages::scatter(values, workers, client_id, broadcast));
    }

    pub(super) fn handle_scattered_to(
        &mut self,
        address: Arc<str>,
        values: Vec<(TaskKey, Serialized)>,
        reply: Option<Value>,
    ) {
        let Some(client_id) = self.connection.registered_as() else { return };
        let reply = reply.filter(|reply| reply.get("status").and_then(Value::as_str) == Some("OK"));
        let Some(reply) = reply else { return self.scatter_through_scheduler(values, &[], Broadcast::One, &client_id) };
        let said: BTreeMap<_, _> = reply
            .get("nbytes")
            .and_then(Value::entries)
            .unwrap_or_default()
            .iter()
            .filter_map(|(key, nbytes)| Some((TaskKey::of_value(key)?, u64::try_from(nbytes.as_i64()?).ok()?)))
            .collect();
        let keys = values.into_iter().map(|(key, value)| {
            let nbytes = said.get(&key).copied();
            (key, nbytes.unwrap_or_else(|| value.frames.iter().map(|frame| frame.len() as u64).sum()))
        });
        let keys: Vec<_> = keys.collect();
        let message = messages::update_data_of_scheduler(&keys, &address, &client_id);
        self.request(Request::UpdateData(keys.into_iter().map(|(key, _)| key).collect()), message);
    }

    /// From now on, the scheduler keeps these for this client; before, a release would have come too early.
    pub(super) fn handle_scattered(&mut self, keys: &[TaskKey], reply: Result<Value, Arc<str>>) {
        let problem = reply.err();
        if problem.is_some() {
            self.actions.push_back(Action::Report(Report::RequestFailed("scatter")));
        }
        for key in keys {
            if !self.table.get(key).is_some_and(|task| task.place == Place::Scattering) {
                continue;
            }
            match &problem {
                None => {
                    self.table.set_place(key, Place::Sent { wanted: true });
                    self.finish(key);
                }
                Some(problem) => {
                    self.table.set_place(key, Place::Gone);
                    self.lose(key, Loss::NotScattered(Arc::clone(problem)), is_pending);
                }
            }
        }
        self.table.stop_waiting();
    }
}
