//! Clients that no user sees.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Error;
use crate::client::{Client, ClientState};
use crate::engine::local;
use crate::runtime::Runtime;

/// A client with an embedded engine of its own, for what is no user's.
pub(crate) fn embedded<R: Runtime>(runtime: R, threads: usize, name: &str) -> Result<Client<R>, Error> {
    let settings = local::Settings {
        threads,
        name: name.to_owned(),
        resources: BTreeMap::new(),
        unrunnable_timeout: Duration::ZERO,
    };
    let engine = local::Engine::start(runtime.clone(), settings)?;
    let state = ClientState::new(&engine, true)?;
    engine.release();
    Ok(Client::new(runtime, state))
}
