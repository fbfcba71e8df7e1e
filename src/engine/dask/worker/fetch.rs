//! Data of other workers.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::dask::comm::{Address, CommError, Pool};
use crate::engine::dask::wire::{TaskKey, Value, WireError};
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
    let data = reply.get("data").map_or(Ok(Vec::new()), data_of);
    let data = data.map_err(|source| CommError::Malformed { peer: address, source })?;
    bandwidth.measure(peer, data.iter().map(|(_, datum)| datum.nbytes).sum(), time);
    Ok(Some(data))
}

/// A map of keys to data.
///
/// # Errors
///
/// Something in it is none.
pub(super) fn data_of(data: &Value) -> Result<Vec<(TaskKey, Data<Datum>)>, WireError> {
    let entry = |(key, value): &(Value, Value)| match value {
        Value::Serialized(value) => Some((TaskKey::of_value(key)?, datum(value.clone()))),
        _ => None,
    };
    let expected = "a map of keys to data";
    let entries = data.entries().and_then(|entries| entries.iter().map(entry).collect());
    entries.ok_or(WireError::Field { of: "a message with data", name: "data", expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::dask::wire::Serialized;

    #[test]
    fn what_is_no_datum_is_told_and_not_left_out() {
        let datum = || Value::Serialized(Serialized::of_exception("ValueError", "no", "failed"));
        assert_eq!(data_of(&Value::Map(vec![("a".into(), datum()), ("b".into(), datum())])).unwrap().len(), 2);
        for strange in
            [Value::Map(vec![("a".into(), datum()), ("b".into(), Value::Int(1))]), Value::List(Vec::new()), Value::Nil]
        {
            assert!(matches!(data_of(&strange), Err(WireError::Field { .. })), "{strange:?}");
        }
    }
}
