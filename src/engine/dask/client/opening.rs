//! How a connection begins.

use std::sync::Arc;

use crate::engine::dask::client::connection::Connection;
use crate::engine::dask::client::driver::{Driver, Over};
use crate::engine::dask::client::{Config, OnLost, Through};
use crate::engine::dask::comm::{Address, CommError, Connector, Role, Security};
use crate::engine::dask::token::token;
use crate::engine::dask::tries::Patience;
use crate::engine::local::ClientState;
use crate::runtime::{Runtime, TaskHandle};

/// What a connection is made with.
pub(crate) struct Opening {
    pub(crate) address: Arc<str>,
    pub(crate) security: Option<Security>,
    pub(crate) on_lost: OnLost,
    /// Whether values come from the workers themselves.
    pub(crate) is_direct: bool,
    pub(crate) patience: Patience,
}

impl Opening {
    /// Begins to connect. Whatever comes of it is told by `poll_opened`.
    pub(crate) fn start<R: Runtime>(self, runtime: R, client: &Arc<ClientState>) -> Arc<Connection> {
        let gather = if self.is_direct { Through::Workers } else { Through::Scheduler };
        let config = Config { gather, on_lost: self.on_lost };
        let connection = Connection::new(Arc::clone(&self.address), runtime.erased(), config, token());
        let (opened, driven) = (Arc::clone(&connection), runtime.clone());
        // Made here, since a runtime may drop what it was given before it has run.
        let over = Over::new(Arc::clone(&connection), Arc::downgrade(client));
        let driving = async move {
            match self.connector(runtime.clone()).await {
                Ok(connector) => Driver::new(runtime, opened, connector, self.patience).run(over).await,
                Err(error) => over.fail(error),
            }
        };
        driven.spawn(driving).detach();
        connection
    }

    async fn connector<R: Runtime>(&self, runtime: R) -> Result<(Connector<R>, Address), CommError> {
        let address = self.address.parse()?;
        Ok((Connector::new(runtime, self.security.as_ref(), Role::Client).await?, address))
    }
}
