//! Data of other workers.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::dask::comm::{Address, CommError, Pool};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::server::datum;
use crate::engine::dask::worker::shell::Datum;
use crate::engine::dask::worker::state::Data;
use crate::engine::dask::worker::transfers::Bandwidth;
use crate::runtime::Runtime;

/// Asks a peer for data. What it does not have is left out; `None` if it is busy.
///
/// # Errors
///
/// It cannot be reached, or gives no such answer.
pub(super) async fn fetch<R: Runtime>(
    pool: &Pool<R>,
    bandwidth: &Bandwidth,
    peer: &Arc<str>,
    keys: &[TaskKey],
    own_address: &str,
) -> Result<Option<Vec<(TaskKey, Data<Datum>)>>, CommError> {
    let request = Value::map([
        ("op", "get_data".into()),
        ("reply", true.into()),
        ("keys", Value::List(keys.iter().map(TaskKey::to_value).collect())),
        ("who", own_address.into()),
    ]);
    let address: Address = peer.parse()?;
    let mut connection = pool.lend(&address).await?;
    let asked_at = Instant::now();
    let reply = connection.call(&request).await?;
    let time = asked_at.elapsed();
    match reply.get("status").and_then(Value::as_str) {
        Some("busy") => return Ok(None),
        Some("OK") => {}
        _ => return Err(CommError::unexpected(&address, "get_data")),
    }
    // The peer waits for it, before it takes another request.
    connection.send(&"OK".into()).await?;
    let data = reply.get("data").map(data_of).unwrap_or_default();
    bandwidth.measure(peer, data.iter().map(|(_, datum)| datum.nbytes).sum(), time);
    Ok(Some(data))
}

/// A map of keys to data.
pub(super) fn data_of(data: &Value) -> Vec<(TaskKey, Data<Datum>)> {
    let entries = data.entries().unwrap_or_default().iter();
    let entry = |(key, value): &(Value, Value)| match value {
        Value::Serialized(value) => Some((TaskKey::of_value(key)?, datum(value.clone()))),
        _ => None,
    };
    entries.filter_map(entry).collect()
}
