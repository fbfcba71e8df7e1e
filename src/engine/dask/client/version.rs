//! Which schedulers speak what this client speaks.

use std::fmt;

use crate::engine::dask::client::ConnectError;
use crate::engine::dask::wire::Value;

/// A calendar version of `distributed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) year: u32,
    pub(crate) month: u32,
    pub(crate) patch: u32,
}

impl Version {
    /// The first whose `update-graph` takes `expr_ser`. A field that a scheduler does not know ends the connection, so older
    /// ones are refused before anything is sent.
    pub(crate) const OLDEST: Self = Self { year: 2025, month: 4, patch: 0 };

    /// Reads `2026.8.0`, and what follows on it as in `2026.8.0+3.gabc`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.').map(|part| {
            let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
            part.get(..end).and_then(|digits| digits.parse().ok())
        });
        let (year, month) = (parts.next()??, parts.next()??);
        Some(Self { year, month, patch: parts.next().flatten().unwrap_or(0) })
    }

    /// The version in the reply to `versions`, if this client speaks it.
    pub(crate) fn of_reply(reply: &Value) -> Result<Self, ConnectError> {
        let text = reply.get("packages").and_then(|packages| packages.get("distributed")).and_then(Value::as_str);
        let found = text.and_then(Self::parse).ok_or(ConnectError::NoVersion)?;
        if found < Self::OLDEST { Err(ConnectError::TooOld { found, needed: Self::OLDEST }) } else { Ok(found) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.year, self.month, self.patch)
    }
}
