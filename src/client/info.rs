//! Looking inside an engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::client::{Client, ClientStatus};
use crate::engine::local;
use crate::runtime::Runtime;
use crate::task::{Key, TaskInfo};

/// What an engine has and does at one moment; see [`Client::info`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Info {
    /// How many CPU tasks can run at once.
    pub threads: usize,
    /// Clients that are open.
    pub clients: usize,
    /// Tasks that somebody holds, in whichever state, without those that were cancelled.
    pub tasks: usize,
    /// CPU tasks whose bodies are on a thread, also those that wait inside for others, and those that were cancelled
    /// and have not returned yet.
    pub running: usize,
    /// Asynchronous tasks that run.
    pub asynchronous: usize,
    /// Tasks that wait for inputs, or for their next run.
    pub waiting: usize,
    /// Tasks that are ready and wait for a thread.
    pub queued: usize,
    /// Those that are queued, by priority.
    pub priorities: BTreeMap<i32, usize>,
    /// Tasks that are ready and wait for resources.
    pub waiting_for_resources: usize,
    /// Those among them that want more than the engine has in all.
    pub unrunnable: Vec<Key>,
    /// Tasks that have failed.
    pub erred: usize,
    /// The tasks that have a value, with its size in bytes, 0 where it is not in this process; see [`TaskInfo::nbytes`].
    pub memory: BTreeMap<Key, u64>,
    /// The resources by name.
    pub resources: BTreeMap<String, ResourceInfo>,
}

/// An abstract resource.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ResourceInfo {
    /// How much there is in all.
    pub total: f64,
    /// How much of it no task holds.
    pub available: f64,
}

impl Info {
    pub(super) fn of(engine: &Arc<local::Engine>) -> Self {
        let occupancy = engine.occupancy();
        let resources = engine.resources().into_iter();
        Self {
            threads: engine.threads(),
            clients: occupancy.clients,
            tasks: occupancy.tasks,
            running: occupancy.running,
            asynchronous: occupancy.asynchronous,
            waiting: occupancy.waiting,
            queued: occupancy.queued,
            priorities: occupancy.priorities,
            waiting_for_resources: occupancy.constrained,
            unrunnable: occupancy.unrunnable,
            erred: occupancy.erred,
            memory: occupancy.memory,
            resources: resources.map(|(name, total, available)| (name, ResourceInfo { total, available })).collect(),
        }
    }
}

/// All that is known of an engine; see [`Client::dump`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Dump {
    /// Of this crate.
    pub version: &'static str,
    /// Of the engine.
    pub status: ClientStatus,
    /// What there is, in numbers.
    pub info: Info,
    /// Every task that somebody holds; those of each thread in the order in which it submitted them.
    pub tasks: Vec<TaskInfo>,
}

impl Dump {
    pub(super) fn of(engine: &Arc<local::Engine>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            status: engine.status().into(),
            info: Info::of(engine),
            tasks: engine.dump(),
        }
    }
}

impl<R: Runtime> Client<R> {
    /// What the engine has and does now, with the tasks of all of its clients. Never waits, and is never out of date: it
    /// looks at every task, one after the other, while work goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::builder().threads(2).resources([("gpu", 1.0)]).local().wait()?;
    /// let table = client.task(|| vec![0_u8; 1000], ()).key("table").submit();
    /// table.shared().wait()?;
    /// let info = client.info();
    /// assert_eq!((info.threads, info.queued), (2, 0));
    /// assert_eq!(info.resources["gpu"].available, 1.0);
    /// assert!(info.memory["table"] >= 1000);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn info(&self) -> Info {
        Info::of(self.state().engine())
    }

    /// All that is known of the engine and of each task, to be written down with serde: for bug reports, and for the
    /// question why something does not go on. Never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, asynchronous, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let never = client.task(asynchronous(|| std::future::pending::<i64>()), ()).key("never").submit();
    /// let after = client.task(|x: i64| x + 1, &never).key("after").submit();
    /// let dump = serde_json::to_value(client.dump()).unwrap();
    /// assert_eq!(dump["tasks"][1]["key"], "after");
    /// assert_eq!(dump["tasks"][1]["state"], "waiting");
    /// assert_eq!(dump["tasks"][1]["waiting_on"][0], "never");
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn dump(&self) -> Dump {
        Dump::of(self.state().engine())
    }
}
