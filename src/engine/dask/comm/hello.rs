//! The first message of each connection: both sides send it at once, then read the other's.

use crate::engine::dask::comm::error::Found;
use crate::engine::dask::comm::{CommError, Reader, Writer};
use crate::engine::dask::wire::{Limits, Value};
use crate::runtime::ByteStream;

/// Says hello and reads the peer's.
///
/// # Errors
///
/// What the peer is instead of a Dask.
pub(super) async fn exchange<S: ByteStream>(reader: &mut Reader<S>, writer: &mut Writer<S>) -> Result<(), CommError> {
    let written = writer.write(&ours()).await;
    let theirs = match (reader.read().await, written) {
        // What has been said tells more than that nobody listens any more.
        (Err(error), _) => return Err(failed(error, reader.first_bytes())),
        (Ok(_), Err(error)) => return Err(failed(error, reader.first_bytes())),
        (Ok(theirs), Ok(())) => theirs,
    };
    // They take what we offer, which is no compression and pickles of protocol 4, so that there is nothing to choose.
    if theirs.get("compression").is_none() {
        return Err(CommError::NotDask {
            address: reader.peer().clone(),
            found: Found::Bytes { first: reader.first_bytes().into() },
        });
    }
    reader.set_limits(Limits::default());
    Ok(())
}

/// No compression, ever: most of what is sent is small or already dense. Protocol 4 makes peers put the buffers
/// of a pickle into it. The version of Python is one that all of them know.
fn ours() -> Value {
    let python = [3_i64, 11, 0].map(Value::from).to_vec();
    Value::map([("compression", Value::Nil), ("python", Value::List(python)), ("pickle-protocol", Value::Int(4))])
}

/// What an error means in place of a hello.
pub(super) fn failed(error: CommError, first: &[u8]) -> CommError {
    let (address, found) = match error {
        CommError::Closed { peer, .. } if first.is_empty() => (peer, Found::NoHello),
        CommError::Closed { peer, .. } | CommError::Malformed { peer, .. } => (peer, found(first)),
        other => return other,
    };
    CommError::NotDask { address, found }
}

fn found(first: &[u8]) -> Found {
    if first.starts_with(b"HTTP/") {
        let line = first.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        return Found::Http { line: line.escape_ascii().to_string().into() };
    }
    match first {
        // An alert or a handshake, of any version: their first bytes are 3 and up to 4.
        [0x15 | 0x16, 3, 0..=4, ..] => Found::Tls,
        _ => Found::Bytes { first: first.into() },
    }
}
