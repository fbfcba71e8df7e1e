//! Requests that wait for their replies.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::dask::client::state::ClientState;
use crate::engine::dask::client::{Action, RpcId};
use crate::engine::dask::wire::{Serialized, TaskKey, Value};
use crate::runtime::Instant;

/// What a request is about.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Versions,
    Identity,
    /// Whether the scheduler can look up a worker.
    LookUp(Arc<str>),
    Gather(Vec<TaskKey>),
    WhoHas(Vec<TaskKey>),
    GetData(Vec<TaskKey>),
    Scatter(Vec<TaskKey>),
    /// Values that went to one worker. They are kept in case that it does not take them.
    ScatterTo {
        address: Arc<str>,
        values: Vec<(TaskKey, Serialized)>,
    },
    /// That a worker has scattered values.
    UpdateData(Vec<TaskKey>),
    /// Tasks that are to run again, or to be placed again.
    Retry(Vec<TaskKey>),
    /// Other workers for tasks whose workers have gone, which are then to be placed again.
    Restrict(Vec<TaskKey>),
}

#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: BTreeMap<RpcId, Request>,
    next_id: u64,
}

impl Requests {
    pub(super) fn is_idle(&self) -> bool {
        // What the client asks for itself says nothing of keys.
        self.waiting
            .values()
            .all(|request| matches!(request, Request::Versions | Request::Identity | Request::LookUp(_)))
    }

    pub(super) fn count(&self, is_counted: impl Fn(&Request) -> bool) -> usize {
        self.waiting.values().filter(|request| is_counted(request)).count()
    }

    /// No replies come any more.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    fn add(&mut self, request: Request) -> RpcId {
        let id = RpcId(self.next_id);
        self.next_id += 1;
        self.waiting.insert(id, request);
        id
    }
}

impl ClientState {
    /// Asks the scheduler.
    pub(super) fn request(&mut self, request: Request, message: Value) {
        let id = self.requests.add(request);
        self.actions.push_back(Action::SchedulerRpc { id, message });
    }

    /// Asks a worker.
    pub(super) fn request_of(&mut self, address: Arc<str>, request: Request, message: Value, confirm: bool) {
        let id = self.requests.add(request);
        self.actions.push_back(Action::WorkerRpc { id, address, message, confirm });
    }

    /// Or why there is no reply. Replies to requests of an earlier connection are not heard.
    pub(super) fn handle_reply(&mut self, now: Instant, id: RpcId, reply: Result<Value, Arc<str>>) {
        let Some(request) = self.requests.waiting.remove(&id) else { return };
        let request = match request {
            Request::Scatter(keys) | Request::UpdateData(keys) => return self.handle_scattered(&keys, reply),
            Request::LookUp(worker) => return self.handle_looked_up(worker, reply),
            request => request,
        };
        let reply = reply.ok();
        match request {
            Request::Scatter(_) | Request::UpdateData(_) | Request::LookUp(_) => {}
            Request::Versions => self.handle_versions(reply),
            Request::Identity => self.handle_identity(now, reply),
            Request::Gather(keys) => self.handle_gather(now, &keys, reply),
            Request::WhoHas(keys) => self.handle_who_has(now, &keys, reply),
            Request::GetData(keys) => self.handle_get_data(now, &keys, reply),
            Request::ScatterTo { address, values } => self.handle_scattered_to(address, values, reply),
            // How they go on, the stream says.
            Request::Retry(keys) if reply.is_none() => self.handle_retry_failed(&keys),
            Request::Retry(_) => {}
            Request::Restrict(keys) => self.handle_restricted(&keys, reply),
        }
    }
}
