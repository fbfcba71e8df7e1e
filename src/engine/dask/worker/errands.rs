//! What a worker does beside the stream: it fetches data, has tasks placed elsewhere, and hands its data over.

use std::sync::Arc;

use crate::engine::dask::comm::{Address, CommError, Pool, WORK_LIMIT, request};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::arrivals::Arrival;
use crate::engine::dask::worker::driver::Driver;
use crate::engine::dask::worker::ending::{chain, unix_time};
use crate::engine::dask::worker::fetch::fetch;
use crate::engine::dask::worker::ops::ANYDASK;
use crate::engine::dask::worker::shell::{Fetch, Shell};
use crate::engine::dask::worker::state::{Declined, Event, FetchEnd};
use crate::engine::local::quietly;
use crate::runtime::Runtime;

impl<R: Runtime> Driver<R> {
    pub(super) fn fetch(&self, shell: &Arc<Shell>, wanted: Fetch) -> R::Task<()> {
        let (pool, shell, identity) = (self.pool.clone(), Arc::clone(shell), Arc::clone(&self.identity));
        let bandwidth = Arc::clone(self.server.bandwidth());
        let fetching = async move {
            let Fetch { transfer, peer, keys } = wanted;
            let start = unix_time();
            let end = match fetch(&pool, &bandwidth, &peer, &keys, &identity.address).await {
                Ok(Some(data)) => {
                    shell.arrived(&data, &Arrival { peer, start, stop: unix_time() });
                    FetchEnd::Arrived(data)
                }
                Ok(None) => FetchEnd::Busy,
                Err(error) => {
                    let why = chain(&error);
                    _ = quietly(
                        || tracing::warn!(target: "anydask", %peer, error = why, "data of a peer did not come"),
                    );
                    match error {
                        CommError::Malformed { .. } => FetchEnd::Unreadable { why: why.into() },
                        _ => FetchEnd::Failed,
                    }
                }
            };
            shell.handle(Event::FetchEnded { transfer, end });
        };
        self.runtime.spawn(fetching)
    }

    /// Has Python tasks placed where there is Python.
    pub(super) fn decline(&self, shell: &Arc<Shell>, keys: Vec<TaskKey>) -> R::Task<()> {
        let (pool, scheduler, shell) = (self.pool.clone(), self.scheduler.clone(), Arc::clone(shell));
        let declining = async move {
            let declined = match restrict(&pool, &scheduler, &keys).await {
                Ok(true) => Declined::Restricted,
                Ok(false) => {
                    let tasks = keys.len();
                    _ = quietly(|| {
                        tracing::warn!(target: "anydask", tasks, "there is no Python worker for tasks of Python");
                    });
                    Declined::Failed
                }
                Err(error) => {
                    _ = quietly(|| tracing::warn!(target: "anydask", %error, "tasks of Python could not be declined"));
                    Declined::Failed
                }
            };
            shell.handle(Event::PythonDeclined(declined));
        };
        self.runtime.spawn(declining)
    }

    /// Has the data of this worker moved elsewhere.
    pub(super) fn retire(&self, shell: &Arc<Shell>) -> R::Task<()> {
        // The scheduler answers when the data is elsewhere.
        let pool = self.pool.with_silence(WORK_LIMIT);
        let (scheduler, shell) = (self.scheduler.clone(), Arc::clone(shell));
        let address = self.identity.address.clone();
        let retiring = async move {
            let fields = [
                ("workers", Value::List(vec![address.as_str().into()])),
                ("close_workers", false.into()),
                ("remove", true.into()),
                ("stimulus_id", "retire-anydask".into()),
            ];
            match pool.call(&scheduler, &request("retire_workers", fields)).await {
                Ok(retired) if retired.get(&address).is_some() => {}
                Ok(_) => {
                    _ = quietly(|| {
                        tracing::warn!(
                            target: "anydask", worker = address,
                            "the worker leaves, and no other could take what only this one has"
                        );
                    })
                }
                Err(error) => {
                    _ = quietly(|| {
                        tracing::warn!(target: "anydask", %error, "the worker leaves without handing its data over");
                    })
                }
            }
            shell.handle(Event::Retired);
        };
        self.runtime.spawn(retiring)
    }
}

/// Restricts tasks to the Python workers. False if there are none.
async fn restrict<R: Runtime>(pool: &Pool<R>, scheduler: &Address, keys: &[TaskKey]) -> Result<bool, CommError> {
    let identity = pool.call(scheduler, &request("identity", [("n_workers", Value::Int(-1))])).await?;
    let workers = identity.get("workers").and_then(Value::entries).unwrap_or_default();
    let is_python = |worker: &Value| worker.get("resources").is_none_or(|all| all.get(ANYDASK).is_none());
    let python = workers.iter().filter(|(_, worker)| is_python(worker)).map(|(address, _)| address.clone());
    let python: Vec<_> = python.collect();
    if python.is_empty() {
        return Ok(false);
    }
    let restrictions = keys.iter().map(|key| (key.to_value(), Value::List(python.clone()))).collect();
    pool.call(scheduler, &request("set_restrictions", [("worker", Value::Map(restrictions))])).await?;
    Ok(true)
}
