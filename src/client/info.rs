//! Looking inside an engine.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::runtime::Runtime;

/// What an engine has and does at one moment; see [`Client::info`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Info {
    /// How many CPU tasks can run at once.
    pub threads: usize,
    /// CPU tasks whose bodies are on a thread, also those that wait inside for others.
    pub running: usize,
    /// Asynchronous tasks that run.
    pub asynchronous: usize,
    /// Tasks that are ready and wait for a thread, with those among them that were cancelled, or run by a task that
    /// waited for them, until a thread has passed over them.
    pub queued: usize,
    /// Tasks that are ready and wait for resources.
    pub waiting_for_resources: usize,
    /// The resources by name.
    pub resources: BTreeMap<String, ResourceInfo>,
}

/// An abstract resource.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResourceInfo {
    /// How much there is in all.
    pub total: f64,
    /// How much of it no task holds.
    pub available: f64,
}

impl<R: Runtime> Client<R> {
    /// What the engine has and does now. Never waits; the numbers are read one after the other while work goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::builder().threads(2).resources([("gpu", 1.0)]).local().wait()?;
    /// let info = client.info();
    /// assert_eq!((info.threads, info.running, info.queued), (2, 0, 0));
    /// assert_eq!(info.resources["gpu"].available, 1.0);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn info(&self) -> Info {
        let occupancy = self.inner.engine.occupancy();
        let resources = self.inner.engine.resources().into_iter();
        Info {
            threads: self.threads(),
            running: occupancy.running,
            asynchronous: occupancy.asynchronous,
            queued: occupancy.queued,
            waiting_for_resources: occupancy.waiting_for_resources,
            resources: resources.map(|(name, total, available)| (name, ResourceInfo { total, available })).collect(),
        }
    }
}
