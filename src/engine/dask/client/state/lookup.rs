//! Whether the scheduler can look up the workers that tasks name.
//!
//! Of each `host:port` in a graph, the scheduler looks up the host. When it cannot, the whole graph errs, and tasks of it stay
//! half made, so that each later graph errs in which something depends on them. So such names are looked up before, by a
//! request that harms nothing else. Numeric addresses need no look-up, and what has no port is never looked up.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::engine::dask::client::messages;
use crate::engine::dask::client::state::outcome::is_pending;
use crate::engine::dask::client::state::request::Request;
use crate::engine::dask::client::state::{ClientState, Place, Source, Task};
use crate::engine::dask::wire::pickle::Pickle;
use crate::engine::dask::wire::{TaskKey, Value};

/// The class of Python's error where there is no such host. All others that a look-up may meet, a graph survives.
const NO_SUCH_HOST: &str = "gaierror";

/// The names that were looked up on this connection.
#[derive(Debug, Default)]
pub(super) struct Lookups(BTreeMap<Arc<str>, Lookup>);

#[derive(Debug, PartialEq)]
enum Lookup {
    Asked,
    Found,
}

impl Lookups {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl ClientState {
    /// Whether the task names a worker of which is not known yet that it can be looked up. The scheduler has been asked then.
    pub(super) fn awaits_lookup(&mut self, key: &TaskKey) -> bool {
        let unknown: Vec<_> = self
            .table
            .get(key)
            .map(named_workers)
            .unwrap_or_default()
            .iter()
            .filter(|worker| has_host_name(worker) && self.lookups.0.get(*worker) != Some(&Lookup::Found))
            .cloned()
            .collect();
        let awaits = !unknown.is_empty();
        for worker in unknown {
            if self.lookups.0.insert(Arc::clone(&worker), Lookup::Asked).is_none() {
                let message = messages::ncores(&worker);
                self.request(Request::LookUp(worker), message);
            }
        }
        awaits
    }

    pub(super) fn handle_looked_up(&mut self, worker: Arc<str>, reply: Result<Value, Arc<str>>) {
        match reply {
            Err(why) if why.contains(NO_SUCH_HOST) => {
                // It may be there when it is named again.
                self.lookups.0.remove(&worker);
                self.err_all_of(&worker, &why);
            }
            _ => _ = self.lookups.0.insert(worker, Lookup::Found),
        }
        self.table.stop_waiting();
    }

    /// Errs the tasks that wait for `worker`, and what depends on them, of which the scheduler knows nothing yet.
    fn err_all_of(&mut self, worker: &Arc<str>, why: &str) {
        let names_it = |(_, task): &(&TaskKey, &Task)| named_workers(task).contains(worker);
        let keys: Vec<_> = self.table.waiting().filter(names_it).map(|(key, _)| key.clone()).collect();
        let message = format!("the scheduler cannot look up the worker `{worker}`: {why}");
        let exception = Pickle::call(Pickle::global("builtins", "OSError"), [message.as_str().into()]).dumps();
        for key in keys {
            let dependents = self.table.dependents_of(&key, is_pending);
            self.table.set_place(&key, Place::Gone);
            self.err(&key, Value::Bin(exception.clone()), Value::Nil);
            for dependent in &dependents {
                self.inherit_error(dependent);
            }
            for key in std::iter::once(&key).chain(&dependents) {
                self.table.sweep(key);
            }
        }
    }
}

/// The workers that the user has chosen for a task.
fn named_workers(task: &Task) -> &[Arc<str>] {
    match &task.source {
        Source::Work(_, options) => &options.workers,
        Source::Scattered | Source::Foreign => &[],
    }
}

/// Whether it is a host's name with a port, as far as the scheduler sees it.
fn has_host_name(worker: &str) -> bool {
    let address = worker.split_once("://").map_or(worker, |(_, address)| address);
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let is_numeric = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    port.bytes().all(|digit| digit.is_ascii_digit()) && !is_numeric
}

#[cfg(test)]
mod tests {
    use super::has_host_name;

    #[test]
    fn only_a_host_s_name_with_a_port_is_looked_up() {
        for worker in ["tcp://node-7:4000", "node-7:4000", "a:1", "tls://node.example:1"] {
            assert!(has_host_name(worker), "{worker}");
        }
        for worker in ["a", "node-7", "tcp://node-7", "tcp://127.0.0.1:4000", "127.0.0.1:1", "tcp://[::1]:4000", "a:b"]
        {
            assert!(!has_host_name(worker), "{worker}");
        }
    }
}
